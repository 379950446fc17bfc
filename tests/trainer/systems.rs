//! The encoders beside MMPT's from end to end: trained, tested, applied, resumed, timed and compared, on stores with the
//! edges that each of them needs and on no others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use serde_json::Value;

use crate::support::*;

/// An encoder of small sizes.
struct System {
    title: &'static str,
    /// The store with its edges, one of [`STORES`].
    store: &'static str,
    settings: &'static [&'static str],
    /// Whether it has running statistics.
    is_normalised: bool,
    /// Whether it embeds crystals beside their atoms.
    embeds_crystals: bool,
}

const SYSTEMS: [System; 5] = [
    System {
        title: "CGCNN",
        store: "knn12",
        settings: &["model.kind=cgcnn", "model.cgcnn.atom_width=8", "model.cgcnn.crystal_width=8"],
        is_normalised: true,
        embeds_crystals: true,
    },
    System {
        title: "SchNet",
        store: "r5",
        settings: &[
            "model.kind=schnet",
            "model.schnet.embedding_width=8",
            "model.schnet.atom_width=8",
            "model.schnet.filter_width=8",
            "model.schnet.interactions=2",
            "model.schnet.head_widths=[8]",
        ],
        is_normalised: false,
        embeds_crystals: false,
    },
    System {
        title: "MEGNet",
        store: "r5",
        settings: &[
            "model.kind=megnet",
            "model.megnet.embedding_width=8",
            "model.megnet.inner_width=8",
            "model.megnet.width=8",
            "model.megnet.block_widths=[8, 8]",
            "model.megnet.blocks=2",
            "model.megnet.readout_width=4",
        ],
        is_normalised: false,
        embeds_crystals: true,
    },
    System {
        title: "ALIGNN",
        store: "knn12",
        settings: &[
            "model.kind=alignn",
            "model.alignn.width=8",
            "model.alignn.embedding_width=8",
            "model.alignn.alignn_layers=1",
            "model.alignn.gcn_layers=1",
            "model.alignn.edge_gaussians=8",
            "model.alignn.angle_gaussians=4",
        ],
        is_normalised: true,
        embeds_crystals: false,
    },
    System {
        title: "Matformer",
        store: "knn12",
        settings: &[
            "model.kind=matformer",
            "model.matformer.width=8",
            "model.matformer.heads=2",
            "model.matformer.layers=2",
            "model.matformer.gaussians=16",
            "model.matformer.head_width=8",
        ],
        is_normalised: true,
        embeds_crystals: false,
    },
];

/// Stores of other edges, and what makes them, as the program says it.
const STORES: [(&str, &str); 2] =
    [("knn12", "--neighbours 12 --cutoff 8 --ties shell"), ("r5", "--neighbours all --cutoff 5")];
/// Epochs of a run to be killed in, and the record after which it is: 12 epochs of 4 to 6 steps.
const LONG: (&str, usize) = ("12", 20);
/// The member of the default seed.
const MEMBER: &str = "split/seed-123";
/// Relative agreement of predictions in other batches.
const TOLERANCE: f64 = 1e-5;

/// A folder with the task [`GAPS`], the crystals of [`store`] as CIFs, and stores of them.
struct Work(Folder);

impl Work {
    fn new() -> Self {
        let work = Self(folder());
        fs::write(work.path("task.toml"), GAPS).expect("a writable folder");
        let cifs = work.path("cifs");
        fs::create_dir(&cifs).expect("a writable folder");
        let copy = |name: &str| {
            fs::copy(sample().join(name), cifs.join(name)).expect("a file of the sample");
        };
        copy("labels.csv");
        for batch in rows(&store()) {
            for id in batch["material_id"].as_string::<i32>().iter().flatten() {
                copy(&format!("{id}.cif"));
            }
        }
        for (name, options) in STORES {
            work.build(name, options);
        }
        work
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Builds a store of the crystals.
    fn build(&self, name: &str, options: &str) {
        let (cifs, store) = (self.path("cifs"), self.path(name));
        let build = ["build", "cif", "--quiet", "--input", text(&cifs), "--out", text(&store)];
        etl(build.into_iter().chain(options.split(' ')));
    }

    /// Arguments of a fine-tuning on a store.
    fn tuning(&self, system: &System, store: &str, out: &str, more: &[&str]) -> Vec<String> {
        let (task, store, out) = (self.path("task.toml"), self.path(store), self.path(out));
        let mut arguments = vec!["finetune", "--task", text(&task), "--shards", text(&store)];
        arguments.extend(["--out", text(&out), "--from-scratch", "--quiet", "--batch", "4"]);
        arguments.extend(sets(system.settings));
        arguments.extend(more);
        arguments.into_iter().map(str::to_owned).collect()
    }

    /// Fine-tunes and returns the folder of the member.
    fn tune(&self, system: &System, out: &str, more: &[&str]) -> PathBuf {
        succeed(&borrowed(&self.tuning(system, system.store, out, more)));
        self.path(out).join(MEMBER)
    }
}

/// Settings as arguments.
fn sets<'a>(settings: &'a [&str]) -> impl Iterator<Item = &'a str> {
    settings.iter().flat_map(|setting| ["--set", setting])
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// A column of numbers of a CSV, by the first column.
fn column(path: &Path, name: &str) -> BTreeMap<String, f64> {
    let table = fs::read_to_string(path).expect("a table");
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let place = lines.next().expect("a header").iter().position(|other| *other == name).expect("a column");
    lines.map(|row| (row[0].to_owned(), row[place].parse().expect("a number"))).collect()
}

