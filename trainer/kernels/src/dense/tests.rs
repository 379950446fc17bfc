use super::*;
use crate::testing::{check_gradient, close, dot, double, numbers, same_on_two_threads};
use proptest::prelude::*;

const ACTIVATIONS: [Activation; 5] = Activation::ALL;

/// y and slope by the definition.
fn naive(
    Shape { rows, inputs, outputs }: Shape,
    x: &[f64],
    weight: &[f64],
    bias: Option<&[f64]>,
    residual: Option<&[f64]>,
    activation: Activation,
) -> (Vec<f64>, Vec<f64>) {
    (0..rows * outputs)
        .map(|k| {
            let (row, output) = (k / outputs, k % outputs);
            let z = dot(&x[row * inputs..][..inputs], &weight[output * inputs..][..inputs])
                + bias.map_or(0.0, |bias| bias[output]);
            let sigmoid = 1.0 / (1.0 + (-z).exp());
            let (y, slope) = match activation {
                Activation::Identity => (z, 1.0),
                Activation::Relu => (z.max(0.0), f64::from(u8::from(z > 0.0))),
                Activation::Silu => (z * sigmoid, sigmoid * (1.0 + z * (1.0 - sigmoid))),
                Activation::Softplus => (z.max(0.0) + (-z.abs()).exp().ln_1p(), sigmoid),
                Activation::ShiftedSoftplus => {
                    (z.max(0.0) + (-z.abs()).exp().ln_1p() - std::f64::consts::LN_2, sigmoid)
                }
            };
            (y + residual.map_or(0.0, |residual| residual[k]), slope)
        })
        .unzip()
}

fn check<R: Real>(shape: Shape, activation: Activation, with: [bool; 3], seed: u64, tolerance: f64) {
    let Shape { rows, inputs, outputs } = shape;
    let x = numbers::<R>(rows * inputs, seed);
    let weight = numbers::<R>(outputs * inputs, seed + 1);
    let bias = with[0].then(|| numbers::<R>(outputs, seed + 2));
    let residual = with[1].then(|| numbers::<R>(rows * outputs, seed + 3));
    let (y, slope) = same_on_two_threads(|| {
        forward(shape, &x, &weight, bias.as_deref(), residual.as_deref(), activation, with[2])
    });
    let (expected, expected_slope) = naive(
        shape,
        &double(&x),
        &double(&weight),
        bias.map(|bias| double(&bias)).as_deref(),
        residual.map(|residual| double(&residual)).as_deref(),
        activation,
    );
    close(&double(&y), &expected, tolerance);
    assert_eq!(slope.is_some(), with[2] && activation != Activation::Identity);
    if let Some(slope) = &slope {
        close(&double(slope), &expected_slope, tolerance);
    }

    let grad = numbers::<R>(rows * outputs, seed + 4);
    let gradients = same_on_two_threads(|| backward(shape, &grad, slope.as_deref(), &x, &weight, with[0]));
    let slope = slope.map_or_else(|| vec![1.0; grad.len()], |slope| double(&slope));
    let dz: Vec<f64> = double(&grad).iter().zip(&slope).map(|(grad, slope)| grad * slope).collect();
    let sum = |count: usize, term: &dyn Fn(usize) -> f64| (0..count).map(term).sum::<f64>();
    let (x, weight) = (double(&x), double(&weight));
    let dx = (0..rows * inputs)
        .map(|k| sum(outputs, &|o| dz[k / inputs * outputs + o] * weight[o * inputs + k % inputs]));
    let dweight = (0..outputs * inputs)
        .map(|k| sum(rows, &|row| dz[row * outputs + k / inputs] * x[row * inputs + k % inputs]));
    let dbias = (0..outputs).map(|o| sum(rows, &|row| dz[row * outputs + o]));
    assert_eq!(gradients.dx.is_some(), with[0]);
    if let Some(values) = gradients.dx {
        close(&double(&values), &dx.collect::<Vec<_>>(), tolerance);
    }
    close(&double(&gradients.dweight), &dweight.collect::<Vec<_>>(), tolerance);
    close(&double(&gradients.dbias), &dbias.collect::<Vec<_>>(), tolerance);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn layers_of_any_shape(
        rows in 0usize..400, inputs in 0usize..40, outputs in 0usize..40,
        activation in 0usize..3, with: [bool; 3], seed in 0u64..1000,
    ) {
        let shape = Shape { rows, inputs, outputs };
        check::<f32>(shape, ACTIVATIONS[activation], with, seed, 1e-5);
        check::<f64>(shape, ACTIVATIONS[activation], with, seed, 1e-13);
    }
}

#[test]
fn layers_of_the_model() {
    for (rows, inputs, outputs) in [(3000, 128, 128), (145, 256, 256), (200, 6, 128), (300, 64, 1)] {
        check::<f32>(Shape { rows, inputs, outputs }, Activation::Silu, [true; 3], 5, 2e-5);
    }
}

#[test]
fn gradients_by_differences() {
    let shape = Shape { rows: 5, inputs: 4, outputs: 3 };
    let (x, weight, bias) = (numbers::<f64>(20, 1), numbers::<f64>(12, 2), numbers::<f64>(3, 3));
    let grad = numbers::<f64>(15, 4);
    for activation in ACTIVATIONS {
        let loss = |x: &[f64], weight: &[f64], bias: &[f64]| {
            dot(&grad, &forward(shape, x, weight, Some(bias), None, activation, false).0)
        };
        let (_, slope) = forward(shape, &x, &weight, Some(&bias), None, activation, true);
        let gradients = backward(shape, &grad, slope.as_deref(), &x, &weight, true);
        check_gradient(&x, &gradients.dx.expect("asked for"), |x| loss(x, &weight, &bias));
        check_gradient(&weight, &gradients.dweight, |weight| loss(&x, weight, &bias));
        check_gradient(&bias, &gradients.dbias, |bias| loss(&x, &weight, bias));
    }
}

#[test]
fn ends_of_the_activations() {
    let shape = Shape { rows: 4, inputs: 1, outputs: 1 };
    let x = [-1000.0f32, 0.0, 1000.0, f32::NAN];
    let (y, slope) = forward(shape, &x, &[1.0], None, None, Activation::Silu, true);
    let slope = slope.expect("asked for");
    assert!(y[0].abs() < 1e-30 && slope[0].abs() < 1e-30, "{y:?} {slope:?}");
    assert_eq!((y[1], slope[1], y[2], slope[2]), (0.0, 0.5, 1000.0, 1.0));
    assert!(y[3].is_nan() && slope[3].is_nan());
    let (y, slope) = forward(shape, &x, &[1.0], None, None, Activation::Relu, true);
    assert_eq!((&y[..3], &slope.expect("asked for")[..3]), (&[0.0, 0.0, 1000.0][..], &[0.0, 0.0, 1.0][..]));
    assert!(y[3].is_nan());
}
