//! Writes the readers' list of modules anew: as it is in `etl/src/source/mod.rs`, but with a
//! substitute for the reader of Parquet tables. See `src/lib.rs` for why.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The module that needs arrow and parquet.
const HEAVY: &str = "table_parquet";

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the crate is"));
    let readers = root.join("../etl/src/source");
    let substitute = root.join("src/table_parquet.rs");
    let list = readers.join("mod.rs");
    println!("cargo::rerun-if-changed={}", list.display());
    let text = fs::read_to_string(&list).expect("the readers' list of modules");
    let lines: Vec<String> = text
        .lines()
        // An included file cannot have documentation of its own.
        .filter(|line| !line.starts_with("//!"))
        .map(|line| match line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            Some(HEAVY) => declared(HEAVY, &substitute),
            Some(module) => declared(module, &readers.join(format!("{module}.rs"))),
            None => line.to_owned(),
        })
        .collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where the output goes"));
    fs::write(out.join("source.rs"), lines.join("\n")).expect("the output can be written");
}

/// The declaration of a module in a file.
fn declared(module: &str, file: &Path) -> String {
    format!("#[path = {file:?}]\nmod {module};")
}
