//! Sorting of rows in bounded memory, by sorted runs that are merged.
//!
//! Runs are Arrow IPC files in the staging folder. The merge reads them in small batches and holds one batch of every
//! run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, UInt64Array};
use arrow::compute::{SortOptions, interleave_record_batch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;
use arrow::row::{OwnedRow, RowConverter, SortField};
use schemas::hash::{HashingWriter, leading_bits};
use schemas::manifest::ShardEntry;
use sha2::{Digest, Sha256};

use super::error::BuildError;
use crate::atomic::{publish, temporary_in};

/// Number of rows in a batch of a run. The merge holds one batch of every run, about 100 KB. With runs of the largest
/// size, that is acceptable for tens of millions of crystals.
const RUN_BATCH_ROWS: usize = 16;
/// Number of rows in a batch of the merged output.
const MERGED_BATCH_ROWS: usize = 256;
/// Prefix of the name of a sorted run, before its number.
pub(super) const RUN_BEGINNING: &str = "run-";
/// Extension of the name of a sorted run.
const RUN_ENDING: &str = ".arrow";

/// Order of the rows in a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Order {
    /// The order of the input.
    #[default]
    Source,
    /// A random order that depends only on the seed and the identifiers.
    Shuffle(u64),
    /// Ascending by a scalar column, with nulls last and ties sorted by identifier.
    By(String),
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Order::Source => f.write_str("source"),
            Order::Shuffle(seed) => write!(f, "shuffle:{seed}"),
            Order::By(column) => f.write_str(column),
        }
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("shuffle", seed)) => seed
                .parse()
                .map(Order::Shuffle)
                .map_err(|_| format!("'{seed}' is no seed: a whole number is needed")),
            Some(_) => Err(format!("'{text}' is neither 'source', 'shuffle:SEED' nor a column")),
            None if text == "source" => Ok(Order::Source),
            None if text == "shuffle" => Ok(Order::Shuffle(0)),
            None => Ok(Order::By(text.to_owned())),
        }
    }
}

/// What rows are sorted by, before their identifiers.
enum SortKey {
    /// The position in the random order of a seed.
    Shuffled(u64),
    /// The value in a column.
    Column(String),
}

/// Computes the sort keys of rows.
pub(super) struct SortKeys {
    key: SortKey,
    converter: RowConverter,
}

impl SortKeys {
    /// Creates the keys for rows with this schema; `None` for rows that stay in the order of the input.
    ///
    /// # Errors
    /// Returns [`BuildError::Option`] if the schema has no such scalar column.
    pub(super) fn new(order: &Order, schema: &Schema) -> Result<Option<Self>, BuildError> {
        let (key, key_type) = match order {
            Order::Source => return Ok(None),
            Order::Shuffle(seed) => (SortKey::Shuffled(*seed), DataType::UInt64),
            Order::By(column) => {
                let field =
                    schema.field_with_name(column).ok().filter(|field| !field.data_type().is_nested());
                let Some(field) = field else {
                    return Err(BuildError::Option {
                        option: "order",
                        value: column.clone(),
                        problem: "is neither 'source', 'shuffle:SEED' nor a column with one value a row"
                            .to_owned(),
                    });
                };
                (SortKey::Column(column.clone()), field.data_type().clone())
            }
        };
        let options = SortOptions { descending: false, nulls_first: false };
        let converter = RowConverter::new(vec![
            SortField::new_with_options(key_type, options),
            SortField::new_with_options(DataType::Utf8, options),
        ])?;
        Ok(Some(Self { key, converter }))
    }

    /// Returns one key per row. Keys compare in the order of the rows.
    fn of(&self, batch: &RecordBatch) -> Result<Vec<OwnedRow>, ArrowError> {
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .cloned()
                .ok_or_else(|| ArrowError::SchemaError(format!("no column '{name}'")))
        };
        let ids = column("material_id")?;
        let key: ArrayRef = match &self.key {
            SortKey::Column(name) => column(name)?,
            SortKey::Shuffled(seed) => Arc::new(UInt64Array::from_iter_values(
                ids.as_string::<i32>().iter().map(|id| shuffled_position(*seed, id.unwrap_or_default())),
            )),
        };
        let rows = self.converter.convert_columns(&[key, ids])?;
        Ok(rows.iter().map(|row| row.owned()).collect())
    }

    /// Sorts the rows of consecutive batches and returns them as batches of a run.
    ///
    /// # Errors
    /// Returns an [`ArrowError`] if the batches do not have the schema.
    pub(super) fn sort(&self, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut rows = Vec::new();
        for (position, batch) in batches.iter().enumerate() {
            rows.extend(self.of(batch)?.into_iter().enumerate().map(|(row, key)| (key, position, row)));
        }
        rows.sort_unstable();
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        rows.chunks(RUN_BATCH_ROWS)
            .map(|part| {
                let indices: Vec<(usize, usize)> =
                    part.iter().map(|(_, batch, row)| (*batch, *row)).collect();
                interleave_record_batch(&batches, &indices)
            })
            .collect()
    }
}

