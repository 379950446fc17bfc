//! `trainer neighbours`: what is near, computed or read, and what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::{Float32Type, Float64Type, UInt32Type};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::support::files::caesium_chloride;
use crate::support::*;

/// Weights of a small model that was trained briefly.
fn weights() -> (Folder, PathBuf) {
    let run = trained(&["--epochs", "2"]);
    let weights = run.path().join(BEST);
    (run, weights)
}

/// Writes the embeddings of the store beside the weights.
fn embedded(weights: &Path) -> PathBuf {
    let (out, store) = (weights.with_file_name("embeddings.parquet"), store());
    let arguments = ["embed", "--weights", text(weights), "--shards", text(&store), "--out", text(&out)];
    succeed(&[&arguments[..], &["--overwrite"]].concat());
    out
}

/// Arguments of a search in the store, which come last: what follows `--shards` are shards.
fn search<'a>(store: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["neighbours"][..], more, &["--shards", text(store)]].concat()
}

/// Distances by hand from a table of embeddings: root mean squares in standard deviations.
fn by_hand(table: &Path) -> BTreeMap<(String, String), f64> {
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for batch in batches(table) {
        let lists = batch["h_s_mean"].as_fixed_size_list();
        let width = usize::try_from(lists.value_length()).expect("a width");
        let numbers = lists.values().as_primitive::<Float32Type>().values();
        let names =
            batch["material_id"].as_string::<i32>().iter().map(|name| name.expect("a name").to_owned());
        rows.extend(names.zip(numbers.chunks(width).map(|row| row.iter().map(|&x| f64::from(x)).collect())));
    }
    let (count, width) = (rows.len() as f64, rows[0].1.len());
    let mut variances = Vec::new();
    for column in 0..width {
        let mean = rows.iter().map(|row| row.1[column]).sum::<f64>() / count;
        variances.push(rows.iter().map(|row| (row.1[column] - mean).powi(2)).sum::<f64>() / count);
    }
    let mut found = BTreeMap::new();
    for (first, a) in &rows {
        for (second, b) in &rows {
            let squares = (0..width).map(|column| (a[column] - b[column]).powi(2) / variances[column]);
            found.insert((first.clone(), second.clone()), (squares.sum::<f64>() / width as f64).sqrt());
        }
    }
    found
}

#[test]
fn the_nearest_are_listed_first() {
    let (run, weights) = weights();
    let store = store();
    let table = embedded(&weights);
    let distances = by_hand(&table);
    let out = run.path().join("near.parquet");
    let queries = ["NaCl-rocksalt", "Cu-fcc"];
    let more = ["--weights", text(&weights), "-k", "25", "--out", text(&out), queries[0], queries[1]];
    let said = succeed(&search(&store, &more));
    assert_eq!(said, format!("50 neighbours among {CRYSTALS} crystals: {}\n", out.display()));
    let mut rows = Vec::new();
    for batch in batches(&out) {
        let (query, near) = (batch["query"].as_string::<i32>(), batch["material_id"].as_string::<i32>());
        let rank = batch["rank"].as_primitive::<UInt32Type>();
        let distance = batch["distance"].as_primitive::<Float64Type>();
        rows.extend((0..batch.num_rows()).map(|row| {
            (query.value(row).to_owned(), rank.value(row), near.value(row).to_owned(), distance.value(row))
        }));
    }
    for (query, rows) in queries.iter().zip(rows.chunks(25)) {
        let mut others: Vec<&str> = rows.iter().map(|row| row.2.as_str()).collect();
        others.sort_unstable();
        others.dedup();
        assert!(others.len() == 25 && !others.contains(query), "all others, {others:?}");
        for (index, (of, rank, near, distance)) in rows.iter().enumerate() {
            assert_eq!((of.as_str(), *rank as usize), (*query, index + 1));
            let expected = distances[&((*query).to_owned(), near.clone())];
            assert!((distance - expected).abs() < 1e-4, "{query} {near}: {distance} {expected}");
        }
        assert!(rows.windows(2).all(|pair| pair[0].3 <= pair[1].3), "in order");
    }

    // Printed, they are a table for people, and the same from the embeddings that were written.
    let computed = succeed(&search(&store, &["--weights", text(&weights), "-k", "3", "NaCl-rocksalt"]));
    let lines: Vec<Vec<&str>> = computed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["query", "rank", "distance", "neighbour", "formula"]);
    assert_eq!(lines.len(), 4);
    assert_eq!((lines[1][0], lines[1][1], lines[1][3]), ("NaCl-rocksalt", "1", rows[0].2.as_str()));
    for more in
        [&["--embeddings", text(&table)][..], &["--embeddings", text(&table), "--weights", text(&weights)]]
    {
        let read = succeed(&search(&store, &[more, &["-k", "3", "NaCl-rocksalt"]].concat()));
        assert_eq!(read, computed);
    }
}

#[test]
fn a_structure_is_near_itself() {
    let (run, weights) = weights();
    let store = store();
    let cif = sample().join("NaCl-rocksalt.cif");
    for more in [&["--threads", "1"][..], &["--threads", "3", "--batch", "1"]] {
        let arguments = ["--weights", text(&weights), "-k", "1", text(&cif)];
        let said = succeed(&search(&store, &[&arguments[..], more].concat()));
        let row: Vec<&str> = said.lines().nth(1).expect("a row").split_whitespace().collect();
        assert_eq!(row, ["NaCl-rocksalt", "1", "0.0000", "NaCl-rocksalt", "NaCl"]);
    }
    let broken = run.path().join("broken.cif");
    fs::write(&broken, "data_x\n_cell_length_a 5\n").expect("writable");
    let line = refused(&search(&store, &["--weights", text(&weights), text(&broken)]));
    assert!(line.contains("broken.cif"), "{line}");
}

