//! Names of the columns of properties without a definition.

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

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
