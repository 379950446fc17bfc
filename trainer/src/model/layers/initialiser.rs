//! Initial values of parameters (specification, section 4.3). They are drawn on the host, so that they are the same
//! on every backend.

use burn::module::{Param, ParamId};
use burn::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

/// Source of the initial values of a model. It is one ChaCha stream, consumed in the order of construction.
pub struct Initialiser {
    generator: ChaCha8Rng,
    device: Device,
    numbers: f64,
    content: Content,
}

/// What the parameters of a model hold at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Values of their distributions.
    Drawn,
    /// Zeros.
    Zeros,
    /// Nothing; they have no elements.
    Nothing,
}

/// Distribution of the initial values of a weight matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// `U(±1/√fan_in)` for weight and bias, the default of PyTorch's linear layer.
    LinearDefault,
    /// Xavier-uniform: `U(±√(6/(inputs + outputs)))`; the bias is 0.
    XavierUniform,
    /// A random semi-orthogonal matrix, scaled to the variance `2/(rows + columns)`; the bias is 0. DimeNet calls it
    /// `glorot_orthogonal`.
    GlorotOrthogonal,
    /// A random matrix with orthonormal rows, or columns where they are fewer; the bias is 0.
    Orthogonal,
    /// Zeros.
    Zeros,
}

impl Initialiser {
    /// Creates an initialiser from a seed. The parameters are made on `device`.
    pub fn new(seed: u64, device: &Device) -> Self {
        let generator = ChaCha8Rng::seed_from_u64(seed);
        Self { generator, device: device.clone(), numbers: 0.0, content: Content::Drawn }
    }

    /// Creates an initialiser that fills every parameter with zeros on `device`, for a model whose weights are then read
    /// from a file. Drawing weights would take longer than reading them.
    pub fn blank(device: &Device) -> Self {
        Self { content: Content::Zeros, ..Self::new(0, device) }
    }

    /// Creates an initialiser that counts the numbers of a model and makes parameters without any, since those of a
    /// model may not fit into the memory.
    pub fn counting() -> Self {
        Self { content: Content::Nothing, ..Self::new(0, &Device::flex()) }
    }

    /// Returns how many numbers the parameters made so far have, the statistics included. It is an `f64`, since
    /// products of sizes may exceed every integer type.
    pub fn numbers(&self) -> f64 {
        self.numbers
    }

    /// Makes a parameter of values in row-major order.
    fn parameter<const D: usize>(
        &mut self,
        shape: [usize; D],
        values: impl FnOnce(&mut Self) -> Vec<f32>,
    ) -> Param<Tensor<D>> {
        self.numbers += shape.iter().map(|&size| size as f64).product::<f64>();
        let (values, shape) = match self.content {
            Content::Drawn => (values(self), shape),
            Content::Zeros => (vec![0.0; shape.iter().product()], shape),
            Content::Nothing => (Vec::new(), [0; D]),
        };
        let tensor = Tensor::from_data(TensorData::new(values, shape), &self.device);
        // Only a device with automatic differentiation can track a tensor.
        let tensor = if self.device.is_autodiff() { tensor.require_grad() } else { tensor };
        Param::initialized(ParamId::new(), tensor)
    }

