//! MMPT's pre-training as an objective: the masked model and its loss.

use std::sync::Arc;

use burn::prelude::*;
use schemas::settings::FeatureSettings;

use super::loss::{Losses, constant_losses, titles};
use super::model::MmptModel;
use crate::config::Config;
use crate::data::{ConstantPredictor, GraphBatch, Inputs, LatticeStatistics, Selection};
use crate::error::TrainError;
use crate::model::layers::Initialiser;
use crate::model::mask::{DrawKey, Masks};
use crate::model::{Batch, Encoder, Pass};
use crate::pretrain::Pretraining;
use crate::ranks::Ranks;
use crate::run::step::{Objective, Titles, Values};
use crate::run::terms::Terms;

/// Returns the parts that a batch must have for the loss.
pub fn inputs() -> Inputs {
    Inputs { labels: true, ..Inputs::default() }
}

/// The masked model with the loss of Eq. 7.
#[derive(Debug)]
pub struct MmptObjective {
    config: Config,
    cutoff_angstrom: f64,
    device: Device,
    ranks: Arc<dyn Ranks>,
}

impl Pretraining for MmptObjective {
    fn new(config: &Config, features: &FeatureSettings, device: &Device, ranks: &Arc<dyn Ranks>) -> Self {
        Self {
            config: config.clone(),
            cutoff_angstrom: features.cutoff_angstrom,
            device: device.clone(),
            ranks: Arc::clone(ranks),
        }
    }

    fn build(config: &Config, statistics: &LatticeStatistics, initialiser: &mut Initialiser) -> MmptModel {
        MmptModel::build(&config.model.mmpt, config.pretrain.mmpt.decoder_width, statistics, initialiser)
    }

    fn into_encoder(model: MmptModel) -> Encoder {
        model.encoder
    }

    fn constant_losses(config: &Config, selection: &Selection) -> Result<Values, TrainError> {
        Ok(constant_losses(&ConstantPredictor::of(selection)?, config.pretrain.mmpt.labels))
    }
}

impl Objective for MmptObjective {
    type Model = MmptModel;
    type Batch = Batch;

    fn inputs(&self) -> Inputs {
        Encoder::inputs(&self.config.model) | inputs()
    }

    fn titles(&self) -> Titles {
        titles(&self.config.pretrain.mmpt.loss)
    }

    fn prepare(&self, graph: GraphBatch<f32>, key: DrawKey) -> Batch {
        let masks = Masks::draw(self.config.pretrain.mmpt.masking, key, &graph.atom_offsets);
        Batch::shared(graph, Some(&masks), self.cutoff_angstrom, &self.ranks, &self.device)
    }

    fn losses(&self, model: &MmptModel, batch: &Batch, pass: &mut Pass) -> (Tensor<1>, Terms) {
        let trace = &mut pass.trace;
        let prediction = model.forward(batch, trace);
        let losses = Losses::new(&self.config.pretrain.mmpt.loss, &prediction, batch, trace);
        let terms = losses.terms().averaged_over(&self.ranks);
        (losses.total, terms)
    }

    fn uploaded_bytes(&self, batch: &Batch) -> usize {
        batch.uploaded_bytes
    }

    fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    /// Returns 1: the validation loss is a mean over batches, as the training loss is.
    fn weight(&self, _batch: &Batch) -> f64 {
        1.0
    }
}
