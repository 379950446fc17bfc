//! The two folders of a store: where they are, what is refused, and stores of the former layout.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use schemas::store::FORMAT_VERSION;

use crate::support::*;

/// A folder with an input of one crystal and one that is left out, `in`.
fn crystals() -> Folder {
    let folder = folder();
    let input = folder.path().join("in");
    fs::create_dir(&input).expect("a folder");
    fs::write(input.join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    fs::write(input.join("bad.cif"), "data_bad\n_cell_length_a 3\n").expect("a file");
    folder
}

/// Every entry of a folder, hidden ones too, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// Commands that read a store.
fn readers<'a>(store: &'a str, out: &'a str) -> [Vec<&'a str>; 6] {
    [
        vec!["validate", "--all", store],
        vec!["stats", store],
        vec!["inspect", store, "CsCl"],
        vec!["columns", store],
        vec!["export", store, "--format", "extxyz", "--out", out],
        vec!["merge", store, "--out", out],
    ]
}

#[test]
fn a_store_is_shards_and_a_folder_beside_them() {
    let work = crystals();
    let store = work.path().join("x");
    let output = build("cif", &work.path().join("in"), &store, &["--allow-rejects"], 0);
    let told = format!("every entry left out is in {}.store/rejects.parquet", text(&store));
    assert!(said(&output).contains(&told), "{}", said(&output));
    assert_eq!(names(&store), ["cif-00000.parquet"]);
    assert_eq!(names(&work.path().join("x.store")), [".lock", "manifest.json", "rejects.parquet"]);
    assert_eq!(manifest(&store).format_version, FORMAT_VERSION);
    assert_eq!(rejects(&store).len(), 1);
}

