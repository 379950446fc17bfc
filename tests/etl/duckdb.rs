//! The views and analyses for DuckDB, run by a real one where `make .venv/complete` has installed it.

use std::fs;
use std::process::Command;

use schemas::store::{COLUMNS, Column, column_by_name, comment, reject_schema};

use crate::support::*;

/// Columns of the view `edges` whose comments are those of columns of the shards, without the shape.
const OF_EDGES: [(&str, &str); 11] = [
    ("material_id", "material_id"),
    ("source_site", "edge_source"),
    ("target_site", "edge_target"),
    ("k1", "edge_k1"),
    ("k2", "edge_k2"),
    ("k3", "edge_k3"),
    ("distance_angstrom", "edge_distance"),
    ("direction", "edge_direction"),
    ("same_cell", "edge_same_cell"),
    ("direction_centred", "edge_direction_centred"),
    ("same_cell_centred", "edge_same_cell_centred"),
];

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
    let output =
        Command::new(python).arg(script).arg(out.path()).env("ETL", ETL).output().expect("Python starts");
    assert!(output.status.success(), "{}", said(&output));
    Some(said(&output))
}

#[test]
fn every_edge_is_found_again_from_the_views() {
    run("check_views.py");
}

#[test]
fn comments_are_the_descriptions_of_the_columns() {
    let views = fs::read_to_string(root().join("schemas/duckdb/views.sql")).expect("the views");
    let has = |view: &str, column: &str, comment: &str| {
        let comment = comment.replace('\'', "''");
        let statement = format!("\nCOMMENT ON COLUMN {view}.{column} IS '{comment}';\n");
        assert!(views.contains(&statement), "not in views.sql:{statement}");
    };
    for Column { name, unit, shape, description, .. } in COLUMNS {
        has("crystals", name, &comment(description, shape, unit));
    }
    for (column, of_shard) in OF_EDGES {
        let Column { unit, description, .. } = column_by_name(of_shard).expect("a column of every store");
        for view in ["edges", "first_shell"] {
            has(view, column, &comment(description, "", unit));
        }
    }
    for field in reject_schema().fields() {
        has("rejects", field.name(), &field.metadata()["description"]);
    }
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
