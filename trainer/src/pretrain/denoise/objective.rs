//! Denoising as an objective: noise on the crystals, the model, and the squared errors of its predictions.

use std::sync::Arc;

use burn::prelude::*;
use burn::tensor::Element;
use schemas::settings::FeatureSettings;

use super::heads::PredictedNoise;
use super::hide::hide_types;
use super::model::DenoiseModel;
use super::noise::{NoisyBatch, add_noise, with_strain};
use crate::config::Config;
use crate::data::{
    BatchFloat, BatchSettings, ConstantPredictor, GraphBatch, Inputs, LatticeStatistics, Selection,
};
use crate::device;
use crate::error::TrainError;
use crate::model::layers::Initialiser;
use crate::model::mask::{DrawKey, Masks};
use crate::model::{Batch, Encoder, Pass};
use crate::ops::{cross_entropy, upload};
use crate::pretrain::Pretraining;
use crate::ranks::Ranks;
use crate::run::step::{Objective, TOTAL, Titles, Values};
use crate::run::terms::Terms;

/// Names of the terms of the loss: the mean squared errors of the displacements and of the strains, each in variances of
/// its noise, and the mean cross entropy of the hidden types in nats.
pub const TERMS: [&str; 3] = ["L_noise", "L_strain", "L_type"];

/// Number of times that each of xx, yy, zz, yz, xz and xy is in a symmetric tensor.
const TIMES: [f32; 6] = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0];

/// MMPT's encoder with heads for the noise, and the loss `L_noise + w L_strain + v L_type`.
///
/// * `L_noise` is the mean over atoms and axes of `(ε̂ − ε)²`,
/// * `L_strain` the mean over cells of `‖Ŝ − S‖²/6` with the Frobenius norm,
/// * `L_type` the sum over the hidden atoms of `−ln softmax(logits)` at their type, divided by the number of atoms that are
///   hidden on average: the share of hidden types times all atoms,
///
/// with noise in standard deviations. A model that predicts no noise has a strain loss of 1 and a noise loss of 1 less the
/// ratio of crystals to atoms.
#[derive(Debug)]
pub struct DenoiseObjective {
    config: Config,
    cutoff_angstrom: f64,
    device: Device,
    ranks: Arc<dyn Ranks>,
}

/// Crystals with noise, and the noise.
#[derive(Debug)]
pub struct DenoiseBatch {
    /// The crystals.
    pub batch: Batch,
    /// What is to be predicted of them.
    pub noise: NoiseTargets,
}

/// The noise on the crystals of a batch, and their hidden types.
#[derive(Debug)]
pub struct NoiseTargets {
    /// Noise on the atoms in standard deviations, shape `[N, 3]`.
    pub displacements: Tensor<2>,
    /// Strains of the cells in standard deviations, shape `[B, 6]`.
    pub strains: Tensor<2>,
    /// The types that are hidden, if some are.
    pub hidden: Option<HiddenTypes>,
}

impl NoiseTargets {
    /// Returns the number of bytes that were copied to the device; 0 on the host.
    pub fn uploaded_bytes(&self, device: &Device) -> usize {
        let Self { displacements, strains, hidden } = self;
        let of_types = hidden.as_ref().map_or(0, |hidden| 2 * hidden.weights.shape().num_elements());
        let numbers = displacements.shape().num_elements() + strains.shape().num_elements() + of_types;
        if device::computes_on_host(device) { 0 } else { numbers * size_of::<f32>() }
    }
}

/// Types of atoms that the encoder does not see.
#[derive(Debug)]
pub struct HiddenTypes {
    /// Atomic number of every atom whose type is hidden, and 0 for the other atoms, shape `[N]`.
    pub atomic_numbers: Tensor<1, Int>,
    /// Weight of every atom in the sum of the cross entropies, shape `[N]`: `1/(p N)` where the type is hidden, with the share
    /// p of `pretrain.denoise.hidden_types`, and 0 elsewhere.
    pub weights: Tensor<1>,
}

/// The loss of predicted noise.
#[derive(Debug)]
pub struct NoiseLosses {
    /// Weighted sum of the terms with its gradient, shape `[1]`.
    pub total: Tensor<1>,
    /// The unweighted terms by name, shape `[1]` each.
    pub parts: Vec<(&'static str, Tensor<1>)>,
}

impl DenoiseObjective {
    /// Creates the objective for crystals whose neighbours lie within a cutoff.
    pub(crate) fn within(
        cutoff_angstrom: f64,
        config: &Config,
        device: &Device,
        ranks: &Arc<dyn Ranks>,
    ) -> Self {
        let (config, device, ranks) = (config.clone(), device.clone(), Arc::clone(ranks));
        Self { config, cutoff_angstrom, device, ranks }
    }

    /// Adds noise to the crystals of a batch. The new batch has the parts that the model needs, and those of `more`.
    pub fn noisy<R: BatchFloat>(&self, graph: &GraphBatch<R>, key: DrawKey, more: Inputs) -> NoisyBatch<R> {
        let own = Inputs { vectors: true, ..Inputs::default() };
        let settings = BatchSettings {
            cutoff_angstrom: self.cutoff_angstrom,
            inputs: Encoder::inputs(&self.config.model) | own | more,
            bases_on_device: !device::computes_on_host(&self.device),
            graph: self.config.model.graph(),
        };
        let config = &self.config.pretrain.denoise;
        let mut noisy = add_noise(graph, config, key, settings);
        noisy.hidden = config.hides_types().then(|| hide_types(&mut noisy.graph, config.hidden_types, key));
        noisy
    }

