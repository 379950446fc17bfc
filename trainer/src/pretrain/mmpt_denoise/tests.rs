//! Both losses of the same crystals with noise, and what a weights file tells of the method.

use burn::prelude::*;

use super::*;
use crate::config::Config;
use crate::data::golden::OwnedInput;
use crate::data::test_crystal::{CUTOFF, Crystal, rutile, skewed, wurtzite};
use crate::data::{BatchBuilder, BatchSettings, Graph, LatticeStatistics};
use crate::model::Pass;
use crate::model::mask::DrawKey;
use crate::model::names;
use crate::pretrain::Pretraining;
use crate::pretrain::mmpt::example::tiny_encoder;
use crate::ranks::alone;
use crate::run::step::{Objective, Values};
use crate::weights::Description;

fn config(settings: &[&str]) -> Config {
    let settings = [&["pretrain.method=mmpt+denoise"], settings].concat();
    let mut config = Config::resolve(None, &settings).expect("known settings");
    config.model.mmpt = tiny_encoder();
    config
}

/// Returns the losses of some crystals for a fresh model.
fn losses(config: &Config) -> Values {
    let device = Device::flex();
    let model = MmptDenoiseObjective::init(config, &LatticeStatistics::default(), &device.clone().autodiff());
    let objective = MmptDenoiseObjective::new(config, &Default::default(), &device, &alone());
    let settings = BatchSettings {
        cutoff_angstrom: CUTOFF,
        inputs: objective.inputs(),
        bases_on_device: false,
        graph: Graph::Multigraph,
    };
    let mut builder = BatchBuilder::<f32>::new(settings, &[]);
    let crystals: Vec<OwnedInput> =
        [rutile(), skewed(), wurtzite()].iter().map(Crystal::with_edges).collect();
    crystals.iter().for_each(|crystal| builder.push(&crystal.borrow(), &[]).expect("a valid crystal"));
    let batch = objective.prepare(builder.finish(), DrawKey { seed: 1, epoch: 0, first_crystal: 0 });
    objective.losses(&model, &batch, &mut Pass::training()).1.read()
}

#[test]
fn the_loss_is_the_sum_of_both() {
    let one = losses(&config(&[]));
    let names: Vec<&str> = one.keys().map(String::as_str).collect();
    for name in ["loss", "L_A", "L_BT", "L_Dis", "L_noise", "L_strain"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let weighted = losses(&config(&["pretrain.denoise.weight=3", "pretrain.denoise.strain_weight=0.5"]));
    let without = losses(&config(&["pretrain.denoise.weight=0"]));
    let noise = weighted["L_noise"] + 0.5 * weighted["L_strain"];
    assert!((weighted["loss"] - without["loss"] - 3.0 * noise).abs() < 1e-4 * weighted["loss"]);
    assert_eq!(one["L_A"], without["L_A"], "the same crystals");
}

#[test]
fn weights_tell_both_sections_and_keep_the_names_of_the_decoders() {
    let config = config(&["pretrain.denoise.head_width=5", "pretrain.mmpt.decoder_width=7"]);
    let device = Device::flex().autodiff();
    let model = MmptDenoiseObjective::init(&config, &LatticeStatistics::default(), &device);
    let parameters = names::parameters(&model);
    let shape = |name: &str| {
        let parameter = parameters.iter().find(|parameter| parameter.name == name);
        parameter.unwrap_or_else(|| panic!("there is no {name}")).shape.clone()
    };
    assert_eq!(shape("noise.strain.2.weight"), [1, 5]);
    assert_eq!(shape("pal_dist.0.weight"), [7, 12]);
    assert_eq!(shape("structure.out.0.lin.weight"), [6, 8]);
    let description = Description::of_pretraining(&config);
    let read = Description::from_metadata(&description.to_metadata()).expect("it is whole");
    assert_eq!(read, Some(description));
}

#[test]
fn weights_of_before_types_were_hidden_are_read() {
    for method in ["denoise", "mmpt+denoise"] {
        let config = Config::resolve(None, &[format!("pretrain.method={method}")]).expect("known settings");
        let description = Description::of_pretraining(&config);
        let mut metadata = description.to_metadata();
        let pretrain = metadata.get_mut("mmpt.pretrain").expect("the settings");
        let earlier = pretrain.replace("\"hidden_types\":0.0,\"type_weight\":1.0,", "");
        assert!(earlier.len() < pretrain.len(), "{pretrain}");
        *pretrain = earlier;
        assert_eq!(Description::from_metadata(&metadata).expect("they may be missing"), Some(description));
    }
}
