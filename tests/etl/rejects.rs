//! Nothing disappears: bad entries are rows of the rejects table, and the run goes on.

use std::fs;

use schemas::layout::StorePaths;

use crate::support::*;

#[test]
fn bad_entries_are_recorded_and_the_run_goes_on() {
    let raw = folder();
    let cif = |name: &str, text: String| fs::write(raw.path().join(name), text).expect("a file");
    cif("a-good.cif", caesium_chloride(4.12));
    cif("b-element.cif", cubic_cif("x", 4.0, &[("Qq", [0.0; 3])]));
    cif(
        "c-partial.cif",
        caesium_chloride(4.0)
            .replace("_fract_z\n", "_fract_z\n_atom_site_occupancy\n")
            .replace("0 0 0\n", "0 0 0 0.5\n")
            .replace("0.5 0.5 0.5\n", "0.5 0.5 0.5 1\n"),
    );
    cif("d-number.cif", caesium_chloride(4.0).replace("_cell_length_b 4", "_cell_length_b four"));
    cif("e-coincident.cif", cubic_cif("x", 40.0, &[("Fe", [0.1; 3]), ("Fe", [0.1; 3])]));
    cif("f-empty.cif", String::new());
    cif("g-good.cif", caesium_chloride(4.2));
    let out = folder();
    let output = build("cif", raw.path(), out.path(), &["--json"], 1);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(summary["counts"]["read"], 7);
    assert_eq!(summary["counts"]["kept"], 2);
    assert_eq!(summary["counts"]["rejected"], 5);

    let rejects = rejects(out.path());
    assert_eq!(rejects.len(), 5, "{rejects:?}");
    let reject = |id: &str| rejects.get(id).unwrap_or_else(|| panic!("{id}: {rejects:?}"));
    assert_eq!(reject("b-element").0, "cif_unknown_element");
    assert!(reject("b-element").1.contains("Qq"));
    assert_eq!(reject("c-partial").0, "cif_partial_occupancy");
    assert!(reject("c-partial").1.contains("0.5"));
    assert_eq!(reject("d-number").0, "cif_bad_number");
    assert!(reject("d-number").1.contains("four"));
    assert_eq!(reject("e-coincident").0, "cif_sites_overlap");
    assert_eq!(reject("f-empty").0, "cif_no_data_block");

    let again = folder();
    build("cif", raw.path(), again.path(), &["--allow-rejects"], 0);
    assert_same(out.path(), again.path(), "--allow-rejects decides about the exit status alone");
}

#[test]
fn the_first_of_two_crystals_of_one_name_is_kept() {
    let (first, second) = (folder(), folder());
    fs::write(first.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    fs::write(second.path().join("CsCl.cif"), caesium_chloride(4.5)).expect("a file");
    let out = folder();
    build("cif", first.path(), out.path(), &["--id", "stem", "--input", text(second.path())], 1);
    assert!((doubles(&rows(out.path()), "a")[0].expect("a length") - 4.12).abs() < 1e-12);
    assert_eq!(rejects(out.path())["CsCl"].0, "duplicate_id");
}

#[test]
fn filters_drop_without_blame() {
    let out = folder();
    let filters = [
        "--filter",
        "band_gap_ev BETWEEN 1 AND 3",
        "--filter",
        "elements HAS ANY As, P",
        "--max-sites",
        "12",
    ];
    build("cif", &sample(), out.path(), &[&filters[..], &["--allow-rejects"]].concat(), 0);
    let counts = manifest(out.path()).counts;
    assert!(counts.kept > 0 && counts.kept + counts.filtered + counts.rejected == counts.read, "{counts:?}");
    assert_eq!(counts.filtered_by.len(), 2);
    assert_eq!(counts.rejected_by_reason.keys().collect::<Vec<_>>(), ["too_many_sites"]);
    let gaps = doubles(&rows(out.path()), "band_gap_ev");
    assert!(gaps.iter().all(|gap| gap.is_some_and(|gap| (1.0..=3.0).contains(&gap))), "{gaps:?}");
    let dropped = rejects(out.path());
    assert_eq!(dropped["Ag-fcc"], ("filtered".to_owned(), "band_gap_ev BETWEEN 1 AND 3".to_owned()));

    let refused = build("cif", &sample(), out.path(), &["--filter", "gap > 1", "--force"], 2);
    assert!(complaint(&refused).contains("there is no field 'gap'"), "{}", said(&refused));
    let bounds = ["--min-distance", "2.5", "--min-volume", "100", "--force"];
    build("cif", &sample(), out.path(), &bounds, 0);
    let counts = manifest(out.path()).counts;
    assert_eq!(counts.filtered_by.keys().collect::<Vec<_>>(), ["--min-distance 2.5", "--min-volume 100"]);

    let dashes = "material_id != \"Ag--fcc\" AND nsites < 3";
    build("cif", &sample(), out.path(), &["--filter", dashes, "--force"], 0);
    assert_eq!(manifest(out.path()).counts.filtered_by.keys().collect::<Vec<_>>(), [dashes]);
}

/// An entry of OPTIMADE: an atom of polonium, with further attributes, each with a comma behind it.
fn polonium(id: &str, further: &str) -> String {
    format!(
        r#"{{"id": "{id}", "type": "structures", "attributes": {{{further} "species_at_sites": ["Po"],
            "lattice_vectors": [[3, 0, 0], [0, 3, 0], [0, 0, 3]], "cartesian_site_positions": [[0, 0, 0]]}}}}"#
    )
}

