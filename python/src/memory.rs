//! Structures in memory as inputs of a store, which tells a store of others as it tells one of other files.
//!
//! Consecutive structures are one input, [`IN_MEMORY`]: the SHA-256 of each, with its identifier, on a line of its own. A
//! build reads its inputs from files, so the lines are written into a temporary one.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use etl::source::{Coordinates, ListItem, ListedCell};
use schemas::hash::sha256;
use tempfile::TempDir;

/// Name of the input in the manifest. Files are seldom named so.
const IN_MEMORY: &str = "<structures in memory>";

/// The inputs of a list: its paths, and a file for each run of structures in memory.
pub(crate) struct Inputs {
    /// In the order of the list, as the list has their states.
    pub(crate) paths: Vec<PathBuf>,
    /// Holds the files as long as they are needed.
    _folder: TempDir,
}

impl Inputs {
    /// Writes the files.
    ///
    /// # Errors
    /// Those of the temporary folder.
    pub(crate) fn of(items: &[ListItem]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut paths = Vec::new();
        for run in items.chunk_by(|one, next| one.path().is_none() && next.path().is_none()) {
            if let [ListItem::Path(path)] = run {
                paths.push(path.clone());
                continue;
            }
            // The last part of the path is the name in the manifest.
            let own = folder.path().join(paths.len().to_string());
            fs::create_dir(&own)?;
            let path = own.join(IN_MEMORY);
            let mut file = BufWriter::new(File::create(&path)?);
            for item in run {
                writeln!(file, "{}", digest(item))?;
            }
            file.flush()?;
            paths.push(path);
        }
        Ok(Self { paths, _folder: folder })
    }
}

/// Returns the SHA-256 of an item with its identifier and all that the crystal is made of.
fn digest(item: &ListItem) -> String {
    let mut bytes = Vec::new();
    let mut add = |part: &[u8]| {
        // With their lengths, no other parts give the same bytes.
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    };
    match item {
        ListItem::Path(path) => add(path.as_os_str().as_encoded_bytes()),
        ListItem::Text { material_id, format, text } => {
            add(material_id.as_bytes());
            add(format.name().as_bytes());
            add(sha256(text).as_bytes());
        }
        ListItem::Cell { material_id, cell } => {
            let ListedCell { lattice, periodic, atomic_numbers, positions, coordinates } = cell;
            let numbers: Vec<u8> = atomic_numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            let kind = match coordinates {
                Coordinates::Fractional => "fractional",
                Coordinates::Cartesian => "cartesian",
            };
            add(material_id.as_bytes());
            add(kind.as_bytes());
            add(&little_endian(lattice));
            add(&periodic.map(u8::from));
            add(&numbers);
            add(&little_endian(positions));
        }
    }
    sha256(&bytes)
}

/// Returns the bytes of vectors, lowest first on any machine.
fn little_endian(vectors: &[[f64; 3]]) -> Vec<u8> {
    vectors.iter().flatten().flat_map(|number| number.to_le_bytes()).collect()
}
