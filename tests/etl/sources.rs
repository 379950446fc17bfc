//! Published layouts: small ones made here, and the real files where they are at hand.

use std::fs;
use std::path::Path;

use schemas::manifest::Counts;
use serde_json::{Value, json};

use crate::support::*;

/// A JARVIS atoms dictionary of CsCl type.
fn atoms(edge: f64, elements: [&str; 2], cartesian: bool) -> Value {
    let middle = if cartesian { edge / 2.0 } else { 0.5 };
    json!({
        "lattice_mat": [[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]],
        "coords": [[0.0, 0.0, 0.0], [middle, middle, middle]],
        "elements": elements,
        "cartesian": cartesian,
    })
}

fn write_json(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_vec(value).expect("JSON")).expect("a file");
}

#[test]
fn what_is_not_there_is_named() {
    let out = folder();
    let out = out.path().join("out");
    for arguments in [
        &["build", "cif", "--input", "nowhere", "--out", text(&out)][..],
        &["inspect", "nowhere", "mp-1"],
        &["merge", "nowhere", "--out", text(&out)],
        &["stats", "nowhere"],
        &["validate", "nowhere"],
    ] {
        let output = etl(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(complaint(&output).contains("nowhere"), "{}", said(&output));
    }
    assert!(!out.exists(), "nothing is begun");
}

#[test]
fn oqmd_is_filtered_as_the_paper_does() {
    let raw = folder();
    let file = raw.path().join("all_oqmd.json");
    let entry = |id: u32, energy: Value, elements: [&str; 2]| {
        json!({"atoms": atoms(4.1, elements, false), "_oqmd_entry_id": id, "_oqmd_delta_e": energy,
               "_oqmd_band_gap": 1.5, "_oqmd_stability": 0.1})
    };
    let salt = ["Cs ", "Cl "];
    let entries = json!([
        entry(1, json!(-5.0), salt),
        entry(2, json!(4.0), salt),
        entry(3, json!(-5.001), salt),
        entry(4, json!(4.001), salt),
        entry(5, json!(null), salt),
        entry(1339536, json!(0.0), salt),
        entry(7, json!(0.0), ["(Cs,Os) ", "Cl "]),
    ]);
    write_json(&file, &entries);
    let out = folder();
    build("oqmd", &file, out.path(), &[], 1);
    let rows = rows(out.path());
    let ids: Vec<String> = texts(&rows, "material_id").into_iter().flatten().collect();
    assert_eq!(ids, ["oqmd-1", "oqmd-2", "oqmd-5"]);
    assert_eq!(doubles(&rows, "formation_energy_ev_per_atom"), [Some(-5.0), Some(4.0), None]);
    assert_eq!(doubles(&rows, "energy_above_hull_ev_per_atom")[0], Some(0.1));
    let rejects = rejects(out.path());
    assert_eq!(rejects["oqmd-7"].0, "ambiguous_element");
    assert!(rejects["oqmd-7"].1.contains("(Cs,Os)"));
    for id in ["oqmd-3", "oqmd-4", "oqmd-1339536"] {
        assert_eq!(rejects[id].0, "filtered", "{id}");
    }
    build("oqmd", &file, out.path(), &["--no-default-filter", "--force", "--allow-rejects"], 0);
    assert_eq!(manifest(out.path()).counts.kept, 6);
}

#[test]
fn jarvis_takes_both_kinds_of_coordinates_and_leaderboard_splits() {
    let raw = folder();
    let file = raw.path().join("jdft_3d.json");
    write_json(
        &file,
        &json!([
            {"jid": "JVASP-1", "atoms": atoms(4.1, ["Cs", "Cl"], false), "optb88vdw_bandgap": 1.25, "epsx": "na", "formula": "CsCl"},
            {"jid": "JVASP-2", "atoms": atoms(4.1, ["Cs", "Cl"], true), "optb88vdw_bandgap": "2.5", "epsx": 7.5, "formula": "CsCl"},
            {"jid": "JVASP-3", "atoms": atoms(4.1, ["Cs", "Cl"], true), "optb88vdw_bandgap": "na", "epsx": "", "formula": "CsCl"},
        ]),
    );
    let split = raw.path().join("dft_3d_optb88vdw_bandgap.json");
    write_json(
        &split,
        &json!({"train": {"JVASP-1": "1.25"}, "val": {"JVASP-2": 2.5}, "test": {"JVASP-9": 1}}),
    );
    let out = folder();
    let output = build("jarvis", &file, out.path(), &["--labels", text(&split)], 0);
    assert!(said(&output).contains("1 label row without a crystal in the store"), "{}", said(&output));
    let rows = rows(out.path());
    assert_eq!(doubles(&rows, "band_gap_ev"), [Some(1.25), Some(2.5), None]);
    assert_eq!(doubles(&rows, "jarvis_epsx"), [None, Some(7.5), None]);
    let part = |part: &str| Some(part.to_owned());
    assert_eq!(texts(&rows, "split"), [part("train"), part("val"), None]);
    assert!(rows[0].column_by_name("formula").is_none());
    let edges = |row: usize| {
        rows[0]["edge_distance"]
            .as_any()
            .downcast_ref::<arrow::array::ListArray>()
            .map(|lists| lists.value(row))
            .expect("a list")
    };
    assert_eq!(&edges(0), &edges(1), "Cartesian and fractional coordinates are one crystal");
}

#[test]
fn a_column_from_two_places_is_refused() {
    let raw = folder();
    let file = raw.path().join("jdft_3d.json");
    write_json(
        &file,
        &json!([{"jid": "JVASP-1", "atoms": atoms(4.1, ["Cs", "Cl"], false), "optb88vdw_bandgap": 1.25}]),
    );
    let labels = raw.path().join("gaps.csv");
    fs::write(&labels, "material_id,band_gap\nJVASP-1,2\n").expect("a file");
    let out = folder();
    let refused = build("jarvis", &file, out.path(), &["--labels", text(&labels)], 2);
    let line = complaint(&refused);
    assert!(
        line.contains("band_gap_ev") && line.contains("optb88vdw_bandgap") && line.contains("\"band_gap\""),
        "{line}"
    );
}

/// Builds a real file and returns its counts.
fn real(kind: &str, input: &str, more: &[&str], status: i32) -> Option<Counts> {
    let input = shared(input)?;
    let out = folder();
    build(kind, &input, out.path(), more, status);
    Some(manifest(out.path()).counts)
}

#[test]
fn the_mirror_is_read_whole() {
    let labels = |path: &str| shared(path).map(|path| text(&path).to_owned()).unwrap_or_default();
    if let Some(counts) = real("oqmd", "mirror/oqmd/all_oqmd.json.zip", &[], 0) {
        assert_eq!((counts.read, counts.kept), (200, 200));
    }
    if let Some(counts) = real("cif", "mirror/oqmd/cif", &[], 0) {
        assert_eq!(counts.kept, 7);
    }
    let split = labels("mirror/jarvis/splits/dft_3d_mbj_bandgap.json.zip");
    if let Some(counts) = real("jarvis", "mirror/jarvis/jdft_3d-subset.json.zip", &["--labels", &split], 0) {
        assert_eq!((counts.read, counts.kept), (1141, 1141), "{counts:?}");
        // One crystal is a single atom farther than 8 Å from its own images.
        assert_eq!(counts.noted["isolated_atom"].count, 1, "{counts:?}");
    }
}

#[test]
fn matbench_folds_are_joined() {
    let (Some(task), Some(folds)) =
        (shared("mirror/matbench/matbench_jdft2d.json.gz"), shared("mirror/matbench/folds.csv"))
    else {
        return;
    };
    let out = folder();
    build("matbench", &task, out.path(), &["--labels", text(&folds)], 0);
    let rows = rows(out.path());
    let ids: Vec<String> = texts(&rows, "material_id").into_iter().flatten().collect();
    assert_eq!((ids.len(), ids[0].as_str(), ids[635].as_str()), (636, "mb-jdft2d-001", "mb-jdft2d-636"));
    assert!(doubles(&rows, "exfoliation_energy_mev_per_atom").iter().all(Option::is_some));
    let mut sizes = [0; 5];
    for batch in &rows {
        for fold in batch["fold"].as_any().downcast_ref::<arrow::array::Int8Array>().expect("folds").iter() {
            sizes[usize::try_from(fold.expect("every crystal has a fold")).expect("0 to 4")] += 1;
        }
    }
    assert_eq!(sizes.iter().sum::<u32>(), 636);
    assert!(sizes.iter().all(|size| (127..=128).contains(size)), "{sizes:?}");
}
