//! Every fused operation against its composed form and against finite differences, on random graphs.

use std::collections::BTreeSet;

use burn::prelude::*;
use burn::tensor::DType;
use kernels::triplet::{BASIS, RADIAL, SPHERICAL};
use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::data::golden::OwnedInput;
use crate::data::{BatchBuilder, BatchSettings, Graph};
use crate::model::{Batch, mmpt};

/// Edge of the cubic cells in Å.
const CELL: f64 = 4.0;
/// Cutoff in Å; longer than every edge between neighbouring cells.
const CUTOFF: f64 = 16.0;
/// Step of the finite differences.
const STEP: f64 = 1e-5;

/// A batch of random crystals, and where further random numbers come from.
struct Sample {
    edges: Edges,
    atoms: usize,
    edge_count: usize,
    generator: ChaCha8Rng,
}

impl Sample {
    /// Crystals of these sizes with up to `most` edges into each atom: some atoms have none, some
    /// pairs of atoms several, some edges their reverse.
    fn new(sizes: &[usize], most: usize, seed: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let crystals: Vec<_> = sizes.iter().map(|&size| crystal(size, most, &mut generator)).collect();
        let batch = |bases_on_device| {
            let settings = BatchSettings {
                cutoff_angstrom: CUTOFF,
                inputs: mmpt::inputs(),
                bases_on_device,
                graph: Graph::Multigraph,
            };
            let mut builder = BatchBuilder::<f64>::new(settings, &[]);
            for crystal in &crystals {
                builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
            }
            Batch::new(builder.finish(), None, CUTOFF, &Device::flex())
        };
        let Batch { edges, atoms, edge_count, .. } = batch(false);
        // The composed sums take the angles by edge.
        let edges = Edges { triplets: batch(true).edges.triplets, ..edges };
        Self { edges, atoms, edge_count, generator }
    }

    /// Numbers of a normal kind: between −1 and 1.
    fn values(&mut self, shape: [usize; 2]) -> TensorData {
        let values = (0..shape[0] * shape[1]).map(|_| 2.0 * self.generator.random::<f64>() - 1.0);
        TensorData::new(values.collect::<Vec<_>>(), shape)
    }
}

/// A cubic crystal with random atoms and edges.
fn crystal(size: usize, most: usize, generator: &mut ChaCha8Rng) -> OwnedInput {
    // On a grid, away from each other.
    let position = |atom: usize| [atom % 3, atom / 3 % 3, atom / 9].map(|step| step as f64 / 3.0 + 0.05);
    let positions: Vec<[f64; 3]> = (0..size).map(position).collect();
    let numbers: Vec<u8> = (0..size).map(|atom| atom as u8 + 1).collect();
    let mut crystal = OwnedInput::cubic(CELL, &numbers, &positions);
    for target in 0..size {
        let mut taken = BTreeSet::new();
        for _ in 0..generator.random_range(0..=most) {
            let source = generator.random_range(0..size);
            let image: [i16; 3] = std::array::from_fn(|_| generator.random_range(-1..=1));
            if (source != target || image != [0; 3]) && taken.insert((source, image)) {
                crystal.edge(target as u32, source as u32, image);
            }
        }
    }
    crystal
}

/// An operation as a function of matrices.
type Function<'a> = Box<dyn Fn(&[Tensor<2>]) -> Tensor<2> + 'a>;

/// An operation with all that it depends on.
struct Case<'a> {
    name: String,
    inputs: Vec<TensorData>,
    fused: Function<'a>,
    composed: Function<'a>,
}

/// A number of values as a matrix of one column, which [`Case`] asks for.
fn column(tensor: Tensor<1>) -> Tensor<2> {
    let count = tensor.dims()[0];
    tensor.reshape([count, 1])
}

/// A matrix of one row or column as a vector.
fn vector(tensor: &Tensor<2>) -> Tensor<1> {
    let [rows, columns] = tensor.dims();
    tensor.clone().reshape([rows * columns])
}

/// Both forms of one function of this module; `$kept` are values that each owns.
macro_rules! case {
    ($name:expr, $inputs:expr, [$($kept:ident),*], |$x:ident, $form:ident| $body:expr) => {
        Case {
            name: $name.to_string(),
            inputs: $inputs,
            fused: {
                $(let $kept = $kept.clone();)*
                Box::new(move |$x| {
                    use super::fused as $form;
                    $body
                })
            },
            composed: {
                $(let $kept = $kept.clone();)*
                Box::new(move |$x| {
                    use super::composed as $form;
                    $body
                })
            },
        }
    };
}

