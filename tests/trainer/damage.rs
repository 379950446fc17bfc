//! Unreadable input is told in one line, with the file it is about.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{TensorView, serialize};

use crate::support::*;

/// Tries to train on something; the line.
fn untrainable(shards: &[&Path]) -> String {
    let out = folder();
    let run = out.path().join("run");
    let store = store();
    let mut arguments = small_run(&store, &run, &["--epochs", "2"]);
    arguments.splice(2..3, shards.iter().map(|path| text(path)));
    refused(&arguments)
}

#[test]
fn shards_that_are_not_there() {
    let folder = folder();
    let line = untrainable(&[&folder.path().join("none.parquet")]);
    assert!(line.contains("none.parquet: no such file or folder"), "{line}");
    let line = untrainable(&[&folder.path().join("*.parquet")]);
    assert!(line.contains("*.parquet' matches no shard"), "{line}");
    let line = untrainable(&[folder.path()]);
    assert!(line.contains(text(folder.path())), "{line}");
    let line = refused(&["pretrain", "--out", text(&folder.path().join("run"))]);
    assert!(line.contains("no shards are named: give --shards"), "{line}");
}

#[test]
fn a_shard_that_was_cut_short() {
    let folder = folder();
    let whole = fs::read(&shards(&store())[0]).expect("a shard");
    let path = folder.path().join("short.parquet");
    for length in [0, 3, 8, 1000, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        fs::write(&path, &whole[..length]).expect("writable");
        let line = untrainable(&[&path]);
        assert!(line.contains("short.parquet: not a readable Parquet file"), "{length}: {line}");
    }
    fs::write(&path, "material_id,a,b,c\n1,2,3,4\n").expect("writable");
    let line = untrainable(&[&path]);
    assert!(line.contains("short.parquet: not a readable Parquet file"), "{line}");
}

#[test]
fn a_shard_with_damaged_pages() {
    let folder = folder();
    let whole = fs::read(&shards(&store())[0]).expect("a shard");
    let path = folder.path().join("damaged.parquet");
    // Pages of the first half; the footer, at the end, stays whole.
    for share in 1..5 {
        let mut damaged = whole.clone();
        let middle = whole.len() * share / 10;
        for byte in &mut damaged[middle..middle + whole.len() / 10] {
            *byte ^= 0x5a;
        }
        fs::write(&path, &damaged).expect("writable");
        let line = untrainable(&[&path]);
        assert!(line.contains("damaged.parquet"), "{share}: {line}");
    }
}

#[test]
fn stores_of_other_settings_do_not_mix() {
    for shards in [[store(), cut_store()], [cut_store(), store()]] {
        let line = untrainable(&[&shards[0], &shards[1]]);
        assert!(line.contains("ties") && line.contains("cut") && line.contains("shell"), "{line}");
        assert!(line.contains(text(&store())) && line.contains(text(&cut_store())), "{line}");
    }
    let (out, cut) = (folder(), cut_store());
    let line = refused(&small_run(&cut, &out.path().join("run"), &["--set", "data.validation=split"]));
    assert!(line.contains("the subset 'split = train' holds none of the 3 crystals"), "{line}");
}

#[test]
fn a_table_that_is_no_store() {
    let run = trained(&["--epochs", "1"]);
    let table = run.path().join("embeddings.parquet");
    let (weights, store) = (run.path().join(BEST), store());
    succeed(&["embed", "--weights", text(&weights), "--shards", text(&store), "--out", text(&table)]);
    let line = untrainable(&[&table]);
    assert!(line.contains("embeddings.parquet"), "{line}");
}

/// Tries to embed and to train with some weights; both lines.
fn useless(weights: &Path) -> [String; 2] {
    let (out, store) = (folder(), store());
    let table = out.path().join("table.parquet");
    let embed = ["embed", "--weights", text(weights), "--shards", text(&store), "--out", text(&table)];
    let lines = [
        refused(&embed),
        refused(&small_run(&store, &out.path().join("run"), &["--weights", text(weights)])),
    ];
    assert!(!table.exists());
    lines
}

