//! Set2Set (Vinyals et al. 2016, <https://arxiv.org/abs/1511.06391>): readouts of sets of any size.

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::activation;

use super::{Initial, Initialiser, Linear, LinearConfig};
use crate::ops::composed::{largest_by, sum_by};
use crate::ops::{self, Activation};

/// Number of gates of an [`Lstm`].
const GATES: usize = 4;
/// Position of the forget gate among them.
const FORGET: usize = 1;

/// A readout that asks for the rows of a set in several steps. The order of the rows has no effect.
///
/// From `m = proj(x)` and `q* = 0`, each step makes a query, a mean of the rows weighted by their similarity to it, and
/// the next input:
///
/// ```text
/// q  = LSTM(q*)
/// a  = softmax(m · q)              over the rows of the set
/// q* = [q ‖ Σ a m]                 the sum is 0 for an empty set
/// ```
#[derive(Module, Debug)]
pub struct Set2Set {
    /// Layer of every row, `inputs → width`.
    pub proj: Linear,
    /// Maker of the queries, `2 width → width`.
    pub lstm: Lstm,
    #[module(skip)]
    steps: usize,
}

/// A long short-term memory (Hochreiter and Schmidhuber 1997, <https://doi.org/10.1162/neco.1997.9.8.1735>), or its
/// gates alone.
///
/// ```text
/// [i ‖ f ‖ g ‖ o] = weight_ih q* + weight_hh h + bias
/// c ← sigmoid(i) ⊙ tanh(g) + sigmoid(f) ⊙ c
/// h ← sigmoid(o) ⊙ tanh(c)
/// ```
///
/// Without `weight_hh`, h and c are 0 before every step, and the rows of f have no effect.
#[derive(Module, Debug)]
pub struct Lstm {
    /// Weight of the inputs, shape `[4 width, 2 width]`.
    pub weight_ih: Param<Tensor<2>>,
    /// Weight of h, shape `[4 width, width]`; absent without a memory.
    pub weight_hh: Option<Param<Tensor<2>>>,
    /// Bias, shape `[4 width]`.
    pub bias: Param<Tensor<1>>,
}

/// The numbers h and c that an [`Lstm`] keeps from step to step, shape `[sets, width]` each.
struct Memory {
    hidden: Tensor<2>,
    cell: Tensor<2>,
}

/// Sizes of a [`Set2Set`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set2SetConfig {
    /// Width of the rows.
    pub inputs: usize,
    /// Half the width of the readout.
    pub width: usize,
    /// Number of steps.
    pub steps: usize,
    /// Whether the LSTM has a memory from step to step.
    pub has_memory: bool,
}

impl Set2SetConfig {
    /// Initialises a readout: Xavier-uniform weights, an orthogonal `weight_hh`, and biases of 0, but 1 for the forget
    /// gate.
    pub fn init(self, initialiser: &mut Initialiser) -> Set2Set {
        let Self { inputs, width, steps, has_memory } = self;
        let proj = LinearConfig::new(inputs, width).with_initial(Initial::XavierUniform).init(initialiser);
        let gates = GATES * width;
        let bias = (0..gates).map(|row| if row / width == FORGET { 1.0 } else { 0.0 }).collect();
        let lstm = Lstm {
            weight_ih: initialiser.weight(gates, 2 * width, Initial::XavierUniform),
            weight_hh: has_memory.then(|| initialiser.weight(gates, width, Initial::Orthogonal)),
            bias: initialiser.values(bias, [gates]),
        };
        Set2Set { proj, lstm, steps }
    }
}

impl Set2Set {
    /// Returns the readout q* of every set. `set` is the index of the set of every row.
    ///
    /// # Shapes
    /// `x [rows, inputs]`, `set [rows]`, output `[sets, 2 width]`.
    pub fn forward(&self, x: Tensor<2>, set: &Tensor<1, Int>, sets: usize) -> Tensor<2> {
        let rows = self.proj.forward(x, Activation::Identity);
        let width = rows.dims()[1];
        let mut readout = Tensor::zeros([sets, 2 * width], (&rows.device(), rows.dtype()));
        let mut memory = None;
        for _ in 0..self.steps {
            let Memory { hidden: query, cell } = self.lstm.step(readout, memory);
            let scores = (rows.clone() * query.clone().select(0, set.clone())).sum_dim(1);
            let weights = softmax_by(sets, set, scores);
            let sums = sum_by(sets, set, rows.clone() * weights);
            readout = Tensor::cat(vec![query.clone(), sums], 1);
            memory = Some(Memory { hidden: query, cell });
        }
        readout
    }
}