#[test]
fn rejects_come_in_the_order_of_their_records() {
    let (raw, out) = (folder(), folder());
    let input = raw.path().join("a.json");
    let entries = [polonium("x", ""), polonium("layer", r#""nperiodic_dimensions": 2,"#), polonium("x", "")];
    fs::write(&input, format!("[{}]", entries.join(", "))).expect("a file");
    build("optimade", &input, out.path(), &[], 1);
    let listed = batches(&StorePaths::new(out.path()).rejects());
    let column = |name| texts(&listed, name).into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(column("material_id"), ["layer", "x"]);
    // `--id` is for files of one crystal each.
    assert_eq!(column("message")[1], "'x' was read before; the first one is kept");
}

#[test]
fn entries_of_optimade_that_are_no_crystals_are_told_by_any_of_their_attributes() {
    let raw = folder();
    let input = raw.path().join("a.json");
    let entries = [
        polonium("whole", r#""nperiodic_dimensions": 3, "dimension_types": [1, 1, 1], "assemblies": [],"#),
        polonium("unsaid", r#""nperiodic_dimensions": null, "assemblies": null,"#),
        polonium("layer", r#""nperiodic_dimensions": 2,"#),
        polonium("molecule", r#""nperiodic_dimensions": 0, "dimension_types": null,"#),
        polonium("both", r#""nperiodic_dimensions": 2, "dimension_types": [1, 1, 1],"#),
        polonium("assembled", r#""assemblies": [{"sites_in_groups": [[0]], "group_probabilities": [1]}],"#),
    ];
    fs::write(&input, format!("[{}]", entries.join(", "))).expect("a file");
    let out = folder();
    build("optimade", &input, out.path(), &[], 1);
    let kept: Vec<_> = texts(&rows(out.path()), "material_id").into_iter().flatten().collect();
    assert_eq!(kept, ["whole", "unsaid"]);
    let rejects = rejects(out.path());
    let reasons: Vec<_> = rejects.iter().map(|(id, (reason, _))| (id.as_str(), reason.as_str())).collect();
    let expected = [
        ("assembled", "hidden_atoms"),
        ("both", "not_periodic"),
        ("layer", "not_periodic"),
        ("molecule", "not_periodic"),
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn of_two_structures_of_a_record_none_is_taken() {
    let raw = folder();
    let input = raw.path().join("a.json");
    let structure = |edge: f64| {
        format!(
            r#""structure": {{"lattice": {{"matrix": [[{edge}, 0, 0], [0, {edge}, 0], [0, 0, {edge}]]}},
                "sites": [{{"species": [{{"element": "Po", "occu": 1}}], "abc": [0, 0, 0]}}]}}"#
        )
    };
    let (small, large) = (structure(3.3), structure(3.5));
    let records = [
        format!(r#"{{"material_id": "one", {small}}}"#),
        format!(r#"{{"material_id": "two", {small}, {large}}}"#),
        format!(r#"{{{small}, {large}, "material_id": "behind"}}"#),
    ];
    fs::write(&input, format!("[{}]", records.join(", "))).expect("a file");
    let out = folder();
    build("pymatgen", &input, out.path(), &[], 1);
    assert_eq!(texts(&rows(out.path()), "material_id"), [Some("one".to_owned())]);
    let rejects = rejects(out.path());
    assert_eq!(rejects.len(), 2, "{rejects:?}");
    for id in ["two", "behind"] {
        let (reason, message) = &rejects[id];
        assert!(reason == "bad_json" && message.ends_with("found a second \"structure\""), "{message}");
    }
}

#[test]
fn cifs_in_tables_may_have_two_characters_for_a_line_end() {
    let raw = folder();
    let table = raw.path().join("crystals.csv");
    let mut records = csv::Writer::from_path(&table).expect("a file");
    let plain = caesium_chloride(4.12);
    let escaped = plain.replace('\n', "\\n");
    let broken = escaped.replace("_cell_length_b ", "_cell_length_b x");
    for record in [["id", "cif"], ["plain", &plain], ["escaped", &escaped], ["broken", &broken]] {
        records.write_record(record).expect("a row");
    }
    records.flush().expect("a file");
    let out = folder();
    build("table", &table, out.path(), &[], 1);
    let rows = rows(out.path());
    assert_eq!(texts(&rows, "material_id"), ["plain", "escaped"].map(|id| Some(id.to_owned())));
    assert_eq!(doubles(&rows, "a")[0], doubles(&rows, "a")[1]);
    assert_eq!(rejects(out.path())["broken"].0, "cif_bad_number");
}
