//! Symmetry that is contradictory, ambiguous or given under unusual data names.

use super::*;

/// A CIF with two sites in the cubic cell of halite, and the given lines about symmetry and contents.
fn halite(rest: &str, sites: &[[&str; 3]; 2]) -> String {
    let [sodium, chlorine] = sites.map(|site| site.join(" "));
    format!(
        "data_a\n_cell_length_a 5.64\n_cell_length_b 5.64\n_cell_length_c 5.64\n\
         _cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n{rest}\n\
         loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n\
         _atom_site_fract_z\nNa1 Na {sodium}\nCl1 Cl {chlorine}\n"
    )
}

/// A CIF with one formula unit, which is the asymmetric unit.
fn unit(rest: &str) -> String {
    halite(rest, &[["0", "0", "0"], ["0.5", "0.5", "0.5"]])
}

/// A CIF with all eight atoms of the unit cell.
fn whole(rest: &str) -> String {
    unit(rest)
        + "Na2 Na 0 0.5 0.5\nNa3 Na 0.5 0 0.5\nNa4 Na 0.5 0.5 0\n\
           Cl2 Cl 0.5 0 0\nCl3 Cl 0 0.5 0\nCl4 Cl 0 0 0.5\n"
}

/// Returns the number of atoms or the reason code, and the codes of the notes.
fn outcome(text: &str) -> (Result<usize, &'static str>, Vec<&'static str>) {
    let mut found = read(text.as_bytes());
    assert_eq!(found.len(), 1, "{text}");
    let found = found.remove(0);
    let result = found.result.map(|found| found.fractional.len()).map_err(|error| error.reason_code());
    (result, found.notes.iter().map(|note| note.code).collect())
}

const P1: &str = "loop_ _symmetry_equiv_pos_as_xyz 'x, y, z'\n";
const UNCLEAR: &str = "cif_symmetry_unclear";

#[test]
fn the_identity_alone_beside_another_number_of_formula_units() {
    let contents = "_chemical_formula_sum 'Na Cl' _cell_formula_units_Z 4\n";
    assert_eq!(outcome(&unit(&format!("{P1}{contents}"))), (Ok(2), vec![UNCLEAR]));
    assert_eq!(outcome(&whole(&format!("{P1}{contents}"))), (Ok(8), vec![]));
    assert_eq!(outcome(&unit(P1)), (Ok(2), vec![]));
}

#[test]
fn operations_of_p_1_beside_another_group() {
    for named in [
        "_symmetry_space_group_name_H-M 'F m -3 m'",
        "_symmetry_space_group_name_H-M 'F 4/m -3 2/m'",
        "_space_group_name_Hall '-F 4 2 3'",
        "_space_group_IT_number 225",
        "_symmetry_space_group_name_H-M 'P 1' _space_group_IT_number 225",
    ] {
        for list in [P1, ""] {
            if list.is_empty() && !named.contains("'P 1'") {
                continue;
            }
            let with = |contents: &str| format!("{list}{named}\n{contents}");
            for contents in [
                "_chemical_formula_sum 'Na Cl' _cell_formula_units_Z 4",
                "_chemical_formula_sum 'Na4 Cl4' _cell_formula_units_Z 4",
                "_exptl_crystal_density_diffrn 2.16",
                "_exptl_crystal_density_diffrn 2163",
                "_chemical_formula_weight 58.44 _cell_formula_units_Z 4",
                "_chemical_formula_sum 'Na Cl2'",
            ] {
                let with = with(contents);
                assert_eq!(outcome(&unit(&with)), (Err("cif_bad_symmetry"), vec![]), "{with}");
            }
            assert_eq!(outcome(&unit(&with(""))), (Ok(2), vec![UNCLEAR]), "{named}");
            assert_eq!(
                outcome(&unit(&with("_chemical_formula_sum 'Na Cl' _cell_formula_units_Z 1"))),
                (Ok(2), vec![])
            );
            // All atoms of the unit cell. Other items of the file may be those of another cell.
            for contents in
                ["", "_chemical_formula_sum 'Na4 Cl4' _cell_formula_units_Z 4", "_cell_formula_units_Z 1"]
            {
                assert_eq!(outcome(&whole(&with(contents))), (Ok(8), vec![]), "{named} {contents}");
            }
        }
    }
    let both = unit(&format!(
        "{P1}_space_group_IT_number 225\n_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 4"
    ));
    let error = read(both.as_bytes()).remove(0).result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 9: the cell holds 2 atoms beside hydrogen, 4 formula units \"Na Cl\" have 8; 1 operation is \
         used, \"225\" has 192: list all operations of the group, or all atoms under P 1"
    );
}