    /// Moves this rank's share of a batch with noise to the device. With `masks`, it gets the two masked views.
    pub fn on_device<R: Element + BatchFloat>(
        &self,
        noisy: NoisyBatch<R>,
        masks: Option<&Masks>,
    ) -> DenoiseBatch {
        let NoisyBatch { graph, displacements, strains, hidden } = noisy;
        let (atoms, crystals) = (graph.atoms(), graph.crystals());
        let tensor = |values: Vec<R>, shape: [usize; 2]| -> Tensor<2> {
            upload::floats(values, &self.device).reshape(shape)
        };
        let share = self.config.pretrain.denoise.hidden_types;
        let hidden = hidden.map(|numbers| {
            let weight = |number: &i32| if *number == 0 { 0.0 } else { 1.0 / (share * atoms as f64) };
            let weights: Vec<R> = numbers.iter().map(|number| R::from_f64(weight(number))).collect();
            HiddenTypes {
                weights: upload::floats(weights, &self.device),
                atomic_numbers: upload::integers(numbers, &self.device),
            }
        });
        let (displacements, strains) = (tensor(displacements, [atoms, 3]), tensor(strains, [crystals, 6]));
        DenoiseBatch {
            noise: NoiseTargets { displacements, strains, hidden },
            batch: Batch::shared(graph, masks, self.cutoff_angstrom, &self.ranks, &self.device),
        }
    }

    /// Returns the loss of predictions and its terms. A term without noise to predict is left out.
    pub fn losses_of(&self, predicted: PredictedNoise, noise: &NoiseTargets, batch: &Batch) -> NoiseLosses {
        let config = &self.config.pretrain.denoise;
        let global = &batch.global;
        let (mut weighted, mut parts) = (Vec::new(), Vec::new());
        if config.displacement > 0.0 {
            let errors = predicted.displacements - noise.displacements.clone();
            let loss = global.of_atoms(errors.powi_scalar(2).mean());
            weighted.push(loss.clone());
            parts.push((TERMS[0], loss));
        }
        if config.strain > 0.0 {
            let errors = predicted.strains - noise.strains.clone();
            let times = upload::constants(TIMES.to_vec(), errors.dtype(), &errors.device()).reshape([1, 6]);
            let loss = global.of_crystals((errors.powi_scalar(2) * times).mean());
            weighted.push(loss.clone() * config.strain_weight);
            parts.push((TERMS[1], loss));
        }
        if let (Some(logits), Some(HiddenTypes { atomic_numbers, weights })) =
            (predicted.types, &noise.hidden)
        {
            let loss = cross_entropy(logits, atomic_numbers.clone(), Some(weights.clone()));
            let loss = global.of_atoms(loss);
            weighted.push(loss.clone() * config.type_weight);
            parts.push((TERMS[2], loss));
        }
        let total =
            weighted.into_iter().reduce(|sum, term| sum + term).expect("there is noise, or a hidden type");
        NoiseLosses { total, parts }
    }
}

impl Pretraining for DenoiseObjective {
    fn new(config: &Config, features: &FeatureSettings, device: &Device, ranks: &Arc<dyn Ranks>) -> Self {
        Self::within(features.cutoff_angstrom, config, device, ranks)
    }

    fn build(config: &Config, statistics: &LatticeStatistics, initialiser: &mut Initialiser) -> DenoiseModel {
        DenoiseModel::build(config, statistics, initialiser)
    }

    fn lattice(config: &Config, of_store: LatticeStatistics) -> LatticeStatistics {
        with_strain(of_store, config.pretrain.denoise.strain)
    }

    fn into_encoder(model: DenoiseModel) -> Encoder {
        model.encoder
    }

    fn constant_losses(config: &Config, selection: &Selection) -> Result<Values, TrainError> {
        let mut losses = Values::new();
        if config.pretrain.denoise.strain > 0.0 {
            losses.insert(TERMS[1].to_owned(), 1.0);
        }
        if config.pretrain.denoise.hides_types() {
            losses.insert(TERMS[2].to_owned(), ConstantPredictor::of(selection)?.atom_type);
        }
        Ok(losses)
    }
}

impl Objective for DenoiseObjective {
    type Model = DenoiseModel;
    type Batch = DenoiseBatch;

    /// Returns the parts of the batch without noise. Its bases are not used, but tell the memory of the batch with noise.
    fn inputs(&self) -> Inputs {
        Encoder::inputs(&self.config.model) | Inputs { images: true, positions: true, ..Inputs::default() }
    }

    fn titles(&self) -> Titles {
        let titles = [
            (TOTAL, "Weighted sum of the terms"),
            (TERMS[0], "Displacements of atoms (L_noise), variances"),
            (TERMS[1], "Strains of cells (L_strain), variances"),
            (TERMS[2], "Types of hidden atoms (L_type), nats"),
        ];
        titles.map(|(name, title)| (name, title.to_owned())).into()
    }

    fn prepare(&self, graph: GraphBatch<f32>, key: DrawKey) -> DenoiseBatch {
        self.on_device(self.noisy(&graph, key, Inputs::default()), None)
    }

    fn losses(&self, model: &DenoiseModel, batch: &DenoiseBatch, pass: &mut Pass) -> (Tensor<1>, Terms) {
        let NoiseLosses { total, parts } =
            self.losses_of(model.forward(&batch.batch, pass), &batch.noise, &batch.batch);
        let terms = [(TOTAL, total.clone())].into_iter().chain(parts);
        let (names, values): (Vec<_>, Vec<_>) = terms.unzip();
        (total, Terms::new(&names, &values).averaged_over(&self.ranks))
    }

    fn uploaded_bytes(&self, batch: &DenoiseBatch) -> usize {
        batch.batch.uploaded_bytes + batch.noise.uploaded_bytes(&self.device)
    }

    fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    /// Returns 1: the validation loss is a mean over batches, as the training loss is.
    fn weight(&self, _batch: &DenoiseBatch) -> f64 {
        1.0
    }
}
