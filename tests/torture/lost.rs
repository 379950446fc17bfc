//! Files of others in the way of an output: none of them is lost.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::Case;
use crate::files::{Folder, caesium_chloride, folder, root, text, tree};
use crate::program::{Ran, etl, run, succeed, trainer};
use crate::table::Row;
use crate::trainer::{member_of, small_run, tuned_on_gaps};

/// Content of every file of others.
const WORK: &str = "years of work";

/// The rows of this file.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("inputs among the files of --out: build --force", inputs_within).before("input deleted"),
        Case::new("sidecar, rejects, .build, last, .lock are links: all commands", inner_links)
            .before("files outside --out replaced"),
        Case::new("links, folders, manifests of others: make clean", clean).before("files of others removed"),
        Case::new("a file of ours among those of others: pretrain, evaluate", mixed)
            .before("files of others replaced"),
        Case::new("--config is --out: embed, pretrain --overwrite", configured)
            .before("configuration replaced"),
        Case::new("pages and downloads of others: stats, man, fetch", pages)
            .before("files of others replaced"),
        Case::new("PREFIX=/x/a$b, $(touch x): make install", prefix).before("installed into /x/a"),
    ]
}

/// Notes whether all is as it was, and puts it back.
fn untouched(row: &mut Row, parent: &Path, before: &BTreeMap<String, Vec<u8>>, what: &str) {
    let now = tree(parent);
    for (name, bytes) in before {
        if now.get(name) != Some(bytes) {
            row.fault(format!("{what}: {name} was lost"));
            fs::write(parent.join(name), bytes).expect("writable");
        }
    }
    if let Some(name) = now.keys().find(|name| !before.contains_key(*name)) {
        row.fault(format!("{what}: {name} is new"));
    }
}

/// A folder with an input of one crystal, `in`, and one beside it.
fn crystals() -> Folder {
    let parent = folder();
    fs::create_dir(parent.path().join("in")).expect("a folder");
    for name in ["in/CsCl.cif", "CsCl.cif"] {
        fs::write(parent.path().join(name), caesium_chloride(4.12)).expect("a file");
    }
    parent
}

fn inputs_within(row: &mut Row) {
    let parent = crystals();
    let path = |name: &str| parent.path().join(name);
    fs::create_dir(path("d")).expect("a folder");
    fs::create_dir(path("d.store")).expect("a folder");
    for name in ["d/cif-00000.parquet", "d/manifest.json", "d.store/rejects.parquet"] {
        fs::write(path(name), "material_id,gap\nCsCl,1\n").expect("a file");
    }
    symlink("d", path("also")).expect("a link");
    symlink("d/cif-00000.parquet", path("linked.csv")).expect("a link");
    symlink("../d/cif-00000.parquet", path("in/linked.cif")).expect("a link");
    let before = tree(parent.path());
    let mut refused = |input: &str, out: &str, labels: Option<&str>| {
        let (input, out, labels) = (path(input), path(out), labels.map(path));
        let mut arguments = vec!["build", "cif", "--input", text(&input), "--out", text(&out), "--force"];
        arguments.extend(labels.iter().flat_map(|labels| ["--labels", text(labels)]));
        row.refused(&run(&etl(), arguments), "is an input and lies in", "refused");
        untouched(row, parent.path(), &before, text(&input));
    };
    for out in ["d", "also"] {
        refused("in", out, None);
        let beside = "d.store/rejects.parquet";
        for labels in
            ["d/manifest.json", beside, "d/cif-00000.parquet", "also/cif-00000.parquet", "linked.csv"]
        {
            refused("CsCl.cif", out, Some(labels));
        }
    }
}

