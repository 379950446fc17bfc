//! How the program says things: one of a thing in the singular, formulas as chemists write them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::*;

/// A store of so many of the sample's crystals.
fn store(folder: &Path, crystals: &[&str]) -> (PathBuf, String) {
    let (input, store) = (folder.join("input"), folder.join("store"));
    fs::create_dir_all(&input).expect("a writable folder");
    for name in crystals {
        fs::copy(sample().join(format!("{name}.cif")), input.join(format!("{name}.cif"))).expect("a copy");
    }
    let output = build("cif", &input, &store, &[], 0);
    (store, said(&output))
}

/// What a command prints that succeeds.
fn printed(arguments: &[&str]) -> String {
    let output = etl(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn one_of_a_thing_is_singular() {
    let folder = folder();
    let (store, built) = store(folder.path(), &["NaCl-rocksalt"]);
    assert!(built.contains(": 1 crystal in 1 shard, "), "{built}");
    let again =
        said(&etl(["build", "cif", "--input", text(&folder.path().join("input")), "--out", text(&store)]));
    assert!(again.contains("finished before, 1 crystal; "), "{again}");
    let validated = printed(&["validate", text(&store)]);
    let expected = "no problems; 1 crystal, 1 shard, 0 rejects, features of 1 crystal recomputed";
    assert!(validated.contains(expected), "{validated}");
    let statistics = printed(&["stats", text(&store)]);
    assert!(
        statistics.contains(": 1 crystal, 8 sites, ") && statistics.contains(" in 1 shard\n"),
        "{statistics}"
    );
    let nothing = complaint(&etl(["inspect", text(&store), "KCl"]));
    assert!(nothing.contains("'KCl' is not among its 1 crystal"), "{nothing}");
}

#[test]
fn several_things_are_plural() {
    let folder = folder();
    let (store, built) = store(folder.path(), &["NaCl-rocksalt", "TiO2-rutile"]);
    assert!(built.contains(": 2 crystals in 1 shard, "), "{built}");
    let validated = printed(&["validate", text(&store)]);
    assert!(validated.contains("; 2 crystals, 1 shard, 0 rejects, features of 2 crystals "), "{validated}");
}

#[test]
fn formulas_are_shown_in_the_usual_order_beside_the_stored_one() {
    let folder = folder();
    let cases = [
        ("NaCl-rocksalt", "NaCl", "ClNa"),
        ("TiO2-rutile", "TiO2", "O2Ti"),
        ("SrTiO3-perovskite", "SrTiO3", "O3SrTi"),
        ("Cu-fcc", "Cu", "Cu"),
    ];
    let (store, _) = store(folder.path(), &cases.map(|(name, ..)| name));
    for (name, usual, reduced) in cases {
        let shown = printed(&["inspect", text(&store), name]);
        let stored = if usual == reduced { String::new() } else { format!(" (stored as {reduced})") };
        let expected = format!("{name}   {usual}{stored}   ");
        assert!(shown.starts_with(&expected), "{expected}: {shown}");
        let json: Value =
            serde_json::from_str(&printed(&["inspect", text(&store), name, "--json"])).expect("JSON");
        assert_eq!((&json["formula"], &json["chemical_formula_reduced"]), (&usual.into(), &reduced.into()));
    }
}
