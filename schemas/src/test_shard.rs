//! Valid and invalid shards for tests of the reader.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, Float64Array, Int8Array, Int32Array, ListArray, StringArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::settings::FeatureSettings;
use crate::store::{COLUMNS, FORMAT_VERSION, FORMAT_VERSION_KEY, item_field};

/// An edge: source, target, image, distance, the two direction labels and the two centred ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edge {
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) image: [i16; 3],
    pub(crate) distance: f32,
    pub(crate) direction: u8,
    pub(crate) direction_centred: u8,
}

/// One row of a shard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) material_id: String,
    pub(crate) lattice: [f64; 9],
    pub(crate) transform: [i32; 9],
    pub(crate) atomic_numbers: Vec<u8>,
    pub(crate) fractional: Vec<f64>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) split: Option<String>,
    pub(crate) fold: Option<i8>,
    pub(crate) gap: Option<f64>,
}

/// Direction label of the home cell.
pub(crate) const HOME: u8 = 13;

/// A simple cubic crystal with one site and one edge.
pub(crate) fn row(material_id: &str) -> Row {
    Row {
        material_id: material_id.to_owned(),
        lattice: [3.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 3.0],
        transform: [1, 0, 0, 0, 1, 0, 0, 0, 1],
        atomic_numbers: vec![84],
        fractional: vec![0.0; 3],
        edges: vec![Edge {
            source: 0,
            target: 0,
            image: [1, 0, 0],
            distance: 3.0,
            direction: 22,
            direction_centred: 22,
        }],
        split: Some("train".to_owned()),
        fold: None,
        gap: Some(0.5),
    }
}

/// Creates a list column from the values of each row.
fn list<T, A: arrow::array::Array + From<Vec<T>> + 'static>(
    rows: &[Row],
    values: impl Fn(&Row) -> Vec<T>,
) -> ArrayRef {
    let lists: Vec<Vec<T>> = rows.iter().map(values).collect();
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(Vec::len));
    let values = A::from(lists.into_iter().flatten().collect());
    Arc::new(ListArray::new(item_field(values.data_type().clone()), offsets, Arc::new(values), None))
}

/// Creates a list column with one value for each edge.
fn edge_list<T, A: arrow::array::Array + From<Vec<T>> + 'static>(
    rows: &[Row],
    value: impl Fn(&Edge) -> T,
) -> ArrayRef {
    list::<T, A>(rows, |row| row.edges.iter().map(&value).collect())
}

/// Creates a column with nine values in each row.
fn matrix(values: ArrayRef) -> ArrayRef {
    Arc::new(FixedSizeListArray::new(item_field(values.data_type().clone()), 9, values, None))
}

