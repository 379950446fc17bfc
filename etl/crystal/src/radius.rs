//! Covalent radii of the elements.

use crate::element::SYMBOLS;

/// Covalent radii in Å by atomic number, up to curium, from Cordero et al., Dalton Trans. 2008, 2832
/// (<https://doi.org/10.1039/b801115j>). For carbon the sp³ radius is used, and for manganese, iron and cobalt the
/// low-spin radii. Index 0 is unused.
#[rustfmt::skip]
const CORDERO_ANGSTROM: [f64; 97] = [
    0.00,
    0.31, 0.28,
    1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58,
    1.66, 1.41, 1.21, 1.11, 1.07, 1.05, 1.02, 1.06,
    2.03, 1.76, 1.70, 1.60, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.20, 1.19, 1.20, 1.20, 1.16,
    2.20, 1.95, 1.90, 1.75, 1.64, 1.54, 1.47, 1.46, 1.42, 1.39, 1.45, 1.44, 1.42, 1.39, 1.39, 1.38, 1.39, 1.40,
    2.44, 2.15,
    2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96, 1.94, 1.92, 1.92, 1.89, 1.90, 1.87, 1.87,
    1.75, 1.70, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32, 1.45, 1.46, 1.48, 1.40, 1.50, 1.50,
    2.60, 2.21,
    2.15, 2.06, 2.00, 1.96, 1.90, 1.87, 1.80, 1.69,
];

/// Radius in Å of the elements beyond curium, for which there are no data. It is that of curium.
const BEYOND_CURIUM_ANGSTROM: f64 = 1.69;

/// Covalent radius in Å of every element by atomic number. Index 0 is the placeholder of [`SYMBOLS`] and has radius
/// 0.
pub const COVALENT_RADII_ANGSTROM: [f64; SYMBOLS.len()] = table();

const fn table() -> [f64; SYMBOLS.len()] {
    let mut radii = [BEYOND_CURIUM_ANGSTROM; SYMBOLS.len()];
    let mut number = 0;
    while number < CORDERO_ANGSTROM.len() {
        radii[number] = CORDERO_ANGSTROM[number];
        number += 1;
    }
    radii
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::atomic_number;

    #[test]
    fn radii_stand_at_their_elements() {
        let published = [
            ("H", 0.31),
            ("He", 0.28),
            ("C", 0.76),
            ("O", 0.66),
            ("Ar", 1.06),
            ("K", 2.03),
            ("Fe", 1.32),
            ("Kr", 1.16),
            ("Xe", 1.40),
            ("Cs", 2.44),
            ("La", 2.07),
            ("Lu", 1.87),
            ("Hf", 1.75),
            ("Pb", 1.46),
            ("Rn", 1.50),
            ("Fr", 2.60),
            ("U", 1.96),
            ("Cm", 1.69),
            ("Bk", BEYOND_CURIUM_ANGSTROM),
            ("Og", BEYOND_CURIUM_ANGSTROM),
        ];
        for (symbol, radius) in published {
            let number = usize::from(atomic_number(symbol).expect("an element"));
            assert_eq!(COVALENT_RADII_ANGSTROM[number], radius, "{symbol}");
        }
        assert!(COVALENT_RADII_ANGSTROM[1..].iter().all(|radius| (0.28..=2.6).contains(radius)));
    }
}
