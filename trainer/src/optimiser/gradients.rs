//! The gradients of an optimiser step: accumulation, norm and clipping.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::Gradients as Tape;

use super::parameters::flat;
use crate::device;
use crate::model::names::Path;
use crate::ops::all_reduce::sum_data;
use crate::ops::fused::squared_norm;
use crate::ranks::Ranks;

/// Added to the norm before a division by it, as in PyTorch's `clip_grad_norm_`.
const NORM_EPSILON: f64 = 1e-6;

/// A parameter's name and its number of elements.
pub(super) type Member = (String, usize);

/// The gradients of one or more parameters, one after the other in one flat tensor.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) members: Vec<Member>,
    pub(super) values: Tensor<1>,
}

impl Block {
    /// Returns the part of every parameter.
    pub(super) fn parts(members: &[Member], values: Tensor<1>) -> Vec<Tensor<1>> {
        match members {
            [_] => vec![values],
            _ => values.split_with_sizes(members.iter().map(|(_, count)| *count).collect(), 0),
        }
    }
}

/// A gradient in the shape of its parameter.
#[derive(Debug)]
enum Gradient {
    Vector(Tensor<1>),
    Matrix(Tensor<2>),
}

impl Gradient {
    fn new<const D: usize>(gradient: Tensor<D>) -> Self {
        match D {
            2 => Self::Matrix(Tensor::from_dispatch(gradient.into_dispatch())),
            _ => Self::Vector(flat(gradient)),
        }
    }

    fn flat(self) -> Tensor<1> {
        match self {
            Self::Vector(vector) => vector,
            Self::Matrix(matrix) => flat(matrix),
        }
    }
}

/// Returns the gradients of a model's parameters by name.
fn collect<M: Module>(model: &M, tape: Tape) -> BTreeMap<String, Gradient> {
    struct Collect {
        path: Path,
        tape: Tape,
        by_name: BTreeMap<String, Gradient>,
    }
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad_remove(&mut self.tape) {
                self.by_name.insert(self.path.name(), Gradient::new(gradient));
            }
        }
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
    }
    let mut collect = Collect { path: Path::default(), tape, by_name: BTreeMap::new() };
    model.visit(&mut collect);
    collect.by_name
}

/// Gradients on their way into one tensor: the matrices of each width, then the vectors. Matrices of one width are joined
/// without a reshape of each. Their sizes are mostly multiples of four, so that they lie where a device reads fastest; vectors
/// before them would move them.
#[derive(Debug, Default)]
struct Joining {
    vectors: (Vec<Member>, Vec<Tensor<1>>),
    matrices: BTreeMap<usize, (Vec<Member>, Vec<Tensor<2>>)>,
}

impl Joining {
    fn add(&mut self, name: String, gradient: Gradient) {
        match gradient {
            Gradient::Vector(vector) => {
                self.vectors.0.push((name, vector.dims()[0]));
                self.vectors.1.push(vector);
            }
            Gradient::Matrix(matrix) => {
                let [rows, columns] = matrix.dims();
                let (members, matrices) = self.matrices.entry(columns).or_default();
                members.push((name, rows * columns));
                matrices.push(matrix);
            }
        }
    }

    fn finish(self) -> Block {
        let mut members = Vec::new();
        let mut parts = Vec::with_capacity(1 + self.matrices.len());
        for (_, (of_width, matrices)) in self.matrices {
            members.extend(of_width);
            parts.push(flat(Tensor::cat(matrices, 0)));
        }
        let (of_vectors, vectors) = self.vectors;
        members.extend(of_vectors);
        if !vectors.is_empty() {
            parts.push(Tensor::cat(vectors, 0));
        }
        Block { members, values: Tensor::cat(parts, 0) }
    }
}

/// Gradients of a model's parameters by name.
#[derive(Debug, Default)]
pub struct Gradients {
    /// One block for each parameter, in the order of the names. Of joined gradients, one block for each group of
    /// parameters with the same learning rate and weight decay.
    blocks: Vec<Block>,
    is_joined: bool,
}

