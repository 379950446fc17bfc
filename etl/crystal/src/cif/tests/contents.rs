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
fn another_volume() {
    let with = |volume: &str| outcome(&halite(&format!("_cell_volume {volume}"), "", ["", ""]));
    // 179.406 Å3, given exactly, rounded, or with a large uncertainty.
    for volume in ["179.41(1)", "179.4", "180", "178.6", "185(9)", "1.8e2", "?", "0", "large"] {
        assert_eq!(with(volume), (8, None), "{volume}");
    }
    let message = "the cell has a volume of 179.4 Å3, which is given as 181.2(4)".to_owned();
    assert_eq!(with("181.2(4)"), (8, Some((9, message))));
    let message = "the cell has a volume of 320 Å3, which is given as 277".to_owned();
    assert_eq!(outcome(&row("_cell_volume 277", "Na Cl")), (2, Some((9, message))));
}

#[test]
fn another_density() {
    let with = |lines: &str| outcome(&halite(lines, "", ["", ""]));
    for lines in [
        "_exptl_crystal_density_diffrn 2.163",
        "_exptl_crystal_density_diffrn 1.6",
        "_chemical_formula_weight 58.44\n_cell_formula_units_Z 4",
        "_chemical_formula_weight 119.0",
    ] {
        assert_eq!(with(lines), (8, None), "{lines}");
    }
    let message = "the atoms of the cell have a density of 2.164 g/cm3, the file gives 4.4 g/cm3".to_owned();
    assert_eq!(with("_exptl_crystal_density_diffrn 4.4"), (8, Some((9, message))));
    let (_, note) = with("_cell_formula_units_Z 4\n_chemical_formula_weight 119.0");
    assert_eq!(note.map(|(line, _)| line), Some(10));
    // Another volume says it already.
    let (_, note) = with("_exptl_crystal_density_diffrn 4.4\n_cell_volume 88");
    assert!(note.is_some_and(|(line, message)| line == 10 && !message.contains("density")));
}

#[test]
fn labels_of_other_elements() {
    let with = |first: &str, second: &str| {
        let text = halite("", "_atom_site_type_symbol", ["Na", "Cl"]).replace("Cl1 0", "second 0");
        outcome(&text.replace("Na1 0", &format!("{first} 0")).replace("second 0", &format!("{second} 0"))).1
    };
    let message = "site \"Cl1\" is Na by its type, and other sites hold Cl".to_owned();
    assert_eq!(with("Cl1", "Na1"), Some((16, message)));
    for (first, second) in [("Na1", "Cl1"), ("N1", "C1"), ("CL1", "NA1"), ("Cl1a", "Na"), ("A1", "B1")] {
        assert_eq!(with(first, second), None, "{first} {second}");
    }
}

#[test]
fn a_group_in_capitals_is_no_element() {
    let result = |label: &str| {
        let text = halite("", "_atom_site_type_symbol", ["Na", "HO"]).replace("Cl1 0", &format!("{label} 0"));
        read(text.as_bytes()).remove(0).result.map_err(|error| error.reason_code())
    };
    assert_eq!(result("O1").map(|_| ()), Err("cif_unknown_element"));
    assert_eq!(result("HO1").map(|structure| structure.atomic_numbers[4]), Ok(67));
    let cobalt = halite("", "_atom_site_type_symbol", ["Na", "CO"]).replace("Cl1 0", "CAT1 0");
    let found = read(cobalt.as_bytes()).remove(0).result.expect("a crystal");
    assert_eq!(found.atomic_numbers[4], 27);
}

#[test]
fn multiplicities_before_the_letters_of_wyckoff_symbols() {
    let with = |given| outcome(&halite("", "_atom_site_Wyckoff_symbol", given));
    for given in [["4a", "4b"], ["a", "b"], ["?", "."], ["8", "8"], ["8ab", "8e1"], ["48a", "48b"]] {
        assert_eq!(with(given), (8, None), "{given:?}");
    }
    let message = "site \"Cl1\" has 4 positions in the cell, its multiplicity is given as 8".to_owned();
    assert_eq!(with(["4a", "8c"]), (8, Some((17, message))));
    let both = "_atom_site_Wyckoff_symbol\n_atom_site_symmetry_multiplicity";
    assert_eq!(outcome(&halite("", both, ["8c 4", "8c 4"])), (8, None));
    // A loop of its own needs not be joined to the sites.
    let text = halite("", "", ["", ""]) + "loop_\n_atom_site_label\n_atom_site_Wyckoff_symbol\nK1 8c\n";
    assert_eq!(outcome(&text), (8, None));
    // A whole cell may keep the symbols of the group.
    let text = row("", "Na Cl").replace("_label\n", "_label\n_atom_site_Wyckoff_symbol\n");
    assert_eq!(outcome(&text.replace("Na0 Na", "Na0 4a Na").replace("Cl1 Cl", "Cl1 4b Cl")), (2, None));
}

