//! Numbers of the sites: from lists in tables and structures into columns of a store, and what the commands make of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Float64Type, UInt8Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use crate::support::*;

/// The sites of every crystal of a store, by the crystal's identifier: its atomic numbers, and the list in a column.
fn sites(store: &Path, column: &str) -> BTreeMap<String, (Vec<u8>, Option<Vec<f64>>)> {
    let batches = rows(store);
    let numbers = batches.iter().flat_map(|batch| {
        let lists = batch["atomic_numbers"].as_list::<i32>().iter().flatten();
        lists.map(|list| list.as_primitive::<UInt8Type>().values().to_vec()).collect::<Vec<_>>()
    });
    let lists = batches.iter().flat_map(|batch| {
        let lists = batch[column].as_list::<i32>().iter();
        lists
            .map(|list| list.map(|list| list.as_primitive::<Float64Type>().values().to_vec()))
            .collect::<Vec<_>>()
    });
    let ids = texts(&batches, "material_id").into_iter().flatten();
    ids.zip(numbers.zip(lists)).collect()
}

/// A charge for every site by its element and its place.
fn charges(atomic_numbers: &[u8]) -> Vec<f64> {
    atomic_numbers.iter().enumerate().map(|(site, z)| f64::from(*z) / 8.0 - site as f64).collect()
}

/// A table of charges of the crystals of the sample: a list with one number too few, one with a text, and an empty field
/// among them.
fn table(path: &Path) {
    let plain = folder();
    build("cif", &sample(), plain.path(), &[], 0);
    let batches = rows(plain.path());
    let mut text = "material_id,site charge\n".to_owned();
    for batch in &batches {
        let ids = batch["material_id"].as_string::<i32>().iter().flatten();
        for (id, numbers) in ids.zip(batch["atomic_numbers"].as_list::<i32>().iter().flatten()) {
            let charges = charges(numbers.as_primitive::<UInt8Type>().values());
            let list = match id {
                "NaCl-rocksalt" => "[1.0]".to_owned(),
                "MgO-rocksalt" => "[2.0, x]".to_owned(),
                "Cu-fcc" => String::new(),
                // As NumPy writes it.
                "CsCl-CsCl" => format!("[{} {}]", charges[0], charges[1]),
                _ => format!("{charges:?}"),
            };
            text += &format!("{id},\"{list}\"\n");
        }
    }
    fs::write(path, text).expect("a writable folder");
}