#[test]
fn every_system_is_trained_tested_and_applied() {
    let work = Work::new();
    for system in &SYSTEMS {
        let title = system.title;
        let member = work.tune(system, title, &["--epochs", "3", "--threads", "1"]);
        let card = fs::read_to_string(member.join("card.md")).expect("a card");
        assert!(card.starts_with(&format!("# {title}, fine-tuned: gaps\n")), "{card}");
        let weights = member.join(BEST);
        let has_statistics = tensors(&weights).keys().any(|name| name.ends_with(".running_var"));
        assert_eq!(has_statistics, system.is_normalised, "{title}");

        let said = succeed(&["evaluate", text(&work.path(title)), "--threads", "1"]);
        assert!(said.contains("3 crystals") && said.contains("MAE"), "{title}: {said}");
        let tested = column(&work.path(title).join("evaluation/predictions.csv"), "prediction");
        assert_eq!(tested.len(), 3, "{title}");

        let tables = [system.store, "cifs"].map(|input| {
            let out = work.path(&format!("{title}-{input}.csv"));
            let input = work.path(input);
            succeed(&["predict", text(&input), "--weights", text(&weights), "--out", text(&out), "--quiet"]);
            out
        });
        let [of_store, of_cifs] = tables.each_ref().map(|table| fs::read(table).expect("a table"));
        assert!(of_store == of_cifs, "{title}: the structures of the store have other predictions");
        let predicted = column(&tables[0], "prediction");
        assert_eq!(predicted.len() as u64, CRYSTALS, "{title}");
        for (id, expected) in tested {
            let found = predicted[&id];
            assert!((found - expected).abs() <= TOLERANCE * expected.abs().max(1.0), "{title}: {id}");
        }

        let (store, out) = (work.path(system.store), work.path(&format!("{title}.parquet")));
        succeed(&["embed", "--weights", text(&weights), "--shards", text(&store), "--out", text(&out)]);
        let embedded = batches(&out);
        assert_eq!(embedded.iter().map(|batch| batch.num_rows() as u64).sum::<u64>(), CRYSTALS, "{title}");
        let schema = embedded[0].schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let expected = ["material_id", "h_l", "h_s_mean", "h_s_max"];
        let expected = expected.into_iter().filter(|name| *name != "h_l" || system.embeds_crystals);
        assert_eq!(names, expected.collect::<Vec<_>>(), "{title}");
    }
}

#[test]
fn a_killed_run_of_every_system_resumes_to_the_same_bytes_on_other_threads() {
    let work = Work::new();
    let (epochs, records) = LONG;
    let options = |threads| ["--epochs", epochs, "--set", "run.checkpoint_steps=3", "--threads", threads];
    for system in &SYSTEMS {
        let title = system.title;
        let whole = work.tune(system, &format!("{title}-whole"), &options("1"));
        let out = format!("{title}-killed");
        let arguments = work.tuning(system, system.store, &out, &options("2"));
        let killed = work.path(&out).join(MEMBER);
        kill_and_resume(&borrowed(&arguments), &killed, records);
        assert_same_run(&whole, &killed, title);
    }
}

/// What a refusal says of the command that makes the right store.
fn advice(line: &str) -> &str {
    let advice =
        line.split("; etl build ").nth(1).and_then(|rest| rest.trim_end().strip_suffix(" makes one"));
    advice.unwrap_or_else(|| panic!("a command: {line}"))
}