/// Norm of all gradients together.
#[derive(Debug, Clone)]
pub enum Norm {
    /// The norm as a number.
    Number(f64),
    /// The norm on a device, shape `[1]`.
    OnDevice(Box<Tensor<1>>),
}

impl Default for Norm {
    fn default() -> Self {
        Self::Number(0.0)
    }
}

impl Norm {
    /// Returns the norm as a number. Waits for the device.
    pub fn read(&self) -> f64 {
        match self {
            Self::Number(norm) => *norm,
            Self::OnDevice(norm) => Tensor::clone(norm).into_scalar::<f64>(),
        }
    }
}

impl Gradients {
    /// Collects the gradients of a model's parameters from a backward pass.
    pub fn collect<M: Module>(model: &M, tape: Tape) -> Self {
        let flat = |(name, gradient): (String, Gradient)| (name, gradient.flat());
        Self::from_tensors(collect(model, tape).into_iter().map(flat).collect())
    }

    /// Collects the gradients as [`Gradients::collect`] does, and joins those of all parameters of the same group to one
    /// tensor. A device with its own memory works on a few large tensors faster than on many small ones.
    pub fn collect_joined<M: Module, G: PartialEq>(
        model: &M,
        tape: Tape,
        group_of: impl Fn(&str) -> G,
    ) -> Self {
        Self::join(collect(model, tape), group_of)
    }

    fn join<G: PartialEq>(by_name: BTreeMap<String, Gradient>, group_of: impl Fn(&str) -> G) -> Self {
        let mut groups: Vec<(G, Joining)> = Vec::new();
        for (name, gradient) in by_name {
            let group = group_of(&name);
            let place = groups.iter().position(|(known, _)| *known == group).unwrap_or_else(|| {
                groups.push((group, Joining::default()));
                groups.len() - 1
            });
            groups[place].1.add(name, gradient);
        }
        let blocks = groups.into_iter().map(|(_, joining)| joining.finish());
        Self { blocks: blocks.collect(), is_joined: true }
    }

    /// Creates gradients from flat tensors.
    pub fn from_tensors(by_name: BTreeMap<String, Tensor<1>>) -> Self {
        let block = |(name, values): (String, Tensor<1>)| {
            let members = vec![(name, values.dims()[0])];
            Block { members, values }
        };
        Self { blocks: by_name.into_iter().map(block).collect(), is_joined: false }
    }

    /// Whether the gradients have been joined.
    pub(super) fn is_joined(&self) -> bool {
        self.is_joined
    }

    /// Returns the gradients by name, flat.
    pub fn tensors(&self) -> BTreeMap<String, Tensor<1>> {
        Self { blocks: self.blocks.clone(), is_joined: self.is_joined }.into_tensors()
    }

    /// Adds the gradients of another batch. If that has gradients of other parameters, the sums are not joined any more.
    pub fn add(&mut self, other: Gradients) {
        if self.blocks.iter().map(|block| &block.members).eq(other.blocks.iter().map(|block| &block.members))
        {
            for (block, other) in self.blocks.iter_mut().zip(other.blocks) {
                block.values = block.values.clone() + other.values;
            }
            return;
        }
        let mut sums = std::mem::take(self).into_tensors();
        for (name, gradient) in other.into_tensors() {
            let sum = match sums.remove(&name) {
                Some(sum) => sum + gradient,
                None => gradient,
            };
            sums.insert(name, sum);
        }
        *self = Self::from_tensors(sums);
    }

    /// Replaces the gradient of each parameter, which is flat.
    pub fn replace(&mut self, mut by: impl FnMut(Tensor<1>) -> Tensor<1>) {
        for block in &mut self.blocks {
            let parts = Block::parts(&block.members, block.values.clone());
            block.values = Tensor::cat(parts.into_iter().map(&mut by).collect(), 0);
        }
    }

