//! Refused files, with the reason, line and message of each.

use super::*;

/// A block that is valid up to the unit cell, followed by `rest`.
fn cubic(rest: &str) -> String {
    format!(
        "data_a\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n\
         _cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n{rest}"
    )
}

/// A site loop with label, type symbol, coordinates and the named columns, followed by its rows. The first row is in
/// line 15.
fn sites(columns: &str, rows: &str) -> String {
    cubic(&format!(
        "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n\
         _atom_site_fract_z\n{columns}\n{rows}\n"
    ))
}

fn refusal(text: &str) -> (&'static str, u32, String) {
    let found = read(text.as_bytes());
    assert_eq!(found.len(), 1, "{text} {found:?}");
    let error = found[0].result.clone().unwrap_err();
    (error.reason_code(), error.line, error.kind.to_string())
}

#[test]
fn partial_occupancy() {
    let occupied = |occupancy: &str| {
        sites("_atom_site_occupancy", &format!("O1 O 0 0 0 1\nFe1 Fe .5 .5 .5 {occupancy}"))
    };
    let expected = ("cif_partial_occupancy", 16, "site \"Fe1\" has occupancy 0.93".to_owned());
    assert_eq!(refusal(&occupied("0.93(2)")), expected);
    for occupancy in ["0", "0.999", "0.5", "1.01", "2", "-1"] {
        assert_eq!(refusal(&occupied(occupancy)).0, "cif_partial_occupancy", "{occupancy}");
    }
    for occupancy in ["1", "1.0000", "1.(0)", "?", ".", "0.9999", "1.0001"] {
        assert_eq!(structure(occupied(occupancy).as_bytes()).fractional.len(), 2, "{occupancy}");
    }
    let dummy = sites("_atom_site_occupancy _atom_site_calc_flag", "O1 O 0 0 0 1 .\nH1 H 0.3 0 0 0.5 dum");
    assert_eq!(structure(dummy.as_bytes()).atomic_numbers, [8]);
}

#[test]
fn disorder_groups() {
    let columns = "_atom_site_disorder_assembly _atom_site_disorder_group";
    let grouped = |groups: [&str; 3]| {
        let [a, b, c] = groups;
        sites(columns, &format!("O1 O 0 0 0 {a}\nO2 O .5 .5 .5 {b}\nO3 O .2 .2 .2 {c}"))
    };
    let (code, line, message) = refusal(&grouped(["A 1", "A 2", ". ."]));
    assert_eq!((code, line), ("cif_disorder", 16));
    assert_eq!(message, "site \"O2\" is disordered: its group excludes group 1 of its assembly");
    assert_eq!(refusal(&grouped([". 1", ". .", ". 2"])).0, "cif_disorder");
    assert_eq!(refusal(&grouped([". -1", ". .", ". ."])).0, "cif_disorder");
    // Letters are groups of a named assembly. Without one they are refinement flags.
    let (code, line, message) = refusal(&grouped(["A A", "A B", ". ."]));
    assert_eq!((code, line), ("cif_disorder", 16));
    assert_eq!(message, "site \"O2\" is disordered: its group excludes group A of its assembly");
    for groups in
        [["A a", "A b", ". ."], ["A 1a", "A 1b", ". ."], [". 1a", ". 1b", ". ."], ["A -A", ". .", ". ."]]
    {
        assert_eq!(refusal(&grouped(groups)).0, "cif_disorder", "{groups:?}");
    }
    let (.., message) = refusal(&grouped(["A -A", ". .", ". ."]));
    assert_eq!(message, "site \"O1\" is disordered: its group excludes the images of its own sites");
    for groups in [
        ["A 1", "B 2", ". ."],
        [". 1", ". 1", "? ?"],
        [". 0", ". 1", ". ."],
        [". S", ". R", ". ."],
        ["? a", "? b", ". ."],
        ["A A", "A A", ". ."],
        ["A A", "B B", ". ."],
        ["A .", "A ?", ". ."],
        ["A -", "A 0", ". ."],
    ] {
        assert_eq!(structure(grouped(groups).as_bytes()).fractional.len(), 3, "{groups:?}");
    }
}