fn inner_links(row: &mut Row) {
    let parent = crystals();
    let path = |name: &str| parent.path().join(name);
    let (input, store, raw) = (path("in"), path("st"), path("raw"));
    succeed(&etl(), ["build", "cif", "--input", text(&input), "--out", text(&store)]);
    fs::create_dir(path("victim")).expect("a folder");
    for name in ["rejects.parquet", "journal.json", "checkpoint.safetensors"] {
        fs::write(path("victim").join(name), WORK).expect("a file");
    }
    let before = tree(parent.path());
    let refused = |row: &mut Row, link: &str, to: &str, ran: &dyn Fn() -> Ran| {
        fs::create_dir_all(path(link).parent().expect("a folder")).expect("a folder");
        // A refused build leaves its own lock, and its folder.
        let _ = fs::remove_file(path(link)).or_else(|_| fs::remove_dir_all(path(link)));
        symlink(path(to), path(link)).expect("a link");
        row.refused(&ran(), link.rsplit('/').next().unwrap_or(link), "refused");
        fs::remove_file(path(link)).expect("the link is there");
        untouched(row, parent.path(), &before, link);
    };
    let (out, run_folder) = (path("d"), path("r"));
    for more in [&[][..], &["--force"], &["--resume"]] {
        for link in ["d/rejects", "d/.build", "d.store", "d.store/.lock"] {
            let to = if link.ends_with("lock") { "nowhere" } else { "victim" };
            let fixed = ["build", "cif", "--input", text(&input), "--out", text(&out)];
            refused(row, link, to, &|| run(&etl(), [&fixed[..], more].concat()));
        }
    }
    for more in [&[][..], &["--overwrite"], &["--resume"]] {
        for (link, to) in [("r/last", "victim"), ("r/.lock", "nowhere")] {
            // What is there without a lock is no run to resume.
            if more != ["--resume"] || link == "r/last" {
                refused(row, link, to, &|| run(&trainer(), small_run(&store, &run_folder, more)));
            }
        }
    }
    let fetch = ["fetch", "oqmd", "--base-url", "http://127.0.0.1:1", "--to", text(&raw)];
    refused(row, "raw/oqmd/.fetch.lock", "nowhere", &|| run(&etl(), fetch));
}

fn clean(row: &mut Row) {
    let parent = crystals();
    let path = |name: &str| parent.path().join(name);
    let input = path("in");
    for name in ["a-listed", "b-folder", "c-linked", "d-foreign", "e-last"] {
        let store = path("data").join(name);
        succeed(&etl(), ["build", "cif", "--input", text(&input), "--out", text(&store)]);
    }
    // Of no manifest, though by the name of a shard.
    fs::write(path("data/a-listed/cif-00001.parquet"), WORK).expect("a file");
    fs::remove_file(path("data/b-folder/cif-00000.parquet")).expect("it is there");
    fs::create_dir(path("data/b-folder/cif-00000.parquet")).expect("a folder");
    fs::rename(path("data/c-linked.store"), path("victim")).expect("a folder");
    symlink("../victim", path("data/c-linked.store")).expect("a link");
    let manifest = path("data/d-foreign.store/manifest.json");
    let altered =
        fs::read_to_string(&manifest).expect("a manifest").replacen("\"read\": 1", "\"read\": 7", 1);
    fs::write(&manifest, altered).expect("a file");
    let (script, data) = (root().join("data/clean.sh"), path("data"));
    let ran = succeed(Path::new("bash"), [text(&script), text(&data)]);
    row.ran(&ran);
    row.outcome("listed files alone removed");
    let left: Vec<String> = tree(parent.path()).into_keys().collect();
    let expected = [
        "CsCl.cif",
        "data/a-listed/cif-00001.parquet",
        "data/c-linked.store/manifest.json",
        "data/c-linked.store/rejects.parquet",
        "data/c-linked/cif-00000.parquet",
        "data/d-foreign.store/manifest.json",
        "data/d-foreign.store/rejects.parquet",
        "data/d-foreign/cif-00000.parquet",
        "in/CsCl.cif",
        "victim/manifest.json",
        "victim/rejects.parquet",
    ];
    if left != expected {
        row.fault(format!("{left:?}"));
    }
}

fn mixed(row: &mut Row) {
    let (parent, tuned) = (crystals(), tuned_on_gaps("1"));
    let path = |name: &str| parent.path().join(name);
    let (input, store, out, results) = (path("in"), path("st"), path("run"), path("results"));
    succeed(&etl(), ["build", "cif", "--input", text(&input), "--out", text(&store)]);
    fs::create_dir(&out).expect("a folder");
    fs::copy(member_of(&tuned, 1), out.join("best.safetensors")).expect("a file");
    let gaps = tuned.path().join("gaps");
    let evaluate = ["evaluate", text(&gaps), "--out", text(&results)];
    succeed(&trainer(), evaluate);
    let overwrite = small_run(&store, &out, &["--overwrite"]);
    let commands: [(&Path, &[&str], Vec<&str>); 2] = [
        (&out, &["config.toml", "card.md", "curves.svg", "diverged.json"], overwrite),
        (&results, &["predictions.csv", "report.html", "evaluation.json"], evaluate.to_vec()),
    ];
    for (folder, names, command) in commands {
        for name in names {
            let ours = fs::read(folder.join(name)).ok();
            fs::write(folder.join(name), WORK).expect("a file");
            let before = tree(parent.path());
            row.refused(&run(&trainer(), &command), name, "refused");
            untouched(row, parent.path(), &before, name);
            match ours {
                Some(ours) => fs::write(folder.join(name), ours).expect("a file"),
                None => fs::remove_file(folder.join(name)).expect("it is there"),
            }
        }
    }
}

