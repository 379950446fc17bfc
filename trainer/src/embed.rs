//! Embeddings of a store's crystals as a Parquet table.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, ListArray, RecordBatch, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use burn::prelude::*;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::atomic;
use crate::config::DataConfig;
use crate::data::{Selection, Sources, Stream, StreamSettings, Subset};
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::model::mask::Masks;
use crate::model::property::{Pooled, pool};
use crate::model::{Batch, Encoding};
use crate::run::snapshot::{self, LoadedEncoders};

/// What to embed, and with what.
#[derive(Debug, Clone)]
pub struct Request {
    /// Weights file or checkpoint.
    pub weights: PathBuf,
    /// Shards and size of the batches.
    pub data: DataConfig,
    /// The table to write.
    pub out: PathBuf,
    /// Whether to add `h_s`, every atom's encoding.
    pub per_atom: bool,
    /// Where the model runs.
    pub device: DeviceName,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Rows of the table.
    pub crystals: u64,
    /// Whether the weights said what they belong to; without that the defaults were taken.
    pub described: bool,
}

/// Writes the embeddings of every crystal in the order of the shards: `material_id`, `h_l`
/// (lattice), `h_s_mean` and `h_s_max` (over the atoms), and with `per_atom` `h_s`, a list of one
/// vector a site in the store's order. Without atoms masked; all numbers are 32-bit floats.
///
/// # Errors
/// [`TrainError`]: weights that cannot be read, shards of other settings, a table that cannot be
/// written. The table is whole or not there.
pub fn embed(request: &Request) -> Result<Summary, TrainError> {
    let device = request.device.open()?;
    let encoders = snapshot::load_encoders(&request.weights, &device.clone().autodiff())?;
    let LoadedEncoders { description, described, .. } = &encoders;
    if request.data.shards.is_empty() {
        return Err(TrainError::NoShards);
    }
    let expected = described.then_some(&description.features);
    let sources = Arc::new(Sources::resolve(&request.data.shards, expected)?);
    let cutoff = sources.settings().cutoff_angstrom;
    let selection = Selection::new(&sources, Subset::All)?;
    let settings = StreamSettings::in_order(&request.data, description.model.graph, &device);
    let mut crystals = 0;
    let mut failure = None;
    let widths = [description.model.structure_width, 2 * description.model.lattice_width];
    let schema = schema(widths, request.per_atom);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "mmpt.weights".to_owned(),
            request.weights.file_name().map(|name| name.to_string_lossy().into_owned()),
        )]))
        .build();
    let stream = Stream::<f32>::open(&selection, settings)?;
    let written = atomic::write(&request.out, |out| {
        let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties))?;
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
            let batch =
                Batch::new(graph, &Masks::none(offsets.last().copied().unwrap_or(0)), cutoff, &device);
            let columns = Columns::new(&encoders, &batch);
            crystals += identifiers.len() as u64;
            let rows = columns.rows(&schema, identifiers, &offsets, widths, request.per_atom);
            writer.write(&rows.map_err(std::io::Error::other)?)?;
        }
        writer.close()?;
        Ok(())
    });
    match (written, failure) {
        (_, Some(error)) => Err(error.into()),
        (Err(source), None) => Err(TrainError::Write { path: request.out.clone(), source }),
        (Ok(()), None) => Ok(Summary { crystals, described: *described }),
    }
}

/// Columns of the table for a batch, row-major.
struct Columns {
    lattice: Vec<f32>,
    mean: Vec<f32>,
    max: Vec<f32>,
    atoms: Vec<f32>,
}

impl Columns {
    fn new(encoders: &LoadedEncoders, batch: &Batch) -> Self {
        let Encoding { structure, lattice } = Encoding::of(&encoders.structure, &encoders.lattice, batch);
        let Pooled { mean, max } = pool(structure.clone(), batch);
        let numbers = |tensor: Tensor<2>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
        Self { lattice: numbers(lattice), mean: numbers(mean), max: numbers(max), atoms: numbers(structure) }
    }

    fn rows(
        self,
        schema: &Arc<Schema>,
        identifiers: Vec<String>,
        offsets: &[usize],
        [structure, lattice]: [usize; 2],
        per_atom: bool,
    ) -> Result<RecordBatch, arrow::error::ArrowError> {
        let list = |values: Vec<f32>, width: usize| -> Result<FixedSizeListArray, arrow::error::ArrowError> {
            FixedSizeListArray::try_new(item(), width as i32, Arc::new(Float32Array::from(values)), None)
        };
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(identifiers)),
            Arc::new(list(self.lattice, lattice)?),
            Arc::new(list(self.mean, structure)?),
            Arc::new(list(self.max, structure)?),
        ];
        if per_atom {
            let atoms = list(self.atoms, structure)?;
            let lengths = OffsetBuffer::from_lengths(offsets.windows(2).map(|pair| pair[1] - pair[0]));
            columns.push(Arc::new(ListArray::try_new(site(structure), lengths, Arc::new(atoms), None)?));
        }
        RecordBatch::try_new(schema.clone(), columns)
    }
}

/// Field of a number.
fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Float32, false))
}

/// Field of a vector of a site.
fn site(width: usize) -> Arc<Field> {
    Arc::new(Field::new("item", DataType::FixedSizeList(item(), width as i32), false))
}

/// Schema of the table.
fn schema([structure, lattice]: [usize; 2], per_atom: bool) -> Arc<Schema> {
    let vector =
        |name: &str, width: usize| Field::new(name, DataType::FixedSizeList(item(), width as i32), false);
    let mut fields = vec![
        Field::new("material_id", DataType::Utf8, false),
        vector("h_l", lattice),
        vector("h_s_mean", structure),
        vector("h_s_max", structure),
    ];
    if per_atom {
        fields.push(Field::new("h_s", DataType::List(site(structure)), false));
    }
    Arc::new(Schema::new(fields))
}
