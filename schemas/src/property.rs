//! Properties that a store can hold beside the features: numbers, truth values and classes.
//!
//! A numeric property that a source publishes under one of the keys below is stored in the documented column. Any
//! other property is stored in the column that [`passthrough_column`] names, in the unit at the end of its key
//! ([`split_unit`]). To add a property, add a line to [`PROPERTIES`].

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

/// Returns the column for a property without a definition. Letters and digits of the key are converted to lower case,
/// and every run of other characters becomes one underscore. A name that is empty or begins with a digit gets the prefix
/// `property_`. With a `prefix` (the name of a source), `epsx` of JARVIS becomes `jarvis_epsx`.
///
/// Signs of units and Greek letters are spelled in ASCII: `gap (µeV)` becomes `gap_uev`, `Δ gap` `delta_gap`. So are
/// signs that make another quantity of it: `±gap` becomes `plus_minus_gap`, and `-gap` `minus_gap`. Letters of other
/// scripts stay.
pub fn passthrough_column(prefix: &str, key: &str) -> String {
    let mut column = String::with_capacity(prefix.len() + key.len() + 1);
    for part in [prefix, key] {
        if has_minus(part) {
            begin_word(&mut column);
            column.push_str("minus");
        }
        let mut is_inside = false;
        for sign in part.chars() {
            if let Some(word) = word_of_sign(sign) {
                begin_word(&mut column);
                column.push_str(word);
                is_inside = false;
                continue;
            }
            let letters = letters_of_sign(sign);
            if letters.is_none() && !sign.is_alphanumeric() {
                is_inside = false;
                continue;
            }
            if !is_inside {
                begin_word(&mut column);
                is_inside = true;
            }
            match letters {
                Some(letters) => column.push_str(letters),
                // The lower case of a letter may have a mark of its own, which is none.
                None => column.extend(sign.to_lowercase().filter(|letter| letter.is_alphanumeric())),
            }
        }
    }
    if column.is_empty() || column.starts_with(char::is_numeric) {
        column.insert_str(0, "property_");
    }
    column
}

/// Separates the next word of a column's name from the ones before.
fn begin_word(column: &mut String) {
    if !column.is_empty() {
        column.push('_');
    }
}

/// Whether a key begins with a minus sign, which makes another quantity of the words behind it.
fn has_minus(key: &str) -> bool {
    let rest = key.trim_start().strip_prefix(['-', '\u{2212}']);
    rest.is_some_and(|rest| rest.trim_start_matches([' ', '(']).starts_with(char::is_alphanumeric))
}

/// Returns the letters that stand for a sign in a word, as for those of units: `uev` for `µeV`, `cm3` for `cm³`.
fn letters_of_sign(sign: char) -> Option<&'static str> {
    Some(match sign {
        // The micro sign and the Greek letter.
        '\u{b5}' | '\u{3bc}' => "u",
        // The letter and the sign of the unit, as also of the ohm.
        '\u{c5}' | '\u{212b}' => "angstrom",
        '\u{3a9}' | '\u{2126}' => "ohm",
        '°' => "deg",
        '⁰' | '₀' => "0",
        '¹' | '₁' => "1",
        '²' | '₂' => "2",
        '³' | '₃' => "3",
        '⁴' | '₄' => "4",
        '⁵' | '₅' => "5",
        '⁶' | '₆' => "6",
        '⁷' | '₇' => "7",
        '⁸' | '₈' => "8",
        '⁹' | '₉' => "9",
        _ => return None,
    })
}

/// Returns the word that stands for a sign: the name of a Greek letter, or `plus_minus`.
fn word_of_sign(sign: char) -> Option<&'static str> {
    Some(match sign {
        'Α' | 'α' => "alpha",
        'Β' | 'β' => "beta",
        'Γ' | 'γ' => "gamma",
        // The increment is another sign than the letter.
        'Δ' | 'δ' | '\u{2206}' => "delta",
        'Ε' | 'ε' | 'ϵ' => "epsilon",
        'Ζ' | 'ζ' => "zeta",
        'Η' | 'η' => "eta",
        'Θ' | 'θ' | 'ϑ' => "theta",
        'Ι' | 'ι' => "iota",
        'Κ' | 'κ' => "kappa",
        'Λ' | 'λ' => "lambda",
        // The small letter is that of units.
        'Μ' => "mu",
        'Ν' | 'ν' => "nu",
        'Ξ' | 'ξ' => "xi",
        'Ο' | 'ο' => "omicron",
        'Π' | 'π' => "pi",
        'Ρ' | 'ρ' | 'ϱ' => "rho",
        'Σ' | 'σ' | 'ς' => "sigma",
        'Τ' | 'τ' => "tau",
        'Υ' | 'υ' => "upsilon",
        'Φ' | 'φ' | 'ϕ' => "phi",
        'Χ' | 'χ' => "chi",
        'Ψ' | 'ψ' => "psi",
        'ω' => "omega",
        '±' => "plus_minus",
        _ => return None,
    })
}