#[test]
fn a_store_has_one_sidecar_by_all_its_names() {
    let work = crystals();
    let path = |name: &str| work.path().join(name);
    for name in ["y/z", "other"] {
        fs::create_dir_all(path(name)).expect("a folder");
    }
    symlink("../y", path("other/link")).expect("a link");
    let run = |folder: &str, arguments: &[&str]| {
        Command::new(ETL).args(arguments).current_dir(path(folder)).output().expect("the program starts")
    };
    let input = path("in");
    let mut built = Vec::new();
    for (folder, out) in
        [("y", "."), ("y", "./"), ("y/z", ".."), ("other", "link"), ("other", "link/"), (".", "y/")]
    {
        let output = run(folder, &["build", "cif", "--input", text(&input), "--out", out, "--allow-rejects"]);
        assert_eq!(output.status.code(), Some(0), "{out}: {}", said(&output));
        assert_eq!(said(&output).contains("finished before"), !built.is_empty(), "{out}: {}", said(&output));
        assert_eq!(run(folder, &["validate", out]).status.code(), Some(0), "{out}");
        assert_eq!(names(work.path()), ["in", "other", "y", "y.store"], "{out}");
        assert_eq!(
            (names(&path("other")), names(&path("y"))),
            (vec!["link".into()], vec!["cif-00000.parquet".to_owned(), "z".to_owned()])
        );
        built.push(tree(&path("y")));
    }
    assert!(built.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_store_without_its_sidecar_is_refused_in_one_line() {
    let work = crystals();
    let path = |name: &str| work.path().join(name);
    build("cif", &path("in"), &path("x"), &["--allow-rejects", "--part", "1/1"], 0);
    fs::rename(path("x"), path("moved")).expect("a folder");
    let out = path("out");
    for command in readers(text(&path("moved")), text(&out)) {
        let output = etl(&command);
        let line = said(&output);
        assert!(
            line.contains("moved.store/manifest.json is missing, and both folders belong together"),
            "{line}"
        );
        assert_eq!(output.status.code(), Some(if command[0] == "validate" { 1 } else { 2 }), "{command:?}");
    }
    // The sidecar is no store either, and nothing is built in it.
    fs::rename(path("moved"), path("x")).expect("a folder");
    let (sidecar, input) = (path("x.store"), path("in"));
    let mut commands = readers(text(&sidecar), text(&out)).to_vec();
    commands.push(vec!["build", "cif", "--input", text(&input), "--out", text(&sidecar), "--force"]);
    let before = tree(work.path());
    for command in commands {
        let output = etl(&command);
        let line = complaint(&output);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {line}");
        let store = path("x");
        assert!(line.contains(&format!("x.store: belongs to the store {}", text(&store))), "{line}");
    }
    assert!(tree(work.path()) == before && !out.exists());
}

#[test]
fn a_sidecar_that_cannot_be_is_refused_before_anything_is_written() {
    let work = crystals();
    let path = |name: &str| work.path().join(name);
    fs::write(path("file.store"), "years of work").expect("a file");
    fs::create_dir_all(path("victim")).expect("a folder");
    symlink("victim", path("linked.store")).expect("a link");
    former_store(&path("former.store"));
    build("cif", &path("in"), &path("new.store"), &["--allow-rejects"], 0);
    let before = tree(work.path());
    for (out, expected) in [
        (
            "file",
            "file.store: not a folder; symbolic links are not followed; the manifest and the rejects of ",
        ),
        (
            "linked",
            "linked.store: not a folder; symbolic links are not followed; the manifest and the rejects of ",
        ),
        ("former", "former.store: has a manifest of its own"),
        ("new", "new.store: has a manifest of its own"),
    ] {
        for more in [&[][..], &["--force"]] {
            let line = complaint(&build("cif", &path("in"), &path(out), more, 2));
            assert!(line.contains(expected), "{out}: {line}");
        }
    }
    assert_eq!(tree(work.path()), before);
}

#[test]
fn a_mounted_file_system_is_no_store_but_has_room_for_one() {
    let Some(disk) = SmallDisk::new("4m") else { return };
    let work = crystals();
    let input = work.path().join("in");
    let line = complaint(&build("cif", &input, disk.path(), &[], 2));
    assert!(line.contains("a mounted file system; ") && line.contains("name a folder in it"), "{line}");
    assert!(names(disk.path()).is_empty() && !disk.path().with_extension("store").exists());
    build("cif", &input, &disk.path().join("x"), &["--allow-rejects"], 0);
    assert_eq!(names(disk.path()), ["x", "x.store"]);
}

#[test]
fn stores_of_the_former_version_are_read_and_replaced() {
    let work = crystals();
    let store = work.path().join("x");
    former_store(&store);
    let before = tree(&store);
    assert!(before.contains_key("manifest.json") && before.contains_key("rejects/rejects.parquet"));
    let (one, out) = (manifest(&store).shards[0].file.clone(), work.path().join("out"));
    let crystal = texts(&batches(&store.join(one)), "material_id")[0].clone().expect("an identifier");
    for mut command in readers(text(&store), text(&out)) {
        if command[0] == "inspect" {
            command[2] = &crystal;
        }
        let output = etl(&command);
        let expected = if command[0] == "merge" { 2 } else { 0 };
        assert_eq!(output.status.code(), Some(expected), "{command:?}: {}", said(&output));
    }
    let input = work.path().join("in");
    for more in [&[][..], &["--resume"]] {
        let line = complaint(&build("cif", &input, &store, more, 2));
        assert!(line.contains("a finished store is here with format version 1; --force"), "{line}");
        assert_eq!(tree(&store), before);
    }
    build("cif", &input, &store, &["--force", "--allow-rejects"], 0);
    assert_eq!(names(&store), ["cif-00000.parquet"]);
    assert_eq!(names(&work.path().join("x.store")), [".lock", "manifest.json", "rejects.parquet"]);
    assert_eq!(etl(["validate", text(&store)]).status.code(), Some(0));
}

#[test]
fn what_a_pattern_of_parts_names_is_merged() {
    let work = crystals();
    let path = |name: &str| work.path().join(name);
    let parts = path("parts");
    for part in ["1", "2"] {
        let number = format!("{part}/2");
        build("cif", &path("in"), &parts.join(part), &["--allow-rejects", "--part", &number], 0);
    }
    let expanded = names(&parts);
    assert_eq!(expanded, ["1", "1.store", "2", "2.store"]);
    let folders: Vec<_> = expanded.iter().map(|name| parts.join(name)).collect();
    let (out, whole) = (path("merged"), path("whole"));
    let arguments = ["merge"].into_iter().chain(folders.iter().map(|folder| text(folder)));
    let output = etl(arguments.chain(["--out", text(&out)]));
    assert!(said(&output).contains("merged from 2 parts, 1 crystal in "), "{}", said(&output));
    build("cif", &path("in"), &whole, &["--allow-rejects"], 0);
    assert_eq!(manifest(&out).counts, manifest(&whole).counts);
    let output = etl(["merge", text(&folders[0]), text(&folders[3]), "--out", text(&path("other"))]);
    assert!(complaint(&output).contains("2.store: belongs to the store "), "{}", said(&output));
}

/// The folder as Python's readers open it: those that are installed, pandas, pyarrow and DuckDB at least.
#[test]
fn readers_of_parquet_open_the_folder() {
    let python = root().join(".venv/bin/python");
    if !python.exists() {
        println!("skipped: Python is not here; `make .venv/complete` installs it");
        return;
    }
    let work = folder();
    let store = work.path().join("x");
    let options = ["--name", "textbook", "--shard-rows", "100", "--row-group-rows", "50"];
    build("cif", &sample(), &store, &options, 0);
    let script = root().join("tests/python/open_store.py");
    let output = Command::new(python).arg(script).arg(&store).output().expect("Python starts");
    assert!(output.status.success(), "{}", said(&output));
    let (told, kept) = (said(&output), manifest(&store).counts.kept);
    for reader in ["pandas", "pyarrow.dataset", "pyarrow.parquet", "duckdb"] {
        assert!(told.lines().any(|line| line == format!("{reader}: {kept} rows")), "{reader}: {told}");
    }
    let skipped = told.lines().filter(|line| line.ends_with(": not installed")).count();
    assert_eq!(
        told.lines().filter(|line| line.ends_with(&format!(": {kept} rows"))).count() + skipped,
        6,
        "{told}"
    );
}
