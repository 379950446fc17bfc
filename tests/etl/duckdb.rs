//! The views and analyses for DuckDB, run by a real one where `make .venv/complete` has installed it.

use std::process::Command;

use crate::support::*;

/// Runs a script of `tests/analysis` on a store of the sample; `None` without DuckDB.
fn run(script: &str) -> Option<String> {
    let python = root().join(".venv/bin/python");
    if !python.exists() {
        println!("skipped: DuckDB is not here; `make .venv/complete` installs it");
        return None;
    }
    let out = folder();
    build("cif", &sample(), out.path(), &["--name", "textbook"], 0);
    let script = root().join("tests/analysis").join(script);
    let output = Command::new(python).arg(script).arg(out.path()).output().expect("Python starts");
    assert!(output.status.success(), "{}", said(&output));
    Some(said(&output))
}

#[test]
fn every_edge_is_found_again_from_the_views() {
    run("check_views.py");
}

#[test]
fn analyses_print_their_tables() {
    let Some(tables) = run("run.py") else { return };
    for title in [
        "Coordination number by element",
        "Bond length",
        "Band gap by formula",
        "Rejects",
        "Edges per direction",
    ] {
        assert!(tables.contains(title), "{title}: {tables}");
    }
}
