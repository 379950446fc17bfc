//! Fine-tuned models: an encoder with a head that predicts K numbers per crystal, or one per site. Each kind of model has
//! its own head for crystals; that for sites is the same for all.

use burn::prelude::*;

use super::alignn::head::{self as alignn, AlignnHead};
use super::batch::Batch;
use super::cgcnn::head::{self as cgcnn, CgcnnHead};
use super::encoder::Encoder;
use super::encoding::Encoding;
use super::layers::Initialiser;
use super::matformer::head::{self as matformer, MatformerHead};
use super::megnet::head::{self as megnet, MegnetHead};
use super::mmpt::head::{self as mmpt, MmptHead};
use super::pass::Pass;
use super::schnet::head::{self as schnet, SchnetHead};
use super::site_head::{self, SiteHead};
use crate::config::ModelConfig;
use crate::config::model::ModelKind;
use crate::data::LatticeStatistics;
use crate::ops::composed::{largest_by, sum_by};

/// Sizes of a head that are those of no encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadSize {
    /// Width of the hidden layers of MMPT's head; the other kinds have their own widths.
    pub width: usize,
    /// Number of outputs K of a crystal: 1 for a number, one a class for classes.
    pub outputs: usize,
    /// Whether there is an output of every site instead.
    pub per_site: bool,
}

/// A head: readouts and last layers, from the encodings of a batch to the outputs. Each variant is one kind of
/// `model.kind`, but for that of sites.
#[derive(Module, Debug)]
pub enum Head {
    /// MMPT's readouts and perceptron.
    Mmpt(MmptHead),
    /// CGCNN's last layers.
    Cgcnn(CgcnnHead),
    /// SchNet's perceptron of every atom.
    Schnet(SchnetHead),
    /// MEGNet's perceptron of both readouts and the state.
    Megnet(MegnetHead),
    /// ALIGNN's last layer.
    Alignn(AlignnHead),
    /// Matformer's last layers.
    Matformer(MatformerHead),
    /// The perceptron of every site, of all kinds.
    Site(SiteHead),
}

impl Head {
    /// Name of the field that holds the head in a fine-tuned model.
    pub(super) const FIELD: &str = "head";

    /// Initialises a head of the configured kind.
    pub fn init(config: &ModelConfig, size: HeadSize, initialiser: &mut Initialiser) -> Self {
        if size.per_site {
            let atoms = config.widths().atoms;
            let hidden = if config.kind == ModelKind::Mmpt { size.width } else { atoms };
            return Self::Site(SiteHead::init(atoms, hidden, initialiser));
        }
        let outputs = size.outputs;
        match config.kind {
            ModelKind::Mmpt => Self::Mmpt(MmptHead::init(&config.mmpt, size, initialiser)),
            ModelKind::Cgcnn => Self::Cgcnn(CgcnnHead::init(&config.cgcnn, outputs, initialiser)),
            ModelKind::Schnet => Self::Schnet(SchnetHead::init(&config.schnet, outputs, initialiser)),
            ModelKind::Megnet => Self::Megnet(MegnetHead::init(&config.megnet, outputs, initialiser)),
            ModelKind::Alignn => Self::Alignn(AlignnHead::init(&config.alignn, outputs, initialiser)),
            ModelKind::Matformer => {
                Self::Matformer(MatformerHead::init(&config.matformer, outputs, initialiser))
            }
        }
    }

    /// Predicts the outputs of every crystal, or of every site.
    ///
    /// # Shapes
    /// Output `[B, K]`, of sites `[N, 1]`.
    pub fn predict(&self, encoding: Encoding, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        match self {
            Self::Site(head) => head.predict(encoding),
            Self::Mmpt(head) => head.predict(encoding, batch, pass),
            Self::Cgcnn(head) => head.predict(encoding, pass),
            Self::Schnet(head) => head.predict(encoding, batch, pass),
            Self::Megnet(head) => head.predict(encoding, pass),
            Self::Alignn(head) => head.predict(encoding, batch, pass),
            Self::Matformer(head) => head.predict(encoding, batch, pass),
        }
    }