    /// Multiplies every gradient by a factor.
    pub fn scale(&mut self, factor: f64) {
        for block in &mut self.blocks {
            block.values = block.values.clone() * factor;
        }
    }

    /// Replaces every gradient by its mean over the ranks in a single exchange. All ranks must have gradients of the
    /// same parameters.
    pub fn average(&mut self, ranks: &dyn Ranks) {
        let Some(first) = self.blocks.first() else { return };
        if ranks.is_alone() {
            return;
        }
        let options = (&first.values.device(), first.values.dtype());
        let sum = Tensor::<1>::from_data(sum_data(self.all().into_data(), ranks), options);
        let sizes = self.blocks.iter().map(|block| block.values.dims()[0]).collect();
        let means = (sum * (1.0 / ranks.count() as f64)).split_with_sizes(sizes, 0);
        for (block, mean) in self.blocks.iter_mut().zip(means) {
            block.values = mean;
        }
    }

    /// Returns the Euclidean norm over all parameters. That of joined gradients stays on the device.
    pub fn norm(&self) -> Norm {
        let Some(first) = self.blocks.first() else { return Norm::default() };
        if device::has_fused_operations(&first.values.device()) {
            let squares = self.blocks.iter().map(|block| squared_norm(block.values.clone()));
            return Norm::Number(squares.sum::<f64>().sqrt());
        }
        // As one tensor: a sum of each would be three operations a parameter on the device.
        let norm = Norm::OnDevice(Box::new(self.all().powi_scalar(2).sum().sqrt()));
        if self.is_joined { norm } else { Norm::Number(norm.read()) }
    }

    /// Scales all gradients by one factor, so that their norm is at most `limit`. `norm` is their current norm.
    pub fn clip(&mut self, norm: &Norm, limit: f64) {
        match norm {
            Norm::Number(norm) => {
                let factor = limit / (norm + NORM_EPSILON);
                if factor < 1.0 {
                    self.scale(factor);
                }
            }
            Norm::OnDevice(norm) => {
                let factor = ((Tensor::clone(norm) + NORM_EPSILON).recip() * limit).clamp_max(1.0);
                for block in &mut self.blocks {
                    block.values = block.values.clone() * factor.clone();
                }
            }
        }
    }

    /// Returns all gradients as one tensor.
    fn all(&self) -> Tensor<1> {
        match &self.blocks[..] {
            [block] => block.values.clone(),
            blocks => Tensor::cat(blocks.iter().map(|block| block.values.clone()).collect(), 0),
        }
    }

    /// Returns the gradients by name, and gives up their ownership.
    pub(super) fn into_tensors(self) -> BTreeMap<String, Tensor<1>> {
        let parts = self.blocks.into_iter().flat_map(|Block { members, values }| {
            let parts = Block::parts(&members, values);
            members.into_iter().map(|(name, _)| name).zip(parts)
        });
        parts.collect()
    }

