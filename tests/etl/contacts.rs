//! Crystals with an impossible contact are rejected, those with an atom without neighbours kept, unless options
//! ask for the opposite.

use std::fs;
use std::path::Path;

use arrow::array::AsArray;
use etl::pipeline::Bounds;

use crate::support::*;

/// Writes three crystals with an impossible contact, one with an atom without neighbours, and one without fault.
fn write_crystals(folder: &Path) {
    let cif = |name: &str, text: String| fs::write(folder.join(name), text).expect("a file");
    cif("a-good.cif", caesium_chloride(4.12));
    let carbon = [("C", [0.1; 3]), ("N", [0.4, 0.4, 0.4]), ("C", [0.13, 0.1, 0.1])];
    cif("b-close.cif", cubic_cif("x", 10.0, &carbon));
    let thin = cubic_cif("x", 20.0, &[("Fe", [0.0; 3])]).replace("_cell_length_a 20", "_cell_length_a 0.5");
    cif("c-thin.cif", thin);
    cif("d-nm.cif", caesium_chloride(0.412));
    let pair = [("N", [0.0; 3]), ("He", [0.5; 3]), ("N", [0.0, 0.0, 0.0366])];
    cif("e-alone.cif", cubic_cif("x", 30.0, &pair));
}

#[test]
fn atoms_in_each_other_are_rejected_and_named() {
    let (raw, out) = (folder(), folder());
    write_crystals(raw.path());
    build("cif", raw.path(), out.path(), &[], 1);
    let rejects = rejects(out.path());
    assert_eq!(rejects.keys().collect::<Vec<_>>(), ["b-close", "c-thin", "d-nm"]);
    let (reason, message) = &rejects["b-close"];
    assert_eq!(reason, "impossible_contact");
    assert!(message.starts_with("sites 0 (C) and 2 (C) are 0.3 Å apart, less than "), "{message}");
    assert!(message.contains("covalent radii") && message.contains("disorder"), "{message}");
    let (reason, message) = &rejects["c-thin"];
    assert_eq!(reason, "impossible_contact");
    assert!(message.starts_with("site 0 (Fe) and its own image are 0.5 Å apart"), "{message}");
    let (reason, message) = &rejects["d-nm"];
    assert_eq!(reason, "degenerate_lattice");
    assert!(
        message.starts_with("2 atoms in a cell of 0.06993 Å³, ") && message.contains("in nm"),
        "{message}"
    );
}

#[test]
fn a_contact_beyond_the_neighbours_kept_is_seen() {
    let (raw, out) = (folder(), folder());
    // Each caesium atom has a hydrogen atom 1.2 Å away, which is possible.
    let sites =
        [("H", 0.3), ("Cs", 0.36), ("Cs", 0.435), ("H", 0.495)].map(|(symbol, x)| (symbol, [x, 0.5, 0.5]));
    fs::write(raw.path().join("a.cif"), cubic_cif("x", 20.0, &sites)).expect("a file");
    build("cif", raw.path(), out.path(), &["--neighbours", "1"], 1);
    let (reason, message) = &rejects(out.path())["a"];
    assert_eq!(reason, "impossible_contact");
    assert!(message.starts_with("sites 1 (Cs) and 2 (Cs) are 1.5 Å apart"), "{message}");
}

#[test]
fn the_contact_limit_is_an_option_of_the_store() {
    let raw = folder();
    write_crystals(raw.path());
    let out = folder();
    build("cif", raw.path(), out.path(), &["--min-contact", "0"], 0);
    assert_eq!(manifest(out.path()).counts.kept, 5);
    assert_eq!(manifest(out.path()).options["min_contact"], "0");
    let valid = etl(["validate", "--all", text(out.path())]);
    assert!(valid.status.success(), "{}", said(&valid));
    // A store of another limit is not the one that was asked for.
    let refused = build("cif", raw.path(), out.path(), &[], 2);
    assert!(complaint(&refused).contains("min_contact"), "{}", said(&refused));

    let strict = folder();
    build("cif", raw.path(), strict.path(), &["--min-contact", "1.5"], 1);
    assert_eq!(rejects(strict.path())["e-alone"].0, "impossible_contact");
    let limit = Bounds::default().min_contact.to_string();
    let usual = folder();
    build("cif", raw.path(), usual.path(), &["--min-contact", &limit, "--allow-rejects"], 0);
    assert_eq!(manifest(usual.path()).counts.kept, 2);
    for share in ["-1", "nan", "some"] {
        let share = format!("--min-contact={share}");
        let refused = etl(["build", "cif", "--input", text(raw.path()), "--out", "x", &share]);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains("neither 0 nor a positive number"), "{}", said(&refused));
    }
}

