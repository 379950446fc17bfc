//! Small stores for the tests of their readers.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, ListArray, StringArray, UInt8Array, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use schemas::hash::file_sha256;
use schemas::layout::{REJECTS_FILE, StorePaths};
use schemas::manifest::{Counts, Manifest, ShardEntry};
use schemas::property::PropertyColumn;
use schemas::settings::FeatureSettings;
use schemas::store::{FORMAT_VERSION, FORMAT_VERSION_KEY, item_field, shard_schema};

use crate::data::golden::OwnedInput;
use crate::data::labels::HOME_DIRECTION;

/// The property column of the test stores.
pub(crate) const GAP: &str = "band_gap_ev";
/// A second split column, which stores have where a row has a part in it.
pub(crate) const OTHER_SPLIT: &str = "split_other";

/// One row of a test store.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) crystal: OwnedInput,
    pub(crate) split: Option<&'static str>,
    pub(crate) other_split: Option<&'static str>,
    pub(crate) fold: Option<i8>,
    pub(crate) gap: Option<f64>,
    pub(crate) hash: Option<&'static str>,
}

/// The label that a test store holds as centred: that of the reversed edge, to tell the two apart.
pub(crate) fn centred(direction: u8) -> u8 {
    26 - direction
}

/// A chain of `sites` atoms, 3 Å apart along x: two edges and two triplets an atom.
pub(crate) fn chain(material_id: &str, sites: u32) -> Row {
    let length = f64::from(sites) * 3.0;
    let positions: Vec<[f64; 3]> =
        (0..sites).map(|site| [f64::from(site) / f64::from(sites), 0.0, 0.0]).collect();
    let numbers: Vec<u8> = (0..sites).map(|site| (site % 100 + 1) as u8).collect();
    let mut crystal = OwnedInput::cubic(length, &numbers, &positions);
    material_id.clone_into(&mut crystal.material_id);
    for site in 0..sites {
        let before = (site + sites - 1) % sites;
        let after = (site + 1) % sites;
        crystal.edge(site, before, [if site == 0 { -1 } else { 0 }, 0, 0]);
        crystal.edge(site, after, [i16::from(after == 0), 0, 0]);
    }
    Row { crystal, split: None, other_split: None, fold: None, gap: None, hash: None }
}

/// Chains of 1 to 5 atoms named `m0`, `m1`, … with gaps and splits on some.
pub(crate) fn chains(count: usize) -> Vec<Row> {
    (0..count)
        .map(|index| Row {
            split: [Some("train"), Some("val"), None][index % 3],
            gap: (index % 2 == 0).then_some(index as f64),
            ..chain(&format!("m{index}"), index as u32 % 5 + 1)
        })
        .collect()
}

/// Writes a store of shards `<name>-00000.parquet`, … and its manifest; gives the shards' paths.
pub(crate) fn write_store(
    folder: &Path,
    name: &str,
    rows: &[Row],
    shard_rows: usize,
    group_rows: usize,
) -> Vec<PathBuf> {
    let store = StorePaths::new(folder);
    for folder in [folder, store.records()] {
        std::fs::create_dir_all(folder).expect("a writable folder");
    }
    let settings = FeatureSettings::default();
    let mut paths = Vec::new();
    let mut shards = Vec::new();
    for (index, rows) in rows.chunks(shard_rows).enumerate() {
        let file = format!("{name}-{index:05}.parquet");
        let path = folder.join(&file);
        write_shard(&path, rows, group_rows, &settings);
        let (sha256, bytes) = file_sha256(&path).expect("just written");
        shards.push(ShardEntry { file, rows: rows.len() as u64, bytes, sha256 });
        paths.push(path);
    }
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        software_version: "0".to_owned(),
        source: name.to_owned(),
        part: None,
        settings,
        options: BTreeMap::new(),
        inputs: Vec::new(),
        counts: Counts::default(),
        shards,
        rejects: ShardEntry { file: REJECTS_FILE.to_owned(), rows: 0, bytes: 0, sha256: String::new() },
    };
    std::fs::write(store.manifest(), manifest.to_json()).expect("a writable folder");
    paths
}

/// Writes one shard.
pub(crate) fn write_shard(path: &Path, rows: &[Row], group_rows: usize, settings: &FeatureSettings) {
    let has_other = rows.iter().any(|row| row.other_split.is_some());
    let other = has_other.then(|| OTHER_SPLIT.to_owned());
    let schema = shard_schema(other.as_slice(), &[PropertyColumn::number(GAP, "band_gap")]);
    let columns = schema.fields().iter().map(|field| column(field.name(), rows)).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).expect("columns of the schema's types");
    let mut metadata = vec![KeyValue::new(FORMAT_VERSION_KEY.to_owned(), FORMAT_VERSION.to_string())];
    metadata.extend(settings.to_metadata().into_iter().map(|(key, value)| KeyValue::new(key, value)));
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(metadata))
        .set_max_row_group_row_count(Some(group_rows))
        .build();
    let file = File::create(path).expect("a writable folder");
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).expect("a valid schema");
    writer.write(&batch).expect("a valid batch");
    writer.close().expect("a writable file");
}