    /// Returns the prefixes of the names of the head's parameters in a weights file.
    pub fn prefixes(kind: ModelKind) -> &'static [&'static str] {
        match kind {
            ModelKind::Mmpt => mmpt::PREFIXES,
            ModelKind::Cgcnn => cgcnn::PREFIXES,
            ModelKind::Schnet => schnet::PREFIXES,
            ModelKind::Megnet => megnet::PREFIXES,
            ModelKind::Alignn => alignn::PREFIXES,
            ModelKind::Matformer => matformer::PREFIXES,
        }
    }

    /// Whether a name in a weights file is that of a parameter of the head.
    pub fn has(kind: ModelKind, name: &str) -> bool {
        Self::prefixes(kind).iter().any(|prefix| name.starts_with(prefix))
    }

    /// Returns the name of a parameter in a weights file. `path` is its path below [`Head::FIELD`] and begins with the
    /// name of the variant.
    pub(super) fn rename(path: &[String]) -> Vec<String> {
        let Some((variant, rest)) = path.split_first() else { return Vec::new() };
        match variant.as_str() {
            "Mmpt" => mmpt::rename(rest),
            "Cgcnn" => cgcnn::rename(rest),
            "Schnet" => schnet::rename(rest),
            "Megnet" => megnet::rename(rest),
            "Site" => site_head::rename(rest),
            _ => rest.to_vec(),
        }
    }
}

/// An encoder with a head.
#[derive(Module, Debug)]
pub struct PropertyModel {
    /// Encoder of atoms and crystals.
    pub encoder: Encoder,
    /// Head, from encodings to the outputs.
    pub head: Head,
}

impl PropertyModel {
    /// Initialises a model. `statistics` are the lattice statistics of the training set.
    pub fn init(
        config: &ModelConfig,
        head: HeadSize,
        statistics: &LatticeStatistics,
        seed: u64,
        device: &Device,
    ) -> Self {
        Self::build(config, head, statistics, &mut Initialiser::new(seed, device))
    }

    /// Makes a model of zeros, statistics included, for weights that come from a file.
    pub fn blank(config: &ModelConfig, head: HeadSize, device: &Device) -> Self {
        Self::build(config, head, &LatticeStatistics::default(), &mut Initialiser::blank(device))
    }

    /// Returns how many numbers a model has, statistics included, without making it.
    pub fn numbers(config: &ModelConfig, head: HeadSize) -> f64 {
        let mut initialiser = Initialiser::counting();
        Self::build(config, head, &LatticeStatistics::default(), &mut initialiser);
        initialiser.numbers()
    }

    fn build(
        config: &ModelConfig,
        head: HeadSize,
        statistics: &LatticeStatistics,
        initialiser: &mut Initialiser,
    ) -> Self {
        Self {
            encoder: Encoder::init(config, statistics, initialiser),
            head: Head::init(config, head, initialiser),
        }
    }

    /// Predicts the outputs of every crystal, or of every site.
    ///
    /// # Shapes
    /// Output `[B, K]`, of sites `[N, 1]`.
    pub fn predict(&self, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        let encoding = self.encoder.encode(batch, pass);
        self.head.predict(encoding, batch, pass)
    }
}

/// Takes the mean over each crystal's atoms.
///
/// # Shapes
/// Input `[N, width]`, output `[B, width]`.
pub fn mean(atoms: Tensor<2>, batch: &Batch) -> Tensor<2> {
    sum_by(batch.crystals, &batch.crystal_of_atom, atoms) / batch.atom_counts.clone()
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
    let largest = largest_by(batch.crystals, &batch.crystal_of_atom, values.clone());
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::verify::{Fixture, TieRule};

    /// Returns a batch of crystals of 1, 3 and 6 atoms.
    fn batch(device: &Device) -> Batch {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden"));
        let fixture = Fixture::open(folder).expect("the fixture of the project");
        let graph = fixture.batch::<f32>(TieRule::Cut, device).expect("its crystals");
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
