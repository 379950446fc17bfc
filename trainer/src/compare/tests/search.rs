//! Searches, and rankings by validation parts.

use std::cell::Cell;

use super::*;

/// A start that searches three settings beside one that searches none.
const SEARCH: &str = r#"
tasks = ["matbench_jdft2d"]
starts = ["fresh", "mmpt"]
seeds = [1]

[task.matbench_jdft2d]
shards = ["store"]
folds = [0]

[task.matbench_mp_is_metal]
shards = ["store"]
folds = [0]

[pretrain.mmpt]
shards = ["all"]

[start.fresh]

[start.mmpt]
label = "MMPT"
pretrain = "mmpt"

[start.mmpt.search]
optimiser.learning_rate = [1e-4, 3e-4, 1e-3]

[[table]]
name = "search"
title = "Search"
"#;

const VALIDATED: [&str; 9] = [
    "pretrain mmpt",
    "finetune matbench_jdft2d/fresh/1",
    "validate matbench_jdft2d/fresh/1",
    "finetune matbench_jdft2d/mmpt/learning_rate=1e-4/1",
    "validate matbench_jdft2d/mmpt/learning_rate=1e-4/1",
    "finetune matbench_jdft2d/mmpt/learning_rate=3e-4/1",
    "validate matbench_jdft2d/mmpt/learning_rate=3e-4/1",
    "finetune matbench_jdft2d/mmpt/learning_rate=1e-3/1",
    "validate matbench_jdft2d/mmpt/learning_rate=1e-3/1",
];
const TESTED: [&str; 2] =
    ["evaluate matbench_jdft2d/fresh/1", "evaluate matbench_jdft2d/mmpt/learning_rate=3e-4/1"];

/// The record of an evaluation of classes with this area.
pub(super) fn classes(area: f64) -> String {
    format!(
        r#"{{"task": "matbench_mp_is_metal", "property": "is_metal", "classes": ["0", "1"],
        "folds": [{{"name": "fold-0", "seeds": [1], "train": 5, "validation": 1, "test": 2,
                   "scores": {{"roc_auc": {area}}}, "dummy_accuracy": 0.5}}],
        "mean": {{"roc_auc": {area}}}, "std": {{}}, "confusion": [[1, 0], [0, 1]], "seeds": [1]}}"#
    )
}

/// Scores of which the second candidate has the best ones on the validation parts.
fn second_is_best() -> Instant {
    let errors = vec![("validate matbench_jdft2d/mmpt/learning_rate=3e-4", 0.25), ("evaluate", 0.75)];
    Instant { errors, ..Instant::default() }
}

/// Names of the jobs that the journal says were started, of one command.
fn started(request: &Request, command: &str) -> Vec<String> {
    let records = journal::read(&request.folder.join(journal::FILE)).expect("records");
    let started = records.into_iter().filter(|record| matches!(record.event, Event::Started { .. }));
    started.map(|record| record.job).filter(|job| job.starts_with(command)).collect()
}

fn table(request: &Request) -> String {
    std::fs::read_to_string(request.folder.join("tables/search.md")).expect("a table")
}

fn chosen(group: &str, settings: Option<&str>) -> Chosen {
    Chosen { group: group.to_owned(), settings: settings.map(str::to_owned) }
}

