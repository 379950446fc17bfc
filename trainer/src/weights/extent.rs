//! Whether a weights file can hold the model that its metadata describe, asked before that model is made:
//! a few digits of the metadata decide about gigabytes.

use super::description::Description;
use super::error::WeightsError;
use super::file::WeightsFile;
use crate::config::ModelConfig;

impl WeightsFile {
    /// What the weights belong to; `None` if the file says nothing about it.
    ///
    /// # Errors
    /// Those of [`Description::from_metadata`], [`WeightsError::Sizes`] for sizes that no model has, and
    /// [`WeightsError::Room`] for a model of more numbers than the file holds.
    pub fn description(&self) -> Result<Option<Description>, WeightsError> {
        let Some(description) = Description::from_metadata(&self.metadata)? else { return Ok(None) };
        if let Some(fault) = description.model.fault() {
            return Err(WeightsError::Sizes { fault });
        }
        let found = self.tensors.values().map(|tensor| tensor.values.len()).sum::<usize>();
        let head_width = description.target.as_ref().map(|target| target.head_width);
        let needed = least_numbers(&description.model, head_width);
        if needed > found as f64 {
            return Err(WeightsError::Room { needed, found });
        }
        Ok(Some(description))
    }
}

/// Numbers in the matrices of a model, in doubles because no integer holds every product: those of the
/// encoders, with the head of a fine-tuned model or with the decoders' widest layers otherwise. Biases and
/// the smallest matrices are left out, so that no true model is refused.
fn least_numbers(model: &ModelConfig, head_width: Option<usize>) -> f64 {
    let [hidden, structure, inner, output] =
        [model.hidden, model.structure_width, model.interaction_width, model.output_width]
            .map(|width| width as f64);
    let [lattice, feed_forward, decoder] =
        [model.lattice_width, model.lattice_feed_forward, model.decoder_width].map(|width| width as f64);
    let [blocks, before, after, layers] =
        [model.interaction_blocks, model.layers_before_skip, model.layers_after_skip, model.output_layers]
            .map(|count| count as f64);
    let embedding = 3.0 * hidden * hidden;
    let interactions = blocks * (hidden * hidden * (3.0 + 2.0 * (before + after)) + 2.0 * hidden * inner);
    let outputs = (blocks + 1.0) * (hidden * output + layers * output * output + output * structure);
    let lattices = 4.0 * lattice * lattice + 2.0 * lattice * feed_forward;
    let rest = match head_width.map(|width| width as f64) {
        Some(head) => 2.0 * (lattice + structure) * head + 2.0 * head * head,
        // Each of three heads takes two atoms.
        None => 6.0 * structure * decoder,
    };
    embedding + interactions + outputs + lattices + rest
}

#[cfg(test)]
mod tests {
    use burn::prelude::Device;
    use proptest::prelude::*;

    use super::*;
    use crate::data::LatticeStatistics;
    use crate::model::{Mmpt, PropertyModel};
    use crate::run::snapshot::weights_of;
    use crate::weights::{Tensor, Values};

    /// A small model of these sizes as it would be written.
    fn file(model: &ModelConfig, head_width: Option<usize>) -> WeightsFile {
        let (statistics, device) = (LatticeStatistics::default(), Device::flex().autodiff());
        let tensors = match head_width {
            Some(width) => weights_of(&PropertyModel::init(model, width, &statistics, 0, &device)),
            None => weights_of(&Mmpt::init(model, &statistics, 0, &device)),
        };
        let description = Description { model: model.clone(), ..Description::default() };
        WeightsFile { metadata: description.to_metadata(), tensors }
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
            head_width in proptest::option::of(1_usize..9),
        ) {
            let [hidden, structure_width, interaction_width, output_width, decoder_width, lattice] = widths;
            let [interaction_blocks, layers_before_skip, layers_after_skip, output_layers] = counts;
            let model = ModelConfig {
                hidden, structure_width, interaction_width, output_width, decoder_width, interaction_blocks,
                layers_before_skip, layers_after_skip, output_layers, lattice_heads: heads,
                lattice_width: lattice * heads, lattice_feed_forward: lattice, ..ModelConfig::default()
            };
            let file = file(&model, head_width);
            prop_assert!(least_numbers(&model, head_width) <= numbers(&file) as f64);
        }
    }

    #[test]
    fn models_that_the_file_cannot_hold_are_refused() {
        let small = ModelConfig { hidden: 8, ..ModelConfig::default() };
        let whole = file(&small, None);
        assert_eq!(whole.description().expect("a true model").expect("described").model, small);
        let described = |model: ModelConfig| {
            let description = Description { model, ..Description::default() };
            let file = WeightsFile { metadata: description.to_metadata(), ..whole.clone() };
            file.description().expect_err("another model").to_string()
        };
        for model in [
            ModelConfig { hidden: 60_000, ..small.clone() },
            ModelConfig { interaction_blocks: usize::MAX, ..small.clone() },
            ModelConfig { decoder_width: 1 << 40, ..small.clone() },
        ] {
            let message = described(model);
            assert!(message.contains("but the file holds"), "{message}");
        }
        let message = described(ModelConfig { lattice_heads: 0, ..small.clone() });
        assert!(message.contains("model.lattice_heads = 0"), "{message}");
    }
}