/// Returns the position of an identifier in the order of a seed: the first 64 bits of a hash, the same on every
/// machine.
fn shuffled_position(seed: u64, material_id: &str) -> u64 {
    let digest =
        Sha256::new().chain_update(seed.to_le_bytes()).chain_update(material_id.as_bytes()).finalize();
    leading_bits(&digest)
}

/// Whether a file's name is that of a sorted run.
pub(super) fn is_run_name(name: &str) -> bool {
    let number = name.strip_prefix(RUN_BEGINNING).and_then(|rest| rest.strip_suffix(RUN_ENDING));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Writes a run atomically.
///
/// # Errors
/// Returns [`BuildError::Io`] or [`BuildError::Arrow`].
pub(super) fn write_run(
    staging: &Path,
    number: usize,
    schema: &Schema,
    batches: &[RecordBatch],
) -> Result<ShardEntry, BuildError> {
    let name = format!("{RUN_BEGINNING}{number:05}{RUN_ENDING}");
    let path = staging.join(&name);
    let io = || BuildError::io(&path);
    let temporary = temporary_in(staging, RUN_BEGINNING).map_err(io())?;
    let (file, temporary) = temporary.into_parts();
    let hashing = HashingWriter::new(BufWriter::new(file));
    let mut writer = FileWriter::try_new(hashing, schema).map_err(|error| arrow_error(&path, error))?;
    for batch in batches {
        writer.write(batch).map_err(|error| arrow_error(&path, error))?;
    }
    let hashing = writer.into_inner().map_err(|error| arrow_error(&path, error))?;
    let (buffered, sha256, bytes) = hashing.finish();
    let file = buffered.into_inner().map_err(|error| io()(error.into_error()))?;
    publish(&file, temporary, &path).map_err(io())?;
    let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    Ok(ShardEntry { file: name, rows, bytes, sha256 })
}

/// Converts an Arrow error. If the operating system caused it, its own error is used.
fn arrow_error(path: &Path, error: ArrowError) -> BuildError {
    match error {
        ArrowError::IoError(_, source) => BuildError::Io { path: path.to_owned(), source },
        other => BuildError::Arrow(other),
    }
}

/// Opens a run.
///
/// # Errors
/// Returns [`BuildError::Io`] or [`BuildError::Arrow`].
pub(super) fn open_run(staging: &Path, run: &ShardEntry) -> Result<FileReader<BufReader<File>>, BuildError> {
    let path = staging.join(&run.file);
    let file = File::open(&path).map_err(BuildError::io(&path))?;
    FileReader::try_new(BufReader::new(file), None).map_err(|error| arrow_error(&path, error))
}

/// A run that is being merged.
struct Run {
    path: PathBuf,
    batches: FileReader<BufReader<File>>,
    /// Keys of the current batch.
    keys: Vec<OwnedRow>,
    /// Index of the current batch among those that the present output draws from.
    slot: usize,
    batch: RecordBatch,
    row: usize,
}

/// Merges sorted runs into ordered batches.
pub(super) struct Merger<'a> {
    keys: &'a SortKeys,
    runs: Vec<Run>,
    /// Smallest key of every run that is not exhausted.
    heads: BinaryHeap<Reverse<(OwnedRow, usize)>>,
}

impl<'a> Merger<'a> {
    /// Opens all runs, which were sorted by these keys.
    ///
    /// # Errors
    /// Returns a [`BuildError`] if a run cannot be read.
    pub(super) fn new(
        keys: &'a SortKeys,
        schema: &SchemaRef,
        staging: &Path,
        runs: &[ShardEntry],
    ) -> Result<Self, BuildError> {
        let mut merger = Self { keys, runs: Vec::new(), heads: BinaryHeap::new() };
        for (index, run) in runs.iter().enumerate() {
            merger.runs.push(Run {
                path: staging.join(&run.file),
                batches: open_run(staging, run)?,
                keys: Vec::new(),
                slot: 0,
                batch: RecordBatch::new_empty(Arc::clone(schema)),
                row: 0,
            });
            merger.load(index)?;
        }
        Ok(merger)
    }

