//! CIFs that a table names instead of holding them: paths relative to the table's folder.

use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::cif::{self, CifCrystals};
use super::packing::strip_ending;
use super::{MAX_RECORD_BYTES, RecordError, Sink};
use crate::reject::Origin;

/// Longest path that a field is taken for.
const MAX_PATH_BYTES: usize = 1 << 12;

/// The path that a field is: one line with the name of a CIF at its end.
fn path_of(field: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(field).ok()?.trim();
    let is_line = text.len() <= MAX_PATH_BYTES && !text.chars().any(char::is_control);
    (is_line && cif::identifier(text).is_some()).then_some(text)
}

/// Reads the CIFs of one table.
#[derive(Debug)]
pub(super) struct TableCifs {
    folder: PathBuf,
    crystals: CifCrystals,
    /// The file read last, as it lies there and unpacked.
    packed: Vec<u8>,
    text: Vec<u8>,
}

impl TableCifs {
    /// For a table at a path.
    pub(super) fn new(table: &Path) -> Self {
        let folder = table.parent().unwrap_or(Path::new("")).to_path_buf();
        Self { folder, crystals: CifCrystals::default(), packed: Vec::new(), text: Vec::new() }
    }

    /// Hands every structure of a field to `sink`: of the CIF that stands in it, or of the file that it
    /// names. Then the file is the place of its faults.
    ///
    /// # Errors
    /// [`RecordError::Unreadable`] where the file lies elsewhere than below the table's folder or cannot
    /// be read, [`RecordError::TooLarge`].
    pub(super) fn read(
        &mut self,
        field: &[u8],
        material_id: &str,
        origin: &Origin,
        properties: &[Option<f64>],
        sink: &mut dyn Sink,
    ) -> Result<(), RecordError> {
        let Some(name) = path_of(field) else {
            self.crystals.read(field, material_id, origin, properties, sink);
            return Ok(());
        };
        let path = self.place(name)?;
        self.text.clear();
        match read_file(&path, &mut self.packed, &mut self.text) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(RecordError::NoCif { path: path.to_string_lossy().into_owned() });
            }
            Err(error) => {
                return Err(RecordError::Unreadable(format!("{}: {error}", path.display())));
            }
            Ok(()) if self.text.len() > MAX_RECORD_BYTES => {
                return Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES });
            }
            Ok(()) => {}
        }
        let file: Arc<str> = Arc::from(&*path.to_string_lossy());
        let origin = Origin { file, record: origin.record, line: None };
        self.crystals.read(&self.text, material_id, &origin, properties, sink);
        Ok(())
    }

    /// Where a file lies, which must be below the table's folder.
    fn place(&self, name: &str) -> Result<PathBuf, RecordError> {
        let name: Cow<'_, str> =
            if name.contains('\\') { name.replace('\\', "/").into() } else { name.into() };
        let is_below = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(&*name).components().all(is_below) {
            let message = format!("{name:?} does not lie below the folder of the table");
            return Err(RecordError::Unreadable(message));
        }
        Ok(self.folder.join(name.strip_prefix("./").unwrap_or(&name)))
    }
}

/// Reads a file, unpacked if its name ends so, up to one byte more than a record may have.
fn read_file(path: &Path, packed: &mut Vec<u8>, text: &mut Vec<u8>) -> std::io::Result<()> {
    let limit = MAX_RECORD_BYTES as u64 + 1;
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    if strip_ending(&path.to_string_lossy(), ".gz").is_none() {
        return file.take(limit).read_to_end(text).map(|_| ());
    }
    packed.clear();
    file.take(limit).read_to_end(packed)?;
    MultiGzDecoder::new(&packed[..]).take(limit).read_to_end(text).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_path_or_a_cif() {
        for (field, expected) in [
            ("a.cif", Some("a.cif")),
            (" cifs/a.CIF.gz ", Some("cifs/a.CIF.gz")),
            ("data_a\n_cell_length_a 1 # a.cif", None),
            ("data_x", None),
            ("", None),
        ] {
            assert_eq!(path_of(field.as_bytes()), expected, "{field:?}");
        }
    }

    #[test]
    fn a_path_leads_below_the_table_and_nowhere_else() {
        let cifs = TableCifs::new(Path::new("data/t.csv"));
        let place = |name| cifs.place(name).map_err(|error| error.reason_code());
        assert_eq!(place("a.cif"), Ok(PathBuf::from("data/a.cif")));
        assert_eq!(place("./set\\a.cif"), Ok(PathBuf::from("data/set/a.cif")));
        for outside in ["../a.cif", "set/../../a.cif", "/etc/a.cif", "..\\a.cif", "a/../a.cif"] {
            assert_eq!(place(outside), Err("unreadable_file"), "{outside}");
        }
    }
}
