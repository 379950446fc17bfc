//! Booleans and classes: from tables and entries into columns of a store, and what the commands make of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use serde_json::{Value, json};

use crate::support::*;

/// Properties of the elements of the sample that are true of a crystal by its published labels: a column of booleans,
/// one of classes and one of remarks.
fn labels(folder: &Path) -> PathBuf {
    let mut table = "material_id,is metal,structure type,remark\n".to_owned();
    let mut rows = csv::Reader::from_path(sample().join("labels.csv")).expect("the sample's own file");
    for row in rows.records().map(|row| row.expect("well formed")) {
        let [id, prototype, gap] = [0, 1, 2].map(|at| row[at].to_owned());
        let metal = match gap.parse::<f64>() {
            Ok(gap) => (gap == 0.0).to_string(),
            Err(_) => "na".to_owned(),
        };
        let common = ["rocksalt (B1)", "zincblende (B3)", "hcp (A3)", "fcc (A1)"];
        let family = common.into_iter().find(|known| *known == prototype).unwrap_or("none");
        table.push_str(&format!("{id},{metal},{family},of {id}\n"));
    }
    let path = folder.join("classes.csv");
    fs::write(&path, table).expect("a file");
    path
}

/// Builds the sample with the table of [`labels`].
fn built(table: &Path, more: &[&str]) -> (Folder, String) {
    let out = folder();
    let more = [&["--labels", text(table), "--shard-rows", "100"], more].concat();
    let output = build("cif", &sample(), out.path(), &more, 0);
    (out, said(&output))
}

fn counts(values: impl IntoIterator<Item = Option<String>>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    values.into_iter().for_each(|value| *counts.entry(value.unwrap_or_default()).or_default() += 1);
    counts
}

