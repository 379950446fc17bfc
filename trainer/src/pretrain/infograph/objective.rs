//! InfoGraph as an objective: its model and the mutual information of atoms and crystals.

use std::sync::Arc;

use burn::prelude::*;
use schemas::settings::FeatureSettings;

use super::model::{InfoGraphModel, Place};
use crate::config::Config;
use crate::data::{GraphBatch, Inputs, LatticeStatistics, Selection};
use crate::error::TrainError;
use crate::model::layers::Initialiser;
use crate::model::mask::DrawKey;
use crate::model::{Batch, Encoder, Pass};
use crate::pretrain::Pretraining;
use crate::ranks::Ranks;
use crate::run::step::{Objective, TOTAL, Titles, Values};
use crate::run::terms::Terms;

/// Names of the terms of the loss: the expectations over atoms with other crystals, and with their own.
pub const TERMS: [&str; 2] = ["E_neg", "E_pos"];

/// CGCNN's convolutions with two discriminators, and the loss `E_neg − E_pos`.
#[derive(Debug)]
pub struct InfoGraphObjective {
    config: Config,
    cutoff_angstrom: f64,
    device: Device,
    ranks: Arc<dyn Ranks>,
}

/// A rank's share of a batch.
#[derive(Debug)]
pub struct PlacedBatch {
    /// The crystals.
    pub batch: Batch,
    /// Their place among the crystals of all ranks.
    pub place: Place,
}

impl PlacedBatch {
    /// Finds the place of a share. Every rank must call it for every batch.
    pub fn new(batch: Batch) -> Self {
        let ranks = batch.global.ranks();
        let mut counts = vec![0.0; ranks.count()];
        counts[ranks.rank()] = batch.crystals as f64;
        ranks.sum_f64(&mut counts);
        let first_crystal = counts[..ranks.rank()].iter().sum::<f64>() as usize;
        let place = Place { first_crystal, crystals: batch.global.crystals() };
        Self { batch, place }
    }
}

impl Pretraining for InfoGraphObjective {
    fn new(config: &Config, features: &FeatureSettings, device: &Device, ranks: &Arc<dyn Ranks>) -> Self {
        Self {
            config: config.clone(),
            cutoff_angstrom: features.cutoff_angstrom,
            device: device.clone(),
            ranks: Arc::clone(ranks),
        }
    }

    fn build(config: &Config, _: &LatticeStatistics, initialiser: &mut Initialiser) -> InfoGraphModel {
        InfoGraphModel::build(config, initialiser)
    }

    fn into_encoder(model: InfoGraphModel) -> Encoder {
        model.encoder
    }

    fn constant_losses(_config: &Config, _selection: &Selection) -> Result<Values, TrainError> {
        Ok(Values::new())
    }
}

impl Objective for InfoGraphObjective {
    type Model = InfoGraphModel;
    type Batch = PlacedBatch;

    fn inputs(&self) -> Inputs {
        Encoder::inputs(&self.config.model)
    }

    fn titles(&self) -> Titles {
        let titles = [
            (TOTAL, "Loss E_neg − E_pos, nats"),
            (TERMS[0], "Atoms with other crystals (E_neg), nats"),
            (TERMS[1], "Atoms with their crystals (E_pos), nats"),
        ];
        titles.map(|(name, title)| (name, title.to_owned())).into()
    }

    fn prepare(&self, graph: GraphBatch<f32>, _key: DrawKey) -> PlacedBatch {
        PlacedBatch::new(Batch::shared(graph, None, self.cutoff_angstrom, &self.ranks, &self.device))
    }

    fn losses(&self, model: &InfoGraphModel, batch: &PlacedBatch, pass: &mut Pass) -> (Tensor<1>, Terms) {
        let information = model.information(&batch.batch, batch.place, pass);
        let values = [information.loss.clone(), information.negative, information.positive];
        let terms = Terms::new(&[TOTAL, TERMS[0], TERMS[1]], &values).averaged_over(&self.ranks);
        (information.loss, terms)
    }

    fn trains_on(&self, batch: &PlacedBatch) -> bool {
        Encoder::trains_on(&self.config.model, &batch.batch)
    }

    fn uploaded_bytes(&self, batch: &PlacedBatch) -> usize {
        batch.batch.uploaded_bytes
    }

    fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    /// Returns 1: the validation loss is a mean over batches, as the training loss is.
    fn weight(&self, _batch: &PlacedBatch) -> f64 {
        1.0
    }
}
