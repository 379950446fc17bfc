//! Writing of blocks of rows that do not come from a source. A single thread writes them, and they cannot be resumed.

use arrow::datatypes::SchemaRef;
use schemas::manifest::Manifest;

use super::arrange::{Arranger, FileSizes, SeenIds};
use super::block::ProcessedBlock;
use super::error::BuildError;
use super::finish::finish;
use super::journal::{Journal, RejectLog, RunIdentity};
use super::stages::{Output, Pass, encode_step};
use super::store::{Begin, Inputs, Interrupted, StoreFolder};
use crate::shard::{ShardFormat, file_metadata};

/// The store that the rows are written to.
pub(crate) struct FedStore<'a> {
    /// Folder of the store.
    pub folder: &'a StoreFolder,
    /// Identity of the store.
    pub run: RunIdentity,
    /// Schema of the rows.
    pub schema: SchemaRef,
    /// Largest number of rows of a shard.
    pub shard_rows: usize,
    /// Largest number of rows of a row group.
    pub row_group_rows: usize,
    /// Whether to replace a finished store.
    pub force: bool,
}

impl FedStore<'_> {
    /// Writes the rows and rejects of all blocks, in order and without duplicates. The files are those that a build
    /// would write for the same rows.
    ///
    /// # Errors
    /// Returns [`BuildError::Finished`] if there is a finished store, [`BuildError`] if a file cannot be written, or
    /// the first error of the blocks. The store is then unfinished.
    pub(crate) fn write<E: From<BuildError>>(
        self,
        blocks: impl Iterator<Item = Result<ProcessedBlock, E>>,
    ) -> Result<Manifest, E> {
        let Self { folder, run, schema, shard_rows, row_group_rows, force } = self;
        let begin = folder.begin(&run, Inputs::Known(&[]), Interrupted::Replace, force)?;
        if !matches!(begin, Begin::Fresh) {
            let difference = "the rows of another stream".to_owned();
            return Err(BuildError::Finished { store: folder.path().to_owned(), difference }.into());
        }
        let prefix = run.source.clone();
        let format = ShardFormat::new(schema, &file_metadata(&run.settings)).map_err(BuildError::from)?;
        let staging = folder.staging();
        let journal = Journal::new(run, Vec::new());
        let mut output = Output {
            staging: &staging,
            store: folder.path(),
            format: &format,
            prefix: &prefix,
            files: 0,
            open: None,
            complete: Vec::new(),
            rejects: RejectLog::open(&staging, &journal)?,
            journal,
            pass: Pass::Shards,
        };
        let sizes = FileSizes { file_rows: shard_rows, row_group_rows, sorted: false };
        let mut arranger = Arranger::new(sizes, 0, Default::default(), SeenIds::default());
        for block in blocks.map(|block| block.map(Some)).chain([Ok(None)]) {
            for step in arranger.arrange(block?)? {
                output.write(encode_step(&format, None, step)?)?;
            }
        }
        Ok(finish(folder, output.journal, Vec::new())?)
    }
}
