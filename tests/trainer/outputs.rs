//! What a command writes is nothing that it reads, and nothing of others.

use std::fs;
use std::path::Path;

use crate::support::files::tree;
use crate::support::*;

/// A copy of the store, which a command that fails this test may spoil.
fn copied_store(folder: &Path) -> std::path::PathBuf {
    let copy = folder.join("st");
    for (name, bytes) in tree(&store()) {
        let path = copy.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, bytes).expect("writable");
    }
    copy
}

#[test]
fn an_input_is_never_the_output() {
    let tuned = tuned_on_gaps("1");
    let weights = member_of(&tuned, 1);
    let work = folder();
    let store = copied_store(work.path());
    let shard = shards(&store).remove(0);
    let path = |name: &str| work.path().join(name);
    fs::write(
        path("in.json"),
        r#"[{"jid": "a", "atoms": {"lattice_mat": [[4.1,0,0],[0,4.1,0],[0,0,4.1]],
            "coords": [[0,0,0],[0.5,0.5,0.5]], "elements": ["Cs","Cl"], "cartesian": false}}]"#,
    )
    .expect("writable");
    fs::hard_link(path("in.json"), path("hard.json")).expect("a link");
    std::os::unix::fs::symlink("in.json", path("soft.json")).expect("a link");
    // The table that p.csv leaves out entries to.
    fs::copy(path("in.json"), path("p.rejects.csv")).expect("writable");
    let other = path("other.parquet");
    fs::hard_link(&shard, &other).expect("a link");
    let config = path("c.csv");
    fs::write(&config, "seed = 1\n").expect("writable");
    let before = tree(work.path());
    let predict = |input: &Path, out: &Path, more: &[&str]| {
        let fixed = ["predict", text(input), "--weights", text(&weights), "--out", text(out), "--overwrite"];
        refused(&[&fixed[..], more].concat())
    };
    for out in ["in.json", "hard.json", "soft.json"] {
        let line = predict(&path("in.json"), &path(out), &[]);
        assert!(line.contains(out) && line.contains("is also an input"), "{line}");
    }
    let line = predict(&path("p.rejects.csv"), &path("p.csv"), &["--kind", "jarvis"]);
    assert!(line.contains("p.rejects.csv"), "{line}");
    for out in [shard.as_path(), &other, &store.join("p.parquet"), &store.join("sub/p.csv")] {
        for input in [store.as_path(), &shard] {
            let line = predict(input, out, &[]);
            assert!(line.contains("is also an input") || line.contains("lies in the store"), "{line}");
            let embed = ["embed", "--weights", text(&weights), "--shards", text(input), "--out", text(out)];
            let line = refused(&embed);
            assert!(line.contains("is also an input") || line.contains("lies in the store"), "{line}");
        }
    }
    let embed = ["embed", "--weights", text(&weights), "--shards", text(&store), "--config", text(&config)];
    let line = refused(&[&embed[..], &["--out", text(&config), "--overwrite"]].concat());
    assert!(line.contains("c.csv: is also an input"), "{line}");
    for out in [store.as_path(), &store.join("run")] {
        let line = refused(&small_run(&store, out, &["--overwrite"]));
        assert!(line.contains("lies in the store"), "{line}");
    }
    let gaps = tuned.path().join("gaps");
    let shards = ["--shards", text(&store)];
    let line = refused(&[&["evaluate", text(&gaps), "--out", text(&store)][..], &shards].concat());
    assert!(line.contains("lies in the store"), "{line}");
    assert_eq!(tree(work.path()), before);
}

#[test]
fn weights_are_not_removed_for_what_begins_with_them() {
    let run = trained(&["--epochs", "1"]);
    let weights = run.path().join(BEST);
    let before = bytes(run.path(), BEST);
    let more = ["--epochs", "1", "--overwrite", "--weights", text(&weights)];
    let line = refused(&small_run(&store(), run.path(), &more));
    assert!(line.contains("best.safetensors: is an input") && line.contains("to be replaced"), "{line}");
    assert_eq!(bytes(run.path(), BEST), before);
}

#[test]
fn a_configuration_is_not_removed_for_a_run_that_begins_with_it() {
    let run = trained(&["--epochs", "1"]);
    let before = tree(run.path());
    let config = run.path().join("config.toml");
    let more = ["--epochs", "2", "--overwrite", "--config", text(&config)];
    let line = refused(&small_run(&store(), run.path(), &more));
    assert!(line.contains("config.toml: is an input") && line.contains("to be replaced"), "{line}");
    assert_eq!(tree(run.path()), before);
}

