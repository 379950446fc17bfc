//! Arrangement of blocks of rows into row groups and files, without duplicates.
//!
//! A file ends only at the end of a block, so that the journal can state where to resume. It therefore holds at most
//! the requested number of rows, and up to one block fewer.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use schemas::limits::MAX_GROUP_VALUES;
use schemas::manifest::Counts;

use super::block::ProcessedBlock;
use super::counts::count;
use super::error::BuildError;
use super::reject_limit::RejectLimit;
use super::rows::material_ids;
use crate::reject::{DUPLICATE_ID, Reject};
use crate::source::{cif_identifier, poscar_identifier};

/// Size of the features, in bytes, at which a row group ends regardless of its number of rows.
const ROW_GROUP_BYTES: usize = 8 << 20;
/// Number of values of a column at which a row group ends. The limit on the size is reached long before, unless atoms
/// have no edges. It is half of what a reader accepts, because one more row may follow.
const ROW_GROUP_VALUES: usize = MAX_GROUP_VALUES as usize / 2;
/// The longest list columns, one with a value per edge and one per site.
const LONGEST_LISTS: [&str; 2] = ["edge_target", "fractional_site_positions"];
/// Size of the features, in bytes, at which a sorted run ends. A run is sorted in memory.
const RUN_BYTES: usize = 32 << 20;
/// Estimated size of the features in bytes per edge and per row, for the limits above.
const BYTES_PER_EDGE: usize = 24;
const BYTES_PER_ROW: usize = 400;
/// Estimated size in bytes of a row in each other column, for the limit of a sorted run: a number and its validity.
const BYTES_PER_COLUMN: usize = 9;

/// Advice in the reject of a duplicate identifier that was taken from a file's name.
const RENAME_FILES: &str = ": rename one of them, or tell files of one name apart by --id path";

/// 128-bit hashes of all identifiers so far, which take 16 bytes per crystal regardless of their length.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenIds(HashSet<u128>);

impl SeenIds {
    /// Adds an identifier. Returns `false` if it was already there.
    pub(super) fn insert(&mut self, material_id: &str) -> bool {
        self.0.insert(Self::hash(material_id))
    }

    /// Whether an identifier is in the set.
    pub(super) fn contains(&self, material_id: &str) -> bool {
        self.0.contains(&Self::hash(material_id))
    }

    fn hash(material_id: &str) -> u128 {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            material_id.hash(&mut hasher);
            u128::from(hasher.finish())
        };
        half(0) << 64 | half(1)
    }

    /// Moves rows with known identifiers to the block's rejects, and sorts these by their numbers in the input.
    ///
    /// # Errors
    /// Returns [`BuildError::Arrow`] if a batch cannot be split, which is an error of the caller.
    pub(super) fn drop_duplicates(&mut self, block: &mut ProcessedBlock) -> Result<(), BuildError> {
        let mut first = 0;
        let mut duplicates = Vec::new();
        for batch in &mut block.batches {
            let Some(ids) = material_ids(batch) else { continue };
            let keep: Vec<bool> = ids.iter().map(|id| id.is_none_or(|id| self.insert(id))).collect();
            if !keep.iter().all(|keep| *keep) {
                for row in (0..keep.len()).filter(|row| !keep[*row]) {
                    let Some(origin) = block.origins.get(first + row) else { continue };
                    let id = ids.value(row);
                    let advice = if is_named_after(&origin.file, id) { RENAME_FILES } else { "" };
                    let message = format!("'{id}' was read before; the first one is kept{advice}");
                    duplicates.push(Reject::new(Some(id.to_owned()), origin.clone(), DUPLICATE_ID, message));
                }
                first += keep.len();
                *batch = filter_record_batch(batch, &BooleanArray::from(keep))?;
            } else {
                first += keep.len();
            }
        }
        block.rejects.append(&mut duplicates);
        block.rejects.sort_by_key(|reject| reject.origin.record);
        Ok(())
    }
}

/// Whether a crystal is named after its file: a CIF or POSCAR, also in an archive, whose path holds the identifier. `#` and a
/// block's name may follow it.
fn is_named_after(file: &str, material_id: &str) -> bool {
    let member = file.rsplit_once('!').map_or(file, |(_, member)| member);
    let is_of_one = cif_identifier(file).or(poscar_identifier(member)).is_some();
    let name = material_id.split_once('#').map_or(material_id, |(name, _)| name);
    is_of_one && file.contains(name)
}

/// The state that the journal records when a file is finished.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Commit {
    /// Number of input blocks that are completely processed.
    pub blocks: u64,
    /// Numbers of their entries by outcome.
    pub counts: Counts,
    /// Whether the whole input is processed.
    pub input_ended: bool,
}

/// A step of the output. Steps are in order.
#[derive(Debug)]
pub(super) enum Step {
    /// Rejects for the journal.
    Rejects(Vec<Reject>),
    /// The rows of a row group of the open file.
    RowGroup(Vec<RecordBatch>),
    /// All rows of a file, to be sorted.
    SortedFile(Vec<RecordBatch>),
    /// The end of the open file. The rejects recorded so far belong to its commit.
    EndFile,
    /// A point from which an interrupted build can resume, once the files before it are on disk.
    Commit(Commit),
}

