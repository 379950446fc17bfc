//! `trainer embed`: the table, and that it does not depend on how it is computed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, FixedSizeListArray};
use arrow::datatypes::{DataType, Float32Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use safetensors::SafeTensors;
use safetensors::tensor::{TensorView, serialize};

use crate::support::*;

/// Width of `h_s` of the small model.
const STRUCTURE: usize = 16;
/// Width of `h_l` of the small model.
const LATTICE: usize = 16;
/// Agreement of embeddings that were computed in other batches.
const TOLERANCE: f32 = 1e-5;

/// Embeds the store into a table of its own folder.
fn embedded(weights: &Path, folder: &Path, more: &[&str]) -> PathBuf {
    let (out, store) = (folder.join("embeddings.parquet"), store());
    let mut arguments = vec![
        "embed",
        "--weights",
        text(weights),
        "--shards",
        text(&store),
        "--overwrite",
        "--out",
        text(&out),
    ];
    arguments.extend(more);
    let said = succeed(&arguments);
    assert_eq!(said, format!("{CRYSTALS} crystals: {}\n", out.display()));
    out
}

/// The numbers of a column of vectors, and their width.
fn vectors(list: &FixedSizeListArray) -> (Vec<f32>, usize) {
    let width = usize::try_from(list.value_length()).expect("a width");
    assert_eq!(list.null_count(), 0);
    (list.values().as_primitive::<Float32Type>().values().to_vec(), width)
}

/// A column of vectors of several batches.
fn column(batches: &[RecordBatch], name: &str) -> Vec<f32> {
    batches.iter().flat_map(|batch| vectors(batch[name].as_fixed_size_list()).0).collect()
}

fn identifiers(batches: &[RecordBatch]) -> Vec<String> {
    let ids = batches.iter().flat_map(|batch| batch["material_id"].as_string::<i32>().iter());
    ids.map(|id| id.expect("every row has one").to_owned()).collect()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0),
            "{what}: {found} {expected}"
        );
    }
}

#[test]
fn the_table_has_a_row_for_every_crystal() {
    let run = trained(&["--epochs", "2"]);
    let table = batches(&embedded(&run.path().join(BEST), run.path(), &["--per-atom"]));
    let schema = table[0].schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["material_id", "h_l", "h_s_mean", "h_s_max", "h_s"]);
    assert_eq!(*schema.field(0).data_type(), DataType::Utf8);

    let stored = rows(&store());
    assert_eq!(identifiers(&table), identifiers(&stored), "in the order of the store");
    let sites: Vec<usize> = stored
        .iter()
        .flat_map(|batch| batch["nsites"].as_primitive::<UInt32Type>().values().to_vec())
        .map(|sites| sites as usize)
        .collect();

    let (mut row, mut seen) = (0, 0.0_f32);
    for batch in &table {
        let (lattice, width) = vectors(batch["h_l"].as_fixed_size_list());
        assert_eq!((lattice.len(), width), (batch.num_rows() * LATTICE, LATTICE));
        let (mean, width) = vectors(batch["h_s_mean"].as_fixed_size_list());
        assert_eq!(width, STRUCTURE);
        let (max, _) = vectors(batch["h_s_max"].as_fixed_size_list());
        let atoms = batch["h_s"].as_list::<i32>();
        for index in 0..batch.num_rows() {
            let list = atoms.value(index);
            let (numbers, _) = vectors(list.as_fixed_size_list());
            assert_eq!(numbers.len(), sites[row] * STRUCTURE, "one vector a site");
            for place in 0..STRUCTURE {
                let values = numbers.iter().skip(place).step_by(STRUCTURE);
                let average = values.clone().sum::<f32>() / sites[row] as f32;
                let largest = values.copied().fold(f32::NEG_INFINITY, f32::max);
                assert_close(&[mean[index * STRUCTURE + place]], &[average], "mean");
                assert_eq!(max[index * STRUCTURE + place], largest);
                seen = seen.max(average.abs());
            }
            row += 1;
        }
    }
    assert_eq!(row as u64, CRYSTALS);
    assert!(seen > 0.0, "the embeddings are not all zero");
    let without = batches(&embedded(&run.path().join(BEST), run.path(), &[]));
    assert_eq!(without[0].num_columns(), 4, "per atom only if asked for");
}