impl Lstm {
    /// Returns h and c after a step; both are 0 before the first one.
    ///
    /// # Shapes
    /// Input `[sets, 2 width]`.
    fn step(&self, input: Tensor<2>, memory: Option<Memory>) -> Memory {
        let Self { weight_ih, weight_hh, bias } = self;
        let (hidden, before) =
            weight_hh.as_ref().and(memory).map(|Memory { hidden, cell }| (hidden, cell)).unzip();
        let from_hidden = weight_hh
            .as_ref()
            .zip(hidden)
            .map(|(weight, hidden)| ops::dense(hidden, weight.val(), None, None, Activation::Identity));
        let gates = ops::dense(input, weight_ih.val(), Some(bias.val()), from_hidden, Activation::Identity);
        let [input_gate, forget_gate, candidate, output_gate]: [Tensor<2>; GATES] =
            gates.chunk(GATES, 1).try_into().expect("as many chunks as gates");
        let new = activation::sigmoid(input_gate) * candidate.tanh();
        let cell = match before {
            Some(before) => new + activation::sigmoid(forget_gate) * before,
            None => new,
        };
        Memory { hidden: activation::sigmoid(output_gate) * cell.clone().tanh(), cell }
    }
}

/// Returns the softmax of scores over the rows of each set.
///
/// # Shapes
/// `set [rows]`, scores and output `[rows, 1]`.
fn softmax_by(sets: usize, set: &Tensor<1, Int>, scores: Tensor<2>) -> Tensor<2> {
    // The largest score of each set is subtracted before the exponential, which leaves the softmax unchanged.
    let values = if scores.device().is_autodiff() { scores.clone().inner() } else { scores.clone() };
    let largest = largest_by(sets, set, values);
    let exponentials = (scores - largest.select(0, set.clone())).exp();
    let sums = sum_by(sets, set, exponentials.clone());
    exponentials / sums.select(0, set.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: Set2SetConfig = Set2SetConfig { inputs: 3, width: 4, steps: 3, has_memory: true };

    fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    /// Reads out rows of three numbers.
    fn read_out(config: Set2SetConfig, rows: &[[f32; 3]], set: &[i32], sets: usize) -> Vec<Vec<f32>> {
        let device = Device::flex();
        let layer = config.init(&mut Initialiser::new(7, &device));
        let x = Tensor::<1>::from_floats(rows.as_flattened(), &device).reshape([rows.len(), 3]);
        let readout = layer.forward(x, &Tensor::from_ints(set, &device), sets);
        numbers(readout).chunks(2 * config.width).map(<[f32]>::to_vec).collect()
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        let differences = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
        assert!(differences.fold(0.0, f32::max) < 1e-6, "{found:?}, expected {expected:?}");
    }

    const A: [f32; 3] = [1.0, -2.0, 0.5];
    const B: [f32; 3] = [-0.3, 0.7, 2.0];
    const C: [f32; 3] = [40.0, 90.0, -70.0];

    #[test]
    fn readouts_do_not_depend_on_the_order_the_number_of_copies_and_other_sets() {
        for has_memory in [true, false] {
            let config = Set2SetConfig { has_memory, ..CONFIG };
            let alone = read_out(config, &[A, B], &[0, 0], 1);
            let others = read_out(config, &[B, C, A, A, B], &[1, 0, 1, 1, 1], 2);
            let mixed = read_out(config, &[A, A, B, B, C], &[0, 0, 0, 0, 1], 2);
            assert_close(&mixed[0], &alone[0]);
            assert_close(&mixed[1], &others[0]);
            assert_ne!(others[1], alone[0]);
        }
    }

    #[test]
    fn a_set_without_rows_has_a_readout() {
        let readouts = read_out(CONFIG, &[A, C], &[0, 2], 3);
        let (query, sum) = readouts[1].split_at(CONFIG.width);
        assert!(query.iter().all(|value| value.is_finite()), "{query:?}");
        assert_eq!(sum, [0.0; CONFIG.width]);
        assert_close(&readouts[0], &read_out(CONFIG, &[A], &[0], 1)[0]);
        assert_eq!(read_out(CONFIG, &[], &[], 1)[0], readouts[1]);
    }

    #[test]
    fn the_readout_of_a_single_row_is_the_row() {
        let device = Device::flex();
        let layer = CONFIG.init(&mut Initialiser::new(7, &device));
        let row = layer.proj.forward(Tensor::from_floats([A], &device), Activation::Identity);
        assert_close(&read_out(CONFIG, &[A], &[0], 1)[0][CONFIG.width..], &numbers(row));
    }

    #[test]
    fn a_memory_makes_a_difference_once_there_is_something_to_remember() {
        let query = |steps, has_memory| {
            let readouts = read_out(Set2SetConfig { steps, has_memory, ..CONFIG }, &[A, B], &[0, 0], 1);
            readouts[0][..CONFIG.width].to_vec()
        };
        // The first query of a fresh layer is 0, since the biases of the candidates are.
        assert_eq!(query(2, true), query(2, false));
        assert_ne!(query(3, true), query(3, false));
    }

    #[test]
    fn the_weight_of_the_hidden_state_is_orthogonal_and_the_forget_gate_open() {
        let Lstm { weight_hh, bias, .. } = CONFIG.init(&mut Initialiser::new(7, &Device::flex())).lstm;
        let weight = weight_hh.expect("a memory").val();
        let product = weight.clone().transpose().matmul(weight);
        assert_close(&numbers(product), &numbers(Tensor::<2>::eye(CONFIG.width, &Device::flex())));
        assert_eq!(numbers(bias.val()), [[0.0; 4], [1.0; 4], [0.0; 4], [0.0; 4]].concat());
    }
}