#[test]
fn the_table_does_not_depend_on_threads() {
    let (run, weights) = weights();
    let store = store();
    let table = |name: &str, threads: &str| {
        let out = run.path().join(name);
        let arguments = ["--weights", text(&weights), "--threads", threads, "--out", text(&out), "Fe-bcc"];
        succeed(&search(&store, &arguments));
        fs::read(out).expect("a table")
    };
    for ending in ["csv", "json", "jsonl", "parquet"] {
        assert!(table(&format!("a.{ending}"), "1") == table(&format!("b.{ending}"), "3"), "{ending}");
    }
    let csv = fs::read_to_string(run.path().join("a.csv")).expect("text");
    assert!(csv.starts_with("query,query_formula,rank,material_id,formula,distance\nFe-bcc,Fe,1,"), "{csv}");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (run, weights) = weights();
    let (store, cut) = (store(), cut_store());
    let table = embedded(&weights);
    let other = trained(&["--epochs", "1", "--seed", "7"]);
    let other = other.path().join(BEST);
    let cif = sample().join("NaCl-rocksalt.cif");
    let csv = run.path().join("embeddings.csv");
    fs::write(&csv, "material_id,h_s_mean_0\n").expect("writable");
    let shard = shards(&store).remove(0);
    for (shards, more, expected) in [
        (&store, &["NaCl-rocksalt"][..], "no embeddings: name weights"),
        (
            &store,
            &["--weights", text(&weights), "nowhere"],
            "nowhere is neither a crystal of the shards nor a file",
        ),
        (&store, &["--embeddings", text(&table), text(&cif)], "give --weights"),
        (&store, &["--embeddings", text(&table), "--weights", text(&other), "Fe-bcc"], "are not of"),
        (&cut, &["--embeddings", text(&table), "Fe-bcc"], "and the shards have"),
        (&shard, &["--embeddings", text(&table), "Fe-bcc"], "and the shards have none there"),
        (&store, &["--embeddings", text(&csv), "Fe-bcc"], "not a Parquet table"),
        (&store, &["--embeddings", text(&shard), "Fe-bcc"], "no table of trainer embed"),
        (&store, &["--weights", text(&weights), "-k", "0", "Fe-bcc"], "k = 0 must be at least 1"),
        (
            &store,
            &["--weights", text(&weights), "--vector", "h_x", "Fe-bcc"],
            "must be one of h_s_mean, h_s_max, h_l",
        ),
        (&store, &["--weights", text(&weights), "--out", "x.xlsx", "Fe-bcc"], "ends in none of"),
        (
            &store,
            &["--weights", text(&weights), "--out", text(&table), "Fe-bcc"],
            "already exists; --overwrite",
        ),
        (&cut, &["--weights", text(&weights), "Fe-bcc"], "ties"),
    ] {
        let output = trainer(search(shards, more));
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{more:?}: {said}");
        assert!(said.contains(expected), "{more:?}: {said}");
    }
    let read = ["--embeddings", text(&table), "--out", text(&table), "--overwrite", "Fe-bcc"];
    let line = refused(&search(&store, &read));
    assert!(line.contains("is also an input"), "{line}");
}

/// Builds a store of two salts of the sample and of CsCl with an edge in Å.
fn salts(folder: &Path, name: &str, edge: f64) -> PathBuf {
    let (cifs, store) = (folder.join(format!("{name}-cifs")), folder.join(name));
    fs::create_dir(&cifs).expect("a writable folder");
    for salt in ["NaCl-rocksalt.cif", "KCl-rocksalt.cif"] {
        fs::copy(sample().join(salt), cifs.join(salt)).expect("a copy");
    }
    fs::write(cifs.join("salt.cif"), caesium_chloride(edge)).expect("a writable folder");
    etl(["build", "cif", "--quiet", "--input", text(&cifs), "--out", text(&store)]);
    store
}

#[test]
fn embeddings_of_other_shards_with_the_same_identifiers_are_refused() {
    let (run, weights) = weights();
    let [one, same, other] =
        [("one", 4.1), ("same", 4.1), ("other", 4.5)].map(|(name, edge)| salts(run.path(), name, edge));
    let table = run.path().join("salts.parquet");
    succeed(&["embed", "--weights", text(&weights), "--shards", text(&one), "--out", text(&table)]);
    let near = |store: &Path, table: &Path| {
        trainer(search(store, &["--embeddings", text(table), "-k", "2", "NaCl-rocksalt"]))
    };
    for store in [&one, &same] {
        let output = near(store, &table);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let line = complaint(&near(&other, &table));
    for part in [
        "salts.parquet: the embeddings are of other shards with the same identifiers: mmpt.shards_sha256 is ",
        "trainer embed makes the table anew",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }

    // A table of an earlier version does not say which shards it is of.
    let earlier = run.path().join("earlier.parquet");
    let rows = batches(&table);
    let metadata = KeyValue::new("mmpt.weights_sha256".to_owned(), "0".to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![metadata])).build();
    let file = fs::File::create(&earlier).expect("a writable folder");
    let mut writer = ArrowWriter::try_new(file, rows[0].schema(), Some(properties)).expect("a writer");
    rows.iter().for_each(|batch| writer.write(batch).expect("written"));
    writer.close().expect("written");
    let output = near(&other, &earlier);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}