mod layers;

const ACTIVATIONS: [Activation; 5] = Activation::ALL;

/// Every operation on a sample, with this many channels.
fn cases<'a>(sample: &mut Sample, edges: &'a Edges, channels: usize) -> Vec<Case<'a>> {
    let (atoms, edge_count) = (sample.atoms, sample.edge_count);
    let mut cases = Vec::new();
    let outputs = channels + 2;
    for activation in ACTIVATIONS {
        let [x, weight, bias, residual] =
            [[atoms, channels], [outputs, channels], [1, outputs], [atoms, outputs]]
                .map(|shape| sample.values(shape));
        let inputs = vec![x, weight, bias, residual];
        cases.push(case!(format!("dense {activation:?}"), inputs.clone(), [], |x, form| {
            let bias = Some(vector(&x[2]));
            form::dense(x[0].clone(), x[1].clone(), bias, Some(x[3].clone()), activation)
        }));
        cases.push(case!(format!("plain dense {activation:?}"), inputs[..2].to_vec(), [], |x, form| {
            form::dense(x[0].clone(), x[1].clone(), None, None, activation)
        }));
        let [at_target, at_source, extra] =
            [[atoms, channels], [atoms, channels], [edge_count, channels]].map(|shape| sample.values(shape));
        let inputs = vec![at_target, at_source, extra];
        cases.push(case!(format!("pair sum {activation:?}"), inputs.clone(), [], |x, form| {
            form::pair_sum(x[0].clone(), x[1].clone(), Some(x[2].clone()), activation, edges)
        }));
        cases.push(case!(format!("plain pair sum {activation:?}"), inputs[..2].to_vec(), [], |x, form| {
            form::pair_sum(x[0].clone(), x[1].clone(), None, activation, edges)
        }));
    }
    let shapes = [[atoms, channels], [edge_count, 3], [outputs, 2 * channels + 3], [1, outputs]];
    let inputs = shapes.map(|shape| sample.values(shape)).to_vec();
    cases.push(case!("pair dense", inputs, [], |x, form| {
        let (extra, bias) = (Some(x[1].clone()), Some(vector(&x[3])));
        form::pair_dense(x[0].clone(), extra, x[2].clone(), bias, Activation::Silu, edges)
    }));
    let inputs = [[atoms, channels], [outputs, 2 * channels]].map(|shape| sample.values(shape)).to_vec();
    cases.push(case!("plain pair dense", inputs, [], |x, form| {
        form::pair_dense(x[0].clone(), None, x[1].clone(), None, Activation::Relu, edges)
    }));
    let radial = [[edge_count, channels], [edge_count, RADIAL], [channels, RADIAL]];
    let radial = radial.map(|shape| sample.values(shape)).to_vec();
    cases.push(case!("radial gate", radial.clone(), [], |x, form| {
        form::radial_gate(x[0].clone(), x[1].clone(), x[2].clone())
    }));
    cases.push(case!("radial sum", radial, [], |x, form| {
        form::radial_sum(x[0].clone(), x[1].clone(), x[2].clone(), edges)
    }));
    let spherical = sample.values([edge_count, SPHERICAL]);
    let triplet = [[edge_count, channels], [BASIS, SPHERICAL], [channels, BASIS]];
    cases.push(case!(
        "triplet sum",
        triplet.map(|shape| sample.values(shape)).to_vec(),
        [spherical],
        |x, form| {
            let spherical = double(&spherical, &Device::flex());
            form::triplet_sum(x[0].clone(), spherical, x[1].clone(), x[2].clone(), edges)
        }
    ));
    cases.push(case!("neighbour sum", vec![sample.values([atoms, channels])], [], |x, form| {
        form::neighbour_sum(x[0].clone(), edges)
    }));
    let attention = [[atoms, 1], [atoms, 1], [atoms, channels]].map(|shape| sample.values(shape));
    cases.push(case!("attention", attention.to_vec(), [], |x, form| {
        form::attention(vector(&x[0]), vector(&x[1]), x[2].clone(), edges)
    }));
    let labels: Vec<i32> = (0..atoms).map(|_| sample.generator.random_range(0..channels as i32)).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [atoms]), &Device::flex());
    let weights = sample.values([1, atoms]);
    let logits = sample.values([atoms, channels]);
    cases.push(case!("cross entropy", vec![logits.clone()], [weights, labels], |x, form| {
        let weights = vector(&double(&weights, &Device::flex()));
        column(form::cross_entropy(x[0].clone(), labels.clone(), Some(weights)))
    }));
    cases.push(case!("plain cross entropy", vec![logits], [labels], |x, form| {
        column(form::cross_entropy(x[0].clone(), labels.clone(), None))
    }));
    cases.extend(layers::cases(sample, edges, channels));
    cases
}

