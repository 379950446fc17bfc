//! The fine-tuned model: an encoder with a head that predicts one number per crystal (specification, section 6).

use burn::prelude::*;
use burn::tensor::IndexingUpdateOp;

use super::batch::Batch;
use super::encoder::Encoder;
use super::encoding::Encoding;
use super::layers::{Initialiser, Mlp};
use crate::config::ModelConfig;
use crate::config::model::Widths;
use crate::data::LatticeStatistics;
use crate::ops::composed::sum_by;

/// Number of hidden layers of the head.
const HEAD_LAYERS: usize = 3;
/// Number of readouts over the atoms: maximum and mean.
const POOLS: usize = 2;
/// Prefix of the names of the head's parameters.
pub const HEAD_PREFIX: &str = "head.";

/// An encoder, a readout over the atoms and a head:
///
/// `ŷ = MLP([crystal ‖ max_i atom_i ‖ mean_i atom_i])` with the widths `(features, w, w, w, 1)`.
///
/// For MMPT the crystal's vector is `h_L`, and the atoms' vectors are `h_S`.
#[derive(Module, Debug)]
pub struct PropertyModel {
    /// Encoder of atoms and crystals.
    pub encoder: Encoder,
    /// Head, from features to the standardised target.
    pub head: Mlp,
}

impl PropertyModel {
    /// Initialises a model. `statistics` are the lattice statistics of the training set.
    pub fn init(
        config: &ModelConfig,
        head_width: usize,
        statistics: &LatticeStatistics,
        seed: u64,
        device: &Device,
    ) -> Self {
        let initialiser = &mut Initialiser::new(seed, device);
        let Widths { atoms, crystals } = config.widths();
        let mut widths = vec![crystals.unwrap_or(0) + POOLS * atoms];
        widths.extend([head_width; HEAD_LAYERS]);
        widths.push(1);
        Self {
            encoder: Encoder::init(config, statistics, initialiser),
            head: Mlp::init(&widths, initialiser),
        }
    }

    /// Returns the features `[crystal ‖ max_i atom_i ‖ mean_i atom_i]` of every crystal.
    ///
    /// # Shapes
    /// Output `[B, crystal_width + 2 · atom_width]`.
    pub fn features(&self, batch: &Batch) -> Tensor<2> {
        let Encoding { atoms, crystals } = self.encoder.encode(batch);
        let Pooled { mean, max } = pool(atoms, batch);
        Tensor::cat(crystals.into_iter().chain([max, mean]).collect(), 1)
    }

    /// Predicts the standardised target `ŷ = head(features)` of every crystal.
    ///
    /// # Shapes
    /// Input `[B, features]`, output `[B]`.
    pub fn predict(&self, features: Tensor<2>) -> Tensor<1> {
        self.head.forward(features).squeeze_dim(1)
    }
}

/// Readouts of the crystals' atoms, shape `[B, width]` each.
#[derive(Debug, Clone)]
pub struct Pooled {
    /// Mean over the atoms of each crystal.
    pub mean: Tensor<2>,
    /// Maximum over the atoms of each crystal. Atoms that share the maximum, such as atoms related by symmetry, share
    /// its gradient in equal parts.
    pub max: Tensor<2>,
}

/// Takes the mean and the maximum over each crystal's atoms.
///
/// # Shapes
/// Input `[N, width]`, outputs `[B, width]`.
pub fn pool(atoms: Tensor<2>, batch: &Batch) -> Pooled {
    let by_crystal = |values: Tensor<2>| sum_by(batch.crystals, &batch.crystal_of_atom, values);
    let sum = by_crystal(atoms.clone());
    let values = if atoms.device().is_autodiff() { atoms.clone().inner() } else { atoms.clone() };
    let largest = largest(values.clone(), batch);
    let max = match atoms.device().is_autodiff() {
        false => largest,
        true => {
            let at_atom = |values: Tensor<2>| values.select(0, batch.crystal_of_atom.clone());
            let is_largest = values.clone().equal(at_atom(largest.clone())).float().cast(values.dtype());
            let share = is_largest.clone() / at_atom(by_crystal(is_largest));
            let shared = by_crystal(atoms * Tensor::from_inner(share));
            // The difference is nought and carries the gradient: the sum of shares would be rounded.
            Tensor::from_inner(largest) + (shared.clone() - shared.detach())
        }
    };
    Pooled { mean: sum / batch.atom_counts.clone(), max }
}

/// Returns the maximum over each crystal's atoms, without a gradient: `[N, width]` to `[B, width]`.
fn largest(values: Tensor<2>, batch: &Batch) -> Tensor<2> {
    let shape = [batch.crystals, values.dims()[1]];
    let lowest = Tensor::<2>::full(shape, f32::MIN, (&values.device(), values.dtype()));
    lowest.select_assign(0, batch.crystal_of_atom.clone(), values, IndexingUpdateOp::Max)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::verify::{Fixture, TieRule};

    /// Returns a batch of crystals of 1, 3 and 6 atoms.
    fn batch(device: &Device) -> Batch {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden"));
        let fixture = Fixture::open(folder).expect("the fixture of the project");
        let graph = fixture.batch::<f32>(TieRule::Cut).expect("its crystals");
        Batch::new(graph, None, fixture.cutoff_angstrom(), device)
    }

    /// One column of values for the ten atoms of the batch.
    const VALUES: [f32; 10] = [-7.0, 1.0, 5.0, 5.0, 2.0, -1.0, 0.0, 3.0, 2.5, 1.0];

    fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    #[test]
    fn pools_are_the_mean_and_the_largest_of_each_crystal() {
        let device = Device::flex();
        let structure = Tensor::<1>::from_floats(VALUES, &device).reshape([10, 1]);
        let Pooled { mean, max } = pool(structure, &batch(&device));
        assert_eq!(numbers(max), [-7.0, 5.0, 3.0]);
        assert_eq!(numbers(mean), [-7.0, 11.0 / 3.0, 1.25]);
    }

    #[test]
    fn atoms_that_share_the_largest_value_share_its_gradient() {
        let device = Device::flex();
        let autodiff = device.clone().autodiff();
        let structure = Tensor::<1>::from_floats(VALUES, &autodiff).reshape([10, 1]).require_grad();
        let Pooled { max, .. } = pool(structure.clone(), &batch(&device));
        assert_eq!(numbers(max.clone()), [-7.0, 5.0, 3.0]);
        let weights = Tensor::<1>::from_floats([1.0, 10.0, 100.0], &autodiff).reshape([3, 1]);
        let gradients = (max * weights).sum().backward();
        let gradient = structure.grad(&gradients).expect("it was asked for");
        assert_eq!(numbers(gradient), [1.0, 0.0, 5.0, 5.0, 0.0, 0.0, 0.0, 100.0, 0.0, 0.0]);
    }
}