#[test]
fn two_atoms_at_one_place() {
    let (code, line, message) = refusal(&sites("", "Si1 Si 0 0 0\nAl1 Al 0 0.001 1"));
    assert_eq!((code, line), ("cif_disorder", 16));
    assert_eq!(message, "site \"Al1\" is disordered: another element, of site \"Si1\", is at the same place");
    let (code, _, message) = refusal(&sites("", "Si1 Si 0 0.99 0\nSi2 Si 0 0 0"));
    assert_eq!(
        (code, message.as_str()),
        ("cif_sites_overlap", "sites \"Si1\" and \"Si2\" are 0.040 Å apart")
    );
    // A site that is listed together with one of its own images.
    let listed_twice = sites("_atom_site_adp_type", "C1 C 0.1 0.1 0.1 .\nC2 C 0.9 0.9 0.9 .");
    let text = format!("{listed_twice}_space_group_IT_number 2\n");
    assert_eq!(refusal(&text).0, "cif_sites_overlap");
    assert_eq!(structure(listed_twice.as_bytes()).fractional.len(), 2);
}

#[test]
fn elements_that_are_none() {
    let expected =
        ("cif_unknown_element", 15, "site \"A1\" has symbol \"NH4\", which is no element".to_owned());
    assert_eq!(refusal(&sites("_atom_site_adp_type", "A1 NH4 0 0 0 .")), expected);
    for symbol in ["Wat", "OH", "M", "Fe/Ni", "J"] {
        assert_eq!(refusal(&sites("", &format!("A1 {symbol} 0 0 0"))).0, "cif_unknown_element", "{symbol}");
    }
    assert_eq!(refusal(&sites("", "Wat1 ? 0 0 0")).0, "cif_unknown_element");
    assert_eq!(refusal(&sites("", "X1 X 0 0 0")).0, "cif_no_structure");
}

#[test]
fn cells_that_are_none() {
    let text = sites("", "O1 O 0 0 0");
    for item in ["_cell_length_b", "_cell_angle_gamma"] {
        let missing = text.replace(&format!("{item} 4\n"), "").replace(&format!("{item} 90\n"), "");
        assert_eq!(refusal(&missing), ("cif_missing_cell", 1, format!("no value for {item}")));
    }
    assert_eq!(refusal(&text.replace("_a 4", "_a ?")).0, "cif_missing_cell");
    let expected = ("cif_bad_number", 2, "\"4,0\" is not a number for _cell_length_a".to_owned());
    assert_eq!(refusal(&text.replace("_a 4", "_a 4,0")), expected);
    let (code, line, message) = refusal(&text.replace("_gamma 90", "_gamma 180"));
    assert_eq!((code, line), ("cif_bad_cell", 1));
    assert_eq!(message, "a cell of 4 x 4 x 4 Å with angles 90, 90 and 180° is not possible");
    assert_eq!(refusal(&text.replace("_c 4", "_c 0")).0, "cif_bad_cell");
    assert_eq!(refusal(&text.replace("_c 4", "_c 1e300")).0, "cif_bad_cell");
}

#[test]
fn a_cell_in_a_loop_of_several_rows() {
    let looped = |rows: &str| {
        let cell = format!(
            "loop_ _cell_length_a _cell_length_b _cell_length_c _cell_angle_alpha _cell_angle_beta \
             _cell_angle_gamma {rows}\n"
        );
        let text = sites("", "O1 O 0 0 0");
        let start = text.find("_cell").expect("a cell");
        let end = text.find("loop_").expect("a loop");
        format!("{}{cell}{}", &text[..start], &text[end..])
    };
    for rows in ["4 4 4 90 90 90", "4 4 4 90 90 90 4 4 4 90 90 90", "4 4 4 90 90 90 ? ? ? ? ? ?"] {
        assert_eq!(structure(looped(rows).as_bytes()).fractional.len(), 1);
    }
    let (code, line, message) = refusal(&looped("4 4 4 90 90 90 5 5 5 90 90 90"));
    assert_eq!((code, line), ("cif_duplicate_item", 2));
    assert!(message.contains("_cell_length_a"), "{message}");
}

