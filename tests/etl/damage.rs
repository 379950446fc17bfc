//! Broken inputs and places that cannot be written: one clear line, nothing half-written.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::support::*;

/// Asserts that a refused run left no shard and no manifest.
fn assert_nothing_published(store: &Path) {
    if store.exists() {
        let files: Vec<String> = tree(store).into_keys().collect();
        assert!(files.iter().all(|name| name.starts_with(".build/")), "{files:?}");
    }
}

/// A gzip stream.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

#[test]
fn unreadable_inputs_are_named() {
    let raw = folder();
    let file = |name: &str, bytes: &[u8]| {
        let path = raw.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path
    };
    let array = br#"[{"_oqmd_entry_id": 1, "atoms": {"lattice_mat": [[3,0,0],[0,3,0],[0,0,3]], "coords": [[0,0,0]], "elements": ["Fe "], "cartesian": false}}, "#;
    let whole = gzip(&array.repeat(2000));
    let inputs = [
        ("oqmd", raw.path().join("not-there.json")),
        ("oqmd", file("ends-early.json", array)),
        ("oqmd", file("no-array.json", b"{\"a\": 1}")),
        ("oqmd", file("cut.json.gz", &whole[..whole.len() / 2])),
        ("oqmd", file("cut.zip", b"PK\x03\x04 and no more")),
        ("matbench", file("matbench_x.json.gz", &gzip(b"{\"index\": [0], \"columns\": [\"structure\""))),
        ("cif", file("cut.tar.gz", &whole[..40])),
        ("cif", file("noise.tar.zst", &[7; 3000])),
        ("table", file("table.csv", b"id,gap\nx,1\n")),
    ];
    for (kind, input) in inputs {
        let out = folder();
        let output = build(kind, &input, &out.path().join("store"), &[], 2);
        let complaint = complaint(&output);
        let name = input.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(complaint.starts_with("etl: ") && complaint.contains(&name), "{complaint}");
        assert_nothing_published(&out.path().join("store"));
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let raw = folder();
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    let file = raw.path().join("CsCl.cif");
    let output = build("cif", raw.path(), &file.join("store"), &[], 2);
    assert!(complaint(&output).contains("CsCl.cif/store"), "{}", said(&output));
}

#[test]
fn a_full_disk_is_one_line_and_the_run_resumes_elsewhere() {
    let Some(disk) = SmallDisk::new("500k") else { return };
    let raw = folder();
    many_cifs(raw.path(), 8);
    let store = disk.path().join("store");
    let options = ["--shard-rows", "300", "--row-group-rows", "100", "--allow-rejects"];
    let output = build("cif", raw.path(), &store, &options, 2);
    let line = complaint(&output);
    let published: Vec<String> = tree(&store)
        .into_keys()
        .filter(|name| name.ends_with(".parquet") && !name.starts_with('.'))
        .collect();
    // The disk grows, and the run goes on where it stopped.
    disk.remount("size=64m");
    let resumed = etl(["build", "cif", "--input", text(raw.path()), "--out", text(&store), "--resume"]
        .iter()
        .chain(&options));
    let whole = folder();
    build("cif", raw.path(), whole.path(), &options, 0);
    let same = tree(whole.path()) == tree(&store);
    assert!(line.contains("No space left on device") && line.contains("store/"), "{line}");
    assert!(!published.is_empty(), "some shards fitted");
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    assert!(same, "the resumed store is the whole one");
}

#[test]
fn wrong_arguments_are_explained() {
    let out = folder();
    for (arguments, expected) in [
        (&["--shard-rows", "0"][..], "--shard-rows 0: must be at least 1"),
        (&["--threads", "0"], "--threads 0: must be 1 to 1024"),
        (&["--order", "colour"], "--order colour: is neither"),
        (&["--filter", "nsites >"], "a number or text is expected at character 9"),
    ] {
        let output = build("cif", &sample(), out.path(), arguments, 2);
        assert!(complaint(&output).contains(expected), "{}", said(&output));
    }
    assert_eq!(etl(["build", "cif"]).status.code(), Some(2));
    assert_eq!(etl(["build", "crystals", "--input", "x", "--out", "y"]).status.code(), Some(2));
}
