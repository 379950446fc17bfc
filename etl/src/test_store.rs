//! Small finished stores for tests of the commands that read one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, UInt32Array, UInt64Array};
use arrow::record_batch::RecordBatch;
use crystal::feature::{Features, Featuriser};
use crystal::structure::Structure;
use schemas::layout::StorePaths;
use schemas::manifest::{Counts, Manifest, ShardEntry};
use schemas::property::{PropertyColumn, PropertyKind};
use schemas::settings::FeatureSettings;
use schemas::store::{FORMAT_VERSION, SOFTWARE_VERSION, reject_schema, shard_schema};
use tempfile::TempDir;

use crate::columns::{Columns, RowLabels};
use crate::feature;
use crate::shard::{ShardFormat, file_metadata};

/// A temporary folder for a store, with room for the sidecar beside it.
pub(crate) struct TestFolder {
    _parent: TempDir,
    path: PathBuf,
}

impl TestFolder {
    /// The folder of the store.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// An empty folder for a store.
pub(crate) fn folder() -> TestFolder {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let path = parent.path().join("test");
    std::fs::create_dir(&path).expect("a writable folder");
    TestFolder { _parent: parent, path }
}

/// A crystal with its labels.
pub(crate) struct TestCrystal {
    /// Identifier in the store.
    pub(crate) material_id: String,
    /// The structure.
    pub(crate) structure: Structure,
    /// Band gap in eV.
    pub(crate) band_gap: Option<f64>,
    /// Split: `train`, `val` or `test`.
    pub(crate) split: Option<&'static str>,
    /// Index of the test fold.
    pub(crate) fold: Option<i8>,
}

/// A face-centred cubic crystal in its conventional cell, with a basis of two atoms. The second atom is at
/// `(shift, shift, shift)`.
pub(crate) fn cubic(material_id: &str, a: f64, first: u8, second: u8, shift: f64) -> TestCrystal {
    let centring = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];
    let mut structure =
        Structure { lattice: [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]], ..Structure::default() };
    for (z, shift) in [(first, 0.0), (second, shift)] {
        structure.fractional.extend(centring.map(|site| site.map(|x: f64| (x + shift).fract())));
        structure.atomic_numbers.extend([z; 4]);
    }
    TestCrystal { material_id: material_id.to_owned(), structure, band_gap: None, split: None, fold: None }
}

/// Crystals with the structures of rocksalt, zincblende and diamond, with band gaps, splits and folds. Lattice
/// constants are in Å.
pub(crate) fn crystals() -> Vec<TestCrystal> {
    let mut crystals = vec![
        cubic("NaCl", 5.64, 11, 17, 0.5),
        cubic("MgO", 4.212, 12, 8, 0.5),
        cubic("ZnS", 5.409, 30, 16, 0.25),
        cubic("GaAs", 5.653, 31, 33, 0.25),
        cubic("Si", 5.431, 14, 14, 0.25),
    ];
    for (crystal, gap) in crystals.iter_mut().zip([Some(8.5), Some(7.8), Some(3.7), Some(1.43), None]) {
        crystal.band_gap = gap;
    }
    for (crystal, split) in crystals.iter_mut().zip(["train", "train", "val", "test"]) {
        crystal.split = Some(split);
    }
    for (crystal, fold) in crystals.iter_mut().zip(0..) {
        crystal.fold = Some(fold % 2);
    }
    crystals
}

/// A row before it is written.
pub(crate) struct TestRow {
    /// Identifier in the store.
    pub(crate) material_id: String,
    /// Atomic numbers of the sites.
    pub(crate) atomic_numbers: Vec<u8>,
    /// Features of the crystal.
    pub(crate) features: Features,
}

/// Writes a finished store with `shard_rows` rows in each shard, two rows in each row group, and two rejects.
pub(crate) fn write(store: &Path, crystals: &[TestCrystal], shard_rows: usize) {
    write_edited(store, crystals, shard_rows, &|_| ());
}

