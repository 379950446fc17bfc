//! Which element a site's type symbol or label means.

use crate::element::atomic_number_of;

/// Heaviest element of which crystals have been made and weighed: einsteinium.
const LAST_WEIGHED: u8 = 99;

/// What stands on a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Species {
    /// An element, by atomic number.
    Element(u8),
    /// Nothing: a placeholder that holds no electrons.
    Dummy,
    /// A symbol no element has.
    Unknown,
}

/// Species of a type symbol: `Fe`, `FE`, `Fe3+`, `O2-`, `O-2`, `D`, `Cval`, `Ow`.
///
/// The letters at the front are the symbol; digits, signs and the like after them give a charge, which is dropped.
pub(super) fn of_type_symbol(symbol: &[u8]) -> Species {
    let letters = symbol.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(symbol.len());
    let (name, rest) = symbol.split_at(letters);
    if !rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'(' | b')' | b' ' | b'*')) {
        return Species::Unknown;
    }
    // Groups of atoms, not the elements No, Nh and Cn.
    if matches!(name, b"NO" | b"NH" | b"CN") {
        return Species::Unknown;
    }
    if let Some(number) = atomic_number_of(name) {
        return Species::Element(number);
    }
    if is_dummy(name) {
        return Species::Dummy;
    }
    // Valence-electron scattering factors of the International Tables, and the atoms of a water molecule.
    let element = match name {
        [first, b'v', b'a', b'l'] | [first, b'v'] => atomic_number_of(&[*first]),
        [first, second, b'v', b'a', b'l'] | [first, second, b'v', b'a'] => {
            atomic_number_of(&[*first, *second])
        }
        b"Ow" | b"OW" => Some(8),
        b"Hw" | b"HW" => Some(1),
        _ => None,
    };
    element.map_or(Species::Unknown, Species::Element)
}

/// Species of a label where no type symbol is given: `Fe1`, `O1A`, `Cl2`, `CA1`, `(Na1)`.
///
/// Two letters are taken where they are an element, else one, as readers of CIFs commonly do. In `HO1` or `CA1`,
/// with a capital second letter, the sum formula decides where it has only the one; elements made in a few atoms
/// (`NO1`, `CN1`) are not meant so.
pub(super) fn of_label(label: &[u8], formula: Elements) -> Species {
    let start = label.iter().position(|byte| byte.is_ascii_alphabetic()).unwrap_or(label.len());
    let label = &label[start..];
    let letters = label.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(label.len());
    let name = &label[..letters];
    if is_dummy(name) {
        return Species::Dummy;
    }
    let one = name.get(..1).and_then(of_letters_not_tritium);
    let two = name.get(..2).and_then(atomic_number_of);
    let element = match (one, two) {
        (Some(one), Some(two)) if name.get(1).is_some_and(u8::is_ascii_uppercase) => {
            Some(if two > LAST_WEIGHED || (formula.has(one) && !formula.has(two)) { one } else { two })
        }
        (one, two) => two.or(one),
    };
    // Water molecules are labelled so: `Wat` is no tungsten.
    if name.len() >= 3 && name[..3].eq_ignore_ascii_case(b"wat") {
        return Species::Unknown;
    }
    element.map_or(Species::Unknown, Species::Element)
}

/// A label `T1` is a tetrahedral site of a framework, not tritium.
fn of_letters_not_tritium(letters: &[u8]) -> Option<u8> {
    if letters.eq_ignore_ascii_case(b"t") { None } else { atomic_number_of(letters) }
}

fn is_dummy(name: &[u8]) -> bool {
    [b"x".as_slice(), b"du", b"dum", b"dummy"].iter().any(|dummy| name.eq_ignore_ascii_case(dummy))
}

/// The elements of a sum formula, such as `C10 H24 Br Cl2`; none where there is no formula.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Elements(u128);

impl Elements {
    /// Elements of this formula.
    pub(super) fn of_formula(formula: &[u8]) -> Self {
        let symbols = formula.split(|byte| !byte.is_ascii_alphabetic());
        Self(symbols.filter_map(atomic_number_of).fold(0, |set, number| set | 1 << number))
    }

    /// Whether the formula has the element.
    fn has(self, number: u8) -> bool {
        self.0 & (1 << number) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::Species::{Dummy, Element, Unknown};
    use super::*;

    #[test]
    fn type_symbols() {
        for (symbol, species) in [
            ("Fe", Element(26)),
            ("FE", Element(26)),
            ("fe", Element(26)),
            ("Fe3+", Element(26)),
            ("Fe+3", Element(26)),
            ("Fe0+", Element(26)),
            ("O2-", Element(8)),
            ("O1-", Element(8)),
            ("O-2", Element(8)),
            ("D", Element(1)),
            ("T", Element(1)),
            ("H(1)", Element(1)),
            ("Cval", Element(6)),
            ("Sival", Element(14)),
            ("Ow", Element(8)),
            ("Co", Element(27)),
            ("CO", Element(27)),
            ("X", Dummy),
            ("Du", Dummy),
            ("Wat", Unknown),
            ("OH", Unknown),
            ("NO3", Unknown),
            ("NH4", Unknown),
            ("CN", Unknown),
            ("No", Element(102)),
            ("Q", Unknown),
            ("", Unknown),
            ("3+", Unknown),
            ("Fe/Ni", Unknown),
        ] {
            assert_eq!(of_type_symbol(symbol.as_bytes()), species, "{symbol}");
        }
    }

    #[test]
    fn labels() {
        for (label, formula, species) in [
            ("Fe1", None, Element(26)),
            ("O1A", None, Element(8)),
            ("OA1", None, Element(8)),
            ("Cl2", None, Element(17)),
            ("CA1", None, Element(20)),
            ("CA1", Some("C8 H10"), Element(6)),
            ("CA1", Some("C O3 Ca"), Element(20)),
            ("Ca1", Some("C8 H10"), Element(20)),
            ("HO1", Some("C8 H10 O2"), Element(1)),
            ("OH1", None, Element(8)),
            ("CN1", None, Element(6)),
            ("NO2", None, Element(7)),
            ("C1A", None, Element(6)),
            ("(Na1)", None, Element(11)),
            ("D12", None, Element(1)),
            ("Ac", None, Element(89)),
            ("T1", None, Unknown),
            ("Wat1", None, Unknown),
            ("M1", None, Unknown),
            ("1", None, Unknown),
            ("", None, Unknown),
            ("X1", None, Dummy),
            ("DUM2", None, Dummy),
        ] {
            let elements =
                formula.map(|formula| Elements::of_formula(formula.as_bytes())).unwrap_or_default();
            assert_eq!(of_label(label.as_bytes(), elements), species, "{label} {formula:?}");
        }
    }
}
