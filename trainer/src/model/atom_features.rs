//! The 92 features of an element that CGCNN, ALIGNN and Matformer begin with.
//!
//! The table is that of CGCNN (Xie and Grossman 2018, <https://doi.org/10.1103/PhysRevLett.120.145301>): one-hot
//! blocks of group, period, electronegativity, covalent radius, valence electrons, first ionisation energy, electron
//! affinity, block and molar volume.

use std::sync::LazyLock;

use burn::prelude::*;

use super::layers::Linear;
use crate::config::model::ATOM_TYPES;
use crate::ops::{Activation, upload};

/// Number of features of an element.
pub const ATOM_FEATURES: usize = 92;

/// Last atomic number with a row in the table.
pub const LAST_ELEMENT: u8 = 100;

/// The table as it is published: columns `z,symbol,f0,…,f91`.
const TABLE: &str = include_str!("../../tables/atom_features_92.csv");

/// Features of every atomic number from 0 on, row-major; zeros for 0 and for elements without a row in the table.
static FEATURES: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let mut features = vec![0.0; ATOM_TYPES * ATOM_FEATURES];
    for line in TABLE.lines().skip(1) {
        let mut fields = line.split(',');
        let number: usize = fields.next().and_then(|number| number.parse().ok()).expect(VALID);
        let row = &mut features[number * ATOM_FEATURES..][..ATOM_FEATURES];
        for (feature, field) in row.iter_mut().zip(fields.skip(1)) {
            *feature = field.parse().expect(VALID);
        }
    }
    features
});

/// Reason why reading the table cannot fail.
const VALID: &str = "the program's table is one of numbers";

/// Embeds atoms by a linear layer of their features. An atomic number of 0 has no features.
///
/// # Shapes
/// `atomic_numbers [N]`, output `[N, width]`.
pub fn embed(layer: &Linear, atomic_numbers: &Tensor<1, Int>) -> Tensor<2> {
    let table = upload::constants(FEATURES.clone(), layer.weight.val().dtype(), &atomic_numbers.device());
    let table = table.reshape([ATOM_TYPES, ATOM_FEATURES]);
    // There are fewer elements than atoms.
    layer.forward(table, Activation::Identity).select(0, atomic_numbers.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: usize) -> Vec<usize> {
        let row = &FEATURES[number * ATOM_FEATURES..][..ATOM_FEATURES];
        (0..ATOM_FEATURES).filter(|&feature| row[feature] == 1.0).collect()
    }

    #[test]
    fn features_are_those_of_the_periodic_table() {
        let silicon = row(14);
        // Group 14, period 3, four valence electrons, p block.
        for feature in [14, 19 + 2, 46 + 3, 78 + 1] {
            assert!(silicon.contains(&feature), "{silicon:?}");
        }
        assert_eq!(silicon.len(), 9);
        assert!(row(0).is_empty() && row(101).is_empty());
        assert!((1..=usize::from(LAST_ELEMENT)).all(|number| !row(number).is_empty()));
        assert!(FEATURES.iter().all(|&feature| feature == 0.0 || feature == 1.0));
    }
}
