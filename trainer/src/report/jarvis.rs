//! Contribution to the JARVIS leaderboard: a zipped CSV of one benchmark.
//!
//! A contribution is named `category-subcategory-property-dataset-split-metric.csv.zip` and holds a CSV with the
//! columns `id` and `prediction`. The leaderboard joins it with its own values by identifier and compares the counts.
//! All test crystals must therefore be present, and predictions must be in the unit of the benchmark's values. A
//! folder of contributions also needs a `metadata.json` and a `run.sh`, which only the submitter can write.
//!
//! Source: the contribution guide and `rebuild.py` of `usnistgov/jarvis_leaderboard`.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use schemas::regular;
use schemas::text::cell;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::FoldOutcome;
use super::error::ReportError;
use super::files::remove_own as remove_if_own;
use crate::atomic;

/// Category and sub-category of predictions of a single property.
const CATEGORY: &str = "AI-SinglePropertyPrediction";
/// Name of the data set of the benchmarks on the leaderboard.
const DATASET: &str = "dft_3d";
/// Part and metric of the benchmarks.
const PART_AND_METRIC: &str = "test-mae";
/// First bytes of a member in a zip archive.
const MEMBER_MAGIC: &[u8] = b"PK\x03\x04";
/// Offset of the member's time.
const TIME_START: usize = 10;
const TIME_END: usize = 14;
/// First time that the format can represent, the beginning of 1980.
const FIRST_MOMENT: [u8; 4] = [0, 0, 0x21, 0];
/// Permissions of the CSV in its archive.
const PERMISSIONS: u32 = 0o644;

/// A benchmark of the leaderboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jarvis {
    /// Name of the property on the leaderboard, such as `mbj_bandgap`.
    pub property: String,
}

impl Jarvis {
    /// Returns the name of the CSV file, such as `AI-SinglePropertyPrediction-mbj_bandgap-dft_3d-test-mae.csv`.
    #[must_use]
    pub fn table(&self) -> String {
        format!("{CATEGORY}-{}-{DATASET}-{PART_AND_METRIC}.csv", self.property)
    }

    /// Returns the name of the archive.
    #[must_use]
    pub fn archive(&self) -> String {
        format!("{}.zip", self.table())
    }

    /// Refuses a name that the leaderboard cannot parse.
    ///
    /// # Errors
    /// [`ReportError::JarvisName`].
    pub(super) fn check(&self) -> Result<(), ReportError> {
        let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if self.property.is_empty() || !self.property.chars().all(plain) {
            return Err(ReportError::JarvisName { value: self.property.clone() });
        }
        Ok(())
    }
}

/// Whether a file begins like an archive of this module. Archives of other programs store a time.
pub(super) fn is_own(path: &Path) -> bool {
    let mut beginning = Vec::with_capacity(TIME_END);
    let read = regular::open(path).and_then(|file| file.take(TIME_END as u64).read_to_end(&mut beginning));
    read.is_ok() && beginning.starts_with(MEMBER_MAGIC) && beginning.get(TIME_START..) == Some(&FIRST_MOMENT)
}

/// Removes the archives of this module from a folder, which may be absent.
///
/// # Errors
/// [`ReportError::Io`].
pub(super) fn remove_own(folder: &Path) -> Result<(), ReportError> {
    let ending = format!("-{DATASET}-{PART_AND_METRIC}.csv.zip");
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(CATEGORY) && name.ends_with(&ending) {
            remove_if_own(&path, is_own)?;
        }
    }
    Ok(())
}

/// Writes the archive with the predictions of a fold, in the order of its crystals.
pub(super) fn write(path: &Path, jarvis: &Jarvis, fold: &FoldOutcome) -> Result<(), ReportError> {
    atomic::write(path, |out| out.write_all(&archive(jarvis, fold)?)).map_err(ReportError::io("write", path))
}

/// Returns the bytes of the archive. Its time is the first one that the format can represent.
fn archive(jarvis: &Jarvis, fold: &FoldOutcome) -> std::io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(PERMISSIONS);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(jarvis.table(), options)?;
    let mut table = csv::Writer::from_writer(&mut archive);
    table.write_record(["id", "prediction"])?;
    for outcome in &fold.outcomes {
        table.write_record([&*cell(&outcome.material_id), &outcome.prediction.to_string()])?;
    }
    table.flush()?;
    drop(table);
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, outcome};

    fn benchmark() -> Jarvis {
        Jarvis { property: "mbj_bandgap".to_owned() }
    }

    #[test]
    fn archives_of_this_module_are_removed_and_no_others() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let evaluation = evaluation(vec![outcome("JVASP-1", 1.0, 0.5, &["O"])]);
        let own = folder.path().join(benchmark().archive());
        let bytes = archive(&benchmark(), &evaluation.folds[0]).expect("it can be packed");
        std::fs::write(&own, bytes).expect("it is writable");
        let foreign = folder.path().join(Jarvis { property: "other".to_owned() }.archive());
        std::fs::write(&foreign, "of others").expect("it is writable");
        remove_own(folder.path()).expect("it is writable");
        assert!(!own.exists() && foreign.exists());
        remove_own(&folder.path().join("none")).expect("nothing is there");
    }

    #[test]
    fn the_archive_holds_one_table_of_its_own_name() {
        let evaluation =
            evaluation(vec![outcome("JVASP-2", 1.0, 0.5, &["O"]), outcome("JVASP-1", 1.0, -1e-9, &["O"])]);
        let bytes = archive(&benchmark(), &evaluation.folds[0]).expect("it can be packed");
        assert_eq!(bytes, archive(&benchmark(), &evaluation.folds[0]).expect("it can be packed"));
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("it is an archive");
        assert_eq!(archive.len(), 1);
        let mut file = archive.by_index(0).expect("there is one");
        assert_eq!(
            file.name().expect("it is text"),
            "AI-SinglePropertyPrediction-mbj_bandgap-dft_3d-test-mae.csv"
        );
        assert_eq!(file.last_modified(), Some(DateTime::default()));
        let mut text = String::new();
        file.read_to_string(&mut text).expect("it is text");
        assert_eq!(text, "id,prediction\nJVASP-2,0.5\nJVASP-1,-0.000000001\n");
    }

    #[test]
    fn names_come_apart_at_their_hyphens() {
        let name = benchmark().archive();
        let stem = name.strip_suffix(".csv.zip").expect("that is the ending");
        let parts: Vec<_> = stem.split('-').collect();
        assert_eq!(parts, ["AI", "SinglePropertyPrediction", "mbj_bandgap", "dft_3d", "test", "mae"]);
        benchmark().check().expect("the name is plain");
        for property in ["", "a/b", "band-gap"] {
            let other = Jarvis { property: property.to_owned() };
            assert!(other.check().is_err(), "{other:?}");
        }
    }
}
