//! Documented properties by the names and units of columns: `band_gap [eV]`, `Band gap (eV)`.

use schemas::property::{
    PROPERTIES, PropertyDefinition, by_column, documented_column, is_same_unit, passthrough_column,
    split_unit,
};

/// Ends of names that imply a unit per atom.
const PER_ATOM_ENDS: [&str; 2] = ["per_atom", "peratom"];

/// Signs between the words of a name.
const SEPARATORS: [char; 4] = [' ', '_', '-', '.'];

/// Unit of properties without one. A name that ends in it is another name, as `poisson_1`.
const DIMENSIONLESS: &str = "1";

/// Whether a key is a name of a property, regardless of case and of the signs between words. Any other sign makes another
/// quantity of it, as in `Δ band gap`, `σ(band gap)` and `-band_gap`.
fn has_name(property: &PropertyDefinition, name: &str) -> bool {
    let name = name.trim();
    let words = |name: &str| -> Vec<String> {
        name.split(SEPARATORS).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let wanted = words(name);
    !name.starts_with('-') && !name.ends_with('-') && property.keys.iter().any(|key| words(key) == wanted)
}

/// Returns the documented property of a key: by its name alone, or by its name and unit if the unit is that of the
/// property. A key in another unit is another column.
pub(crate) fn documented(qualifier: &str, key: &str) -> Option<&'static PropertyDefinition> {
    let named = |name: &str| {
        documented_column(qualifier, name)
            .or_else(|| PROPERTIES.iter().find(|property| has_name(property, name)))
    };
    if let (name, Some(unit)) = split_unit(key) {
        return named(name)
            .filter(|property| has_unit(property, name, unit))
            .or_else(|| of_column_name(name, unit));
    }
    named(key).or_else(|| {
        let (name, unit) = key.rsplit_once(SEPARATORS)?;
        named(name).filter(|property| property.unit != DIMENSIONLESS && has_unit(property, name, unit))
    })
}

/// Whether a unit is that of a property. Behind a name that says `per atom` it may leave the atom out.
fn has_unit(property: &PropertyDefinition, name: &str, unit: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(SEPARATORS, "_");
    let per_atom = PER_ATOM_ENDS.iter().any(|end| name.ends_with(end));
    is_same_unit(property.unit, unit)
        || (per_atom && property.unit.strip_suffix("/atom").is_some_and(|short| is_same_unit(short, unit)))
}

/// Returns the property whose column is called so, with the unit: `bulk modulus` in `GPa` is `bulk_modulus_gpa`.
fn of_column_name(name: &str, unit: &str) -> Option<&'static PropertyDefinition> {
    let name = name.trim();
    let is_plain = !name.starts_with('-')
        && !name.ends_with('-')
        && name.chars().all(|sign| sign.is_alphanumeric() || SEPARATORS.contains(&sign));
    if !is_plain {
        return None;
    }
    let column = passthrough_column("", &format!("{name} {}", unit.replace('/', " per ")));
    by_column(&column).filter(|property| is_same_unit(property.unit, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_documented_property_has_its_unit_or_none() {
        for (key, column) in [
            ("band_gap", Some("band_gap_ev")),
            ("band_gap (eV)", Some("band_gap_ev")),
            ("Band gap [EV]", Some("band_gap_ev")),
            ("_Band-gap. (eV)", Some("band_gap_ev")),
            ("Log10(K_VRH) [log10(GPa)]", Some("log10_bulk_modulus_vrh_gpa")),
            ("Δ band gap (eV)", None),
            ("Δbulk_modulus_vrh (GPa)", None),
            ("σ(band gap) [eV]", None),
            ("±band_gap (eV)", None),
            ("-formation_energy_per_atom (eV/atom)", None),
            ("- band gap (eV)", None),
            ("\u{2212}band gap (eV)", None),
            ("带 band gap (eV)", None),
            ("带隙 (eV)", None),
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
            ("Band gap", Some("band_gap_ev")),
            ("formation energy per atom", Some("formation_energy_ev_per_atom")),
            ("bandgap_eV", Some("band_gap_ev")),
            ("Bandgap eV", Some("band_gap_ev")),
            ("bandgap_meV", None),
            ("bandgap_1", None),
            ("poisson_1", None),
            ("formation_energy_per_atom_eV", Some("formation_energy_ev_per_atom")),
            ("formation energy (eV/atom)", Some("formation_energy_ev_per_atom")),
            ("formation energy (meV/atom)", None),
            ("bulk modulus (GPa)", Some("bulk_modulus_gpa")),
            ("bulk modulus (kbar)", None),
            ("Exfoliation energy (MeV / atom)", None),
            ("Δ bulk modulus (GPa)", None),
            ("-bandgap_eV", None),
            ("σ band gap", None),
            ("band gap +/- (eV)", None),
            ("band gap - (eV)", None),
            ("|band gap| (eV)", None),
            ("band gap* (eV)", None),
            ("gap_PBE", None),
            ("gap_expt", None),
            ("Formation energy per atom (eV)", Some("formation_energy_ev_per_atom")),
        ] {
            assert_eq!(documented("labels", key).map(|property| property.column), column, "{key}");
        }
    }
}
