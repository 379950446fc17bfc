//! Predictions of properties with fine-tuned models.
//!
//! * [`model`]: a fine-tuned model, and the conditions for an ensemble
//! * [`members`]: weights files of an ensemble
//! * [`input`]: stores, or structures to featurise
//! * `structures`: featurisation of structures
//! * [`table`]: predictions as Parquet, CSV or JSON
//! * `left_out`: the table of entries without a prediction
//! * `outlook`: the number of crystals that are to be predicted
//! * `ensemble`: predictions of all models
//!
//! Everything streams: memory holds a few batches, whatever the number of crystals.

mod ensemble;
mod error;
pub mod input;
mod left_out;
pub mod members;
pub mod model;
mod outlook;
mod structures;
pub mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etl::pipeline::{Bounds, BuildError};
use etl::source::{ListItem, SourceKind, UnreadFiles};
use schemas::manifest::NotedEntries;
use schemas::output;

use crate::atomic;
use crate::data::{BatchLimit, Inputs, Selection, Stream, StreamSettings, Subset};
use crate::run::interrupt::Interrupt;
use crate::table::TableFormat;

use ensemble::Ensemble;
pub use error::PredictError;
use input::Input;
use left_out::{LeftOut, SharedLeftOut};
pub use members::{absent_members, weights_files};
pub use model::{Member, Quantity};
use outlook::Outlook;
use structures::{StructureInputs, Structures};
use table::TableWriter;

pub use crate::data::limit::{DEFAULT_BATCH_CRYSTALS, DEFAULT_BATCH_TRIPLETS};

/// The crystals whose properties are predicted.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// Paths: CIFs, POSCARs, and folders and archives of them; or JSON files and tables of one kind; or stores,
    /// shards and glob patterns.
    Paths(Vec<PathBuf>),
    /// Structures in memory, and files of them.
    List(Arc<[ListItem]>),
}

/// The arguments of [`predict`].
#[derive(Debug, Clone)]
pub struct Request {
    /// The crystals.
    pub inputs: Given,
    /// Kind of the structures in paths; determined from them if `None`.
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
    /// Asks to stop after the current batch.
    pub interrupt: Interrupt,
}

/// How far a prediction is, or a table of embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Number of crystals done.
    pub done: u64,
    /// Number of all crystals. Of structures it is an estimate until all are read; `None` before the first.
    pub expected: Option<u64>,
}

/// The result of [`predict`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Whether the prediction was interrupted.
    pub interrupted: bool,
    /// The table: that of the request or, after an interruption, [`partial_path`]; `None` if there was an interruption
    /// before the first row.
    pub table: Option<PathBuf>,
    /// Number of crystals in the table.
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
/// in [`left_out_path`], which exists afterwards only if there are any. `progress` is called after each batch.
///
/// After an interruption, the finished rows are a table of their own, [`partial_path`], with its own table of entries
/// left out. Both are removed by the next complete prediction that may overwrite.
///
/// # Errors
/// [`PredictError`] for models that do not make an ensemble, an input that cannot be read or has other settings, no
/// crystals, and a table that already exists, is an input or cannot be written. The table of predictions is complete
/// or unchanged.
pub fn predict(
    request: &Request,
    members: &[Member],
    progress: &mut dyn FnMut(Position),
) -> Result<Summary, PredictError> {
    if request.bounds.max_sites == 0 {
        // Of stores no site is counted, but no structure has none.
        let (option, problem) = ("max_sites", "must be at least 1".to_owned());
        return Err(BuildError::Option { option, value: "0".to_owned(), problem }.into());
    }
    let format = TableFormat::of(&request.out)?;
    let ensemble = Ensemble::new(members)?;
    require_replaceable(request, format)?;
    let left_out = LeftOut::shared().map_err(PredictError::write(&request.out))?;
    let Opened { stream, unread, outlook } = open(request, members, &ensemble, &left_out)?;
    let mut watch = |done| progress(Position { done, expected: outlook.crystals() });
    let mut outcome = None;
    let written = atomic::write_as(&request.out, |out| {
        let result = fill(out, format, &ensemble, stream, &left_out, request, &mut watch);
        let table = result.as_ref().ok().and_then(|summary| summary.table.clone());
        outcome = Some(result);
        table.ok_or_else(|| io::Error::other("no table was made"))
    });
    match (outcome, written) {
        (Some(Err(error)), _) => Err(error),
        (Some(Ok(summary)), Err(_)) if summary.table.is_none() => Ok(Summary { unread, ..summary }),
        (_, Err(error)) => Err(PredictError::write(&request.out)(error)),
        (Some(Ok(summary)), Ok(())) => {
            if request.overwrite && !summary.interrupted {
                remove_partial(&request.out)?;
            }
            Ok(Summary { unread, ..summary })
        }
        (None, Ok(())) => Err(PredictError::write(&request.out)(io::Error::other("no table was made"))),
    }
}

