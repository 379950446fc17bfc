//! Encoders of pre-trainings in fine-tuned models.

use burn::module::Module;

use super::*;
use crate::model::HeadSize;
use crate::model::names::{self, NamedTensor};
use crate::pretrain::Pretraining;
use crate::pretrain::crystal_twins::CrystalTwinsModel;
use crate::pretrain::denoise::DenoiseObjective;
use crate::pretrain::infograph::InfoGraphModel;
use crate::pretrain::mmpt::MmptObjective;
use crate::pretrain::mmpt::example::tiny_encoder;

/// Seed of the fine-tuned models, other than that of the pre-trained ones.
const SEED: u64 = 5;

/// The settings of a small pre-training.
fn pretraining(method: &str) -> Config {
    let method = format!("pretrain.method={method}");
    let settings = ["model.kind=cgcnn", "model.cgcnn.atom_width=4", "model.cgcnn.crystal_width=6", &method];
    Config::resolve(None, &settings).expect("known settings")
}

/// Encoders of a model, of which every number has been changed.
fn encoders<M: Module>(config: &Config, model: &M) -> Encoders {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("best.safetensors");
    let description = Description {
        model: config.model.clone(),
        pretrain: config.pretrain.clone(),
        ..Description::default()
    };
    let tensors = snapshot::weights_of(model).into_iter().map(|(name, tensor)| {
        let count = tensor.values.len();
        (name, weights::Tensor::f32(tensor.shape, vec![0.25; count]))
    });
    weights::write(&path, &description.to_metadata(), tensors).expect("it is writable");
    Encoders::read(&path).expect("just written")
}

#[test]
fn weights_of_another_method_than_they_say_are_refused() {
    let config = pretraining("crystal-twins");
    let twins = CrystalTwinsModel::init(&config, &Device::flex().autodiff());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("best.safetensors");
    let relabelled = |method: &str| Description {
        model: config.model.clone(),
        ..Description::of_pretraining(&pretraining(method))
    };
    let refused =
        |mut tensors: BTreeMap<String, weights::Tensor>, method: &str, change: &dyn Fn(&mut [f32])| {
            let head = tensors.get_mut("fc_head.0.bias").expect("the projector");
            let mut values = head.values.clone().into_f32();
            change(&mut values);
            head.values = weights::Values::F32(values);
            weights::write(&path, &relabelled(method).to_metadata(), tensors).expect("it is writable");
            Encoders::read(&path).map(drop).map_err(|error| error.to_string())
        };
    let tensors = || snapshot::weights_of(&twins);
    refused(tensors(), "crystal-twins", &|_| {}).expect("it is what it says");
    let line = refused(tensors(), "infograph", &|_| {}).expect_err("a projector and no discriminators");
    assert!(
        line.contains("best.safetensors: the weights are of another model: ") && line.contains("too many"),
        "{line}"
    );
    // Where the fine-tuned model does not take them, too.
    let line = refused(tensors(), "crystal-twins", &|bias| bias[0] = f32::NAN).expect_err("damage");
    assert!(line.contains("infinite or not a number") && line.contains("(first fc_head.0.bias)"), "{line}");
}

/// Returns the configuration of a fine-tuning with the recipe of the encoders, and its model's parameters.
fn finetuned(encoders: &Encoders) -> (Config, Vec<NamedTensor>, Vec<NamedTensor>) {
    let recipe = |_: &Config| encoders.recipe(Group::Other, "mine");
    let config = Config::resolve_over(recipe, None, &[] as &[&str]).expect("known settings");
    let config = encoders.configure(config).expect("the recipe fits the weights");
    let device = Device::flex().autodiff();
    let model = PropertyModel::init(
        &config.model,
        HeadSize { width: 1, outputs: 1, per_site: false },
        &LatticeStatistics::default(),
        SEED,
        &device,
    );
    let placed = encoders.place_in(model.clone().into()).expect("they fit");
    (config, names::parameters(&model), names::parameters(&placed))
}

/// Returns the names of the parameters that are the fine-tuned model's own.
fn own(fresh: &[NamedTensor], placed: &[NamedTensor]) -> Vec<String> {
    let pairs = fresh.iter().zip(placed);
    let (own, given): (Vec<_>, Vec<_>) = pairs.partition(|(fresh, placed)| fresh == placed);
    for (_, given) in given {
        assert!(given.data.iter::<f32>().all(|value| value == 0.25), "{}", given.name);
    }
    own.into_iter().map(|(fresh, _)| fresh.name.clone()).collect()
}

