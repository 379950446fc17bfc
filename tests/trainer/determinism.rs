//! The same input and seed give the same run.

use crate::support::*;

/// Epochs of each run.
const EPOCHS: [&str; 2] = ["--epochs", "4"];

fn run(more: &[&str]) -> Folder {
    trained(&[&EPOCHS[..], more].concat())
}

/// Threads of the model, threads that build batches, batches that may wait.
const MACHINES: [(&str, &str, &str); 4] =
    [("1", "3", "4"), ("2", "1", "1"), ("2", "3", "7"), ("5", "2", "2")];

#[test]
fn weights_and_records_do_not_depend_on_the_number_of_threads() {
    let first = run(&["--threads", "1", "--set", "data.workers=1"]);
    for (threads, workers, queue) in MACHINES {
        let (workers, queue) = (format!("data.workers={workers}"), format!("data.queue={queue}"));
        let other = run(&["--threads", threads, "--set", &workers, "--set", &queue]);
        let what = format!("{threads} threads, {workers}, {queue}");
        assert_eq!(lasting_records(first.path()), lasting_records(other.path()), "{what}");
        assert!(bytes(first.path(), BEST) == bytes(other.path(), BEST), "{what}");
    }
}

#[test]
fn the_same_settings_give_the_same_bytes() {
    let (first, second) = (run(&[]), run(&[]));
    assert_same_run(first.path(), second.path(), "the same twice");
    assert!(bytes(first.path(), "config.toml") == bytes(second.path(), "config.toml"));
}

#[test]
fn bytes_do_not_depend_on_how_the_shards_are_named() {
    let first = run(&[]);
    let shards = shards(&store());
    let backwards = [text(&shards[1]), text(&shards[0]), text(&shards[1])];
    let pattern = store().join("*.parquet");
    for named in [&backwards[..], &[text(&pattern)]] {
        let out = folder();
        let store = store();
        let mut arguments = small_run(&store, out.path(), &EPOCHS);
        // Instead of the folder.
        arguments.splice(2..3, named.iter().copied());
        succeed(&arguments);
        assert_eq!(lasting_records(first.path()), lasting_records(out.path()), "{named:?}");
        assert!(bytes(first.path(), BEST) == bytes(out.path(), BEST), "{named:?}");
    }
}

#[test]
fn another_seed_is_another_run() {
    let (first, second) = (run(&["--seed", "1"]), run(&["--seed", "2"]));
    assert_ne!(lasting_records(first.path()), lasting_records(second.path()));
    assert!(bytes(first.path(), BEST) != bytes(second.path(), BEST));
}

#[test]
fn every_epoch_has_an_order_of_its_own() {
    // A budget of triplets cuts every order elsewhere, so the sizes of the steps tell the order.
    let out = run(&["--batch-triplets", "3000", "--batch", "64"]);
    let sizes = |epoch: u64| -> Vec<u64> {
        let steps = records_of(out.path(), "step");
        let steps = steps.iter().filter(|step| step["epoch"] == epoch);
        steps.map(|step| step["crystals"].as_u64().expect("a number")).collect()
    };
    assert!((1..=4).all(|epoch| sizes(epoch).iter().sum::<u64>() == CRYSTALS));
    assert!(sizes(1) != sizes(2) || sizes(1) != sizes(3), "{:?} {:?}", sizes(1), sizes(2));
    let stored = run(&["--batch-triplets", "3000", "--batch", "64", "--set", "data.shuffle_buffer=1"]);
    assert_ne!(lasting_records(out.path()), lasting_records(stored.path()));
}
