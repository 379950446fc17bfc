//! The space group of a crystal, found from its cell and sites.

use moyo::MoyoDataset;
use moyo::base::{Cell, Lattice};

use crate::structure::Structure;

/// A space-group type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceGroup {
    /// Number in the International Tables, 1..=230.
    pub number: u16,
    /// Short Hermann-Mauguin symbol without blanks: `Fm-3m`.
    pub symbol: String,
}

impl SpaceGroup {
    /// Returns the crystal system (International Tables for Crystallography A, section 2.1.2).
    pub const fn crystal_system(&self) -> &'static str {
        match self.number {
            ..=2 => "triclinic",
            3..=15 => "monoclinic",
            16..=74 => "orthorhombic",
            75..=142 => "tetragonal",
            143..=167 => "trigonal",
            168..=194 => "hexagonal",
            195.. => "cubic",
        }
    }
}

/// Returns the space group of a crystal whose atoms are moved by at most `tolerance_angstrom`, by
/// [moyo](https://docs.rs/moyo); `None` if it finds none.
///
/// # Panics
/// moyo may panic on a degenerate cell.
pub fn space_group_of(structure: &Structure, tolerance_angstrom: f64) -> Option<SpaceGroup> {
    let positions = structure.fractional.iter().map(|site| (*site).into()).collect();
    let numbers = structure.atomic_numbers.iter().map(|&number| i32::from(number)).collect();
    let cell = Cell::new(Lattice::from_basis(structure.lattice), positions, numbers);
    let found = MoyoDataset::with_default(&cell, tolerance_angstrom).ok()?;
    let symbol = found.hall_symbol().hm_short.replace(' ', "");
    Some(SpaceGroup { number: u16::try_from(found.number).ok()?, symbol })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lattice: [[f64; 3]; 3], sites: &[(u8, [f64; 3])]) -> SpaceGroup {
        let structure = Structure {
            lattice,
            fractional: sites.iter().map(|site| site.1).collect(),
            atomic_numbers: sites.iter().map(|site| site.0).collect(),
        };
        space_group_of(&structure, 0.01).expect("a space group")
    }

    #[test]
    fn groups_are_those_of_the_textbook() {
        let cubic = [[4.12, 0.0, 0.0], [0.0, 4.12, 0.0], [0.0, 0.0, 4.12]];
        let chloride = found(cubic, &[(55, [0.0; 3]), (17, [0.5; 3])]);
        assert_eq!((chloride.number, &*chloride.symbol, chloride.crystal_system()), (221, "Pm-3m", "cubic"));
        // The primitive cell of face-centred copper.
        let half = 3.61 / 2.0;
        let primitive = [[0.0, half, half], [half, 0.0, half], [half, half, 0.0]];
        let copper = found(primitive, &[(29, [0.25; 3])]);
        assert_eq!((copper.number, &*copper.symbol), (225, "Fm-3m"));
        let skew = found(
            [[3.0, 0.0, 0.0], [0.4, 4.1, 0.0], [0.7, 0.9, 5.3]],
            &[(6, [0.1; 3]), (7, [0.4, 0.3, 0.9])],
        );
        assert_eq!((skew.number, skew.crystal_system()), (1, "triclinic"));
    }

    #[test]
    fn systems_begin_at_their_first_group() {
        let system = |number| SpaceGroup { number, symbol: String::new() }.crystal_system();
        let first = [1, 3, 16, 75, 143, 168, 195].map(system);
        assert_eq!(
            first,
            ["triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic"]
        );
        assert_eq!([2, 15, 74, 142, 167, 194, 230].map(system), first);
    }
}
