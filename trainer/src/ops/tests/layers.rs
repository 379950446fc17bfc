//! Normalisation, gates, filters and functions of single numbers.

use std::sync::Arc;

use super::*;
use crate::ranks::threads::on_ranks;
use crate::ranks::{Ranks, alone};

/// Adds twice the index of the row or column, so that no deviation is close to 0.
fn spread(values: TensorData, along: usize) -> TensorData {
    let shape = values.shape().clone();
    let index = |k: usize| if along == 0 { k / shape[1] } else { k % shape[1] };
    let values: Vec<f64> =
        values.iter::<f64>().enumerate().map(|(k, value)| value + 2.0 * index(k) as f64).collect();
    TensorData::new(values, shape)
}

/// The operations on a sample.
pub(super) fn cases<'a>(sample: &mut Sample, edges: &'a Edges, channels: usize) -> Vec<Case<'a>> {
    let (atoms, edge_count) = (sample.atoms, sample.edge_count);
    let mut cases = Vec::new();
    for activation in ACTIVATIONS {
        let x = spread(sample.values([atoms, channels]), 0);
        let [weight, bias, residual] =
            [[1, channels], [1, channels], [atoms, channels]].map(|shape| sample.values(shape));
        let inputs = vec![x.clone(), weight, bias, residual];
        cases.push(case!(format!("batch norm {activation:?}"), inputs.clone(), [], |x, form| {
            let rows = Rows { count: atoms, ranks: &alone() };
            let (weight, bias, residual) = (vector(&x[1]), vector(&x[2]), Some(x[3].clone()));
            form::batch_norm(x[0].clone(), weight, bias, residual, activation, &rows).y
        }));
        cases.push(case!(format!("plain batch norm {activation:?}"), inputs[..3].to_vec(), [], |x, form| {
            let rows = Rows { count: atoms, ranks: &alone() };
            form::batch_norm(x[0].clone(), vector(&x[1]), vector(&x[2]), None, activation, &rows).y
        }));
        let moments = sample.values([2, channels]);
        cases.push(case!(format!("normalise {activation:?}"), inputs, [moments], |x, form| {
            let moments = double(&moments, &Device::flex());
            let moment = |row: usize| vector(&moments.clone().slice([row..row + 1, 0..channels]));
            let moments = [moment(0), moment(1).abs()].map(|moment| moment.to_device(&x[0].device()));
            let (weight, bias, residual) = (vector(&x[1]), vector(&x[2]), Some(x[3].clone()));
            form::normalise(x[0].clone(), moments, weight, bias, residual, activation)
        }));
        cases.push(case!(format!("activate {activation:?}"), vec![x], [], |x, form| {
            form::activate(x[0].clone(), activation)
        }));
    }
    let x = spread(sample.values([atoms, channels]), 1);
    let inputs = vec![x, sample.values([1, channels]), sample.values([1, channels])];
    cases.push(case!("layer norm", inputs.clone(), [], |x, form| {
        form::layer_norm(x[0].clone(), vector(&x[1]), vector(&x[2]))
    }));
    let inputs = [inputs, vec![sample.values([atoms, channels])]].concat();
    cases.push(case!("layer norm gate", inputs, [], |x, form| {
        form::layer_norm_gate(x[3].clone(), x[0].clone(), vector(&x[1]), vector(&x[2]))
    }));
    cases.push(case!("edge sum", vec![sample.values([edge_count, channels])], [], |x, form| {
        form::edge_sum(x[0].clone(), edges)
    }));
    let inputs = [[atoms, channels], [edge_count, channels]].map(|shape| sample.values(shape)).to_vec();
    cases.push(case!("product sum", inputs.clone(), [], |x, form| {
        form::product_sum(x[0].clone(), x[1].clone(), edges)
    }));
    cases.push(case!("gated mean", inputs, [], |x, form| {
        form::gated_mean(x[1].clone(), x[0].clone(), edges)
    }));
    if edge_count > 0 {
        let x = spread(sample.values([edge_count, 2 * channels]), 0);
        let inputs = vec![x, sample.values([1, 2 * channels]), sample.values([1, 2 * channels])];
        cases.push(case!("batch norm gated sum", inputs, [], |x, form| {
            let rows = Rows { count: edge_count, ranks: &alone() };
            let (weight, bias) = (vector(&x[1]), vector(&x[2]));
            form::batch_norm_gated_sum(x[0].clone(), weight, bias, edges, &rows).y
        }));
    }
    cases.push(case!("gated sum", vec![sample.values([edge_count, 2 * channels])], [], |x, form| {
        form::gated_sum(x[0].clone(), edges)
    }));
    cases
}

