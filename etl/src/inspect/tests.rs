use super::*;
use crate::test_store;

fn store() -> test_store::TestFolder {
    let folder = test_store::folder();
    test_store::write(folder.path(), &test_store::crystals(), 3);
    folder
}

#[test]
fn rocksalt_has_six_neighbours_and_then_twelve() {
    let store = store();
    let crystal = find(store.path(), "NaCl").expect("it is there");
    assert_eq!((crystal.shard.as_str(), crystal.row), ("test-00000.parquet", 0));
    assert_eq!((crystal.formula.as_str(), crystal.chemical_formula_reduced.as_str()), ("NaCl", "ClNa"));
    assert_eq!(crystal.sites.len(), 8);
    let site = &crystal.sites[0];
    let shells: Vec<_> =
        site.shells.iter().map(|shell| (shell.element, shell.neighbours.len(), shell.distance)).collect();
    assert_eq!(shells, [("Cl", 6, 2.82), ("Na", 12, (5.64 / 2f64.sqrt()) as f32)]);
    assert_eq!(crystal.properties["band_gap_ev"], Property { value: Some(8.5), unit: "eV".to_owned() });
    assert_eq!(crystal.splits["split_official"], "train");
    assert_eq!(crystal.fold, Some(0));
}

#[test]
fn neighbours_are_where_their_cell_says() {
    let store = store();
    let crystal = find(store.path(), "GaAs").expect("it is there");
    assert_eq!((crystal.shard.as_str(), crystal.row), ("test-00001.parquet", 0));
    for site in &crystal.sites {
        for shell in &site.shells {
            for neighbour in &shell.neighbours {
                let other = &crystal.sites[neighbour.site as usize];
                let image = neighbour.image.map(f64::from);
                let shift = row_times(&image, &crystal.cell.lattice_vectors);
                let square: f64 = (0..3)
                    .map(|axis| (other.cartesian[axis] + shift[axis] - site.cartesian[axis]).powi(2))
                    .sum();
                assert!((square.sqrt() - f64::from(shell.distance)).abs() < 1e-6);
                assert_eq!(other.element, shell.element);
            }
        }
    }
}

#[test]
fn every_crystal_is_found() {
    let store = store();
    for crystal in test_store::crystals() {
        let found = find(store.path(), &crystal.material_id).expect("it is there");
        assert_eq!(found.material_id, crystal.material_id);
        assert_eq!(found.properties["band_gap_ev"].value, crystal.band_gap);
        assert_eq!(
            found
                .sites
                .iter()
                .map(|site| site.shells.iter().map(|shell| shell.neighbours.len()).sum::<usize>())
                .sum::<usize>(),
            found.edges
        );
    }
}

#[test]
fn a_crystal_that_is_not_there_brings_suggestions() {
    let store = store();
    let error = find(store.path(), "nacl2").expect_err("not there");
    assert!(error.to_string().ends_with("'nacl2' is not among its 5 crystals; similar: NaCl"), "{error}");
}

#[test]
fn text_shows_cell_labels_and_shells() {
    let store = store();
    let mut text = Vec::new();
    find(store.path(), "MgO").expect("it is there").write_text(&mut text).expect("writing to memory");
    let text = String::from_utf8(text).expect("UTF-8");
    for part in [
        "MgO   MgO   8 sites, 144 edges   (test-00000.parquet row 1)",
        "Niggli cell, volume 74.725 Å³",
        "  a 4.21200 Å   b 4.21200 Å   c 4.21200 Å   α 90.000°   β 90.000°   γ 90.000°",
        "  band_gap_ev     7.8 eV",
        "  split_official  train",
        "        2.1060 Å    6 × O ",
        "        2.9783 Å   12 × Mg ",
        " and 6 more",
    ] {
        assert!(text.contains(part), "no '{part}' in\n{text}");
    }
}

#[test]
fn json_has_every_neighbour() {
    let store = store();
    let mut json = Vec::new();
    find(store.path(), "Si").expect("it is there").write_json(&mut json).expect("writing to memory");
    let value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(value["sites"][0]["shells"][0]["neighbours"].as_array().map(Vec::len), Some(4));
    assert_eq!(value["sites"][0]["shells"][1]["neighbours"].as_array().map(Vec::len), Some(12));
    assert_eq!(value["properties"]["band_gap_ev"]["value"], serde_json::Value::Null);
    assert_eq!(value["cell"]["lengths"][0], 5.431);
}