fn configured(row: &mut Row) {
    let (parent, tuned) = (crystals(), tuned_on_gaps("1"));
    let path = |name: &str| parent.path().join(name);
    let (input, store, table, out) = (path("in"), path("st"), path("c.csv"), path("run"));
    succeed(&etl(), ["build", "cif", "--input", text(&input), "--out", text(&store)]);
    fs::create_dir(&out).expect("a folder");
    let config = out.join("config.toml");
    for path in [&table, &config] {
        fs::write(path, "seed = 1\n").expect("a file");
    }
    let before = tree(parent.path());
    let weights = member_of(&tuned, 1);
    let embed = ["embed", "--weights", text(&weights), "--shards", text(&store), "--overwrite"];
    let embed = [&embed[..], &["--config", text(&table), "--out", text(&table)]].concat();
    row.refused(&run(&trainer(), embed), "is also an input", "refused");
    let pretrain = small_run(&store, &out, &["--overwrite", "--config", text(&config)]);
    row.refused(&run(&trainer(), pretrain), "is an input", "refused");
    untouched(row, parent.path(), &before, "--config");
}

fn pages(row: &mut Row) {
    let parent = crystals();
    let path = |name: &str| parent.path().join(name);
    let (input, store, raw) = (path("in"), path("st"), path("raw"));
    succeed(&etl(), ["build", "cif", "--input", text(&input), "--out", text(&store)]);
    for name in ["mirror/oqmd", "raw/oqmd", "man"] {
        fs::create_dir_all(path(name)).expect("a folder");
    }
    let (page, man, mirror) = (path("thesis.html"), path("man"), path("mirror"));
    fs::write(path("mirror/oqmd/all_oqmd.json.zip"), "entries").expect("a file");
    let files = ["thesis.html", "man/etl-build.1", "man/trainer-predict.1", "raw/oqmd/all_oqmd.json.zip"];
    for name in files {
        fs::write(path(name), WORK).expect("a file");
    }
    let before = tree(parent.path());
    let fetch = ["fetch", "oqmd", "--mirror", text(&mirror), "--to", text(&raw)];
    let stats = ["stats", text(&store), "--html", text(&page)];
    let commands: [(std::path::PathBuf, Vec<&str>, &str); 4] = [
        (etl(), stats.to_vec(), "thesis.html"),
        (etl(), vec!["man", text(&man)], "etl-build.1"),
        (trainer(), vec!["man", text(&man)], "trainer-predict.1"),
        (etl(), fetch.to_vec(), "all_oqmd.json.zip"),
    ];
    for (program, arguments, about) in &commands {
        row.refused(&run(program, arguments), about, "refused");
        fs::remove_file(path("raw/oqmd/.fetch.lock")).ok();
        untouched(row, parent.path(), &before, about);
    }
    // What a command has written itself it replaces.
    for name in files {
        fs::remove_file(path(name)).expect("it is there");
    }
    for (program, arguments, _) in &commands {
        for _ in 0..2 {
            row.ran(&succeed(program, arguments));
        }
    }
}

fn prefix(row: &mut Row) {
    let parent = folder();
    let target = format!("{}/a$b $(touch x)'", text(parent.path()));
    let argument = format!("PREFIX={target}");
    let quoted = format!("PREFIX='{}'", target.replace('\'', "'\\''"));
    let root = root();
    for goal in ["install", "uninstall"] {
        let ran =
            succeed(Path::new("make"), ["--dry-run", "--directory", text(&root), goal, argument.as_str()]);
        row.ran(&ran);
        row.outcome("taken literally");
        if !ran.stdout.contains(&quoted) {
            row.fault(format!("{quoted} is not in {}", ran.stdout));
        }
    }
    // The default is the user's own tree.
    let ran = succeed(
        Path::new("env"),
        ["HOME=/h$me", "make", "--dry-run", "--directory", text(&root), "uninstall"],
    );
    if !ran.stdout.contains("PREFIX='/h$me/.local'") {
        row.fault(ran.stdout);
    }
}