#[test]
fn an_atom_without_a_neighbour_is_counted_and_has_no_edge() {
    let raw = folder();
    write_crystals(raw.path());
    let out = folder();
    let output = build("cif", raw.path(), out.path(), &["--allow-rejects"], 0);
    let noted = &manifest(out.path()).counts.noted["isolated_atom"];
    assert_eq!(noted.count, 1);
    let note = "e-alone (e-alone.cif, record 5): site 1 (He) has no neighbour within 8 Å";
    assert_eq!(noted.first, [note]);
    assert!(
        said(&output).contains("1 noted: isolated_atom") && said(&output).contains(note),
        "{}",
        said(&output)
    );
    let rows = sorted_rows(out.path());
    let targets = rows["edge_target"].as_list::<i32>().value(1);
    let targets: Vec<u32> = targets.as_primitive::<arrow::datatypes::UInt32Type>().values().to_vec();
    assert_eq!(targets, [0, 2]);
    let valid = etl(["validate", "--all", text(out.path())]);
    assert!(valid.status.success(), "{}", said(&valid));
    let shown = etl(["inspect", text(out.path()), "e-alone"]);
    assert!(said(&shown).contains("3 sites, 2 edges"), "{}", said(&shown));

    let strict = folder();
    build("cif", raw.path(), strict.path(), &["--reject-isolated"], 1);
    let (reason, message) = &rejects(strict.path())["e-alone"];
    assert_eq!(
        (reason.as_str(), message.as_str()),
        ("isolated_atom", "site 1 (He) has no neighbour within 8 Å")
    );
    assert!(manifest(strict.path()).counts.noted.is_empty());
}

#[test]
fn settings_out_of_range_are_refused() {
    let raw = folder();
    write_crystals(raw.path());
    for (option, message) in [
        ("--neighbours=0", "not a whole number of at least 1"),
        ("--cutoff=0", "not a positive number"),
        ("--cutoff=-8", "not a positive number"),
        ("--cutoff=nan", "not a positive number"),
        ("--cutoff=inf", "not a positive number of at most 100"),
        ("--cutoff=101", "not a positive number of at most 100"),
        ("--neighbours=1025", "not a whole number of at least 1 and at most 1024"),
        ("--neighbours=some", "not a whole number of at least 1 and at most 1024, nor 'all'"),
        ("--min-volume=nan", "neither 0 nor a positive number"),
        ("--min-distance=-1", "neither 0 nor a positive number"),
        ("--threads=1025", "must be 1 to 1024"),
    ] {
        let refused = etl(["build", "cif", "--input", text(raw.path()), "--out", "x", option]);
        assert_eq!(refused.status.code(), Some(2), "{option}: {}", said(&refused));
        assert!(said(&refused).contains(message), "{option}: {}", said(&refused));
    }
}

/// No crystal of the store has an edge.
#[test]
fn a_store_without_any_edge_is_a_store() {
    let raw = folder();
    let cif = |name: &str, sites: &[(&str, [f64; 3])]| {
        fs::write(raw.path().join(name), cubic_cif("x", 30.0, sites)).expect("a file");
    };
    cif("one.cif", &[("Xe", [0.2; 3])]);
    cif("three.cif", &[("Xe", [0.2; 3]), ("Ar", [0.5; 3]), ("Ne", [0.8; 3])]);
    let out = folder();
    build("cif", raw.path(), out.path(), &[], 0);
    let noted = &manifest(out.path()).counts.noted["isolated_atom"];
    assert_eq!(noted.count, 2);
    assert!(
        noted.first[1].ends_with("site 0 (Xe) has no neighbour within 8 Å, nor have 2 others"),
        "{noted:?}"
    );
    let pages = folder();
    let html = pages.path().join("stats.html");
    for arguments in [
        &["validate", "--all", text(out.path())][..],
        &["stats", text(out.path())],
        &["stats", text(out.path()), "--html", text(&html)],
        &["inspect", text(out.path()), "three"],
    ] {
        let output = etl(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        assert!(!said(&output).contains("NaN"), "{}", said(&output));
    }
    assert!(!fs::read_to_string(&html).expect("a page").contains("NaN"));
}

/// Real crystals are kept.
#[test]
fn the_sample_has_no_impossible_contact() {
    let out = folder();
    build("cif", &sample(), out.path(), &[], 0);
    assert_eq!(manifest(out.path()).counts.rejected, 0);
}