#[test]
fn a_group_of_another_cell_says_nothing() {
    // A primitive cell under the symbol of the conventional one, with the number of formula units of the latter.
    let text = whole(&format!(
        "{P1}_symmetry_space_group_name_H-M 'R -3 m'\n_chemical_formula_sum 'Na Cl' _cell_formula_units_Z 3"
    ));
    let text = text.replace("_angle_alpha 90", "_angle_alpha 80");
    assert_eq!(outcome(&text), (Ok(8), vec![]));
}

#[test]
fn a_supercell_keeps_its_atoms() {
    let text = halite(
        &format!("{P1}_space_group_IT_number 225\n_chemical_formula_sum 'Na Cl' _cell_formula_units_Z 1"),
        &[["0.01", "0", "0"], ["0.5", "0.5", "0.5"]],
    ) + "Na2 Na 0 0.52 0.5\nCl2 Cl 0.5 0.03 0\n";
    assert_eq!(outcome(&text), (Ok(4), vec![UNCLEAR]));
}

#[test]
fn centrings_left_out_of_a_list() {
    let metric = [[31.8, 0.0, 0.0], [0.0, 31.8, 0.0], [0.0, 0.0, 31.8]];
    let operations = crate::symmetry::operations_of_hermann_mauguin_symbol("P m -3 m", &metric).unwrap();
    let list: Vec<String> = operations.iter().map(round_trip::written).collect();
    let list = format!("loop_\n_symmetry_equiv_pos_as_xyz\n'{}'\n", list.join("'\n'"));
    let named = format!("{list}_symmetry_space_group_name_H-M 'F m -3 m'\n");
    let contents = "_chemical_formula_sum 'Cl Na' _cell_formula_units_Z 4";
    assert_eq!(outcome(&unit(&format!("{named}{contents}"))), (Err("cif_bad_symmetry"), vec![]));
    assert_eq!(outcome(&unit(&named)), (Ok(2), vec![UNCLEAR]));
    let right = format!("{list}_symmetry_space_group_name_H-M 'P m -3 m'\n");
    assert_eq!(outcome(&unit(&right)), (Ok(2), vec![]));
}

#[test]
fn two_lists_of_operations() {
    let other = "loop_ _space_group_symop_operation_xyz x,y,z -x,-y,-z\n";
    let sites = [["0.1", "0", "0"], ["0.5", "0.5", "0.5"]];
    assert_eq!(outcome(&halite(&format!("{P1}{other}"), &sites)), (Ok(3), vec![UNCLEAR]));
    // As many atoms as the file states are accepted, and twice as many are refused.
    let once = format!("{P1}{other}_chemical_formula_sum 'Na2 Cl' _cell_formula_units_Z 1\n");
    assert_eq!(outcome(&halite(&once, &sites)), (Ok(3), vec![]));
    let general = [["0.1", "0", "0"], ["0.5", "0.25", "0.5"]];
    let twice = format!("{P1}{other}_chemical_formula_sum 'Na Cl' _cell_formula_units_Z 1\n");
    assert_eq!(outcome(&halite(&twice, &general)), (Err("cif_bad_symmetry"), vec![]));
    let same = format!("loop_ _symmetry_equiv_pos_as_xyz -x,-y,-z x,y,z\n{other}");
    assert_eq!(outcome(&halite(&same, &sites)), (Ok(3), vec![]));
    let empty = "loop_ _space_group_symop_operation_xyz ?\nloop_ _symmetry_equiv_pos_as_xyz x,y,z -x,-y,-z\n";
    assert_eq!(outcome(&halite(empty, &sites)), (Ok(3), vec![]));
}

