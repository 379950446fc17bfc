//! What every command says of a store that is not there, or not finished.

use std::fs;

use crate::support::*;

#[test]
fn every_command_tells_a_missing_store_from_an_unfinished_one() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    // As an interrupted build leaves it.
    fs::create_dir_all(path("unfinished/.build")).expect("a folder");
    fs::create_dir(path("empty")).expect("a folder");
    for (name, expected) in [
        ("missing", "missing: no such file or folder"),
        ("unfinished", "unfinished: an unfinished store: repeat the command that builds it"),
        ("empty", "empty.store/manifest.json is missing, and both folders belong together"),
    ] {
        let (store, out) = (path(name), path("merged"));
        let commands: [&[&str]; 6] = [
            &["stats", text(&store)],
            &["inspect", text(&store), "mp-1"],
            &["columns", text(&store)],
            &["export", text(&store), "--format", "cif", "--out", text(&out)],
            &["merge", text(&store), "--out", text(&out)],
            &["validate", text(&store)],
        ];
        for command in commands {
            let output = etl(command);
            // Without a manifest a folder may be a store that was damaged, which validation reports.
            if (command[0], name) == ("validate", "empty") {
                assert_eq!(output.status.code(), Some(1), "{}", said(&output));
                assert!(said(&output).contains("manifest.json"), "{}", said(&output));
                continue;
            }
            assert_eq!(output.status.code(), Some(2), "{command:?}: {}", said(&output));
            let line = complaint(&output);
            assert!(line.contains(expected), "{command:?}: {line}");
        }
        assert!(!out.exists());
    }
}

#[test]
fn columns_are_listed_with_units_and_meanings() {
    let folder = folder();
    let (raw, store) = (folder.path().join("raw"), folder.path().join("store"));
    fs::create_dir(&raw).expect("a folder");
    let cell = "data_cube\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n\
                _cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\nloop_\n\
                _atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n\
                _atom_site_fract_z\nCs1 Cs 0 0 0\nCl1 Cl 0.5 0.5 0.5\n";
    fs::write(raw.join("cube.cif"), cell).expect("a file");
    let labels = folder.path().join("labels.csv");
    fs::write(&labels, "material_id,band gap (eV)\ncube,6.5\n").expect("a file");
    build("cif", &raw, &store, &["--labels", text(&labels)], 0);
    let listed = etl(["columns", text(&store)]);
    assert_eq!(listed.status.code(), Some(0), "{}", complaint(&listed));
    let table = said(&listed);
    let line = |column: &str| {
        let found = table.lines().find(|line| line.split_whitespace().next() == Some(column));
        found.unwrap_or_else(|| panic!("{column} in {table}")).to_owned()
    };
    assert!(line("edge_distance").contains("[float32]") && line("edge_distance").contains(" Å "));
    assert!(table.lines().any(|line| line.contains("band_gap") && line.contains(" eV ")), "{table}");
    let json = etl(["columns", text(&store), "--json"]);
    let columns: serde_json::Value = serde_json::from_str(&said(&json)).expect("JSON");
    let columns = columns.as_array().expect("an array");
    assert_eq!(columns.len(), table.lines().count() - 1);
    assert!(columns.iter().all(|column| column["description"].as_str().is_some_and(|text| !text.is_empty())));
}
