//! Predictions of properties with fine-tuned models.
//!
//! * [`model`]: a fine-tuned model, and the conditions for an ensemble
//! * [`members`]: weights files of an ensemble
//! * [`input`]: stores, or structures to featurise
//! * `structures`: featurisation of structures
//! * [`table`]: predictions as Parquet, CSV or JSON
//! * `left_out`: the table of entries without a prediction
//! * `ensemble`: predictions of all models
//!
//! Everything streams: memory holds a few batches, whatever the number of crystals.

mod ensemble;
mod error;
pub mod input;
mod left_out;
pub mod members;
pub mod model;
mod structures;
pub mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etl::pipeline::{Bounds, BuildError};
use etl::source::{SourceKind, UnreadFiles};
use schemas::manifest::NotedEntries;
use schemas::output;

use crate::atomic;
use crate::data::{BatchLimit, Selection, Stream, StreamSettings, Subset};
use crate::table::TableFormat;

use ensemble::Ensemble;
pub use error::PredictError;
use input::Input;
use left_out::{LeftOut, SharedLeftOut};
pub use members::weights_files;
pub use model::{Member, Quantity};
use structures::Structures;
use table::TableWriter;

pub use crate::data::limit::{DEFAULT_BATCH_CRYSTALS, DEFAULT_BATCH_TRIPLETS};

/// The arguments of [`predict`].
#[derive(Debug, Clone)]
pub struct Request {
    /// Inputs: CIFs, POSCARs, and folders and archives of them; or JSON files and tables of one kind; or stores,
    /// shards and glob patterns.
    pub inputs: Vec<PathBuf>,
    /// Kind of the structures; determined from the inputs if `None`.
    pub kind: Option<SourceKind>,
    /// Bounds for structures. Structures outside are left out. Stores are not checked.
    pub bounds: Bounds,
    /// Table of predictions. The ending chooses the format.
    pub out: PathBuf,
    /// Whether to replace the tables of an earlier run: the predictions and the entries left out.
    pub overwrite: bool,
    /// Limit of the batches. Predictions do not depend on it beyond rounding.
    pub limit: BatchLimit,
    /// Number of threads that featurise structures, at least 1.
    pub threads: usize,
    /// Number of threads that build batches, at least 1.
    pub workers: usize,
    /// Number of batches that wait or are being built, at least 1.
    pub queue: usize,
    /// Whether the device computes the bases, which is so on devices other than the host.
    pub bases_on_device: bool,
}

/// The result of [`predict`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Number of rows of the table.
    pub crystals: u64,
    /// Number of entries without a prediction.
    pub left_out: u64,
    /// Table of these entries; `None` if there are none.
    pub left_out_table: Option<PathBuf>,
    /// Remarks about entries, by code.
    pub noted: BTreeMap<String, NotedEntries>,
    /// Numbers of files in folders and archives that are not read, by ending.
    pub unread: UnreadFiles,
}

/// Predicts for all crystals of the inputs in their order. Shards are sorted by name.
///
/// With several models, a row holds the mean of their predictions and the population standard deviation
/// `sqrt(Σ (y_m - mean)² / M)`, both in the unit of the target. Entries that cannot be read or predicted are listed
/// in [`left_out_path`], which exists afterwards only if there are any. `progress` is called with the number of
/// crystals of each batch.
///
/// # Errors
/// [`PredictError`] for models that do not make an ensemble, an input that cannot be read or has other settings, no
/// crystals, and a table that already exists, is an input or cannot be written. The table of predictions is complete
/// or unchanged.
pub fn predict(
    request: &Request,
    members: &[Member],
    progress: &mut dyn FnMut(u64),
) -> Result<Summary, PredictError> {
    if request.bounds.max_sites == 0 {
        // Of stores no site is counted, but no structure has none.
        let (option, problem) = ("max_sites", "must be at least 1".to_owned());
        return Err(BuildError::Option { option, value: "0".to_owned(), problem }.into());
    }
    let format = TableFormat::of(&request.out)?;
    let ensemble = Ensemble::new(members)?;
    let rejects = left_out_path(&request.out);
    if !request.overwrite {
        refuse_to_replace(&request.out)?;
    } else if !left_out::is_replaceable(&rejects).map_err(PredictError::write(&rejects))? {
        return Err(PredictError::Foreign { path: rejects });
    }
    let left_out = LeftOut::shared().map_err(PredictError::write(&request.out))?;
    let (stream, unread) = open(request, members, &ensemble, &left_out)?;
    let mut outcome = None;
    let written = atomic::write(&request.out, |out| {
        let result = fill(out, format, &ensemble, stream, &left_out, request, progress);
        let stopped = result.is_err();
        outcome = Some(result);
        if stopped { Err(io::Error::other("no table was made")) } else { Ok(()) }
    });
    match (outcome, written) {
        (Some(Err(error)), _) => Err(error),
        (_, Err(error)) => Err(PredictError::write(&request.out)(error)),
        (Some(Ok(summary)), Ok(())) => Ok(Summary { unread, ..summary }),
        (None, Ok(())) => Err(PredictError::write(&request.out)(io::Error::other("no table was made"))),
    }
}

