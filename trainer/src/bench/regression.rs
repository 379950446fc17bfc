//! The training of a property's model on targets of zero. Times do not depend on the targets.

use std::sync::Arc;

use burn::prelude::*;

use crate::config::Config;
use crate::data::{GraphBatch, Inputs, LatticeStatistics};
use crate::model::mask::DrawKey;
use crate::model::{Batch, Encoder, HeadSize, Pass, PropertyModel};
use crate::ranks::{self, Ranks};
use crate::run::step::{Objective, TOTAL};
use crate::run::terms::Terms;

/// The mean absolute prediction as a loss.
#[derive(Debug)]
pub(super) struct Regression {
    config: Config,
    cutoff_angstrom: f64,
    device: Device,
    ranks: Arc<dyn Ranks>,
}

impl Regression {
    /// Creates the objective of a configuration. Batches are made on `device`, which must be one without automatic
    /// differentiation.
    pub(super) fn new(config: &Config, cutoff_angstrom: f64, device: &Device) -> Self {
        Self { config: config.clone(), cutoff_angstrom, device: device.clone(), ranks: ranks::alone() }
    }

    /// Initialises a model. `statistics` are the lattice statistics of the crystals.
    pub(super) fn init(&self, statistics: &LatticeStatistics) -> PropertyModel {
        let Config { model, finetune, seed, .. } = &self.config;
        let head = HeadSize { width: finetune.head_width, outputs: 1, per_site: false };
        PropertyModel::init(model, head, statistics, *seed, &self.device.clone().autodiff())
    }
}

impl Objective for Regression {
    type Model = PropertyModel;
    type Batch = Batch;

    fn inputs(&self) -> Inputs {
        Encoder::inputs(&self.config.model)
    }

    fn prepare(&self, graph: GraphBatch<f32>, _key: DrawKey) -> Batch {
        Batch::new(graph, None, self.cutoff_angstrom, &self.device)
    }

    fn losses(&self, model: &PropertyModel, batch: &Batch, pass: &mut Pass) -> (Tensor<1>, Terms) {
        let loss = model.predict(batch, pass).abs().mean();
        (loss.clone(), Terms::new(&[TOTAL], &[loss]))
    }

    fn uploaded_bytes(&self, batch: &Batch) -> usize {
        batch.uploaded_bytes
    }

    fn trains_on(&self, batch: &Batch) -> bool {
        Encoder::trains_on(&self.config.model, batch)
    }

    fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    fn weight(&self, batch: &Batch) -> f64 {
        batch.crystals as f64
    }
}
