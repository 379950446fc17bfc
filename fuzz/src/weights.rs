//! As `entry`, for what the trainer reads.
//!
//! The fuzz target and the corpus test of the `trainer` crate share this file.

use std::fs;
use std::path::Path;

use trainer::weights::{self, Description, WeightsError, WeightsFile};

/// One way to feed bytes to the program.
pub type Entry = fn(&[u8]);

/// Every entry point by the name of its target.
pub const ENTRIES: [(&str, Entry); 1] = [("weights", weights)];

/// A weights file. One that is understood has as many numbers as its shapes say, and is written and read
/// back to the same bytes.
pub fn weights(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let [given, once, twice] = ["given", "once", "twice"].map(|name| folder.path().join(name));
    fs::write(&given, bytes).expect("the file can be written");
    let file = match weights::read(&given) {
        Ok(file) => file,
        Err(error) => {
            assert!(error.to_string().contains(&given.display().to_string()), "{error}");
            return;
        }
    };
    assert!(file.tensors.values().all(|tensor| tensor.places() == Some(tensor.values.len())));
    check_description(&file);
    write(&once, &file);
    let read = weights::read(&once).expect("as it was written");
    assert_eq!(read.metadata, file.metadata);
    assert!(read.tensors.keys().eq(file.tensors.keys()));
    write(&twice, &read);
    assert_eq!(fs::read(&once).expect("it is there"), fs::read(&twice).expect("it is there"));
}

/// What the metadata say is understood again once it is written, or refused with a reason.
fn check_description(file: &WeightsFile) {
    let metadata = match file.description() {
        Ok(Some(description)) => description.to_metadata(),
        Ok(None) => return,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let again = Description::from_metadata(&metadata).expect("as it was written");
    assert_eq!(again.map(|again| again.to_metadata()), Some(metadata));
}

fn write(path: &Path, file: &WeightsFile) {
    let written: Result<(), WeightsError> = weights::write(path, &file.metadata, file.tensors.clone());
    written.expect("what was read can be written");
}
