//! Check that a weights file holds the model that its metadata describe. It precedes the construction of the model,
//! since a few digits of metadata decide about gigabytes.

use super::description::Description;
use super::error::WeightsError;
use super::file::WeightsFile;
use super::target::Target;
use crate::config::model::Widths;
use crate::config::{ModelConfig, ModelKind, PretrainConfig};

/// Number of readouts over the atoms that a head takes: maximum and mean.
const HEAD_INPUTS: f64 = 2.0;

impl WeightsFile {
    /// Returns the description of the weights; `None` for a file without one.
    ///
    /// # Errors
    /// Those of [`Description::from_metadata`], [`WeightsError::Sizes`] for sizes out of range, and
    /// [`WeightsError::Room`] for a model with more values than the file holds.
    pub fn description(&self) -> Result<Option<Description>, WeightsError> {
        let Some(description) = Description::from_metadata(&self.metadata)? else { return Ok(None) };
        if let Some(fault) = description.model.fault().or_else(|| description.pretrain.fault()) {
            return Err(WeightsError::Sizes { fault });
        }
        let found = self.tensors.values().map(|tensor| tensor.values.len()).sum::<usize>();
        let needed = least_numbers(&description.model, &description.pretrain, description.target.as_ref());
        if needed > found as f64 {
            return Err(WeightsError::Room { needed, found });
        }
        Ok(Some(description))
    }
}

/// Returns a lower bound of the number of weights of a model. It counts the matrices of the encoder, and those of the
/// head if there is a target, else the widest layers of the decoders. Biases and other layers are not counted, so that
/// no valid model is refused.
fn least_numbers(model: &ModelConfig, pretrain: &PretrainConfig, target: Option<&Target>) -> f64 {
    let Widths { atoms, crystals } = model.widths();
    let rest = match target.map(|target| (target.head_width as f64, target.per_site)) {
        // The other heads' widths are the model's.
        Some(_) if model.kind != ModelKind::Mmpt => 0.0,
        Some((head, true)) => atoms as f64 * head + head,
        Some((head, false)) => {
            HEAD_INPUTS * atoms as f64 * head + crystals.unwrap_or(0) as f64 * head + 2.0 * head * head
        }
        None => pretrain.least_numbers(model),
    };
    model.least_numbers() + rest
}

#[cfg(test)]
mod tests {
    use burn::prelude::Device;
    use proptest::prelude::*;

    use super::*;
    use crate::config::MmptModelConfig;
    use crate::data::LatticeStatistics;
    use crate::model::PropertyModel;
    use crate::pretrain::mmpt::MmptModel;
    use crate::run::snapshot::weights_of;
    use crate::task::Transform;
    use crate::weights::target::TargetNumber;
    use crate::weights::{Tensor, Values};

    fn described(model: &MmptModelConfig, decoder_width: usize) -> Description {
        let mut description = Description::default();
        description.model.mmpt = model.clone();
        description.pretrain.mmpt.decoder_width = decoder_width;
        description
    }

    fn number() -> TargetNumber {
        let (property, unit) = ("gap".to_owned(), "eV".to_owned());
        TargetNumber { property, unit, transform: Transform::None, mean: 0.0, std: 1.0 }
    }

    /// Returns a small model of these sizes as a file.
    fn file(model: &MmptModelConfig, decoder_width: usize, target: Option<&Target>) -> WeightsFile {
        let (statistics, device) = (LatticeStatistics::default(), Device::flex().autodiff());
        let tensors = match target {
            Some(target) => weights_of(&PropertyModel::init(
                &model.clone().into(),
                target.head_size(),
                &statistics,
                0,
                &device,
            )),
            None => weights_of(&MmptModel::init(model, decoder_width, &statistics, 0, &device)),
        };
        WeightsFile { metadata: described(model, decoder_width).to_metadata(), tensors }
    }

    fn numbers(file: &WeightsFile) -> usize {
        file.tensors.values().map(|tensor: &Tensor| Values::len(&tensor.values)).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn no_true_model_is_refused(
            widths in proptest::array::uniform6(1_usize..12),
            counts in proptest::array::uniform4(0_usize..3),
            heads in 1_usize..3,
            head in proptest::option::of((1_usize..9, proptest::bool::ANY)),
        ) {
            let [hidden, structure_width, interaction_width, output_width, decoder_width, lattice] = widths;
            let [interaction_blocks, layers_before_skip, layers_after_skip, output_layers] = counts;
            let model = MmptModelConfig {
                hidden, structure_width, interaction_width, output_width, interaction_blocks, layers_before_skip,
                layers_after_skip, output_layers, lattice_heads: heads,
                lattice_width: lattice * heads, lattice_feed_forward: lattice, ..MmptModelConfig::default()
            };
            let target = head.map(|(width, per_site)| Target {
                per_site,
                ..Target::new("gap", vec![number()], &[], width)
            });
            let file = file(&model, decoder_width, target.as_ref());
            let Description { model, pretrain, .. } = described(&model, decoder_width);
            prop_assert!(least_numbers(&model, &pretrain, target.as_ref()) <= numbers(&file) as f64);
        }
    }

    #[test]
    fn models_that_the_file_cannot_hold_are_refused() {
        const DECODER: usize = 64;
        let small = MmptModelConfig { hidden: 8, ..MmptModelConfig::default() };
        let whole = file(&small, DECODER, None);
        assert_eq!(whole.description().expect("a true model").expect("described").model.mmpt, small);
        let refused = |model: MmptModelConfig, decoder_width: usize| {
            let metadata = described(&model, decoder_width).to_metadata();
            let file = WeightsFile { metadata, ..whole.clone() };
            file.description().expect_err("another model").to_string()
        };
        for (model, decoder_width) in [
            (MmptModelConfig { hidden: 2048, ..small.clone() }, DECODER),
            (MmptModelConfig { interaction_blocks: 1000, ..small.clone() }, DECODER),
            (small.clone(), 60_000),
        ] {
            let message = refused(model, decoder_width);
            assert!(message.contains("but the file holds"), "{message}");
        }
        let blocks = MmptModelConfig { interaction_blocks: usize::MAX, ..small.clone() };
        for (model, decoder_width, fault) in [
            (MmptModelConfig { hidden: 60_000, ..small.clone() }, DECODER, "model.mmpt.hidden = 60000"),
            (blocks, DECODER, "model.mmpt.interaction_blocks"),
            (small.clone(), 1 << 40, "pretrain.mmpt.decoder_width"),
            (MmptModelConfig { lattice_heads: 0, ..small.clone() }, DECODER, "model.mmpt.lattice_heads = 0"),
        ] {
            let message = refused(model, decoder_width);
            assert!(message.contains(fault), "{message}");
        }
    }
}
