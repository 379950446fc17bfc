//! Labels of sites that are the formula of a molecule or an ion, such as `NH4`, `H2O1` and `PO4`.
//!
//! In a file without type symbols such a label may stand for all atoms of the molecule. It may also count atoms: the
//! third cobalt in capitals is `CO3`, the second hydrogen of an oxygen `H2O`. Then others of its series are beside it,
//! `CO1` and `H1O`.

/// Formulas of molecules and ions that replace a site in published files. Water as `OH2` is not among them: the label of
/// its oxygen is as common.
const FORMULAS: [&[u8]; 41] = [
    b"H2O", b"D2O", b"H3O", b"NH2", b"NH3", b"NH4", b"ND4", b"CH2", b"CH3", b"CH4", b"CO2", b"CO3", b"C2O4",
    b"NO2", b"NO3", b"BO3", b"BO4", b"BH4", b"BF4", b"AlO4", b"SiO4", b"GeO4", b"PO3", b"PO4", b"PF6",
    b"AsO4", b"AsF6", b"SbF6", b"VO4", b"SO3", b"SO4", b"SeO3", b"SeO4", b"CrO4", b"MoO4", b"WO4", b"MnO4",
    b"ClO3", b"ClO4", b"BrO3", b"IO3",
];

/// Whether a label is one of [`FORMULAS`], also in capitals. Something other than letters and digits may follow the formula, as
/// in `NH4_1` and `PO4*`. Digits may follow one that ends with a letter: they number the site, as in `H2O1`.
pub(super) fn spells_molecule(label: &[u8]) -> bool {
    let stem = stem_of(label);
    if stem.iter().filter(|byte| byte.is_ascii_uppercase()).count() < 2 {
        return false;
    }
    let is_in_capitals = !stem.iter().any(u8::is_ascii_lowercase);
    FORMULAS.iter().any(|formula| {
        let Some((front, rest)) = stem.split_at_checked(formula.len()) else { return false };
        let is_same = front == *formula || (is_in_capitals && front.eq_ignore_ascii_case(formula));
        let takes_number = formula.last().is_some_and(u8::is_ascii_alphabetic);
        is_same && (rest.is_empty() || (takes_number && rest.iter().all(u8::is_ascii_digit)))
    })
}

/// Returns what labels that differ by their numbers alone have in common: `CO0` for `CO3` and `CO12`, `H0O0` for `H1O2`.
pub(super) fn series_of(label: &[u8]) -> Vec<u8> {
    let mut series = Vec::new();
    for &byte in stem_of(label) {
        let byte = if byte.is_ascii_digit() { b'0' } else { byte };
        if byte != b'0' || series.last() != Some(&b'0') {
            series.push(byte);
        }
    }
    series
}

/// Returns the first letters and digits of a label, from a letter on.
fn stem_of(label: &[u8]) -> &[u8] {
    let start = label.iter().position(u8::is_ascii_alphabetic).unwrap_or(label.len());
    let label = &label[start..];
    let end = label.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(label.len());
    &label[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_molecules() {
        for label in [
            "H2O", "H2O1", "H2O12", "H2O_1", "(H2O)", "D2O", "H3O1", "NH4", "NH4_1", "NH4(1)", "(NH4)2",
            "NH3", "CH3", "CH2", "PO4", "PO4*", "CO3", "NO3", "SO4", "ClO4", "CLO4", "SiO4", "SIO4", "C2O4",
            "MnO4",
        ] {
            assert!(spells_molecule(label.as_bytes()), "{label}");
        }
    }

    #[test]
    fn labels_of_atoms() {
        for label in [
            "", "1", "H2", "H2A", "O2", "OH", "OH1", "OH2", "Ow1", "HO1", "H1O", "H1O1", "H2O3w", "H2OA",
            "Co3", "Po4", "No3", "Nh4", "CO1", "CO", "CO31", "PO41", "PO4A", "NH1", "CH1", "C3", "N4", "Si4",
            "SiO", "Sio4", "clo4", "P1O4", "X",
        ] {
            assert!(!spells_molecule(label.as_bytes()), "{label}");
        }
    }

    #[test]
    fn labels_of_one_series() {
        for (labels, series) in [
            ("CO3 CO1 CO12 CO3_1 (CO3)2", "CO0"),
            ("H1O2 H2O1 H12O3", "H0O0"),
            ("H2O H1O", "H0O"),
            ("CO", "CO"),
            ("Co3", "Co0"),
            ("CO1A", "CO0A"),
        ] {
            for label in labels.split(' ') {
                assert_eq!(series_of(label.as_bytes()), series.as_bytes(), "{label}");
            }
        }
    }
}
