//! CIFs that a table refers to by their paths, relative to the folder of the table.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use memchr::memmem;
use schemas::hash::hex;
use schemas::regular;
use sha2::{Digest, Sha256};

use super::cif::{self, CifCrystals};
use super::hashes::{FileHash, UNREADABLE};
use super::json_string::unescape;
use super::packing::Packing;
use super::{MAX_RECORD_BYTES, PropertyValues, RecordError, Sink};
use crate::reject::Origin;

/// Longest field that is taken as a path, in bytes.
const MAX_PATH_BYTES: usize = 1 << 12;

/// Returns the path in a field, which must be a single line that ends with the name of a CIF.
fn path_of(field: &[u8]) -> Option<&str> {
    if field.len() > MAX_PATH_BYTES {
        return None;
    }
    let text = std::str::from_utf8(field).ok()?.trim();
    let is_line = !text.chars().any(char::is_control);
    (is_line && cif::identifier(text).is_some()).then_some(text)
}

/// Returns a CIF whose line ends are written as the two characters `\n`, with line ends and without other escapes, as AtomGen
/// writes POSCARs. `None` for a CIF with any line end, in which a backslash means itself.
fn unescaped(field: &[u8]) -> Option<Vec<u8>> {
    if memchr::memchr2(b'\n', b'\r', field.trim_ascii()).is_some() || memmem::find(field, br"\n").is_none() {
        return None;
    }
    let mut text = Vec::with_capacity(field.len());
    unescape(field, &mut text);
    Some(text)
}

/// Reads the CIFs of one table.
#[derive(Debug)]
pub(super) struct TableCifs {
    folder: PathBuf,
    crystals: CifCrystals,
    /// The last file read, as stored and decompressed.
    packed: Vec<u8>,
    text: Vec<u8>,
}

impl TableCifs {
    /// Creates a reader for a table at a path.
    pub(super) fn new(table: &Path) -> Self {
        let folder = table.parent().unwrap_or(Path::new("")).to_path_buf();
        Self { folder, crystals: CifCrystals::default(), packed: Vec::new(), text: Vec::new() }
    }

    /// Passes all structures of a field to `sink`. The field holds a CIF or the name of a file. Errors in a file have
    /// that file as their origin. Lines are those of the CIF itself where its line ends are none of the table's.
    ///
    /// # Errors
    /// Returns [`RecordError::Unreadable`] if the file is outside the folder of the table or cannot be read, and
    /// [`RecordError::TooLarge`] if it is too large.
    pub(super) fn read(
        &mut self,
        field: &[u8],
        material_id: &str,
        origin: &Origin,
        properties: PropertyValues<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), RecordError> {
        let Some(name) = path_of(field) else {
            match unescaped(field) {
                None => self.crystals.read(field, material_id, origin, properties, sink),
                Some(cif) => {
                    let origin = Origin { line: None, ..origin.clone() };
                    self.crystals.read(&cif, material_id, &origin, properties, sink);
                }
            }
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

    /// Returns the path of a file, which must be in the folder of the table or a subfolder.
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

/// Reads and decompresses a file, up to one byte more than a record may have.
fn read_file(path: &Path, packed: &mut Vec<u8>, text: &mut Vec<u8>) -> std::io::Result<()> {
    let limit = MAX_RECORD_BYTES as u64 + 1;
    regular::open(path)?.take(limit).read_to_end(text)?;
    let packing = Packing::of(text);
    if packing == Packing::Plain {
        return Ok(());
    }
    std::mem::swap(packed, text);
    text.clear();
    packing.unpack(&packed[..])?.take(limit).read_to_end(text).map(|_| ())
}

/// SHA-256 of the CIFs that tables refer to: that of a list in the order of the rows, with a line `<sha256>  <path>`
/// for each.
#[derive(Debug, Default)]
pub(super) struct NamedCifs {
    list: Sha256,
    files: u64,
}

impl NamedCifs {
    /// Adds the field of a row. A file that cannot be read is added by its name only.
    pub(super) fn see(&mut self, cifs: &TableCifs, field: &[u8]) {
        let Some(path) = path_of(field).and_then(|name| cifs.place(name).ok()) else { return };
        let mut hash = FileHash::default();
        let read = regular::open(&path).and_then(|mut file| hash.update_from(&mut file));
        let hash = if read.is_ok() { hash.finish().0 } else { UNREADABLE.to_owned() };
        self.files += 1;
        self.list.update(format!("{hash}  {}\n", path.display()));
    }

    /// Returns the hash, or `None` if no row refers to a file.
    pub(super) fn finish(self) -> Option<String> {
        (self.files > 0).then(|| hex(&self.list.finalize()))
    }
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
    fn line_ends_may_be_written_as_two_characters() {
        let text = |field: &str| {
            let text = unescaped(field.as_bytes())?;
            Some(String::from_utf8(text).expect("UTF-8"))
        };
        assert_eq!(
            text(r"data_a\n_cell_length_a 1\r\n_b 'x, y'"),
            Some("data_a\n_cell_length_a 1\r\n_b 'x, y'".to_owned())
        );
        assert_eq!(text("data_a\\n_b 1\n"), Some("data_a\n_b 1\n".to_owned()));
        for plain in ["data_a\n_b '\\nu'\n", "data_a\r_b '\\n'", "data_a", ""] {
            assert_eq!(text(plain), None, "{plain:?}");
        }
    }

    #[test]
    fn named_files_are_unpacked_by_their_bytes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut packed, mut text) = (Vec::new(), Vec::new());
        let bzip2 = include_bytes!("tests/packed/word.bz2").as_slice();
        let xz = include_bytes!("tests/packed/word.xz").as_slice();
        for (name, bytes) in [("a.cif", b"data_x ".as_slice()), ("b.cif.bz2", bzip2), ("c.cif", xz)] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("a small file");
            text.clear();
            read_file(&path, &mut packed, &mut text).expect(name);
            assert_eq!(text, b"data_x ", "{name}");
        }
    }

    #[test]
    fn a_sparse_file_is_not_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.cif");
        let file = std::fs::File::create(&path).expect("a file");
        file.set_len(1 << 40).expect("a file system with sparse files");
        let error = read_file(&path, &mut Vec::new(), &mut Vec::new()).expect_err("a sparse file");
        assert!(error.to_string().starts_with("a sparse file of "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_does_not_block() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.cif");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|made| made.success()), "mkfifo");
        let error = read_file(&path, &mut Vec::new(), &mut Vec::new()).expect_err("a pipe");
        assert_eq!(error.to_string(), "not a regular file");
        let cifs = TableCifs::new(&folder.path().join("t.csv"));
        let mut named = NamedCifs::default();
        named.see(&cifs, b"a.cif");
        assert!(named.finish().is_some());
    }

    #[test]
    fn the_hash_is_that_of_the_named_files() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cifs = TableCifs::new(&folder.path().join("t.csv"));
        let hash = |fields: &[&str]| {
            let mut named = NamedCifs::default();
            fields.iter().for_each(|field| named.see(&cifs, field.as_bytes()));
            named.finish()
        };
        std::fs::write(folder.path().join("a.cif"), "data_a").expect("a small file");
        assert_eq!(hash(&["data_x", ""]), None);
        let before = hash(&["a.cif", "none.cif"]);
        assert!(before.is_some());
        std::fs::write(folder.path().join("a.cif"), "data_b").expect("a small file");
        assert_ne!(hash(&["a.cif", "none.cif"]), before);
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
