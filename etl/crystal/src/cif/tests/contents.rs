//! Structures that are kept although their files say other contents.

use super::*;

/// The code of the note.
const DIFFER: &str = "cif_contents_differ";

/// LiCoO2 in hexagonal axes, without a contradiction.
const LAYERED: &str = "data_LiCoO2\n_cell_length_a 2.816\n_cell_length_b 2.816\n_cell_length_c 14.05\n\
    _cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 120\n\
    _symmetry_space_group_name_H-M 'R -3 m H'\n_symmetry_Int_Tables_number 166\n\
    _chemical_formula_sum 'Co1 Li1 O2'\n_cell_formula_units_Z 3\nloop_\n_atom_site_label\n\
    _atom_site_type_symbol\n_atom_site_symmetry_multiplicity\n_atom_site_fract_x\n_atom_site_fract_y\n\
    _atom_site_fract_z\n_atom_site_occupancy\n\
    Li1 Li 3 0 0 0 1\nCo1 Co 3 0 0 0.5 1\nO1 O 6 0 0 0.24 1\n";

/// A CIF of the asymmetric unit of halite, with the given lines, column and values of the column.
fn halite(lines: &str, column: &str, [sodium, chlorine]: [&str; 2]) -> String {
    format!(
        "data_a\n_cell_length_a 5.64\n_cell_length_b 5.64\n_cell_length_c 5.64\n_cell_angle_alpha 90\n\
         _cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'F m -3 m'\n{lines}\nloop_\n\
         _atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n{column}\n\
         Na1 0 0 0 {sodium}\nCl1 0.5 0.5 0.5 {chlorine}\n"
    )
}

/// A CIF under P 1 with sites of these symbols at distances of 2 Å.
fn row(lines: &str, symbols: &str) -> String {
    let sites: String = symbols
        .split_whitespace()
        .enumerate()
        .map(|(index, symbol)| format!("{symbol}{index} {symbol} 0 0 {}\n", 0.1 * index as f64))
        .collect();
    format!(
        "data_a\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 20\n_cell_angle_alpha 90\n\
         _cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P 1'\n{lines}\nloop_\n\
         _atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n\
         _atom_site_fract_z\n{sites}"
    )
}

/// Returns the number of atoms, and the line and message of the note, if there is one.
fn outcome(text: &str) -> (usize, Option<(u32, String)>) {
    let mut found = read(text.as_bytes());
    assert_eq!(found.len(), 1, "{text}");
    let mut found = found.remove(0);
    let note = found.notes.pop();
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    assert!(note.iter().all(|note| note.code == DIFFER), "{note:?}");
    (found.result.unwrap().fractional.len(), note.map(|note| (note.line, note.message)))
}

#[test]
fn a_file_that_agrees_with_itself() {
    assert_eq!(outcome(LAYERED), (12, None));
}

#[test]
fn a_coordinate_mistyped() {
    let text = LAYERED.replace("0 0 0.5 1", "0 0 0.41 1");
    let multiplicity = "site \"Co1\" has 6 positions in the cell, its multiplicity is given as 3";
    let formula = "the formula is \"Co1 Li1 O2\", the cell holds Li 3, O 6, Co 6";
    assert_eq!(outcome(&text), (15, Some((10, format!("{formula}; {multiplicity}")))));
    let text = text.replace("_chemical_formula_sum 'Co1 Li1 O2'", "");
    assert_eq!(outcome(&text), (15, Some((21, multiplicity.to_owned()))));
}

#[test]
fn a_site_left_out() {
    let text = LAYERED.replace("Li1 Li 3 0 0 0 1\n", "");
    let message = "the formula \"Co1 Li1 O2\" has Li, which no site holds: the cell holds O 6, Co 3";
    assert_eq!(outcome(&text), (9, Some((10, message.to_owned()))));
}