/// Sizes of files and row groups in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileSizes {
    /// Largest number of rows of a file.
    pub file_rows: usize,
    /// Largest number of rows of a row group.
    pub row_group_rows: usize,
    /// Whether files are sorted runs, instead of row groups in the order of the input.
    pub sorted: bool,
}

/// Arranges blocks into files.
#[derive(Debug)]
pub(super) struct Arranger {
    sizes: FileSizes,
    seen: SeenIds,
    counts: Counts,
    limit: RejectLimit,
    /// Number of rows of the open file.
    file_rows: usize,
    file_bytes: usize,
    /// Rows of the open row group.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    /// Number of values in its longest column.
    waiting_values: usize,
    blocks: u64,
}

/// Returns the number of values in the first rows of a list column.
fn values_of(batch: &RecordBatch, column: &str, rows: usize) -> usize {
    let lists = batch.column_by_name(column).and_then(|column| column.as_list_opt::<i32>());
    let offsets = lists.map(|lists| lists.value_offsets()).unwrap_or_default();
    match (offsets.first(), offsets.get(rows)) {
        (Some(begin), Some(end)) => usize::try_from(end - begin).unwrap_or(0),
        _ => 0,
    }
}

/// Returns the estimated size of a batch's features in bytes.
fn bytes_of(batch: &RecordBatch) -> usize {
    let rows = batch.num_rows();
    BYTES_PER_ROW * rows + BYTES_PER_EDGE * values_of(batch, "edge_target", rows)
}

/// Returns the estimated size of a batch in bytes with its other columns. Thousands of properties take more than the
/// features.
fn bytes_of_all(batch: &RecordBatch) -> usize {
    bytes_of(batch) + BYTES_PER_COLUMN * batch.num_columns() * batch.num_rows()
}

/// Returns the number of values in the longest list column of the first `rows` rows of a batch.
fn longest(batch: &RecordBatch, rows: usize) -> usize {
    LONGEST_LISTS.into_iter().map(|column| values_of(batch, column, rows)).max().unwrap_or(0)
}

/// Returns the number of rows of a batch whose values fit into one row group, at least one.
fn rows_of_a_group(batch: &RecordBatch) -> usize {
    let rows = batch.num_rows();
    if longest(batch, rows) <= ROW_GROUP_VALUES {
        return rows;
    }
    (2..=rows).find(|&rows| longest(batch, rows) > ROW_GROUP_VALUES).map_or(rows, |rows| rows - 1).max(1)
}

impl Arranger {
    /// Creates an arranger that continues after `blocks` blocks with these counts and identifiers.
    pub(super) fn new(sizes: FileSizes, blocks: u64, counts: Counts, seen: SeenIds) -> Self {
        Self {
            sizes,
            seen,
            limit: RejectLimit::new(counts.kept + counts.filtered, counts.rejected),
            counts,
            file_rows: 0,
            file_bytes: 0,
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
            waiting_values: 0,
            blocks,
        }
    }

    /// Arranges the next block, or the end of the input.
    ///
    /// # Errors
    /// Returns [`BuildError::NoCrystals`] if almost no entry is a crystal, or [`BuildError::Arrow`] if a batch cannot
    /// be split, which is an error of the caller.
    pub(super) fn arrange(&mut self, block: Option<ProcessedBlock>) -> Result<Vec<Step>, BuildError> {
        let mut steps = Vec::new();
        match block {
            Some(block) => self.add(block, &mut steps)?,
            None => {
                self.end_file(&mut steps);
                steps.push(Step::Commit(self.commit(true)));
            }
        }
        Ok(steps)
    }

    fn add(&mut self, mut block: ProcessedBlock, steps: &mut Vec<Step>) -> Result<(), BuildError> {
        self.seen.drop_duplicates(&mut block)?;
        self.limit.add(&block)?;
        let rows = block.rows();
        if self.file_rows > 0 && self.file_rows + rows > self.sizes.file_rows {
            self.end_file(steps);
            steps.push(Step::Commit(self.commit(false)));
        }
        count(&mut self.counts, rows, &block.rejects, &block.notes);
        self.blocks = block.number + 1;
        if !block.rejects.is_empty() {
            steps.push(Step::Rejects(block.rejects));
        }
        for batch in block.batches {
            self.add_rows(batch, steps);
        }
        let full = self.sizes.sorted && self.file_bytes >= RUN_BYTES;
        if full || self.file_rows >= self.sizes.file_rows {
            self.end_file(steps);
            steps.push(Step::Commit(self.commit(false)));
        }
        Ok(())
    }

