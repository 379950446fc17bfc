//! Embeddings of a store's crystals as a table.

mod embedder;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use schemas::output;

use crate::atomic;
use crate::config::DataConfig;
use crate::data::fingerprint::fingerprint;
use crate::data::{Selection, Sources, Stream, Subset};
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::predict::Position;
use crate::run::interrupt::Interrupt;
use crate::table::TableFormat;
pub use embedder::{Embedder, NotAVector, Vector};
use table::EmbeddingWriter;

/// Key of the metadata of a Parquet table, after `mmpt.`: the SHA-256 of the weights file.
pub(crate) const WEIGHTS_SHA256: &str = "weights_sha256";
/// Key of the metadata, after `mmpt.`: the [`fingerprint`] of the shards. Tables of earlier versions lack it.
pub(crate) const SHARDS_SHA256: &str = "shards_sha256";

/// The arguments of [`embed`](fn@embed).
#[derive(Debug, Clone)]
pub struct Request {
    /// Weights file or checkpoint.
    pub weights: PathBuf,
    /// Shards and limits of the batches.
    pub data: DataConfig,
    /// The table to write. The ending chooses the format.
    pub out: PathBuf,
    /// Whether to replace an existing table.
    pub overwrite: bool,
    /// Whether to add `h_s`, the embedding of every atom.
    pub per_atom: bool,
    /// The device of the model.
    pub device: DeviceName,
    /// Asks to stop after the current batch.
    pub interrupt: Interrupt,
}

/// The result of [`embed`](fn@embed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Number of rows of the table.
    pub crystals: u64,
    /// Whether the weights have a description. The defaults apply otherwise.
    pub described: bool,
}

/// Writes the embeddings of all crystals in the order of the shards: `material_id`, `h_l` (lattice), `h_s_mean` and
/// `h_s_max` (readouts over the atoms) and, with `per_atom`, `h_s`, a list of one vector per site in the order of the
/// store. No atoms are masked. All numbers are 32-bit floats. In CSV each number has a column of its own, `h_l_0`,
/// `h_l_1`, ..., and there is no `h_s`. `progress` is called after each batch, with the number of
/// all crystals.
///
/// # Errors
/// [`TrainError`] for a file name without the ending of a format, weights that cannot be read, shards with other
/// settings, a table that already exists, is an input or cannot be written, an embedding that is not finite, and an
/// interruption. The table is complete or absent.
pub fn embed(request: &Request, progress: &mut dyn FnMut(Position)) -> Result<Summary, TrainError> {
    let format = TableFormat::of(&request.out)?;
    if request.per_atom && format == TableFormat::Csv {
        return Err(TrainError::PerAtomCsv { path: request.out.clone() });
    }
    let embedder = Embedder::load(&request.weights, request.device)?;
    if request.data.shards.is_empty() {
        return Err(TrainError::NoShards);
    }
    let described = embedder.described();
    let expected = described.then_some(embedder.features());
    let sources = Arc::new(Sources::resolve(&request.data.shards, expected)?);
    let shards = sources.shards().iter().map(|shard| &shard.path);
    output::require_apart(&request.out, shards.chain([&request.weights]))?;
    if request.out.exists() && !request.overwrite {
        return Err(TrainError::Exists { path: request.out.clone() });
    }
    let cutoff = sources.settings().cutoff_angstrom;
    let selection = Selection::new(&sources, Subset::All)?;
    let (mut crystals, expected) = (0, Some(selection.crystals()));
    let mut failure = None;
    let weights = request.weights.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let metadata =
        [("weights", weights), (WEIGHTS_SHA256, embedder.sha256()?), (SHARDS_SHA256, fingerprint(&sources)?)];
    let stream = Stream::<f32>::open(&selection, embedder.settings(&request.data))?;
    let written = atomic::write(&request.out, |out| {
        let mut writer = EmbeddingWriter::new(out, format, embedder.shape(request.per_atom), metadata)?;
        for graph in stream {
            let graph = match graph {
                Ok(graph) => graph,
                Err(error) => {
                    failure = Some(error.into());
                    return Err(std::io::Error::other("the shards could not be read"));
                }
            };
            crystals += graph.crystals() as u64;
            let embeddings = embedder.embeddings(graph, cutoff);
            if let Some(material_id) = embeddings.not_finite() {
                let (weights, quantity) = (request.weights.clone(), "embedding");
                failure =
                    Some(TrainError::NotFinite { weights, quantity, material_id: material_id.to_owned() });
                return Err(std::io::Error::other("an embedding is not finite"));
            }
            writer.write(&embeddings)?;
            progress(Position { done: crystals, expected });
            if request.interrupt.requested() {
                failure = Some(TrainError::Interrupted);
                return Err(std::io::Error::other("interrupted"));
            }
        }
        writer.finish()
    });
    match (written, failure) {
        (_, Some(error)) => Err(error),
        (Err(source), None) => Err(TrainError::Write { path: request.out.clone(), source }),
        (Ok(()), None) => Ok(Summary { crystals, described }),
    }
}
