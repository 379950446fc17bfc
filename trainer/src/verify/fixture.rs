//! Fixtures: numbers of a reference implementation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::prelude::*;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::{Expected, VerifyError};
use crate::config::MmptModelConfig;
use crate::config::model::AttentionValues;
use crate::data::LatticeStatistics;
use crate::data::{BatchBuilder, BatchFloat, BatchSettings, Graph, GraphBatch, GraphInput};
use crate::device;
use crate::model;
use crate::pretrain::mmpt;

/// Rule for neighbours that tie with the last one kept (specification, section 2.3). Fixtures have the numbers of
/// both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TieRule {
    /// Keep the first twelve neighbours.
    Cut,
    /// Keep the whole shell of the twelfth neighbour.
    Shell,
}

impl TieRule {
    /// Returns the name in the file names of a fixture.
    pub fn name(self) -> &'static str {
        match self {
            TieRule::Cut => "cut",
            TieRule::Shell => "shell",
        }
    }

    /// Returns the prefix of the tensors in the file of a case.
    fn prefix(self) -> &'static str {
        match self {
            TieRule::Cut => "",
            TieRule::Shell => "shell_",
        }
    }
}

/// The folder of a fixture (specification, section 8).
#[derive(Debug)]
pub struct Fixture {
    folder: PathBuf,
    manifest: Manifest,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    config: ReferenceConfig,
    cases: Vec<Case>,
    losses: BTreeMap<String, serde_json::Value>,
    grad_norms: BTreeMap<String, BTreeMap<String, f64>>,
    #[serde(default)]
    finetune: BTreeMap<String, Finetuning>,
    #[serde(rename = "mask_M_atom_indices_in_batch")]
    masked_atoms: Vec<usize>,
    batch_n_atoms: Vec<usize>,
}

/// Numbers of the fine-tuned model.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Finetuning {
    /// Predictions.
    #[serde(rename = "pred")]
    pub(super) predictions: Vec<f64>,
    /// Targets of the predictions.
    #[serde(rename = "y")]
    pub(super) targets: Vec<f64>,
    /// Mean absolute error.
    #[serde(rename = "l1")]
    pub(super) error: f64,
    /// Norm of the gradients of the error over all parameters.
    #[serde(rename = "grad_norm_total")]
    pub(super) gradient_norm: f64,
}

#[derive(Debug, Deserialize)]
struct Case {
    file: String,
    material_id: String,
}

/// Settings that a fixture may vary, by the names of the reference.
#[derive(Debug, Deserialize)]
struct ReferenceConfig {
    r_cut: f64,
    attn_values: String,
    hidden: usize,
    d_s: usize,
    n_blocks: usize,
    int_emb: usize,
    out_emb: usize,
    num_before_skip: usize,
    num_after_skip: usize,
    num_output_layers: usize,
    l_dim: usize,
    l_heads: usize,
    l_mlp_ratio: f64,
    mlp_hidden: usize,
    head_hidden: usize,
    lat_mean: [f64; 6],
    lat_std: [f64; 6],
}

