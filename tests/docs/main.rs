//! The book in `docs`: what its pages say to type is typed, and what they show is what comes.
//!
//! Pages are taken in the order of `SUMMARY.md`, in one scratch folder that looks like the root of the
//! project. Of a page's fenced blocks,
//!
//! | language | what happens |
//! |---|---|
//! | `sh` | run as one script by `bash -euo pipefail` |
//! | `console` | every `$ command` is run; the lines below it are what it prints, both streams together |
//! | `toml`, `sql`, `python`, `cif` | written to the file that the first line, a comment, names |
//! | `text` | only shown |
//!
//! and any other language is a fault of the page. A command's exit status is 0, or N where
//! `# exit status N` ends its line. Printed lines are compared word by word; `...` stands for any words,
//! alone on a line for any lines. In a block marked `console,about`, numbers with a decimal point may
//! differ by half: losses depend on the processor. Commands of `.venv/bin/python` are skipped where
//! `make .venv/complete` has not installed it.

mod errors;
mod links;
mod markdown;
mod mirror;
mod options;
mod output;
mod pages;
mod reasons;
mod scratch;
mod specification;
mod steps;

use std::fs;
use std::path::{Path, PathBuf};

/// The trainer.
const TRAINER: &str = env!("CARGO_BIN_EXE_trainer");

#[path = "../common/programs.rs"]
mod programs;

/// The root of the project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A text of the project by its path from the root.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The book's pages in the order of `SUMMARY.md`, by their paths from the root.
fn pages() -> Vec<String> {
    let links = markdown::links(&read("docs/src/SUMMARY.md"));
    links.into_iter().map(|link| format!("docs/src/{}", link.path)).collect()
}