/// Creates a column of the fixed schema.
fn column(name: &str, rows: &[Row]) -> ArrayRef {
    use arrow::array::{BooleanArray, Float32Array, Int16Array, UInt8Array};
    let doubles = |value: fn(&Row) -> f64| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(value(row))).collect::<Float64Array>())
    };
    let texts = |value: fn(&Row) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
    };
    match name {
        "material_id" => texts(|row| &row.material_id),
        "source" => texts(|_| "test"),
        "chemical_formula_reduced" => texts(|_| "Po"),
        "elements" => list::<String, StringArray>(rows, |_| vec!["Po".to_owned()]),
        "nelements" => Arc::new(UInt32Array::from(vec![1; rows.len()])),
        "nsites" => {
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.atomic_numbers.len() as u32)))
        }
        "lattice_vectors" => {
            matrix(Arc::new(Float64Array::from_iter_values(rows.iter().flat_map(|row| row.lattice))))
        }
        "niggli_transform" => {
            matrix(Arc::new(Int32Array::from_iter_values(rows.iter().flat_map(|row| row.transform))))
        }
        "a" | "b" | "c" => doubles(|row| row.lattice[0]),
        "alpha" | "beta" | "gamma" => doubles(|_| 90.0),
        "volume" => doubles(|row| row.lattice[0].powi(3)),
        "atomic_numbers" => list::<u8, UInt8Array>(rows, |row| row.atomic_numbers.clone()),
        "fractional_site_positions" => list::<f64, Float64Array>(rows, |row| row.fractional.clone()),
        "edge_source" => edge_list::<u32, UInt32Array>(rows, |edge| edge.source),
        "edge_target" => edge_list::<u32, UInt32Array>(rows, |edge| edge.target),
        "edge_k1" => edge_list::<i16, Int16Array>(rows, |edge| edge.image[0]),
        "edge_k2" => edge_list::<i16, Int16Array>(rows, |edge| edge.image[1]),
        "edge_k3" => edge_list::<i16, Int16Array>(rows, |edge| edge.image[2]),
        "edge_distance" => edge_list::<f32, Float32Array>(rows, |edge| edge.distance),
        "edge_direction" => edge_list::<u8, UInt8Array>(rows, |edge| edge.direction),
        "edge_same_cell" => edge_list::<bool, BooleanArray>(rows, |edge| edge.direction == HOME),
        "edge_direction_centred" => edge_list::<u8, UInt8Array>(rows, |edge| edge.direction_centred),
        "edge_same_cell_centred" => {
            edge_list::<bool, BooleanArray>(rows, |edge| edge.direction_centred == HOME)
        }
        "split" => Arc::new(rows.iter().map(|row| row.split.as_deref()).collect::<StringArray>()),
        "fold" => Arc::new(rows.iter().map(|row| row.fold).collect::<Int8Array>()),
        "immutable_id" => texts(|_| "mp-1"),
        "chemical_formula_anonymous" => texts(|_| "A"),
        "elements_ratios" => list::<f64, Float64Array>(rows, |_| vec![1.0]),
        "species_at_sites" => {
            list::<String, StringArray>(rows, |row| vec!["Po".to_owned(); row.atomic_numbers.len()])
        }
        "dimension_types" => Arc::new(FixedSizeListArray::new(
            item_field(DataType::Int32),
            3,
            Arc::new(Int32Array::from(vec![1; 3 * rows.len()])),
            None,
        )),
        "nperiodic_dimensions" => Arc::new(UInt32Array::from(vec![3; rows.len()])),
        "space_group_number" => Arc::new(UInt32Array::from(vec![221; rows.len()])),
        "structure_hash" => texts(|_| "c0ffee"),
        other => panic!("no test values for the column '{other}'"),
    }
}

/// Columns of a batch, which a test may change before writing.
pub(crate) type Columns = Vec<(String, ArrayRef)>;

/// Creates all fixed columns and a band gap.
pub(crate) fn columns(rows: &[Row]) -> Columns {
    let mut columns: Columns =
        COLUMNS.iter().map(|fixed| (fixed.name.to_owned(), column(fixed.name, rows))).collect();
    let gaps: Float64Array = rows.iter().map(|row| row.gap).collect();
    columns.push(("band_gap_ev".to_owned(), Arc::new(gaps)));
    columns
}

/// Creates a batch. The schema follows from the types of the columns.
pub(crate) fn batch(columns: Columns) -> RecordBatch {
    let field = |(name, column): &(String, ArrayRef)| Field::new(name, column.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(schema), columns).expect("columns of equal length")
}

/// Returns the metadata of a valid shard.
pub(crate) fn metadata() -> Vec<(String, String)> {
    let mut metadata = vec![(FORMAT_VERSION_KEY.to_owned(), FORMAT_VERSION.to_string())];
    metadata.extend(FeatureSettings::default().to_metadata());
    metadata
}

/// Writes a shard with `group_rows` rows in each row group.
pub(crate) fn write(path: &Path, batch: &RecordBatch, metadata: Vec<(String, String)>, group_rows: usize) {
    let pairs = metadata.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(pairs))
        .set_max_row_group_row_count(Some(group_rows))
        .set_data_page_row_count_limit(2)
        .set_write_batch_size(2)
        .build();
    let file = File::create(path).expect("a writable folder");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a valid schema");
    writer.write(batch).expect("a valid batch");
    writer.close().expect("a writable file");
}

/// A list of doubles, which is not the type of any edge column.
pub(crate) fn doubles() -> DataType {
    DataType::List(item_field(DataType::Float64))
}