/// Returns the path of the table of entries left out: `predictions.rejects.csv` for `predictions.parquet`.
pub fn left_out_path(out: &Path) -> PathBuf {
    out.with_extension("rejects.csv")
}

/// Refuses to replace either table. `p.csv` and `p.json` share the table of the entries left out.
fn refuse_to_replace(out: &Path) -> Result<(), PredictError> {
    let tables = [out.to_owned(), left_out_path(out)];
    match tables.into_iter().find(|path| path.exists()) {
        None => Ok(()),
        Some(path) => Err(PredictError::Exists { path }),
    }
}

/// Refuses a table that would replace an input: structures, shards or weights.
fn require_apart<'a>(
    out: &Path,
    inputs: impl Iterator<Item = &'a PathBuf> + Clone,
    members: &'a [Member],
) -> Result<(), PredictError> {
    let read = inputs.chain(members.iter().map(|member| &member.path));
    for table in [out, left_out_path(out).as_path()] {
        output::require_apart(table, read.clone())?;
    }
    Ok(())
}

/// Opens the inputs. Also returns the numbers of files that are not read.
fn open(
    request: &Request,
    members: &[Member],
    ensemble: &Ensemble<'_>,
    left_out: &SharedLeftOut,
) -> Result<(Stream, UnreadFiles), PredictError> {
    let settings = StreamSettings {
        shuffle_buffer: None,
        limit: request.limit,
        graph: ensemble.graph(),
        inputs: ensemble.inputs(),
        workers: request.workers,
        queue: request.queue,
        bases_on_device: request.bases_on_device,
        ..StreamSettings::default()
    };
    match Input::find(&request.inputs, request.kind, ensemble.features())? {
        Input::Stores(sources) => {
            require_apart(&request.out, sources.shards().iter().map(|shard| &shard.path), members)?;
            let selection = Selection::new(&Arc::new(sources), Subset::All)?;
            Ok((Stream::open(&selection, settings)?, UnreadFiles::default()))
        }
        Input::Structures { kind, paths } => {
            require_apart(&request.out, paths.iter(), members)?;
            let structures = Structures::open(kind, paths, request, ensemble.features(), left_out)?;
            let unread = structures.unread().clone();
            let stream = Stream::of_crystals(structures, ensemble.features().cutoff_angstrom, settings)?;
            Ok((stream, unread))
        }
    }
}

/// Writes both tables. The entries left out come first, so that predictions never lie beside an old list of them.
fn fill<W: Write + Send>(
    out: &mut W,
    format: TableFormat,
    ensemble: &Ensemble<'_>,
    stream: Stream,
    left_out: &SharedLeftOut,
    request: &Request,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary, PredictError> {
    let unwritable = || PredictError::write(&request.out);
    let mut table = TableWriter::new(out, format, &ensemble.description()).map_err(unwritable())?;
    let mut crystals = 0;
    for graph in stream {
        let graph = graph?;
        let size = graph.crystals() as u64;
        let rows = ensemble.predict(graph, left_out)?;
        crystals += (rows.len() / ensemble.rows_of_crystal().max(1)) as u64;
        table.write(&rows).map_err(unwritable())?;
        progress(size);
    }
    let mut left_out = left_out.lock();
    if let Some(failure) = left_out.take_failure() {
        return Err(failure);
    }
    let path = left_out_path(&request.out);
    left_out.save(&path).map_err(PredictError::write(&path))?;
    let summary = Summary {
        crystals,
        left_out: left_out.count(),
        left_out_table: (left_out.count() > 0).then_some(path),
        noted: left_out.take_noted(),
        unread: UnreadFiles::default(),
    };
    if crystals == 0 {
        return Err(PredictError::NothingPredicted {
            left_out: summary.left_out,
            listed: summary.left_out_table,
        });
    }
    table.finish().map_err(unwritable())?;
    Ok(summary)
}

#[cfg(test)]
mod tests;
