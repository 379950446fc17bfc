use burn::module::Param;

use super::*;

/// Greatest difference from a step by hand.
const TOLERANCE: f64 = 1e-6;
/// Learning rate and weight decay of the steps by hand.
const RATE: f64 = 0.1;
const DECAY: f64 = 0.1;

/// Two numbers that a step changes.
#[derive(Module, Debug)]
struct Layer {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
}

/// Both numbers are 1.
fn layer(device: &Device) -> Layer {
    let one = || Param::from_tensor(Tensor::ones([1], &device.clone().autodiff()).require_grad());
    Layer { weight: one(), bias: one() }
}

/// A gradient for both numbers.
fn gradients(value: f32, device: &Device) -> Gradients {
    let tensor = || Tensor::from_floats([value].as_slice(), device);
    Gradients::from_tensors(["weight", "bias"].map(|name| (name.to_owned(), tensor())).into())
}

fn config(kind: OptimiserKind, weight_decay: f64) -> OptimiserConfig {
    let decay_exempt = vec!["bias".to_owned()];
    OptimiserConfig { kind, weight_decay, decay_exempt, learning_rate: RATE, ..OptimiserConfig::default() }
}

/// Weight and bias.
fn numbers(layer: &Layer) -> [f64; 2] {
    let of = |param: &Param<Tensor<1>>| param.val().into_scalar::<f64>();
    [of(&layer.weight), of(&layer.bias)]
}

/// Takes steps along the same gradient. Returns weight and bias after each.
fn path(config: &OptimiserConfig, gradient: f32, steps: usize) -> Vec<[f64; 2]> {
    let mut optimiser = Optimiser::new(config);
    let device = Device::flex();
    let mut layer = layer(&device);
    let mut step = || {
        layer = optimiser.step(layer.clone(), gradients(gradient, &device), Rates::of(config));
        numbers(&layer)
    };
    (0..steps).map(|_| step()).collect()
}

fn assert_close(found: &[[f64; 2]], expected: &[[f64; 2]]) {
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    assert!(pairs.into_iter().all(|(found, expected)| (found - expected).abs() < TOLERANCE), "{found:?}");
}

#[test]
fn sgd_gathers_velocity() {
    // v = 0.5, 0.95, 1.355.
    let found = path(&config(OptimiserKind::Sgd, 0.0), 0.5, 3);
    assert_close(&found, &[[0.95; 2], [0.855; 2], [0.7195; 2]]);
}

#[test]
fn the_decay_of_sgd_is_a_gradient_and_spares_the_exempt() {
    // v = 0.5 + 0.1 = 0.6, then 0.54 + 0.5 + 0.094 = 1.134.
    let found = path(&config(OptimiserKind::Sgd, DECAY), 0.5, 2);
    assert_close(&found, &[[0.94, 0.95], [0.8266, 0.855]]);
}

#[test]
fn the_decay_of_adam_spares_the_exempt() {
    // Without a gradient nothing but the decay moves.
    assert_close(&path(&config(OptimiserKind::AdamW, DECAY), 0.0, 2), &[[0.99, 1.0], [0.9801, 1.0]]);
    // The first step of Adam has the size of the rate, whatever the gradient.
    assert_close(&path(&config(OptimiserKind::Adam, DECAY), 0.0, 1), &[[0.9, 1.0]]);
}

#[cfg(feature = "tch")]
#[test]
fn joined_parameters_take_the_same_steps() {
    let device = crate::device::DeviceName::Libtorch.open().expect("always there");
    for kind in [OptimiserKind::Adam, OptimiserKind::AdamW, OptimiserKind::Sgd] {
        let config = config(kind, DECAY);
        let rates = Rates::of(&config);
        let optimiser =
            || Optimiser::new(&config).with_rate_factors(|name| if name == "weight" { 0.5 } else { 1.0 });
        let (mut single, mut joined) = (optimiser(), optimiser());
        let (mut left, mut right) = (layer(&device), layer(&device));
        for gradient in [0.5, -2.0, 1.0] {
            left = single.step(left, gradients(gradient, &device), rates);
            let together = gradients(gradient, &device).joined(|name| joined.group_of(name));
            right = joined.step(right, together, rates);
            assert_close(&[numbers(&left)], &[numbers(&right)]);
        }
        assert_eq!(joined.joined.len(), 2, "{kind:?}");
        let second = kind != OptimiserKind::Sgd;
        for optimiser in [&single, &joined] {
            assert_eq!(optimiser.moments().len(), 2);
            assert!(optimiser.moments().values().all(|moments| moments.second.is_some() == second));
        }
        // Single gradients go on with the moments of joined ones.
        left = single.step(left, gradients(0.5, &device), rates);
        right = joined.step(right, gradients(0.5, &device), rates);
        assert!(joined.joined.is_empty());
        assert_close(&[numbers(&left)], &[numbers(&right)]);
        // Moments of joined parameters are those of single ones: either goes on where the other has stopped.
        let (mut resumed, mut parted) = (optimiser(), optimiser());
        resumed.restore(4, single.moments());
        parted.restore(4, joined.moments());
        let together = gradients(0.25, &device).joined(|name| resumed.group_of(name));
        right = resumed.step(right, together, rates);
        left = parted.step(left, gradients(0.25, &device), rates);
        assert_close(&[numbers(&left)], &[numbers(&right)]);
    }
}

#[cfg(feature = "tch")]
#[test]
fn all_parameters_of_a_step_are_one_group_without_exemptions() {
    let optimiser = Optimiser::new(&OptimiserConfig::default());
    assert_eq!(optimiser.group_of("weight"), optimiser.group_of("bias"));
}

#[test]
fn exemptions_are_by_parts_of_names() {
    let optimiser = Optimiser::new(&config(OptimiserKind::Adam, DECAY));
    let decay = |name| optimiser.update(name, Rates::of(&optimiser.config)).decay;
    assert_eq!(["a.weight", "a.bias", "bias_of.weight"].map(decay), [DECAY, 0.0, 0.0]);
}
