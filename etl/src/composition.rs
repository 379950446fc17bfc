//! Elements of a crystal and its reduced formula.

use std::fmt::Write as _;

use crate::element::SYMBOLS;

/// Number of atomic numbers, 0 (no element) included.
const ATOMIC_NUMBERS: usize = SYMBOLS.len();

/// Counts of the elements of one crystal, in alphabetical order of their symbols.
#[derive(Debug, Clone)]
pub struct Composition {
    counts: [u32; ATOMIC_NUMBERS],
    elements: Vec<u8>,
    /// Position of every element in the alphabet of symbols.
    rank: [u8; ATOMIC_NUMBERS],
}

impl Default for Composition {
    fn default() -> Self {
        let mut alphabet: Vec<u8> = (0..=u8::MAX).take(ATOMIC_NUMBERS).collect();
        alphabet.sort_by_key(|z| SYMBOLS[usize::from(*z)]);
        let mut rank = [0; ATOMIC_NUMBERS];
        for (position, z) in (0..=u8::MAX).zip(&alphabet) {
            rank[usize::from(*z)] = position;
        }
        Self { counts: [0; ATOMIC_NUMBERS], elements: Vec::new(), rank }
    }
}

impl Composition {
    /// Counts the elements of a crystal; atomic numbers above 118 are not counted.
    pub fn count(&mut self, atomic_numbers: &[u8]) {
        for z in self.elements.drain(..) {
            self.counts[usize::from(z)] = 0;
        }
        for &z in atomic_numbers {
            let Some(count) = self.counts.get_mut(usize::from(z)) else { continue };
            if *count == 0 {
                self.elements.push(z);
            }
            *count += 1;
        }
        self.elements.sort_unstable_by_key(|z| self.rank[usize::from(*z)]);
    }

    /// Number of different elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Symbols in alphabetical order.
    pub fn symbols(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.elements.iter().map(|z| SYMBOLS[usize::from(*z)])
    }

    /// Appends OPTIMADE's `chemical_formula_reduced`: symbols in alphabetical order, each with its
    /// smallest whole-number proportion, 1 left out.
    pub fn write_reduced_formula(&self, text: &mut String) {
        let divisor =
            self.elements.iter().fold(0, |divisor, z| gcd(divisor, self.counts[usize::from(*z)])).max(1);
        for z in &self.elements {
            text.push_str(SYMBOLS[usize::from(*z)]);
            let proportion = self.counts[usize::from(*z)] / divisor;
            if proportion != 1 {
                // Writing to a String cannot fail.
                let _ = write!(text, "{proportion}");
            }
        }
    }
}

/// Greatest common divisor; `gcd(0, n) = n`.
fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formula(atomic_numbers: &[u8]) -> String {
        let mut composition = Composition::default();
        composition.count(&[1, 2, 3]);
        composition.count(atomic_numbers);
        let mut text = String::new();
        composition.write_reduced_formula(&mut text);
        text
    }

    #[test]
    fn reduced_formulas_are_optimades() {
        assert_eq!(formula(&[11, 17]), "ClNa");
        assert_eq!(formula(&[6; 8]), "C");
        assert_eq!(formula(&[8, 8, 8, 8, 8, 8, 13, 13, 13, 13]), "Al2O3");
        assert_eq!(formula(&[27, 6, 17]), "CClCo");
        assert_eq!(formula(&[]), "");
    }

    #[test]
    fn symbols_are_alphabetical() {
        let mut composition = Composition::default();
        composition.count(&[8, 20, 22, 8, 8]);
        assert_eq!(composition.symbols().collect::<Vec<_>>(), ["Ca", "O", "Ti"]);
    }
}
