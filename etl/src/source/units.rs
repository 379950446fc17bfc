//! Units in the headers of columns: `Eg (eV)`, `band_gap [eV]`, `gap / eV`.

use schemas::property::{PROPERTIES, PropertyDefinition, documented_column, passthrough_column};

/// Units in common use, without prefixes.
const UNITS: [&str; 32] = [
    "eV", "Pa", "bar", "K", "A", "Å", "m", "g", "mol", "J", "cal", "Ha", "Ry", "T", "B", "µB", "μB", "V",
    "W", "S", "s", "Hz", "C", "F", "e", "%", "°", "deg", "atom", "cell", "fu", "f.u.",
];
/// Prefixes of units.
const PREFIXES: [&str; 12] = ["", "f", "p", "n", "µ", "μ", "u", "m", "c", "k", "M", "G"];
/// Brackets around a unit at the end of a header.
const BRACKETS: [(char, char); 2] = [('(', ')'), ('[', ']')];
/// Separator between a name and its unit.
const SLASH: &str = " / ";
/// Ends of names that imply a unit per atom.
const PER_ATOM_ENDS: [&str; 2] = ["per_atom", "peratom"];

/// Splits a header into a name and a unit. There is no unit if the brackets hold something else, as in `gap (PBE)`.
pub(crate) fn split_unit(header: &str) -> (&str, Option<&str>) {
    let found = split_end(header).filter(|(name, unit)| !name.is_empty() && is_unit(unit));
    found.map_or((header, None), |(name, unit)| (name, Some(unit)))
}

fn split_end(header: &str) -> Option<(&str, &str)> {
    let header = header.trim();
    let bracketed = BRACKETS.iter().find_map(|(open, close)| header.strip_suffix(*close)?.rsplit_once(*open));
    let (name, unit) = bracketed.or_else(|| header.rsplit_once(SLASH))?;
    Some((name.trim_end_matches(['_', ' ']), unit.trim()))
}

/// Whether a text consists of units: `eV`, `meV/atom`, `g/cm^3`, `log10(GPa)`.
fn is_unit(text: &str) -> bool {
    let inner = text.strip_prefix("log10(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    let is_one = |word: &str| {
        PREFIXES.iter().any(|prefix| word.strip_prefix(prefix).is_some_and(|unit| UNITS.contains(&unit)))
    };
    let plain = plain(inner);
    let mut words = plain.split('/').map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    !plain.is_empty() && words.all(|word| is_one(word) || word.eq_ignore_ascii_case("ev"))
}

/// Returns the common spelling of a unit: `eV/atom` for `eV per atom` and `eV atom^-1`.
fn plain(unit: &str) -> String {
    let unit = unit.replace(" per ", "/").replace('³', "3").replace('²', "2").replace("⁻¹", "-1");
    let unit = unit.replace(['^', '{', '}', '$'], "").replace('μ', "µ");
    let mut plain = String::with_capacity(unit.len());
    for word in unit.split([' ', '*', '·', '.']).filter(|word| !word.is_empty()) {
        match word.strip_suffix("-1") {
            Some(below) => plain.extend(["/", below]),
            None => plain.push_str(word),
        }
    }
    plain.replace("/atoms", "/atom")
}

/// Whether two units are equal. Case is ignored, except for the prefixes m and M.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (plain(one), plain(other));
    let prefix = |unit: &str| unit.chars().next().filter(|first| matches!(first, 'm' | 'M'));
    one.eq_ignore_ascii_case(&other) && prefix(&one) == prefix(&other)
}

/// Whether a key is a name of a property, regardless of case and punctuation.
fn has_name(property: &PropertyDefinition, name: &str) -> bool {
    let name = passthrough_column("", name);
    property.keys.iter().any(|key| passthrough_column("", key) == name)
}

/// Returns the documented property of a key: by its name alone, or by its name and unit if the unit is that of the
/// property. A key in another unit is another column.
pub(crate) fn documented(qualifier: &str, key: &str) -> Option<&'static PropertyDefinition> {
    if let Some(property) = documented_column(qualifier, key) {
        return Some(property);
    }
    let (name, unit) = split_unit(key);
    let unit = unit?;
    let property = documented_column(qualifier, name)
        .or_else(|| PROPERTIES.iter().find(|property| has_name(property, name)))?;
    let per_atom = PER_ATOM_ENDS.iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    let fits = is_same(property.unit, unit)
        || (per_atom && property.unit.strip_suffix("/atom").is_some_and(|short| is_same(short, unit)));
    fits.then_some(property)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_told_from_other_remarks() {
        for (header, name, unit) in [
            ("Eg (eV)", "Eg", Some("eV")),
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
            assert_eq!(split_unit(header), (name, unit), "{header}");
        }
    }

    #[test]
    fn a_documented_property_has_its_unit_or_none() {
        for (key, column) in [
            ("band_gap", Some("band_gap_ev")),
            ("band_gap (eV)", Some("band_gap_ev")),
            ("Band gap [EV]", Some("band_gap_ev")),
            ("band_gap (meV)", None),
            ("band_gap (PBE)", None),
            ("K_VRH (GPa)", Some("bulk_modulus_vrh_gpa")),
            ("K_VRH (kbar)", None),
            ("log10(K_VRH)", Some("log10_bulk_modulus_vrh_gpa")),
            ("formation_energy_per_atom (eV)", Some("formation_energy_ev_per_atom")),
            ("formation_energy_per_atom (eV/atom)", Some("formation_energy_ev_per_atom")),
            ("exfoliation_energy (meV/atom)", Some("exfoliation_energy_mev_per_atom")),
            ("exfoliation_energy (MeV/atom)", None),
            ("density (g cm^-3)", None),
            ("density (g/cm3)", Some("density_g_per_cm3")),
            ("Eg (eV)", None),
        ] {
            assert_eq!(documented("labels", key).map(|property| property.column), column, "{key}");
        }
    }
}