#[test]
fn a_number_alone() {
    let silicon = |rest: &str, columns: &str, row: &str| {
        format!(
            "data_a\n_cell_length_a 5.431\n_cell_length_b 5.431\n_cell_length_c 5.431\n_cell_angle_alpha 90\n\
             _cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_IT_number 227\n{rest}\nloop_\n\
             _atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n{columns}\nSi1 {row}\n"
        )
    };
    let assumed = vec!["cif_setting_assumed"];
    assert_eq!(outcome(&silicon("", "", "0 0 0")), (Ok(16), assumed.clone()));
    assert_eq!(outcome(&silicon("", "", "0.125 0.125 0.125")), (Ok(8), assumed));
    for (rest, columns, row) in [
        ("_chemical_formula_sum Si _cell_formula_units_Z 8", "", "0 0 0"),
        ("_exptl_crystal_density_diffrn 2.33", "", "0 0 0"),
        ("", "_atom_site_symmetry_multiplicity", "0 0 0 8"),
        ("", "_atom_site_symmetry_multiplicity", "0.125 0.125 0.125 8"),
        ("_space_group_IT_coordinate_system_code 1", "", "0 0 0"),
    ] {
        assert_eq!(outcome(&silicon(rest, columns, row)), (Ok(8), vec![]), "{rest} {columns}");
    }
    let neither = silicon("_chemical_formula_sum Si _cell_formula_units_Z 12", "", "0 0 0");
    assert_eq!(outcome(&neither), (Err("cif_bad_symmetry"), vec![]));
    // The space-group type has a single setting, so nothing is ambiguous.
    assert_eq!(outcome(&unit("_space_group_IT_number 225")), (Ok(8), vec![]));
}

#[test]
fn a_hall_symbol_beside_another_origin_or_setting() {
    let silicon = |hall: &str, symbol: &str, rest: &str, site: &str| {
        format!(
            "data_a\n_cell_length_a 5.431\n_cell_length_b 5.431\n_cell_length_c 5.431\n_cell_angle_alpha 90\n\
             _cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_Hall '{hall}'\n\
             _space_group_name_H-M_alt '{symbol}'\n{rest}\nloop_\n_atom_site_label\n_atom_site_fract_x\n\
             _atom_site_fract_y\n_atom_site_fract_z\nSi1 {site}\n"
        )
    };
    let (first, second) = ("F 4d 2 3 -1d", "-F 4vw 2vw 3");
    for (hall, symbol, count, notes) in [
        (first, "F d -3 m:2", 8, vec![UNCLEAR]),
        (first, "F d -3 m Z", 8, vec![UNCLEAR]),
        (first, "F d -3 m:1", 8, vec![]),
        (first, "F d -3 m", 8, vec![]),
        (first, "F d 3 m", 8, vec![]),
        (first, "?", 8, vec![]),
        (second, "F d -3 m:1", 16, vec![UNCLEAR]),
        (second, "F d -3 m:2", 16, vec![]),
        (second, "F d -3 m", 16, vec![]),
    ] {
        assert_eq!(outcome(&silicon(hall, symbol, "", "0 0 0")), (Ok(count), notes), "{hall} {symbol}");
    }
    for (hall, symbol, notes) in [
        ("-P 2ybc", "P 1 21/c 1", vec![]),
        ("-P 2ybc", "P 21/c", vec![]),
        ("-P 2yn", "P 1 21/c 1", vec![UNCLEAR]),
        ("-P 2yn", "P 1 21/n 1", vec![]),
        // The Hall symbol moves the origin, which the other one does not say.
        ("-P 2ybc (0 0 3)", "P 1 21/c 1", vec![]),
    ] {
        let text = silicon(hall, symbol, "", "0.1 0.2 0.3");
        assert_eq!(outcome(&text), (Ok(4), notes), "{hall} {symbol}");
    }
    let reference = silicon("-P 2yn", "?", "_space_group_name_H-M_ref 'P 1 21/c 1'", "0.1 0.2 0.3");
    assert_eq!(outcome(&reference), (Ok(4), vec![]));
    // Z decides.
    let units = |count: u8| {
        silicon(
            first,
            "F d -3 m:2",
            &format!("_chemical_formula_sum Si _cell_formula_units_Z {count}"),
            "0 0 0",
        )
    };
    assert_eq!(outcome(&units(8)), (Ok(8), vec![]));
    let error = read(units(16).as_bytes()).remove(0).result.unwrap_err();
    assert_eq!(error.reason_code(), "cif_bad_symmetry");
    let stated = "192 operations are used, \"F d -3 m:2\" has as many others: list all operations";
    assert!(error.to_string().contains(stated), "{error}");
}

