//! Interpretation of type symbols and site labels as chemical elements.

use crate::element::atomic_number_of;

/// Atomic number of einsteinium, the heaviest element that has been produced in weighable amounts.
const LAST_WEIGHED: u8 = 99;

/// The species on a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Species {
    /// A chemical element, by atomic number.
    Element(u8),
    /// A dummy site without an atom.
    Dummy,
    /// A symbol that is not that of an element.
    Unknown,
}

/// Returns the species of a type symbol: `Fe`, `FE`, `Fe3+`, `O2-`, `O-2`, `D`, `Cval`, `Ow`.
///
/// The letters at the front are the symbol. Digits, signs and the like after them denote a charge, which is ignored.
pub(super) fn of_type_symbol(symbol: &[u8]) -> Species {
    let letters = symbol.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(symbol.len());
    let (name, rest) = symbol.split_at(letters);
    if !rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'(' | b')' | b' ' | b'*')) {
        return Species::Unknown;
    }
    // Functional groups, which are not the elements No, Nh and Cn. Others may be meant for an element: see
    // [`is_group`].
    if matches!(name, b"NO" | b"NH" | b"CN") {
        return Species::Unknown;
    }
    if let Some(number) = atomic_number_of(name) {
        return Species::Element(number);
    }
    if is_dummy(name) {
        return Species::Dummy;
    }
    // Scattering factors of valence electrons (International Tables), and the atoms of a water molecule.
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

/// Functional groups whose letters are also those of an element that crystals are made of, in capitals.
const GROUPS: [[u8; 2]; 2] = [*b"HO", *b"CO"];

/// Whether a type symbol in capitals is that of a functional group, such as `HO`: the label of its site begins with one
/// of the group's elements, and not with that of the symbol as in `HO1`. A capital behind the C makes the label a name,
/// so that `CAT1` of the type `CO` is a site of cobalt.
pub(super) fn is_group(symbol: &[u8], label: &[u8]) -> bool {
    let Some(group) = GROUPS.iter().find(|group| group[..] == *symbol) else { return false };
    let start = label.iter().position(|byte| byte.is_ascii_alphabetic()).unwrap_or(label.len());
    let label = &label[start..];
    let is_symbol = label.get(..group.len()).is_some_and(|start| start.eq_ignore_ascii_case(group));
    let second = label.get(1).filter(|second| second.is_ascii_alphabetic());
    let is_name = second.is_some_and(|second| second.is_ascii_lowercase() || label.starts_with(b"C"));
    let is_element = |first: &u8| !is_name && group.contains(first);
    !is_symbol && label.first().is_some_and(is_element)
}

/// Words at the start of labels that are never an element, in either case: water, a vacancy, a cation, the rare
/// earths.
const WORDS: [&[u8]; 4] = [b"wat", b"vac", b"cat", b"ree"];

/// Words at the start of labels that are not an element in this case. In capitals they are an element followed by the
/// name of its site, as in `VA1`.
const SMALL_WORDS: [&[u8]; 10] =
    [b"Va", b"Tet", b"Oct", b"Hal", b"Alk", b"Gas", b"Int", b"Cent", b"Site", b"Void"];

/// Abbreviations in capitals for a rare earth, a transition metal and a vacancy. Each denotes the given element
/// instead if the sum formula contains it.
const ABBREVIATIONS: [(&[u8], u8); 3] = [(b"RE", 75), (b"TM", 69), (b"VA", 23)];

/// Elements with one letter that form a mixture after another element, as in `NaK1`. Other letters there name a site.
const SECOND_OF_MIXTURE: &[u8] = b"FIKPSUVW";

/// Characters that separate the elements of a mixture: `Fe/Ni1`, `(Fe,Mg)`.
const MIXING: &[u8] = b",/|&;";

/// Elements whose site labels may include the name of an organic group, as in `CMe1` (methyl carbon) and `OAc2`
/// (acetate oxygen).
const ORGANIC: [u8; 4] = [1, 6, 7, 8];

/// Elements whose site labels may continue in small letters, as in `Ow` and `Hw` (water) and `Obr` (bridging oxygen).
const OF_WATER: [u8; 2] = [1, 8];

