//! The page on bad input lists every reason for which an entry can be left out.
//!
//! Reason codes stand as literals in functions `reason_code`, and as constants in `etl/src/reject.rs`; the
//! trainer has one of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::markdown::first_code_cells;
use crate::{read, root};

/// The page.
const PAGE: &str = "docs/src/bad-input.md";
/// Files whose constants are codes of reasons and remarks.
const CONSTANTS: [&str; 3] =
    ["etl/src/reject.rs", "etl/crystal/src/cif/error.rs", "trainer/src/predict/ensemble.rs"];
/// Where functions give reason codes.
const FUNCTIONS: [&str; 2] = ["etl/crystal/src", "etl/src"];

/// What stands between quotes in a text without escapes.
fn literals(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').skip(1).step_by(2)
}

/// The codes that the functions `reason_code` of a source file give.
fn codes_of_functions(source: &str) -> BTreeSet<String> {
    let functions = source.split("fn reason_code(&self)").skip(1);
    // A method ends where a brace closes at its own indentation.
    let bodies = functions.filter_map(|rest| rest.split("\n    }\n").next());
    bodies.flat_map(literals).map(str::to_owned).collect()
}

/// The codes that are constants of a source file.
fn codes_of_constants(source: &str) -> BTreeSet<String> {
    let constants = source.lines().filter_map(|line| line.split_once("const ")?.1.split_once(": &str = "));
    constants.flat_map(|(_, value)| literals(value)).map(str::to_owned).collect()
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(fs::read_to_string(&path).expect("a source file"));
        }
    }
    found
}

#[test]
fn the_page_lists_the_reasons_of_the_code() {
    let functions: Vec<_> = FUNCTIONS.iter().flat_map(|folder| sources(&root().join(folder))).collect();
    let mut codes: BTreeSet<String> =
        functions.iter().flat_map(|source| codes_of_functions(source)).collect();
    codes.extend(CONSTANTS.iter().flat_map(|path| codes_of_constants(&read(path))));
    for known in ["cif_partial_occupancy", "poscar_bad_scale", "isolated_atom", "bad_json", "duplicate_id"] {
        assert!(codes.contains(known), "{known} is not found in the code: {codes:?}");
    }
    let listed: BTreeSet<String> = first_code_cells(&read(PAGE)).into_iter().collect();
    let unexplained: Vec<_> = codes.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&codes).collect();
    assert!(unexplained.is_empty(), "{PAGE} does not explain {unexplained:?}");
    assert!(gone.is_empty(), "{PAGE} explains {gone:?}, which the code does not know");
}

#[test]
fn codes_are_found_in_functions_and_constants() {
    let source = "pub const A: &str = \"a\";\nconst B: u8 = 1;\nimpl E {\n    pub fn reason_code(&self) -> &str {\n        \
                  match self {\n            Self::X => \"x\",\n            Self::Y(e) => e.reason_code(),\n        }\n    }\n    \
                  fn other(&self) -> &str {\n        \"z\"\n    }\n}\n";
    assert_eq!(codes_of_functions(source), BTreeSet::from(["x".to_owned()]));
    assert_eq!(codes_of_constants(source), BTreeSet::from(["a".to_owned()]));
}