#[test]
fn a_table_brings_booleans_and_classes() {
    let raw = folder();
    let (store, said) = built(&labels(raw.path()), &[]);
    for part in [
        "395 of 395 rows joined: ",
        "classes.csv: is metal as is_metal; structure type as structure_type\n",
        "column \"structure type\": 310 taken as missing, no classes: \"none\" of ",
        "column \"remark\" holds text and is left out: over 64 different texts",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let batches = rows(store.path());
    let types = counts(texts(&batches, "structure_type"));
    assert_eq!((types["rocksalt (B1)"], types["zincblende (B3)"], types["hcp (A3)"]), (37, 23, 13));
    let metals = doubles(&batches, "is_metal");
    let number = |value| metals.iter().filter(|found| **found == value).count();
    assert_eq!([Some(1.0), Some(0.0), None].map(number), [139, 142, 114]);
    let schema = batches[0].schema();
    assert_eq!(schema.field_with_name("structure_type").expect("a column").data_type(), &DataType::Utf8);
    let metadata = schema.field_with_name("is_metal").expect("a column").metadata();
    assert_eq!((metadata["values"].as_str(), metadata["key"].as_str()), ("boolean", "is metal"));
    // The sample's own split stands beside the class.
    assert_eq!(counts(texts(&batches, "split"))["train"], 314);

    let valid = etl(["validate", "--all", text(store.path())]);
    assert!(valid.status.success(), "{}", crate::support::said(&valid));
    let shown = crate::support::said(&etl(["columns", text(store.path())]));
    for part in [
        "is_metal",
        "1 for true, 0 for false",
        "structure_type",
        "text",
        "Class passed through from the source",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let shown = crate::support::said(&etl(["stats", text(store.path())]));
    for part in
        ["\nis_metal\n", "  false  142  ", "   true  139  ", "      –  114  ", "  rocksalt (B1)   37  "]
    {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let page = raw.path().join("page.html");
    let shown = crate::support::said(&etl(["stats", text(store.path()), "--html", text(&page)]));
    assert!(shown.ends_with(&format!("\n\npage: {}\n", page.display())), "{shown}");
    let page = fs::read_to_string(&page).expect("a page");
    for part in ["rocksalt (B1): 37 (9.4", "<b>Structure type</b>", "<b>Band gap</b>", " exactly 0 ("] {
        assert!(page.contains(part), "{part}");
    }
    let crystal = etl(["inspect", text(store.path()), "NaCl-rocksalt", "--json"]);
    let crystal: Value = serde_json::from_slice(&crystal.stdout).expect("JSON");
    assert_eq!(crystal["classes"], json!({"structure_type": "rocksalt (B1)"}));
    assert_eq!(crystal["properties"]["is_metal"]["value"], json!(0.0));
    let shown = crate::support::said(&etl(["inspect", text(store.path()), "Cu-fcc"]));
    assert!(shown.contains("  structure_type    fcc (A1)\n"), "{shown}");
}

#[test]
fn a_store_without_classes_says_nothing_of_them() {
    let out = folder();
    build("cif", &sample(), out.path(), &[], 0);
    let crystal = etl(["inspect", text(out.path()), "NaCl-rocksalt", "--json"]);
    let crystal: Value = serde_json::from_slice(&crystal.stdout).expect("JSON");
    assert_eq!(crystal.get("classes"), None);
    assert!(!manifest(out.path()).options.contains_key("classes"));
}

#[test]
fn filters_and_orders_take_classes_and_booleans() {
    let raw = folder();
    let table = labels(raw.path());
    let ids = |more: &[&str]| {
        let (store, _) = built(&table, more);
        texts(&rows(store.path()), "structure_type")
    };
    let kept = ids(&["--filter", "structure_type = \"hcp (A3)\" AND is_metal = true"]);
    assert_eq!(counts(kept), BTreeMap::from([("hcp (A3)".to_owned(), 13)]));
    let sorted = ids(&["--order", "structure_type", "--filter", "structure_type IS KNOWN"]);
    assert!(sorted.is_sorted() && sorted.len() == 85, "{}", sorted.len());
    let out = folder();
    let more = ["--labels", text(&table), "--filter", "is_metal = yes"];
    let line = complaint(&build("cif", &sample(), out.path(), &more, 2));
    assert!(line.contains("field 'is_metal' holds true and false, 'yes' is not"), "{line}");
}

#[test]
fn threads_parts_and_their_merge_make_one_store() {
    let raw = folder();
    let table = labels(raw.path());
    let (whole, _) = built(&table, &["--threads", "1"]);
    let (other, _) = built(&table, &["--threads", "4"]);
    assert_same(whole.path(), other.path(), "four threads");
    let parts = ["1/3", "2/3", "3/3"].map(|part| built(&table, &["--part", part]).0);
    let schema = |store: &Path| rows(store)[0].schema();
    assert!(parts.iter().all(|part| schema(part.path()) == schema(whole.path())));
    let merged = folder();
    let folders = parts.iter().map(|part| text(part.path()));
    let output = etl(["merge"].into_iter().chain(folders).chain(["--out", text(merged.path())]));
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(sorted_rows(merged.path()), sorted_rows(whole.path()));
    let valid = etl(["validate", "--all", text(merged.path())]);
    assert!(valid.status.success(), "{}", said(&valid));
}

#[test]
fn entries_of_jarvis_bring_booleans_and_classes() {
    let Some(file) = shared("mirror/jarvis/jdft_3d-subset.json.zip") else { return };
    let mut zip = zip::ZipArchive::new(fs::File::open(file).expect("a file")).expect("a zip");
    let mut entries: Vec<Value> =
        serde_json::from_reader(zip.by_index(0).expect("a member")).expect("an array of entries");
    let volume = |entry: &Value| entry["atoms"]["coords"].as_array().map_or(0, Vec::len);
    for entry in &mut entries {
        let sites = volume(entry);
        let Value::Object(entry) = entry else { continue };
        let size = if sites > 4 { "large" } else { "small" };
        entry.insert("size".to_owned(), json!(size));
        entry.insert("is_metal".to_owned(), json!(entry["optb88vdw_bandgap"].as_f64().map(|gap| gap == 0.0)));
        entry.insert("formula".to_owned(), json!(format!("formula of {}", entry["jid"])));
    }
    let raw = folder();
    let path = raw.path().join("jdft_3d.json");
    fs::write(&path, serde_json::to_vec(&entries).expect("JSON")).expect("a file");
    let stores = ["1", "3"].map(|threads| {
        let out = folder();
        let output = build("jarvis", &path, out.path(), &["--threads", threads, "--allow-rejects"], 0);
        assert!(said(&output).contains("formula (over 64 different texts)"), "{}", said(&output));
        out
    });
    assert_same(stores[0].path(), stores[1].path(), "three threads");
    let batches = rows(stores[0].path());
    let gaps = doubles(&batches, "band_gap_ev");
    for (gap, metal) in gaps.iter().zip(doubles(&batches, "jarvis_is_metal")) {
        assert_eq!(gap.map(|gap| f64::from(u8::from(gap == 0.0))), metal);
    }
    let sizes = texts(&batches, "jarvis_size").into_iter().flatten();
    let sites = batches.iter().flat_map(|batch| {
        let counts = arrow::array::AsArray::as_primitive::<arrow::datatypes::UInt32Type>(&batch["nsites"]);
        counts.values().to_vec()
    });
    assert!(sizes.zip(sites).all(|(size, sites)| (size == "large") == (sites > 4)));
    let plain = etl(["stats", text(stores[0].path())]);
    assert!(said(&plain).contains("\njarvis_size\n  large  "), "{}", said(&plain));
}
