//! Properties that a store can hold beside the features: numbers, truth values and classes.
//!
//! A numeric property that a source publishes under one of the keys below is stored in the documented column. Any
//! other property is stored in the column that [`passthrough_column`] names. To add a property, add a line to
//! [`PROPERTIES`].

/// What the values of a property column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKind {
    /// Numbers: a nullable double.
    Number,
    /// Truth values: a nullable double, 1 for true and 0 for false.
    Boolean,
    /// Names of classes: a nullable text.
    Class,
    /// A number of every site: a nullable list of doubles in the order of the sites.
    SiteNumbers,
}

/// A property column of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyColumn {
    /// Name of the column in the store.
    pub column: String,
    /// Key of the property in its source or label table.
    pub key: String,
    /// What its values are.
    pub kind: PropertyKind,
}

impl PropertyColumn {
    /// Creates a column of numbers.
    pub fn number(column: impl Into<String>, key: impl Into<String>) -> Self {
        Self { column: column.into(), key: key.into(), kind: PropertyKind::Number }
    }
}

/// A documented property column: a nullable double.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PropertyDefinition {
    /// Name of the column, with its unit.
    pub column: &'static str,
    /// Unit; `1` for dimensionless properties.
    pub unit: &'static str,
    /// Description of the property.
    pub description: &'static str,
    /// Names that sources publish the property under: `key`, or `task/key` where a task uses the key with another
    /// meaning.
    pub keys: &'static [&'static str],
}

/// Creates an entry of [`PROPERTIES`].
const fn property(
    column: &'static str,
    unit: &'static str,
    description: &'static str,
    keys: &'static [&'static str],
) -> PropertyDefinition {
    PropertyDefinition { column, unit, description, keys }
}

/// All properties with a documented column.
#[rustfmt::skip]
pub const PROPERTIES: &[PropertyDefinition] = &[
    property("formation_energy_ev_per_atom", "eV/atom", "Formation energy from the elements", &["formation_energy_per_atom", "formation_energy_peratom", "_oqmd_delta_e", "matbench_mp_e_form/e_form", "alexandria/e_form"]),
    property("formation_energy_ev_per_cell", "eV/cell", "Formation energy of the whole cell (MatBench perovskites)", &["matbench_perovskites/e_form"]),
    property("energy_above_hull_ev_per_atom", "eV/atom", "Distance to the convex hull; OQMD's stability may be negative", &["energy_above_hull", "e_above_hull", "ehull", "_oqmd_stability"]),
    property("total_energy_ev_per_atom", "eV/atom", "Total energy of the calculation", &["optb88vdw_total_energy", "energy_per_atom"]),
    property("band_gap_ev", "eV", "Band gap by the source's main functional (JARVIS: OptB88vdW; Materials Project and OQMD: PBE; the sample: experiment)", &["band_gap", "bandgap", "_oqmd_band_gap", "optb88vdw_bandgap", "gap pbe", "gap expt", "alexandria/band_gap_ind"]),
    property("band_gap_mbj_ev", "eV", "Band gap by the modified Becke-Johnson potential", &["mbj_bandgap"]),
    property("band_gap_hse_ev", "eV", "Band gap by the HSE06 hybrid functional", &["hse_gap"]),
    property("bulk_modulus_gpa", "GPa", "Bulk modulus by experiment (the sample)", &[]),
    property("bulk_modulus_vrh_gpa", "GPa", "Voigt-Reuss-Hill bulk modulus; values at or below zero occur in some sources", &["bulk_modulus_vrh", "K_VRH"]),
    property("shear_modulus_vrh_gpa", "GPa", "Voigt-Reuss-Hill shear modulus; values at or below zero occur in some sources", &["shear_modulus_vrh", "G_VRH"]),
    property("log10_bulk_modulus_vrh_gpa", "log10(GPa)", "Decimal logarithm of the Voigt-Reuss-Hill bulk modulus", &["log10(K_VRH)", "log10_K_VRH"]),
    property("log10_shear_modulus_vrh_gpa", "log10(GPa)", "Decimal logarithm of the Voigt-Reuss-Hill shear modulus", &["log10(G_VRH)", "log10_G_VRH"]),
    property("bulk_modulus_voigt_gpa", "GPa", "Voigt bulk modulus", &["bulk_modulus_kv"]),
    property("shear_modulus_voigt_gpa", "GPa", "Voigt shear modulus", &["shear_modulus_gv"]),
    property("exfoliation_energy_mev_per_atom", "meV/atom", "Energy to peel one layer off a layered crystal", &["exfoliation_energy", "exfoliation_en"]),
    property("refractive_index", "1", "Refractive index (MatBench dielectric)", &["matbench_dielectric/n"]),
    property("last_phdos_peak_per_cm", "1/cm", "Frequency of the last peak, that of the highest frequency, in the phonon density of states", &["last phdos peak"]),
    property("magnetic_moment_bohr", "µB", "Total magnetic moment of the cell", &["magmom_oszicar", "total_magnetization"]),
    property("poisson_ratio", "1", "Poisson's ratio", &["poisson"]),
    property("density_g_per_cm3", "g/cm³", "Mass density as published", &["density"]),
];

