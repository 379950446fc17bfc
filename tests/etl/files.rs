//! Files of one crystal each: what they are called, how they are packed, which are not read, and what
//! becomes of a store whose files have changed.

use std::fs;
use std::path::Path;

use crate::support::{
    build, caesium_chloride, complaint, doubles, etl, folder, manifest, rejects, rows, said, sorted_rows,
    text, texts,
};

/// CsCl as a POSCAR in a cell of the given edge.
fn poscar(edge: f64) -> String {
    format!("CsCl\n1\n{edge} 0 0\n0 {edge} 0\n0 0 {edge}\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n")
}

pub(crate) fn write(root: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("a file");
}

/// Identifiers of a store, in the order of their letters.
fn ids(store: &Path) -> Vec<String> {
    texts(&[sorted_rows(store)], "material_id").into_iter().flatten().collect()
}

/// Builds a folder with more options and returns the store's identifiers.
fn ids_of(kind: &str, input: &Path, more: &[&str], status: i32) -> Vec<String> {
    let out = folder();
    build(kind, input, out.path(), more, status);
    ids(out.path())
}

#[test]
fn files_of_one_name_are_kept_apart() {
    let input = folder();
    for (edge, name) in
        ["mp-1/relaxed.cif", "mp-2/relaxed.cif", "mp-3/x/relaxed.cif", "alone.cif"].iter().enumerate()
    {
        write(input.path(), name, caesium_chloride(4.0 + edge as f64 / 10.0));
    }
    let of = |id, status| ids_of("cif", input.path(), &["--id", id], status);
    let auto = ["alone", "mp-1/relaxed", "mp-2/relaxed", "mp-3/x/relaxed"];
    assert_eq!(of("auto", 0), auto);
    assert_eq!(ids_of("cif", input.path(), &[], 0), auto);
    assert_eq!(of("path", 0), auto);
    assert_eq!(of("stem", 1), ["alone", "relaxed"]);
    let own = input.path().file_name().expect("a name").to_string_lossy().into_owned();
    let mut parents = vec![own.as_str(), "mp-1", "mp-2", "x"];
    parents.sort_unstable();
    assert_eq!(of("parent", 0), parents);

    let out = folder();
    build("cif", input.path(), out.path(), &["--id", "stem"], 1);
    let (reason, message) = &rejects(out.path())["relaxed"];
    assert!(reason == "duplicate_id" && message.contains("--id path"), "{message}");
    // The rule is a part of what the store is.
    let other = build("cif", input.path(), out.path(), &["--id", "path"], 2);
    assert!(complaint(&other).contains("id = stem"), "{}", said(&other));
}

#[test]
fn an_archive_has_the_identifiers_of_its_folder() {
    let root = folder();
    let set = root.path().join("set");
    for (edge, name) in ["b/x.cif", "a/x.cif", "y.cif"].iter().enumerate() {
        write(&set, name, caesium_chloride(4.0 + edge as f64 / 10.0));
    }
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_dir_all(".", &set).expect("in memory");
    let archive = root.path().join("set.tar");
    fs::write(&archive, builder.into_inner().expect("in memory")).expect("a file");
    assert_eq!(ids_of("cif", &set, &[], 0), ["a/x", "b/x", "y"]);
    assert_eq!(ids_of("cif", &archive, &[], 0), ["a/x", "b/x", "y"]);
}

#[test]
fn labels_join_by_stem_where_that_is_one_file() {
    let input = folder();
    write(input.path(), "d/one.cif", caesium_chloride(4.0));
    write(input.path(), "d/two.cif", caesium_chloride(4.1));
    write(input.path(), "e/two.cif", caesium_chloride(4.2));
    write(input.path(), "id_prop.csv", "one,1.5\nd/two,2.5\ntwo,3.5\n");
    let by_auto = [Some(2.5), None, Some(1.5)];
    let by_path = [Some(1.5), Some(2.5), None];
    for (id, targets) in [("auto", by_auto), ("path", by_path)] {
        let out = folder();
        let output = build("cif", input.path(), out.path(), &["--id", id], 0);
        let rows = [sorted_rows(out.path())];
        assert_eq!(doubles(&rows, "target"), targets, "{id}");
        assert!(said(&output).contains("1 label row"), "{}", said(&output));
    }
}

#[test]
fn the_relaxed_structure_is_taken_and_that_is_said() {
    let input = folder();
    write(input.path(), "mp-1/POSCAR", poscar(4.0));
    write(input.path(), "mp-1/CONTCAR", poscar(4.1));
    write(input.path(), "mp-2/POSCAR", poscar(4.2));
    let out = folder();
    let output = build("poscar", input.path(), out.path(), &[], 0);
    assert_eq!(ids(out.path()), ["mp-1", "mp-2"]);
    let volumes: Vec<f64> = doubles(&[sorted_rows(out.path())], "volume").into_iter().flatten().collect();
    assert!((volumes[0] - 4.1f64.powi(3)).abs() < 1e-9, "{volumes:?}");
    assert_eq!(manifest(out.path()).counts.noted["contcar_taken"].count, 1);
    assert!(said(&output).contains("mp-1 (POSCAR, record 2)"), "{}", said(&output));
    let both = ids_of("poscar", input.path(), &["--id", "path"], 0);
    assert_eq!(both, ["mp-1/CONTCAR", "mp-1/POSCAR", "mp-2/POSCAR"]);
}

