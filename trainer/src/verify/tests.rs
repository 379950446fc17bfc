//! The stored numbers of the reference against this implementation, in both precisions and under both
//! tie rules; and the comparison itself, which must see what is wrong.

use std::path::{Path, PathBuf};

use super::limits::{double, single};
use super::*;
use crate::device::DeviceName;

/// The fixture that comes with the project.
fn small_folder() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden")).to_owned()
}

/// The backends of this build.
fn devices() -> Vec<Device> {
    let mut names = vec![DeviceName::Cpu];
    if cfg!(feature = "tch") {
        names.push(DeviceName::Libtorch);
    }
    names.into_iter().map(|name| name.open().expect("a backend of this build")).collect()
}

/// Fails unless everything in a fixture is within the limits.
fn assert_agrees(folder: &Path) {
    let fixture = Fixture::open(folder).expect("a fixture");
    for device in devices() {
        for ties in [TieRule::Cut, TieRule::Shell] {
            let in_single = compare::<f32>(&fixture, ties, &device).expect("a complete fixture");
            let in_double = compare::<f64>(&fixture, ties, &device).expect("a complete fixture");
            for (table, limit) in [(in_single, single as fn(Kind) -> f64), (in_double, double)] {
                assert_complete(&table, &fixture, ties);
                let beyond = table.beyond(limit);
                assert!(beyond.is_empty(), "{ties:?} on {device:?}: {beyond:#?}\n{table}");
            }
        }
    }
}

/// Fails unless a table holds all that a fixture has.
fn assert_complete(table: &Table, fixture: &Fixture, ties: TieRule) {
    let count = |kind: Kind| table.of(kind).count();
    let norms = fixture.gradient_norms(&format!("{}_f64", ties.name()));
    assert_eq!(count(Kind::Loss), 8);
    assert_eq!(count(Kind::GradientNorm), norms.len());
    match ties {
        TieRule::Cut => {
            // Five of the encoder's start, four of the lattice and the views, bt_C, seven a view, and
            // the messages.
            let messages = fixture.model().interaction_blocks + 1;
            assert_eq!(count(Kind::Tensor), 5 + 4 + 1 + 2 * 7 + messages);
            assert_eq!(count(Kind::Gradient), norms.keys().filter(|name| *name != ALL_GRADIENTS).count());
            assert!(count(Kind::Step) > 50, "parameters of a step");
            // Three numbers, features, predictions, weight and bias of four layers.
            assert_eq!(count(Kind::Finetuning), 3 + 2 + 2 * 4);
        }
        TieRule::Shell => {
            assert!(count(Kind::Tensor) >= 4, "tensors");
            assert!(count(Kind::Finetuning) >= 3, "fine-tuning");
        }
    }
}

#[test]
fn small_fixture() {
    assert_agrees(&small_folder());
}

#[test]
fn golden_fixture() {
    if let Some(folder) = crate::data::golden::golden_folder() {
        assert_agrees(&folder);
    }
}

/// A copy of the small fixture that may be damaged.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(copy.path().join("cases")).expect("a writable folder");
    for folder in ["", "cases"] {
        for entry in std::fs::read_dir(small_folder().join(folder)).expect("a folder") {
            let entry = entry.expect("a readable folder");
            if entry.path().is_file() {
                let to = copy.path().join(folder).join(entry.file_name());
                std::fs::copy(entry.path(), to).expect("a writable folder");
            }
        }
    }
    copy
}

/// Compares a fixture whose manifest was edited.
fn with_manifest(edit: impl FnOnce(&mut serde_json::Value)) -> Table {
    let copy = copy();
    let path = copy.path().join("manifest.json");
    let text = std::fs::read_to_string(&path).expect("a manifest");
    let mut manifest = serde_json::from_str(&text).expect("JSON");
    edit(&mut manifest);
    std::fs::write(&path, manifest.to_string()).expect("a writable folder");
    let fixture = Fixture::open(copy.path()).expect("a fixture");
    compare::<f64>(&fixture, TieRule::Cut, &Device::flex()).expect("a complete fixture")
}