#[test]
fn crystal_twins_gives_all_but_the_head() {
    let config = pretraining("crystal-twins");
    let model = CrystalTwinsModel::init(&config, &Device::flex().autodiff());
    let (config, fresh, placed) = finetuned(&encoders(&config, &model));
    assert_eq!((config.model.cgcnn.atom_width, config.model.cgcnn.crystal_width), (4, 6));
    assert_eq!(config.pretrain.method, MethodKind::CrystalTwins);
    assert_eq!(
        own(&fresh, &placed),
        ["fc_out.0.weight", "fc_out.0.bias", "fc_out.2.weight", "fc_out.2.bias"]
    );
}

#[test]
fn infograph_gives_the_convolutions() {
    let config = pretraining("infograph");
    let model = InfoGraphModel::init(&config, &Device::flex().autodiff());
    let (config, fresh, placed) = finetuned(&encoders(&config, &model));
    assert_eq!((config.model.cgcnn.atom_width, config.model.cgcnn.crystal_width), (4, 128));
    assert_eq!(
        own(&fresh, &placed),
        ["conv_to_fc.weight", "conv_to_fc.bias", "fc_out.weight", "fc_out.bias"]
    );
}

#[test]
fn sizes_that_the_weights_decide_cannot_be_set() {
    let pretrained = pretraining("crystal-twins");
    let model = CrystalTwinsModel::init(&pretrained, &Device::flex().autodiff());
    let encoders = encoders(&pretrained, &model);
    let asked = |settings: &[&str]| {
        let recipe = |_: &Config| encoders.recipe(Group::Other, "mine");
        encoders.configure(Config::resolve_over(recipe, None, settings).expect("known settings"))
    };
    asked(&["model.kind=cgcnn"]).expect("that is the kind");
    for width in [16, Config::default().model.cgcnn.atom_width] {
        let setting = format!("model.cgcnn.atom_width={width}");
        let refused = asked(&[&setting]).expect_err("it is 4").to_string();
        assert!(refused.contains(&format!("model.cgcnn.atom_width = 4, but {width} is needed")), "{refused}");
    }
    let refused = asked(&["model.kind=mmpt"]).expect_err("it is the default").to_string();
    assert!(refused.contains("model.kind = \"cgcnn\", but \"mmpt\" is needed"), "{refused}");
    let refused = asked(&["pretrain.crystal_twins.output_width=8"]).expect_err("it is 256").to_string();
    assert!(refused.contains("pretrain.crystal_twins.output_width = 256, but 8 is needed"), "{refused}");
    let head =
        asked(&["model.cgcnn.output=linear", "model.cgcnn.hidden_layers=2"]).expect("the head is free");
    assert_eq!(head.model.cgcnn.hidden_layers, 2);
    let refused = asked(&["model.kind=cgcnn", "model.cgcnn.atom_width=4", "model.cgcnn.crystal_width=8"])
        .expect_err("it is 6")
        .to_string();
    assert!(refused.contains("model.cgcnn.crystal_width = 6, but 8 is needed"), "{refused}");
}

#[test]
fn heads_for_noise_are_those_of_the_weights() {
    let mut config = Config::resolve(None, &["pretrain.method=denoise"]).expect("known settings");
    config.model.mmpt = tiny_encoder();
    config.pretrain.denoise.hidden_types = 0.2;
    let (lattice, device) = (LatticeStatistics::default(), Device::flex().autodiff());
    let pretrained = encoders(&config, &DenoiseObjective::init(&config, &lattice, &device));
    let mut masking = config.clone();
    masking.pretrain.method = MethodKind::Mmpt;
    let without = encoders(&masking, &MmptObjective::init(&masking, &lattice, &device));
    let taken = |encoders: &Encoders| {
        let placed = encoders.place_in(beginning(&config)).expect("they fit");
        let noise = names::parameters(&placed).into_iter().filter(|tensor| tensor.name.starts_with("noise."));
        noise
            .map(|tensor| (tensor.name, tensor.data.iter::<f32>().all(|value| value == 0.25)))
            .collect::<Vec<_>>()
    };
    let found = taken(&pretrained);
    assert!(
        found.len() == 8 && found.iter().all(|(name, given)| *given && !name.contains("types")),
        "{found:?}"
    );
    assert!(taken(&without).iter().all(|(_, given)| !given), "they begin fresh");
}

/// Returns a fresh model of a property with heads for the noise.
fn beginning(config: &Config) -> FinetuneModel {
    let (lattice, device) = (LatticeStatistics::default(), Device::flex().autodiff());
    let head = HeadSize { width: 4, outputs: 1, per_site: false };
    let property = PropertyModel::init(&config.model, head, &lattice, SEED, &device);
    let noise = NoiseHeads::build(&with_noise(config), &mut Initialiser::new(SEED, &device));
    FinetuneModel { property, noise: Some(noise) }
}