#[test]
fn a_site_beside_those_of_the_loop() {
    let single = "_atom_site_fract_x 0.5\n_atom_site_fract_y 0.5\n_atom_site_fract_z 0.5\n";
    let text = sites("", "O1 O 0 0 0");
    assert_eq!(refusal(&format!("{text}{single}")).0, "cif_duplicate_item");
    assert_eq!(refusal(&text.replace("loop_", &format!("{single}loop_"))).0, "cif_duplicate_item");
}

#[test]
fn coordinates_that_are_none() {
    let expected =
        ("cif_missing_coordinate", 15, "site \"H1\" has no value for _atom_site_fract_y".to_owned());
    assert_eq!(refusal(&sites("_atom_site_adp_type", "H1 H 0 ? 0 .")), expected);
    let expected = ("cif_bad_number", 16, "\"0.5.5\" is not a number for _atom_site_fract_z".to_owned());
    assert_eq!(refusal(&sites("_atom_site_adp_type", "H1 H 0 0 0 .\nH2 H 0 0 0.5.5 .")), expected);
    assert_eq!(refusal(&sites("_atom_site_occupancy", "H1 H 0 0 0 full")).0, "cif_bad_number");
    // A valid number, but not a usable position.
    assert_eq!(refusal(&sites("", "H1 H 0 1e308 0")).0, "cif_bad_number");
    let no_z = cubic("loop_ _atom_site_label _atom_site_fract_x _atom_site_fract_y O1 0 0");
    assert_eq!(refusal(&no_z).0, "cif_missing_coordinate");
    let cartesian = cubic("loop_ _atom_site.type_symbol _atom_site.Cartn_x _atom_site.Cartn_y O 1.2 3");
    assert_eq!(refusal(&cartesian).0, "cif_cartesian_sites");
}

#[test]
fn hydrogen_without_coordinates() {
    let column = "_atom_site_attached_hydrogens";
    let attached = |column: &str, count: &str| {
        sites(column, &format!("O1 O 0 0 0 {count}\nNa1 Na .5 .5 .5 0")) + "_chemical_formula_sum 'H Na O'\n"
    };
    let message = "hydrogen of site \"O1\" has no coordinates: _atom_site_attached_hydrogens is 1";
    assert_eq!(refusal(&attached(column, "1")), ("hidden_atoms", 15, message.to_owned()));
    assert_eq!(refusal(&attached("_atom_site.attached_hydrogens", "2")).0, "hidden_atoms");
    assert!(refusal(&attached(column, "0.5")).2.ends_with("is 0.5"));
    for count in ["0", "0.0", ".", "?", "-1", "none"] {
        assert_eq!(structure(attached(column, count).as_bytes()).atomic_numbers, [8, 11], "{count}");
    }
    // A site that is no atom has none.
    let dummy = sites(&format!("{column} _atom_site_calc_flag"), "O1 O 0 0 0 0 .\nNa1 Na .5 .5 .5 3 dum");
    assert_eq!(structure(dummy.as_bytes()).atomic_numbers, [8]);
    let partial = sites(&format!("{column} _atom_site_occupancy"), "O1 O 0 0 0 1 0.5");
    assert_eq!(refusal(&partial).0, "cif_partial_occupancy");
    let joined = sites("", "O1 O 0 0 0") + &format!("loop_ _atom_site_label {column} O1 2\n");
    assert_eq!(refusal(&joined).0, "hidden_atoms");
    assert_eq!(structure(joined.replace("O1 2", "O1 0").as_bytes()).atomic_numbers, [8]);
}

