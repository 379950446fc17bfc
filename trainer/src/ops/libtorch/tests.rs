//! Every operation on libtorch against its composed form, values and gradients, in f64.

use burn::prelude::*;
use burn::tensor::DType;
use kernels::adam::Settings;
use kernels::triplet::{BASIS, RADIAL, SPHERICAL};

use crate::data::golden::OwnedInput;
use crate::data::{BatchBuilder, BatchSettings, Graph};
use crate::device::DeviceName;
use crate::model::{Batch, mmpt};
use crate::ops::{Activation, Edges, composed, libtorch};
use crate::ranks::{Rows, alone};

/// Cutoff in Å; longer than every edge of the sample.
const CUTOFF: f64 = 16.0;
/// Channels of the features.
const CHANNELS: usize = 5;

/// Two crystals with parallel edges, an edge and its reverse, an edge to an image of the same atom, and
/// an atom without edges.
fn sample(device: &Device) -> Batch {
    let mut first = OwnedInput::cubic(4.0, &[3, 8, 11], &[[0.0; 3], [0.5, 0.4, 0.5], [0.1, 0.6, 0.2]]);
    for (target, source, image) in [
        (0, 1, [0, 0, 0]),
        (0, 1, [-1, 0, 0]),
        (0, 0, [1, 0, 0]),
        (1, 0, [0, 0, 0]),
        (1, 0, [0, 1, 0]),
        (1, 1, [0, 0, -1]),
    ] {
        first.edge(target, source, image);
    }
    let mut second = OwnedInput::cubic(5.0, &[20, 9], &[[0.0; 3], [0.5, 0.5, 0.5]]);
    for (target, source, image) in [(0, 1, [0, 0, 0]), (1, 0, [0, 0, 0]), (1, 0, [0, 0, 1])] {
        second.edge(target, source, image);
    }
    batch(&[first, second], device)
}

/// Two crystals without any edge.
fn without_edges(device: &Device) -> Batch {
    let alone = OwnedInput::cubic(30.0, &[2], &[[0.0; 3]]);
    let apart = OwnedInput::cubic(30.0, &[10, 18], &[[0.0; 3], [0.5, 0.5, 0.5]]);
    batch(&[alone, apart], device)
}

/// Crystals as one batch with the angles by atom and by edge.
fn batch(crystals: &[OwnedInput], device: &Device) -> Batch {
    let mut batch = batch_with(false, crystals, device);
    batch.edges.triplets = batch_with(true, crystals, device).edges.triplets;
    batch
}