#[test]
fn weights_that_cannot_be_read() {
    let run = trained(&["--epochs", "1"]);
    let whole = bytes(run.path(), BEST);
    let path = run.path().join("broken.safetensors");
    for line in useless(&path) {
        assert!(line.contains("broken.safetensors"), "{line}");
    }
    for length in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).expect("writable");
        for line in useless(&path) {
            assert!(line.contains("broken.safetensors is cut short"), "{length}: {line}");
        }
    }
    fs::write(&path, "PK\x03\x04 this is a pickle or a zip, and long enough for a header").expect("writable");
    for line in useless(&path) {
        assert!(line.contains("broken.safetensors is"), "{line}");
    }
}

#[test]
fn weights_of_another_model() {
    let run = trained(&["--epochs", "1"]);
    let whole = bytes(run.path(), BEST);
    let file = SafeTensors::deserialize(&whole).expect("safetensors");
    let (_, header) = SafeTensors::read_metadata(&whole).expect("safetensors");
    let path = run.path().join("other.safetensors");
    // Changed on purpose, so without the checksum of what was written.
    let mut metadata = header.metadata().clone();
    assert!(metadata.as_mut().and_then(|metadata| metadata.remove("content_sha256")).is_some());
    let write = |views: &HashMap<String, TensorView<'_>>| {
        fs::write(&path, serialize(views, metadata.clone()).expect("safetensors")).expect("writable");
    };
    let mut views: HashMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let mut names: Vec<String> = views.keys().cloned().collect();
    names.sort();

    let missing = views.remove(&names[0]).expect("it is there");
    write(&views);
    for line in useless(&path) {
        assert!(line.contains(&format!("1 missing (first {})", names[0])), "{line}");
    }
    views.insert("stranger.weight".to_owned(), missing.clone());
    write(&views);
    for line in useless(&path) {
        assert!(line.contains("1 too many (first stranger.weight)"), "{line}");
    }
    views.remove("stranger.weight");
    let flat = [missing.shape().iter().product::<usize>(), 1, 1];
    let reshaped = TensorView::new(missing.dtype(), flat.to_vec(), missing.data()).expect("as many numbers");
    views.insert(names[0].clone(), reshaped);
    write(&views);
    for line in useless(&path) {
        assert!(line.contains(&format!("1 of another shape (first {}: {flat:?}", names[0])), "{line}");
    }

    let (weights, out, store) = (run.path().join(BEST), folder(), store());
    let wider = ["--weights", text(&weights), "--set", "model.mmpt.lattice_width=4"];
    let line = refused(&small_run(&store, &out.path().join("run"), &wider));
    assert!(line.contains("model.mmpt.lattice_width = 8, but 4 is needed"), "{line}");
    let labels = ["--weights", text(&weights), "--labels", "cell"];
    let line = refused(&small_run(&store, &out.path().join("run"), &labels));
    assert!(line.contains("pretrain.mmpt.labels = ") && line.contains("cell"), "{line}");
    let cut = cut_store();
    let line = refused(&small_run(&cut, &out.path().join("run"), &["--weights", text(&weights)]));
    assert!(line.contains("ties"), "{line}");
}

#[test]
fn a_checkpoint_that_is_damaged() {
    let run = trained(&["--epochs", "1"]);
    let path = run.path().join(CHECKPOINT);
    let whole = fs::read(&path).expect("a checkpoint");
    let resume = || refused(&small_run(&store(), run.path(), &["--epochs", "1", "--resume"]));
    fs::write(&path, &whole[..whole.len() - 1]).expect("writable");
    let line = resume();
    assert!(line.contains("checkpoint.safetensors is cut short"), "{line}");
    fs::write(&path, bytes(run.path(), BEST)).expect("writable");
    let line = resume();
    assert!(line.contains("checkpoint.safetensors: the metadata lack 'mmpt.state'"), "{line}");
    fs::write(run.path().join("config.toml"), "seed = \n").expect("writable");
    let line = resume();
    assert!(line.contains("config.toml:1:"), "{line}");
}

#[test]
fn output_that_cannot_be_written() {
    let (run, store) = (trained(&["--epochs", "1"]), store());
    let (weights, out) = (run.path().join(BEST), run.path().join("none/table.parquet"));
    let line =
        refused(&["embed", "--weights", text(&weights), "--shards", text(&store), "--out", text(&out)]);
    assert!(line.contains("cannot write") && line.contains("none/table.parquet"), "{line}");
    let inside_a_file = weights.join("run");
    let line = refused(&small_run(&store, &inside_a_file, &[]));
    assert!(line.contains("best.safetensors"), "{line}");
}