#[test]
fn names_of_poscars_are_known() {
    let input = folder();
    let names = ["Si.vasp", "x.POSCAR.vasp", "mp-149_POSCAR", "CONTCAR1", "Ge.contcar", "POSCAR-2.VASP"];
    for (edge, name) in names.iter().enumerate() {
        write(input.path(), name, poscar(4.0 + edge as f64 / 10.0));
    }
    assert_eq!(ids_of("poscar", input.path(), &[], 0), ["2", "CONTCAR1", "Ge", "Si", "mp-149", "x"]);
}

#[test]
fn packed_files_and_archives_are_told_by_their_bytes() {
    let packed: [(&str, &[u8]); 4] = [
        ("CsCl.cif.bz2", include_bytes!("packed/CsCl.cif.bz2")),
        ("CsCl.cif.xz", include_bytes!("packed/CsCl.cif.xz")),
        ("CsCl.tar.bz2", include_bytes!("packed/CsCl.tar.bz2")),
        ("CsCl.tar.xz", include_bytes!("packed/CsCl.tar.xz")),
    ];
    for (name, bytes) in packed {
        let input = folder();
        // The name says nothing of the packing, and an archive's need not say that it is one.
        let lying = if name.contains(".tar") { "CsCl" } else { "CsCl.cif" };
        for name in [name, lying] {
            write(input.path(), name, bytes);
            assert_eq!(ids_of("cif", &input.path().join(name), &[], 0), ["CsCl"], "{name}");
        }
        let cut = input.path().join(format!("cut-{name}"));
        fs::write(&cut, &bytes[..bytes.len() - 8]).expect("a file");
        let out = folder();
        let status = if name.contains(".tar") { 2 } else { 1 };
        build("cif", &cut, out.path(), &[], status);
    }
    // In a folder, and as members of an archive.
    let input = folder();
    write(input.path(), "a.cif.bz2", packed[0].1);
    write(input.path(), "b.mcif.xz", packed[1].1);
    assert_eq!(ids_of("cif", input.path(), &[], 0), ["a", "b"]);
    for (name, format) in [("a.7z", "7z"), ("a.rar", "RAR")] {
        let bytes: &[u8] = if format == "7z" { b"7z\xbc\xaf\x27\x1c\0\x04" } else { b"Rar!\x1a\x07\x01\0" };
        write(input.path(), name, bytes);
        let output = build("cif", &input.path().join(name), folder().path(), &[], 2);
        let line = complaint(&output);
        assert!(line.contains(name) && line.contains(format), "{line}");
    }
}

#[test]
fn files_that_are_not_read_are_counted_and_listed() {
    let input = folder();
    write(input.path(), "one.cif", caesium_chloride(4.0));
    for name in ["a.vasp", "d/b.vasp", "POSCAR", "old.cif~", "more.zip", "id_prop.csv", "._one.cif"] {
        write(input.path(), name, "one,1\n");
    }
    let out = folder();
    let output = said(&build("cif", input.path(), out.path(), &["--verbose"], 0));
    for line in [
        "        2 files *.vasp not read; etl build poscar reads such",
        "        1 file POSCAR not read; etl build poscar reads such",
        "        1 file *.cif~ not read",
        "        1 file *.zip not read",
        &format!("not read: {}/d/b.vasp", input.path().display()),
    ] {
        assert!(output.contains(line), "{line}\n{output}");
    }
    assert!(!output.contains("*.csv") && !output.contains("._one"), "{output}");
    let json = build("cif", input.path(), out.path(), &["--force", "--json"], 0);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["unread"]["*.vasp"], 2);
    let nothing = build("poscar", &input.path().join("d"), folder().path(), &[], 1);
    assert!(said(&nothing).contains("rejected"), "{}", said(&nothing));
    fs::remove_file(input.path().join("d/b.vasp")).expect("a file");
    write(input.path(), "d/x.txt", "");
    let nothing = build("cif", &input.path().join("d"), folder().path(), &[], 2);
    assert!(complaint(&nothing).contains("no CIF files in it, but 1 *.txt"), "{}", said(&nothing));
}

#[test]
fn a_linked_folder_is_read_once() {
    let root = folder();
    write(root.path(), "elsewhere/b.cif", caesium_chloride(4.0));
    write(root.path(), "set/a.cif", caesium_chloride(4.1));
    for (link, target) in [("one", "../elsewhere"), ("two", "../elsewhere"), ("up", ".."), ("self", ".")] {
        std::os::unix::fs::symlink(target, root.path().join("set").join(link)).expect("a link");
    }
    let out = folder();
    let output = build("cif", &root.path().join("set"), out.path(), &[], 0);
    assert_eq!(ids(out.path()), ["a", "b"]);
    assert!(said(&output).contains("set/up is a link to a folder that holds the input"), "{}", said(&output));
}

