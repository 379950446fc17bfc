//! Errors of the libraries name no option of a command line. The programs add it, in `cli/hints.rs`.

use std::path::Path;

use crate::specification::each_text;

/// The libraries. Their folders `cli` are the programs.
const LIBRARIES: [&str; 5] =
    ["schemas/src", "etl/src", "etl/crystal/src", "trainer/src", "trainer/kernels/src"];
/// What opens the message of an error, and what ends it.
const MESSAGE: (&str, &str) = ("#[error(", ")]\n");

/// The messages of the errors that a source file declares.
fn messages(source: &str) -> impl Iterator<Item = &str> {
    source.split(MESSAGE.0).skip(1).filter_map(|rest| rest.split(MESSAGE.1).next())
}

/// The long options in a text.
fn options(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c == '-' || c.is_ascii_alphanumeric()));
    words.filter(|word| word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic)))
}

#[test]
fn errors_of_libraries_name_no_options() {
    let mut found = 0;
    for library in LIBRARIES {
        each_text(Path::new(library), &mut |path, text| {
            if path.contains("/cli/") {
                return;
            }
            for message in messages(text) {
                let named: Vec<_> = options(message).collect();
                assert!(named.is_empty(), "{path}: an error names {named:?}, which `cli/hints.rs` is to add");
                found += 1;
            }
        });
    }
    assert!(found > 100, "only {found} errors are found");
}

#[test]
fn options_are_found_in_messages_alone() {
    let source = "/// By `--a`.\n#[error(\"{} is full: lower --b-c, or \\\n set --d\", f(path))]\nFull,\n\
                  #[error(transparent)]\nOther(E), // --e\n#[error(\"1 -- 2 --\")]\nNone,\n";
    let found: Vec<_> = messages(source).map(|message| options(message).collect::<Vec<_>>()).collect();
    assert_eq!(found, [vec!["--b-c", "--d"], vec![], vec![]]);
}
