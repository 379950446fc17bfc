//! Properties that a store can hold beside the features: numbers, truth values and classes.
//!
//! A numeric property that a source publishes under one of the keys below is stored in the documented column. Any
//! other property is stored in the column that [`passthrough_column`] names, in the unit at the end of its key
//! ([`split_unit`]). To add a property, add a line to [`PROPERTIES`].
//!
//! * `column_name`: names of the columns without a definition
//! * `unit`: units at the end of keys, and their spellings
//! * `words`: names of columns for people

mod column_name;
mod unit;
mod words;

pub use column_name::passthrough_column;
pub use unit::{is_same_unit, split_unit};
pub use words::{title, words};

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

    /// Returns the unit of the numbers: that of the documented column, or else the one in the key. `None` if neither says
    /// one, for truth values and for classes.
    pub fn unit(&self) -> Option<&str> {
        match (self.kind, by_column(&self.column)) {
            (PropertyKind::Boolean | PropertyKind::Class, _) => None,
            (PropertyKind::Number, Some(documented)) => Some(documented.unit),
            (PropertyKind::Number | PropertyKind::SiteNumbers, _) => split_unit(&self.key).1,
        }
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
    property("band_gap_ev", "eV", "Band gap by the source's main functional (JARVIS: OptB88vdW; Materials Project and OQMD: PBE; the sample: experiment)", &["band_gap", "bandgap", "_oqmd_band_gap", "optb88vdw_bandgap", "matbench_mp_gap/gap pbe", "matbench_expt_gap/gap expt", "alexandria/band_gap_ind"]),
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
    fn numbers_have_the_unit_of_their_column_or_key() {
        let of = |column: &str, key: &str, kind| {
            let property = PropertyColumn { kind, ..PropertyColumn::number(column, key) };
            property.unit().map(str::to_owned)
        };
        let number = |column, key| of(column, key, PropertyKind::Number);
        assert_eq!(number("band_gap_ev", "gap expt").as_deref(), Some("eV"));
        assert_eq!(number("refractive_index", "n").as_deref(), Some("1"));
        assert_eq!(number("e_coh_ev_atom", "E_coh (eV/atom)").as_deref(), Some("eV/atom"));
        assert_eq!(number("hardness", "hardness"), None);
        let of_gap = |kind| of("gap_ev", "gap (eV)", kind);
        assert_eq!(of_gap(PropertyKind::SiteNumbers).as_deref(), Some("eV"));
        assert_eq!([PropertyKind::Boolean, PropertyKind::Class].map(of_gap), [None, None]);
    }
}