#[test]
fn the_chosen_settings_alone_are_tested() {
    let (_kept, request) = request(SEARCH);
    let (ran, summary) = run(&request, second_is_best());
    assert_eq!(ran, [&VALIDATED[..], &TESTED].concat());
    assert_eq!(started(&request, "evaluate"), TESTED);
    assert_eq!(summary.chosen, [chosen("matbench_jdft2d/mmpt/1", Some("learning_rate=3e-4"))]);
    let expected = "\
| Model | matbench_jdft2d [meV/atom], validation | matbench_jdft2d [meV/atom], test | matbench_jdft2d (published) |
| :-- | --: | --: | --: |
| fresh | 0.5000 | **0.7500** |  |
| MMPT, learning_rate=1e-4 | 0.5000 | - |  |
| MMPT, learning_rate=3e-4 | **0.2500** (chosen) | **0.7500** |  |
| MMPT, learning_rate=1e-3 | 0.5000 | - |  |
| Median of the training part | 1.000 | 1.000 |  |
";
    let table = table(&request);
    assert!(table.contains(expected) && table.contains("they alone were tested"), "{table}");
    let prepared = Prepared::new(&request).expect("a grid");
    let command = command_line(&prepared.plan.jobs[4].arguments);
    assert!(
        command.ends_with("/cells/matbench_jdft2d/mmpt/learning_rate=1e-4/1 --on validation"),
        "{command}"
    );
    let command = command_line(&prepared.plan.jobs[3].arguments);
    assert!(command.contains(" --set optimiser.learning_rate=0.0001 "), "{command}");

    let (ran, again) = run(&request, second_is_best());
    assert_eq!((ran.len(), again), (0, summary));
    assert!(planned(&request).expect("a grid").iter().all(|job| job.finished));
}

#[test]
fn a_dry_run_of_a_search_tells_what_is_not_yet_chosen() {
    let (_kept, request) = request(SEARCH);
    let names = |request: &Request| -> Vec<String> {
        planned(request).expect("a grid").into_iter().map(|job| job.name).collect()
    };
    let undecided = ["evaluate matbench_jdft2d/fresh/1", "evaluate matbench_jdft2d/mmpt/1"];
    assert_eq!(names(&request), [&VALIDATED[..], &undecided].concat());
    let commands: Vec<String> =
        planned(&request).expect("a grid").into_iter().map(|job| job.command).skip(VALIDATED.len()).collect();
    assert!(
        commands[0].starts_with("trainer evaluate ") && commands[0].ends_with("/fresh/1"),
        "{commands:?}"
    );
    assert_eq!(commands[1], BEST_SETTINGS);
    assert!(!request.folder.exists());
    run(&request, second_is_best());
    assert_eq!(names(&request), [&VALIDATED[..], &TESTED].concat());
}

#[test]
fn nothing_is_chosen_before_every_candidate_has_a_score() {
    let (_kept, request) = request(SEARCH);
    let failing = BTreeSet::from([VALIDATED[7]]);
    let (ran, summary) = run(&request, Instant { failing, ..second_is_best() });
    assert_eq!(ran, [&VALIDATED[..8], &TESTED[..1]].concat());
    assert_eq!(summary.chosen, [chosen("matbench_jdft2d/mmpt/1", None)]);
    assert!(table(&request).contains("| MMPT, learning_rate=3e-4 | **0.2500** | - |"), "{}", table(&request));
    let (ran, _) = run(&request, second_is_best());
    assert_eq!(ran, [&VALIDATED[7..], &TESTED[1..]].concat());
}

#[test]
fn settings_that_diverge_are_not_chosen_and_hold_nothing_up() {
    let (_kept, request) = request(SEARCH);
    let diverging = BTreeSet::from([VALIDATED[5], VALIDATED[7]]);
    let (_, summary) = run(&request, Instant { diverging, ..second_is_best() });
    assert_eq!(summary.chosen, [chosen("matbench_jdft2d/mmpt/1", Some("learning_rate=1e-4"))]);
    assert_eq!(started(&request, "evaluate").len(), 2);
    let diverging = VALIDATED.into_iter().filter(|job| job.starts_with("finetune")).collect();
    let (_kept, request) = self::request(SEARCH);
    let (_, summary) = run(&request, Instant { diverging, ..second_is_best() });
    assert_eq!(summary.chosen, [chosen("matbench_jdft2d/mmpt/1", None)]);
    assert_eq!(started(&request, "evaluate").len(), 0, "there is no model");
}

