//! The objective: the loss of MMPT on crystals with noise, and that of the predicted noise.

use std::sync::Arc;

use burn::prelude::*;
use schemas::settings::FeatureSettings;

use super::model::MmptDenoiseModel;
use crate::config::Config;
use crate::data::{GraphBatch, Inputs, LatticeStatistics, Selection};
use crate::error::TrainError;
use crate::model::layers::Initialiser;
use crate::model::mask::{DrawKey, Masks};
use crate::model::{Encoder, Pass};
use crate::pretrain::Pretraining;
use crate::pretrain::denoise::DenoiseObjective;
use crate::pretrain::denoise::objective::DenoiseBatch;
use crate::pretrain::mmpt::loss::Losses;
use crate::pretrain::mmpt::{self, MmptObjective};
use crate::ranks::Ranks;
use crate::run::step::{Objective, TOTAL, Titles, Values};
use crate::run::terms::Terms;

/// Terms whose targets noise changes: the constants of the crystals without noise are not theirs.
const CHANGED_BY_NOISE: [&str; 3] = ["L_L", "L_X", "L_Dis"];

/// The loss `L_MMPT + w (L_noise + w_s L_strain)` with w of `pretrain.denoise.weight`. All of it is that of the same
/// crystals with noise.
#[derive(Debug)]
pub struct MmptDenoiseObjective {
    config: Config,
    denoise: DenoiseObjective,
    mmpt: MmptObjective,
}

impl Pretraining for MmptDenoiseObjective {
    fn new(config: &Config, features: &FeatureSettings, device: &Device, ranks: &Arc<dyn Ranks>) -> Self {
        Self {
            config: config.clone(),
            denoise: DenoiseObjective::new(config, features, device, ranks),
            mmpt: MmptObjective::new(config, features, device, ranks),
        }
    }

    fn build(
        config: &Config,
        statistics: &LatticeStatistics,
        initialiser: &mut Initialiser,
    ) -> MmptDenoiseModel {
        MmptDenoiseModel::build(config, statistics, initialiser)
    }

    fn lattice(config: &Config, of_store: LatticeStatistics) -> LatticeStatistics {
        DenoiseObjective::lattice(config, of_store)
    }

    fn into_encoder(model: MmptDenoiseModel) -> Encoder {
        model.encoder
    }

    fn constant_losses(config: &Config, selection: &Selection) -> Result<Values, TrainError> {
        let mut losses = MmptObjective::constant_losses(config, selection)?;
        losses.retain(|name, _| !CHANGED_BY_NOISE.contains(&name.as_str()));
        losses.extend(DenoiseObjective::constant_losses(config, selection)?);
        Ok(losses)
    }
}

impl Objective for MmptDenoiseObjective {
    type Model = MmptDenoiseModel;
    type Batch = DenoiseBatch;

    fn inputs(&self) -> Inputs {
        self.mmpt.inputs() | self.denoise.inputs()
    }

    fn titles(&self) -> Titles {
        let mut titles = self.denoise.titles();
        titles.extend(self.mmpt.titles());
        titles
    }

    fn prepare(&self, graph: GraphBatch<f32>, key: DrawKey) -> DenoiseBatch {
        let masks = Masks::draw(self.config.pretrain.mmpt.masking, key, &graph.atom_offsets);
        self.denoise.on_device(self.denoise.noisy(&graph, key, mmpt::inputs()), Some(&masks))
    }

    fn losses(&self, model: &MmptDenoiseModel, batch: &DenoiseBatch, pass: &mut Pass) -> (Tensor<1>, Terms) {
        let (prediction, noise) = model.forward(&batch.batch, &mut pass.trace);
        let masked = Losses::new(&self.config.pretrain.mmpt.loss, &prediction, &batch.batch, &mut pass.trace);
        let noise = self.denoise.losses_of(noise, &batch.noise, &batch.batch);
        let total = masked.total + noise.total * self.config.pretrain.denoise.weight;
        let terms = [(TOTAL, total.clone())].into_iter().chain(masked.parts).chain(noise.parts);
        let (names, values): (Vec<_>, Vec<_>) = terms.unzip();
        (total, Terms::new(&names, &values).averaged_over(self.ranks()))
    }

    fn uploaded_bytes(&self, batch: &DenoiseBatch) -> usize {
        self.denoise.uploaded_bytes(batch)
    }

    fn ranks(&self) -> &Arc<dyn Ranks> {
        self.mmpt.ranks()
    }

    /// Returns 1: the validation loss is a mean over batches, as the training loss is.
    fn weight(&self, _batch: &DenoiseBatch) -> f64 {
        1.0
    }
}
