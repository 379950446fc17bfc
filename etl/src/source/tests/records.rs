//! Sources of records: small files of every format, whole and damaged.

use std::path::{Path, PathBuf};

use super::{gzip, read, written, zip};
use crate::source::{InputKind, SourceKind, detect};

/// The sources of records in the order of their kinds, each with an ending of its files and a crystal's identifier in
/// the first seed of the fuzz target of that name.
const SEEDS: [(SourceKind, &str, &str, &str); 12] = [
    (SourceKind::Extxyz, "extxyz/plain", ".xyz", "salt"),
    (SourceKind::Pymatgen, "pymatgen/list", ".json", "po"),
    (SourceKind::Pymatgen, "pymatgen/lines", ".jsonl", "po"),
    (SourceKind::Pymatgen, "pymatgen/records", ".json", "1"),
    (SourceKind::Pymatgen, "pymatgen/by_id", ".json", "po"),
    (SourceKind::Optimade, "optimade/page", ".json", "po-1"),
    (SourceKind::Optimade, "optimade/single", ".json", "po-1"),
    (SourceKind::Optimade, "optimade/lines", ".jsonl", "po-1"),
    (SourceKind::Alexandria, "alexandria/plain", ".json", "agm1"),
    (SourceKind::Lemat, "lemat/large", ".parquet", "mp-0"),
    (SourceKind::Colabfit, "colabfit/texts", ".parquet", "CO_0"),
    (SourceKind::Aselmdb, "aselmdb/plain", ".aselmdb", "po-1"),
];

fn seed(name: &str) -> Vec<u8> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "fuzz", "seeds"].iter().collect();
    std::fs::read(folder.join(name)).expect(name)
}

fn is_packable(kind: SourceKind) -> bool {
    !matches!(kind, SourceKind::Lemat | SourceKind::Colabfit | SourceKind::Aselmdb)
}

#[test]
fn every_format_is_found_out_and_read() {
    for (kind, name, ending, id) in SEEDS {
        let bytes = seed(name);
        let packed = is_packable(kind).then(|| (format!("file{ending}.gz"), gzip(&bytes)));
        for (file, bytes) in std::iter::once((format!("file{ending}"), bytes)).chain(packed) {
            let (_folder, path) = written(&file, &bytes);
            assert_eq!(detect(&path).expect(name), InputKind::Source(kind), "{name}");
            let harvest = read(kind, &[&path]).expect(name);
            assert_eq!(harvest.crystals[0].id, id, "{name}");
        }
    }
}

#[test]
fn the_only_document_of_a_zip_archive_is_read_whatever_its_ending() {
    for (name, member) in
        [("optimade/lines", "a.jsonl"), ("optimade/page", "a.JSON"), ("pymatgen/lines", "a.ndjson")]
    {
        let kind = if name.starts_with("optimade") { SourceKind::Optimade } else { SourceKind::Pymatgen };
        let bytes = zip(&[("README.txt", b"a note"), (member, &seed(name))]);
        let (_folder, path) = written("a.zip", &bytes);
        assert!(!read(kind, &[&path]).expect(name).crystals.is_empty(), "{name}");
    }
}

#[test]
fn immutable_identifiers_stand_beside_others() {
    let entry = |immutable: &str| {
        format!(
            r#"{{"data": [{{"id": "po", "type": "structures", "attributes": {{"immutable_id": {immutable},
                "lattice_vectors": [[3, 0, 0], [0, 3, 0], [0, 0, 3]], "cartesian_site_positions": [[0, 0, 0]],
                "species_at_sites": ["Po"]}}}}]}}"#
        )
    };
    for (immutable, expected, notes) in [
        ("\"x-7\"", Some("x-7"), &[][..]),
        ("null", None, &[][..]),
        (r#""a\tb""#, None, &[r#"immutable_id: no usable identifier: "a\tb": taken as missing"#][..]),
    ] {
        let (_folder, path) = written("a.json", entry(immutable).as_bytes());
        let harvest = read(SourceKind::Optimade, &[&path]).expect("an entry");
        let found = &harvest.crystals[0];
        assert_eq!((found.id.as_str(), found.immutable_id.as_deref()), ("po", expected));
        let told: Vec<_> = harvest.notes.iter().map(|note| note.message.as_str()).collect();
        assert_eq!(told, notes);
    }
}