/// Returns the path of the table of entries left out: `predictions.rejects.csv` for `predictions.parquet`.
pub fn left_out_path(out: &Path) -> PathBuf {
    out.with_extension("rejects.csv")
}

/// Returns the path of the table of an interrupted prediction: `predictions.partial.csv` for `predictions.csv`.
pub fn partial_path(out: &Path) -> PathBuf {
    let ending = out.extension().unwrap_or_default().to_string_lossy();
    out.with_extension(format!("partial.{ending}"))
}

/// Checks that the tables of a request may be written: that of the predictions and that of the entries left out, both
/// also those of an interruption. `p.csv` and `p.json` share the tables of the entries left out.
fn require_replaceable(request: &Request, format: TableFormat) -> Result<(), PredictError> {
    let (out, partial) = (&request.out, partial_path(&request.out));
    let lists = [left_out_path(out), left_out_path(&partial)];
    if !request.overwrite {
        let mut tables = [out.clone(), partial].into_iter().chain(lists);
        return match tables.find(|path| path.exists()) {
            None => Ok(()),
            Some(path) => Err(PredictError::Exists { path }),
        };
    }
    for path in lists {
        if !left_out::is_replaceable(&path).map_err(PredictError::write(&path))? {
            return Err(PredictError::Foreign { path });
        }
    }
    match partial.exists() && !table::is_table(&partial, format).map_err(PredictError::write(&partial))? {
        true => Err(PredictError::ForeignPartial { path: partial }),
        false => Ok(()),
    }
}

/// Removes the tables of an interrupted prediction, if there are any.
fn remove_partial(out: &Path) -> Result<(), PredictError> {
    let partial = partial_path(out);
    for path in [left_out_path(&partial), partial] {
        atomic::remove_if_there(&path).map_err(PredictError::write(&path))?;
    }
    Ok(())
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

/// Inputs that are being read.
struct Opened {
    stream: Stream,
    /// Numbers of files that are not read.
    unread: UnreadFiles,
    outlook: Outlook,
}

/// Opens the inputs.
fn open(
    request: &Request,
    members: &[Member],
    ensemble: &Ensemble<'_>,
    left_out: &SharedLeftOut,
) -> Result<Opened, PredictError> {
    let settings = StreamSettings {
        shuffle_buffer: None,
        limit: request.limit,
        graph: ensemble.graph(),
        // Crystals with other elements are left out one by one.
        inputs: Inputs { last_element: None, ..ensemble.inputs() },
        workers: request.workers,
        queue: request.queue,
        bases_on_device: request.bases_on_device,
        ..StreamSettings::default()
    };
    let structures = |inputs, settings| -> Result<Opened, PredictError> {
        let structures = Structures::open(inputs, request, ensemble.features(), left_out)?;
        let (unread, outlook) = (structures.unread().clone(), structures.outlook().clone());
        let stream = Stream::of_crystals(structures, ensemble.features().cutoff_angstrom, settings)?;
        Ok(Opened { stream, unread, outlook })
    };
    let paths = match &request.inputs {
        Given::Paths(paths) => paths,
        Given::List(items) => {
            let paths = items.iter().filter_map(ListItem::path);
            require_apart(&request.out, paths, members)?;
            return structures(StructureInputs::List(Arc::clone(items)), settings);
        }
    };
    match Input::find(paths, request.kind, ensemble.features())? {
        Input::Stores(sources) => {
            require_apart(&request.out, sources.shards().iter().map(|shard| &shard.path), members)?;
            let selection = Selection::new(&Arc::new(sources), Subset::All)?;
            Ok(Opened {
                outlook: Outlook::Known(selection.crystals()),
                stream: Stream::open(&selection, settings)?,
                unread: UnreadFiles::default(),
            })
        }
        Input::Structures { kind, paths } => {
            require_apart(&request.out, paths.iter(), members)?;
            structures(StructureInputs::Paths { kind, paths }, settings)
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
    let (mut crystals, mut done, mut interrupted) = (0, 0, false);
    for graph in stream {
        let graph = graph?;
        let size = graph.crystals() as u64;
        let rows = ensemble.predict(graph, left_out)?;
        crystals += rows.iter().filter(|row| row.begins_crystal()).count() as u64;
        table.write(&rows).map_err(unwritable())?;
        done += size;
        progress(done);
        interrupted = request.interrupt.requested();
        if interrupted {
            break;
        }
    }
    let mut left_out = left_out.lock();
    if let Some(failure) = left_out.take_failure() {
        return Err(failure);
    }
    let written = if interrupted { partial_path(&request.out) } else { request.out.clone() };
    let path = left_out_path(&written);
    left_out.save(&path).map_err(PredictError::write(&path))?;
    let summary = Summary {
        interrupted,
        table: (crystals > 0).then_some(written),
        crystals,
        left_out: left_out.count(),
        left_out_table: (left_out.count() > 0).then_some(path),
        noted: left_out.take_noted(),
        unread: UnreadFiles::default(),
    };
    if crystals == 0 && interrupted {
        return Ok(summary);
    }
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