    fn add_rows(&mut self, mut batch: RecordBatch, steps: &mut Vec<Step>) {
        while batch.num_rows() > 0 {
            let file_room = self.sizes.file_rows - self.file_rows;
            let group_room = match self.sizes.sorted {
                true => usize::MAX,
                false => rows_of_a_group(&batch).min(self.sizes.row_group_rows - self.waiting_rows),
            };
            let rows = batch.num_rows().min(file_room).min(group_room);
            let part = batch.slice(0, rows);
            batch = batch.slice(rows, batch.num_rows() - rows);
            let bytes = bytes_of(&part);
            self.file_rows += rows;
            self.file_bytes += bytes_of_all(&part);
            self.waiting_rows += rows;
            self.waiting_bytes += bytes;
            self.waiting_values += longest(&part, rows);
            self.waiting.push(part);
            let full = self.waiting_rows == self.sizes.row_group_rows
                || self.waiting_bytes >= ROW_GROUP_BYTES
                || self.waiting_values >= ROW_GROUP_VALUES;
            if full && !self.sizes.sorted {
                self.end_row_group(steps);
            }
            // A file ends within a block only if the block is larger than a file. The commit follows later.
            if self.file_rows == self.sizes.file_rows && batch.num_rows() > 0 {
                self.end_file(steps);
            }
        }
    }

    fn end_row_group(&mut self, steps: &mut Vec<Step>) {
        if self.waiting_rows > 0 {
            let rows = std::mem::take(&mut self.waiting);
            steps.push(if self.sizes.sorted { Step::SortedFile(rows) } else { Step::RowGroup(rows) });
        }
        self.waiting_rows = 0;
        self.waiting_bytes = 0;
        self.waiting_values = 0;
    }

    fn end_file(&mut self, steps: &mut Vec<Step>) {
        self.end_row_group(steps);
        if self.file_rows > 0 {
            steps.push(Step::EndFile);
        }
        self.file_rows = 0;
        self.file_bytes = 0;
    }

    fn commit(&self, input_ended: bool) -> Commit {
        Commit { blocks: self.blocks, counts: self.counts.clone(), input_ended }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int8Array, ListArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::DataType;
    use schemas::store::item_field;

    use super::*;

    #[test]
    fn files_are_told_from_other_inputs_by_their_names() {
        for (file, id, is_named) in [
            ("x/a.cif", "a", true),
            ("x/a.cif.gz", "a#block", true),
            ("x/mp-1/relaxed.cif", "mp-1", true),
            ("x.tar.gz!mp-1/POSCAR", "mp-1", true),
            ("x.zip!POSCAR", "x", true),
            ("x.zip!b/a.cif", "b/a", true),
            // Identifiers of these stand in the files.
            ("table.csv", "table", false),
            ("x/po.cif", "mp-1", false),
            ("x.json.gz", "x", false),
            ("x.zip!a.json", "a", false),
            ("a.aselmdb", "a", false),
            ("frames.extxyz", "frames", false),
            ("list", "list", false),
        ] {
            assert_eq!(is_named_after(file, id), is_named, "{file}: {id}");
        }
    }

    /// A batch with lists of so many edges.
    fn batch(edges: &[usize]) -> RecordBatch {
        let values = Arc::new(Int8Array::from(vec![0; edges.iter().sum()]));
        let offsets = OffsetBuffer::from_lengths(edges.iter().copied());
        let lists = ListArray::new(item_field(DataType::Int8), offsets, values, None);
        RecordBatch::try_from_iter([("edge_target", Arc::new(lists) as _)]).expect("one column")
    }

    #[test]
    fn a_sorted_run_ends_by_its_properties_too() {
        let numbers: arrow::array::ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![1.0; 256]));
        let names = (0..4096).map(|at| (format!("p{at}"), Arc::clone(&numbers)));
        let wide = RecordBatch::try_from_iter(names).expect("columns of one length");
        let sizes = FileSizes { file_rows: 16_384, row_group_rows: 1024, sorted: true };
        let mut arranger = Arranger::new(sizes, 0, Counts::default(), SeenIds::default());
        let block = || ProcessedBlock { batches: vec![wide.clone()], ..Default::default() };
        let ended = (0..8).filter(|_| {
            let steps = arranger.arrange(Some(block())).expect("one schema");
            steps.iter().any(|step| matches!(step, Step::SortedFile(_)))
        });
        assert_eq!(ended.count(), 2);
    }

    #[test]
    fn a_row_group_holds_what_a_reader_takes() {
        let million = 1_000_000;
        assert_eq!(rows_of_a_group(&batch(&[12, 0, 30])), 3);
        assert_eq!(rows_of_a_group(&batch(&[million; 9])), 4);
        assert_eq!(rows_of_a_group(&batch(&[million; 9]).slice(6, 3)), 3);
        assert_eq!(rows_of_a_group(&batch(&[ROW_GROUP_VALUES + 1, 1])), 1);
        let sizes = FileSizes { file_rows: 100, row_group_rows: 50, sorted: false };
        let mut arranger = Arranger::new(sizes, 0, Counts::default(), SeenIds::default());
        let mut steps = Vec::new();
        arranger.add_rows(batch(&[million; 9]), &mut steps);
        arranger.end_file(&mut steps);
        let groups = steps.iter().filter_map(|step| match step {
            Step::RowGroup(batches) => {
                Some(batches.iter().map(|batch| longest(batch, batch.num_rows())).sum())
            }
            _ => None,
        });
        let groups: Vec<usize> = groups.collect();
        assert_eq!(groups, [4 * million, 4 * million, million]);
    }
}