#[test]
fn a_store_with_other_edges_is_refused_with_the_command_that_builds_the_right_one() {
    let work = Work::new();
    for system in &SYSTEMS {
        let [right, wrong] = match system.store {
            "r5" => [STORES[1], STORES[0]],
            _ => [STORES[0], STORES[1]],
        };
        let line = refused(&borrowed(&work.tuning(system, wrong.0, "refused", &["--epochs", "1"])));
        assert!(line.contains(&format!("{}: the store has cutoff_angstrom = ", system.title)), "{line}");
        assert_eq!(advice(&line), right.1);
        let shards = work.path(wrong.0);
        let bench = ["bench", "--finetune", "--shards", text(&shards)];
        let line = refused(&bench.into_iter().chain(sets(system.settings)).collect::<Vec<_>>());
        assert_eq!(advice(&line), right.1);
        assert!(!work.path("refused").exists());
    }

    // The advice is followed, and the weights say the same of a store.
    let schnet = System { store: "advised", ..SYSTEMS[1] };
    let (shards, out) = (work.path("knn12"), work.path("table.csv"));
    let line = refused(&borrowed(&work.tuning(&schnet, "knn12", "schnet", &["--epochs", "1"])));
    work.build("advised", advice(&line));
    let weights = work.tune(&schnet, "schnet", &["--epochs", "1"]).join(BEST);
    let (shards, out, weights, runs) = (text(&shards), text(&out), text(&weights), work.path("schnet"));
    for command in [
        &["predict", shards, "--weights", weights, "--out", out][..],
        &["embed", "--shards", shards, "--weights", weights, "--out", out],
        &["evaluate", text(&runs), "--shards", shards],
    ] {
        let line = refused(command);
        assert_eq!(advice(&line), STORES[1].1, "{command:?}");
        // The store is at fault, not the weights.
        assert!(line.contains(shards) && !line.contains(BEST), "{line}");
    }
    assert!(!work.path("table.csv").exists());
}

#[test]
fn the_training_of_every_system_is_timed() {
    let work = Work::new();
    for system in &SYSTEMS {
        let shards = work.path(system.store);
        let mut arguments = vec!["bench", "--finetune", "--json", "--shards", text(&shards)];
        arguments.extend(["--threads", "1", "--batch", "8", "--steps", "3"]);
        arguments.extend(sets(system.settings));
        let report: Value = serde_json::from_str(&succeed(&arguments)).expect("JSON");
        assert_eq!(report["batches"], 3, "{report}");
        assert!(number(&report["loss"]).is_finite() && number(&report["crystals_per_s"]) > 0.0, "{report}");
        assert!(number(&report["parameters"]) > 0.0, "{report}");
        assert!(number(&report["estimate"]["epoch_seconds"]) > 0.0, "{report}");
        assert!(number(&report["memory"]["bound_bytes"]) > 0.0, "{report}");
    }
}

/// Trained numbers of a weights file.
fn parameters(weights: &Path) -> usize {
    let trained = tensors(weights).into_iter().filter(|(name, _)| !name.contains(".running_"));
    trained.map(|(_, bytes)| bytes.len() / size_of::<f32>()).sum()
}

#[test]
fn systems_of_other_edges_are_compared_with_their_cost() {
    let work = Work::new();
    let (grid, out) = (work.path("grid.toml"), work.path("compared"));
    let quoted = |name| format!("{:?}", text(&work.path(name)));
    let (task, knn12, r5) = (quoted("task.toml"), quoted("knn12"), quoted("r5"));
    let definition = format!(
        r#"
tasks = ["gaps"]
starts = ["cgcnn", "schnet"]

[settings]
data.batch_crystals = 4
run.epochs = 2

[task.gaps]
file = {task}
shards = [{knn12}]
stores = {{ r5 = [{r5}] }}

[start.cgcnn]
label = "CGCNN"

[start.cgcnn.settings.model]
kind = "cgcnn"
cgcnn = {{ atom_width = 8, crystal_width = 8 }}

[start.schnet]
label = "SchNet"

[start.schnet.settings.model]
kind = "schnet"
schnet = {{ embedding_width = 8, atom_width = 8, filter_width = 8, interactions = 2, head_widths = [8] }}

[[table]]
name = "systems"
title = "Band gap by system"
"#
    );
    fs::write(&grid, definition).expect("a writable folder");
    let said = succeed(&["compare", text(&grid), "--out", text(&out), "--threads", "2", "--quiet"]);
    assert!(said.contains("4 of 4 jobs are done, 0 failed, 0 skipped"), "{said}");
    let read = |name: &str| fs::read_to_string(out.join(name)).expect("a table");
    let (errors, page, costs) =
        (read("tables/systems.md"), read("costs/systems.md"), read("costs/systems.csv"));
    let mut lines = costs.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = "model,fraction,task,unit,mae,parameters,minutes,crystals_per_second,device";
    assert_eq!(lines.next(), Some(header.split(',').collect()), "{costs}");
    let positive = |field: &str| field.parse::<f64>().is_ok_and(|number| number > 0.0);
    for (start, label) in [("cgcnn", "CGCNN"), ("schnet", "SchNet")] {
        let count = parameters(&out.join(format!("cells/gaps/{start}/1")).join(MEMBER).join(BEST));
        let line = lines.next().expect("a line of each model");
        assert_eq!((line[0], line[5], line[8]), (label, count.to_string().as_str(), "CPU"), "{costs}");
        assert!([4, 6, 7].into_iter().all(|place| positive(line[place])), "{costs}");
        let row = format!("| {label} | ");
        assert!(errors.contains(&row) && page.contains(&row), "{errors}\n{page}");
    }
    assert_eq!(lines.next(), None, "{costs}");
}