#[test]
fn symmetry_that_is_none() {
    let with = |rest: &str| format!("{}{rest}\n", sites("", "O1 O 0.1 0.2 0.3"));
    let operations = |list: &str| with(&format!("loop_ _space_group_symop_operation_xyz {list}"));
    let (code, line, message) = refusal(&operations("x,y,z x,y,w"));
    assert_eq!((code, line), ("cif_bad_symmetry", 16));
    assert_eq!(message, "symmetry operation \"x,y,w\": it has a character that does not belong there");
    assert_eq!(refusal(&operations("x,y,z -x,-y,z+1/3")).0, "cif_bad_symmetry");
    assert_eq!(refusal(&operations("-x,-y,-z")).0, "cif_bad_symmetry");
    assert_eq!(refusal(&operations("x,y,z -y,x-y,z -x+y,-x,z")).0, "cif_bad_symmetry");
    assert_eq!(refusal(&operations("x y z")).0, "cif_bad_symmetry");
    let expected = ("cif_unknown_space_group", 16, "\"X 4 b m\" is no known space group".to_owned());
    assert_eq!(refusal(&with("_symmetry_space_group_name_H-M 'X 4 b m' _space_group_IT_number 1")), expected);
    for rest in ["_space_group_IT_number 231", "_space_group_IT_number P1", "_space_group_name_Hall 'P 7'"] {
        assert_eq!(refusal(&with(rest)).0, "cif_unknown_space_group", "{rest}");
    }
    let expected = ("cif_bad_symmetry", 16, "the cell does not have the symmetry of \"P 6\"".to_owned());
    assert_eq!(refusal(&with("_space_group_name_H-M_alt 'P 6'")), expected);
    for rest in
        ["loop_ _symmetry_equiv_pos_as_xyz ?", "_space_group_name_H-M_alt ?", "_space_group_name_Hall ."]
    {
        assert_eq!(structure(with(rest).as_bytes()).fractional.len(), 1, "{rest}");
    }
}

#[test]
fn an_origin_left_open() {
    let with = |columns: &str, row: &str, rest: &str| {
        format!("{}_space_group_name_H-M_alt 'F d -3 m'\n{rest}\n", sites(columns, &format!("Si1 Si {row}")))
    };
    let (code, line, message) = refusal(&with("_atom_site_adp_type", "0 0 0 .", ""));
    assert_eq!((code, line), ("cif_ambiguous_origin", 16));
    assert_eq!(message, "\"F d -3 m\" has two origins, and nothing in the file tells which is meant");
    // From the first origin, 0 0 0 is a position of 8 atoms, and from the second one of 16 atoms.
    let units = |count: &str| format!("_chemical_formula_sum Si _cell_formula_units_Z {count}");
    for (text, count) in [
        (with("_atom_site_symmetry_multiplicity", "0 0 0 8", ""), 8),
        (with("_atom_site_symmetry_multiplicity", "0 0 0 16", ""), 16),
        (with("", "0 0 0", &units("8")), 8),
        (with("", "0 0 0", &units("16")), 16),
        (with("", "0 0 0", &units("8")).replace("'F d -3 m'", "'F d -3 m:2'"), 16),
    ] {
        assert_eq!(structure(text.as_bytes()).fractional.len(), count, "{text}");
    }
    assert_eq!(refusal(&with("", "0 0 0", &units("12"))).0, "cif_ambiguous_origin");
    assert_eq!(refusal(&with("", "0 0 0", "_chemical_formula_sum Si")).0, "cif_ambiguous_origin");
    let spinel = "_chemical_formula_sum 'Al2 Mg O4'\n".to_owned()
        + &with("", "0.125 0.125 0.125\nAl1 Al 0.5 0.5 0.5\nO1 O 0.2624 0.2624 0.2624", "")
            .replace("Si", "Mg");
    let spinel = spinel.replacen(
        "_chemical_formula_sum 'Al2 Mg O4'\ndata_a",
        "data_a _chemical_formula_sum 'Al2 Mg O4'",
        1,
    );
    assert_eq!(atoms(&structure(spinel.as_bytes())), counts("Mg:8 Al:16 O:32"));
}

