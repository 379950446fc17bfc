//! A loss that is no number any more ends a run, and nothing good is lost.

use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::AsArray;
use serde_json::Value;

use crate::support::*;

/// A rate at which the weights leave the range of numbers after the first step.
const HUGE: [&str; 4] = ["--learning-rate", "1e30", "--epochs", "2"];

/// Identifiers of a shard.
fn identifiers(shard: &Path) -> BTreeSet<String> {
    let rows = batches(shard);
    let ids = rows.iter().flat_map(|batch| batch["material_id"].as_string::<i32>().iter().flatten());
    ids.map(str::to_owned).collect()
}

/// Trains into a folder, which must end in the numbers' end; the line and the list of crystals.
fn diverge(out: &Path, more: &[&str]) -> (String, Value) {
    let line = refused(&small_run(&store(), out, more));
    let list = std::fs::read_to_string(out.join("diverged.json")).expect("a list");
    (line, serde_json::from_str(&list).expect("JSON"))
}

#[test]
fn a_run_that_diverges_stops_and_lists_the_crystals() {
    let out = folder();
    let (line, list) = diverge(out.path(), &HUGE);
    let listed = out.path().join("diverged.json");
    assert!(line.contains(" in epoch 1, batch 2: "), "{line}");
    assert!(line.contains(text(&listed)), "{line}");
    assert!(line.contains("a lower optimiser.learning_rate"), "{line}");
    assert_eq!((&list["epoch"], &list["batch"]), (&1.into(), &2.into()));
    let quantity = list["quantity"].as_str().expect("text");
    assert!(
        line.starts_with(&format!("trainer: the {quantity} is {} ", list["value"].as_str().expect("text")))
    );
    let ids: BTreeSet<String> = list["material_ids"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|id| id.as_str().expect("text").to_owned())
        .collect();
    assert_eq!(ids.len(), 8);
    let of_shards = shards(&store())
        .iter()
        .map(|shard| ids.intersection(&identifiers(shard)).count())
        .collect::<Vec<_>>();
    assert_eq!(of_shards.iter().sum::<usize>(), 8, "{ids:?}");
    assert!(!of_shards.contains(&0), "epochs are shuffled across the shards: {ids:?}");
    assert_eq!(records(out.path()).len(), 1, "the step before is on record");
}

#[test]
fn the_last_good_checkpoint_is_kept() {
    // The weights with which the run began are good.
    let out = folder();
    diverge(out.path(), &HUGE);
    let table = out.path().join("embeddings.parquet");
    let checkpoint = out.path().join(CHECKPOINT);
    succeed(&["embed", "--weights", text(&checkpoint), "--shards", text(&store()), "--out", text(&table)]);
    let finite = batches(&table).iter().all(|batch| {
        let lists = batch["h_s_mean"].as_fixed_size_list();
        lists
            .values()
            .as_primitive::<arrow::datatypes::Float32Type>()
            .iter()
            .all(|value| value.is_some_and(f32::is_finite))
    });
    assert!(finite, "the checkpoint's weights are numbers");
    // A good run that goes on from it is the run that would have been.
    let (whole, next) = (trained(&["--epochs", "1"]), folder());
    succeed(&small_run(&store(), next.path(), &["--epochs", "1", "--weights", text(&checkpoint)]));
    assert_eq!(lasting_records(whole.path()), lasting_records(next.path()));
}

#[test]
fn a_gradient_that_is_no_number_lists_every_crystal_of_the_step() {
    // Of several batches the last one may be good: those of the whole step are listed.
    let out = folder();
    let (line, list) = diverge(out.path(), &[&HUGE[..], &["--set", "optimiser.accumulate=2"]].concat());
    let ids = list["material_ids"].as_array().expect("a list").len();
    let expected = if line.contains("norm of the gradients") { [16, 10] } else { [8, 2] };
    assert!(expected.contains(&ids), "{line} {ids}");
}

#[test]
fn a_validation_loss_that_is_no_number_ends_a_fine_tuning() {
    let kept = folder();
    let task = kept.path().join("task.toml");
    std::fs::write(&task, GAPS).expect("a writable folder");
    for select in ["finetune.select=last", "finetune.select=validation"] {
        let out = kept.path().join(select);
        // A single step an epoch: no loss of training comes after it.
        let more = ["--epochs", "1", "--batch", "64", "--learning-rate", "1e30", "--set", select];
        for resume in [&[][..], &["--resume"]] {
            let line = refused(&small_tuning(&task, &out, &[&more[..], resume].concat(), &store()));
            assert!(
                line.contains("the validation loss is ") && line.contains(" in epoch 1, batch 1: "),
                "{line}"
            );
            assert!(line.contains("a lower optimiser.learning_rate"), "{line}");
            let member = out.join("split/seed-123");
            assert!(!member.join(BEST).exists(), "nothing is kept");
            let list = std::fs::read_to_string(member.join("diverged.json")).expect("a list");
            let list: Value = serde_json::from_str(&list).expect("JSON");
            assert_eq!(list["quantity"], "validation loss");
            assert_eq!(list["material_ids"].as_array().map(Vec::len), Some(3));
        }
    }
}

#[test]
fn a_new_run_in_the_folder_forgets_the_list() {
    let out = folder();
    diverge(out.path(), &HUGE);
    succeed(&small_run(&store(), out.path(), &["--epochs", "1", "--overwrite"]));
    assert!(!out.path().join("diverged.json").exists());
}
