//! Options that the book and the README name are those of the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use crate::markdown::blocks;
use crate::programs::etl_beside;
use crate::{TRAINER, pages, read};

/// A program with one of its commands.
type Call = (&'static str, String);

/// The long options that the commands of a text are given, by call.
fn options(commands: &str) -> BTreeMap<Call, BTreeSet<String>> {
    let mut found: BTreeMap<Call, BTreeSet<String>> = BTreeMap::new();
    let joined = commands.replace("\\\n", " ");
    for line in joined.lines() {
        let line = line.split(" # ").next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let name =
            |word: &str| ["etl", "trainer"].into_iter().find(|name| word.rsplit('/').next() == Some(name));
        let Some(program) = words.by_ref().find_map(name) else { continue };
        // A sentence that a program prints has no command after its name.
        let Some(command) = words.next().filter(|word| word.chars().all(|c| c.is_ascii_lowercase())) else {
            continue;
        };
        let long =
            words.filter(|word| word.starts_with("--")).map(|word| word.split('=').next().unwrap_or(word));
        found.entry((program, command.to_owned())).or_default().extend(long.map(str::to_owned));
    }
    found
}

/// The long options in a program's help.
fn known(program: &str, command: &str) -> BTreeSet<String> {
    let path = if program == "etl" { etl_beside(TRAINER) } else { PathBuf::from(TRAINER) };
    let output = Command::new(path).args([command, "--help"]).output().expect("it starts");
    assert!(output.status.success(), "{program} has no command {command}");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let parts = help.split(|c: char| !(c == '-' || c.is_ascii_alphanumeric()));
    parts.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn every_option_that_is_named_is_there() {
    let mut calls = 0;
    for page in pages().into_iter().chain(["README.md".to_owned()]) {
        let text: String =
            blocks(&read(&page)).expect("the blocks end").into_iter().map(|block| block.text).collect();
        for ((program, command), named) in options(&text) {
            let known = known(program, &command);
            let unknown: Vec<_> = named.difference(&known).collect();
            assert!(unknown.is_empty(), "{page}: {program} {command} has no {unknown:?}");
            calls += 1;
        }
    }
    assert!(calls > 10, "only {calls} calls of the programs are found");
}

#[test]
fn options_are_found_with_their_commands() {
    let text = "$ target/release/etl build cif --input a \\\n    --out=b  # --not\ncargo build --release\n\
                mpirun -n 4 trainer pretrain --batch 16\ntrainer: left out --nothing\n";
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let expected = BTreeMap::from([
        (("etl", "build".to_owned()), set(&["--input", "--out"])),
        (("trainer", "pretrain".to_owned()), set(&["--batch"])),
    ]);
    assert_eq!(options(text), expected);
}