#[test]
fn new_names_go_before_old_ones() {
    let text = sites("", "O1 O 0.1 0.2 0.3");
    let old = "loop_ _symmetry_equiv_pos_as_xyz x,y,z\n";
    let new = "loop_ _space_group_symop_operation_xyz x,y,z -x,-y,-z\n";
    for lists in [format!("{old}{new}"), format!("{new}{old}")] {
        assert_eq!(structure(format!("{text}{lists}").as_bytes()).fractional.len(), 2);
    }
    assert_eq!(refusal(&format!("{text}{new}{new}")).0, "cif_duplicate_item");
}

#[test]
fn items_given_twice() {
    let text = format!("{}_cell_length_a 5\n", sites("", "O1 O 0 0 0"));
    let expected = ("cif_duplicate_item", 16, "_cell_length_a is given twice in one block".to_owned());
    assert_eq!(refusal(&text), expected);
    let twice = sites("_atom_site.fract_x", "O1 O 0 0 0 0");
    assert_eq!(refusal(&twice).0, "cif_duplicate_item");
    // Neither a repeated missing value nor a contradiction in an unneeded item is an error.
    let good = sites("", "O1 O 0.1 0.2 0.3");
    for rest in [
        "_cell_length_a ?",
        "_cell_length_a ''",
        "_chemical_formula_sum O _chemical_formula_sum ''",
        "_chemical_formula_sum '' _chemical_formula_sum O",
        "_chemical_formula_sum O _chemical_formula_sum 'H2 O'",
        "_cell_formula_units_Z 1 _cell_formula_units_Z 4",
        "_space_group_IT_number 1 _space_group_IT_number 1",
        "_space_group_name_H-M_alt 'P 1' _space_group_name_H-M_alt ?",
        "loop_ _symmetry_equiv_pos_as_xyz x,y,z _space_group_IT_number 2 _space_group_IT_number 14",
    ] {
        let text = format!("{good}{rest}\n");
        assert_eq!(structure(text.as_bytes()).fractional.len(), 1, "{rest}");
    }
    for rest in [
        "_space_group_IT_number 1 _space_group_IT_number 2",
        "_space_group_name_H-M_alt 'P 1' _space_group_name_H-M_alt 'P -1'",
        "_space_group_name_Hall 'P 1' _space_group_name_Hall '-P 1'",
    ] {
        assert_eq!(refusal(&format!("{good}{rest}\n")).0, "cif_duplicate_item", "{rest}");
    }
    // A label that two formulas interpret differently.
    let labelled = |rows: &str| {
        cubic(&format!(
            "_chemical_formula_sum 'C H'\n_chemical_formula_sum Ca\nloop_\n_atom_site_label\n\
             _atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n{rows}\n"
        ))
    };
    assert_eq!(refusal(&labelled("CA1 0 0 0")).0, "cif_duplicate_item");
    assert_eq!(structure(labelled("C1 0 0 0").as_bytes()).atomic_numbers, [6]);
}