/// The names of what deviates.
fn beyond(table: &Table) -> Vec<&str> {
    table.beyond(double).into_iter().map(|deviation| deviation.name.as_str()).collect()
}

#[test]
fn a_wrong_loss_is_seen() {
    let table = with_manifest(|manifest| {
        let loss = &mut manifest["losses"]["cut_f64"]["L_X"];
        *loss = (loss.as_f64().expect("a number") * (1.0 + 1e-8)).into();
    });
    assert_eq!(beyond(&table), ["L_X"]);
    let worst = table.worst(Kind::Loss).expect("losses");
    assert!(worst.name == "L_X" && (worst.relative - 1e-8).abs() < 1e-10, "{worst:?}");
}

#[test]
fn a_wrong_total_norm_is_seen() {
    let table = with_manifest(|manifest| manifest["grad_norms"]["cut_f64"][ALL_GRADIENTS] = 1.0.into());
    assert_eq!(beyond(&table), [ALL_GRADIENTS]);
}

#[test]
fn another_mask_is_seen() {
    let table =
        with_manifest(|manifest| manifest["mask_M_atom_indices_in_batch"] = serde_json::json!([1, 4, 6, 9]));
    let names = beyond(&table);
    assert!(names.contains(&"g1") && names.contains(&"loss") && !names.contains(&"h_S"), "{names:?}");
}

#[test]
fn what_is_not_there_deviates_infinitely() {
    let table = with_manifest(|manifest| manifest["grad_norms"]["cut_f64"]["structure.none"] = 1.0.into());
    let worst = table.worst(Kind::GradientNorm).expect("norms");
    assert_eq!((worst.name.as_str(), worst.relative), ("structure.none", f64::INFINITY));
}

#[test]
fn unreadable_fixtures_are_named() {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let error = Fixture::open(empty.path()).expect_err("no manifest");
    assert!(matches!(&error, VerifyError::Io { path, .. } if path.ends_with("manifest.json")), "{error}");

    let copy = copy();
    let case = copy.path().join("cases/00_copper.safetensors");
    std::fs::write(&case, b"cut off").expect("a writable folder");
    let fixture = Fixture::open(copy.path()).expect("a manifest");
    let error = compare::<f32>(&fixture, TieRule::Cut, &Device::flex()).expect_err("a broken case");
    assert!(matches!(&error, VerifyError::Safetensors { path, .. } if *path == case), "{error}");

    std::fs::remove_file(&case).expect("a writable folder");
    let error = compare::<f32>(&fixture, TieRule::Cut, &Device::flex()).expect_err("a missing case");
    assert!(matches!(&error, VerifyError::Tensor { path, .. } if *path == case), "{error}");

    std::fs::write(copy.path().join("manifest.json"), "{}").expect("a writable folder");
    let error = Fixture::open(copy.path()).expect_err("an empty manifest");
    assert!(matches!(error, VerifyError::Manifest { .. }), "{error}");
}

/// A one-dimensional tensor.
fn data(values: &[f64]) -> TensorData {
    TensorData::new(values.to_vec(), [values.len()])
}

#[test]
fn deviations_are_relative_to_the_greatest_magnitude() {
    let mut table = Table::default();
    table.add(Kind::Tensor, "close", &data(&[1.0, -4.0]), &data(&[1.1, -4.0]));
    table.add(Kind::Tensor, "first is no number", &data(&[f64::NAN, -4.0]), &data(&[1.0, -4.0]));
    table.add(Kind::Tensor, "last is no number", &data(&[1.0, f64::NAN]), &data(&[1.0, -4.0]));
    table.add(Kind::Tensor, "shorter", &data(&[1.0]), &data(&[1.0, -4.0]));
    let relative: Vec<f64> = table.of(Kind::Tensor).map(|deviation| deviation.relative).collect();
    assert!((relative[0] - 0.025).abs() < 1e-15);
    assert_eq!(relative[3], f64::INFINITY);
    let names: Vec<_> = table.beyond(|_| 0.1).into_iter().map(|deviation| &*deviation.name).collect();
    assert_eq!(names, ["first is no number", "last is no number", "shorter"]);
    assert!(table.to_string().contains("close"));
}
