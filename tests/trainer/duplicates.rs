//! `trainer duplicates`: the same structure in other words, and on both sides of a split.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::files::{caesium_chloride, cubic_cif};
use crate::support::*;

/// Halite by all eight sites of the conventional cell, moved.
fn halite() -> String {
    let corners = [[0.1, 0.2, 0.3], [0.6, 0.7, 0.3], [0.6, 0.2, 0.8], [0.1, 0.7, 0.8]];
    let sites: Vec<(&str, [f64; 3])> =
        corners.iter().flat_map(|&[x, y, z]| [("Cl", [x, y, z]), ("Na", [x + 0.5, y, z])]).collect();
    cubic_cif("halite", 5.64, &sites)
}

/// A store of crystals, some of them twice, with a split.
fn built() -> (Folder, PathBuf) {
    let folder = folder();
    let cifs = folder.path().join("cifs");
    fs::create_dir(&cifs).expect("a folder");
    for name in ["NaCl-rocksalt", "KCl-rocksalt", "ZnS-polymorphs", "CsCl-CsCl"] {
        fs::copy(sample().join(name).with_extension("cif"), cifs.join(name).with_extension("cif"))
            .expect("copied");
    }
    fs::write(cifs.join("halite.cif"), halite()).expect("writable");
    fs::write(cifs.join("wide.cif"), caesium_chloride(4.5)).expect("writable");
    let split = "material_id,split\nNaCl-rocksalt,train\nhalite,test\nKCl-rocksalt,train\nCsCl-CsCl,val\n";
    fs::write(folder.path().join("split.csv"), split).expect("writable");
    let store = folder.path().join("store");
    let labels = folder.path().join("split.csv");
    let build = ["build", "cif", "--input", text(&cifs), "--out", text(&store), "--name", "twins"];
    etl([&build[..], &["--labels", text(&labels), "--no-embedded-labels"]].concat());
    (folder, store)
}

/// Runs the search, which ends with a status.
fn search(store: &Path, more: &[&str], status: i32) -> String {
    let output = trainer([&["duplicates", "--shards", text(store)][..], more].concat());
    assert_eq!(output.status.code(), Some(status), "{}", said(&output));
    assert!(output.stderr.is_empty(), "{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn another_cell_of_a_crystal_in_another_part_is_a_leak() {
    let (folder, store) = built();
    let said = search(&store, &[], 1);
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["first", "second", "formulas", "structure", "distance", "leak"]);
    assert_eq!(lines[1], ["NaCl-rocksalt", "halite", "NaCl", "same", "-", "split:", "train,", "test"]);
    assert_eq!(
        said.lines().skip(2).collect::<Vec<_>>(),
        ["7 crystals: 1 pair of the same structure", "split: 1 pair in different parts"]
    );
    // Two polymorphs of one density, and one structure in two sizes, are no duplicates.
    let out = folder.path().join("pairs.csv");
    let said = search(&store, &["--out", text(&out)], 1);
    assert!(said.ends_with(&format!("1 pair: {}\n", out.display())), "{said}");
    assert_eq!(
        fs::read_to_string(&out).expect("a table"),
        "first,first_formula,second,second_formula,same_structure,distance,leak\n\
         NaCl-rocksalt,NaCl,halite,NaCl,true,,\"split: train, test\"\n"
    );
    let said = search(&store, &["--tolerance", "0.1"], 1);
    assert!(said.contains("\nCsCl-CsCl") && said.contains("2 pairs of the same structure"), "{said}");
}

#[test]
fn near_embeddings_are_listed_with_their_distance() {
    let (folder, twins) = built();
    let run = trained(&["--epochs", "1"]);
    let weights = run.path().join(BEST);
    let table = |name: &str, threads: &str| {
        let out = folder.path().join(name);
        let more =
            ["--weights", text(&weights), "--within", "100", "--threads", threads, "--out", text(&out)];
        let said = search(&twins, &more, 1);
        assert!(said.contains("20 other pairs within 100 of each other"), "{said}");
        fs::read(out).expect("a table")
    };
    for ending in ["jsonl", "parquet"] {
        assert!(table(&format!("a.{ending}"), "1") == table(&format!("b.{ending}"), "3"), "{ending}");
    }
    let lines = fs::read_to_string(folder.path().join("a.jsonl")).expect("a table");
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 21, "all pairs of seven");
    for row in &rows {
        let same = row["first"] == "NaCl-rocksalt" && row["second"] == "halite";
        assert_eq!(row["same_structure"], same, "{row}");
        // The mean over the atoms is the same for every cell.
        let distance = number(&row["distance"]);
        assert_eq!(distance < 1e-3, same, "{row}");
    }
    let line = refused(&["duplicates", "--shards", text(&twins), "--within", "1"]);
    assert!(line.contains("no embeddings"), "{line}");
    let line = refused(&["duplicates", "--shards", text(&twins), "--tolerance", "0"]);
    assert!(line.contains("tolerance = 0 must be greater than 0"), "{line}");
}

#[test]
fn a_store_without_duplicates_has_none() {
    let said = search(&store(), &[], 0);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines, ["26 crystals: 0 pairs of the same structure", "split: 0 pairs in different parts"]);
    // The same shards under another name are read once.
    let store = store();
    assert_eq!(search(&store, &[text(&shards(&store).remove(0))], 0), said);
}
