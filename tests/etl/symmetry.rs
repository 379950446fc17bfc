//! CIFs whose symmetry is contradictory or ambiguous are rejected, or kept with a note.

use std::fs;

use arrow::array::AsArray;
use arrow::datatypes::Float32Type;

use crate::support::*;

/// A CIF of the asymmetric unit of halite, with these lines before its sites.
fn halite(lines: &str) -> String {
    let cif = cubic_cif("halite", 5.64, &[("Na", [0.0; 3]), ("Cl", [0.5; 3])]);
    cif.replace("loop_\n", &format!("{lines}\nloop_\n"))
}

const CONTRADICTION: &str = "_symmetry_equiv_pos_as_xyz 'x, y, z'\n_symmetry_Int_Tables_number 225";

#[test]
fn contradictions_are_rejected_by_evidence_and_noted_without() {
    let raw = folder();
    let cif = |name: &str, text: String| fs::write(raw.path().join(name), text).expect("a file");
    let units = "_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 4";
    cif("a-named.cif", halite("_symmetry_Int_Tables_number 225"));
    cif("b-units.cif", halite(&format!("{CONTRADICTION}\n{units}")));
    cif("c-open.cif", halite(CONTRADICTION));
    cif(
        "d-formulas.cif",
        halite(&format!("{units}\n_chemical_formula_sum ''\n_symmetry_Int_Tables_number 225")),
    );
    cif("e-modulated.cif", halite("_cell_modulation_dimension 1"));
    cif("f-label.cif", halite("loop_ _atom_site_label _atom_site_occupancy Na1 0.5"));
    let unnamed = halite("_symmetry_space_group_name_H-M '?'").replace("data_halite", "data_");
    cif("g-twice.cif", unnamed.repeat(2));
    let out = folder();
    build("cif", raw.path(), out.path(), &[], 1);
    let rejects = rejects(out.path());
    let reasons: Vec<(&str, &str)> =
        rejects.iter().map(|(id, (reason, _))| (id.as_str(), reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            ("b-units", "cif_bad_symmetry"),
            ("e-modulated", "cif_modulated"),
            ("f-label", "cif_unmatched_label")
        ]
    );
    let message = &rejects["b-units"].1;
    assert!(message.contains("holds 2 atoms") && message.contains("have 8"), "{message}");
    let ids: Vec<String> = texts(&rows(out.path()), "material_id").into_iter().flatten().collect();
    assert_eq!(ids, ["a-named", "c-open", "d-formulas", "g-twice#1", "g-twice#2"]);
    let noted = &manifest(out.path()).counts.noted;
    assert_eq!(noted.keys().collect::<Vec<_>>(), ["cif_symmetry_unclear"]);
    let noted = &noted["cif_symmetry_unclear"];
    assert_eq!(noted.count, 1);
    assert!(noted.first[0].starts_with("c-open (c-open.cif, record 3, line 9): "), "{:?}", noted.first);

    // The same note about a CIF in a table.
    let table = folder();
    let path = table.path().join("table.csv");
    let quoted = halite(CONTRADICTION).replace('"', "\"\"");
    fs::write(&path, format!("material_id,cif\nx,\"{quoted}\"\n")).expect("a table");
    let out = folder();
    build("table", &path, out.path(), &[], 0);
    let noted = &manifest(out.path()).counts.noted["cif_symmetry_unclear"];
    assert_eq!(noted.count, 1);
    assert!(noted.first[0].starts_with("x (table.csv, record 1, line 10): "), "{:?}", noted.first);
}

#[test]
fn origins_may_be_anywhere_and_dummies_are_noted() {
    let (raw, out) = (folder(), folder());
    let cif = |name: &str, text: String| fs::write(raw.path().join(name), text).expect("a file");
    // A molecule about a centre of symmetry at 0.0645 of the edge.
    let operations = "loop_ _symmetry_equiv_pos_as_xyz x,y,z -x+0.129,-y,-z";
    let nitrogen = cubic_cif("nitrogen", 25.0, &[("N", [0.0865, 0.0, 0.0])]);
    cif("a-nitrogen.cif", nitrogen.replacen("loop_\n", &format!("{operations}\nloop_\n"), 1));
    cif("b-dummy.cif", cubic_cif("MnO", 4.4, &[("Mn", [0.0; 3]), ("O", [0.5; 3]), ("X", [0.25; 3])]));
    build("cif", raw.path(), out.path(), &[], 0);
    let rows = rows(out.path());
    let list = rows[0]["edge_distance"].as_list::<i32>().value(0);
    let distances = list.as_primitive::<Float32Type>().values();
    assert!(!distances.is_empty());
    assert!(distances.iter().all(|distance| (distance - 1.1).abs() < 1e-5), "{distances:?}");
    let noted = &manifest(out.path()).counts.noted;
    assert_eq!(noted.keys().collect::<Vec<_>>(), ["cif_dummy_sites"]);
    let note = &noted["cif_dummy_sites"].first[0];
    assert!(note.starts_with("b-dummy (b-dummy.cif, record 2, line 15): 1 site has "), "{note}");
    assert!(note.ends_with("left out: \"X\""), "{note}");
}