/// Returns the species of a label, for sites without a type symbol: `Fe1`, `O1A`, `Cl2`, `CA1`, `(Na1)`.
///
/// The symbol is the first two letters if they are an element, or else the first letter, as in other CIF readers. If
/// the second letter is a capital, as in `HO1` and `CA1`, the sum formula decides between the two, and elements that
/// exist only in traces are excluded (`NO1`, `CN1`). Capitals after the symbol name the site. Small letters after it
/// make the label a word (`Va1`, `Cat1`), unless the element is oxygen or hydrogen or occurs in the formula. A second
/// element makes the site a mixture (`AlSi1`). Labels that may be molecules are told apart before, by
/// [`super::molecule`].
pub(super) fn of_label(label: &[u8], formula: Elements) -> Species {
    let start = label.iter().position(|byte| byte.is_ascii_alphabetic()).unwrap_or(label.len());
    let label = &label[start..];
    let letters = label.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(label.len());
    let (name, rest) = label.split_at(letters);
    if is_dummy(name) {
        return Species::Dummy;
    }
    let one = name.get(..1).and_then(of_letters_not_tritium);
    let two = name.get(..2).and_then(atomic_number_of);
    let is_capital = |at: usize| name.get(at).is_some_and(u8::is_ascii_uppercase);
    let element = match (one, two) {
        (Some(one), Some(two)) if is_capital(1) => {
            Some(if two > LAST_WEIGHED || (formula.has(one) && !formula.has(two)) { one } else { two })
        }
        (one, two) => two.or(one),
    };
    let Some(element) = element else { return Species::Unknown };
    let suffix = &name[if two == Some(element) { 2 } else { 1 }..];
    if is_word(name, formula)
        || !names_site(element, suffix, formula)
        || is_mixture(element, suffix, rest, formula)
    {
        return Species::Unknown;
    }
    Species::Element(element)
}

/// Whether a label begins with two letters that are an element of the formula, while the first letter alone is none:
/// the label `CO3` in a file with the formula Co3 O4.
pub(super) fn is_of_two_letters(label: &[u8], formula: Elements) -> bool {
    let name = label.split(|byte| !byte.is_ascii_alphabetic()).find(|letters| !letters.is_empty());
    let Some(name) = name.filter(|name| name.len() == 2) else { return false };
    let is_in_formula = |letters: &[u8]| atomic_number_of(letters).is_some_and(|number| formula.has(number));
    is_in_formula(name) && !is_in_formula(&name[..1])
}

/// Whether the species of a label may depend on the sum formula.
pub(super) fn needs_formula(label: &[u8]) -> bool {
    let is_open = |letters: &[u8]| {
        letters.len() > 1 && letters[1].is_ascii_uppercase() && atomic_number_of(&letters[..2]).is_some()
    };
    let letters = label.split(|byte| !byte.is_ascii_alphabetic()).find(|letters| !letters.is_empty());
    letters.is_some_and(is_open)
        || of_label(label, Elements::default()) != of_label(label, Elements(u128::MAX))
}

/// Whether the letters at the front of a label are a word rather than a symbol.
fn is_word(name: &[u8], formula: Elements) -> bool {
    let starts = |word: &[u8]| name.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word));
    WORDS.iter().any(|word| starts(word))
        || SMALL_WORDS.iter().any(|word| name.starts_with(word))
        || ABBREVIATIONS.iter().any(|&(letters, element)| name.starts_with(letters) && !formula.has(element))
}

/// Whether the letters after a symbol may name the site of the element.
fn names_site(element: u8, suffix: &[u8], formula: Elements) -> bool {
    match suffix.iter().position(|byte| !byte.is_ascii_lowercase()).unwrap_or(suffix.len()) {
        0 => true,
        1 => OF_WATER.contains(&element) || formula.has(element),
        2 => OF_WATER.contains(&element),
        _ => false,
    }
}

/// Whether a label names a second element after the first one.
fn is_mixture(element: u8, suffix: &[u8], rest: &[u8], formula: Elements) -> bool {
    let mixing = rest.iter().position(|byte| MIXING.contains(byte));
    if mixing.is_some_and(|at| rest[at..].iter().any(u8::is_ascii_alphabetic)) {
        return true;
    }
    let is_organic = ORGANIC.contains(&element);
    let is_other = |letters: &[u8]| {
        let symbol = match letters {
            [first] => {
                let may_mix =
                    SECOND_OF_MIXTURE.contains(first) && (!is_organic || (element, *first) == (8, b'F'));
                return may_mix && of_letters_not_tritium(letters).is_some_and(|other| formula.has(other));
            }
            [first, second, next @ ..] if first.is_ascii_uppercase() => {
                if next.first().is_some_and(u8::is_ascii_lowercase) {
                    return false;
                }
                (atomic_number_of(&[*first, *second]), second.is_ascii_lowercase())
            }
            _ => return false,
        };
        let (Some(other), is_symbol) = symbol else { return false };
        other != element && !is_organic && (is_symbol || formula.has(other))
    };
    let runs = rest
        .split(|byte| !byte.is_ascii_alphabetic())
        .filter(|run| run.len() == 2 && run[1].is_ascii_lowercase());
    [suffix].into_iter().filter(|suffix| !suffix.is_empty()).chain(runs).any(is_other)
}