#[test]
fn lists_of_a_table_are_numbers_of_the_sites() {
    let raw = folder();
    let labels = raw.path().join("charges.csv");
    table(&labels);
    let more = ["--labels", text(&labels), "--shard-rows", "100"];
    let stores = ["1", "4"].map(|threads| {
        let out = folder();
        let output = build("cif", &sample(), out.path(), &[&more[..], &["--threads", threads]].concat(), 0);
        (out, said(&output))
    });
    let [(store, told), (other, _)] = &stores;
    assert_same(store.path(), other.path(), "four threads");
    for part in [
        "charges.csv: site charge as site_charge\n",
        "column \"site charge\": 1 taken as missing, no lists of numbers: \"[2.0, x]\" of MgO-rocksalt in line ",
        "site_charge has 1 number for 8 sites: taken as missing",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let noted = manifest(store.path()).counts.noted;
    assert_eq!(noted["odd_value"].count, 1);
    let missing = ["NaCl-rocksalt", "MgO-rocksalt", "Cu-fcc"];
    for (id, (numbers, list)) in sites(store.path(), "site_charge") {
        let expected = (!missing.contains(&id.as_str())).then(|| charges(&numbers));
        assert_eq!(list, expected, "{id}");
    }
    let schema = rows(store.path())[0].schema();
    let metadata = schema.field_with_name("site_charge").expect("a column").metadata();
    assert_eq!([&metadata["per"], &metadata["shape"]], ["site", "[nsites]"]);

    let valid = etl(["validate", "--all", text(store.path())]);
    assert!(valid.status.success(), "{}", said(&valid));
    let shown = said(&etl(["columns", text(store.path())]));
    let line = shown.lines().find(|line| line.starts_with("site_charge ")).expect("a line");
    assert!(
        line.contains("[double]") && line.ends_with("passed through from the source; [nsites]"),
        "{line}"
    );
    let shown = said(&etl(["stats", text(store.path())]));
    assert!(shown.contains("\nsite_charge") && shown.contains("missing 3\n"), "{shown}");
    let crystal = etl(["inspect", text(store.path()), "CsCl-CsCl", "--json"]);
    let crystal: Value = serde_json::from_slice(&crystal.stdout).expect("JSON");
    assert_eq!(crystal["site_properties"], json!({"site_charge": [55.0 / 8.0, 17.0 / 8.0 - 1.0]}));
    let shown = said(&etl(["inspect", text(store.path()), "CsCl-CsCl"]));
    let line = shown.lines().find(|line| line.starts_with("  site_charge ")).expect("a line");
    assert!(line.ends_with(" [6.875, 1.125]"), "{line}");

    // Exported, and built again.
    let json = raw.path().join("crystals.json");
    let export = ["export", text(store.path()), "--format", "pymatgen-json", "--out", text(&json)];
    assert!(etl(export).status.success());
    let crystals: Vec<Value> = serde_json::from_slice(&fs::read(&json).expect("a file")).expect("JSON");
    let caesium = crystals.iter().find(|found| found["material_id"] == "CsCl-CsCl").expect("it is there");
    assert_eq!(caesium["structure"]["sites"][1]["properties"], json!({"site_charge": 1.125}));
    let cifs = raw.path().join("cifs");
    let export = ["export", text(store.path()), "--format", "cif", "--out", text(&cifs)];
    assert!(etl(export).status.success());
    let frames = raw.path().join("crystals.extxyz");
    let export = ["export", text(store.path()), "--format", "extxyz", "--out", text(&frames)];
    assert!(etl(export).status.success());
    for (kind, input) in [("cif", &cifs), ("extxyz", &frames), ("pymatgen", &json)] {
        let again = folder();
        build(kind, input, again.path(), &[], 0);
        assert_eq!(sites(again.path(), "site_charge"), sites(store.path(), "site_charge"), "{kind}");
        let columns = |store: &Path| -> Vec<String> {
            let schema = rows(store)[0].schema();
            let names = schema.fields().iter().map(|field| field.name().clone());
            names.filter(|name| name.starts_with("site_")).collect()
        };
        assert_eq!(columns(again.path()), columns(store.path()), "{kind}");
    }
}

#[test]
fn records_of_structures_bring_the_properties_of_their_sites() {
    let raw = folder();
    let path = raw.path().join("records.json");
    let record = |id: &str, properties: [Value; 2]| {
        let [first, second] = properties;
        let site = |element: &str, at: f64, properties: Value| json!({"species": [{"element": element, "occu": 1}], "abc": [at, at, at], "properties": properties});
        let sites = [site("Cs", 0.0, first), site("Cl", 0.5, second)];
        let structure = json!({"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}, "sites": sites});
        json!({"mat_id": id, "structure": structure, "data": {"magmom": 1.5}})
    };
    let both = |magmom: Value, force: Value| json!({"magmom": magmom, "force": force});
    let records = [
        record("a", [json!({}), json!({})]),
        record("b", [both(json!(2.5), json!([0, 0, 1])), both(json!(-1), json!([0, 0, -1]))]),
        record("c", [json!({"magmom": 1}), json!({"magmom": null})]),
        record("d", [json!({"magmom": "up"}), json!({"magmom": "down"})]),
        record("e", [json!({"site_magmom": 0}), json!({"site_magmom": 1})]),
    ];
    for (kind, text) in [("pymatgen", json!(records)), ("alexandria", json!({"entries": records}))] {
        fs::write(&path, text.to_string()).expect("a writable folder");
        let out = folder();
        let told = said(&build(kind, &path, out.path(), &[], 0));
        let lists: Vec<_> = sites(out.path(), "site_magmom").into_values().map(|(_, list)| list).collect();
        assert_eq!(lists, [None, Some(vec![2.5, -1.0]), None, None, Some(vec![0.0, 1.0])], "{kind}");
        assert_eq!(doubles(&rows(out.path()), "magmom"), [Some(1.5); 5], "{kind}");
        for part in [
            "left out, without numbers: site_force",
            "magmom has a number for 1 of 2 sites: taken as missing for all",
            "magmom of site 1 is \"up\", no number: taken as missing for all sites",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }
}

#[test]
fn frames_bring_the_numbers_of_their_atoms() {
    let raw = folder();
    let path = raw.path().join("frames.extxyz");
    let frame = |id: &str, properties: &str, atoms: [&str; 2]| {
        format!(
            "2\nLattice=\"4 0 0 0 4 0 0 0 4\" Properties=species:S:1:pos:R:3:{properties} id={id} charge=0.5\n\
             Cs 0 0 0 {}\nCl 2 2 2 {}\n",
            atoms[0], atoms[1]
        )
    };
    let frames = [
        frame("a", "forces:R:3:charge:R:1:tags:I:1", ["0 0 1 1.5 1", "0 0 -1 -1.5 2"]),
        frame("b", "charge:R:1:forces:R:3", ["nan 0 0 0", "-1 0 0 0"]),
        frame("c", "charge:S:1", ["up", "down"]),
        frame("d", "site_charge:R:1", ["2", "-2"]),
        frame("e", "charge:R:1", ["1", "x"]),
    ];
    fs::write(&path, frames.concat()).expect("a writable folder");
    let out = folder();
    let told = said(&build("extxyz", &path, out.path(), &[], 0));
    let lists =
        |column: &str| sites(out.path(), column).into_values().map(|(_, list)| list).collect::<Vec<_>>();
    assert_eq!(lists("site_charge"), [Some(vec![1.5, -1.5]), None, None, Some(vec![2.0, -2.0]), None]);
    assert_eq!(lists("site_tags"), [Some(vec![1.0, 2.0]), None, None, None, None]);
    assert_eq!(doubles(&rows(out.path()), "charge"), [Some(0.5); 5]);
    for part in [
        "left out, without numbers: site_forces",
        "charge has a number for 1 of 2 sites: taken as missing for all",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert_eq!(manifest(out.path()).counts.noted["odd_value"].count, 3, "{told}");
}

#[test]
fn tables_of_lemat_bring_magnetic_moments() {
    // Rows of lists, each of so many values.
    fn of_rows(values: ArrayRef, each: usize) -> ArrayRef {
        let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(vec![each; values.len() / each]);
        Arc::new(ListArray::new(field, offsets, values, None))
    }
    let vectors = |vectors: &[f64]| -> ArrayRef {
        let values: ArrayRef = Arc::new(Float64Array::from(vectors.repeat(3)));
        of_rows(of_rows(values, 3), vectors.len() / 3)
    };
    let moments = vec![Some(vec![Some(2.5), Some(-0.5)]), Some(vec![Some(1.0)]), None];
    let columns: [(&str, ArrayRef); 5] = [
        ("immutable_id", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("lattice_vectors", vectors(&[4.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 4.0])),
        ("cartesian_site_positions", vectors(&[0.0, 0.0, 0.0, 2.0, 2.0, 2.0])),
        ("species_at_sites", of_rows(Arc::new(StringArray::from(["Fe", "Al"].repeat(3))), 2)),
        ("magnetic_moments", Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(moments))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of equal length");
    let raw = folder();
    let path = raw.path().join("bulk.parquet");
    let file = fs::File::create(&path).expect("a writable folder");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a valid schema");
    writer.write(&batch).expect("a valid batch");
    writer.close().expect("a writable file");
    let out = folder();
    let told = said(&build("lemat", &path, out.path(), &[], 0));
    let lists: Vec<_> =
        sites(out.path(), "site_magnetic_moments").into_values().map(|(_, list)| list).collect();
    assert_eq!(lists, [Some(vec![2.5, -0.5]), None, None]);
    let part = "magnetic_moments has a number for 1 of 2 sites: taken as missing for all";
    assert!(told.contains(part), "{told}");
}

#[test]
fn other_columns_of_the_same_name_and_filters_of_lists_are_refused() {
    let raw = folder();
    let [labels, numbers] = ["charges.csv", "numbers.csv"].map(|name| raw.path().join(name));
    table(&labels);
    fs::write(&numbers, "material_id,site_charge\nCu-fcc,1.5\n").expect("a writable folder");
    let out = raw.path().join("store");
    let more = ["--labels", text(&labels), "--labels", text(&numbers)];
    let line = complaint(&build("cif", &sample(), &out, &more, 2));
    assert!(line.contains("site_charge") && line.contains("lists of numbers"), "{line}");
    let more = ["--labels", text(&labels), "--filter", "site_charge > 0"];
    let line = complaint(&build("cif", &sample(), &out, &more, 2));
    assert!(line.contains("site_charge"), "{line}");
}

/// Two crystals as rows of a table, with a list each.
const CIF: &str = "data_x\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n\
                   _cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\nloop_\n\
                   _atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n\
                   Cs 0 0 0\nCl 0.5 0.5 0.5\n";

#[test]
fn tables_of_crystals_bring_lists() {
    let raw = folder();
    let csv = raw.path().join("crystals.csv");
    let row = |id: &str, list: &str| format!("{id},\"{CIF}\",\"{list}\"\n");
    let rows = [row("a", "[1, -1]"), row("b", "[0.5, -0.5]"), row("c", "[1, 2, 3]")].concat();
    fs::write(&csv, format!("id,cif,charges\n{rows}")).expect("a writable folder");
    let parquet = raw.path().join("crystals.parquet");
    let lists = [vec![1.0, -1.0], vec![0.5, -0.5], vec![1.0, 2.0, 3.0]];
    let lists = lists.map(|list| Some(list.into_iter().map(Some).collect::<Vec<_>>()));
    let lists = ListArray::from_iter_primitive::<Float64Type, _, _>(lists);
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("cif", Arc::new(StringArray::from(vec![CIF; 3]))),
        ("charges", Arc::new(lists)),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of equal length");
    let file = fs::File::create(&parquet).expect("a writable folder");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a valid schema");
    writer.write(&batch).expect("a valid batch");
    writer.close().expect("a writable file");
    for table in [&csv, &parquet] {
        let out = folder();
        let told = said(&build("table", table, out.path(), &[], 0));
        assert!(told.contains("charges has 3 numbers for 2 sites: taken as missing"), "{told}");
        let found = sites(out.path(), "charges");
        let lists: Vec<_> = found.values().map(|(_, list)| list.clone()).collect();
        assert_eq!(lists, [Some(vec![1.0, -1.0]), Some(vec![0.5, -0.5]), None], "{}", table.display());
    }
}

#[test]
fn structures_of_pymatgen_bring_the_properties_of_their_sites() {
    let raw = folder();
    let path = raw.path().join("matbench_mine.json");
    let site = |element: &str, at: f64, properties: Value| json!({"species": [{"element": element, "occu": 1}], "abc": [at, at, at], "properties": properties});
    let structure =
        |sites: [Value; 2]| json!({"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}, "sites": sites});
    let data = json!([
        [
            structure([site("Cs", 0.0, json!({"magmom": 2.5})), site("Cl", 0.5, json!({"magmom": -1}))]),
            [1, -1]
        ],
        [
            structure([site("Cs", 0.0, json!({"magmom": "up"})), site("Cl", 0.5, json!({"magmom": 0}))]),
            [2, -2]
        ],
        [structure([site("Cs", 0.0, json!({"spin": 1})), site("Cl", 0.5, json!({"spin": 2}))]), "none"],
    ]);
    let task = json!({"index": [0, 1, 2], "columns": ["structure", "charges"], "data": data});
    fs::write(&path, task.to_string()).expect("a writable folder");
    let out = folder();
    let told = said(&build("matbench", &path, out.path(), &[], 0));
    let lists =
        |column: &str| sites(out.path(), column).into_values().map(|(_, list)| list).collect::<Vec<_>>();
    assert_eq!(lists("site_magmom"), [Some(vec![2.5, -1.0]), None, None]);
    assert_eq!(lists("matbench_mine_charges"), [Some(vec![1.0, -1.0]), Some(vec![2.0, -2.0]), None]);
    assert!(told.contains("magmom of site 1 is \"up\", no number: taken as missing for all sites"), "{told}");
    assert_eq!(manifest(out.path()).counts.noted["odd_value"].count, 2, "{told}");
}
