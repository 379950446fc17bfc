//! The committed sample of OQMD is what its README says.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use zip::ZipArchive;

use crate::{read, root};

/// The sample.
const SAMPLE: &str = "data/mirror/oqmd/all_oqmd.json.zip";

/// The text of the only file in an archive.
fn member(archive: &Path) -> String {
    let mut archive = ZipArchive::new(File::open(archive).expect("it is there")).expect("an archive");
    assert_eq!(archive.len(), 1);
    io::read_to_string(archive.by_name("all_oqmd.json").expect("the file")).expect("a text")
}

#[test]
fn the_sample_holds_the_listed_entries_in_order() {
    let entries: Vec<Value> = serde_json::from_str(&member(&root().join(SAMPLE))).expect("an array");
    let numbers: Vec<String> = entries.iter().map(|entry| entry["_oqmd_entry_id"].to_string()).collect();
    let list = read("data/mirror/oqmd/entries.txt");
    assert_eq!(numbers, list.lines().collect::<Vec<_>>());
    let sites = |entry: &Value| entry["atoms"]["elements"].as_array().map_or(0, Vec::len);
    let (entries, sites) = (entries.len(), entries.iter().map(sites).sum::<usize>());
    let readme = read("data/mirror/README.md");
    assert!(readme.contains(&format!("{entries} entries")), "{entries} entries");
    assert_eq!(sites, 1860, "sites, as the README says");
}

#[test]
fn cutting_the_sample_again_changes_nothing() {
    let python = root().join(".venv/bin/python");
    if !python.exists() {
        println!("skipped: Python is not here; `make .venv/complete` installs it");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (sample, again) = (root().join(SAMPLE), folder.path().join("again.zip"));
    let cut = Command::new(python).arg(root().join("data/mirror/cut.py")).args([&sample, &again]).status();
    assert!(cut.expect("it starts").success());
    assert!(member(&sample) == member(&again), "the sample is not what data/mirror/cut.py makes");
}