#[test]
fn an_interrupted_search_goes_on_to_the_same_results() {
    let read = |summary: Summary| -> Vec<Vec<u8>> {
        assert!(summary.jobs.iter().all(|(_, state)| *state == State::Finished));
        summary.files.iter().map(|file| std::fs::read(file).expect("it is there")).collect()
    };
    let (_kept, whole) = request(SEARCH);
    let expected = read(run(&whole, second_is_best()).1);
    for rounds in 0..13 {
        let (_kept, request) = request(SEARCH);
        std::fs::create_dir_all(&request.folder).expect("it is writable");
        let prepared = Prepared::new(&request).expect("a grid");
        let left = Cell::new(rounds);
        let stop = || {
            let none_left = left.get() == 0;
            left.set(left.get() - i32::from(!none_left));
            none_left
        };
        prepared.run(&request, &mut second_is_best(), &stop).expect("it is writable");
        let before = started(&request, "").len();
        let (ran, summary) = run(&request, second_is_best());
        assert_eq!(read(summary), expected, "after {rounds} rounds");
        assert_eq!(before + ran.len(), VALIDATED.len() + TESTED.len(), "{before} and {ran:?}");
        assert_eq!(started(&request, "evaluate").iter().collect::<BTreeSet<_>>().len(), TESTED.len());
    }
}

#[test]
fn more_values_leave_the_scored_cells_as_they_are() {
    let (_kept, request) = request(SEARCH);
    run(&request, second_is_best());
    std::fs::write(&request.grid, SEARCH.replace("[1e-4, 3e-4, 1e-3]", "[1e-4, 3e-4, 1e-3, 3e-3]"))
        .expect("it is writable");
    let (ran, _) = run(&request, second_is_best());
    let new = ["finetune", "validate"].map(|job| format!("{job} matbench_jdft2d/mmpt/learning_rate=3e-3/1"));
    assert_eq!(ran, new, "the choice is the same");
}

#[test]
fn a_grid_is_ranked_by_validation_parts_without_a_test() {
    let text = SEARCH.replace("[start.mmpt.search]\n", "[start.mmpt.settings]\n");
    let (_kept, mut request) = request(&text.replace("[1e-4, 3e-4, 1e-3]", "1e-4"));
    request.ranking = Some(Part::Validation);
    let (ran, summary) = run(&request, second_is_best());
    let [finetuned, validated, tested] =
        ["finetune", "validate", "evaluate"].map(|command| format!("{command} matbench_jdft2d/mmpt/1"));
    assert_eq!(ran, [&VALIDATED[..3], &[&*finetuned, &*validated]].concat());
    assert_eq!(summary.chosen, []);
    let table = table(&request);
    assert!(table.contains("| Model | matbench_jdft2d [meV/atom], validation |\n"), "{table}");
    assert!(table.contains("Nothing was tested."), "{table}");
    // The same fine-tunings are tested later.
    request.ranking = Some(Part::Test);
    let (ran, _) = run(&request, second_is_best());
    assert_eq!(ran, [TESTED[0], &*tested]);
}

#[test]
fn classes_are_compared_by_their_metric() {
    let text = SEARCH
        .replace("tasks = [\"matbench_jdft2d\"]", "tasks = [\"matbench_jdft2d\", \"matbench_mp_is_metal\"]");
    let published =
        "[[published]]\nmodel = \"coGN\"\nsource = \"a paper\"\nscore = { matbench_mp_is_metal = 0.9124 }\n";
    let (_kept, request) = request(&format!("{text}{published}"));
    let errors = vec![
        ("validate matbench_jdft2d/mmpt/learning_rate=3e-4", 0.25),
        ("validate matbench_mp_is_metal/mmpt/learning_rate=1e-3", 0.875),
        ("evaluate matbench_mp_is_metal", 0.75),
    ];
    let (_, summary) = run(&request, Instant { errors, ..Instant::default() });
    let expected = [
        chosen("matbench_jdft2d/mmpt/1", Some("learning_rate=3e-4")),
        chosen("matbench_mp_is_metal/mmpt/1", Some("learning_rate=1e-3")),
    ];
    assert_eq!(summary.chosen, expected);
    let table = table(&request);
    for line in [
        "| MMPT, learning_rate=3e-4 | **0.2500** (chosen) | **0.5000** |  | 0.5000 | - |  |",
        "| MMPT, learning_rate=1e-3 | 0.5000 | - |  | **0.8750** (chosen) | **0.7500** |  |",
        "| Commonest training class | - | - |  | 0.5000 | 0.5000 |  |",
        "| coGN (published) | - | - |  | - | - | 0.9124 |",
    ] {
        assert!(table.contains(line), "{line}\n{table}");
    }
}