#[test]
fn loops_of_sites_beside_the_coordinates() {
    let base = sites("", "Cs1 Cs 0 0 0\nCl1 Cl .5 .5 .5");
    let with = |columns: &str, rows: &str| format!("{base}loop_\n_atom_site_label\n{columns}\n{rows}\n");
    let (code, line, message) = refusal(&with("_atom_site_occupancy", "Cs1 0.5\nCl1 1"));
    assert_eq!((code, line), ("cif_partial_occupancy", 15));
    assert_eq!(message, "site \"Cs1\" has occupancy 0.5");
    assert_eq!(structure(with("_atom_site_occupancy", "Cl1 1.0").as_bytes()).fractional.len(), 2);
    assert_eq!(structure(with("_atom_site_charge", "Xx 7").as_bytes()).fractional.len(), 2);
    assert_eq!(refusal(&with("_atom_site_occupancy", "Cs1 half")).0, "cif_bad_number");
    assert_eq!(refusal(&with("_atom_site_disorder_group", "Cs1 -1")).0, "cif_disorder");
    for (rows, fault) in [
        ("Cs2 1", "no site with coordinates has this label"),
        ("Cs1 1\nCs1 1", "the loop has two rows with this label"),
    ] {
        let (code, line, message) = refusal(&with("_atom_site_occupancy", rows));
        assert_eq!(code, "cif_unmatched_label");
        assert!(line > 17 && message.ends_with(fault), "{line} {message}");
    }
    let nameless = format!("{base}loop_ _atom_site_occupancy 1 1\n");
    assert_eq!(refusal(&nameless).0, "cif_unmatched_label");
    let alike = sites("", "C C 0 0 0\nC C .5 .5 .5") + "loop_ _atom_site_label _atom_site_occupancy C 1\n";
    assert!(refusal(&alike).2.contains("several sites"));
    assert!(refusal(&with("_atom_site_type_symbol", "Cs1 Rb")).2.contains("different values"));
    assert_eq!(structure(with("_atom_site_type_symbol", "Cs1 Cs").as_bytes()).atomic_numbers, [55, 17]);
    // The loop without coordinates may come first. Here it gives the symbols.
    let first = cubic(
        "loop_ _atom_site_label _atom_site_type_symbol M1 Fe M2 Ni\n\
         loop_ _atom_site_label _atom_site_fract_x _atom_site_fract_y _atom_site_fract_z M2 0 0 0 M1 .5 .5 .5\n",
    );
    assert_eq!(structure(first.as_bytes()).atomic_numbers, [28, 26]);
}

#[test]
fn syntax() {
    let good = sites("", "O1 O 0 0 0");
    for (text, line, problem) in [
        (format!("{good}_a 'open\n"), 16, "a quoted value does not end on its line"),
        (format!("{good}_a\n;open\n"), 17, "a text field does not end"),
        (format!("{good}loop_ _a _b 1 2 3"), 16, "a loop whose number of values"),
        (format!("{good}stray"), 16, "a loop whose number of values"),
        (format!("{good}_a 1 stray"), 16, "a value without a data name"),
        (format!("{good}_a _b 1"), 16, "a data name without a value"),
        (format!("{good}loop_ 1 2"), 16, "a loop without data names"),
        (format!("{good}global_ _a 1"), 16, "a reserved word"),
        (format!("global_ _cell_length_a 4\n{good}"), 1, "a reserved word"),
        (format!("#\\#CIF_2.0\n{good}_a [1 2 {{'b':3}}"), 17, "a list or table does not end"),
        (format!("_a 1\n{good}"), 1, "no data_ heading before the first item"),
    ] {
        let (code, found, message) = refusal(&text);
        assert_eq!((code, found), ("cif_syntax", line), "{text}");
        assert!(message.starts_with(problem), "{message}");
    }
    let found = read(format!("{good}data_b\n_a 'open\n").as_bytes());
    assert_eq!(found[0].entry_name, "stem#a");
    assert!(found[0].result.is_ok());
    assert_eq!((found[1].block.as_str(), found[1].line), ("b", 16));
    assert_eq!(found[1].result.as_ref().unwrap_err().line, 17);
}

#[test]
fn items_of_a_journal_before_the_first_block() {
    let text = format!("global_\n_journal_name_full 'A B'\nloop_ _c _d 1 2\n{}", sites("", "O1 O 0 0 0"));
    assert_eq!(structure(text.as_bytes()).atomic_numbers, [8]);
}

#[test]
fn files_without_a_structure() {
    for text in ["", "\n\n", "# a comment alone", "\u{feff}", "\u{feff}#\\#CIF_2.0\n"] {
        assert_eq!(
            refusal(text),
            ("cif_no_data_block", 0, "the file has no data block".to_owned()),
            "{text:?}"
        );
    }
    for text in ["data_a", "data_a\n_cell_length_a 4", "data_a loop_ _atom_site_label C1 data_b"] {
        assert_eq!(
            refusal(text),
            ("cif_no_structure", 0, "no data block holds atom sites".to_owned()),
            "{text}"
        );
    }
    assert_eq!(refusal(&cubic("loop_ _atom_site_label _atom_site_fract_x")).0, "cif_no_structure");
    let wide: Vec<u8> = "data_a _cell_length_a 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [wide.clone(), [b"\xff\xfe".as_slice(), &wide].concat()] {
        assert_eq!(read(&bytes)[0].result.as_ref().unwrap_err().reason_code(), "cif_encoding");
    }
}