#[test]
fn magnetic_operations() {
    let sites = [["0.1", "0.2", "0"], ["0.3", "0.1", "0.25"]];
    for [operation, centring] in [
        ["_space_group_symop_magn_operation.xyz", "_space_group_symop_magn_centering.xyz"],
        ["_space_group_symop.magn_operation_xyz", "_space_group_symop.magn_centering_xyz"],
        ["_space_group_symop_magn_operation_xyz", "_space_group_symop_magn_centering_xyz"],
    ] {
        let list = format!("loop_ {operation}\nx,y,z,+1\n-x,-y,z,-1\n-x,-y,-z,+1\nx,y,-z,-1\nx,y,z,-1\n");
        let centrings = format!("loop_ {centring}\nx,y,z,+1\nx+1/2,y+1/2,z+1/2,-1\n");
        assert_eq!(outcome(&halite(&list, &sites)), (Ok(6), vec![]), "{operation}");
        let both = format!("{list}{centrings}_space_group_name_H-M_alt 'P n m a'\n");
        assert_eq!(outcome(&halite(&both, &sites)), (Ok(12), vec![]), "{operation}");
        assert_eq!(outcome(&halite(&centrings, &sites)), (Ok(4), vec![]));
        let units = format!("{both}_chemical_formula_sum 'Na Cl2' _cell_formula_units_Z 8\n");
        assert_eq!(outcome(&halite(&units, &sites)).0, Err("cif_bad_symmetry"));
    }
    for list in ["x,y,z,+1\n-x,-y,z+1/3,+1", "x,y,z,+2", "x,y"] {
        let list = format!("loop_ _space_group_symop_magn_operation.xyz\n{list}\n");
        assert_eq!(outcome(&halite(&list, &sites)).0, Err("cif_bad_symmetry"), "{list}");
    }
    let name = "_space_group_magn.name_BNS 'C_c 2/c'";
    assert_eq!(outcome(&halite(name, &sites)).0, Err("cif_unknown_space_group"));
}

#[test]
fn modulated_structures() {
    for rest in [
        "_space_group_ssg_name 'P n m a (0 0 g)'",
        "_cell_modulation_dimension 1",
        "loop_ _space_group_symop_ssg_id _space_group_symop_ssg_operation_algebraic 1 x1,x2,x3,x4",
        "loop_ _space_group_symop_magn_ssg_operation.algebraic x1,x2,x3,x4,+1",
        "_space_group_ssg_IT_number 62.1.9.1",
    ] {
        assert_eq!(outcome(&unit(&format!("{P1}{rest}"))), (Err("cif_modulated"), vec![]), "{rest}");
    }
    assert_eq!(outcome(&unit("_cell_modulation_dimension 0\n_space_group_ssg_name ?")), (Ok(2), vec![]));
}