#[test]
fn searches_that_cannot_be_used_are_refused_with_their_place() {
    let refused = |from: &str, to: &str, ranking| {
        let (_kept, mut request) = request(&SEARCH.replace(from, to));
        request.ranking = ranking;
        let line = planned(&request).expect_err("it cannot be used").to_string();
        line.split_once("my.toml:").map(|(_, rest)| rest.to_owned()).expect("a place")
    };
    let values = "optimiser.learning_rate = [1e-4, 3e-4, 1e-3]";
    for (to, message) in [
        (
            "optimiser.learning_rate = []",
            "24:11: start.mmpt.search.optimiser.learning_rate = '[]': must be a list",
        ),
        (
            "optimiser.learning_rate = [1e-4, 0.0001]",
            "24:11: start.mmpt.search.optimiser.learning_rate = '1e-4': must be",
        ),
        (
            "optimiser.learning_rate = { from = 2.0, to = 1.0, values = 3 }",
            "24:29: start.mmpt.search.optimiser.learning_rate.from = '2.0': must be less than",
        ),
        (
            "optimiser.learning_rate = { from = 0.0, to = 1.0, values = 3, scale = \"log\" }",
            "24:29: start.mmpt.search.optimiser.learning_rate.from = '0.0': must be above 0",
        ),
        ("", "23:13: start.mmpt.search = '{}': must be lists or ranges of settings"),
        ("optimiser.learn_rate = [1e-4]", "24:11: unknown key 'optimiser.learn_rate'"),
        ("optimiser.learning_rate = [1e-4, -1.0]", "24:11: optimiser.learning_rate = "),
        ("model.schnet.interactions = [2, 3]", "24:14: model.schnet.interactions = 2: has no effect"),
        (
            "random = 4\noptimiser.learning_rate = [1e-4]",
            "24:1: start.mmpt.search.random = '4': must be at most 1",
        ),
    ] {
        let line = refused(values, to, None);
        assert!(line.starts_with(message), "{line}\n{message}");
    }
    let both =
        format!("settings = {{ {} }}\n\n[start.mmpt.search]\n{values}", "optimiser.learning_rate = 1.0");
    let line = refused(&format!("\n[start.mmpt.search]\n{values}"), &both, None);
    assert!(line.contains("search.optimiser.learning_rate = '1.0': must be left out of"), "{line}");
    let line = refused("", "", Some(Part::Test));
    assert_eq!(
        line,
        "23:13: a search is ranked by the validation parts: the test parts test what it has chosen"
    );
    let trained = "finetune.select = [\"last\"]\nfinetune.train_on_validation = [true]";
    let line = refused(values, trained, None);
    assert!(line.contains("[start.mmpt]: the validation crystals are trained on, too"), "{line}");
    let published =
        "[[published]]\nmodel = \"x\"\nsource = \"y\"\nscore = { matbench_jdft2d = 0.5 }\n\n[[table]]";
    let line = refused("[[table]]", published, None);
    assert!(line.contains("published.x.score.matbench_jdft2d = '0.5': must be in `mae`"), "{line}");
}