#[test]
fn a_million_sites_and_more_are_bounded() {
    let group = "_space_group_name_Hall '-F 4 2 3'\n";
    let mut rows = String::new();
    for site in 0..6000 {
        // Between the mirror planes: near one of them, a site and its image would overlap.
        let t = f64::from(site) / 6000.0;
        let [x, y, z] = [t, (37.0 * t).fract(), (71.0 * t).fract()].map(|part| 0.04 * part);
        rows.push_str(&format!("C{site} C {:.6} {:.6} {:.6}\n", x + 0.01, y + 0.08, z + 0.15));
    }
    let text = sites("", &rows).replace("_cell_length_a 4\n", "_cell_length_a 4000\n");
    let text = text.replace("_b 4\n", "_b 4000\n").replace("_c 4\n", "_c 4000\n");
    assert_eq!(structure(text.as_bytes()).fractional.len(), 6000);
    assert_eq!(refusal(&format!("{text}{group}")).0, "too_many_sites");
}

#[test]
fn no_more_sites_are_read_than_a_cell_may_hold() {
    let mut reader = CifReader::new();
    reader.limit_sites(3);
    let mut count = |text: &str| {
        let mut found = None;
        reader.read(text.as_bytes(), &mut |_, result| {
            found =
                Some(result.map(|structure| structure.fractional.len()).map_err(|error| error.to_string()));
        });
        found.unwrap()
    };
    let rows = ["C1 C 0.1 0 0\n", "C2 C 0.3 0 0\n", "C3 C 0.6 0 0\n", "C4 C 0.8 0 0\n"];
    assert_eq!(count(&sites("", &rows[..3].concat())), Ok(3));
    let refused = "line 1: the cell holds 4 sites or more, 3 is the most";
    assert_eq!(count(&sites("", &rows.concat())), Err(refused.to_owned()));
    // A site that is not an atom counts too. Otherwise it would leave room for the last atom.
    let dummy = rows.concat().replace("C2 C", "Dum Dum");
    assert_eq!(count(&sites("", &dummy)), Err(refused.to_owned()));
    let mirror = "loop_ _symmetry_equiv_pos_as_xyz x,y,z x,-y,z\n";
    let images = sites("", &rows[..2].concat().replace(" 0 0\n", " 0.2 0\n")) + mirror;
    assert_eq!(count(&images), Err(refused.to_owned()));
    // The limit is kept after the buffers have grown.
    let many: String = (0..100_000).map(|site| format!("C C 0.{site:05} 0 0\n")).collect();
    assert!(count(&sites("", &many)).is_err());
    assert_eq!(count(&sites("", &rows.concat())), Err(refused.to_owned()));
    let joined = "loop_ _atom_site_label _atom_site_occupancy\n".to_owned() + &"C1 1\n".repeat(25);
    let text = sites("", &rows[..3].concat()) + &joined;
    assert!(count(&text).unwrap_err().contains("too many rows"));
}

#[test]
fn long_pieces_of_a_file_are_not_quoted_whole() {
    let long = "M".repeat(1_000_000);
    let (code, _, message) = refusal(&sites("", &format!("{long} {long} 0 0 0")));
    assert_eq!(code, "cif_unknown_element");
    assert!(message.len() < 300, "{}", message.len());
    let operation =
        format!("{}loop_ _space_group_symop_operation_xyz {}", sites("", "O1 O 0 0 0"), "x+".repeat(500_000));
    assert_eq!(refusal(&operation).0, "cif_bad_symmetry");
}
