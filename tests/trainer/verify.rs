//! `trainer verify` on the fixtures that come with the project.

use std::fs;

use serde_json::Value;

use crate::support::*;

#[test]
fn the_small_fixtures_agree_in_both_precisions() {
    for name in ["tests/golden", "tests/golden/systems"] {
        let fixture = root().join(name);
        for precision in ["f32", "f64"] {
            let table = succeed(&["verify", text(&fixture), "--precision", precision]);
            assert!(!table.contains("beyond") && table.lines().count() > 10, "{name}: {table}");
        }
    }
}

#[test]
fn a_manifest_may_list_the_files_of_a_fixture() {
    let copy = folder();
    copy_folder(&root().join("tests/golden"), copy.path());
    let manifest = copy.path().join("manifest.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&manifest).expect("it is there")).expect("JSON");
    value["files"] = serde_json::json!({ "weights.safetensors": 1_511_504 });
    fs::write(&manifest, value.to_string()).expect("a writable folder");
    let table = succeed(&["verify", text(copy.path())]);
    assert!(table.contains("ties = cut"), "{table}");
}

#[test]
fn every_system_has_a_row() {
    let table = succeed(&["verify", text(&root().join("tests/golden/systems"))]);
    for system in ["cgcnn", "schnet", "megnet", "alignn", "matformer", "ct", "infograph"] {
        assert!(table.lines().any(|line| line.starts_with(&format!("{system}_small"))), "{system}: {table}");
    }
}

#[test]
fn what_deviates_is_a_finding() {
    let fixture = root().join("tests/golden/systems");
    let copy = folder();
    for name in ["graphs.safetensors", "schnet_small_pyg.safetensors"] {
        fs::copy(fixture.join(name), copy.path().join(name)).expect("a writable folder");
    }
    let files = |graph: &str, system: &str| format!(r#"{{"files": {{"{system}": {{"graph": "{graph}"}}}}}}"#);
    let verify = |manifest: String| {
        fs::write(copy.path().join("manifest.json"), manifest).expect("a writable folder");
        let output = trainer(["verify", text(copy.path())]);
        (output.status.code(), said(&output))
    };

    let (code, table) = verify(files("knn12+directed", "schnet_small_pyg.safetensors"));
    assert_eq!(code, Some(0), "{table}");
    let (code, table) = verify(files("knn12+undirected+lattice", "schnet_small_pyg.safetensors"));
    assert!(code == Some(1) && table.contains("beyond its limit: pred ("), "{table}");
    let (code, table) = verify(files("knn12+directed", "unheard_of.safetensors"));
    assert!(code == Some(1) && table.contains("unknown"), "{table}");
}
