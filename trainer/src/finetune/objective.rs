//! The objective of fine-tuning: its [`Criterion`] for batches of crystals.

use std::collections::HashMap;
use std::sync::Arc;

use burn::prelude::*;

use super::criterion::{Criterion, Targets};
use super::model::FinetuneModel;
use crate::config::{
    Config, DenoiseConfig, FinetuneConfig, MethodKind, ModelConfig, NoiseConfig, OptimiserConfig,
};
use crate::data::{GraphBatch, Inputs};
use crate::model::cgcnn::CRYSTAL_LAYER;
use crate::model::depth::layers_above;
use crate::model::mask::DrawKey;
use crate::model::{Batch, Encoder, Encoding, Head, Pass};
use crate::optimiser::Optimiser;
use crate::pretrain::denoise::DenoiseObjective;
use crate::pretrain::denoise::objective::{DenoiseBatch, NoiseLosses, NoiseTargets};
use crate::ranks::Ranks;
use crate::run::checkpoint::NOISE_PREFIX;
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
    /// Noise on the crystals, if they are to have some.
    noise: Option<DenoiseObjective>,
    learns_noise: bool,
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
    /// The noise on the crystals, if they have some.
    pub noise: Option<NoiseTargets>,
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
            noise: config
                .noise
                .moves_crystals()
                .then(|| DenoiseObjective::within(cutoff_angstrom, &with_noise(config), device, ranks)),
            learns_noise: config.learns_noise(),
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

    /// Encodes a batch, and predicts the noise on it where that is learnt.
    fn encode(
        &self,
        model: &FinetuneModel,
        batch: &PropertyBatch,
        pass: &mut Pass,
    ) -> (Encoding, Option<NoiseLosses>) {
        let crystals = &batch.batch;
        let encoder = &model.property.encoder;
        if self.config.freeze_encoder {
            return (encoder.encode_frozen(crystals, self.has_fresh_crystals), None);
        }
        match (encoder, &model.noise, &self.noise, &batch.noise) {
            (Encoder::Mmpt(encoder), Some(heads), Some(objective), Some(noise)) => {
                let encoding = encoder.encode_all(crystals, &mut pass.trace);
                let losses = objective.losses_of(heads.forward(&encoding, crystals), noise, crystals);
                (encoding.into(), Some(losses))
            }
            _ => (encoder.encode(crystals, pass), None),
        }
    }
}

/// Returns the configuration of denoising with the noise of a fine-tuning. Of `[pretrain.denoise]`, the width of heads alone
/// counts, where the weights may have some.
pub(super) fn with_noise(config: &Config) -> Config {
    let NoiseConfig { displacement, strain, .. } = config.noise;
    let of_weights = match config.pretrain.method {
        MethodKind::Denoise | MethodKind::MmptDenoise => config.pretrain.denoise.clone(),
        MethodKind::Mmpt | MethodKind::CrystalTwins | MethodKind::InfoGraph => DenoiseConfig::default(),
    };
    let mut config = config.clone();
    config.pretrain.denoise =
        DenoiseConfig { displacement, strain, head_width: of_weights.head_width, ..DenoiseConfig::default() };
    config
}

impl Objective for Finetuning {
    type Model = FinetuneModel;
    type Batch = PropertyBatch;

    fn inputs(&self) -> Inputs {
        let own = Encoder::inputs(&self.model);
        self.noise.as_ref().map_or(own, |noise| own | noise.inputs())
    }

    fn prepare(&self, graph: GraphBatch<f32>, key: DrawKey) -> PropertyBatch {
        let of_crystal = |id: &String| {
            let targets = self.targets.get(id).expect("the batches hold the crystals that are listed");
            targets.as_slice()
        };
        let crystals = graph.material_ids.iter().map(of_crystal);
        let targets = self.criterion.targets(crystals, key.is_for_validation(), &self.device);
        let noise = self.noise.as_ref().filter(|_| !key.is_for_validation());
        let noisy = noise.map(|objective| (objective, objective.noisy(&graph, key, Inputs::default())));
        let graph = match noisy {
            Some((objective, noisy)) if self.learns_noise => {
                let DenoiseBatch { batch, noise } = objective.on_device(noisy, None);
                return PropertyBatch { batch, targets, noise: Some(noise) };
            }
            Some((_, noisy)) => noisy.graph,
            None => graph,
        };
        let batch = Batch::shared(graph, None, self.cutoff_angstrom, &self.ranks, &self.device);
        PropertyBatch { batch, targets, noise: None }
    }

    fn losses(&self, model: &FinetuneModel, batch: &PropertyBatch, pass: &mut Pass) -> (Tensor<1>, Terms) {
        let crystals = &batch.batch;
        let (encoding, noise) = self.encode(model, batch, pass);
        let outputs = model.property.head.predict(encoding, crystals, pass);
        let (loss, terms) = self.criterion.losses(outputs, &batch.targets);
        let mean = |term: Tensor<1>| match self.criterion.per_site() {
            true => crystals.global.of_atoms(term),
            false => crystals.global.of_crystals(term),
        };
        let (total, of_noise) = match noise {
            None => (mean(loss), Vec::new()),
            Some(noise) => (mean(loss) + noise.total * self.config.noise_weight, noise.parts),
        };
        let terms = terms.into_iter().map(|(name, term)| (name, mean(term)));
        let (names, terms): (Vec<_>, Vec<_>) = terms.chain(of_noise).unzip();
        let terms = Terms::new(&names, &terms).averaged_over(&self.ranks);
        (total, terms.with_first_times(self.criterion.factor()))
    }