/// Writes a store like [`write`], but edits every row after its features were computed.
pub(crate) fn write_edited(
    store: &Path,
    crystals: &[TestCrystal],
    shard_rows: usize,
    edit: &dyn Fn(&mut TestRow),
) {
    let paths = StorePaths::new(store);
    for folder in [store, paths.records()] {
        std::fs::create_dir_all(folder).expect("a writable folder");
    }
    let settings = FeatureSettings::default();
    let kinds = [
        ("band_gap_ev", PropertyKind::Number),
        ("is_metal", PropertyKind::Boolean),
        ("lattice_type", PropertyKind::Class),
    ];
    let properties =
        kinds.map(|(column, kind)| PropertyColumn { kind, ..PropertyColumn::number(column, column) });
    let schema = shard_schema(&["split_official".to_owned()], &properties);
    let format = ShardFormat::new(Arc::clone(&schema), &file_metadata(&settings)).expect("a valid schema");
    let mut featuriser = Featuriser::new(&feature::options(&settings));
    let mut shards = Vec::new();
    for (number, rows) in crystals.chunks(shard_rows).enumerate() {
        let mut writer = format
            .create(store, &store.join(format!("test-{number:05}.parquet")))
            .expect("a writable folder");
        for group in rows.chunks(2) {
            let mut columns = Columns::new(Arc::clone(&schema), "test", &feature::options(&settings));
            for crystal in group {
                let features = featuriser.featurise(&crystal.structure).expect("a good crystal");
                let is_metal = crystal.band_gap.map(|gap| f64::from(u8::from(gap == 0.0)));
                let texts = [crystal.split, crystal.fold.map(|fold| ["cubic", "other"][fold as usize % 2])];
                let labels = RowLabels {
                    numbers: &[crystal.band_gap, is_metal],
                    text: &|at| texts.get(at).copied().flatten(),
                    fold: crystal.fold,
                    ..RowLabels::default()
                };
                let mut row = TestRow {
                    material_id: crystal.material_id.clone(),
                    atomic_numbers: crystal.structure.atomic_numbers.clone(),
                    features: features.clone(),
                };
                edit(&mut row);
                columns.push(&row.material_id, &row.atomic_numbers, &row.features, labels);
            }
            let batch = columns.take().expect("columns of the schema");
            writer.append(format.encode(&[batch]).expect("a batch of the schema")).expect("a writable file");
        }
        shards.push(writer.finish().expect("a writable file"));
    }
    let kept = crystals.len() as u64;
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        software_version: SOFTWARE_VERSION.to_owned(),
        source: "test".to_owned(),
        part: None,
        settings: settings.clone(),
        options: BTreeMap::new(),
        inputs: Vec::new(),
        counts: Counts {
            read: kept + 2,
            kept,
            filtered: 1,
            rejected: 1,
            filtered_by: BTreeMap::from([("nsites <= 20".to_owned(), 1)]),
            rejected_by_reason: BTreeMap::from([("partial_occupancy".to_owned(), 1)]),
            noted: BTreeMap::new(),
        },
        shards,
        rejects: write_rejects(&paths, &settings),
    };
    std::fs::write(paths.manifest(), manifest.to_json()).expect("a writable folder");
}

/// Writes two rejects: a filtered entry and an invalid one.
fn write_rejects(paths: &StorePaths, settings: &FeatureSettings) -> ShardEntry {
    let format = ShardFormat::new(reject_schema(), &file_metadata(settings)).expect("a valid schema");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("big"), None])),
        Arc::new(StringArray::from(vec!["in.json", "in.json"])),
        Arc::new(UInt64Array::from(vec![6, 7])),
        Arc::new(UInt32Array::from(vec![None, Some(3)])),
        Arc::new(StringArray::from(vec!["filtered", "partial_occupancy"])),
        Arc::new(StringArray::from(vec!["nsites <= 20", "site Na1 has the occupancy 0.5"])),
    ];
    let batch = RecordBatch::try_new(reject_schema(), columns).expect("columns of the schema");
    let mut writer = format.create(paths.records(), &paths.rejects()).expect("a writable folder");
    writer.append(format.encode(&[batch]).expect("a batch of the schema")).expect("a writable file");
    writer.finish().expect("a writable file")
}
