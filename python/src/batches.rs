//! Batches of graphs as NumPy's arrays, which take over the batches' own memory.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::{Element, PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use trainer::data::{
    BatchLimit, DataError, GraphBatch, Inputs, PeriodicLabels, Selection, Sources, SplitPart, Stream,
    StreamSettings, Subset,
};

use crate::fault::Fault;

/// Settings of an epoch of batches.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct BatchOptions {
    /// Most crystals in a batch.
    batch: usize,
    /// Whether the batches have triplets.
    has_triplets: bool,
    /// Most triplets in a batch.
    most_triplets: Option<usize>,
    /// Property columns.
    properties: Vec<String>,
    /// Column of a split and its part: `train`, `val` or `test`.
    split: Option<(String, String)>,
    /// Crystals among which the next one is drawn; `None` keeps the order of the store.
    shuffle_buffer: Option<usize>,
    seed: u64,
    epoch: u64,
    drop_last: bool,
    /// Threads that build batches.
    workers: usize,
}

/// The batches of an epoch. Dropping it stops its threads.
#[pyclass(frozen, module = "crystal_mmpt._native")]
pub(crate) struct Batches(Mutex<Stream<f32>>);

impl Batches {
    pub(crate) fn open(sources: &Arc<Sources>, options: BatchOptions) -> Result<Self, Fault> {
        let subset = match options.split {
            None => Subset::All,
            Some((column, part)) => Subset::Split { column, part: part_of(&part)? },
        };
        let selection = Selection::new(sources, subset)?;
        let settings = StreamSettings {
            seed: options.seed,
            epoch: options.epoch,
            shuffle_buffer: options.shuffle_buffer,
            limit: BatchLimit { crystals: options.batch, triplets: options.most_triplets },
            drop_incomplete: options.drop_last,
            labels: PeriodicLabels::Centred,
            workers: options.workers,
            // With the bases on a device, which are not computed here, a batch has the reverse of every edge.
            inputs: Inputs {
                bases: options.has_triplets,
                line_graph: options.has_triplets,
                labels: true,
                images: true,
                vectors: true,
                positions: true,
                last_element: None,
            },
            bases_on_device: true,
            properties: options.properties,
            ..StreamSettings::default()
        };
        Ok(Self(Mutex::new(Stream::open(&selection, settings)?)))
    }
}

fn part_of(name: &str) -> Result<SplitPart, Fault> {
    SplitPart::parse(name)
        .ok_or_else(|| Fault::of_value(format!("'{name}' is no part of a split: train, val or test"), name))
}

#[pymethods]
impl Batches {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let next = || -> Option<Result<GraphBatch<f32>, DataError>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
        };
        match py.detach(next) {
            None => Ok(None),
            Some(Ok(batch)) => arrays(py, batch).map(Some),
            Some(Err(error)) => Err(Fault::from(error).raise(py)),
        }
    }
}

/// Returns the arrays of a batch by name.
fn arrays<'py>(py: Python<'py>, batch: GraphBatch<f32>) -> PyResult<Bound<'py, PyDict>> {
    let arrays = PyDict::new(py);
    let edges = batch.edges();
    let set = |name: &str, array: Bound<'py, PyAny>| arrays.set_item(name, array);
    if let (Some(pairs), Some(reverse)) = (batch.line_graph, &batch.reverse) {
        let (mut incoming, mut outgoing, mut cosine) = (Vec::new(), Vec::new(), Vec::new());
        for ((&kj, &ji), &negative) in pairs.source.iter().zip(&pairs.target).zip(&pairs.cosine) {
            // A pair of an edge with its reverse is no triplet.
            if reverse.get(ji as usize) != Some(&kj) {
                incoming.push(i64::from(kj));
                outgoing.push(i64::from(ji));
                cosine.push(-negative);
            }
        }
        let triplets = incoming.len();
        incoming.append(&mut outgoing);
        set("triplets", shaped(py, incoming, [2, triplets])?)?;
        set("cosines", PyArray1::from_vec(py, cosine).into_any())?;
    }
    let mut edge_index = wide(&batch.source);
    edge_index.extend(wide(&batch.target));
    set("edge_index", shaped(py, edge_index, [2, edges])?)?;
    set("distances", PyArray1::from_vec(py, batch.distance).into_any())?;
    if let Some(vectors) = batch.vectors {
        set("vectors", shaped(py, vectors, [edges, 3])?)?;
    }
    if let Some(images) = batch.images {
        set("images", shaped(py, images, [edges, 3])?)?;
    }
    if let Some(labels) = batch.labels {
        set("directions", PyArray1::from_vec(py, wide(&labels.direction)).into_any())?;
        set("same_cell", PyArray1::from_vec(py, wide(&labels.same_cell)).into_any())?;
    }
    let crystals = batch.material_ids.len();
    if let Some(positions) = batch.positions {
        let atoms = positions.fractional.len();
        set("fractional", shaped(py, positions.fractional.into_flattened(), [atoms, 3])?)?;
        let lattices = positions.lattice_vectors.into_flattened().into_flattened();
        set("lattice_vectors", shaped(py, lattices, [crystals, 3, 3])?)?;
    }
    set("atomic_numbers", PyArray1::from_vec(py, wide(&batch.atomic_numbers)).into_any())?;
    set("crystal_of_atom", PyArray1::from_vec(py, wide(&batch.crystal_of_atom)).into_any())?;
    set("lattice_parameters", shaped(py, batch.lattice_parameters, [crystals, 6])?)?;
    set("centre_distances", PyArray1::from_vec(py, batch.centre_distances).into_any())?;
    let properties = PyDict::new(py);
    for (name, values) in batch.properties {
        properties.set_item(name, PyArray1::from_vec(py, values))?;
    }
    set("properties", properties.into_any())?;
    set("material_ids", PyList::new(py, batch.material_ids)?.into_any())?;
    Ok(arrays)
}

/// Returns indices as PyTorch wants them.
fn wide(indices: &[i32]) -> Vec<i64> {
    indices.iter().map(|&index| i64::from(index)).collect()
}

/// Returns a vector as an array of a shape.
fn shaped<'py, T: Element, const N: usize>(
    py: Python<'py>,
    values: Vec<T>,
    shape: [usize; N],
) -> PyResult<Bound<'py, PyAny>>
where
    [usize; N]: numpy::ndarray::IntoDimension,
{
    Ok(PyArray1::from_vec(py, values).reshape(shape)?.into_any())
}
