//! Entries without a prediction, which are recorded on disk during the prediction and saved as a table at the end.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etl::reject::{Note, Reject};
use schemas::bounded;
use schemas::manifest::NotedEntries;
use schemas::text::cell;
use serde::Serialize;

use crate::atomic;
use crate::predict::error::PredictError;

/// A row of the table, with the columns of a store's table of rejects. Texts are escaped so that a spreadsheet does
/// not take them for formulas ([`cell`]).
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    material_id: Option<Cow<'a, str>>,
    source_file: Option<Cow<'a, str>>,
    record: Option<u64>,
    line: Option<u32>,
    reason: Cow<'a, str>,
    message: Cow<'a, str>,
}

impl<'a> Entry<'a> {
    /// Creates a row for a crystal that was read but has no prediction.
    pub(super) fn of_crystal(material_id: &'a str, reason: &'a str, message: &'a str) -> Self {
        Self {
            material_id: Some(cell(material_id)),
            source_file: None,
            record: None,
            line: None,
            reason: cell(reason),
            message: cell(message),
        }
    }
}

impl<'a> From<&'a Reject> for Entry<'a> {
    fn from(reject: &'a Reject) -> Self {
        Self {
            material_id: reject.material_id.as_deref().map(cell),
            source_file: Some(cell(&reject.origin.file)),
            record: Some(reject.origin.record),
            line: reject.origin.line,
            reason: cell(reject.reason),
            message: cell(&reject.message),
        }
    }
}

/// Header of the table.
const HEADER: &str = "material_id,source_file,record,line,reason,message\n";

/// Whether the table may be written to a path: the path is free or has the table of an earlier run.
///
/// # Errors
/// If a file system operation fails.
pub(super) fn is_replaceable(path: &Path) -> io::Result<bool> {
    match bounded::begins_with(path, HEADER.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(false),
        begins => begins,
    }
}

/// Entries without a prediction (in an unnamed temporary file), remarks about entries, and the error that ended the
/// input early.
#[derive(Debug)]
pub(super) struct LeftOut {
    rows: csv::Writer<File>,
    count: u64,
    noted: BTreeMap<String, NotedEntries>,
    failure: Option<PredictError>,
    /// The first error of recording an entry.
    unwritten: Option<io::Error>,
}

/// The entries, shared by the thread that reads and the one that predicts.
#[derive(Debug, Clone)]
pub(super) struct SharedLeftOut(Arc<Mutex<LeftOut>>);

impl SharedLeftOut {
    /// Locks the entries. After a panic of the other thread the entries are still complete rows.
    pub(super) fn lock(&self) -> MutexGuard<'_, LeftOut> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeftOut {
    /// Creates an empty list.
    ///
    /// # Errors
    /// If a file system operation fails.
    pub(super) fn shared() -> io::Result<SharedLeftOut> {
        let rows = csv::Writer::from_writer(tempfile::tempfile()?);
        let list = Self { rows, count: 0, noted: BTreeMap::new(), failure: None, unwritten: None };
        Ok(SharedLeftOut(Arc::new(Mutex::new(list))))
    }

    /// Records an entry. [`LeftOut::save`] reports a failure.
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        self.count += 1;
        if let Err(error) = self.rows.serialize(entry) {
            self.unwritten.get_or_insert(error.into());
        }
    }

    /// Counts a remark about an entry.
    pub(super) fn note(&mut self, note: &Note) {
        self.noted.entry(note.code.to_owned()).or_default().add(|| note.to_string());
    }

    /// Returns and resets the remarks counted so far, by code.
    pub(super) fn take_noted(&mut self) -> BTreeMap<String, NotedEntries> {
        std::mem::take(&mut self.noted)
    }

    /// Records the error that ended the input.
    pub(super) fn fail(&mut self, error: PredictError) {
        self.failure.get_or_insert(error);
    }

    /// Returns the error that ended the input early, if any.
    pub(super) fn take_failure(&mut self) -> Option<PredictError> {
        self.failure.take()
    }

    /// Returns the number of entries.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Writes the table, or removes that of an earlier run if there are no entries.
    ///
    /// # Errors
    /// Those of the file system, and [`io::ErrorKind::AlreadyExists`] for a file that is not such a table.
    pub(super) fn save(&mut self, path: &Path) -> io::Result<()> {
        if let Some(error) = self.unwritten.take() {
            return Err(error);
        }
        if !is_replaceable(path)? {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "another file is there"));
        }
        if self.count == 0 {
            return atomic::remove_if_there(path);
        }
        self.rows.flush()?;
        // Positions of clones are shared: the copy is read from its beginning.
        let mut noted = self.rows.get_ref().try_clone()?;
        noted.rewind()?;
        atomic::write(path, |out| io::copy(&mut noted, out).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etl::reject::Origin;

    #[test]
    fn a_table_lists_what_was_noted_and_goes_when_there_is_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.rejects.csv");
        let list = LeftOut::shared().expect("a temporary file");
        let origin = Origin { file: "a,b.cif".into(), record: 3, line: Some(7) };
        let reject = Reject::new(None, origin, "no_sites", "said \"nothing\"".to_owned());
        list.lock().push(&Entry::from(&reject));
        list.lock().push(&Entry::of_crystal("-mp-1", "prediction_not_finite", "NaN"));
        list.lock().save(&path).expect("it is writable");
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.starts_with(HEADER) && is_replaceable(&path).expect("readable"));
        assert_eq!(
            text,
            "material_id,source_file,record,line,reason,message\n\
             ,\"a,b.cif\",3,7,no_sites,\"said \"\"nothing\"\"\"\n\
             '-mp-1,,,,prediction_not_finite,NaN\n"
        );
        let empty = LeftOut::shared().expect("a temporary file");
        empty.lock().save(&path).expect("it can be removed");
        assert!(!path.exists());
        empty.lock().save(&path).expect("nothing to remove");
        for foreign in ["", "id,gap\n", &HEADER[1..]] {
            std::fs::write(&path, foreign).expect("it is writable");
            assert!(!is_replaceable(&path).expect("readable"), "{foreign}");
            for list in [&list, &empty] {
                assert!(list.lock().save(&path).is_err());
            }
            assert_eq!(std::fs::read_to_string(&path).expect("it is there"), foreign);
        }
    }
}
