//! Names of columns in words.

use super::column_name::passthrough_column;
use super::unit::LOGARITHM;

/// Words of column names that are written in capitals: methods of calculation.
const CAPITALS: [&str; 3] = ["hse", "mbj", "vrh"];

/// Returns the name of a column in words, without its unit: `band gap MBJ` for `band_gap_mbj_ev` in `eV`. The unit may be
/// that of a logarithm, such as `log10(GPa)`.
pub fn words(column: &str, unit: &str) -> String {
    let unit = unit.strip_prefix(LOGARITHM).and_then(|unit| unit.strip_suffix(')')).unwrap_or(unit);
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
            ("mae_uev", "µeV", "Mae"),
            ("", "", ""),
        ] {
            assert_eq!(title(column, unit), expected, "{column}");
        }
    }
}
