//! The model of Crystal Twins: CGCNN with a projector.

use burn::prelude::*;

use crate::config::Config;
use crate::model::cgcnn::CgcnnEncoder;
use crate::model::layers::{Initialiser, Mlp};
use crate::model::{Batch, Encoder, Pass};
use crate::ops::Activation;
use crate::pretrain::barlow_twins::{Agreement, BarlowTwins, Columns};

/// Least length by which a projection is divided.
const LEAST_LENGTH: f64 = 1e-12;
/// Added to the variance of each feature of the projections.
const VARIANCE_EPSILON: f64 = 1e-5;

/// CGCNN's encoder with a projector. Both views share them.
#[derive(Module, Debug)]
pub struct CrystalTwinsModel {
    /// CGCNN, up to the embeddings of crystals.
    pub encoder: Encoder,
    /// Projector, `crystal_width → crystal_width → output_width` with softplus between the layers.
    pub fc_head: Mlp,
}

impl CrystalTwinsModel {
    /// Initialises a model.
    pub fn init(config: &Config, device: &Device) -> Self {
        Self::build(config, &mut Initialiser::new(config.seed, device))
    }

    /// Makes a model by an initialiser.
    pub fn build(config: &Config, initialiser: &mut Initialiser) -> Self {
        let encoder = CgcnnEncoder::init(&config.model.cgcnn, initialiser);
        let width = config.model.cgcnn.crystal_width;
        let projector = Mlp::init(&[width, width, config.pretrain.crystal_twins.output_width], initialiser);
        Self { encoder: Encoder::Cgcnn(encoder), fc_head: projector.with_activation(Activation::Softplus) }
    }

    /// Projects the crystals of a view to vectors of unit length: `z / max(‖z‖, 1e-12)`.
    ///
    /// # Shapes
    /// Output `[B, output_width]`.
    pub fn project(&self, view: &Batch, pass: &mut Pass) -> Tensor<2> {
        let crystals = self.encoder.encode(view, pass).crystals.expect("the encoder embeds crystals");
        let z = self.fc_head.forward(crystals);
        let length = z.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(LEAST_LENGTH);
        let z = z / length;
        pass.trace.record("z", || z.clone());
        z
    }

    /// Projects both views, one after the other, and correlates the projections. They are standardised by the
    /// statistics of the batch, `(z − mean)/√(variance + 1e-5)`, in evaluation, too.
    ///
    /// The trace records tensors of the views with the prefixes `v1_` and `v2_`, and C.
    pub fn agreement(&self, views: &[Batch; 2], off_diagonal: f64, pass: &mut Pass) -> Agreement {
        let [first, second] = views;
        let samples = [(first, "v1_"), (second, "v2_")].map(|(view, prefix)| {
            pass.trace.set_prefix(prefix);
            self.project(view, pass)
        });
        pass.trace.set_prefix("");
        let global = &first.global;
        // The sum of squares of B centred samples is B times their variance.
        let epsilon = VARIANCE_EPSILON * global.crystals() as f64;
        let twins = BarlowTwins { off_diagonal, centred: true, epsilon };
        let columns = Columns { part: &|mean| global.part_of_crystals(mean), ranks: global.ranks() };
        let agreement = twins.agreement(samples, &columns);
        pass.trace.record("C", || agreement.correlation.clone());
        agreement
    }
}
