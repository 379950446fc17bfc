//! Detection of the kind of an input.

use super::{gzip, tar, written, zip};
use crate::source::{InputKind, SourceError, SourceKind, detect};

fn kind_of(name: &str, bytes: &[u8]) -> Result<InputKind, SourceError> {
    let (_folder, path) = written(name, bytes);
    detect(&path)
}

#[test]
fn a_file_is_told_by_its_name_or_its_first_bytes() {
    let oqmd = br#"[{"atoms": {}, "_oqmd_entry_id": 1}]"#.as_slice();
    let cases: [(&str, &[u8], InputKind); 13] = [
        ("NaCl.cif", b"", InputKind::Structures),
        ("NaCl.cif.gz", b"", InputKind::Structures),
        ("POSCAR", b"", InputKind::Structures),
        ("NaCl.vasp", b"", InputKind::Structures),
        ("table.csv", b"", SourceKind::Table.into()),
        ("table.CSV.zst", b"", SourceKind::Table.into()),
        ("table.parquet", b"", SourceKind::Table.into()),
        ("frames.extxyz.bz2", b"", SourceKind::Extxyz.into()),
        ("frames.XYZ", b"", SourceKind::Extxyz.into()),
        ("all.json", oqmd, SourceKind::Oqmd.into()),
        ("jdft.json", b" [ {\"jid\": \"JVASP-1\"}]", SourceKind::Jarvis.into()),
        ("task.json", b"{\n \"index\": [0]}", SourceKind::Matbench.into()),
        ("splits.json", br#"{"train": {"a": "NaCl"}}"#, SourceKind::Poscar.into()),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(kind_of(name, bytes).expect(name), expected, "{name}");
    }
    assert_eq!(kind_of("all.json.gz", &gzip(oqmd)).expect("packed"), SourceKind::Oqmd.into());
    assert_eq!(
        kind_of("all.json.zip", &zip(&[("all.json", oqmd)])).expect("zipped"),
        SourceKind::Oqmd.into()
    );
}

#[test]
fn a_folder_or_archive_is_told_by_its_first_structure() {
    let members: [(&str, &[u8]); 3] = [("id_prop.csv", b""), ("x/b.vasp", b""), ("x/c.cif", b"")];
    assert_eq!(kind_of("x.tar", &tar(&members)).expect("a tar archive"), InputKind::Structures);
    assert_eq!(kind_of("x.zip", &zip(&members)).expect("a zip archive"), InputKind::Structures);
    let notes: [(&str, &[u8]); 2] = [("about.json", b"{}"), ("a.cif", b"")];
    assert_eq!(kind_of("x.zip", &zip(&notes)).expect("a zip archive"), InputKind::Structures);
    let (folder, _) = written("labels.csv", b"");
    std::fs::write(folder.path().join("mp-1.cif"), b"").expect("a file");
    assert_eq!(detect(folder.path()).expect("a folder"), InputKind::Structures);
    let (folder, _) = written("x/frames.xyz", b"");
    assert_eq!(detect(folder.path()).expect("a folder"), SourceKind::Extxyz.into());
}

#[test]
fn what_is_of_no_kind_is_named() {
    for (name, bytes) in
        [("notes.txt", b"".as_slice()), ("a.json", b"[1]"), ("b.json", b"7"), ("c.json", b"")]
    {
        let message = kind_of(name, bytes).expect_err(name).to_string();
        assert!(message.contains(name) && message.contains("matbench"), "{message}");
    }
    let (folder, _) = written("notes.txt", b"");
    let message = detect(folder.path()).expect_err("no structure").to_string();
    assert!(
        message.contains("neither CIF, POSCAR, extended XYZ nor ASE-LMDB is in it, but 1 *.txt: "),
        "{message}"
    );
    let missing = detect(&folder.path().join("missing.cif")).expect_err("it is not there");
    assert!(matches!(missing, SourceError::Open { .. }), "{missing}");
}