    /// Draws a parameter from `U(-bound, bound)`.
    pub fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        self.parameter(shape, |own| {
            let draw = |_| (bound * (2.0 * own.generator.random::<f64>() - 1.0)) as f32;
            (0..shape.iter().product()).map(draw).collect()
        })
    }

    /// Draws a parameter from `N(0, deviation²)`.
    pub fn normal<const D: usize>(&mut self, shape: [usize; D], deviation: f64) -> Param<Tensor<D>> {
        self.parameter(shape, |own| {
            (0..shape.iter().product()).map(|_| (deviation * own.standard_normal()) as f32).collect()
        })
    }

    /// Makes a parameter with the same value everywhere.
    pub fn constant<const D: usize>(&mut self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        self.parameter(shape, |_| vec![value; shape.iter().product()])
    }

    /// Makes a parameter from values in row-major order.
    pub fn values<const D: usize>(&mut self, values: Vec<f32>, shape: [usize; D]) -> Param<Tensor<D>> {
        self.parameter(shape, |_| values)
    }

    /// Draws a weight matrix `[outputs, inputs]`.
    pub fn weight(&mut self, outputs: usize, inputs: usize, initial: Initial) -> Param<Tensor<2>> {
        let shape = [outputs, inputs];
        match initial {
            Initial::LinearDefault => self.uniform(shape, linear_bound(inputs)),
            Initial::XavierUniform => self.uniform(shape, (6.0 / (inputs + outputs) as f64).sqrt()),
            Initial::GlorotOrthogonal => self.parameter(shape, |own| own.glorot_orthogonal(outputs, inputs)),
            Initial::Orthogonal => self.parameter(shape, |own| {
                Self::scaled(&own.orthonormal(outputs, inputs), outputs, inputs, 1.0)
            }),
            Initial::Zeros => self.constant(shape, 0.0),
        }
    }

    /// Draws the bias `[outputs]` of a weight matrix `[outputs, inputs]`.
    pub fn bias(&mut self, outputs: usize, inputs: usize, initial: Initial) -> Param<Tensor<1>> {
        match initial {
            Initial::LinearDefault => self.uniform([outputs], linear_bound(inputs)),
            Initial::XavierUniform | Initial::GlorotOrthogonal | Initial::Orthogonal | Initial::Zeros => {
                self.constant([outputs], 0.0)
            }
        }
    }

    fn standard_normal(&mut self) -> f64 {
        self.generator.sample(StandardNormal)
    }

    /// Orthonormalises the rows of a Gaussian matrix, or its columns where they are fewer. The result is the list of
    /// these vectors.
    fn orthonormal(&mut self, rows: usize, columns: usize) -> Vec<Vec<f64>> {
        let (count, length) = (rows.min(columns), rows.max(columns));
        let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
        for _ in 0..count {
            let mut vector: Vec<f64> = (0..length).map(|_| self.standard_normal()).collect();
            // Twice: one pass leaves rounding errors of the size of the projections it removed.
            for _ in 0..2 {
                for earlier in &basis {
                    let projection: f64 = vector.iter().zip(earlier).map(|(a, b)| a * b).sum();
                    vector.iter_mut().zip(earlier).for_each(|(value, e)| *value -= projection * e);
                }
            }
            let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
            vector.iter_mut().for_each(|value| *value /= norm);
            basis.push(vector);
        }
        basis
    }

    /// Scales an orthonormal matrix: `Q · √(2 / ((rows + columns) · var Q))`.
    fn glorot_orthogonal(&mut self, rows: usize, columns: usize) -> Vec<f32> {
        let basis = self.orthonormal(rows, columns);
        let total = (rows * columns) as f64;
        let mean = basis.iter().flatten().sum::<f64>() / total;
        let squares: f64 = basis.iter().flatten().map(|value| (value - mean).powi(2)).sum();
        let variance = squares / (total - 1.0).max(1.0);
        Self::scaled(&basis, rows, columns, (2.0 / ((rows + columns) as f64 * variance)).sqrt())
    }

    /// Returns a matrix from its rows, or from its columns where they are fewer, times a scale.
    fn scaled(basis: &[Vec<f64>], rows: usize, columns: usize, scale: f64) -> Vec<f32> {
        let element = |row: usize, column: usize| {
            if rows <= columns { basis[row][column] } else { basis[column][row] }
        };
        (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(row, column)| (scale * element(row, column)) as f32)
            .collect()
    }
}

/// Returns the bound `1/√fan_in`.
fn linear_bound(inputs: usize) -> f64 {
    1.0 / (inputs as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, columns: usize) -> Vec<f32> {
        Initialiser::new(5, &Device::flex()).glorot_orthogonal(rows, columns)
    }

    #[test]
    fn orthogonal_rows_stay_orthogonal_after_scaling() {
        let (rows, columns) = (6, 20);
        let values = matrix(rows, columns);
        let row = |index: usize| &values[index * columns..][..columns];
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let norm = dot(row(0), row(0));
        for i in 0..rows {
            for j in 0..rows {
                let expected = if i == j { norm } else { 0.0 };
                assert!((dot(row(i), row(j)) - expected).abs() < 1e-6 * norm);
            }
        }
    }

    #[test]
    fn orthogonal_variance_is_that_of_glorot() {
        for (rows, columns) in [(128, 128), (8, 42), (64, 8)] {
            let values = matrix(rows, columns);
            let count = values.len() as f64;
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
            let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / (count - 1.0);
            assert!((variance * (rows + columns) as f64 / 2.0 - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_values() {
        assert_eq!(matrix(8, 42), matrix(8, 42));
    }
}
