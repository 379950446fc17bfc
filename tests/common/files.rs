//! Folders and files of the whole-binary tests, and what the programs wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::layout::StorePaths;
use tempfile::TempDir;

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The embedded sample.
pub(crate) fn sample() -> PathBuf {
    root().join("data/sample")
}

/// A folder for one test, which may be a store: there is room for the sidecar beside it.
pub(crate) struct Folder {
    _parent: TempDir,
    path: PathBuf,
}

impl Folder {
    /// The folder, `data` in one of its own.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder for one test.
pub(crate) fn folder() -> Folder {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let path = parent.path().join("data");
    fs::create_dir(&path).expect("a folder");
    Folder { _parent: parent, path }
}

/// A path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are UTF-8")
}

/// Every file in a folder with its bytes, the lock file apart. Of a store the files of its sidecar, too, which begin
/// with `.store/`.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let sidecar = StorePaths::new(folder).records().to_owned();
    for (root, beginning) in [(folder, ""), (&sidecar, ".store/")] {
        let mut folders: Vec<PathBuf> = root.is_dir().then(|| root.to_owned()).into_iter().collect();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name() != Some(".lock".as_ref()) {
                    let name = path.strip_prefix(root).expect("inside").display();
                    files.insert(format!("{beginning}{name}"), fs::read(&path).expect("readable"));
                }
            }
        }
    }
    files
}

/// The file that [`tree`] names so.
pub(crate) fn file_of(folder: &Path, name: &str) -> PathBuf {
    match name.strip_prefix(".store/") {
        Some(name) => StorePaths::new(folder).records().join(name),
        None => folder.join(name),
    }
}

/// The sample several times under other names, and forty CIFs without a structure: enough work to be
/// killed in.
pub(crate) fn many_cifs(folder: &Path, copies: usize) {
    for entry in fs::read_dir(sample()).expect("the sample") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "cif") {
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            for copy in 0..copies {
                fs::copy(&path, folder.join(format!("{stem}-{copy}.cif"))).expect("a copy");
            }
        }
    }
    // Rejects must survive a kill as well.
    for number in 0..40 {
        fs::write(folder.join(format!("K-bad-{number:02}.cif")), "data_bad\n_cell_length_a 3\n")
            .expect("a file");
    }
}

/// A P1 CIF of a cubic cell.
pub(crate) fn cubic_cif(name: &str, edge: f64, sites: &[(&str, [f64; 3])]) -> String {
    let mut cif = format!(
        "data_{name}\n_cell_length_a {edge}\n_cell_length_b {edge}\n_cell_length_c {edge}\n\
         _cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n\
         loop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    );
    for (symbol, [x, y, z]) in sites {
        cif += &format!("{symbol} {x} {y} {z}\n");
    }
    cif
}

/// CsCl in a cell of the given edge.
pub(crate) fn caesium_chloride(edge: f64) -> String {
    cubic_cif("CsCl", edge, &[("Cs", [0.0; 3]), ("Cl", [0.5; 3])])
}

/// Checks that an error is told in one line that says nothing twice in a row.
pub(crate) fn assert_clear(line: &str) {
    assert_eq!(line.lines().count(), 1, "one clear line: {line}");
    let parts: Vec<&str> = line.trim_end().split(": ").collect();
    assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "said twice: {line}");
}

/// Everything the program printed.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The single line of an error.
pub(crate) fn complaint(output: &Output) -> String {
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_clear(&line);
    assert!(!line.contains("panicked"), "{line}");
    line
}

/// All batches of a Parquet file.
pub(crate) fn batches(path: &Path) -> Vec<RecordBatch> {
    let file = fs::File::open(path).expect("the file is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("Parquet");
    reader.map(|batch| batch.expect("readable")).collect()
}