#[test]
fn what_is_no_crystal_is_a_reject() {
    let reasons = |kind, name: &str, ending: &str| {
        let (_folder, path) = written(&format!("file{ending}"), &seed(name));
        let harvest = read(kind, &[&path]).expect(name);
        let left =
            harvest.reasons().into_iter().map(|(reason, id)| format!("{} {reason}", id.unwrap_or_default()));
        (harvest.crystals.len(), left.collect::<Vec<_>>())
    };
    for (kind, name, ending, crystals, rejects) in [
        (SourceKind::Pymatgen, "pymatgen/by_id", ".json", 1, &["po no_sites"][..]),
        (SourceKind::Optimade, "optimade/page", ".json", 1, &["po-2 not_periodic"]),
        (
            SourceKind::Optimade,
            "optimade/lines",
            ".jsonl",
            1,
            &["po-2 partial_occupancy", "po-3 unknown_element"],
        ),
        (SourceKind::Lemat, "lemat/plain", ".parquet", 3, &["mp-2 not_periodic"]),
        (SourceKind::Colabfit, "colabfit/lists", ".parquet", 3, &["CO_1 not_periodic"]),
        (SourceKind::Extxyz, "extxyz/cut", ".xyz", 1, &["file#1 bad_frame", "file#2 bad_frame"]),
    ] {
        assert_eq!(
            reasons(kind, name, ending),
            (crystals, rejects.iter().map(|&r| r.to_owned()).collect()),
            "{name}"
        );
    }
}

#[test]
fn rows_of_lmdb_come_in_the_order_of_their_numbers() {
    let (_folder, path) = written("a.aselmdb", &seed("aselmdb/plain"));
    let harvest = read(SourceKind::Aselmdb, &[&path]).expect("readable");
    assert_eq!(harvest.ids(), ["po-1", "po-2", "po-3", "po-10", "po-11"]);
    let beside = std::fs::read_dir(path.parent().expect("a folder")).expect("a folder").count();
    assert_eq!(beside, 1, "no lock is left behind");
    let (_folder, path) = written("a.aselmdb", &seed("aselmdb/empty"));
    assert!(read(SourceKind::Aselmdb, &[&path]).expect("readable").crystals.is_empty());
}

/// Reads a file that may be damaged. Returns whether it was read to its end.
fn reads(kind: SourceKind, path: &Path, bytes: &[u8]) -> bool {
    std::fs::write(path, bytes).expect("a file");
    match read(kind, &[path]) {
        Ok(harvest) => {
            assert!(harvest.crystals.iter().all(|found| !found.structure.atomic_numbers.is_empty()));
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

#[test]
fn damaged_lmdb_files_are_errors_or_rejects() {
    let bytes = seed("aselmdb/plain");
    let (_folder, path) = written("a.aselmdb", &bytes);
    for at in (0..bytes.len()).step_by(2) {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            reads(SourceKind::Aselmdb, &path, &damaged);
        }
    }
    for cut in (0..bytes.len()).step_by(64) {
        assert!(!reads(SourceKind::Aselmdb, &path, &bytes[..cut]), "cut at {cut}");
    }
}

#[test]
fn loops_in_lmdb_files_end() {
    let bytes = seed("aselmdb/plain");
    let page = 512;
    // The last page is the root. Its first child is the root itself.
    let root = bytes.len() / page - 1;
    let at = |offset: usize| usize::from(u16::from_le_bytes([bytes[offset], bytes[offset + 1]]));
    let node = root * page + at(root * page + 16);
    let mut damaged = bytes.clone();
    damaged[node..node + 2].copy_from_slice(&u16::try_from(root).expect("a small file").to_le_bytes());
    let (_folder, path) = written("a.aselmdb", &damaged);
    let error = read(SourceKind::Aselmdb, &[&path]).expect_err("a loop").to_string();
    assert!(error.contains("too deep or has a loop"), "{error}");
}

#[test]
fn nested_arrays_of_any_depth_are_rejects() {
    let deep = "[".repeat(1 << 20);
    let (_folder, path) = written("a.json", format!("[{{\"structure\": {{\"lattice\": {deep}").as_bytes());
    assert!(read(SourceKind::Pymatgen, &[&path]).is_err());
    let lines = format!("{{\"attributes\": {{\"lattice_vectors\": {deep}\n{{\"attributes\": {{}}}}\n");
    let (_folder, path) = written("a.jsonl", lines.as_bytes());
    let harvest = read(SourceKind::Optimade, &[&path]).expect("lines");
    assert_eq!(harvest.reasons(), [("bad_json", Some("a#1")), ("missing_field", Some("a#2"))]);
}
