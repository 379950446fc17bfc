//! Crystal Twins as an objective: its model and the loss of two views.

use std::sync::Arc;

use burn::prelude::*;
use rand::rngs::ChaCha8Rng;
use schemas::settings::FeatureSettings;

use super::displace::displace;
use super::model::CrystalTwinsModel;
use super::view::Mask;
use crate::config::Config;
use crate::data::random::{Purpose, keyed};
use crate::data::{BatchFloat, GraphBatch, Inputs, LatticeStatistics, Selection};
use crate::error::TrainError;
use crate::model::layers::Initialiser;
use crate::model::mask::DrawKey;
use crate::model::{Batch, Encoder, Pass};
use crate::pretrain::Pretraining;
use crate::ranks::Ranks;
use crate::run::step::{Objective, TOTAL, Titles, Values};
use crate::run::terms::Terms;

/// Names of the terms of the loss: that of the diagonal of the correlation matrix, and that of the other elements
/// before its factor λ.
pub const TERMS: [&str; 2] = ["L_on", "L_off"];

/// CGCNN with a projector, and the loss `Σ_a (1 − C_aa)² + λ Σ_{a≠c} C_ac²` of two views.
#[derive(Debug)]
pub struct CrystalTwinsObjective {
    config: Config,
    features: FeatureSettings,
    device: Device,
    ranks: Arc<dyn Ranks>,
}

impl CrystalTwinsObjective {
    /// Returns a view of a batch. The draws for a crystal depend only on the purpose, the seed, the epoch and its
    /// place in the epoch, and not on the division of the epoch into batches or of a batch among processes.
    pub fn view<R: BatchFloat>(
        &self,
        mut graph: GraphBatch<R>,
        purpose: Purpose,
        key: DrawKey,
    ) -> GraphBatch<R> {
        let config = &self.config.pretrain.crystal_twins;
        let places = (key.first_crystal..).take(graph.crystals());
        let mut generators: Vec<ChaCha8Rng> =
            places.map(|place| keyed(purpose, key.seed, key.epoch, place)).collect();
        if config.perturb > 0.0 {
            displace(&mut graph, config.perturb, &mut generators, &etl::feature::options(&self.features));
        }
        Mask::draw(config, &mut generators, &graph).apply(&mut graph);
        graph
    }
}

impl Pretraining for CrystalTwinsObjective {
    fn new(config: &Config, features: &FeatureSettings, device: &Device, ranks: &Arc<dyn Ranks>) -> Self {
        Self {
            config: config.clone(),
            features: features.clone(),
            device: device.clone(),
            ranks: Arc::clone(ranks),
        }
    }

    fn build(config: &Config, _: &LatticeStatistics, initialiser: &mut Initialiser) -> CrystalTwinsModel {
        CrystalTwinsModel::build(config, initialiser)
    }

    fn into_encoder(model: CrystalTwinsModel) -> Encoder {
        model.encoder
    }

    fn constant_losses(_config: &Config, _selection: &Selection) -> Result<Values, TrainError> {
        Ok(Values::new())
    }
}

impl Objective for CrystalTwinsObjective {
    type Model = CrystalTwinsModel;
    type Batch = [Batch; 2];

    fn inputs(&self) -> Inputs {
        let perturbs = self.config.pretrain.crystal_twins.perturb > 0.0;
        Encoder::inputs(&self.config.model) | Inputs { positions: perturbs, ..Inputs::default() }
    }

    fn titles(&self) -> Titles {
        let titles = [
            (TOTAL, "Barlow Twins loss"),
            (TERMS[0], "Agreement of the views (L_on)"),
            (TERMS[1], "Redundancy of the features (L_off)"),
        ];
        titles.map(|(name, title)| (name, title.to_owned())).into()
    }

    fn prepare(&self, graph: GraphBatch<f32>, key: DrawKey) -> [Batch; 2] {
        let first = self.view(graph.clone(), Purpose::FirstView, key);
        let second = self.view(graph, Purpose::SecondView, key);
        [first, second]
            .map(|view| Batch::shared(view, None, self.features.cutoff_angstrom, &self.ranks, &self.device))
    }

    fn losses(&self, model: &CrystalTwinsModel, views: &[Batch; 2], pass: &mut Pass) -> (Tensor<1>, Terms) {
        let off_diagonal = self.config.pretrain.crystal_twins.off_diagonal;
        let agreement = model.agreement(views, off_diagonal, pass);
        // Every rank has the same numbers, those of the whole batch.
        let values = [agreement.loss.clone(), agreement.on, agreement.off];
        (agreement.loss, Terms::new(&[TOTAL, TERMS[0], TERMS[1]], &values))
    }

    fn uploaded_bytes(&self, views: &[Batch; 2]) -> usize {
        views.iter().map(|view| view.uploaded_bytes).sum()
    }

    fn trains_on(&self, views: &[Batch; 2]) -> bool {
        views.iter().all(|view| Encoder::trains_on(&self.config.model, view))
    }

    fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    /// Returns 1: the validation loss is a mean over batches, as the training loss is.
    fn weight(&self, _views: &[Batch; 2]) -> f64 {
        1.0
    }
}