fn batch_with(bases_on_device: bool, crystals: &[OwnedInput], device: &Device) -> Batch {
    let settings = BatchSettings {
        cutoff_angstrom: CUTOFF,
        inputs: mmpt::inputs(),
        bases_on_device,
        graph: Graph::Multigraph,
    };
    let mut builder = BatchBuilder::<f64>::new(settings, &[]);
    for crystal in crystals {
        builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    Batch::new(builder.finish(), None, CUTOFF, device)
}

/// Numbers between −1 and 1 that look random.
fn numbers(shape: [usize; 2], salt: usize) -> TensorData {
    let values = (0..shape[0] * shape[1]).map(|k| ((k + 7 * salt + 1) as f64 * 12.9898).sin());
    TensorData::new(values.collect::<Vec<_>>(), shape)
}

/// A function of matrices.
type Function<'a> = &'a dyn Fn(&[Tensor<2>]) -> Tensor<2>;

/// The result, and the gradients of its product with fixed numbers.
fn evaluate(function: Function, shapes: &[[usize; 2]], device: &Device) -> Vec<Vec<f64>> {
    let device = device.clone().autodiff();
    let inputs: Vec<Tensor<2>> = shapes
        .iter()
        .enumerate()
        .map(|(salt, &shape)| Tensor::from_data(numbers(shape, salt), (&device, DType::F64)).require_grad())
        .collect();
    let y = function(&inputs);
    let factors = Tensor::<2>::from_data(numbers(y.dims(), 99), (&device, DType::F64));
    let gradients = (y.clone() * factors).sum().backward();
    let list = |tensor: Tensor<2>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
    let gradients = inputs.iter().map(|input| list(input.grad(&gradients).expect("a gradient")));
    std::iter::once(list(y.inner())).chain(gradients).collect()
}

fn assert_same(name: &str, ours: Function, composed: Function, shapes: &[[usize; 2]], device: &Device) {
    let (ours, expected) = (evaluate(ours, shapes, device), evaluate(composed, shapes, device));
    for (part, (ours, expected)) in ours.iter().zip(&expected).enumerate() {
        assert_eq!(ours.len(), expected.len(), "{name}, part {part}");
        for (a, b) in ours.iter().zip(expected) {
            assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{name}, part {part}: {a} is not {b}");
        }
    }
}

fn open() -> Device {
    DeviceName::Libtorch.open().expect("always there")
}

fn vector(tensor: &Tensor<2>) -> Tensor<1> {
    let [rows, columns] = tensor.dims();
    tensor.clone().reshape([rows * columns])
}

/// Compares one function of both modules.
macro_rules! compare {
    ($device:expr, $shapes:expr, |$x:ident, $form:ident| $body:expr) => {{
        let ours = |$x: &[Tensor<2>]| {
            use libtorch as $form;
            $body
        };
        let expected = |$x: &[Tensor<2>]| {
            use composed as $form;
            $body
        };
        assert_same(stringify!($body), &ours, &expected, &$shapes, $device);
    }};
}

const ACTIVATIONS: [Activation; 5] = Activation::ALL;

#[test]
fn linear_maps_are_those_of_tensor_operations() {
    let device = open();
    for activation in ACTIVATIONS {
        compare!(&device, [[6, 4], [CHANNELS, 4], [1, CHANNELS], [6, CHANNELS]], |x, form| {
            let [x, weight, bias, residual] = [&x[0], &x[1], &x[2], &x[3]].map(Tensor::clone);
            form::dense(x, weight, Some(vector(&bias)), Some(residual), activation)
        });
        compare!(&device, [[6, 4], [CHANNELS, 4], [6, CHANNELS]], |x, form| form::dense(
            x[0].clone(),
            x[1].clone(),
            None,
            Some(x[2].clone()),
            activation
        ));
        compare!(&device, [[6, 4], [CHANNELS, 4]], |x, form| form::dense(
            x[0].clone(),
            x[1].clone(),
            None,
            None,
            activation
        ));
    }
}

#[test]
fn sums_over_edges_are_those_of_tensor_operations() {
    let device = open();
    compare_sums_over_edges(&sample(&device), &device);
    compare_sums_over_edges(&without_edges(&device), &device);
}

fn compare_sums_over_edges(batch: &Batch, device: &Device) {
    let (atoms, count, edges) = (batch.atoms, batch.edge_count, &batch.edges);
    let radial = [[count, CHANNELS], [count, RADIAL], [CHANNELS, RADIAL]];
    compare!(device, radial, |x, form| form::radial_gate(x[0].clone(), x[1].clone(), x[2].clone()));
    compare!(device, radial, |x, form| form::radial_sum(x[0].clone(), x[1].clone(), x[2].clone(), edges));
    compare!(device, [[atoms, CHANNELS]], |x, form| form::neighbour_sum(x[0].clone(), edges));
    compare!(device, [[atoms, 1], [atoms, 1], [atoms, CHANNELS]], |x, form| form::attention(
        vector(&x[0]),
        vector(&x[1]),
        x[2].clone(),
        edges
    ));
    for activation in ACTIVATIONS {
        compare!(device, [[atoms, CHANNELS], [atoms, CHANNELS], [count, CHANNELS]], |x, form| {
            form::pair_sum(x[0].clone(), x[1].clone(), Some(x[2].clone()), activation, edges)
        });
        compare!(device, [[atoms, CHANNELS], [atoms, CHANNELS]], |x, form| form::pair_sum(
            x[0].clone(),
            x[1].clone(),
            None,
            activation,
            edges
        ));
    }
}

#[test]
fn gates_and_filters_are_those_of_tensor_operations() {
    let device = open();
    for batch in [sample(&device), without_edges(&device)] {
        let (atoms, count, edges) = (batch.atoms, batch.edge_count, &batch.edges);
        compare!(&device, [[count, CHANNELS]], |x, form| form::edge_sum(x[0].clone(), edges));
        compare!(&device, [[count, 2 * CHANNELS]], |x, form| form::gated_sum(x[0].clone(), edges));
        let (shapes, ranks) = ([[count, 2 * CHANNELS], [1, 2 * CHANNELS], [1, 2 * CHANNELS]], alone());
        let rows = Rows { count, ranks: &ranks };
        compare!(&device, shapes, |x, form| {
            form::batch_norm_gated_sum(x[0].clone(), vector(&x[1]), vector(&x[2]), edges, &rows).y
        });
        let shapes = [[atoms, CHANNELS], [count, CHANNELS]];
        compare!(&device, shapes, |x, form| form::product_sum(x[0].clone(), x[1].clone(), edges));
        compare!(&device, shapes, |x, form| form::gated_mean(x[1].clone(), x[0].clone(), edges));
    }
}

#[test]
fn normalisations_are_those_of_tensor_operations() {
    let device = open();
    let (shapes, ranks) = ([[6, CHANNELS], [1, CHANNELS], [1, CHANNELS], [6, CHANNELS]], alone());
    let rows = Rows { count: 6, ranks: &ranks };
    for activation in ACTIVATIONS {
        compare!(&device, shapes, |x, form| {
            let (weight, bias, residual) = (vector(&x[1]), vector(&x[2]), Some(x[3].clone()));
            form::batch_norm(x[0].clone(), weight, bias, residual, activation, &rows).y
        });
        compare!(&device, shapes[..3], |x, form| {
            let normalised =
                form::batch_norm(x[0].clone(), vector(&x[1]), vector(&x[2]), None, activation, &rows);
            let moment = |moment: Tensor<1>| moment.to_device(&x[0].device()).unsqueeze::<2>();
            normalised.y + moment(normalised.mean) + moment(normalised.variance)
        });
        compare!(&device, shapes, |x, form| {
            let moments = [1.5, 0.3].map(|moment| vector(&x[1].clone().detach()) * 0.1 + moment);
            let (weight, bias, residual) = (vector(&x[1]), vector(&x[2]), Some(x[3].clone()));
            form::normalise(x[0].clone(), moments, weight, bias, residual, activation)
        });
        compare!(&device, [[6, CHANNELS]], |x, form| form::activate(x[0].clone(), activation));
    }
    compare!(&device, shapes[..3], |x, form| form::layer_norm(x[0].clone(), vector(&x[1]), vector(&x[2])));
    compare!(&device, shapes, |x, form| {
        form::layer_norm_gate(x[3].clone(), x[0].clone(), vector(&x[1]), vector(&x[2]))
    });
    let no_rows = Rows { count: 0, ranks: &ranks };
    compare!(&device, [[0, CHANNELS], [1, CHANNELS], [1, CHANNELS]], |x, form| form::batch_norm(
        x[0].clone(),
        vector(&x[1]),
        vector(&x[2]),
        None,
        Activation::Silu,
        &no_rows
    )
    .y);
}

#[test]
fn gaussians_are_those_of_tensor_operations() {
    let device = open();
    let values = vector(&Tensor::from_data(numbers([1, 20], 5), (&device, DType::F64)));
    let list = |tensor: Tensor<2>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
    let found = list(libtorch::gaussians(values.clone(), -1.0, 0.05, 41, 25.0));
    let expected = list(composed::gaussians(values, -1.0, 0.05, 41, 25.0));
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(&expected) {
        assert!((a - b).abs() < 1e-14, "{a} is not {b}");
    }
}

#[test]
fn layers_on_pairs_are_those_of_tensor_operations() {
    let device = open();
    for batch in [sample(&device), without_edges(&device)] {
        let (atoms, edges) = (batch.atoms, batch.edge_count);
        for activation in Activation::ALL {
            let shapes = [[atoms, CHANNELS], [edges, 3], [4, 2 * CHANNELS + 3], [1, 4]];
            compare!(&device, shapes, |x, form| {
                let (extra, bias) = (Some(x[1].clone()), Some(vector(&x[3])));
                form::pair_dense(x[0].clone(), extra, x[2].clone(), bias, activation, &batch.edges)
            });
            let shapes = [[atoms, CHANNELS], [4, 2 * CHANNELS]];
            compare!(&device, shapes, |x, form| {
                form::pair_dense(x[0].clone(), None, x[1].clone(), None, activation, &batch.edges)
            });
        }
    }
}

#[test]
fn residual_layers_are_those_of_tensor_operations() {
    let device = open();
    for activation in Activation::ALL {
        let shapes =
            [[3, CHANNELS], [CHANNELS, CHANNELS], [1, CHANNELS], [CHANNELS, CHANNELS], [1, CHANNELS]];
        let layers = |x: &[Tensor<2>]| [(x[1].clone(), vector(&x[2])), (x[3].clone(), vector(&x[4]))];
        let ours = |x: &[Tensor<2>]| libtorch::residual(x[0].clone(), layers(x), activation);
        let expected = |x: &[Tensor<2>]| {
            let [(first, first_bias), (second, second_bias)] = layers(x);
            let hidden = composed::dense(x[0].clone(), first, Some(first_bias), None, activation);
            composed::dense(hidden, second, Some(second_bias), Some(x[0].clone()), activation)
        };
        assert_same("residual", &ours, &expected, &shapes, &device);
    }
}

/// Angles by atom are left to the kernel on the host, those by edge to libtorch, as on CUDA.
#[test]
fn sums_over_triplets_are_those_of_tensor_operations() {
    let device = open();
    for batch in [sample(&device), without_edges(&device)] {
        for (basis, listed) in [(BASIS, false), (BASIS, true), (3, true)] {
            let shapes = [[batch.edge_count, CHANNELS], [basis, SPHERICAL], [CHANNELS, basis]];
            let spherical = || batch.bases().spherical.clone();
            let ours = |x: &[Tensor<2>]| {
                let triplets = batch.edges.triplets.clone().filter(|_| listed);
                let edges = Edges { triplets, ..batch.edges.clone() };
                libtorch::triplet_sum(x[0].clone(), spherical(), x[1].clone(), x[2].clone(), &edges)
            };
            let expected = |x: &[Tensor<2>]| {
                composed::triplet_sum(x[0].clone(), spherical(), x[1].clone(), x[2].clone(), &batch.edges)
            };
            assert_same("triplet_sum", &ours, &expected, &shapes, &device);
        }
    }
}

#[test]
fn cross_entropies_are_those_of_tensor_operations() {
    let device = open();
    let labels = Tensor::<1, Int>::from_data(TensorData::from([0, 2, 1, 2]), &device);
    let weights = vector(&Tensor::from_data(numbers([4, 1], 5), (&device, DType::F64)));
    for weights in [None, Some(weights)] {
        compare!(&device, [[4, 3]], |x, form| form::cross_entropy(
            x[0].clone(),
            labels.clone(),
            weights.clone()
        )
        .reshape([1, 1]));
    }
}

/// The step by libtorch's operations, for CUDA, against that of the kernel, for the host.
#[test]
fn both_forms_of_the_optimiser_step_agree() {
    let settings =
        Settings { learning_rate: 1e-2, beta1: 0.8, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1, step: 3 };
    super::adam::tests::assert_both_forms_agree(&settings, |salt| numbers([1, 700], salt));
}