#[test]
fn the_name_says_the_format() {
    let run = trained(&["--epochs", "1"]);
    let weights = run.path().join(BEST);
    let whole = batches(&embedded(&weights, run.path(), &[]));
    let store = store();
    let embed = |name: &str, more: &[&str]| {
        let out = run.path().join(name);
        let arguments = ["embed", "--weights", text(&weights), "--shards", text(&store), "--out", text(&out)];
        (trainer([&arguments[..], more].concat()), out.clone())
    };
    let (output, csv) = embed("table.csv", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text_of_csv = fs::read_to_string(csv).expect("text");
    let mut lines = text_of_csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    assert_eq!(header.len(), 1 + LATTICE + 2 * STRUCTURE);
    assert_eq!((header[0], header[1], header[1 + LATTICE]), ("material_id", "h_l_0", "h_s_mean_0"));
    let rows: Vec<Vec<&str>> = lines.collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), identifiers(&whole));
    let mean: Vec<f32> = rows
        .iter()
        .flat_map(|row| &row[1 + LATTICE..1 + LATTICE + STRUCTURE])
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert_eq!(mean, column(&whole, "h_s_mean"));

    let (output, lines) = embed("table.jsonl", &["--per-atom"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text_of_lines = fs::read_to_string(lines).expect("text");
    let rows: Vec<serde_json::Value> =
        text_of_lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len() as u64, CRYSTALS);
    assert_eq!(rows[0]["h_s"][0].as_array().expect("a vector").len(), STRUCTURE);

    for (name, more, expected) in [
        ("table.csv", &["--per-atom"][..], "a CSV has no place"),
        ("table.xlsx", &[], "ends in none of .parquet, .csv"),
        ("table", &[], "ends in none of .parquet, .csv"),
    ] {
        let (output, _) = embed(name, more);
        let line = complaint(&output);
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn embeddings_do_not_depend_on_the_batches() {
    let run = trained(&["--epochs", "2"]);
    let weights = run.path().join(BEST);
    let whole = batches(&embedded(&weights, run.path(), &["--batch", "64"]));
    for more in [&["--batch", "1"][..], &["--batch", "5"], &["--batch", "64", "--batch-triplets", "5000"]] {
        let other = batches(&embedded(&weights, run.path(), more));
        assert_eq!(identifiers(&whole), identifiers(&other));
        for name in ["h_l", "h_s_mean", "h_s_max"] {
            assert_close(&column(&other, name), &column(&whole, name), &format!("{name} {more:?}"));
        }
    }
}

#[test]
fn the_table_does_not_depend_on_the_number_of_threads() {
    let run = trained(&["--epochs", "1"]);
    let weights = run.path().join(BEST);
    let table = |more: &[&str]| fs::read(embedded(&weights, run.path(), more)).expect("a table");
    let one = table(&["--per-atom", "--batch", "4", "--threads", "1"]);
    assert!(one == table(&["--per-atom", "--batch", "4", "--threads", "3", "--set", "data.workers=3"]));
}

#[test]
fn a_checkpoint_embeds_like_the_weights_in_it() {
    // After the last of a falling loss the best weights are the last ones.
    let run = trained(&["--epochs", "1"]);
    let best = column(&batches(&embedded(&run.path().join(BEST), run.path(), &[])), "h_s_mean");
    let last = column(&batches(&embedded(&run.path().join(CHECKPOINT), run.path(), &[])), "h_s_mean");
    assert_eq!(best, last);
}

#[test]
fn a_table_is_replaced_only_when_asked() {
    let run = trained(&["--epochs", "1"]);
    let (weights, out, store) = (run.path().join(BEST), run.path().join("thesis.csv"), store());
    fs::write(&out, "mine\n").expect("writable");
    let mut arguments =
        vec!["embed", "--weights", text(&weights), "--shards", text(&store), "--out", text(&out)];
    let line = refused(&arguments);
    assert!(line.contains("thesis.csv already exists; --overwrite replaces it"), "{line}");
    assert_eq!(fs::read_to_string(&out).expect("text"), "mine\n");
    arguments.push("--overwrite");
    succeed(&arguments);
    assert_ne!(fs::read_to_string(&out).expect("text"), "mine\n");
}

#[test]
fn weights_of_other_features_are_refused() {
    let (run, store) = (trained(&["--epochs", "1"]), cut_store());
    let (weights, out) = (run.path().join(BEST), run.path().join("table.parquet"));
    let line =
        refused(&["embed", "--weights", text(&weights), "--shards", text(&store), "--out", text(&out)]);
    assert!(line.contains("ties") && line.contains("cut") && line.contains("shell"), "{line}");
    assert!(!out.exists());
}

#[test]
fn weights_that_say_nothing_get_the_defaults_and_a_warning() {
    // The default model, briefly trained on three crystals.
    let (out, store) = (folder(), cut_store());
    succeed(&[
        "pretrain",
        "--shards",
        text(&store),
        "--out",
        text(out.path()),
        "--set",
        "run.epochs=1",
        "-q",
    ]);
    let described = fs::read(out.path().join(BEST)).expect("weights");
    let tensors = SafeTensors::deserialize(&described).expect("safetensors");
    let views: HashMap<String, TensorView<'_>> = tensors.tensors().into_iter().collect();
    let bare = out.path().join("bare.safetensors");
    fs::write(&bare, serialize(&views, None).expect("safetensors")).expect("writable");

    let table = out.path().join("table.parquet");
    let arguments = |weights| {
        vec!["embed", "--weights", weights, "--shards", text(&store), "--out", text(&table), "--overwrite"]
    };
    // Weights of a training that has diverged embed nothing: there is no table of what is no number.
    let numbers: HashMap<&String, Vec<u8>> = views
        .iter()
        .map(|(name, view)| (name, 1e30_f32.to_le_bytes().repeat(view.data().len() / 4)))
        .collect();
    let huge: HashMap<String, TensorView<'_>> = views
        .iter()
        .map(|(name, view)| {
            let view = TensorView::new(view.dtype(), view.shape().to_vec(), &numbers[name]);
            (name.clone(), view.expect("of the same size"))
        })
        .collect();
    let diverged = out.path().join("diverged.safetensors");
    fs::write(&diverged, serialize(&huge, None).expect("safetensors")).expect("writable");
    let output = trainer(arguments(text(&diverged)));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("diverged.safetensors: the embedding of "), "{}", said(&output));
    assert!(!table.exists());
    let output = trainer(arguments(text(&bare)));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let warning = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(warning.lines().count(), 1, "{warning}");
    assert!(warning.contains("bare.safetensors says nothing about its model, features"), "{warning}");
    assert_eq!(identifiers(&batches(&table)).len() as u64, CUT_CRYSTALS);
    let structure = column(&batches(&table), "h_s_mean");
    let output = trainer(arguments(text(&out.path().join(BEST))));
    assert!(output.stderr.is_empty(), "{}", said(&output));
    assert_eq!(column(&batches(&table), "h_s_mean"), structure, "the structure needs no lattice statistics");
}
