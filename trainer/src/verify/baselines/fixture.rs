//! Fixtures of several systems: edge lists, and one file of numbers for each system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::prelude::*;
use serde::Deserialize;

use crate::data::batch::{BatchLists, LineLists};
use crate::data::{BatchFloat, GraphBatch};
use crate::pretrain::crystal_twins::view::Mask;
use crate::verify::fixture::read_tensors;
use crate::verify::{Expected, Kind, VerifyError, limits};

/// File with the views of Crystal Twins.
const VIEWS: &str = "ct_views.safetensors";
/// File with the edge lists of the crystals.
const GRAPHS: &str = "graphs.safetensors";
/// Name of the fixture's description.
const MANIFEST: &str = "manifest.json";

/// A folder with the numbers of several systems on the same crystals.
#[derive(Debug)]
pub struct SystemsFixture {
    folder: PathBuf,
    systems: BTreeMap<String, System>,
    graphs: Expected,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    files: BTreeMap<String, File>,
}

#[derive(Debug, Deserialize)]
struct File {
    graph: Option<String>,
    single: Option<f64>,
}

/// A system of a fixture.
#[derive(Debug, Clone)]
struct System {
    /// Prefix of its edge lists.
    graph: String,
    /// Least limit in single precision, for numbers that rounding disturbs more than usual.
    single: f64,
}

impl SystemsFixture {
    /// Opens a fixture; `None` for a folder with the numbers of a single model.
    ///
    /// # Errors
    /// [`VerifyError`] if the folder has no readable `manifest.json` or no edge lists.
    pub fn open(folder: &Path) -> Result<Option<Self>, VerifyError> {
        let path = folder.join(MANIFEST);
        let text = std::fs::read_to_string(&path).map_err(VerifyError::io(&path))?;
        let broken = |source| VerifyError::Manifest { path: path.clone(), source };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(broken)?;
        // A fixture of MMPT may list its files, too.
        if value.get("files").is_none() || value.get("cases").is_some() {
            return Ok(None);
        }
        let Manifest { files } = serde_json::from_value(value).map_err(broken)?;
        let systems = files.into_iter().filter_map(|(file, File { graph, single })| {
            let system = System { graph: graph?, single: single.unwrap_or(0.0) };
            Some((file.strip_suffix(".safetensors")?.to_owned(), system))
        });
        let systems = systems.collect();
        let graphs = read_tensors(&folder.join(GRAPHS))?;
        Ok(Some(Self { folder: folder.to_owned(), systems, graphs }))
    }

    /// Returns the names of the systems.
    pub fn systems(&self) -> impl Iterator<Item = &str> {
        self.systems.keys().map(String::as_str)
    }

    /// Returns the limits of a system in single precision, relative to the largest magnitude: those of all fixtures, or
    /// that of the manifest (`single`) where it is larger.
    pub fn single(&self, system: &str) -> impl Fn(Kind) -> f64 + use<> {
        let own = self.systems.get(system).map_or(0.0, |system| system.single);
        move |kind| limits::single(kind).max(own)
    }

    /// Returns the numbers of a system by name.
    ///
    /// # Errors
    /// [`VerifyError`] if the file cannot be read.
    pub(super) fn numbers(&self, system: &str) -> Result<Expected, VerifyError> {
        read_tensors(&self.folder.join(format!("{system}.safetensors")))
    }

    /// Returns the crystals with the edges of a system.
    pub(super) fn batch<R: BatchFloat>(&self, system: &str) -> Result<GraphBatch<R>, VerifyError> {
        let prefix = self.systems.get(system).map_or("", |system| system.graph.as_str());
        let edges = |name: &str| self.list(&format!("{prefix}/{name}"));
        let integers = |data: &TensorData| data.iter::<i32>().collect::<Vec<_>>();
        let floats = |data: &TensorData| data.iter::<f64>().collect::<Vec<_>>();
        let line_graph = match self.graphs.contains_key(&format!("{prefix}/cos")) {
            false => None,
            true => Some(LineLists {
                source: integers(edges("lg_src")?),
                target: integers(edges("lg_tgt")?),
                cosine: floats(edges("cos")?),
            }),
        };
        let lists = BatchLists {
            atomic_numbers: integers(self.list("z")?),
            crystal_of_atom: integers(self.list("batch")?),
            target: integers(edges("tgt")?),
            source: integers(edges("src")?),
            distance: floats(edges("dist")?),
            line_graph,
        };
        GraphBatch::from_lists(lists).map_err(|error| VerifyError::Data(error.of(system)))
    }

    /// Returns the two views of the crystals of a system. `variant` is `mask`, or `perturb` for those with edges of their
    /// own.
    pub(super) fn views<R: BatchFloat>(
        &self,
        system: &str,
        variant: &str,
    ) -> Result<[GraphBatch<R>; 2], VerifyError> {
        let views = read_tensors(&self.folder.join(VIEWS))?;
        let view = |number: usize| {
            let named = |name: &str| views.get(&format!("{variant}/v{number}/{name}"));
            let integers = |data: &TensorData| data.iter::<i32>().collect::<Vec<_>>();
            let masked = |name: &str| {
                let missing = || VerifyError::Tensor { path: self.folder.join(VIEWS), name: name.to_owned() };
                let mask = named(name).ok_or_else(missing)?;
                Ok(mask.iter::<i32>().map(|masked| masked != 0).collect::<Vec<_>>())
            };
            let mut graph = self.batch::<R>(system)?;
            if let (Some(target), Some(source), Some(distance)) = (named("tgt"), named("src"), named("dist"))
            {
                let distance = distance.iter::<f64>().map(R::from_f64).collect();
                graph.replace_edges(integers(target), integers(source), distance);
            }
            let mask = Mask { atoms: masked("atom_mask")?, edges: masked("edge_mask")? };
            mask.apply(&mut graph);
            Ok::<_, VerifyError>(graph)
        };
        Ok([view(1)?, view(2)?])
    }

    /// Returns the targets of the crystals.
    pub(super) fn targets(&self) -> Result<&TensorData, VerifyError> {
        self.list("target")
    }

    fn list(&self, name: &str) -> Result<&TensorData, VerifyError> {
        let missing = || VerifyError::Tensor { path: self.folder.join(GRAPHS), name: name.to_owned() };
        self.graphs.get(name).ok_or_else(missing)
    }
}
