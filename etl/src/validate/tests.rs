use schemas::settings::Neighbours;

use super::*;
use crate::test_store::{self, TestCrystal};

fn store(crystals: &[TestCrystal]) -> test_store::TestFolder {
    let folder = test_store::folder();
    test_store::write(folder.path(), crystals, 3);
    folder
}

/// Returns the problems of a store after its manifest or files were changed.
fn problems(store: &Path) -> Vec<String> {
    let report = validate(store, &ValidateOptions::default()).expect("a readable folder");
    report.problems.iter().map(Problem::to_string).collect()
}

fn edit_manifest(store: &Path, edit: impl FnOnce(&mut Manifest)) {
    let mut manifest = Manifest::read(store).expect("a manifest");
    edit(&mut manifest);
    std::fs::write(StorePaths::new(store).manifest(), manifest.to_json()).expect("a writable folder");
}

/// Updates the hashes in the manifest to those of the present files.
fn adopt_hashes(store: &Path) {
    edit_manifest(store, |manifest| {
        for entry in &mut manifest.shards {
            let (sha256, bytes) = schemas::hash::file_sha256(&store.join(&entry.file)).expect("a file");
            (entry.sha256, entry.bytes) = (sha256, bytes);
        }
    });
}

#[test]
fn a_good_store_has_no_problems() {
    let store = store(&test_store::crystals());
    for sample in [Some(2), None] {
        let report = validate(store.path(), &ValidateOptions { sample, seed: 7 }).expect("readable");
        assert!(report.is_valid(), "{report}");
        assert_eq!((report.shards, report.crystals, report.rejects), (2, 5, 2));
        assert_eq!(report.recomputed, sample.map_or(5, |size| size as u64));
        assert!(report.to_string().contains(": no problems; 5 crystals, 2 shards"), "{report}");
    }
}

#[test]
fn no_more_rows_are_recomputed_than_the_manifest_has() {
    let store = store(&test_store::crystals());
    edit_manifest(store.path(), |manifest| {
        if let Some(shard) = manifest.shards.first_mut() {
            shard.rows = 1;
        }
    });
    let report = validate(store.path(), &ValidateOptions { sample: None, seed: 7 }).expect("readable");
    assert_eq!(report.recomputed, 3, "{report}");
    let expected = "test-00000.parquet: rows: expected 1, found 3";
    assert!(report.problems.iter().any(|problem| problem.to_string() == expected), "{report}");
}

#[test]
fn an_empty_store_has_no_problems() {
    assert_eq!(problems(store(&[]).path()), [""; 0]);
}

#[test]
fn every_problem_is_reported() {
    let store = store(&test_store::crystals());
    let path = store.path();
    std::fs::remove_file(path.join("test-00001.parquet")).expect("it is there");
    std::fs::copy(path.join("test-00000.parquet"), path.join("stray.parquet")).expect("copying");
    std::fs::write(StorePaths::new(path).rejects(), "no Parquet").expect("writing");
    edit_manifest(path, |manifest| {
        manifest.counts.kept = 6;
        if let Some(shard) = manifest.shards.first_mut() {
            shard.sha256 = "00".to_owned();
            shard.rows = 4;
        }
    });
    let problems = problems(path);
    for expected in [
        "stray.parquet: file: expected no file",
        "manifest.json: counts: expected read = kept + filtered + rejected, found 7 and 8",
        "test-00000.parquet: sha256: expected 00, found ",
        "test-00000.parquet: rows: expected 4, found 3",
        "test-00001.parquet: file: expected a readable file, found ",
        "rejects.parquet: bytes: expected ",
        "rejects.parquet: rejects: expected a readable Parquet file, found ",
    ] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(expected)),
            "no '{expected}' in {problems:#?}"
        );
    }
    assert_eq!(problems.len(), 7, "{problems:#?}");
}

