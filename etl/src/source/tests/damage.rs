//! Damaged inputs give an error or rejects, and never a panic.

use std::path::Path;

use super::{Harvest, gzip, open_default, read, tar, written, zip};
use crate::source::{MAX_RECORD_BYTES, RawBlock, RawRecord, SourceError, SourceKind};

/// A small file of every source whose files are whole JSON documents.
const SEEDS: [(SourceKind, &str, &str); 4] = [
    (
        SourceKind::Oqmd,
        "a.json",
        r#"[{"atoms": {"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "coords": [[0, 0, 0]], "elements": ["Po "], "cartesian": false}, "_oqmd_entry_id": 7, "_oqmd_delta_e": -2.1}]"#,
    ),
    (
        SourceKind::Jarvis,
        "a.json",
        r#"[{"jid": "J-1", "atoms": {"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "coords": [[2, 0, 0]], "elements": ["Po"], "cartesian": true}, "ehull": "na", "x": "1e3"}]"#,
    ),
    (
        SourceKind::Matbench,
        "matbench_dielectric.json",
        r#"{"index": [0], "columns": ["structure", "n"], "data": [[{"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}, "sites": [{"species": [{"element": "Po2+", "occu": 1}], "abc": [0, 0, 0]}]}, 1.5]]}"#,
    ),
    (
        SourceKind::Poscar,
        "a.json",
        r#"{"train": {"1": "Po\\n1.0\\n3 0 0\\n0 3 0\\n0 0 3\\nPo\\n1\\ndirect\\n0 0 0\\n"}, "test": {}}"#,
    ),
];

/// A small file of every source whose files may end anywhere.
const OPEN_SEEDS: [(SourceKind, &str, &str); 1] = [(
    SourceKind::Extxyz,
    "a.extxyz",
    "1\nLattice=\"3 0 0 0 3 0 0 0 3\" Properties=species:S:1:pos:R:3 id=x relaxed=T e=-1.5\nPo 0 0 0\n",
)];

/// The seeds of all sources.
fn seeds() -> impl Iterator<Item = (SourceKind, &'static str, &'static str)> {
    SEEDS.into_iter().chain(OPEN_SEEDS)
}

/// Bytes that mean something to a reader.
const BYTES: &[u8] = b"[]{}\",:\\0-9eE.n \n\x00\xff";

/// The seed with one byte replaced, one left out, or one doubled: every place, every byte.
fn mutations(seed: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..seed.len()).flat_map(move |at| {
        let replaced = BYTES.iter().map(move |&byte| {
            let mut text = seed.to_vec();
            text[at] = byte;
            text
        });
        let shorter = [&seed[..at], &seed[at + 1..]].concat();
        let doubled = [&seed[..=at], &seed[at..]].concat();
        replaced.chain([shorter, doubled])
    })
}

#[test]
fn every_seed_is_a_crystal() {
    for (kind, name, seed) in seeds() {
        let (_folder, path) = written(name, seed.as_bytes());
        let harvest = read(kind, &[&path]).expect("readable");
        assert_eq!((harvest.crystals.len(), harvest.rejects.len()), (1, 0), "{kind}: {:?}", harvest.rejects);
    }
}

#[test]
fn mutated_files_never_panic() {
    for (kind, name, seed) in seeds() {
        let (_folder, path) = written(name, seed.as_bytes());
        for text in mutations(seed.as_bytes()).step_by(3) {
            std::fs::write(&path, &text).expect("a file");
            let _ = read(kind, &[&path]);
        }
    }
}

/// A parser of the kind, with the properties of its seed.
fn parse_all(kind: SourceKind, path: &Path, texts: impl Iterator<Item = Vec<u8>>) -> usize {
    let mut source = open_default(kind, &[path]).expect("a source");
    let mut parser = (source.parser)();
    let mut block = RawBlock::default();
    source.reader.read_block(&mut block).expect("readable");
    let record = block.records[0].clone();
    let mut handed_on = 0;
    let mut harvest = Harvest::default();
    for text in texts {
        let mut bytes = block.bytes[..record.body.start].to_vec();
        bytes.extend_from_slice(&text);
        let body = record.body.start..bytes.len();
        parser.parse(&bytes, &RawRecord { body, ..record.clone() }, &mut harvest);
        handed_on += harvest.crystals.len() + harvest.rejects.len();
        harvest.crystals.clear();
        harvest.rejects.clear();
    }
    handed_on
}

#[test]
fn mutated_records_are_crystals_or_rejects() {
    for (kind, name, seed) in seeds() {
        let (_folder, path) = written(name, seed.as_bytes());
        let mut block = RawBlock::default();
        let mut source = open_default(kind, &[&path]).expect("a source");
        source.reader.read_block(&mut block).expect("readable");
        let seed = block.bytes[block.records[0].body.clone()].to_vec();
        let count = mutations(&seed).count();
        assert_eq!(parse_all(kind, &path, mutations(&seed)), count, "{kind}");
    }
}

#[test]
fn truncated_files_are_errors() {
    for (kind, name, seed) in SEEDS {
        for packed in [seed.as_bytes().to_vec(), gzip(seed.as_bytes()), zip(&[(name, seed.as_bytes())])] {
            let (_folder, path) = written(name, &packed);
            for cut in 0..packed.len() {
                std::fs::write(&path, &packed[..cut]).expect("a file");
                assert!(read(kind, &[&path]).is_err(), "{kind} cut at {cut}");
            }
        }
    }
}

#[test]
fn truncated_archives_are_errors() {
    let members: [(&str, &[u8]); 2] = [("a.cif", &[b'#'; 700]), ("b.cif", b"#")];
    let packed = zstd::encode_all(&tar(&members)[..], 3).expect("in memory");
    for (name, bytes) in [("a.tar.zst", packed), ("a.tar.gz", gzip(&tar(&members))), ("a.zip", zip(&members))]
    {
        let (_folder, path) = written(name, &bytes);
        for cut in (0..bytes.len()).step_by(7) {
            std::fs::write(&path, &bytes[..cut]).expect("a file");
            assert!(read(SourceKind::Cif, &[&path]).is_err(), "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_block_is_bounded_whatever_the_input() {
    let entry = format!("{{\"jid\": \"{}\"}}", "x".repeat(1000));
    let text = format!("[{}]", vec![entry; 5000].join(","));
    let (_folder, path) = written("a.json", text.as_bytes());
    let mut source = open_default(SourceKind::Jarvis, &[&path]).expect("a source");
    let mut block = RawBlock::default();
    let mut records = 0;
    loop {
        block.clear();
        let more = source.reader.read_block(&mut block).expect("readable");
        records += block.records.len();
        assert!(block.records.len() <= super::super::BLOCK_RECORDS);
        assert!(block.bytes.len() <= super::super::BLOCK_BYTES + 2000);
        if !more {
            break;
        }
    }
    assert_eq!(records, 5000);
    assert_eq!(source.reader.bytes_read(), text.len() as u64);
    const { assert!(MAX_RECORD_BYTES > super::super::BLOCK_BYTES) };
}

#[test]
fn errors_name_the_file() {
    let (_folder, path) = written("a.json", b"[{\"jid\": 1}, ");
    let error = read(SourceKind::Jarvis, &[&path]).expect_err("broken");
    assert!(matches!(error, SourceError::Json { .. }));
    assert!(error.to_string().starts_with(&*path.to_string_lossy()), "{error}");
}
