//! The objective of fine-tuning: its [`Criterion`] for batches of crystals.

use std::collections::HashMap;
use std::sync::Arc;

use burn::prelude::*;

use super::criterion::{Criterion, Targets};
use crate::config::{Config, FinetuneConfig, ModelConfig, OptimiserConfig};
use crate::data::{GraphBatch, Inputs};
use crate::model::depth::layers_above;
use crate::model::mask::DrawKey;
use crate::model::{Batch, Encoder, Head, Pass, PropertyModel};
use crate::optimiser::Optimiser;
use crate::ranks::Ranks;
use crate::run::step::{Objective, Titles};
use crate::run::terms::Terms;
use crate::task::Labelled;

/// The criterion of a property. Of a single target the mean absolute error is reported in its unit, of several ones
/// that of the standardised targets, of classes the cross entropy. Losses are means over the crystals of a batch, those of
/// numbers of the sites over all its sites.
#[derive(Debug)]
pub struct Finetuning {
    targets: HashMap<String, Vec<f64>>,
    criterion: Criterion,
    config: FinetuneConfig,
    model: ModelConfig,
    has_fresh_crystals: bool,
    cutoff_angstrom: f64,
    device: Device,
    ranks: Arc<dyn Ranks>,
}

/// A batch of crystals with their targets.
#[derive(Debug)]
pub struct PropertyBatch {
    /// The crystals.
    pub batch: Batch,
    /// The targets.
    pub targets: Targets,
}

impl Finetuning {
    /// Creates the objective for the crystals of a training and a validation set. Batches are made on `device`, which
    /// must be one without automatic differentiation, and are shared by `ranks`.
    pub fn new<'a>(
        crystals: impl IntoIterator<Item = &'a Labelled>,
        criterion: Criterion,
        config: &Config,
        cutoff_angstrom: f64,
        device: &Device,
        ranks: &Arc<dyn Ranks>,
    ) -> Self {
        let targets =
            crystals.into_iter().map(|crystal| (crystal.material_id.clone(), crystal.targets.clone()));
        Self {
            targets: targets.collect(),
            criterion,
            config: config.finetune.clone(),
            model: config.model.clone(),
            has_fresh_crystals: false,
            cutoff_angstrom,
            device: device.clone(),
            ranks: Arc::clone(ranks),
        }
    }

    /// Sets whether the layer that embeds crystals is fresh. It is trained with the head then, even if the encoder is
    /// not.
    pub fn with_fresh_crystals(self, has_fresh_crystals: bool) -> Self {
        Self { has_fresh_crystals, ..self }
    }
}

impl Objective for Finetuning {
    type Model = PropertyModel;
    type Batch = PropertyBatch;

    fn inputs(&self) -> Inputs {
        Encoder::inputs(&self.model)
    }

    fn prepare(&self, graph: GraphBatch<f32>, _key: DrawKey) -> PropertyBatch {
        let of_crystal = |id: &String| {
            let targets = self.targets.get(id).expect("the batches hold the crystals that are listed");
            targets.as_slice()
        };
        let targets = self.criterion.targets(graph.material_ids.iter().map(of_crystal), &self.device);
        let batch = Batch::shared(graph, None, self.cutoff_angstrom, &self.ranks, &self.device);
        PropertyBatch { batch, targets }
    }

    fn losses(&self, model: &PropertyModel, batch: &PropertyBatch, pass: &mut Pass) -> (Tensor<1>, Terms) {
        let crystals = &batch.batch;
        let encoding = match self.config.freeze_encoder {
            false => model.encoder.encode(crystals, pass),
            true => model.encoder.encode_frozen(crystals, self.has_fresh_crystals),
        };
        let outputs = model.head.predict(encoding, crystals, pass);
        let (loss, terms) = self.criterion.losses(outputs, &batch.targets);
        let mean = |term: Tensor<1>| match self.criterion.per_site() {
            true => crystals.global.of_atoms(term),
            false => crystals.global.of_crystals(term),
        };
        let (names, terms): (Vec<_>, Vec<_>) =
            terms.into_iter().map(|(name, term)| (name, mean(term))).unzip();
        let terms = Terms::new(&names, &terms).averaged_over(&self.ranks);
        (mean(loss), terms.with_first_times(self.criterion.factor()))
    }

    fn titles(&self) -> Titles {
        self.criterion.titles()
    }

    fn uploaded_bytes(&self, batch: &PropertyBatch) -> usize {
        batch.batch.uploaded_bytes
    }

    fn trains_on(&self, batch: &PropertyBatch) -> bool {
        Encoder::trains_on(&self.model, &batch.batch)
    }

    fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    fn optimiser(&self, config: &OptimiserConfig) -> Optimiser {
        let factor = self.config.head_learning_rate.map_or(1.0, |rate| rate / config.learning_rate);
        let (model, decay) = (self.model.clone(), self.config.layer_decay);
        Optimiser::new(config).with_rate_factors(move |name| match Head::has(model.kind, name) {
            true => factor,
            false => decay.powi(layers_above(&model, name) as i32),
        })
    }

    /// Returns the number of crystals or sites, so that the validation loss is a mean over the validation set.
    fn weight(&self, batch: &PropertyBatch) -> f64 {
        let global = &batch.batch.global;
        let count = if self.criterion.per_site() { global.atom_rows().count } else { global.crystals() };
        count as f64
    }
}
