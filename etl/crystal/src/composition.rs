//! Chemical formulas of a crystal, in the reduced form of OPTIMADE and in conventional order.

use std::fmt::Write as _;

use crate::element::SYMBOLS;

/// Number of atomic numbers, including 0 (no element).
const ATOMIC_NUMBERS: usize = SYMBOLS.len();

/// Electronegativity of an element without a known value. Such elements come last.
const NONE: f64 = f64::INFINITY;

/// Pauling electronegativity by atomic number, with the values of pymatgen 2026.10; 0 for the placeholder `X`.
#[rustfmt::skip]
const ELECTRONEGATIVITY: [f64; ATOMIC_NUMBERS] = [
    0.0, 2.20, NONE, 0.98, 1.57, 2.04, 2.55, 3.04, 3.44, 3.98, NONE, 0.93, 1.31, 1.61, 1.90, 2.19, 2.58,
    3.16, NONE, 0.82, 1.00, 1.36, 1.54, 1.63, 1.66, 1.55, 1.83, 1.88, 1.91, 1.90, 1.65, 1.81, 2.01, 2.18,
    2.55, 2.96, 3.00, 0.82, 0.95, 1.22, 1.33, 1.60, 2.16, 1.90, 2.20, 2.28, 2.20, 1.93, 1.69, 1.78, 1.96,
    2.05, 2.10, 2.66, 2.60, 0.79, 0.89, 1.10, 1.12, 1.13, 1.14, 1.13, 1.17, 1.20, 1.20, 1.10, 1.22, 1.23,
    1.24, 1.25, 1.10, 1.27, 1.30, 1.50, 2.36, 1.90, 2.20, 2.20, 2.28, 2.54, 2.00, 1.62, 2.33, 2.02, 2.00,
    2.20, 2.20, 0.70, 0.90, 1.10, 1.30, 1.50, 1.38, 1.36, 1.28, 1.30, 1.30, 1.30, 1.30, 1.30, 1.30, 1.30,
    1.30, 1.30, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
];

/// Largest difference in electronegativity between the last two of three or more elements that form a polyatomic
/// anion. The anion is put in parentheses if the formula contains several of it, as in Ca3(PO4)2.
const POLYANION_DIFFERENCE: f64 = 1.65;

/// Elements whose formula is that of the diatomic molecule: H2, N2, O2, F2, Cl2.
const DIATOMIC: [u8; 5] = [1, 7, OXYGEN, 9, 17];

/// Elements whose 1:1 compound with oxygen is a peroxide, which is not reduced: H2O2, Li2O2, Na2O2, K2O2, Rb2O2,
/// Cs2O2.
const PEROXIDES: [u8; 6] = [1, 3, 11, 19, 37, 55];

/// Atomic number of hydrogen.
const HYDROGEN: u8 = 1;

/// Atomic number of carbon.
const CARBON: u8 = 6;

/// Atomic number of oxygen.
const OXYGEN: u8 = 8;

/// The number of atoms of each element in a crystal, in alphabetical order of the symbols.
#[derive(Debug, Clone)]
pub struct Composition {
    counts: [u32; ATOMIC_NUMBERS],
    elements: Vec<u8>,
    /// Rank of every element in the alphabetical order of symbols.
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
    /// Counts the elements of a crystal and replaces the previous counts. Atomic numbers above 118 are ignored.
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

    /// Returns the number of different elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether no element was counted.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Returns the element symbols in alphabetical order.
    pub fn symbols(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.elements.iter().map(|z| SYMBOLS[usize::from(*z)])
    }

    /// Appends OPTIMADE's `chemical_formula_reduced`: the symbols in alphabetical order, each with its smallest
    /// integer proportion. Proportions of 1 are omitted.
    pub fn write_reduced_formula(&self, text: &mut String) {
        let divisor = self.divisor(&self.elements);
        self.write(&self.elements, divisor, text);
    }

    /// Appends OPTIMADE's `chemical_formula_anonymous`: the smallest integer proportions in descending order, named A, B,
    /// ..., Z, Aa, Ba, ... Proportions of 1 are omitted.
    pub fn write_anonymous_formula(&self, text: &mut String) {
        let divisor = self.divisor(&self.elements);
        let mut proportions: Vec<u32> =
            self.elements.iter().map(|z| self.counts[usize::from(*z)] / divisor).collect();
        proportions.sort_unstable_by(|a, b| b.cmp(a));
        for (name, proportion) in (0..).zip(proportions) {
            text.push(letter(b'A', name % ALPHABET));
            if name >= ALPHABET {
                text.push(letter(b'a', name / ALPHABET - 1));
            }
            write_proportion(proportion, text);
        }
    }

