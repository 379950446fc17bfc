//! Fits a network with one hidden layer to a sine: `cargo run --release --package mmpt-kernels --example sine`.

use std::f32::consts::PI;

use kernels::adam::{self, Settings};
use kernels::dense::{self, Activation, Shape};

/// Number of points on the sine.
const POINTS: usize = 64;
/// Width of the hidden layer.
const HIDDEN: usize = 32;
/// Number of steps of Adam.
const STEPS: u32 = 2000;
/// Number of steps between reports of the mean squared error.
const REPORT: u32 = 200;

/// A linear layer: weight \[outputs, inputs\] and bias \[outputs\], each with its moments.
struct Layer {
    shape: Shape,
    activation: Activation,
    weight: Parameter,
    bias: Parameter,
}

/// A parameter with Adam's means of its gradient and of the gradient's square.
struct Parameter {
    values: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Parameter {
    fn new(values: Vec<f32>) -> Self {
        let zeros = vec![0.0; values.len()];
        Self { values, mean: zeros.clone(), square: zeros }
    }

    fn step(&mut self, gradient: &[f32], settings: &Settings) {
        adam::step(&mut self.values, gradient, &mut self.mean, &mut self.square, settings);
    }
}

impl Layer {
    /// Initialises weight and bias, spread evenly over ±1 / √inputs.
    fn new(inputs: usize, outputs: usize, activation: Activation) -> Self {
        let scale = 1.0 / (inputs as f32).sqrt();
        // Multiples of the golden ratio, modulo 1, fill the interval without a pattern.
        let spread = |count: usize| {
            (0..count).map(|k| (2.0 * ((k + 1) as f32 * 0.618_034).fract() - 1.0) * scale).collect()
        };
        Self {
            shape: Shape { rows: POINTS, inputs, outputs },
            activation,
            weight: Parameter::new(spread(outputs * inputs)),
            bias: Parameter::new(spread(outputs)),
        }
    }

    /// Returns the output of the layer and the slope of its activation.
    fn forward(&self, x: &[f32]) -> (Vec<f32>, Option<Vec<f32>>) {
        let bias = Some(self.bias.values.as_slice());
        dense::forward(self.shape, x, &self.weight.values, bias, None, self.activation, true)
    }

    /// Takes a step of Adam on both parameters and returns the gradient of `x`.
    fn backward(
        &mut self,
        grad: &[f32],
        slope: Option<&[f32]>,
        x: &[f32],
        settings: &Settings,
    ) -> Option<Vec<f32>> {
        let gradients = dense::backward(self.shape, grad, slope, x, &self.weight.values, true);
        self.weight.step(&gradients.dweight, settings);
        self.bias.step(&gradients.dbias, settings);
        gradients.dx
    }
}

fn main() {
    let x: Vec<f32> = (0..POINTS).map(|k| (2.0 * k as f32 / (POINTS - 1) as f32 - 1.0) * PI).collect();
    let mut first = Layer::new(1, HIDDEN, Activation::Silu);
    let mut second = Layer::new(HIDDEN, 1, Activation::Identity);
    for step in 1..=STEPS {
        let settings = Settings {
            learning_rate: 1e-2,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            step,
        };
        let (hidden, slope) = first.forward(&x);
        let (y, _) = second.forward(&hidden);
        let errors: Vec<f32> = y.iter().zip(&x).map(|(y, x)| y - x.sin()).collect();
        if step % REPORT == 0 {
            let mean = errors.iter().map(|error| error * error).sum::<f32>() / POINTS as f32;
            println!("step {step}: mean squared error {mean:.2e}");
        }
        let grad: Vec<f32> = errors.iter().map(|error| 2.0 * error / POINTS as f32).collect();
        let dhidden = second.backward(&grad, None, &hidden, &settings).expect("asked for");
        first.backward(&dhidden, slope.as_deref(), &x, &settings);
    }
}