    fn titles(&self) -> Titles {
        let mut titles = self.noise.as_ref().map(|noise| noise.titles()).unwrap_or_default();
        titles.extend(self.criterion.titles());
        titles
    }

    fn uploaded_bytes(&self, batch: &PropertyBatch) -> usize {
        let of_noise = batch.noise.as_ref().map_or(0, |noise| noise.uploaded_bytes(&self.device));
        batch.batch.uploaded_bytes + of_noise
    }

    fn learns(&self, name: &str) -> bool {
        let is_fresh = self.has_fresh_crystals && name.starts_with(CRYSTAL_LAYER);
        !self.config.freeze_encoder || is_fresh || Head::has(self.model.kind, name)
    }

    /// Returns the model of the property without the heads for the noise.
    fn kept(&self, model: FinetuneModel) -> FinetuneModel {
        model.property.into()
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
            false if name.starts_with(NOISE_PREFIX) => 1.0,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelKind;
    use crate::data::golden::OwnedInput;
    use crate::data::test_crystal::{CUTOFF, Crystal, rutile, skewed};
    use crate::data::{BatchBuilder, BatchSettings, Graph};
    use crate::ranks::alone;

    fn distances(config: &Config, epoch: u64) -> Vec<f32> {
        let crystals: Vec<OwnedInput> = [rutile(), skewed()].iter().map(Crystal::with_edges).collect();
        let labelled: Vec<Labelled> = crystals
            .iter()
            .map(|crystal| Labelled { material_id: crystal.material_id.clone(), targets: vec![1.0] })
            .collect();
        let criterion = Criterion::of_numbers(&labelled, &config.finetune);
        let objective = Finetuning::new(&labelled, criterion, config, CUTOFF, &Device::flex(), &alone());
        let (inputs, graph) = (objective.inputs(), config.model.graph());
        let settings = BatchSettings { cutoff_angstrom: CUTOFF, inputs, bases_on_device: false, graph };
        let mut builder = BatchBuilder::new(settings, &[]);
        crystals.iter().for_each(|crystal| builder.push(&crystal.borrow(), &[]).expect("a valid crystal"));
        let key = DrawKey { seed: 7, epoch, first_crystal: 0 };
        let batch = objective.prepare(builder.finish(), key).batch;
        batch.distances.into_data().iter::<f32>().collect()
    }

    #[test]
    fn crystals_have_noise_where_they_are_trained_on() {
        for kind in ModelKind::ALL {
            let config = |settings: &[&str]| {
                let kind = format!("model.kind={}", kind.word());
                Config::resolve(None, &[&[kind.as_str()], settings].concat()).expect("known settings")
            };
            let (plain, noisy) = (config(&[]), config(&["noise.displacement=0.02", "noise.strain=0.01"]));
            let expected = distances(&plain, 0);
            assert_eq!(distances(&noisy, DrawKey::VALIDATION), expected, "{kind:?}");
            for epoch in [0, 1] {
                let found = distances(&noisy, epoch);
                assert_eq!(found, distances(&noisy, epoch), "{kind:?}");
                assert!(found != distances(&noisy, epoch + 1), "{kind:?}");
                let steps: Vec<f32> =
                    found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs()).collect();
                assert_eq!(found.len(), expected.len(), "{kind:?}");
                assert!(
                    steps.iter().all(|step| *step < 0.5) && steps.iter().any(|step| *step > 1e-3),
                    "{kind:?}"
                );
            }
        }
    }

    #[test]
    fn frozen_encoders_are_not_learnt() {
        let learns = |settings: &[&str], name: &str| {
            let config = Config::resolve(None, settings).expect("known settings");
            let criterion = Criterion::of_numbers(&[], &config.finetune);
            Finetuning::new([], criterion, &config, CUTOFF, &Device::flex(), &alone()).learns(name)
        };
        let frozen = "finetune.freeze_encoder=true";
        let (encoder, head) = ("structure.atom_emb.weight", Head::prefixes(ModelKind::Mmpt)[0]);
        assert!(learns(&[], encoder) && !learns(&[frozen], encoder) && learns(&[frozen], head));
    }

    #[test]
    fn the_graph_of_the_noisy_crystals_is_that_of_the_model() {
        let settings = ["noise.strain=1e-9", "model.kind=matformer"];
        let noisy = Config::resolve(None, &settings).expect("known settings");
        assert_eq!(noisy.model.graph(), Graph::UndirectedWithLattice);
        let (found, expected) = (distances(&noisy, 0), distances(&noisy, DrawKey::VALIDATION));
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5));
    }
}