#[test]
fn moments_are_those_of_the_rows_and_have_no_gradient() {
    let mut sample = Sample::new(&[3, 2], 2, 5);
    let [x, weight, bias] = [[5, 3], [1, 3], [1, 3]].map(|shape| sample.values(shape));
    let device = Device::flex().autodiff();
    let [x, weight, bias] = [x, weight, bias].map(|values| double(&values, &device).require_grad());
    let (ranks, plain) = (alone(), Activation::Identity);
    let rows = Rows { count: 5, ranks: &ranks };
    let found = batch_norm(x.clone(), vector(&weight), vector(&bias), None, plain, &rows);
    let expected = composed::batch_norm(x, vector(&weight), vector(&bias), None, plain, &rows);
    for (found, expected) in [(found.mean, expected.mean), (found.variance, expected.variance)] {
        assert!(!found.device().is_autodiff() && !expected.device().is_autodiff());
        assert_eq!(found.dtype(), DType::F64);
        assert!(agree(&numbers(column(found)), &numbers(column(expected)), 1e-14));
    }
}

/// Values and gradients of a batch normalisation of rows that `ranks` share. The last rank has no rows.
fn share_of_batch_norm(ranks: &Arc<dyn Ranks>, inputs: &[TensorData]) -> [Vec<f64>; 6] {
    let device = Device::flex().autodiff();
    let [rows, channels] = [0, 1].map(|axis| inputs[0].shape()[axis]);
    let share = match (ranks.rank(), ranks.count()) {
        (_, 1) => 0..rows,
        (0, _) => 0..2,
        (1, _) => 2..rows,
        _ => rows..rows,
    };
    let part = |values: &TensorData| {
        let whole = double(values, &device);
        let part = if values.shape()[0] == rows { whole.slice([share.clone(), 0..channels]) } else { whole };
        part.detach().require_grad()
    };
    let [x, weight, bias, grad] = [0, 1, 2, 3].map(|index| part(&inputs[index]));
    let rows = Rows { count: rows, ranks };
    let activation = Activation::Softplus;
    let found = batch_norm(x.clone(), vector(&weight), vector(&bias), None, activation, &rows);
    let gradients = (found.y.clone() * grad.detach()).sum().backward();
    let gradient = |tensor: &Tensor<2>| numbers(tensor.grad(&gradients).expect("a gradient"));
    [
        numbers(found.y),
        numbers(column(found.mean)),
        numbers(column(found.variance)),
        gradient(&x),
        gradient(&weight),
        gradient(&bias),
    ]
}

#[test]
fn ranks_normalise_the_rows_of_all() {
    let mut sample = Sample::new(&[1], 0, 2);
    let inputs = [[7, 3], [1, 3], [1, 3], [7, 3]].map(|shape| sample.values(shape));
    let whole = share_of_batch_norm(&alone(), &inputs);
    let shares = on_ranks(3, |ranks| share_of_batch_norm(&ranks, &inputs));
    for (part, whole) in whole.iter().enumerate() {
        let found: Vec<f64> = match part {
            // Rows.
            0 | 3 => shares.iter().flat_map(|share| share[part].clone()).collect(),
            // The same on every rank.
            1 | 2 => shares[2][part].clone(),
            // Sums over the ranks' rows.
            _ => (0..3).map(|c| shares.iter().map(|share| share[part][c]).sum()).collect(),
        };
        assert!(agree(&found, whole, 1e-13), "part {part}: {found:?} and not {whole:?}");
    }
}

#[test]
fn gaussians_are_those_of_tensor_operations() {
    let mut sample = Sample::new(&[1], 0, 4);
    for count in [0, 1, 50] {
        let values = sample.values([count, 1]);
        let device = Device::flex().autodiff();
        let values = vector(&double(&values, &device).require_grad());
        let found = gaussians(values.clone(), -1.0, 0.05, 41, 25.0);
        assert_eq!(found.dims(), [count, 41]);
        assert!(found.device().is_autodiff());
        let expected = composed::gaussians(values, -1.0, 0.05, 41, 25.0);
        assert!(agree(&numbers(found), &numbers(expected), 1e-14));
    }
}