#[test]
fn symmetry_under_names_of_no_dictionary() {
    for rest in [
        "_symmetry_space_group_name 'F m -3 m'",
        "_space_group_H-M_symbol 'F m -3 m'",
        "_symmetry_group_name_H-M 'F m -3 m'\n_symmetry_group_IT_number 225",
        "_symmetry_group_IT_number 225",
        "_symmetry_hall_symbol '-F 4 2 3'",
    ] {
        assert_eq!(outcome(&unit(rest)), (Ok(8), vec![]), "{rest}");
    }
    for rest in [
        "_symmetry_space_group_name cubic",
        "_space_group_name_Schoenflies Oh^5",
        "_space_group_symop.operation_matrix 1",
    ] {
        assert_eq!(outcome(&unit(rest)).0, Err("cif_unknown_space_group"), "{rest}");
    }
    let list = "_symmetry_equiv_pos_as_xyz_\n;\nx,y,z\n;\n_space_group_H-M_symbol 'F m -3 m'";
    assert_eq!(outcome(&unit(list)), (Ok(2), vec![UNCLEAR]));
    assert_eq!(outcome(&unit("_space_group_name_Schoenflies C1^1")), (Ok(2), vec![]));
    assert_eq!(outcome(&unit("_space_group_crystal_system cubic")), (Ok(2), vec![UNCLEAR]));
    assert_eq!(outcome(&unit("_symmetry_cell_setting triclinic")), (Ok(2), vec![]));
    assert_eq!(outcome(&unit("")), (Ok(2), vec![]));
    let units = "_chemical_formula_sum 'Na Cl' _cell_formula_units_Z 4";
    assert_eq!(outcome(&unit(units)).0, Err("cif_bad_symmetry"));
}

#[test]
fn values_that_say_nothing() {
    for symbol in ["'?'", "''", "' '", "'.'", "\n;\n;"] {
        let named = format!("_symmetry_space_group_name_H-M {symbol}\n");
        assert_eq!(outcome(&unit(&named)), (Ok(2), vec![]), "{symbol}");
        assert_eq!(outcome(&unit(&format!("{named}_symmetry_Int_Tables_number 225"))), (Ok(8), vec![]));
        let number =
            format!("_symmetry_Int_Tables_number {symbol}\nloop_ _symmetry_equiv_pos_as_xyz {symbol}");
        assert_eq!(outcome(&unit(&number)), (Ok(2), vec![]), "{symbol}");
    }
}

#[test]
fn few_digits_of_a_special_position() {
    let magnesium = |a: &str, site: &str| {
        format!(
            "data_a\n_cell_length_a {a}\n_cell_length_b {a}\n_cell_length_c 7\n_cell_angle_alpha 90\n\
             _cell_angle_beta 90\n_cell_angle_gamma 120\n_space_group_name_H-M_alt 'P 63/m m c'\n\
             loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nMg1 {site}\n"
        )
    };
    for (a, site) in [
        ("3.2", "0.33 0.67 0.25"),
        ("12", "0.33 0.67 0.25"),
        ("12", "0.33(1) 0.67(1) 0.25"),
        ("12", "0.330(7) 0.670(7) 0.25"),
        ("30", ".33 .67 .25"),
        ("12", "0.66 0.33 0.25"),
    ] {
        let text = magnesium(a, site);
        assert_eq!(outcome(&text), (Ok(2), vec![]), "{a} {site}");
        assert!(
            has_site(&structure(text.as_bytes()), "Mg", [1.0 / 3.0, 2.0 / 3.0, 0.25])
                || has_site(&structure(text.as_bytes()), "Mg", [2.0 / 3.0, 1.0 / 3.0, 0.25])
        );
    }
    for (a, site) in [("12", "0.3300 0.6700 0.25"), ("12", "0.330 0.670 0.25"), ("5", "0.31 0.69 0.25")] {
        assert_eq!(outcome(&magnesium(a, site)).0, Err("cif_sites_overlap"), "{a} {site}");
    }
    assert_eq!(outcome(&magnesium("12", "0.2 0.8 0.25")), (Ok(6), vec![]));
}

#[test]
fn blocks_of_one_name() {
    let block = |name: &str| unit("").replace("data_a", &format!("data_{name}"));
    let names = |names: &[&str]| -> Vec<String> {
        let text: String = names.iter().map(|name| block(name)).collect();
        read(text.as_bytes()).into_iter().map(|found| found.entry_name).collect()
    };
    assert_eq!(names(&[""]), ["stem"]);
    assert_eq!(names(&["", ""]), ["stem#1", "stem#2"]);
    assert_eq!(names(&["a", "", "a", "a#2"]), ["stem#a", "stem#2", "stem#a#2", "stem#a#2#2"]);
    assert_eq!(names(&["2", ""]), ["stem#2", "stem#2#2"]);
}
