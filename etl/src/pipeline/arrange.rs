//! From blocks in order to files: duplicates out, rows into row groups, row groups into files.
//!
//! Files end between blocks only, so that the journal can say where to read on. A file therefore
//! holds at most the rows asked for, and up to a block fewer.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use schemas::manifest::Counts;

use super::error::BuildError;
use super::process::{ProcessedBlock, count, material_ids};
use crate::reject::{DUPLICATE_ID, Reject};

/// A row group ends when its features take this many bytes, whatever its number of rows.
const ROW_GROUP_BYTES: usize = 8 << 20;
/// A sorted run, which is sorted in memory, ends at this many bytes of features.
const RUN_BYTES: usize = 32 << 20;
/// Bytes of features for each edge and for each row, as estimated for the bounds above.
const BYTES_PER_EDGE: usize = 24;
const BYTES_PER_ROW: usize = 400;

/// 128-bit hashes of all identifiers so far: 16 bytes a crystal, whatever the identifiers' length.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenIds(HashSet<u128>);

impl SeenIds {
    /// Notes an identifier; `false` if it was there before.
    pub(super) fn insert(&mut self, material_id: &str) -> bool {
        self.0.insert(Self::hash(material_id))
    }

    /// Whether an identifier was noted.
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

    /// Moves rows whose identifier was there before to the block's rejects, and these into order.
    ///
    /// # Errors
    /// [`BuildError::Arrow`] if a batch cannot be cut, a fault of the caller.
    pub(super) fn drop_duplicates(&mut self, block: &mut ProcessedBlock) -> Result<(), BuildError> {
        let mut first = 0;
        let mut duplicates = Vec::new();
        for batch in &mut block.batches {
            let Some(ids) = material_ids(batch) else { continue };
            let keep: Vec<bool> = ids.iter().map(|id| id.is_none_or(|id| self.insert(id))).collect();
            if !keep.iter().all(|keep| *keep) {
                for row in (0..keep.len()).filter(|row| !keep[*row]) {
                    let Some(origin) = block.origins.get(first + row) else { continue };
                    duplicates.push(Reject {
                        material_id: Some(ids.value(row).to_owned()),
                        origin: origin.clone(),
                        reason: DUPLICATE_ID,
                        message: format!(
                            "'{}' was read before; the first one is kept: rename one of them, or tell \
                             files of one name apart by --id path",
                            ids.value(row)
                        ),
                    });
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

/// What the journal notes when a file is finished.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Commit {
    /// Blocks of the input that are wholly dealt with.
    pub blocks: u64,
    /// What became of their entries.
    pub counts: Counts,
    /// Whether that is the whole input.
    pub input_ended: bool,
}

/// A step of the output, in order.
#[derive(Debug)]
pub(super) enum Step {
    /// Rejects for the notes.
    Rejects(Vec<Reject>),
    /// Rows of one row group of the file being written.
    RowGroup(Vec<RecordBatch>),
    /// All rows of a file, to be sorted.
    SortedFile(Vec<RecordBatch>),
    /// End of the file being written; rejects noted so far belong to the commit.
    EndFile,
    /// Everything before this is safe once the files are.
    Commit(Commit),
}

/// Sizes of files and row groups, in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileSizes {
    /// Most rows of a file.
    pub file_rows: usize,
    /// Most rows of a row group.
    pub row_group_rows: usize,
    /// Whether files are sorted runs instead of row groups in the order of the input.
    pub sorted: bool,
}

/// Arranges blocks into files.
#[derive(Debug)]
pub(super) struct Arranger {
    sizes: FileSizes,
    seen: SeenIds,
    counts: Counts,
    /// Rows of the open file.
    file_rows: usize,
    file_bytes: usize,
    /// Rows of the open row group.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    blocks: u64,
}

/// Estimate of a batch's features in bytes.
fn bytes_of(batch: &RecordBatch) -> usize {
    let edges = batch
        .column_by_name("edge_target")
        .and_then(|column| column.as_list_opt::<i32>())
        .map_or(0, |lists| lists.value_offsets()[lists.len()] - lists.value_offsets()[0]);
    BYTES_PER_ROW * batch.num_rows() + BYTES_PER_EDGE * usize::try_from(edges).unwrap_or(0)
}

impl Arranger {
    /// An arranger that goes on after `blocks` blocks with these counts and identifiers.
    pub(super) fn new(sizes: FileSizes, blocks: u64, counts: Counts, seen: SeenIds) -> Self {
        Self {
            sizes,
            seen,
            counts,
            file_rows: 0,
            file_bytes: 0,
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
            blocks,
        }
    }

    /// Takes the next block, or the end of the input.
    ///
    /// # Errors
    /// [`BuildError::Arrow`] if a batch cannot be cut, a fault of the caller.
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
            let group_room =
                if self.sizes.sorted { usize::MAX } else { self.sizes.row_group_rows - self.waiting_rows };
            let rows = batch.num_rows().min(file_room).min(group_room);
            let part = batch.slice(0, rows);
            batch = batch.slice(rows, batch.num_rows() - rows);
            let bytes = bytes_of(&part);
            self.file_rows += rows;
            self.file_bytes += bytes;
            self.waiting_rows += rows;
            self.waiting_bytes += bytes;
            self.waiting.push(part);
            let full =
                self.waiting_rows == self.sizes.row_group_rows || self.waiting_bytes >= ROW_GROUP_BYTES;
            if full && !self.sizes.sorted {
                self.end_row_group(steps);
            }
            // Only a block larger than a file ends one before its own end; the commit follows later.
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