    /// Returns the share of each element among the sites, in the order of [`Composition::symbols`] (OPTIMADE's
    /// `elements_ratios`).
    pub fn ratios(&self) -> impl Iterator<Item = f64> + '_ {
        let counts = || self.elements.iter().map(|z| self.counts[usize::from(*z)]);
        let sites = f64::from(counts().sum::<u32>());
        counts().map(move |count| f64::from(count) / sites)
    }

    /// Returns the place of an element in the order of [`Composition::symbols`], or `None` for one that was not counted.
    pub(crate) fn place(&self, z: u8) -> Option<usize> {
        self.elements.iter().position(|element| *element == z)
    }

    /// Returns the formula as CIFs have it, such as `C H4 O`, and the number of its units: carbon and hydrogen first
    /// where there is carbon, all others in alphabetical order (Hill), separated by blanks.
    pub fn hill_formula(&self) -> (String, u32) {
        let has_carbon = self.counts[usize::from(CARBON)] > 0;
        let place = |z: u8| match z {
            CARBON => 0,
            HYDROGEN if has_carbon => 1,
            _ => 2,
        };
        let mut elements = self.elements.clone();
        elements.sort_by_key(|z| place(*z));
        let divisor = self.divisor(&elements);
        let mut text = String::new();
        for z in &elements {
            if !text.is_empty() {
                text.push(' ');
            }
            self.write(&[*z], divisor, &mut text);
        }
        (text, divisor)
    }

    /// Returns the formula in conventional order, see [`conventional_formula`].
    fn conventional_formula(&self) -> String {
        let mut text = String::new();
        let mut elements = self.elements.clone();
        // The sort is stable, so elements of equal electronegativity stay in alphabetical order.
        elements.sort_by(|a, b| electronegativity(*a).total_cmp(&electronegativity(*b)));
        let divisor = self.divisor(&elements);
        let is_one_to_one = elements.iter().all(|z| self.counts[usize::from(*z)] == divisor);
        match elements[..] {
            [element] if DIATOMIC.contains(&element) => {
                text.push_str(SYMBOLS[usize::from(element)]);
                text.push('2');
            }
            [element, OXYGEN] if is_one_to_one && PEROXIDES.contains(&element) => {
                text.push_str(SYMBOLS[usize::from(element)]);
                text.push_str("2O2");
            }
            [ref cations @ .., central, outer] if !cations.is_empty() => {
                let anion = [central, outer];
                let anions = self.divisor(&anion) / divisor;
                let difference = electronegativity(outer) - electronegativity(central);
                if anions > 1 && difference < POLYANION_DIFFERENCE {
                    self.write(cations, divisor, &mut text);
                    text.push('(');
                    self.write(&anion, divisor * anions, &mut text);
                    // Writing to a string cannot fail.
                    let _ = write!(text, "){anions}");
                } else {
                    self.write(&elements, divisor, &mut text);
                }
            }
            _ => self.write(&elements, divisor, &mut text),
        }
        text
    }

    /// Returns the greatest common divisor of the elements' counts, or 1 if there are none.
    fn divisor(&self, elements: &[u8]) -> u32 {
        elements.iter().fold(0, |divisor, z| gcd(divisor, self.counts[usize::from(*z)])).max(1)
    }

    /// Appends symbols with their counts divided by the divisor. Counts of 1 are omitted.
    fn write(&self, elements: &[u8], divisor: u32, text: &mut String) {
        for z in elements {
            text.push_str(SYMBOLS[usize::from(*z)]);
            write_proportion(self.counts[usize::from(*z)] / divisor, text);
        }
    }
}

/// Number of letters that name the elements of anonymous formulas.
const ALPHABET: u8 = 26;

/// Returns the letter `place` places after `first` in the alphabet.
fn letter(first: u8, place: u8) -> char {
    char::from(first + place)
}

/// Appends a proportion, unless it is 1.
fn write_proportion(proportion: u32, text: &mut String) {
    if proportion != 1 {
        // Writing to a string cannot fail.
        let _ = write!(text, "{proportion}");
    }
}

/// Returns the formula of a crystal in conventional order, given the atomic number of every atom, by the rules of
/// pymatgen: NaCl, CaTiO3, O2, Na2O2, Ca3(PO4)2.
///
/// Elements are sorted by electronegativity. Equal ones are in alphabetical order, and those without a value come
/// last. Proportions are the smallest integers, except for diatomic elements and peroxides. Polyatomic anions are
/// in parentheses.
pub fn conventional_formula(atomic_numbers: &[u8]) -> String {
    let mut composition = Composition::default();
    composition.count(atomic_numbers);
    composition.conventional_formula()
}

/// Returns the Pauling electronegativity of an element, or [`NONE`] if it is unknown.
fn electronegativity(z: u8) -> f64 {
    ELECTRONEGATIVITY[usize::from(z)]
}