#[test]
fn another_element_in_the_formula() {
    let text = LAYERED.replace("Co1 Li1 O2", "Ni1 Li1 O2");
    let message = "the formula \"Ni1 Li1 O2\" has Ni, which no site holds: the cell holds Li 3, O 6, Co 3";
    assert_eq!(outcome(&text), (12, Some((10, message.to_owned()))));
    let text = LAYERED.replace("Co1 Li1 O2", "Li1 O2");
    let message = "the formula \"Li1 O2\" lacks Co: the cell holds Li 3, O 6, Co 3";
    assert_eq!(outcome(&text), (12, Some((10, message.to_owned()))));
    // The density agrees, and no symmetry is named.
    let text = text.replace("'R -3 m H'", "?").replace("_symmetry_Int_Tables_number 166", "");
    let text = text.replace("_cell_formula_units_Z 3", "_exptl_crystal_density_diffrn 1.41");
    assert_eq!(outcome(&text).1.map(|(line, _)| line), Some(10));
}

#[test]
fn a_mixture_in_the_formula() {
    let with = |formula: &str| halite(&format!("_chemical_formula_sum '{formula}'"), "", ["", ""]);
    let message =
        "the formula \"Na0.5 K0.5 Cl\" has K, which no site holds: the cell holds Na 4, Cl 4".to_owned();
    assert_eq!(outcome(&with("Na0.5 K0.5 Cl")), (8, Some((9, message))));
    let message = "the formula is \"Na0.95 Cl\", the cell holds Na 4, Cl 4".to_owned();
    assert_eq!(outcome(&with("Na0.95 Cl")), (8, Some((9, message))));
    for formula in ["Na Cl", "Cl4 Na4", "Na0.5 Cl0.5", "Na1.00 Cl1.00", "?", "NaCl", "Na(1-x) Cl"] {
        assert_eq!(outcome(&with(formula)), (8, None), "{formula}");
    }
}

#[test]
fn hydrogen_left_out() {
    let with = |formula: &str, symbols: &str| {
        outcome(&row(&format!("_chemical_formula_sum '{formula}'"), symbols)).1.map(|(_, message)| message)
    };
    for (formula, symbols) in [
        ("H Na O", "Na O"),
        ("D Na O", "Na O"),
        ("H2 Na O", "Na O H"),
        ("D2 O", "O D D"),
        ("H2 O", "O D D"),
        ("D H O", "O H H"),
        ("Fe0.67 O", "Fe Fe O O O"),
    ] {
        assert_eq!(with(formula, symbols), None, "{formula}");
    }
    let message = "the formula \"Na O\" lacks H: the cell holds H 1, O 1, Na 1";
    assert_eq!(with("Na O", "Na O H").as_deref(), Some(message));
    let message = "the formula is \"H O\", the cell holds H 2, O 1";
    assert_eq!(with("H O", "O H H").as_deref(), Some(message));
    // The oxygen of water is no hydrogen.
    let message = "the formula is \"Na Cl O2 H4\", the cell holds O 1, Na 1, Cl 1";
    assert_eq!(with("Na Cl O2 H4", "Na Cl O").as_deref(), Some(message));
}

#[test]
fn numbers_of_formula_units() {
    let with = |formula: &str, units: &str| {
        let lines = format!("_chemical_formula_sum '{formula}'\n_cell_formula_units_Z {units}");
        outcome(&halite(&lines, "", ["", ""]))
    };
    for (formula, units) in [("Na Cl", "4"), ("Na4 Cl4", "4"), ("Na4 Cl4", "1"), ("Na Cl", "?")] {
        assert_eq!(with(formula, units), (8, None), "{formula} {units}");
    }
    let message = "the cell holds 8 atoms beside hydrogen, 2 formula units \"Na Cl\" have 4".to_owned();
    assert_eq!(with("Na Cl", "2"), (8, Some((10, message))));
    // An asymmetric unit under P 1.
    let lines = "_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 4";
    assert_eq!(outcome(&row(lines, "Na Cl")).1.map(|(line, _)| line), Some(10));
}

#[test]
fn multiplicities() {
    let with = |given| outcome(&halite("", "_atom_site_symmetry_multiplicity", given));
    // The last ones are the orders of the site-symmetry groups.
    for given in [["4", "4"], ["4", "?"], ["?", "."], ["4a", "4"], ["48", "48"]] {
        assert_eq!(with(given), (8, None), "{given:?}");
    }
    let message = "site \"Cl1\" has 4 positions in the cell, its multiplicity is given as 8".to_owned();
    assert_eq!(with(["4", "8"]), (8, Some((17, message))));
}
