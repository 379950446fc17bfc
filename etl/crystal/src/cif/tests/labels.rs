//! Sites by their labels: molecules without a type symbol, and dummies that are left out.

use super::*;

/// A whole cell with these lines before its sites, and rows of a label, a type symbol, a flag and a place on the diagonal.
/// The first row is in line 16, or in the line after if there is a line before the sites.
fn cell(lines: &str, rows: &[[&str; 4]]) -> String {
    let rows: String = rows
        .iter()
        .map(|[label, symbol, flag, place]| format!("{label} {symbol} {place} {place} {place} {flag}\n"))
        .collect();
    format!(
        "data_a\n_cell_length_a 9\n_cell_length_b 9\n_cell_length_c 9\n_cell_angle_alpha 90\n\
         _cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P 1'\n{lines}loop_\n\
         _atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n\
         _atom_site_fract_z\n_atom_site_calc_flag\n{rows}"
    )
}

/// Labels without type symbols, at different places.
fn labelled(formula: &str, labels: &str) -> String {
    let places = ["0.1", "0.3", "0.5", "0.7", "0.9"];
    let rows: Vec<[&str; 4]> =
        labels.split(' ').zip(places).map(|(label, place)| [label, "?", ".", place]).collect();
    let formula = if formula.is_empty() { "?".to_owned() } else { format!("'{formula}'") };
    cell(&format!("_chemical_formula_sum {formula}\n"), &rows)
}

/// Returns the notes of a file with one structure.
fn notes(text: &str) -> Vec<CifNote> {
    let mut found = read(text.as_bytes());
    assert_eq!(found.len(), 1, "{text}");
    let found = found.remove(0);
    assert!(found.result.is_ok(), "{:?}", found.result);
    found.notes
}

#[test]
fn a_label_that_may_be_a_molecule_is_refused() {
    for (formula, labels) in [
        ("", "H2O1 Na1 Cl1"),
        ("H2 O Na Cl", "H2O1 Na1 Cl1"),
        ("", "H2O1 H2O2 Na1"),
        ("", "NH4 Cl1"),
        ("N H4 Cl", "NH4_1 Cl1"),
        ("", "CH3 Br1"),
        ("", "CH3 CH2 Br1"),
        ("", "CO3 Ca1"),
        ("Ca C O3", "CO3 Ca1"),
        ("", "CO3 CO2 Ca1"),
        ("", "CO3 Co1 Co2"),
        ("", "PO4 Ca1"),
        ("", "NO3 Na1"),
        ("", "SO4 Ca1 S1"),
        ("", "ClO4 Na1"),
        ("Si O4 Na4", "SIO4 NA1"),
    ] {
        let text = labelled(formula, labels);
        let error = read(text.as_bytes()).remove(0).result.unwrap_err();
        let label = labels.split(' ').next().unwrap();
        assert_eq!((error.reason_code(), error.line), ("cif_unknown_element", 17), "{labels}");
        let message = format!(
            "site {label:?} has no type symbol, and its label may mean a molecule or ion as well as an atom"
        );
        assert_eq!(error.kind.to_string(), message);
    }
    // The symbol tells.
    let typed = cell("", &[["NH4", "N", ".", "0.1"], ["CO3", "Co", ".", "0.5"]]);
    assert_eq!(structure(typed.as_bytes()).atomic_numbers, [7, 27]);
}

#[test]
fn a_label_of_a_series_is_an_atom() {
    for (formula, labels, numbers) in [
        ("", "CO1 CO2 CO3 O1", [27u8, 27, 27, 8].as_slice()),
        ("Co3 O4", "CO3 O1", &[27, 8]),
        ("C3 H O3", "CO1 CO2 CO3 O1", &[6, 6, 6, 8]),
        ("", "PO1 PO4", &[84, 84]),
        ("", "NH1 NH2 C1", &[7, 7, 6]),
        ("", "H1O H2O O1", &[1, 1, 8]),
        ("", "H1O1 H2O1 O1", &[1, 1, 8]),
        ("", "CH1 CH2 CH3 CH4", &[6, 6, 6, 6]),
        ("", "OH1 OH2 OH3 OH", &[8, 8, 8, 8]),
        ("", "Co3 Po4 C3 N4 S4", &[27, 84, 6, 7, 16]),
    ] {
        let found = structure(labelled(formula, labels).as_bytes());
        assert_eq!(found.atomic_numbers, numbers, "{labels}");
    }
}

#[test]
fn dummies_are_left_out_with_a_note() {
    let sodium = ["Na1", "?", ".", "0.1"];
    for (label, symbol) in [("X1", "?"), ("X1", "X"), ("Du1", "?"), ("DUM", "?"), ("A1", "Du"), ("Mn2", "X")]
    {
        let text = cell("", &[sodium, [label, symbol, ".", "0.5"]]);
        assert_eq!(structure(text.as_bytes()).atomic_numbers, [11]);
        let message = format!("1 site has the symbol of a dummy and is left out: {label:?}");
        assert_eq!(notes(&text), [CifNote { code: "cif_dummy_sites", line: 17, message }]);
        let flagged = cell("", &[sodium, [label, symbol, "dum", "0.5"]]);
        assert_eq!(structure(flagged.as_bytes()).atomic_numbers, [11]);
        assert!(notes(&flagged).is_empty(), "{flagged}");
    }
    let labels = ["X1", "X2", "X3", "X4", "X5", "X6", "X7"];
    let mut rows: Vec<[&str; 4]> = labels.iter().map(|label| [*label, "?", ".", "0.5"]).collect();
    rows.push(sodium);
    let expected = "7 sites have the symbol of a dummy and are left out: \"X1\", \"X2\", \"X3\", \"X4\", \
                    \"X5\" and 2 more";
    assert_eq!(notes(&cell("", &rows))[0].message, expected);
    // Sites are left out of an asymmetric unit, too.
    let centred = cell("", &rows[5..]).replace("'P 1'", "'P -1'");
    assert_eq!(structure(centred.as_bytes()).atomic_numbers, [11, 11]);
    let expected = "2 sites have the symbol of a dummy and are left out: \"X6\", \"X7\"";
    assert_eq!(notes(&centred)[0].message, expected);
}
