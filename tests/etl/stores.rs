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
        ("empty", "empty: not a finished store, it has no manifest.json"),
    ] {
        let (store, out) = (path(name), path("merged"));
        let commands: [&[&str]; 4] = [
            &["stats", text(&store)],
            &["inspect", text(&store), "mp-1"],
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