    /// Returns the blocks of joined gradients.
    pub(super) fn into_blocks(self) -> Vec<Block> {
        self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Gradients {
        /// Joins single gradients.
        pub(in crate::optimiser) fn joined<G: PartialEq>(self, group_of: impl Fn(&str) -> G) -> Self {
            let vectors = self.into_tensors().into_iter();
            Self::join(vectors.map(|(name, vector)| (name, Gradient::Vector(vector))).collect(), group_of)
        }
    }

    #[test]
    fn matrices_of_one_width_are_joined_before_the_vectors() {
        let device = Device::flex();
        let matrix = |values: &[[f32; 2]]| {
            let rows = values.len();
            let values = TensorData::new(values.as_flattened().to_vec(), [rows, 2]);
            Gradient::Matrix(Tensor::from_data(values, &device))
        };
        let column = Gradient::Matrix(Tensor::from_floats([[7.0], [8.0]], &device));
        let vector = Gradient::Vector(Tensor::from_floats([9.0], &device));
        let by_name = [
            ("a", matrix(&[[1.0, 2.0], [3.0, 4.0]])),
            ("b", column),
            ("c", vector),
            ("d", matrix(&[[5.0, 6.0]])),
        ];
        let by_name = by_name.map(|(name, gradient)| (name.to_owned(), gradient));
        let joined = Gradients::join(by_name.into(), |_| ());
        let expected =
            [("a", vec![1.0, 2.0, 3.0, 4.0]), ("b", vec![7.0, 8.0]), ("c", vec![9.0]), ("d", vec![5.0, 6.0])];
        assert_eq!(numbers(&joined), expected.map(|(name, values)| (name.to_owned(), values)));
        let names: Vec<&str> = joined.blocks[0].members.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a", "d", "c"]);
    }

    /// Gradients of three parameters, of lengths 1, 2 and 3.
    fn gradients() -> Gradients {
        let tensor = |count: usize| Tensor::<1>::full([count], count as f64, &Device::flex());
        let named = [("a", 1), ("b", 2), ("c", 3)].map(|(name, count)| (name.to_owned(), tensor(count)));
        Gradients::from_tensors(named.into())
    }

    fn numbers(gradients: &Gradients) -> Vec<(String, Vec<f32>)> {
        let tensors = gradients.tensors().into_iter();
        tensors.map(|(name, tensor)| (name, tensor.into_data().iter::<f32>().collect())).collect()
    }

    #[test]
    fn joined_gradients_are_the_same_gradients() {
        let apart = gradients();
        let joined = gradients().joined(|name| name == "b");
        assert_eq!(joined.blocks.len(), 2);
        assert_eq!(joined.blocks[0].members, [("a".to_owned(), 1), ("c".to_owned(), 3)]);
        assert_eq!(numbers(&apart), numbers(&joined));
        // 1 + 2 · 4 + 3 · 9
        assert!((apart.norm().read() - 6.0).abs() < 1e-6 && (joined.norm().read() - 6.0).abs() < 1e-6);
    }

    #[test]
    fn every_gradient_is_replaced_by_itself() {
        for mut gradients in [gradients(), gradients().joined(|name| name == "b")] {
            gradients.replace(|gradient| gradient.clone() * gradient.dims()[0] as f64);
            let expected = [("a", vec![1.0]), ("b", vec![4.0; 2]), ("c", vec![9.0; 3])];
            assert_eq!(numbers(&gradients), expected.map(|(name, values)| (name.to_owned(), values)));
        }
    }

    #[test]
    fn gradients_of_other_parameters_are_added_by_name() {
        let few = || {
            let mut tensors = gradients().tensors();
            tensors.remove("b");
            Gradients::from_tensors(tensors)
        };
        let expected = [("a", vec![2.0]), ("b", vec![2.0; 2]), ("c", vec![6.0; 3])];
        let expected = expected.map(|(name, values)| (name.to_owned(), values));
        for (mut sum, other) in [
            (gradients(), few()),
            (few(), gradients()),
            (gradients().joined(|_| ()), few().joined(|_| ())),
            (few().joined(|_| ()), gradients().joined(|_| ())),
        ] {
            sum.add(other);
            assert_eq!(numbers(&sum), expected);
        }
    }

    #[test]
    fn joined_gradients_are_added_and_clipped_as_single_ones() {
        let (mut apart, mut joined) = (gradients(), gradients().joined(|name| name == "b"));
        apart.add(gradients());
        joined.add(gradients().joined(|name| name == "b"));
        for limit in [100.0, 3.0] {
            let norm = apart.norm().read();
            apart.clip(&Norm::Number(norm), limit);
            let on_device = Tensor::from_floats([norm as f32], &Device::flex());
            joined.clip(&Norm::OnDevice(Box::new(on_device)), limit);
            for ((_, apart), (_, joined)) in numbers(&apart).into_iter().zip(numbers(&joined)) {
                assert!(apart.iter().zip(&joined).all(|(a, b)| (a - b).abs() < 1e-6), "{apart:?} {joined:?}");
            }
        }
        assert!((joined.norm().read() - 3.0).abs() < 1e-4);
    }
}