/// A list column of the values of each row.
fn list<T, A: Array + From<Vec<T>> + 'static>(
    rows: &[Row],
    values: impl Fn(&OwnedInput) -> Vec<T>,
) -> ArrayRef {
    let lists: Vec<Vec<T>> = rows.iter().map(|row| values(&row.crystal)).collect();
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(Vec::len));
    let values = A::from(lists.into_iter().flatten().collect());
    Arc::new(ListArray::new(item_field(values.data_type().clone()), offsets, Arc::new(values), None))
}

/// Nine values a row.
fn matrix(values: ArrayRef) -> ArrayRef {
    Arc::new(FixedSizeListArray::new(item_field(values.data_type().clone()), 9, values, None))
}

/// A column of the schema.
fn column(name: &str, rows: &[Row]) -> ArrayRef {
    let doubles = |value: fn(&OwnedInput) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| value(&row.crystal))))
    };
    let texts = |value: fn(&OwnedInput) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| value(&row.crystal))))
    };
    let directions = |label: fn(u8) -> u8| {
        list::<u8, UInt8Array>(rows, |row| row.direction.iter().map(|&direction| label(direction)).collect())
    };
    let homes = || {
        list::<bool, BooleanArray>(rows, |row| row.direction.iter().map(|&d| d == HOME_DIRECTION).collect())
    };
    match name {
        "material_id" => texts(|row| &row.material_id),
        "source" => texts(|_| "test"),
        "chemical_formula_reduced" => texts(|_| "X"),
        "elements" => list::<String, StringArray>(rows, |_| vec!["X".to_owned()]),
        "nelements" => Arc::new(UInt32Array::from(vec![1; rows.len()])),
        "nsites" => Arc::new(UInt32Array::from_iter_values(
            rows.iter().map(|row| row.crystal.atomic_numbers.len() as u32),
        )),
        "lattice_vectors" => {
            let values = rows.iter().flat_map(|row| row.crystal.lattice.as_flattened().to_vec());
            matrix(Arc::new(Float64Array::from_iter_values(values)))
        }
        "niggli_transform" => {
            let values = rows.iter().flat_map(|_| [1, 0, 0, 0, 1, 0, 0, 0, 1]);
            matrix(Arc::new(Int32Array::from_iter_values(values)))
        }
        "a" => doubles(|row| row.parameters[0]),
        "b" => doubles(|row| row.parameters[1]),
        "c" => doubles(|row| row.parameters[2]),
        "alpha" | "beta" | "gamma" => doubles(|row| row.parameters[3]),
        "volume" => doubles(|row| row.parameters[0].powi(3)),
        "atomic_numbers" => list::<u8, UInt8Array>(rows, |row| row.atomic_numbers.clone()),
        "fractional_site_positions" => list::<f64, Float64Array>(rows, |row| row.fractional.clone()),
        "edge_source" => list::<u32, UInt32Array>(rows, |row| row.source.clone()),
        "edge_target" => list::<u32, UInt32Array>(rows, |row| row.target.clone()),
        "edge_k1" => list::<i16, Int16Array>(rows, |row| row.image[0].clone()),
        "edge_k2" => list::<i16, Int16Array>(rows, |row| row.image[1].clone()),
        "edge_k3" => list::<i16, Int16Array>(rows, |row| row.image[2].clone()),
        "edge_distance" => list::<f32, Float32Array>(rows, |row| vec![3.0; row.target.len()]),
        "edge_direction" => directions(|direction| direction),
        "edge_direction_centred" => directions(centred),
        "edge_same_cell" | "edge_same_cell_centred" => homes(),
        "split" => Arc::new(rows.iter().map(|row| row.split).collect::<StringArray>()),
        OTHER_SPLIT => Arc::new(rows.iter().map(|row| row.other_split).collect::<StringArray>()),
        "fold" => Arc::new(rows.iter().map(|row| row.fold).collect::<Int8Array>()),
        "immutable_id" => Arc::new(StringArray::new_null(rows.len())),
        "chemical_formula_anonymous" => texts(|_| "A"),
        "elements_ratios" => list::<f64, Float64Array>(rows, |_| vec![1.0]),
        "species_at_sites" => {
            list::<String, StringArray>(rows, |row| vec!["X".to_owned(); row.atomic_numbers.len()])
        }
        "dimension_types" => Arc::new(FixedSizeListArray::new(
            item_field(DataType::Int32),
            3,
            Arc::new(Int32Array::from(vec![1; 3 * rows.len()])),
            None,
        )),
        "nperiodic_dimensions" => Arc::new(UInt32Array::from(vec![3; rows.len()])),
        "space_group_number" => Arc::new(UInt32Array::new_null(rows.len())),
        "structure_hash" => Arc::new(rows.iter().map(|row| row.hash).collect::<StringArray>()),
        GAP => Arc::new(rows.iter().map(|row| row.gap).collect::<Float64Array>()),
        other => panic!("no test values for the column '{other}'"),
    }
}
