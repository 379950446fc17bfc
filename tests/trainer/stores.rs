//! Messages of every command about stores that are missing, unfinished or of different settings.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::*;

/// Faulty paths, each with what the message must contain.
fn faults(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let path = |name: &str| folder.join(name);
    // Stores of builds that were interrupted before and after their first shard.
    for name in ["early", "late", "stores/one"] {
        fs::create_dir_all(path(name).join(".build")).expect("a writable folder");
    }
    let shard = shards(&store()).remove(0);
    fs::copy(&shard, path("late").join(shard.file_name().expect("a name"))).expect("a writable folder");
    // A finished store beside the unfinished one.
    fs::create_dir(path("stores/two")).expect("a writable folder");
    for entry in fs::read_dir(store()).expect("a store") {
        let from = entry.expect("an entry").path();
        if from.is_file() {
            fs::copy(&from, path("stores/two").join(from.file_name().expect("a name"))).expect("writable");
        }
    }
    fs::create_dir(path("empty")).expect("a writable folder");
    vec![
        (path("missing"), "missing: no such file or folder"),
        (path("early"), "early: an unfinished store: repeat the command that builds it"),
        (path("late"), "late: an unfinished store: repeat the command that builds it"),
        (path("stores"), "stores/one: an unfinished store: repeat the command that builds it"),
        (path("empty"), "empty: "),
    ]
}

#[test]
fn every_command_tells_a_missing_store_from_an_unfinished_one() {
    let tuned = tuned_on_gaps("1");
    let weights = member_of(&tuned, 1);
    let (gaps, task) = (tuned.path().join("gaps"), tuned.path().join("task.toml"));
    let folder = folder();
    let run = folder.path().join("run");
    let table = folder.path().join("table.csv");
    for (path, expected) in faults(folder.path()) {
        let path = text(&path);
        let commands: [&[&str]; 6] = [
            &["pretrain", "--shards", path, "--out", text(&run)],
            &["finetune", "--task", text(&task), "--from-scratch", "--shards", path, "--out", text(&run)],
            &["evaluate", text(&gaps), "--shards", path],
            &["predict", path, "--weights", text(&weights), "--out", text(&table)],
            &["embed", "--weights", text(&weights), "--shards", path, "--out", text(&table)],
            &["bench", "--shards", path],
        ];
        for command in commands {
            let line = refused(command);
            assert!(line.contains(expected), "{command:?}: {line}");
        }
    }
    assert!(!run.exists() && !table.exists());
}

#[test]
fn two_stores_of_other_settings_are_both_named() {
    let folder = folder();
    let run = folder.path().join("run");
    let (shell, cut) = (store(), cut_store());
    // The stores are named in the order of their paths, not of the command line.
    for stores in [[&shell, &cut], [&cut, &shell]] {
        let [first, second] = stores.map(|store| text(store));
        for arguments in [&["pretrain", "--out", text(&run)][..], &["bench"]] {
            let line = refused(&[arguments, &["--shards", first, second]].concat());
            let named =
                line.contains("trainer/cut and ") && line.contains("trainer/store do not go together: ");
            assert!(named && line.contains("ties is cut in the first and shell in the second"), "{line}");
        }
    }
}