#[test]
fn files_of_others_are_not_overwritten() {
    let out = folder();
    for name in ["config.toml", ".partial-thesis", ".mmpt-partial-thesis2"] {
        fs::write(out.path().join(name), "[server]\nport = 80\n").expect("writable");
    }
    let before = tree(out.path());
    for more in [&["--overwrite"][..], &["--resume"], &[]] {
        let line = refused(&small_run(&store(), out.path(), more));
        assert!(line.contains(text(out.path())), "{line}");
        assert!(more != ["--overwrite"] || line.contains("no run has written config.toml"), "{line}");
        assert_eq!(tree(out.path()), before);
    }
    fs::remove_file(out.path().join("config.toml")).expect("it is there");
    succeed(&small_run(&store(), out.path(), &["--epochs", "1", "--overwrite"]));
    succeed(&small_run(&store(), out.path(), &["--epochs", "1", "--overwrite", "--seed", "3"]));
    for name in [".partial-thesis", ".mmpt-partial-thesis2"] {
        assert_eq!(bytes(out.path(), name), before[name]);
    }
}

#[test]
fn a_copy_of_a_runs_file_vouches_for_no_other() {
    let run = trained(&["--epochs", "1"]);
    let out = folder();
    fs::copy(run.path().join(BEST), out.path().join(BEST)).expect("writable");
    for name in ["config.toml", "card.md", "curves.svg"] {
        fs::write(out.path().join(name), "[server]\nport = 80\n").expect("writable");
    }
    let before = tree(out.path());
    let line = refused(&small_run(&store(), out.path(), &["--overwrite"]));
    assert!(line.contains("no run has written curves.svg, card.md, config.toml"), "{line}");
    assert_eq!(tree(out.path()), before);
    // All that a run writes may be replaced by the next.
    succeed(&small_run(&store(), run.path(), &["--epochs", "1", "--overwrite"]));

    let tuned = tuned_on_gaps("1");
    let results = folder();
    let gaps = tuned.path().join("gaps");
    let evaluate = ["evaluate", text(&gaps), "--out", text(results.path())];
    succeed(&evaluate);
    succeed(&evaluate);
    for name in ["predictions.csv", "report.html"] {
        let path = results.path().join(name);
        let ours = fs::read(&path).expect("it is there");
        fs::write(&path, "years of work").expect("writable");
        let before = tree(results.path());
        let line = refused(&evaluate);
        assert!(line.contains(name), "{line}");
        assert_eq!(tree(results.path()), before);
        fs::write(&path, ours).expect("writable");
    }
}

#[test]
fn a_table_of_others_is_no_list_of_rejects() {
    let tuned = tuned_on_gaps("1");
    let weights = member_of(&tuned, 1);
    let work = folder();
    let (out, rejects) = (work.path().join("p.csv"), work.path().join("p.rejects.csv"));
    let store = store();
    let predict =
        ["predict", text(&store), "--weights", text(&weights), "--out", text(&out), "--overwrite", "--quiet"];
    fs::write(&rejects, "id,gap\nmp-1,2\n").expect("writable");
    let line = refused(&predict);
    assert!(line.contains("p.rejects.csv") && line.contains("no such list"), "{line}");
    assert_eq!(fs::read_to_string(&rejects).expect("it is there"), "id,gap\nmp-1,2\n");
    assert!(!out.exists());
    // Our own goes when nothing is left out any more.
    fs::write(&rejects, "material_id,source_file,record,line,reason,message\nx,,,,y,z\n").expect("writable");
    succeed(&predict);
    assert!(out.exists() && !rejects.exists());
}

#[test]
fn a_comparison_replaces_no_grid_of_others() {
    let out = folder();
    fs::write(out.path().join("grid.toml"), "[page]\ncolumns = 12\n").expect("writable");
    let output = std::process::Command::new(TRAINER)
        .current_dir(root())
        .args(["compare", "trainer/grids/smoke.toml", "--out", text(out.path())])
        .output()
        .expect("the program starts");
    let line = complaint(&output);
    assert!(line.contains("grid.toml: not of a comparison"), "{line}");
    assert_eq!(tree(out.path()).into_keys().collect::<Vec<_>>(), ["grid.toml"]);
}