#[test]
fn reasons_are_counted() {
    let store = store(&test_store::crystals());
    edit_manifest(store.path(), |manifest| {
        manifest.counts.rejected_by_reason = [("isolated_atom".to_owned(), 1)].into();
    });
    assert_eq!(
        problems(store.path()),
        [
            "rejects.parquet: isolated_atom: expected 1, found 0",
            "rejects.parquet: partial_occupancy: expected 0, found 1",
        ]
    );
}

#[test]
fn an_identifier_that_stands_twice_is_found_across_shards() {
    let mut crystals = test_store::crystals();
    crystals[4].material_id = "MgO".to_owned();
    let store = store(&crystals);
    assert_eq!(
        problems(store.path()),
        ["test-00001.parquet row 1 'MgO': material_id: expected an identifier that stands nowhere else, \
          found 'MgO' also in test-00000.parquet row 1"]
    );
}

#[test]
fn other_settings_are_refused() {
    let store = store(&test_store::crystals());
    edit_manifest(store.path(), |manifest| manifest.settings.neighbours = Neighbours::Nearest(16));
    let problems = problems(store.path());
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].contains("the store has neighbours = 12, but 16 is needed"), "{problems:#?}");
}

#[test]
fn a_store_without_manifest_has_a_problem() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let problems = problems(folder.path());
    assert!(problems[0].starts_with("manifest.json: manifest: expected a readable manifest"), "{problems:?}");
    let missing = folder.path().join("missing");
    assert!(matches!(validate(&missing, &ValidateOptions::default()), Err(StoreError::Missing { .. })));
}

/// Returns the problems of a store whose rows were changed after their features were computed.
fn tampered(edit: impl Fn(&mut test_store::TestRow)) -> Vec<String> {
    let folder = test_store::folder();
    test_store::write_edited(folder.path(), &test_store::crystals(), 3, &edit);
    adopt_hashes(folder.path());
    problems(folder.path())
}

#[test]
fn wrong_features_are_found() {
    let only = |id: &'static str, edit: fn(&mut test_store::TestRow)| {
        tampered(move |row| {
            if row.material_id == id {
                edit(row);
            }
        })
    };
    assert_eq!(
        only("MgO", |row| row.features.edges.distance[5] += 1e-3),
        ["test-00000.parquet row 1 'MgO': edge_distance: expected 2.106 at edge 5, found 2.107"]
    );
    assert_eq!(only("ZnS", |row| row.features.edges.direction[0] = 26).len(), 1, "one label");
    let problems = only("ZnS", |row| row.features.edges.same_cell[0] ^= true);
    assert!(problems.len() == 1 && problems[0].contains("edge_same_cell: expected"), "{problems:?}");
    let problems = only("ZnS", |row| row.features.edges.same_cell_centred.truncate(1));
    assert!(problems.len() == 1 && problems[0].contains("edge_same_cell_centred: expected"), "{problems:?}");
    let problems = only("Si", |row| row.features.volume += 1.0);
    assert!(problems[0].starts_with("test-00001.parquet row 1 'Si': volume: expected 160.1"), "{problems:?}");
    let problems = only("GaAs", |row| row.features.fractional[0][0] += 1.0);
    assert!(problems.iter().any(|problem| problem.contains("fractional_site_positions")), "{problems:?}");
    let problems = only("NaCl", |row| row.features.edges.source.swap(0, 17));
    assert!(problems[0].contains("edge_source: expected"), "{problems:?}");
}

#[test]
fn a_cell_that_is_not_reduced_is_found() {
    let problems = tampered(|row| {
        if row.material_id == "NaCl" {
            let [first, second, _] = &mut row.features.lattice;
            second.iter_mut().zip(first).for_each(|(second, first)| *second += *first);
            row.features.parameters = crystal::niggli::parameters(&row.features.lattice);
        }
    });
    assert!(problems[0].contains("lattice_vectors: expected the Niggli cell"), "{problems:?}");
}
