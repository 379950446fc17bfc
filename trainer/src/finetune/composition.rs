//! Compositions as points, so that a distance can count the elements of a crystal.

use std::collections::{BTreeMap, BTreeSet};

/// The standard deviation of an element's share among n training crystals counts as `LONE_SHARE / √n` at least. An element
/// has about this deviation if it is a quarter of the atoms of one crystal and absent from the others. Without the bound,
/// an element with the same share in all training crystals, or in none, would be divided by a deviation of 0.
const LONE_SHARE: f64 = 0.25;

/// Returns the share (0 to 1) of every element among the sites of a crystal, by atomic number.
pub(super) fn shares(atomic_numbers: &[u8]) -> BTreeMap<u8, f32> {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    atomic_numbers.iter().for_each(|number| *counts.entry(*number).or_default() += 1);
    counts.into_iter().map(|(number, count)| (number, count as f32 / atomic_numbers.len() as f32)).collect()
}

/// A space of compositions, without a unit. It has a coordinate for every element Z of the training crystals,
/// `x_Z = share_Z / (σ_Z √elements)`, where `elements` is their number and σ_Z the standard deviation of the share among the
/// training crystals, and one more for all other elements together.
///
/// A rare element counts more than one that many crystals hold. The mean of the squared distances of all pairs of training
/// crystals is at most 2, as it is 2 for embeddings ([`crate::nearest::Standardisation`]), so that both count alike.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct CompositionSpace {
    /// Factor of the share of an element of the training crystals, by atomic number.
    factors: BTreeMap<u8, f64>,
    /// Factor of the root of the squared shares of all other elements.
    other: f64,
}

impl CompositionSpace {
    /// Makes the space of training crystals from their shares, `[crystals, elements]`.
    pub(super) fn new(shares: &[f32], elements: &BTreeSet<u8>) -> Self {
        let crystals = (shares.len() / elements.len().max(1)).max(1) as f64;
        let least = LONE_SHARE / crystals.sqrt();
        let width = (elements.len().max(1) as f64).sqrt();
        let factor = |column: usize| {
            let column = || shares.iter().skip(column).step_by(elements.len()).map(|&share| f64::from(share));
            let mean = column().sum::<f64>() / crystals;
            let variance = column().map(|share| (share - mean).powi(2)).sum::<f64>() / crystals;
            1.0 / (variance.sqrt().max(least) * width)
        };
        let factors = elements.iter().enumerate().map(|(column, number)| (*number, factor(column))).collect();
        Self { factors, other: 1.0 / (least * width) }
    }

    /// Number of coordinates; 0 in a space without elements.
    pub(super) fn width(&self) -> usize {
        match self.factors.len() {
            0 => 0,
            elements => elements + 1,
        }
    }

    /// Appends the coordinates of a crystal with these shares of elements.
    pub(super) fn place(&self, shares: &BTreeMap<u8, f32>, point: &mut Vec<f32>) {
        let share = |number: &u8| shares.get(number).copied().map_or(0.0, f64::from);
        point.extend(self.factors.iter().map(|(number, factor)| (share(number) * factor) as f32));
        if !self.factors.is_empty() {
            let others = shares.iter().filter(|(number, _)| !self.factors.contains_key(number));
            let squares: f64 = others.map(|(_, &share)| f64::from(share).powi(2)).sum();
            point.push((squares.sqrt() * self.other) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(space: &CompositionSpace, atomic_numbers: &[u8]) -> Vec<f32> {
        let mut point = Vec::new();
        space.place(&shares(atomic_numbers), &mut point);
        point
    }

    #[test]
    fn shares_are_in_units_of_their_deviations() {
        // Four crystals of oxygen and silicon: 1/2 or 0 silicon.
        let elements = BTreeSet::from([8, 14]);
        let space = CompositionSpace::new(&[0.5, 0.5, 1.0, 0.0, 0.5, 0.5, 1.0, 0.0], &elements);
        let (pure, half) = (place(&space, &[8]), place(&space, &[8, 14]));
        assert_eq!(space.width(), 3);
        // σ = 1/4 for both, √2 for two elements.
        let distance: f32 = pure.iter().zip(&half).map(|(a, b)| (a - b).powi(2)).sum();
        assert!((distance - 4.0).abs() < 1e-5, "{pure:?} {half:?}");
        assert_eq!((pure[2], half[2]), (0.0, 0.0));
        // Elements that are not there have one coordinate, and far more weight.
        assert!(place(&space, &[8, 14, 3])[2] > 1.5 && place(&space, &[3, 11])[2] > 2.5);
    }

    #[test]
    fn without_elements_there_are_no_coordinates() {
        let space = CompositionSpace::new(&[], &BTreeSet::new());
        assert_eq!((space.width(), place(&space, &[8]).len()), (0, 0));
    }
}
