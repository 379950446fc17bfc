//! The sections of the specification that code, documentation and columns refer to are there.
//!
//! A reference reads `specification, section 4.1`, `section 4.1 of the specification` or, in the description
//! of a column, `specification 4.1`; several read `sections 2.1 to 2.4` or `sections 4 and 5`, a row of a
//! section's table or a step of its list `section 7, row 9`.

use std::fs;
use std::path::Path;

use crate::markdown::anchors;
use crate::{read, root};

/// The page.
const PAGE: &str = "docs/src/specification.md";
/// Folders and files that may refer to it.
const TREE: [&str; 9] =
    ["README.md", "CONTRIBUTING.md", "docs/src", "docs/manual", "schemas", "etl", "trainer", "tests", "fuzz"];
/// Endings of files that are read.
const ENDINGS: [&str; 6] = ["rs", "md", "py", "sh", "sql", "toml"];
/// This file, whose own tests name sections that are not there.
const SELF: &str = "tests/docs/specification.rs";
/// What opens a line of a comment.
const COMMENTS: [&str; 5] = ["//!", "///", "//", "#", "--"];
/// How the specification was called while it was no part of the project.
const FORMER: &str = concat!("SP", "EC");

/// A place in the specification.
#[derive(Debug, PartialEq, Eq)]
struct Reference {
    /// As in `2.4`.
    section: String,
    /// Number of a table's row, or of a list's step.
    row: Option<String>,
}

/// A text in one line, without what opens its comments.
fn flat(text: &str) -> String {
    let line = |line: &str| {
        let line = line.trim();
        let comment = COMMENTS.iter().find_map(|opening| line.strip_prefix(opening));
        comment.unwrap_or(line).trim().to_owned()
    };
    text.lines().map(line).collect::<Vec<_>>().join(" ")
}

/// The number of a section at the head of a text, and what follows it.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    number.starts_with(|c: char| c.is_ascii_digit()).then(|| (number, &text[number.len()..]))
}

/// The sections at the head of a text, which begins behind the word `section` or the like.
fn sections(text: &str) -> (Vec<Reference>, &str) {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((section, behind)) = number(rest) {
        let place = [", row ", ", step "].iter().find_map(|word| number(behind.strip_prefix(word)?));
        let behind = place.map_or(behind, |(_, behind)| behind);
        found.push(Reference { section: section.to_owned(), row: place.map(|(row, _)| row.to_owned()) });
        let joined = [", ", " and ", " to "].iter().find_map(|joint| behind.strip_prefix(joint));
        match joined.filter(|next| number(next).is_some()) {
            Some(next) => rest = next,
            None => return (found, behind),
        }
    }
    (found, rest)
}

/// The references of a text.
fn references(text: &str) -> Vec<Reference> {
    let text = flat(text);
    let mut found = Vec::new();
    for (_, behind) in text.match_indices("pecification").map(|(at, word)| text.split_at(at + word.len())) {
        let behind = behind.strip_prefix(',').unwrap_or(behind).trim_start();
        let named = ["sections ", "section "].iter().find_map(|word| behind.strip_prefix(word));
        found.extend(sections(named.unwrap_or(behind)).0);
    }
    for (_, behind) in text.match_indices("ection").map(|(at, word)| text.split_at(at + word.len())) {
        let (these, behind) = sections(behind.strip_prefix('s').unwrap_or(behind).trim_start());
        if behind.starts_with(" of the specification") {
            found.extend(these);
        }
    }
    found
}

/// Whether a word stands in a text.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|it| it == word)
}

/// Calls `visit` with the path and text of every file below a path, or of one file.
pub(super) fn each_text(path: &Path, visit: &mut impl FnMut(&str, &str)) {
    let full = root().join(path);
    if full.is_dir() {
        for entry in fs::read_dir(&full).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            // Build output and environments.
            if name != "target" && !name.to_string_lossy().starts_with('.') {
                each_text(&path.join(name), visit);
            }
        }
    } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|it| ending == *it)) {
        let name = path.to_string_lossy();
        visit(&name, &read(&name));
    }
}

#[test]
fn every_section_that_is_named_is_there() {
    let page = read(PAGE);
    let anchors = anchors(&page);
    let mut found = 0;
    for path in TREE {
        each_text(Path::new(path), &mut |path, text| {
            if path == SELF {
                return;
            }
            assert!(!has_word(text, FORMER), "{path}: the specification is called {FORMER}");
            for Reference { section, row } in references(text) {
                let anchor = format!("section-{}", section.replace('.', "-"));
                assert!(anchors.contains(&anchor), "{path}: no section {section} in {PAGE}");
                if let Some(row) = row {
                    let heading = format!("<a id=\"{anchor}\">");
                    let (_, body) = page.split_once(&heading).expect("the anchor is there");
                    let body = body.split("<a id=").next().unwrap_or_default();
                    let starts = [format!("| {row} |"), format!("{row}. ")];
                    let is_there = body.lines().any(|line| starts.iter().any(|it| line.starts_with(it)));
                    assert!(is_there, "{path}: section {section} of {PAGE} has no row or step {row}");
                }
                found += 1;
            }
        });
    }
    assert!(found > 50, "only {found} references are found");
}

#[test]
fn every_section_has_its_anchor() {
    let page = read(PAGE);
    let mut above = "";
    for line in page.lines() {
        let heading = line.strip_prefix("### ").or_else(|| line.strip_prefix("## "));
        if let Some((section, _)) = heading.and_then(number) {
            assert_eq!(above, format!("<a id=\"section-{}\"></a>", section.replace('.', "-")), "{line}");
        }
        above = line;
    }
}

#[test]
fn references_are_found_in_all_their_forms() {
    let reference = |section: &str, row: Option<&str>| Reference {
        section: section.to_owned(),
        row: row.map(str::to_owned),
    };
    let all = |sections: &[&str]| sections.iter().map(|it| reference(it, None)).collect::<Vec<_>>();
    for (text, expected) in [
        ("Edges (specification, section 2.2), in Å.", all(&["2.2"])),
        ("//! Features (specification, sections\n//! 2.1 to 2.4): a", all(&["2.1", "2.4"])),
        ("/// by sections 2.2, 2.3 and 2.4 of\n/// the specification.", all(&["2.2", "2.3", "2.4"])),
        ("a column (specification 2.4)", all(&["2.4"])),
        ("Specification, section 9.", all(&["9"])),
        ("(specification, section 7, row 9)", vec![reference("7", Some("9"))]),
        ("(specification, section 2.1, step 3).", vec![reference("2.1", Some("3"))]),
        ("see section 3 of the manual, a specification of 12 pages", vec![]),
    ] {
        assert_eq!(references(text), expected, "{text}");
    }
}