/// Returns the documented column for a source's key. It is the one that lists `qualifier/key` or `key`, or whose name
/// is the key itself. Returns `None` if there is none.
pub fn documented_column(qualifier: &str, key: &str) -> Option<&'static PropertyDefinition> {
    let qualified = |known: &str| {
        known.strip_prefix(qualifier).and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| rest == key)
    };
    PROPERTIES
        .iter()
        .find(|property| property.keys.iter().any(|known| qualified(known)))
        .or_else(|| PROPERTIES.iter().find(|property| property.column == key || property.keys.contains(&key)))
}

/// Returns the definition of a documented column, or `None` for other columns.
pub fn by_column(column: &str) -> Option<&'static PropertyDefinition> {
    PROPERTIES.iter().find(|property| property.column == column)
}

/// Returns the column for a property without a definition. The key is converted to lower case, and every run of
/// characters other than ASCII letters and digits becomes one underscore. A name that is empty or begins with a digit
/// gets the prefix `property_`. With a `prefix` (the name of a source), `epsx` of JARVIS becomes `jarvis_epsx`.
pub fn passthrough_column(prefix: &str, key: &str) -> String {
    let mut column = String::with_capacity(prefix.len() + key.len() + 1);
    for part in [prefix, key] {
        let words = part.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        for word in words {
            if !column.is_empty() {
                column.push('_');
            }
            column.push_str(&word.to_ascii_lowercase());
        }
    }
    if column.is_empty() || column.starts_with(|c: char| c.is_ascii_digit()) {
        column.insert_str(0, "property_");
    }
    column
}

/// Words of column names that are written in capitals: methods of calculation.
const CAPITALS: [&str; 3] = ["hse", "mbj", "vrh"];

/// Returns the name of a column in words, without its unit: `band gap MBJ` for `band_gap_mbj_ev` in `eV`. The unit may be
/// that of a logarithm, such as `log10(GPa)`.
pub fn words(column: &str, unit: &str) -> String {
    let unit = unit.strip_prefix("log10(").and_then(|unit| unit.strip_suffix(')')).unwrap_or(unit);
    // As columns have it: `ev_per_atom`, `per_cm`, `g_per_cm3`.
    let ending = match unit {
        "µB" => "bohr".to_owned(),
        unit => unit.to_lowercase().replace('³', "3").replace('/', "_per_").replace("1_per", "per"),
    };
    let name = column.strip_suffix(&ending).and_then(|name| name.strip_suffix('_'));
    let name = name.filter(|name| !name.is_empty()).unwrap_or(column);
    let word = |word: &str| if CAPITALS.contains(&word) { word.to_uppercase() } else { word.to_owned() };
    name.split('_').filter(|part| !part.is_empty()).map(word).collect::<Vec<_>>().join(" ")
}

/// Returns a name in words as a title, with a capital letter: `Band gap MBJ`.
pub fn title(column: &str, unit: &str) -> String {
    let words = words(column, unit);
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn columns_and_keys_are_unique() {
        let mut columns = HashSet::new();
        let mut keys = HashSet::new();
        for property in PROPERTIES {
            assert!(columns.insert(property.column), "column {} stands twice", property.column);
            for key in property.keys {
                assert!(keys.insert(*key), "key {key} stands twice");
            }
        }
    }

    #[test]
    fn a_qualified_key_wins() {
        let column = |task, key| documented_column(task, key).map(|property| property.column);
        assert_eq!(column("matbench_perovskites", "e_form"), Some("formation_energy_ev_per_cell"));
        assert_eq!(column("matbench_mp_e_form", "e_form"), Some("formation_energy_ev_per_atom"));
        assert_eq!(column("jarvis", "e_form"), None);
        assert_eq!(column("", "band_gap_ev"), Some("band_gap_ev"));
    }

    #[test]
    fn names_become_words_without_units() {
        for (column, unit, expected) in [
            ("formation_energy_ev_per_atom", "eV/atom", "Formation energy"),
            ("band_gap_mbj_ev", "eV", "Band gap MBJ"),
            ("bulk_modulus_vrh_gpa", "log10(GPa)", "Bulk modulus VRH"),
            ("last_phdos_peak_per_cm", "1/cm", "Last phdos peak"),
            ("magnetic_moment_bohr", "µB", "Magnetic moment"),
            ("density_g_per_cm3", "g/cm³", "Density"),
            ("poisson_ratio", "1", "Poisson ratio"),
            ("is_metal", "", "Is metal"),
            ("exfoliation energy", "meV/atom", "Exfoliation energy"),
            ("ev", "eV", "Ev"),
            ("", "", ""),
        ] {
            assert_eq!(title(column, unit), expected, "{column}");
        }
    }

    #[test]
    fn other_keys_pass_through_under_a_plain_name() {
        assert_eq!(passthrough_column("jarvis", "n-Seebeck"), "jarvis_n_seebeck");
        assert_eq!(passthrough_column("", "300K mass"), "property_300k_mass");
        assert_eq!(passthrough_column("", "α"), "property_");
    }
}
