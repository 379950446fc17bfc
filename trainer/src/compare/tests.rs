mod search;
mod shares;
mod shipped;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;

use super::comparison::BEST_SETTINGS;
use super::grid::Grid;
use super::job::{Job, JobKind, command_line};
use super::journal::{Event, Record};
use super::plan::Plan;
use super::planner::plan;
use super::schedule::{Ended, Runner, Running, slots};
use super::view::{RowKind, View};
use super::*;
use crate::device::DeviceName;
use crate::report::json::EvaluationRecord;
use crate::report::{Evaluation, FoldOutcome, LearningCurves, Outcome};

/// Two starts, two shares, one pre-training.
const GRID: &str = r#"
tasks = ["matbench_jdft2d"]
starts = ["fresh", "mmpt"]
fractions = [0.5, 1.0]
seeds = [1, 2]

[settings]
run.epochs = 3

[task.matbench_jdft2d]
shards = ["store", "more/*.parquet"]
folds = [0, 2]
allow_partial = true
settings = { optimiser.clip_norm = 2.0 }

[pretrain.mmpt]
shards = ["all"]
settings = { run.epochs = 2 }

[start.fresh]
settings = { run.epochs = 4 }

[start.mmpt]
label = "MMPT"
pretrain = "mmpt"

[[published]]
model = "other"
source = "a paper"
mae = { matbench_jdft2d = 0.5 }

[[published]]
model = "MMPT"
source = "its paper"
start = "mmpt"
fraction = 0.5
mae = { matbench_jdft2d = 0.25 }

[[table]]
name = "labels"
title = "Labels"

[[figure]]
name = "models"
title = "Models"
kind = "bars"
"#;