#[test]
fn a_finished_store_of_other_bytes_is_not_finished() {
    let root = folder();
    let (set, labels, out) = (root.path().join("set"), root.path().join("labels.csv"), folder());
    write(&set, "a.cif", caesium_chloride(4.1));
    write(&set, "id_prop.csv", "a,1.5\n");
    write(root.path(), "labels.csv", "id,gap\na,1\n");
    let more = ["--labels", text(&labels)];
    build("cif", &set, out.path(), &more, 0);
    assert!(said(&build("cif", &set, out.path(), &more, 0)).contains("finished before"));
    // Another time alone changes nothing.
    let file = fs::File::options().write(true).open(set.join("a.cif")).expect("a file");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("a time");
    assert!(said(&build("cif", &set, out.path(), &more, 0)).contains("finished before"));
    // The same size and, as of a file that was moved there, an old time.
    let before = fs::read(set.join("a.cif")).expect("a file");
    fs::write(set.join("a.cif"), caesium_chloride(4.2)).expect("a file");
    let file = fs::File::options().write(true).open(set.join("a.cif")).expect("a file");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("a time");
    let line = complaint(&build("cif", &set, out.path(), &more, 2));
    assert!(line.contains("a.cif is newer") && line.contains("--force"), "{line}");
    fs::write(set.join("a.cif"), before).expect("a file");
    assert!(said(&build("cif", &set, out.path(), &more, 0)).contains("finished before"));
    // Tables beside the crystals and given tables are inputs too.
    write(&set, "id_prop.csv", "a,2.5\n");
    let line = complaint(&build("cif", &set, out.path(), &more, 2));
    assert!(line.contains("id_prop.csv"), "{line}");
    write(&set, "id_prop.csv", "a,1.5\n");
    write(root.path(), "labels.csv", "id,gap\na,2\n");
    let line = complaint(&build("cif", &set, out.path(), &more, 2));
    assert!(line.contains("input labels.csv"), "{line}");
    build("cif", &set, out.path(), &["--labels", text(&labels), "--force"], 0);
    assert_eq!(doubles(&rows(out.path()), "target"), [Some(1.5)]);
}

#[test]
fn a_folder_is_hashed_whole_as_it_is_read() {
    let input = folder();
    write(input.path(), "b/one.cif", caesium_chloride(4.0));
    write(input.path(), "a.cif.gz", "not packed");
    write(input.path(), "b.txt", "beside");
    let out = folder();
    build("cif", input.path(), out.path(), &[], 1);
    let digest = |name: &str| schemas::hash::file_sha256(&input.path().join(name)).expect("readable").0;
    let list: String =
        ["a.cif.gz", "b.txt", "b/one.cif"].iter().map(|name| format!("{}  {name}\n", digest(name))).collect();
    let listed = folder();
    write(listed.path(), "list", &list);
    let (sha256, _) = schemas::hash::file_sha256(&listed.path().join("list")).expect("readable");
    assert_eq!(manifest(out.path()).inputs[0].sha256, sha256);
}

#[test]
fn the_wrong_kind_and_the_wrong_layout_are_named() {
    let structure =
        r#"{"@class": "Structure", "lattice": {"matrix": [[4,0,0],[0,4,0],[0,0,4]]}, "sites": []}"#;
    let input = folder();
    for (name, text, kind, says) in [
        ("o.json", r#"[{"_oqmd_entry_id": 1, "atoms": {}}]"#.to_owned(), "jarvis", "etl build oqmd"),
        ("s.json", structure.to_owned(), "matbench", "etl build pymatgen"),
        ("l.json", format!("[{structure}, {structure}]"), "oqmd", "etl build pymatgen"),
        ("j.json", "{\"jid\": \"JVASP-1\"}\n{\"jid\": \"JVASP-2\"}\n".to_owned(), "jarvis", "JSON lines"),
        ("e.json", r#"{"jid": "JVASP-1", "atoms": {}}"#.to_owned(), "jarvis", "one entry of jarvis"),
        ("c.json", structure.to_owned(), "cif", "etl build pymatgen"),
        ("t.csv", "id,cif\n".to_owned(), "cif", "etl build table"),
        ("a.cif", caesium_chloride(4.0), "poscar", "etl build cif"),
    ] {
        write(input.path(), name, text);
        let line = complaint(&build(kind, &input.path().join(name), folder().path(), &[], 2));
        assert!(line.contains(name) && line.contains(says), "{line}");
    }
    for (name, bytes) in [("w.csv", b"\xff\xfei\0d\0".as_slice()), ("w.json", b"[\0{\0")] {
        write(input.path(), name, bytes);
        let kind = if name == "w.csv" { "table" } else { "jarvis" };
        let line = complaint(&build(kind, &input.path().join(name), folder().path(), &[], 2));
        assert!(line.contains("UTF-16"), "{line}");
    }
    let refused = etl(["build", "jarvis", "--id", "path", "--input", "x.json", "--out", "x"]);
    assert!(refused.status.code() == Some(2) && complaint(&refused).contains("--id"));
}