#[test]
fn wyckoff_symbols_of_the_conventional_cell() {
    let with = |[lithium, cobalt, oxygen]: [&str; 3]| {
        outcome(&format!(
            "data_LiCoO2\n_cell_length_a 4.9575\n_cell_length_b 4.9575\n_cell_length_c 4.9575\n\
             _cell_angle_alpha 33.0\n_cell_angle_beta 33.0\n_cell_angle_gamma 33.0\n\
             _space_group_name_H-M_alt 'R -3 m:R'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n\
             _atom_site_Wyckoff_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n\
             Li1 Li {lithium} 0 0 0\nCo1 Co {cobalt} 0.5 0.5 0.5\nO1 O {oxygen} 0.24 0.24 0.24\n"
        ))
    };
    // Rhombohedral axes, with the symbols of these and of hexagonal axes.
    assert_eq!(with(["1a", "1b", "2c"]), (4, None));
    assert_eq!(with(["3a", "3b", "6c"]), (4, None));
    assert_eq!(with(["3a", "b", "6c"]), (4, None));
    let message = "site \"Li1\" has 1 positions in the cell, its multiplicity is given as 3".to_owned();
    assert_eq!(with(["3a", "1b", "6c"]), (4, Some((16, message))));
    // The number of primitive cells in a conventional one is the same for all sites.
    let message = "site \"Li1\" has 1 positions in the cell, its multiplicity is given as 6".to_owned();
    assert_eq!(with(["6a", "6b", "12c"]), (4, Some((16, message))));
}

#[test]
fn entries_that_their_database_flags() {
    for (flag, is_told) in
        [("retracted", true), ("Errors", true), ("warnings", false), ("none", false), ("?", false)]
    {
        let found = read(halite(&format!("_cod_error_flag {flag}"), "", ["", ""]).as_bytes());
        let notes: Vec<_> =
            found[0].notes.iter().map(|note| (note.code, note.line, &*note.message)).collect();
        let message = format!("_cod_error_flag is {flag:?}");
        let expected = [("cif_error_flag", 9, &*message)];
        assert_eq!(notes, if is_told { &expected[..] } else { &[] }, "{flag}");
    }
}

#[test]
fn another_crystal_system() {
    let codes = |text: &str| {
        let found = read(text.as_bytes());
        found[0].notes.iter().map(|note| (note.code, note.line)).collect::<Vec<_>>()
    };
    for name in ["_space_group_crystal_system", "_symmetry_cell_setting"] {
        for (system, is_told) in
            [("tetragonal", true), ("hexagonal", true), ("cubic", false), ("?", false), ("other", false)]
        {
            let expected = if is_told { vec![("cif_symmetry_unclear", 9)] } else { Vec::new() };
            assert_eq!(codes(&halite(&format!("{name} {system}"), "", ["", ""])), expected, "{system}");
        }
        assert!(codes(&row(&format!("{name} cubic"), "Na Cl")).is_empty(), "a cell written out");
    }
    let under = |operations: &str| {
        let text = halite(&format!("_symmetry_cell_setting cubic\n{operations}"), "", ["", ""]);
        text.replace("_space_group_name_H-M_alt 'F m -3 m'\n", "")
    };
    // A cell written out under F 1, one under a group of its own, and one of a magnetic group, which may have fewer
    // operations.
    let list = "loop_\n_space_group_symop_operation_xyz\n";
    let centred = format!("{list}x,y,z\nx,y+1/2,z+1/2\nx+1/2,y,z+1/2\nx+1/2,y+1/2,z");
    assert!(codes(&under(&centred)).is_empty());
    assert_eq!(codes(&under(&format!("{list}x,y,z\n-x,-y,z"))), [("cif_symmetry_unclear", 8)]);
    let magnetic = "loop_\n_space_group_symop_magn_operation.xyz\nx,y,z,+1\n-x,-y,z,-1";
    assert!(codes(&under(magnetic)).is_empty());
    for system in ["trigonal", "hexagonal", "rhombohedral"] {
        let text = format!("_symmetry_cell_setting {system}\nloop_\n_atom_site_label");
        assert!(codes(&LAYERED.replace("loop_\n_atom_site_label", &text)).is_empty(), "{system}");
    }
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