impl Fixture {
    /// Opens a fixture.
    ///
    /// # Errors
    /// [`VerifyError`] if the folder has no readable `manifest.json`.
    pub fn open(folder: &Path) -> Result<Self, VerifyError> {
        let path = folder.join("manifest.json");
        let text = std::fs::read_to_string(&path).map_err(VerifyError::io(&path))?;
        let manifest = serde_json::from_str(&text)
            .map_err(|source| VerifyError::Manifest { path: path.clone(), source })?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Returns the radius of the neighbour search in Å.
    pub fn cutoff_angstrom(&self) -> f64 {
        self.manifest.config.r_cut
    }

    /// Returns the configuration of the model.
    pub fn model(&self) -> MmptModelConfig {
        let config = &self.manifest.config;
        MmptModelConfig {
            attention_values: match config.attn_values.as_str() {
                "projected" => AttentionValues::Projected,
                _ => AttentionValues::Raw,
            },
            hidden: config.hidden,
            structure_width: config.d_s,
            interaction_blocks: config.n_blocks,
            interaction_width: config.int_emb,
            layers_before_skip: config.num_before_skip,
            layers_after_skip: config.num_after_skip,
            output_width: config.out_emb,
            output_layers: config.num_output_layers,
            lattice_width: config.l_dim,
            lattice_heads: config.l_heads,
            lattice_feed_forward: (config.l_dim as f64 * config.l_mlp_ratio) as usize,
            ..MmptModelConfig::default()
        }
    }

    /// Returns the width of the decoders' hidden layers.
    pub fn decoder_width(&self) -> usize {
        self.manifest.config.mlp_hidden
    }

    /// Returns the width of the hidden layers of the fine-tuned model's head.
    pub fn head_width(&self) -> usize {
        self.manifest.config.head_hidden
    }

    /// Returns the numbers of the fine-tuned model in a run, named as in the manifest (`cut_f64`).
    pub(super) fn finetuning(&self, run: &str) -> Option<Finetuning> {
        self.manifest.finetune.get(run).cloned()
    }

    /// Returns the lattice statistics of the model.
    pub fn lattice(&self) -> LatticeStatistics {
        LatticeStatistics { mean: self.manifest.config.lat_mean, std: self.manifest.config.lat_std }
    }

    /// Returns the mask of the first view over the whole batch.
    pub fn mask(&self) -> Vec<bool> {
        let mut mask = vec![false; self.manifest.batch_n_atoms.iter().sum()];
        for &atom in &self.manifest.masked_atoms {
            if let Some(hidden) = mask.get_mut(atom) {
                *hidden = true;
            }
        }
        mask
    }

    /// Returns the crystals of the fixture as one batch for a device.
    ///
    /// # Errors
    /// [`VerifyError`] if a case cannot be read.
    pub fn batch<R: BatchFloat>(&self, ties: TieRule, device: &Device) -> Result<GraphBatch<R>, VerifyError> {
        let settings = BatchSettings {
            cutoff_angstrom: self.cutoff_angstrom(),
            inputs: model::mmpt::inputs() | mmpt::inputs(),
            bases_on_device: !device::computes_on_host(device),
            graph: Graph::Multigraph,
        };
        let mut builder = BatchBuilder::new(settings, &[]);
        for case in &self.manifest.cases {
            let path = self.folder.join(&case.file);
            let tensors = self.tensors(&case.file)?;
            let get = |name: &str| {
                tensors
                    .get(name)
                    .ok_or_else(|| VerifyError::Tensor { path: path.clone(), name: name.to_owned() })
            };
            let edge = |name: &str| get(&format!("{}{name}", ties.prefix()));
            let floats = |data: &TensorData| data.iter::<f64>().collect::<Vec<_>>();
            let indices =
                |data: &TensorData| data.iter::<i64>().map(|value| value as u32).collect::<Vec<_>>();
            let bytes = |data: &TensorData| data.iter::<i64>().map(|value| value as u8).collect::<Vec<_>>();
            let lattice = floats(get("lattice")?);
            let image: Vec<i16> = edge("img")?.iter::<i64>().map(|value| value as i16).collect();
            let axis = |axis: usize| image.iter().skip(axis).step_by(3).copied().collect::<Vec<_>>();
            let (k1, k2, k3) = (axis(0), axis(1), axis(2));
            let rows: [[f64; 3]; 3] =
                std::array::from_fn(|row| std::array::from_fn(|column| lattice[3 * row + column]));
            let input = GraphInput {
                material_id: &case.material_id,
                lattice_vectors: rows,
                lattice_parameters: parameters(&rows),
                atomic_numbers: &bytes(get("z")?),
                fractional_positions: &floats(get("frac")?),
                source: &indices(edge("src")?),
                target: &indices(edge("tgt")?),
                image: [&k1, &k2, &k3],
                direction: &bytes(edge("dir27")?),
            };
            builder.push(&input, &[]).map_err(VerifyError::Data)?;
        }
        Ok(builder.finish())
    }

    /// Returns the tensors of a file by name; empty if there is no such file.
    ///
    /// # Errors
    /// [`VerifyError`] if the file cannot be read.
    pub fn tensors(&self, file: &str) -> Result<Expected, VerifyError> {
        let path = self.folder.join(file);
        if !path.exists() {
            return Ok(BTreeMap::new());
        }
        read_tensors(&path)
    }

    /// Returns the loss terms of a run, named as in the manifest (`cut_f64`).
    pub fn losses(&self, run: &str) -> BTreeMap<String, f64> {
        let terms = self.manifest.losses.get(run).and_then(serde_json::Value::as_object);
        terms
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))
            .collect()
    }

    /// Returns the norm of every parameter's gradient in a run.
    pub fn gradient_norms(&self, run: &str) -> BTreeMap<String, f64> {
        self.manifest.grad_norms.get(run).cloned().unwrap_or_default()
    }
}

/// Returns the tensors of a file by name.
///
/// # Errors
/// [`VerifyError`] if the file cannot be read.
pub(super) fn read_tensors(path: &Path) -> Result<Expected, VerifyError> {
    let bytes = std::fs::read(path).map_err(VerifyError::io(path))?;
    let broken = |source| VerifyError::Safetensors { path: path.to_owned(), source };
    let tensors = SafeTensors::deserialize(&bytes).map_err(broken)?;
    let mut by_name = BTreeMap::new();
    for (name, view) in tensors.iter() {
        let (shape, data) = (view.shape().to_vec(), view.data());
        let values = match view.dtype() {
            Dtype::F32 => TensorData::new(numbers(data, f32::from_le_bytes), shape),
            Dtype::F64 => TensorData::new(numbers(data, f64::from_le_bytes), shape),
            Dtype::I64 => TensorData::new(numbers(data, i64::from_le_bytes), shape),
            Dtype::I32 => TensorData::new(numbers(data, i32::from_le_bytes), shape),
            Dtype::U8 => TensorData::new(data.to_vec(), shape),
            _ => return Err(VerifyError::Tensor { path: path.to_owned(), name: name.to_owned() }),
        };
        by_name.insert(name.to_owned(), values);
    }
    Ok(by_name)
}

/// Parses little-endian numbers of `SIZE` bytes.
fn numbers<const SIZE: usize, T>(data: &[u8], number: fn([u8; SIZE]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}

/// Returns the lengths in Å and angles in degrees of a lattice with these rows (specification, section 2.1).
fn parameters(rows: &[[f64; 3]; 3]) -> [f64; 6] {
    let dot = |a: usize, b: usize| (0..3).map(|axis| rows[a][axis] * rows[b][axis]).sum::<f64>();
    let length = |row: usize| dot(row, row).sqrt();
    let angle =
        |a: usize, b: usize| (dot(a, b) / (length(a) * length(b))).clamp(-1.0, 1.0).acos().to_degrees();
    [length(0), length(1), length(2), angle(1, 2), angle(0, 2), angle(0, 1)]
}
