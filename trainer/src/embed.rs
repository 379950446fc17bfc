//! Embeddings of a store's crystals as a table.

mod table;

use std::path::PathBuf;
use std::sync::Arc;

use burn::prelude::*;
use schemas::output;

use crate::atomic;
use crate::config::DataConfig;
use crate::config::model::Widths;
use crate::data::{Selection, Sources, Stream, StreamSettings, Subset};
use crate::device::{self, DeviceName};
use crate::error::TrainError;
use crate::model::cgcnn::CgcnnEncoder;
use crate::model::head::{Pooled, pool};
use crate::model::{Batch, Encoder, Encoding, Pass};
use crate::pretrain::load::{LoadedEncoder, load_encoder};
use crate::table::TableFormat;
use table::{EmbeddingWriter, Embeddings, Shape};

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
/// `h_l_1`, ..., and there is no `h_s`.
///
/// # Errors
/// [`TrainError`] for a file name without the ending of a format, weights that cannot be read, shards with other
/// settings, and a table that already exists, is an input or cannot be written. The table is complete or absent.
pub fn embed(request: &Request) -> Result<Summary, TrainError> {
    let format = TableFormat::of(&request.out)?;
    if request.per_atom && format == TableFormat::Csv {
        return Err(TrainError::PerAtomCsv { path: request.out.clone() });
    }
    let device = request.device.open()?;
    let loaded = load_encoder(&request.weights, &device.clone().autodiff())?;
    let LoadedEncoder { encoder, description, described } = &loaded;
    if request.data.shards.is_empty() {
        return Err(TrainError::NoShards);
    }
    let expected = described.then_some(&description.features);
    let sources = Arc::new(Sources::resolve(&request.data.shards, expected)?);
    let shards = sources.shards().iter().map(|shard| &shard.path);
    output::require_apart(&request.out, shards.chain([&request.weights]))?;
    if request.out.exists() && !request.overwrite {
        return Err(TrainError::Exists { path: request.out.clone() });
    }
    let cutoff = sources.settings().cutoff_angstrom;
    let selection = Selection::new(&sources, Subset::All)?;
    let settings = StreamSettings {
        graph: description.model.graph(),
        inputs: Encoder::inputs(&description.model),
        bases_on_device: !device::computes_on_host(&device),
        ..request.data.in_order()
    };
    let mut crystals = 0;
    let mut failure = None;
    let Widths { atoms, crystals: of_crystals } = description.model.widths();
    let lattice = match encoder {
        // Pre-trained on atoms alone, as InfoGraph does.
        Encoder::Cgcnn(CgcnnEncoder { conv_to_fc: None, .. }) => 0,
        _ => of_crystals.unwrap_or(0),
    };
    let shape = Shape { structure: atoms, lattice, per_atom: request.per_atom };
    let weights = request.weights.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stream = Stream::<f32>::open(&selection, settings)?;
    let written = atomic::write(&request.out, |out| {
        let mut writer = EmbeddingWriter::new(out, format, shape, weights)?;
        for graph in stream {
            let graph = match graph {
                Ok(graph) => graph,
                Err(error) => {
                    failure = Some(error);
                    return Err(std::io::Error::other("the shards could not be read"));
                }
            };
            let offsets = graph.atom_offsets.clone();
            let identifiers = graph.material_ids.clone();
            let batch = Batch::new(graph, None, cutoff, &device);
            crystals += identifiers.len() as u64;
            writer.write(&embeddings(encoder, &batch, identifiers, offsets))?;
        }
        writer.finish()
    });
    match (written, failure) {
        (_, Some(error)) => Err(error.into()),
        (Err(source), None) => Err(TrainError::Write { path: request.out.clone(), source }),
        (Ok(()), None) => Ok(Summary { crystals, described: *described }),
    }
}

/// Returns the embeddings of a batch.
fn embeddings(encoder: &Encoder, batch: &Batch, identifiers: Vec<String>, offsets: Vec<usize>) -> Embeddings {
    let Encoding { atoms, crystals } = encoder.encode(batch, &mut Pass::evaluation());
    let Pooled { mean, max } = pool(atoms.clone(), batch);
    let numbers = |tensor: Tensor<2>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
    Embeddings {
        identifiers,
        offsets,
        lattice: crystals.map(numbers).unwrap_or_default(),
        mean: numbers(mean),
        max: numbers(max),
        atoms: numbers(atoms),
    }
}