/// Jobs that do at once what can be seen of them.
#[derive(Default)]
struct Instant {
    ran: RefCell<Vec<String>>,
    failing: BTreeSet<&'static str>,
    /// Jobs whose training diverges.
    diverging: BTreeSet<&'static str>,
    /// Errors of all jobs with these words in their names; of the others 0.5.
    errors: Vec<(&'static str, f64)>,
    /// Training medians of all jobs with these words in their names; of the others 2.
    medians: Vec<(&'static str, f64)>,
}

struct Done(Ended);

impl Running for Done {
    fn poll(&mut self) -> Option<Ended> {
        Some(self.0.clone())
    }

    fn stop(&mut self) {}
}

impl Runner for Instant {
    type Running = Done;

    fn start(&mut self, job: &Job, _: &Slot) -> Result<Done, String> {
        self.ran.borrow_mut().push(job.name());
        if self.failing.contains(job.name().as_str()) {
            return Ok(Done(Ended::Failed("no shards".to_owned())));
        }
        let text = |error: std::io::Error| error.to_string();
        if self.diverging.contains(job.name().as_str()) {
            let member = job.folder.join("fold-0/seed-1");
            std::fs::create_dir_all(&member).map_err(text)?;
            std::fs::write(member.join("diverged.json"), "{}").map_err(text)?;
            return Ok(Done(Ended::Failed("the loss is NaN".to_owned())));
        }
        match job.kind {
            job::JobKind::Finetune => std::fs::create_dir_all(&job.output).map_err(text)?,
            job::JobKind::Pretrain => {
                std::fs::create_dir_all(&job.folder).map_err(text)?;
                std::fs::write(&job.output, "weights").map_err(text)?;
            }
            kind @ (JobKind::Validate | JobKind::Evaluate) => {
                std::fs::create_dir_all(job.output.parent().expect("a folder")).map_err(text)?;
                let name = job.name();
                let error = self.errors.iter().find(|(words, _)| name.contains(words));
                let error = error.map_or(0.5, |(_, error)| *error);
                if name.contains("is_metal") {
                    std::fs::write(&job.output, search::classes(error)).map_err(text)?;
                    return Ok(Done(Ended::Done));
                }
                let part = if kind == JobKind::Evaluate { Part::Test } else { Part::Validation };
                let mut evaluation = scored(part, error);
                if let Some((_, median)) = self.medians.iter().find(|(words, _)| name.contains(words)) {
                    evaluation.folds[0].dummy = *median;
                }
                let record = EvaluationRecord::new(&evaluation).expect("there are crystals");
                record.write(&job.output).map_err(|error| error.to_string())?;
            }
        }
        Ok(Done(Ended::Done))
    }
}

/// One fold with this error, and one of 1 for the median.
fn scored(part: Part, error: f64) -> Evaluation {
    let outcome = |target, prediction| Outcome {
        material_id: format!("at {target}"),
        formula: "O".to_owned(),
        target,
        prediction,
        deviation: None,
        site: None,
        elements: Vec::new(),
        sites: 1,
        domain_distance: None,
        has_unseen_element: false,
    };
    Evaluation {
        interval: None,
        task: "matbench_jdft2d".to_owned(),
        description: String::new(),
        property: "energy".to_owned(),
        unit: "meV/atom".to_owned(),
        part,
        folds: vec![FoldOutcome {
            name: "fold-0".to_owned(),
            seeds: vec![1],
            seed_std: BTreeMap::new(),
            dummy: 2.0,
            train: 5,
            validation: 1,
            outcomes: vec![outcome(1.0, 1.0 + error), outcome(3.0, 3.0 - error)],
        }],
        curves: LearningCurves::default(),
        structures: Vec::new(),
        settings: Vec::new(),
        matbench: None,
        jarvis: None,
    }
}

/// A grid's file and a request for it.
fn request(text: &str) -> (TempDir, Request) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let grid = folder.path().join("my.toml");
    std::fs::write(&grid, text).expect("it is writable");
    let slots = slots(&[DeviceName::Cpu], 1, 1);
    let request = Request { grid, folder: folder.path().join("out"), ranking: None, slots, quiet: true };
    (folder, request)
}

/// Runs a comparison; its jobs' names in the order in which they were begun, and what came of it.
fn run(request: &Request, mut runner: Instant) -> (Vec<String>, Summary) {
    std::fs::create_dir_all(&request.folder).expect("it is writable");
    let prepared = Prepared::new(request).expect("a grid");
    let summary = prepared.run(request, &mut runner, &|| false).expect("it is writable");
    (runner.ran.into_inner(), summary)
}

const ALL: [&str; 9] = [
    "pretrain mmpt",
    "finetune matbench_jdft2d/fresh/0.5",
    "evaluate matbench_jdft2d/fresh/0.5",
    "finetune matbench_jdft2d/fresh/1",
    "evaluate matbench_jdft2d/fresh/1",
    "finetune matbench_jdft2d/mmpt/0.5",
    "evaluate matbench_jdft2d/mmpt/0.5",
    "finetune matbench_jdft2d/mmpt/1",
    "evaluate matbench_jdft2d/mmpt/1",
];

#[test]
fn a_grid_is_the_product_of_its_lists() {
    let (_kept, request) = request(GRID);
    let plan = Prepared::new(&request).expect("a grid").plan;
    assert_eq!(plan.jobs.iter().map(Job::name).collect::<Vec<_>>(), ALL);
    let out = job::text(&request.folder);
    let command = |index: usize| command_line(&plan.jobs[index].arguments).replace(&out, "OUT");
    assert_eq!(command(0), "trainer pretrain --out OUT/pretrain/mmpt --set run.epochs=2 --shards all");
    assert_eq!(
        command(1),
        "trainer finetune --task matbench_jdft2d --out OUT/cells/matbench_jdft2d/fresh/0.5 --from-scratch \
         --fraction 0.5 --seeds 1,2 --fold 0,2 --allow-partial --set run.epochs=3 --set \
         optimiser.clip_norm=2.0 --set run.epochs=4 --shards store 'more/*.parquet'"
    );
    assert!(command(5).contains(" --weights OUT/pretrain/mmpt/best.safetensors "), "{}", command(5));
    assert_eq!(command(6), "trainer evaluate OUT/cells/matbench_jdft2d/mmpt/0.5");
    assert!(job::text(&plan.jobs[5].log).ends_with("/logs/cells/matbench_jdft2d/mmpt/0.5.log"));
    let after: Vec<&[usize]> = plan.jobs.iter().map(|job| job.after.as_slice()).collect();
    let expected: [&[usize]; 9] = [&[], &[], &[1], &[], &[3], &[0], &[5], &[0], &[7]];
    assert_eq!(after, expected);
    // A job of fewer epochs than before begins anew, and one whose pre-training was done again.
    let epochs: Vec<Option<u64>> = plan.jobs.iter().map(|job| job.epochs).collect();
    assert_eq!(epochs[..2], [Some(2), Some(4)]);
    assert_eq!((epochs[2], epochs[5]), (None, Some(3)));
    assert_eq!(plan.jobs[5].pretrained.as_ref(), Some(&plan.jobs[0].output));
    assert!(plan.jobs[1].pretrained.is_none());
    assert_eq!(plan.jobs[1].seeds, [1, 2]);
    assert_eq!(plan.jobs[1].folds.as_deref(), Some(&[0, 2][..]));
    assert_eq!(plan.measures["matbench_jdft2d"].unit, "meV/atom");
}

#[test]
fn results_that_a_grid_no_longer_has_are_removed() {
    let (_kept, request) = request(GRID);
    run(&request, Instant::default());
    let has = |name: &str| request.folder.join(name).exists();
    std::fs::create_dir_all(request.folder.join("costs")).expect("it is writable");
    for name in ["costs/labels.md", "costs/labels.csv", "costs/notes.md", "tables/notes.md"] {
        std::fs::write(request.folder.join(name), "earlier").expect("it is writable");
    }
    // The jobs of these tests leave no record of their cost.
    run(&request, Instant::default());
    assert!(!has("costs/labels.md") && !has("costs/labels.csv") && has("tables/labels.md"));

    let renamed = GRID.replace("name = \"labels\"", "name = \"v1.5\"").replace("\"models\"", "\"starts\"");
    std::fs::write(&request.grid, renamed).expect("it is writable");
    let (ran, _) = run(&request, Instant::default());
    assert_eq!(ran.len(), 0);
    for name in ["tables/labels.md", "tables/labels.csv", "figures/models.svg", "figures/models.csv"] {
        assert!(!has(name), "{name}");
    }
    for name in ["tables/v1.5.md", "figures/starts.svg", "costs/notes.md", "tables/notes.md"] {
        assert!(has(name), "{name}");
    }
}

#[test]
fn values_of_a_grid_are_no_options() {
    let hostile = GRID.replace("shards = [\"all\"]", "shards = [\"--overwrite\", \"-x/*.parquet\"]");
    let (_kept, request) = request(&hostile);
    let plan = Prepared::new(&request).expect("a grid").plan;
    let shards = ["--shards", "./--overwrite", "./-x/*.parquet"].map(str::to_owned);
    assert!(plan.jobs[0].arguments.ends_with(&shards), "{:?}", plan.jobs[0].arguments);
    for setting in ["--shards = \"x\"", "\"--shards\" = \"x\"", "\"-x\" = 1"] {
        let (_kept, request) = self::request(&GRID.replace("run.epochs = 2", setting));
        let refused = Prepared::new(&request).map(|_| ()).expect_err("no key");
        assert!(refused.to_string().contains(" unknown key "), "{setting}: {refused}");
    }
}

#[test]
fn sections_that_no_job_could_use_are_refused_at_once() {
    let refused = |from: &str, to: &str| {
        let (_kept, request) = request(&GRID.replace(from, to));
        let line = planned(&request).expect_err("it cannot be used").to_string();
        assert!(!request.folder.exists() && line.contains("my.toml:"), "{line}");
        line
    };
    let line = refused("run.epochs = 2", "run.epoch = 2");
    assert!(line.contains("my.toml:18:18: unknown key 'run.epoch'"), "{line}");
    let line = refused("run.epochs = 4", "run.epochs = \"x\"");
    assert!(line.contains("my.toml:21:18: run.epochs = "), "{line}");
    let line = refused("matbench_jdft2d", "matbench_jdft3d");
    assert!(line.contains("[task.matbench_jdft3d]: there is no task"), "{line}");
    let line = refused("shards = [\"all\"]", "shards = [\"all\"]\nconfig = \"none.toml\"");
    assert!(line.contains("[pretrain.mmpt]: cannot read the configuration none.toml"), "{line}");
    let line = refused("pretrain = \"mmpt\"", "weights = \"none.safetensors\"");
    assert!(
        line.contains("[task.matbench_jdft2d] with [start.mmpt]: cannot read none.safetensors: "),
        "{line}"
    );
}

#[test]
fn settings_that_contradict_the_weights_are_refused_at_once() {
    let refused = |from: &str, to: &str| {
        let (_kept, request) = request(&GRID.replace(from, to));
        planned(&request).expect_err("it cannot be used").to_string()
    };
    let line = refused("pretrain = \"mmpt\"", "pretrain = \"mmpt\"\nsettings = { model.mmpt.hidden = 8 }");
    assert!(line.contains("[task.matbench_jdft2d] with [start.mmpt]: ") && line.contains("best.safetensors"));
    assert!(line.contains("made with model.mmpt.hidden = 128, but 8 is needed"), "{line}");
    let line = refused("run.epochs = 3", "pretrain.mmpt.labels = \"cell\"");
    assert!(
        line.contains("my.toml:8:15: pretrain.mmpt.labels = \"cell\": has no effect on fine-tuning"),
        "{line}"
    );
    let line = refused("run.epochs = 3", "seed = 3");
    assert!(line.contains("seed = 3: has no effect on fine-tuning with a list of seeds"), "{line}");
    let line = refused("run.epochs = 4", "model.schnet.interactions = 1");
    assert!(line.contains("interactions = 1: has no effect with model.kind = \"mmpt\""), "{line}");
    // Beside another start, it might have one.
    let (_kept, request) = request(&GRID.replace("run.epochs = 3", "model.schnet.interactions = 1"));
    let jobs = Prepared::new(&request).expect("a grid").plan.jobs;
    assert!(jobs.iter().all(|job| !command_line(&job.arguments).contains("schnet")));
    // The shares are options of the jobs.
    let line = refused("run.epochs = 3", "finetune.fraction = 0.5");
    assert!(line.contains("my.toml:8:10: finetune.fraction = 0.5: fractions says 0.5,1"), "{line}");
    let of_a_quarter = GRID.replace("folds = [0, 2]", "fraction = 0.25");
    for (fractions, other) in [
        ("[1.0]", "the task's fraction says 0.25"),
        ("[0.5, 1.0]", "the product of fractions and the task's fraction says 0.125,0.25"),
    ] {
        let grid = of_a_quarter.replace("[0.5, 1.0]", fractions);
        let (_kept, request) = self::request(&grid.replace("run.epochs = 3", "finetune.fraction = 1.0"));
        let line = planned(&request).expect_err("it cannot be used").to_string();
        assert!(line.contains(&format!("my.toml:8:10: finetune.fraction = 1.0: {other}")), "{line}");
    }
    // And so are the shards, which are no contradiction where they are the same.
    let line = refused("run.epochs = 3", "data.shards = [\"other\"]");
    let said = "my.toml:8:6: data.shards = [\"other\"]: shards says store,more/*.parquet";
    assert!(line.contains(said), "{line}");
    let line = refused("run.epochs = 2", "data.shards = [\"other\"]");
    assert!(line.contains("my.toml:18:19: data.shards = [\"other\"]: shards says all"), "{line}");
    let (_kept, request) = self::request(&GRID.replace("run.epochs = 2", "data.shards = [\"all\"]"));
    Prepared::new(&request).expect("a grid");
    let line = refused("run.epochs = 2", "finetune.fraction = 0.5");
    assert!(line.contains("my.toml:18:23: finetune.fraction = 0.5: has no effect on pre-training"), "{line}");
}

#[test]
fn what_is_done_is_not_done_again() {
    let (_kept, request) = request(GRID);
    let (ran, summary) = run(&request, Instant::default());
    assert_eq!(ran, ALL);
    assert!(summary.jobs.iter().all(|(_, state)| *state == State::Finished));
    let read = |files: &[PathBuf]| -> Vec<Vec<u8>> {
        files.iter().map(|file| std::fs::read(file).expect("it is there")).collect()
    };
    let tables = read(&summary.files);
    let (ran, again) = run(&request, Instant::default());
    assert_eq!((ran.len(), &tables), (0, &read(&again.files)));
    assert!(planned(&request).expect("a grid").iter().all(|job| job.finished));

    // An output that is gone is made again, and with it what was made from it.
    let weights = request.folder.join("pretrain/mmpt/best.safetensors");
    std::fs::remove_file(weights).expect("it was there");
    let (ran, _) = run(&request, Instant::default());
    assert_eq!(ran, [&ALL[..1], &ALL[5..]].concat());

    // Other arguments are another job.
    std::fs::write(&request.grid, GRID.replace("run.epochs = 4", "run.epochs = 5")).expect("it is writable");
    let (ran, _) = run(&request, Instant::default());
    assert_eq!(ran, ALL[1..5]);
}

#[test]
fn failures_are_recorded_and_made_good_later() {
    let (_kept, request) = request(GRID);
    let failing = Instant { failing: BTreeSet::from(["pretrain mmpt"]), ..Instant::default() };
    let (ran, summary) = run(&request, failing);
    assert_eq!(ran, ALL[..5]);
    assert_eq!(summary.jobs[0].1, State::Failed("no shards".to_owned()));
    assert_eq!(summary.jobs[8].1, State::Skipped(7));
    let table = std::fs::read_to_string(request.folder.join("tables/labels.md")).expect("a table");
    assert!(
        table.contains("| MMPT | 50 % | - | 0.25 |") && table.contains("| fresh | 50 % | **0.5"),
        "{table}"
    );
    let records = journal::read(&request.folder.join(journal::FILE)).expect("records");
    let skipped = |record: &&Record| matches!(record.event, Event::Skipped { .. });
    assert_eq!(records.iter().filter(skipped).count(), 4);
    let (ran, summary) = run(&request, Instant::default());
    assert_eq!(ran, [&ALL[..1], &ALL[5..]].concat());
    assert!(summary.jobs.iter().all(|(_, state)| *state == State::Finished));
}

#[test]
fn starts_with_other_parts_have_no_median_in_common() {
    let (_kept, request) = request(GRID);
    run(&request, Instant { medians: vec![("mmpt", 0.0)], ..Instant::default() });
    let table = std::fs::read_to_string(request.folder.join("tables/labels.csv")).expect("a table");
    assert!(!table.contains("Median of the training part") && table.contains("fresh,ours,1,"), "{table}");
}

#[test]
fn views_put_ours_and_published_numbers_side_by_side() {
    let (_kept, request) = request(GRID);
    run(&request, Instant::default());
    let table = std::fs::read_to_string(request.folder.join("tables/labels.csv")).expect("a table");
    let expected = "\
model,kind,fraction,task,unit,mae,std,folds,seeds,published,source
fresh,ours,0.5,matbench_jdft2d,meV/atom,0.5,,1,1,,
fresh,ours,1,matbench_jdft2d,meV/atom,0.5,,1,1,,
MMPT,ours,0.5,matbench_jdft2d,meV/atom,0.5,,1,1,0.25,MMPT: its paper
MMPT,ours,1,matbench_jdft2d,meV/atom,0.5,,1,1,,
Median of the training part,median,1,matbench_jdft2d,meV/atom,1,,1,1,,
other,published,1,matbench_jdft2d,meV/atom,,,,,0.5,other: a paper
";
    assert_eq!(table, expected);
    // Bars are of the largest share, where the number for the half has no place.
    let prepared = Prepared::new(&request).expect("a grid");
    let states = vec![State::Waiting; prepared.plan.jobs.len()];
    let results = prepared.results(&states, &[], &[]).expect("nothing is read");
    let view = View::of_figure(&prepared.grid.figure[0], &prepared.grid, &prepared.plan, &results);
    let kinds: Vec<RowKind> = view.rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [RowKind::Ours, RowKind::Ours, RowKind::Published]);
    assert!(view.rows.iter().all(|row| row.fraction == 1.0));
}

#[test]
fn one_comparison_at_a_time_works_in_a_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let held = lock_folder(folder.path()).expect("it is free");
    // A child that holds the lock has it after its parent's end.
    let child = held.try_clone().expect("a second handle");
    drop(held);
    let error = lock_folder(folder.path()).expect_err("it is taken").to_string();
    assert!(error.starts_with("another comparison, or a job that a killed one has left behind"), "{error}");
    drop(child);
    lock_folder(folder.path()).expect("it is free again");
}

#[test]
fn a_comparison_stays_out_of_every_store() {
    let (_kept, request) = request("");
    let stores = format!("folds = [0, 2]\nstores = {{ r5 = [{:?}] }}", job::text(&request.folder));
    std::fs::write(&request.grid, GRID.replace("folds = [0, 2]", &stores)).expect("it is writable");
    let error = compare(&request, PathBuf::new(), &|| true).expect_err("it would write into a store");
    assert!(matches!(error, CompareError::OutputIsInput(_)), "{error}");
    assert!(!request.folder.exists());
}