/// Units in common use, without prefixes.
const UNITS: [&str; 33] = [
    "eV", "Pa", "bar", "K", "A", "Å", "m", "g", "mol", "J", "cal", "Ha", "Ry", "T", "B", "µB", "μB", "V",
    "W", "Ω", "S", "s", "Hz", "C", "F", "e", "%", "°", "deg", "atom", "cell", "fu", "f.u.",
];
/// Prefixes of units.
const PREFIXES: [&str; 12] = ["", "f", "p", "n", "µ", "μ", "u", "m", "c", "k", "M", "G"];
/// Brackets around a unit at the end of a key.
const BRACKETS: [(char, char); 2] = [('(', ')'), ('[', ']')];
/// Separator between a name and its unit.
const SLASH: &str = " / ";
/// Beginning of the unit of a logarithm.
const LOGARITHM: &str = "log10(";

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

/// Words of column names that are written in capitals: methods of calculation.
const CAPITALS: [&str; 3] = ["hse", "mbj", "vrh"];

/// Returns the name of a column in words, without its unit: `band gap MBJ` for `band_gap_mbj_ev` in `eV`. The unit may be
/// that of a logarithm, such as `log10(GPa)`.
pub fn words(column: &str, unit: &str) -> String {
    let unit = unit.strip_prefix("log10(").and_then(|unit| unit.strip_suffix(')')).unwrap_or(unit);
    // As documented columns have it: `ev_per_atom`, `per_cm`, `g_per_cm3`.
    let ending = match unit {
        "µB" => "bohr".to_owned(),
        unit => unit.to_lowercase().replace('³', "3").replace('/', "_per_").replace("1_per", "per"),
    };
    // As keys give it to their columns: `ev_atom`.
    let endings = [ending, passthrough_column("", unit)];
    let name = endings.iter().find_map(|ending| column.strip_suffix(ending.as_str())?.strip_suffix('_'));
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
            ("e_coh_ev_atom", "eV/atom", "E coh"),
            ("is_metal", "", "Is metal"),
            ("exfoliation energy", "meV/atom", "Exfoliation energy"),
            ("ev", "eV", "Ev"),
            ("", "", ""),
        ] {
            assert_eq!(title(column, unit), expected, "{column}");
        }
    }

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

    #[test]
    fn other_keys_pass_through_under_a_plain_name() {
        assert_eq!(passthrough_column("jarvis", "n-Seebeck"), "jarvis_n_seebeck");
        assert_eq!(passthrough_column("", "300K mass"), "property_300k_mass");
        assert_eq!(passthrough_column("", " - "), "property_");
        assert_eq!(passthrough_column("oqmd", "_oqmd_E--f."), "oqmd_oqmd_e_f");
    }

    #[test]
    fn signs_beyond_ascii_are_spelled_and_letters_stay() {
        for (key, expected) in [
            ("gap (µeV)", "gap_uev"),
            ("gap (\u{3bc}eV)", "gap_uev"),
            ("Seebeck (µV/K)", "seebeck_uv_k"),
            ("MAE (MeV)", "mae_mev"),
            ("force (eV/Å)", "force_ev_angstrom"),
            ("a (\u{212b})", "a_angstrom"),
            ("R (kΩ)", "r_kohm"),
            ("angle (°)", "angle_deg"),
            ("density (g/cm³)", "density_g_cm3"),
            ("k (cm⁻¹)", "k_cm_1"),
            ("带隙 (eV)", "带隙_ev"),
            ("形成能 (eV)", "形成能_ev"),
            ("Щель (eV)", "щель_ev"),
            ("Énergie", "énergie"),
            ("İ", "i"),
            ("α", "alpha"),
            ("ε∞", "epsilon"),
            ("Δ band gap (eV)", "delta_band_gap_ev"),
            ("Δbulk_modulus_vrh (GPa)", "delta_bulk_modulus_vrh_gpa"),
            ("σ(band gap) [eV]", "sigma_band_gap_ev"),
            ("±band_gap (eV)", "plus_minus_band_gap_ev"),
            ("-formation_energy_per_atom (eV/atom)", "minus_formation_energy_per_atom_ev_atom"),
            ("\u{2212} (gap)", "minus_gap"),
            ("--gap", "gap"),
            ("_-gap", "gap"),
            ("½ x", "property_½_x"),
        ] {
            let column = passthrough_column("", key);
            assert_eq!(column, expected, "{key}");
            assert_eq!(passthrough_column("", &column), expected, "{key}");
        }
        assert_eq!(passthrough_column("jarvis", "-εx"), "jarvis_minus_epsilon_x");
        assert_eq!(words("mae_uev", "µeV"), "mae");
    }
}
