//! Units: at the end of keys, and in several spellings.

/// Units in common use, without prefixes, in the spelling of [`plain`].
const UNITS: [&str; 31] = [
    "eV", "Pa", "bar", "K", "A", "Å", "m", "g", "mol", "J", "cal", "Ha", "Ry", "T", "B", "µB", "V", "W", "Ω",
    "S", "s", "Hz", "C", "F", "e", "%", "°", "deg", "atom", "cell", "fu",
];
/// Prefixes of units, in the spelling of [`plain`].
const PREFIXES: [&str; 11] = ["", "f", "p", "n", "µ", "u", "m", "c", "k", "M", "G"];
/// Brackets around a unit at the end of a key.
const BRACKETS: [(char, char); 2] = [('(', ')'), ('[', ']')];
/// Separator between a name and its unit.
const SLASH: &str = " / ";
/// Beginning of the unit of a logarithm.
pub(super) const LOGARITHM: &str = "log10(";

/// Splits a key into a name and a unit: `Eg (eV)`, `band_gap [eV]`, `gap / eV`. There is no unit if the brackets hold
/// something else, as in `gap (PBE)`.
pub fn split_unit(key: &str) -> (&str, Option<&str>) {
    let found = split_end(key).filter(|(name, unit)| !name.is_empty() && is_unit(unit));
    found.map_or((key, None), |(name, unit)| (name, Some(unit)))
}

/// Returns the text before the brackets or the slash at the end of a key, and that in or behind them.
fn split_end(key: &str) -> Option<(&str, &str)> {
    let key = key.trim();
    let bracketed = BRACKETS.iter().find_map(|(open, close)| key.strip_suffix(*close)?.rsplit_once(*open));
    let (name, unit) = bracketed.or_else(|| key.rsplit_once(SLASH))?;
    Some((name.trim_end_matches(['_', ' ']), unit.trim()))
}

/// Whether a text consists of units: `eV`, `meV/atom`, `g/cm^3`, `log10(GPa)`.
fn is_unit(text: &str) -> bool {
    let inner = text.strip_prefix(LOGARITHM).and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    has_units(&plain(inner), |word| is_one_unit(word) || word.eq_ignore_ascii_case("ev"))
}

/// Whether the common spelling of a unit consists of units, or of their inverses alone.
fn has_units(plain: &str, is_one: impl Fn(&str) -> bool) -> bool {
    let inverse = plain.strip_prefix('/').unwrap_or(plain);
    let mut words = inverse.split('/').map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    !inverse.is_empty() && words.all(is_one)
}

/// Whether a word is one unit with or without a prefix, in its own case.
fn is_one_unit(word: &str) -> bool {
    PREFIXES.iter().any(|prefix| word.strip_prefix(prefix).is_some_and(|unit| UNITS.contains(&unit)))
}

/// Returns the common spelling of a unit: `eV/atom` for `eV per atom` and `eV atom^-1`.
fn plain(unit: &str) -> String {
    let unit = unit.replace(" per ", "/").replace('³', "3").replace('²', "2").replace("⁻¹", "-1");
    let unit = unit.replace(['^', '{', '}', '$'], "").replace('μ', "µ");
    // The signs of the units Å and Ω are other characters than the letters.
    let unit = unit.replace('\u{212b}', "Å").replace('\u{2126}', "Ω");
    let mut plain = String::with_capacity(unit.len());
    for word in unit.split([' ', '*', '·', '.']).filter(|word| !word.is_empty()) {
        match word.strip_suffix("-1") {
            Some(below) => plain.extend(["/", below]),
            None => plain.push_str(word),
        }
    }
    let plain = plain.replace("/atoms", "/atom");
    plain.strip_prefix("1/").map(|below| format!("/{below}")).unwrap_or(plain)
}

/// Whether two spellings denote the same unit: `eV/atom` and `eV per atom`, `g/cm³` and `g/cm^3`, the Greek letter μ and
/// the micro sign µ. Case is ignored, except for the prefixes m and M, and between two units in their own case such as pA and
/// Pa.
pub fn is_same_unit(one: &str, other: &str) -> bool {
    let (one, other) = (plain(one), plain(other));
    let prefix = |unit: &str| {
        let unit = unit.strip_prefix(LOGARITHM).unwrap_or(unit);
        unit.chars().next().filter(|first| matches!(first, 'm' | 'M'))
    };
    let is_exact = |unit: &str| has_units(unit, is_one_unit);
    let is_alike = one.eq_ignore_ascii_case(&other) && prefix(&one) == prefix(&other);
    one == other || (is_alike && !(is_exact(&one) && is_exact(&other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_told_from_other_remarks() {
        for (key, name, unit) in [
            ("Eg (eV)", "Eg", Some("eV")),
            ("E_coh (eV/atom)", "E_coh", Some("eV/atom")),
            ("band_gap [eV]", "band_gap", Some("eV")),
            ("band_gap_(meV)", "band_gap", Some("meV")),
            ("gap / eV", "gap", Some("eV")),
            ("E_f (eV per atom)", "E_f", Some("eV per atom")),
            ("rho (g/cm^3)", "rho", Some("g/cm^3")),
            ("K (log10(GPa))", "K (log10(GPa))", None),
            ("gap (PBE)", "gap (PBE)", None),
            ("log10(K_VRH)", "log10(K_VRH)", None),
            ("(eV)", "(eV)", None),
            ("gap", "gap", None),
            ("gap ()", "gap ()", None),
        ] {
            assert_eq!(split_unit(key), (name, unit), "{key}");
        }
    }

    #[test]
    fn units_have_several_spellings() {
        for (one, other, is_same) in [
            ("eV/atom", "eV per atom", true),
            ("eV/atom", "eV atom^-1", true),
            ("g/cm3", "g/cm³", true),
            ("µB", "μB", true),
            ("log10(GPa)", "log10( GPa )", true),
            ("eV", "EV", true),
            ("GPa", "GPA", true),
            ("1/cm", "cm^-1", true),
            ("Å", "\u{212b}", true),
            ("pA", "Pa", false),
            ("S", "s", false),
            ("meV", "eV", false),
            ("meV", "MeV", false),
            ("log10(mPa)", "log10(MPa)", false),
            ("GPa", "log10(GPa)", false),
            ("1", "", false),
        ] {
            assert_eq!(is_same_unit(one, other), is_same, "{one} {other}");
        }
    }
}