/// Returns the element of the letters. A label `T1` is a tetrahedral site of a framework, not tritium.
fn of_letters_not_tritium(letters: &[u8]) -> Option<u8> {
    if letters.eq_ignore_ascii_case(b"t") { None } else { atomic_number_of(letters) }
}

fn is_dummy(name: &[u8]) -> bool {
    [b"x".as_slice(), b"du", b"dum", b"dummy"].iter().any(|dummy| name.eq_ignore_ascii_case(dummy))
}

/// The elements of a sum formula such as `C10 H24 Br Cl2`; empty if there is no formula.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Elements(u128);

impl Elements {
    /// Collects the elements of a formula.
    pub(super) fn of_formula(formula: &[u8]) -> Self {
        let symbols = formula.split(|byte| !byte.is_ascii_alphabetic());
        Self(symbols.filter_map(atomic_number_of).fold(0, |set, number| set | 1 << number))
    }

    /// Whether the formula contains the element.
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
    fn groups() {
        for (symbol, label, expected) in [
            ("HO", "O1", true),
            ("HO", "H1", true),
            ("HO", "OH1", true),
            ("CO", "C1", true),
            ("HO", "HO1", false),
            ("HO", "Ho1", false),
            ("HO", "(Ho1)", false),
            ("HO", "M1", false),
            ("HO", "", false),
            ("HO", "Os1", false),
            ("Ho", "O1", false),
            ("CO", "O1", true),
            ("CO", "OA1", true),
            ("CO", "CO1", false),
            ("CO", "CAT1", false),
            ("CO", "(CA1)", false),
            ("CU", "C1", false),
        ] {
            assert_eq!(is_group(symbol.as_bytes(), label.as_bytes()), expected, "{symbol} {label}");
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
            ("REE1", None, Unknown),
            ("Ree", None, Unknown),
            ("RE1", None, Unknown),
            ("RE1", Some("Re O3"), Element(75)),
            ("Re1", None, Element(75)),
            ("TM1", None, Unknown),
            ("Tm1", None, Element(69)),
            ("Va1", None, Unknown),
            ("Va1", Some("V O2"), Unknown),
            ("VA1", None, Unknown),
            ("VA1", Some("V O2"), Element(23)),
            ("Vac1", None, Unknown),
            ("VAC", Some("V O2"), Unknown),
            ("V1", None, Element(23)),
            ("Cat1", None, Unknown),
            ("CatA1", Some("Ca O"), Unknown),
            ("Cation", None, Unknown),
            ("Me1", None, Unknown),
            ("LN1", None, Unknown),
            ("Ln1", None, Unknown),
            ("An1", None, Unknown),
            ("Anion1", None, Unknown),
            ("Site1", None, Unknown),
            ("Oct1", None, Unknown),
            ("AlSi1", None, Unknown),
            ("FeNi", None, Unknown),
            ("KNa1", None, Unknown),
            ("NaK1", Some("Na K O"), Unknown),
            ("NaK1", None, Element(11)),
            ("Fe/Ni1", None, Unknown),
            ("(Fe,Mg)1", None, Unknown),
            ("Fe0.5Mg0.5", None, Unknown),
            ("Fe_Ni", None, Unknown),
            ("AlM1", None, Element(13)),
            ("AlY1", Some("Al3 B Si O5"), Element(13)),
            ("SiT1", None, Element(14)),
            ("FeOct1", None, Element(26)),
            ("Fea1", None, Unknown),
            ("Fea1", Some("Fe2 O3"), Element(26)),
            ("OH2", None, Element(8)),
            ("OH", None, Element(8)),
            ("Ow1", None, Element(8)),
            ("OW1", None, Element(8)),
            ("Hw1", None, Element(1)),
            ("Obr1", None, Element(8)),
            ("O-H", None, Element(8)),
            ("OAc1", None, Element(8)),
            ("CMe1", Some("C8 H10"), Element(6)),
            ("OF1", Some("O F Na"), Unknown),
            ("Fe_1", None, Element(26)),
            ("Si1a", None, Element(14)),
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
