//! The kind of an input nobody named.

use super::{gzip, tar, written, zip};
use crate::source::{SourceError, SourceKind, detect};

fn kind_of(name: &str, bytes: &[u8]) -> Result<SourceKind, SourceError> {
    let (_folder, path) = written(name, bytes);
    detect(&path)
}

#[test]
fn a_file_is_told_by_its_name_or_its_first_bytes() {
    let oqmd = br#"[{"atoms": {}, "_oqmd_entry_id": 1}]"#.as_slice();
    let cases: [(&str, &[u8], SourceKind); 11] = [
        ("NaCl.cif", b"", SourceKind::Cif),
        ("NaCl.cif.gz", b"", SourceKind::Cif),
        ("POSCAR", b"", SourceKind::Poscar),
        ("NaCl.vasp", b"", SourceKind::Poscar),
        ("table.csv", b"", SourceKind::Table),
        ("table.CSV.zst", b"", SourceKind::Table),
        ("table.parquet", b"", SourceKind::Table),
        ("all.json", oqmd, SourceKind::Oqmd),
        ("jdft.json", b" [ {\"jid\": \"JVASP-1\"}]", SourceKind::Jarvis),
        ("task.json", b"{\n \"index\": [0]}", SourceKind::Matbench),
        ("splits.json", br#"{"train": {"a": "NaCl"}}"#, SourceKind::Poscar),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(kind_of(name, bytes).expect(name), expected, "{name}");
    }
    assert_eq!(kind_of("all.json.gz", &gzip(oqmd)).expect("packed"), SourceKind::Oqmd);
    assert_eq!(kind_of("all.json.zip", &zip(&[("all.json", oqmd)])).expect("zipped"), SourceKind::Oqmd);
}

#[test]
fn a_folder_or_archive_is_told_by_its_first_structure() {
    let members: [(&str, &[u8]); 3] = [("id_prop.csv", b""), ("x/b.vasp", b""), ("x/c.cif", b"")];
    assert_eq!(kind_of("x.tar", &tar(&members)).expect("a tar archive"), SourceKind::Poscar);
    assert_eq!(kind_of("x.zip", &zip(&members)).expect("a zip archive"), SourceKind::Poscar);
    let notes: [(&str, &[u8]); 2] = [("about.json", b"{}"), ("a.cif", b"")];
    assert_eq!(kind_of("x.zip", &zip(&notes)).expect("a zip archive"), SourceKind::Cif);
    let (folder, _) = written("labels.csv", b"");
    std::fs::write(folder.path().join("mp-1.cif"), b"").expect("a file");
    assert_eq!(detect(folder.path()).expect("a folder"), SourceKind::Cif);
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
    assert!(matches!(detect(folder.path()), Err(SourceError::Layout { .. })));
    let missing = detect(&folder.path().join("missing.cif")).expect_err("it is not there");
    assert!(matches!(missing, SourceError::Open { .. }), "{missing}");
}