/// A matrix of doubles.
fn double(values: &TensorData, device: &Device) -> Tensor<2> {
    Tensor::from_data(values.clone(), (device, DType::F64))
}

/// An operation's value, and the gradients of `Σ weights ∘ value` with respect to the inputs for which
/// `tracked` says so.
fn evaluate(
    function: &Function<'_>,
    inputs: &[TensorData],
    tracked: impl Fn(usize) -> bool,
) -> (Vec<f64>, Vec<Option<Vec<f64>>>) {
    let device = Device::flex().autodiff();
    let inputs: Vec<Tensor<2>> = inputs
        .iter()
        .enumerate()
        .map(|(index, values)| {
            let tensor = double(values, &device);
            if tracked(index) { tensor.require_grad() } else { tensor }
        })
        .collect();
    let value = function(&inputs);
    let weights = double(&loss_weights(value.dims()), &device);
    let gradients = (value.clone() * weights).sum().backward();
    let gradients = inputs.iter().map(|input| input.grad(&gradients).map(numbers));
    (numbers(value), gradients.collect())
}

/// Distinct weights of an operation's values in the sum that is differentiated.
fn loss_weights(shape: [usize; 2]) -> TensorData {
    let weights = (0..shape[0] * shape[1]).map(|index| (1.0 + index as f64).sin());
    TensorData::new(weights.collect::<Vec<_>>(), shape)
}

