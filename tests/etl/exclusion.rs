//! One store, one run; finished stores are left alone.

use std::fs;

use schemas::layout::StorePaths;

use crate::support::*;

#[test]
fn a_finished_store_is_not_built_again() {
    let raw = folder();
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    let out = folder();
    build("cif", raw.path(), out.path(), &[], 0);
    let before = tree(out.path());
    let again = build("cif", raw.path(), out.path(), &[], 0);
    assert!(said(&again).contains("finished before"), "{}", said(&again));
    assert_eq!(before, tree(out.path()));

    let refused = build("cif", raw.path(), out.path(), &["--ties", "cut"], 2);
    assert!(complaint(&refused).contains("a finished store is here with ties = shell"), "{}", said(&refused));
    let refused = build("cif", raw.path(), out.path(), &["--name", "other"], 2);
    assert!(complaint(&refused).contains("source = cif"), "{}", said(&refused));
    assert_eq!(before, tree(out.path()));

    // What a run left that was killed between its manifest and its last step.
    fs::create_dir(out.path().join(".build")).expect("a folder");
    fs::write(out.path().join(".build/rejects.jsonl"), "").expect("a file");
    build("cif", raw.path(), out.path(), &[], 0);
    assert_eq!(before, tree(out.path()));

    build("cif", raw.path(), out.path(), &["--ties", "cut", "--name", "other", "--force"], 0);
    let names: Vec<String> = tree(out.path()).into_keys().collect();
    assert_eq!(names, [".store/manifest.json", ".store/rejects.parquet", "other-00000.parquet"]);

    // Of a folder that was removed, its sidecar is not taken for the store.
    fs::remove_dir_all(out.path()).expect("a folder");
    build("cif", raw.path(), out.path(), &[], 0);
    assert_eq!(before, tree(out.path()));
}

#[test]
fn a_second_run_is_told_of_the_first() {
    let raw = folder();
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    let out = folder();
    let sidecar = StorePaths::new(out.path()).records().to_owned();
    fs::create_dir(&sidecar).expect("a folder");
    let lock = fs::File::create(sidecar.join(".lock")).expect("a file");
    lock.lock().expect("nobody else has it");
    let refused = build("cif", raw.path(), out.path(), &[], 2);
    assert!(complaint(&refused).contains("another run is writing this store"));
    // Closing it would not do: a child that another test has just forked may still have it open.
    lock.unlock().expect("it is locked");
    build("cif", raw.path(), out.path(), &[], 0);
}

#[test]
fn files_of_others_are_not_touched() {
    let raw = folder();
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    let out = folder();
    fs::write(out.path().join("thesis.parquet"), "years of work").expect("a file");
    for force in [&[][..], &["--force"]] {
        let refused = build("cif", raw.path(), out.path(), force, 2);
        assert!(complaint(&refused).contains("thesis.parquet is not of this store"));
    }
    assert_eq!(fs::read_to_string(out.path().join("thesis.parquet")).expect("still there"), "years of work");
}

/// Files that bear the names of ours, but that no journal or manifest of ours names, are left alone.
#[test]
fn files_of_our_names_are_not_taken_for_ours() {
    let raw = folder();
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    let out = folder();
    for name in ["rejects", ".build", "../data.store"] {
        fs::create_dir(out.path().join(name)).expect("a folder");
    }
    let files = [
        ".build/cache.db",
        "cif-00000.parquet",
        "cif-2024.parquet",
        "rejects/rejects.parquet",
        ".store/rejects.parquet",
        "notes.txt",
    ];
    for name in files {
        fs::write(file_of(out.path(), name), "years of work").expect("a file");
    }
    let before = tree(out.path());
    for more in [&[][..], &["--resume"]] {
        let line = complaint(&build("cif", raw.path(), out.path(), more, 2));
        for name in &files[..5] {
            assert!(line.contains(name), "{name}: {line}");
        }
        assert!(line.contains("are not of this store") && !line.contains("notes.txt"), "{line}");
        assert_eq!(before, tree(out.path()));
    }
    // A year is no number of a shard even with --force.
    let line = complaint(&build("cif", raw.path(), out.path(), &["--force"], 2));
    assert!(line.contains("cif-2024.parquet is not of this store"), "{line}");
    assert_eq!(before, tree(out.path()));
    fs::remove_file(out.path().join("cif-2024.parquet")).expect("it is there");
    build("cif", raw.path(), out.path(), &["--force"], 0);
    let names: Vec<String> = tree(out.path()).into_keys().collect();
    let expected = [
        ".build/cache.db",
        ".store/manifest.json",
        ".store/rejects.parquet",
        "cif-00000.parquet",
        "notes.txt",
    ];
    assert_eq!(names, expected);
}

#[test]
fn what_a_build_replaces_is_no_input() {
    let work = folder();
    let path = |name: &str| work.path().join(name);
    fs::create_dir(path("in")).expect("a folder");
    fs::write(path("in/CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    // Files of others by the names of a store's, in a folder that is none.
    for name in ["d", "d.store"] {
        fs::create_dir(path(name)).expect("a folder");
    }
    for name in ["d/cif-00000.parquet", "d/table-00000.parquet", "d/manifest.json", "d.store/gaps.csv"] {
        fs::write(path(name), "material_id,cif,gap\nCsCl,CsCl.cif,1\n").expect("a file");
    }
    std::os::unix::fs::symlink("d", path("also")).expect("a link");
    std::os::unix::fs::symlink("../d/cif-00000.parquet", path("in/linked.cif")).expect("a link");
    fs::copy(path("in/CsCl.cif"), path("CsCl.cif")).expect("a file");
    let labels = |name: &str| ["--labels".to_owned(), text(&path(name)).to_owned(), "--force".to_owned()];
    let (of_manifest, of_shard) = (labels("d/manifest.json"), labels("also/cif-00000.parquet"));
    let beside = labels("d.store/gaps.csv");
    let before = tree(work.path());
    for (kind, input, out, more) in [
        ("cif", "in", "d", ["--force"].as_slice()),
        ("cif", "in", "also", &["--force"]),
        ("cif", "CsCl.cif", "d", &of_manifest.each_ref().map(String::as_str)),
        ("cif", "CsCl.cif", "d", &of_shard.each_ref().map(String::as_str)),
        ("cif", "CsCl.cif", "d", &beside.each_ref().map(String::as_str)),
        ("cif", "CsCl.cif", "also", &beside.each_ref().map(String::as_str)),
        ("table", "d/table-00000.parquet", "d", &["--force"]),
        ("table", "also/table-00000.parquet", "d", &["--force"]),
    ] {
        let line = complaint(&build(kind, &path(input), &path(out), more, 2));
        assert!(line.contains("is an input and lies in"), "{line}");
        assert_eq!(tree(work.path()), before, "{input} {out} {more:?}");
    }
}