    /// Reads the next batch of a run whose current batch is exhausted. Returns `false` at the end of the run.
    fn load(&mut self, index: usize) -> Result<bool, BuildError> {
        let Some(run) = self.runs.get_mut(index) else { return Ok(false) };
        let Some(batch) = run.batches.next() else { return Ok(false) };
        run.batch = batch.map_err(|error| arrow_error(&run.path, error))?;
        run.keys = self.keys.of(&run.batch)?;
        run.row = 0;
        if let Some(key) = run.keys.first() {
            self.heads.push(Reverse((key.clone(), index)));
        }
        Ok(true)
    }

    /// Returns the next rows in order, or `None` at the end.
    ///
    /// # Errors
    /// Returns a [`BuildError`] if a run cannot be read.
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>, BuildError> {
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut indices = Vec::with_capacity(MERGED_BATCH_ROWS);
        for run in &mut self.runs {
            run.slot = batches.len();
            batches.push(run.batch.clone());
        }
        while indices.len() < MERGED_BATCH_ROWS {
            let Some(Reverse((_, index))) = self.heads.pop() else { break };
            let run = &mut self.runs[index];
            indices.push((run.slot, run.row));
            run.row += 1;
            if let Some(key) = run.keys.get(run.row) {
                self.heads.push(Reverse((key.clone(), index)));
            } else if self.load(index)? {
                let run = &mut self.runs[index];
                run.slot = batches.len();
                batches.push(run.batch.clone());
            }
        }
        if indices.is_empty() {
            return Ok(None);
        }
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        Ok(Some(interleave_record_batch(&batches, &indices)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, StringArray};
    use arrow::datatypes::Field;
    use proptest::prelude::*;

    fn batch(rows: &[(Option<f64>, String)]) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("gap", DataType::Float64, true),
            Field::new("material_id", DataType::Utf8, false),
        ]);
        let gaps: Float64Array = rows.iter().map(|(gap, _)| *gap).collect();
        let ids: StringArray = rows.iter().map(|(_, id)| Some(id.as_str())).collect();
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(gaps), Arc::new(ids)]).expect("two columns")
    }

    fn merged(order: &Order, runs: &[Vec<RecordBatch>]) -> Vec<String> {
        let staging = tempfile::tempdir().expect("a temporary folder");
        let schema = batch(&[]).schema();
        let keys = SortKeys::new(order, &schema).expect("a good order").expect("another order");
        let entries: Vec<ShardEntry> = runs
            .iter()
            .enumerate()
            .map(|(number, run)| {
                let sorted = keys.sort(run).expect("sortable");
                write_run(staging.path(), number, &schema, &sorted).expect("writable")
            })
            .collect();
        let mut merger = Merger::new(&keys, &schema, staging.path(), &entries).expect("readable");
        let mut ids = Vec::new();
        while let Some(batch) = merger.next_batch().expect("readable") {
            ids.extend(batch["material_id"].as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        ids
    }

    #[test]
    fn orders_are_read_and_written() {
        for text in ["source", "shuffle:7", "band_gap_ev"] {
            assert_eq!(text.parse::<Order>().expect("an order").to_string(), text);
        }
        assert!("shuffle:x".parse::<Order>().is_err());
        let schema = batch(&[]).schema();
        let error = SortKeys::new(&Order::By("volume".into()), &schema).err().expect("no such column");
        assert!(error.to_string().starts_with("order = volume: is neither"), "{error}");
    }

    #[test]
    fn rows_in_the_order_of_the_input_have_no_keys() {
        let schema = batch(&[]).schema();
        assert!(SortKeys::new(&Order::Source, &schema).expect("a good order").is_none());
        assert!(SortKeys::new(&Order::Shuffle(0), &schema).expect("a good order").is_some());
    }

    proptest! {
        #[test]
        fn merged_runs_are_one_sort(gaps in prop::collection::vec(prop::option::of(-3_i8..3), 1..400), cuts in 1_usize..7) {
            let rows: Vec<_> = gaps.iter().enumerate()
                .map(|(row, gap)| (gap.map(f64::from), format!("id-{:04}", (row * 7919) % 10_007)))
                .collect();
            let runs: Vec<Vec<RecordBatch>> = rows.chunks(rows.len().div_ceil(cuts))
                .map(|run| run.chunks(11).map(batch).collect())
                .collect();
            let mut expected = rows.clone();
            expected.sort_by(|(a, i), (b, j)| {
                let key = |gap: &Option<f64>| gap.map_or((1, 0), |gap| (0, gap as i64));
                (key(a), i).cmp(&(key(b), j))
            });
            let expected: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
            prop_assert_eq!(merged(&Order::By("gap".into()), &runs), expected);

            let shuffled = merged(&Order::Shuffle(5), &runs);
            let whole = merged(&Order::Shuffle(5), &[vec![batch(&rows)]]);
            prop_assert_eq!(shuffled, whole);
        }
    }
}
