//! The head of models that predict a number of every site.

use burn::prelude::*;

use super::encoding::Encoding;
use super::layers::{Initialiser, Mlp};

/// Prefix of the names of the head's parameters.
pub(super) const SITE_PREFIX: &str = "site_head.";

/// A perceptron of every atom, `ŷ_i = MLP(h_i)` with the widths `(F, w, 1)`: F is the width of an atom's embedding, w that
/// of the hidden layers of MMPT's head and F for the other encoders. It is the same for all encoders, and sees no embedding
/// of a whole crystal.
#[derive(Module, Debug)]
pub struct SiteHead {
    /// The perceptron.
    pub perceptron: Mlp,
}

impl SiteHead {
    /// Initialises a head for embeddings of the width `atoms`, with a hidden layer of the width `hidden`.
    pub fn init(atoms: usize, hidden: usize, initialiser: &mut Initialiser) -> Self {
        Self { perceptron: Mlp::init(&[atoms, hidden, 1], initialiser) }
    }

    /// Predicts the output of every site, in the order of the atoms of the batch.
    ///
    /// # Shapes
    /// Output `[N, 1]`.
    pub fn predict(&self, encoding: Encoding) -> Tensor<2> {
        self.perceptron.forward(encoding.atoms)
    }
}

/// Returns the name of a parameter in a weights file. `path` is its path below the head.
pub(super) fn rename(path: &[String]) -> Vec<String> {
    let rest = path.iter().filter(|part| *part != "perceptron").cloned();
    std::iter::once(SITE_PREFIX.trim_end_matches('.').to_owned()).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::ModelKind;
    use crate::model::test_model::{assert_sites, of_recipe};
    use crate::task::Group;

    #[test]
    fn every_encoder_predicts_numbers_of_sites() {
        for kind in ModelKind::ALL {
            assert_sites(&of_recipe(kind, Group::Other, "jarvis_subset_gap"));
        }
    }
}