/// Returns the greatest common divisor, where `gcd(0, n) = n`.
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
    fn anonymous_formulas_and_ratios_are_optimades() {
        let anonymous = |atomic_numbers: &[u8]| {
            let mut composition = Composition::default();
            composition.count(atomic_numbers);
            let mut text = String::new();
            composition.write_anonymous_formula(&mut text);
            (text, composition.ratios().collect::<Vec<_>>())
        };
        assert_eq!(anonymous(&[11, 17]), ("AB".to_owned(), vec![0.5, 0.5]));
        assert_eq!(anonymous(&[20, 22, 8, 8, 8]), ("A3BC".to_owned(), vec![0.2, 0.6, 0.2]));
        assert_eq!(anonymous(&[14; 8]), ("A".to_owned(), vec![1.0]));
        assert_eq!(anonymous(&[]), (String::new(), vec![]));
        let many: Vec<u8> = (1..=54).collect();
        let expected: String = ('A'..='Z')
            .map(String::from)
            .chain(('A'..='Z').map(|letter| format!("{letter}a")))
            .chain(["Ab", "Bb"].map(str::to_owned))
            .collect();
        assert_eq!(anonymous(&many).0, expected);
    }

    /// Atomic numbers of elements, each with how many atoms it has.
    fn atoms(counts: &[(&str, usize)]) -> Vec<u8> {
        let number = |symbol| crate::element::atomic_number(symbol).expect("an element");
        counts.iter().flat_map(|(symbol, count)| std::iter::repeat_n(number(symbol), *count)).collect()
    }

    #[test]
    fn conventional_formulas_are_pymatgens() {
        let cases: [(&[(&str, usize)], &str); 19] = [
            (&[("Cl", 4), ("Na", 4)], "NaCl"),
            (&[("O", 4), ("Ti", 2)], "TiO2"),
            (&[("O", 3), ("Ti", 1), ("Ca", 1)], "CaTiO3"),
            (&[("O", 6), ("Al", 4)], "Al2O3"),
            (&[("O", 16), ("P", 4), ("Li", 4), ("Fe", 4)], "LiFePO4"),
            (&[("O", 8), ("P", 2), ("Ca", 3)], "Ca3(PO4)2"),
            (&[("Mg", 1), ("H", 2), ("O", 2)], "Mg(HO)2"),
            (&[("O", 6), ("Si", 2), ("Mg", 1), ("Ca", 1)], "CaMg(SiO3)2"),
            // 3.98 - 2.33 is not below 1.65, 3.98 - 2.36 is.
            (&[("Cs", 1), ("Pb", 2), ("F", 6)], "CsPb2F6"),
            (&[("Cs", 1), ("W", 2), ("F", 6)], "Cs(WF3)2"),
            (&[("O", 2), ("Na", 2)], "Na2O2"),
            (&[("O", 2), ("Li", 4)], "Li2O"),
            (&[("O", 2), ("Ca", 2)], "CaO"),
            (&[("O", 8)], "O2"),
            (&[("C", 8)], "C"),
            // Equal electronegativities.
            (&[("Si", 1), ("Cu", 3)], "Cu3Si"),
            (&[("Se", 2), ("C", 1)], "CSe2"),
            // None at all.
            (&[("He", 1), ("Na", 2)], "Na2He"),
            (&[], ""),
        ];
        for (counts, expected) in cases {
            assert_eq!(conventional_formula(&atoms(counts)), expected);
        }
        assert_eq!(conventional_formula(&[0, 8, 255]), "XO");
    }

    #[test]
    fn every_conventional_formula_has_the_atoms_of_the_reduced_one() {
        // Nothing but the order differs where no anion is bracketed and nothing is doubled.
        for (a, b) in (1..=118).flat_map(|a| (1..=118).map(move |b| (a, b))).filter(|(a, b)| a != b) {
            let atoms = [a, a, a, b, b];
            let sorted = |text: String| {
                let mut bytes = text.into_bytes();
                bytes.sort_unstable();
                bytes
            };
            assert_eq!(sorted(conventional_formula(&atoms)), sorted(formula(&atoms)), "{a} {b}");
        }
    }

    #[test]
    fn hill_formulas_begin_with_carbon() {
        let hill = |atomic_numbers: &[u8]| {
            let mut composition = Composition::default();
            composition.count(atomic_numbers);
            composition.hill_formula()
        };
        assert_eq!(hill(&[1, 1, 1, 1, 6, 8]), ("C H4 O".to_owned(), 1));
        assert_eq!(hill(&[6, 35, 13]), ("C Al Br".to_owned(), 1));
        assert_eq!(hill(&[1, 1, 1, 1, 8, 8, 35, 35]), ("Br H2 O".to_owned(), 2));
        assert_eq!(hill(&[]), (String::new(), 1));
    }

    #[test]
    fn symbols_are_alphabetical() {
        let mut composition = Composition::default();
        composition.count(&[8, 20, 22, 8, 8]);
        assert_eq!(composition.symbols().collect::<Vec<_>>(), ["Ca", "O", "Ti"]);
    }
}
