//! Files of records in others' formats: extended XYZ, structures as JSON, tables with lists, LMDB.

use std::fs;
use std::path::Path;

use schemas::layout::StorePaths;

use crate::files::write;
use crate::support::*;

/// Two frames, a slab and one that ends too early.
const FRAMES: &str = "\
2
Lattice=\"0 2.82 2.82 2.82 0 2.82 2.82 2.82 0\" Properties=species:S:1:pos:R:3 pbc=\"T T T\" id=salt band_gap=5.5 relaxed=T
Na 0 0 0
Cl 2.82 2.82 2.82
1
Lattice=\"3.35 0 0 0 3.35 0 0 0 3.35\" Properties=species:S:1:pos:R:3:forces:R:3 relaxed=F
Po 0 0 0 0 0 0
1
Lattice=\"3 0 0 0 3 0 0 0 20\" Properties=species:S:1:pos:R:3 pbc=\"T T F\"
C 0 0 0
2
Lattice=\"3 0 0 0 3 0 0 0 3\"
Po 0 0 0
";

/// The identifiers of a store's rows.
fn ids(store: &Path) -> Vec<String> {
    texts(&rows(store), "material_id").into_iter().flatten().collect()
}

#[test]
fn frames_become_rows_and_rejects() {
    let folder = folder();
    write(folder.path(), "run/frames.extxyz", FRAMES);
    write(folder.path(), "labels.csv", "id,hardness,run_split\nsalt,1.5,train\nframes#2,2.5,test\n");
    let labels = folder.path().join("labels.csv");
    let out = folder.path().join("store");
    for input in [folder.path().join("run/frames.extxyz"), folder.path().join("run")] {
        let more = ["--labels", text(&labels), "--force"];
        let output = build("extxyz", &input, &out, &more, 1);
        assert_eq!(ids(&out), ["salt", "frames#2"], "{}", said(&output));
        let rows = rows(&out);
        assert_eq!(doubles(&rows, "band_gap_ev"), [Some(5.5), None]);
        assert_eq!(doubles(&rows, "relaxed"), [Some(1.0), Some(0.0)]);
        assert_eq!(doubles(&rows, "hardness"), [Some(1.5), Some(2.5)]);
        let rejects = rejects(&out);
        assert_eq!(rejects["frames#3"].0, "not_periodic");
        assert_eq!(rejects["frames#4"].0, "bad_frame");
        let lines = batches(&StorePaths::new(&out).rejects());
        let lines = lines[0]["line"].to_data();
        assert_eq!(lines.buffers()[0].typed_data::<u32>(), [8, 11]);
    }
}

#[test]
fn a_frame_with_more_atoms_than_it_says_is_left_out_as_a_whole() {
    let folder = folder();
    let head = "Lattice=\"3.35 0 0 0 3.35 0 0 0 3.35\" Properties=species:S:1:pos:R:3";
    let frame = |count: usize, id: &str| format!("{count}\n{head} id={id}\nPo 0 0 0\nPo 1.6 1.6 1.6\n");
    write(folder.path(), "a.xyz", [frame(2, "one"), frame(1, "two"), frame(2, "three")].concat());
    let out = folder.path().join("store");
    build("extxyz", &folder.path().join("a.xyz"), &out, &[], 1);
    assert_eq!(ids(&out), ["one", "three"]);
    let rejects = rejects(&out);
    assert_eq!(rejects.len(), 1, "{rejects:?}");
    assert_eq!(
        rejects["a#2"],
        ("bad_frame".to_owned(), "the frame has more than 1 line of atoms".to_owned())
    );
}

#[test]
fn exported_frames_make_the_store_again() {
    let folder = folder();
    let (store, again) = (folder.path().join("store"), folder.path().join("again"));
    write(folder.path(), "frames.xyz", FRAMES);
    build("extxyz", &folder.path().join("frames.xyz"), &store, &["--allow-rejects"], 0);
    let frames = folder.path().join("out.extxyz");
    let output = etl(["export", text(&store), "--format", "extxyz", "--out", text(&frames)]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    build("extxyz", &frames, &again, &[], 0);
    assert_eq!(ids(&again), ids(&store));
    for column in ["band_gap_ev", "relaxed", "volume"] {
        for (found, expected) in doubles(&rows(&again), column).iter().zip(doubles(&rows(&store), column)) {
            let (found, expected) = (found.unwrap_or(-1.0), expected.unwrap_or(-1.0));
            assert!((found - expected).abs() < 1e-9, "{column}: {found} {expected}");
        }
    }
}

#[test]
fn another_file_is_no_xyz() {
    let folder = folder();
    write(folder.path(), "a.extxyz", "data_x\n");
    let line =
        complaint(&build("extxyz", &folder.path().join("a.extxyz"), &folder.path().join("out"), &[], 2));
    assert!(line.contains("a.extxyz") && line.contains("no XYZ file"), "{line}");
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    let line = complaint(&build("extxyz", &folder.path().join("empty"), &folder.path().join("out"), &[], 2));
    assert!(line.contains("no file of this kind in it"), "{line}");
    let line = complaint(&build("cif", &folder.path().join("a.extxyz"), &folder.path().join("out"), &[], 2));
    assert!(line.contains("etl build extxyz"), "{line}");
}

#[test]
fn every_format_becomes_a_store() {
    let folder = folder();
    let out = folder.path().join("store");
    for (kind, seed, name, status, expected) in [
        ("pymatgen", "records", "a.json", 0, &["1", "2"][..]),
        ("optimade", "page", "a.json", 1, &["po-1"]),
        ("optimade", "lines", "a.jsonl", 1, &["po-1"]),
        ("alexandria", "plain", "a.json", 0, &["agm1", "agm2"]),
        ("lemat", "plain", "a.parquet", 1, &["mp-0", "mp-1", "mp-3"]),
        ("colabfit", "lists", "a.parquet", 1, &["CO_0", "CO_2", "CO_3"]),
        ("aselmdb", "plain", "a.aselmdb", 0, &["po-1", "po-2", "po-3", "po-10", "po-11"]),
    ] {
        let input = folder.path().join(name);
        fs::copy(root().join("fuzz/seeds").join(kind).join(seed), &input).expect("a seed");
        let output = build(kind, &input, &out, &["--force", "--threads", "2"], status);
        assert_eq!(ids(&out), expected, "{kind}: {}", said(&output));
    }
    assert_eq!(doubles(&rows(&out), "energy"), [-1.5, -3.0, -4.5, -15.0, -16.5].map(Some));
    let input = folder.path().join("a.json");
    fs::copy(root().join("fuzz/seeds/alexandria/plain"), &input).expect("a seed");
    build("alexandria", &input, &out, &["--force"], 0);
    assert_eq!(doubles(&rows(&out), "formation_energy_ev_per_atom"), [None, Some(0.1)]);
    let input = folder.path().join("a.parquet");
    fs::copy(root().join("fuzz/seeds/lemat/plain"), &input).expect("a seed");
    let filter = ["--force", "--allow-rejects", "--filter", "functional = scan"];
    build("lemat", &input, &out, &filter, 0);
    assert_eq!(ids(&out), ["mp-1", "mp-3"]);
    let line = complaint(&build("cif", &input, &out, &["--force"], 2));
    assert!(line.contains("etl build lemat"), "{line}");
}