/// The values of a tensor.
fn numbers(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Whether two lists agree relative to the largest magnitude, which counts as at least 1.
fn agree(found: &[f64], expected: &[f64], tolerance: f64) -> bool {
    let greatest = expected.iter().fold(1.0, |greatest: f64, value| greatest.max(value.abs()));
    let close = |(found, expected): (&f64, &f64)| (found - expected).abs() <= tolerance * greatest;
    found.len() == expected.len() && found.iter().zip(expected).all(close)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn fused_and_composed_agree(
        sizes in prop::collection::vec(1_usize..7, 1..4),
        most in 0_usize..9,
        channels in 1_usize..21,
        seed: u64,
    ) {
        let mut sample = Sample::new(&sizes, most, seed);
        let edges = sample.edges.clone();
        for case in cases(&mut sample, &edges, channels) {
            let (value, gradients) = evaluate(&case.fused, &case.inputs, |_| true);
            let (expected, composed) = evaluate(&case.composed, &case.inputs, |_| true);
            prop_assert!(agree(&value, &expected, 1e-12), "value of {}", case.name);
            for (index, (gradient, expected)) in gradients.iter().zip(&composed).enumerate() {
                let (Some(gradient), Some(expected)) = (gradient, expected) else {
                    return Err(TestCaseError::fail(format!("{}: no gradient of input {index}", case.name)));
                };
                prop_assert!(agree(gradient, expected, 1e-11), "gradient {index} of {}", case.name);
            }
        }
    }

    #[test]
    fn a_gradient_does_not_depend_on_which_others_are_wanted(most in 0_usize..7, seed: u64) {
        let mut sample = Sample::new(&[3, 1, 4], most, seed);
        let edges = sample.edges.clone();
        for case in cases(&mut sample, &edges, 5) {
            let (_, together) = evaluate(&case.fused, &case.inputs, |_| true);
            for wanted in 0..case.inputs.len() {
                let (_, alone) = evaluate(&case.fused, &case.inputs, |index| index == wanted);
                for (index, gradient) in alone.iter().enumerate() {
                    let expected = if index == wanted { together[index].as_ref() } else { None };
                    prop_assert_eq!(gradient.as_ref(), expected, "{} for input {}", &case.name, index);
                }
            }
        }
    }
}

#[test]
fn fused_and_composed_agree_without_edges() {
    let mut sample = Sample::new(&[2, 1], 0, 3);
    let edges = sample.edges.clone();
    assert_eq!(sample.edge_count, 0);
    for case in cases(&mut sample, &edges, 4) {
        let (value, gradients) = evaluate(&case.fused, &case.inputs, |_| true);
        let (expected, composed) = evaluate(&case.composed, &case.inputs, |_| true);
        assert!(agree(&value, &expected, 1e-12), "value of {}", case.name);
        for (gradient, expected) in gradients.iter().zip(&composed) {
            let zeros = expected.as_ref().is_none_or(|expected| expected.iter().all(|value| *value == 0.0));
            let agrees = match (gradient, expected) {
                (Some(gradient), Some(expected)) => agree(gradient, expected, 1e-11),
                _ => zeros,
            };
            assert!(agrees, "gradients of {}: {gradient:?} and not {expected:?}", case.name);
        }
    }
}

#[test]
fn fused_gradients_are_finite_differences() {
    for (seed, sizes, most, channels) in [(1, vec![5, 1, 2], 6, 3), (2, vec![1, 4], 4, 10)] {
        let mut sample = Sample::new(&sizes, most, seed);
        let edges = sample.edges.clone();
        assert!(edges.angles().angular.dims()[0] > 0);
        for case in cases(&mut sample, &edges, channels) {
            let (_, gradients) = evaluate(&case.fused, &case.inputs, |_| true);
            for (index, gradient) in gradients.into_iter().enumerate() {
                let differences = differences(&case, index);
                let gradient = gradient.expect("a gradient of every input");
                assert!(
                    agree(&gradient, &differences, 1e-8),
                    "gradient {index} of {}: {gradient:?} and not {differences:?}",
                    case.name
                );
            }
        }
    }
}

/// Central differences of `Σ weights ∘ value` along every entry of an input.
fn differences(case: &Case<'_>, input: usize) -> Vec<f64> {
    let device = Device::flex();
    let loss = |inputs: &[TensorData]| {
        let inputs: Vec<_> = inputs.iter().map(|values| double(values, &device)).collect();
        let value = (case.fused)(&inputs);
        let weights = double(&loss_weights(value.dims()), &device);
        (value * weights).sum().into_scalar::<f64>()
    };
    let values: Vec<f64> = case.inputs[input].iter::<f64>().collect();
    let shape = case.inputs[input].shape().clone();
    (0..values.len())
        .map(|entry| {
            let moved = |step: f64| {
                let (mut inputs, mut values) = (case.inputs.clone(), values.clone());
                values[entry] += step;
                inputs[input] = TensorData::new(values, shape.clone());
                loss(&inputs)
            };
            (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
        })
        .collect()
}

#[test]
fn single_precision_is_close_to_double() {
    let mut sample = Sample::new(&[6, 1, 3], 8, 7);
    let edges = sample.edges.clone();
    let angular = edges.angles().angular.clone().cast(DType::F32);
    let angles = Some(Angles { angular, ..edges.angles().clone() });
    let single_edges = Edges { angles, ..edges.clone() };
    let [x, first, second] = [[sample.edge_count, 11], [BASIS, SPHERICAL], [11, BASIS]]
        .map(|shape| double(&sample.values(shape), &Device::flex()));
    let spherical = double(&sample.values([sample.edge_count, SPHERICAL]), &Device::flex());
    let single = |tensor: &Tensor<2>| tensor.clone().cast(DType::F32);
    let in_single =
        triplet_sum(single(&x), single(&spherical), single(&first), single(&second), &single_edges);
    assert_eq!(in_single.dtype(), DType::F32);
    let in_double = composed::triplet_sum(x, spherical, first, second, &edges);
    assert!(agree(&numbers(in_single), &numbers(in_double), 1e-5));
}

#[test]
fn attention_of_far_scores_neither_overflows_nor_divides_by_zero() {
    let mut sample = Sample::new(&[4, 1], 5, 3);
    let edges = sample.edges.clone();
    let values = sample.values([5, 3]);
    for scale in [1e3, -1e3] {
        let scores = (0..5).map(|atom| scale * f64::from(atom)).collect::<Vec<_>>();
        let inputs =
            [TensorData::new(scores.clone(), [5, 1]), TensorData::new(scores, [5, 1]), values.clone()];
        let fused: Function<'_> =
            Box::new(|x| super::fused::attention(vector(&x[0]), vector(&x[1]), x[2].clone(), &edges));
        let (value, gradients) = evaluate(&fused, &inputs, |_| true);
        assert!(value.iter().chain(gradients.iter().flatten().flatten()).all(|value| value.is_finite()));
    }
}

#[test]
fn cross_entropy_of_far_logits_is_their_distance() {
    let logits = double(&TensorData::new(vec![0.0, 1e4, -1e4, 1e4], [2, 2]), &Device::flex());
    let labels = Tensor::<1, Int>::from_data(TensorData::new(vec![0, 1], [2]), &Device::flex());
    let loss = cross_entropy(logits, labels, None).into_scalar::<f64>();
    assert!((loss - 1e4).abs() < 1e-9, "{loss}");
}
