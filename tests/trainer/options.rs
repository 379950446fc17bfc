//! What the settings do: schedules, gradients, stopping, batches, validation, labels, losses.

use arrow::array::AsArray;
use serde_json::Value;

use crate::support::*;

/// The rate of a small run.
const RATE: f64 = 3e-3;
/// Relative agreement of learning rates and of means of losses.
const TOLERANCE: f64 = 1e-12;
/// Relative agreement of norms of single-precision numbers.
const SINGLE: f64 = 1e-5;

/// Trains with some settings, each `key=value`.
fn with(settings: &[&str], more: &[&str]) -> Folder {
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    trained(&settings.chain(more.iter().copied()).collect::<Vec<_>>())
}

/// The learning rates of a run's steps.
fn rates(run: &Folder) -> Vec<f64> {
    records_of(run.path(), "step").iter().map(|step| number(&step["learning_rate"])).collect()
}

fn assert_rates(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found / expected - 1.0).abs() < TOLERANCE, "{found} instead of {expected}");
    }
}

/// Crystals of each step.
fn step_sizes(run: &Folder) -> Vec<u64> {
    records_of(run.path(), "step").iter().map(|step| step["crystals"].as_u64().expect("a number")).collect()
}

/// The first step's losses.
fn first_losses(run: &Folder) -> Value {
    records(run.path())[0]["losses"].clone()
}

#[test]
fn the_rate_follows_its_schedule() {
    let epochs = ["--epochs", "2"];
    let constant = with(&["schedule.warmup_steps=4"], &epochs);
    let quarters = [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0];
    assert_rates(&rates(&constant), &quarters.map(|share| share * RATE));

    let cosine = with(&["schedule.kind=cosine", "schedule.minimum_factor=0.2"], &epochs);
    let expected: Vec<f64> = (0..8)
        .map(|step| RATE * (0.2 + 0.8 * 0.5 * (1.0 + (std::f64::consts::PI * f64::from(step) / 8.0).cos())))
        .collect();
    assert_rates(&rates(&cosine), &expected);

    let cycle = rates(&with(&["schedule.kind=onecycle", "schedule.onecycle.pct_start=0.5"], &epochs));
    assert_rates(&[cycle[0], cycle[3], cycle[7]], &[RATE / 25.0, RATE, RATE / 25.0 / 1e4]);
    assert!(cycle[..4].is_sorted() && cycle[3..].is_sorted_by(|rate, next| rate > next), "{cycle:?}");
}

#[test]
fn a_warm_up_ends_although_the_number_of_batches_is_unknown() {
    let run = with(&["schedule.warmup_steps=6"], &["--epochs", "2", "--batch-triplets", "4000"]);
    let rates = rates(&run);
    assert!(rates.len() > 8, "{rates:?}");
    let expected: Vec<f64> = (1..=rates.len()).map(|step| RATE * (step as f64 / 6.0).min(1.0)).collect();
    assert_rates(&rates, &expected);
}

#[test]
fn several_batches_make_a_step() {
    // The weights stand still, so that every step of both runs sees the same ones.
    let still = ["--epochs", "2", "--batch", "6", "--learning-rate", "1e-30"];
    let (single, double) = (with(&[], &still), with(&["optimiser.accumulate=2"], &still));
    assert_eq!(step_sizes(&single), [6, 6, 6, 6, 2].repeat(2));
    assert_eq!(step_sizes(&double), [12, 12, 2].repeat(2));
    let (batches, steps) = (records_of(single.path(), "step"), records_of(double.path(), "step"));
    let groups = batches.chunks(5).flat_map(|epoch| epoch.chunks(2));
    for (step, group) in steps.iter().zip(groups) {
        let count = group.len() as f64;
        for (term, loss) in step["losses"].as_object().expect("terms") {
            let mean = group.iter().map(|batch| number(&batch["losses"][term])).sum::<f64>() / count;
            assert!((number(loss) / mean - 1.0).abs() < TOLERANCE, "{term}: {loss} instead of {mean}");
        }
        // The norm of a mean of two: between half their difference and half their sum.
        let norms: Vec<f64> = group.iter().map(|batch| number(&batch["gradient_norm"])).collect();
        let most = norms.iter().sum::<f64>() / count;
        let least = (2.0 * norms.iter().copied().fold(0.0, f64::max) / count - most).max(0.0);
        let norm = number(&step["gradient_norm"]);
        assert!(norm <= most * (1.0 + SINGLE) && norm >= least * (1.0 - SINGLE), "{norm} of {norms:?}");
    }
    // More than an epoch has: one step an epoch, of all that there is.
    let all = with(&["optimiser.accumulate=100"], &["--epochs", "2"]);
    assert_eq!(step_sizes(&all), [CRYSTALS, CRYSTALS]);
}

#[test]
fn gradients_are_clipped_to_their_norm() {
    let (plain, clipped) =
        (trained(&["--epochs", "2"]), with(&["optimiser.clip_norm=1"], &["--epochs", "2"]));
    let (plain_records, clipped_records) = (records(plain.path()), records(clipped.path()));
    assert!(number(&clipped_records[0]["gradient_norm"]) > 1.0, "the norm on record is the one before");
    assert_eq!(plain_records[0]["gradient_norm"], clipped_records[0]["gradient_norm"]);
    assert!(bytes(plain.path(), BEST) != bytes(clipped.path(), BEST));
    let loose = with(&["optimiser.clip_norm=1e9"], &["--epochs", "2"]);
    assert!(
        bytes(plain.path(), BEST) == bytes(loose.path(), BEST),
        "a norm within the limit changes nothing"
    );
}

#[test]
fn a_run_without_progress_stops_early() {
    // Nothing is learnt, so the masks alone decide which epoch is the best.
    let still = ["--epochs", "60", "--early-stop", "3", "--learning-rate", "1e-30"];
    let out = folder();
    let store = store();
    let mut arguments = small_run(&store, out.path(), &still);
    let said = succeed(&arguments);
    let epochs = records_of(out.path(), "epoch");
    assert!(
        epochs.len() < 60 && said.contains(&format!("{} epochs, stopped early, ", epochs.len())),
        "{said}"
    );
    let best = epochs.iter().rposition(|epoch| epoch["best"] == true).expect("the first one at least");
    assert_eq!(epochs.len() - 1 - best, 3);
    // Resumed, it has still stopped.
    let before = (records(out.path()), bytes(out.path(), CHECKPOINT));
    arguments.push("--resume");
    assert!(succeed(&arguments).contains("stopped early"));
    assert_eq!((records(out.path()), bytes(out.path(), CHECKPOINT)), before);
}

#[test]
fn batches_stay_within_a_budget_of_triplets() {
    let free = trained(&["--epochs", "1", "--batch", "64"]);
    assert_eq!(step_sizes(&free), [CRYSTALS]);
    let mut last = 1;
    for budget in ["20000", "6000", "1"] {
        let run = trained(&["--epochs", "1", "--batch", "64", "--batch-triplets", budget]);
        let sizes = step_sizes(&run);
        assert_eq!(sizes.iter().sum::<u64>(), CRYSTALS);
        assert!(sizes.len() > last, "{budget}: {sizes:?}");
        last = sizes.len();
    }
    assert_eq!(last as u64, CRYSTALS, "a crystal beyond the budget makes a batch alone");
}

#[test]
fn part_of_the_crystals_validate() {
    let hash = with(&["data.validation=hash", "data.validation_fraction=0.3"], &["--epochs", "3"]);
    let epochs = records_of(hash.path(), "epoch");
    let trained_on = epochs[0]["crystals"].as_u64().expect("a number");
    assert!(trained_on < CRYSTALS && trained_on > CRYSTALS / 2, "{trained_on}");
    for epoch in &epochs {
        assert_eq!(epoch["crystals"], trained_on);
        let terms = |part: &str| epoch[part].as_object().expect("terms").keys().cloned().collect::<Vec<_>>();
        assert_eq!(terms("validation"), terms("train"));
    }
    let chosen = with(
        &["data.validation=hash", "data.validation_fraction=0.3", "run.select=validation"],
        &["--epochs", "3"],
    );
    let validation = |epoch: &Value| number(&epoch["validation"]["loss"]);
    let mut lowest = f64::INFINITY;
    for epoch in records_of(chosen.path(), "epoch") {
        assert_eq!(epoch["best"], validation(&epoch) < lowest);
        lowest = lowest.min(validation(&epoch));
    }

    let split = with(&["data.validation=split"], &["--epochs", "1"]);
    let rows = rows(&store());
    let parts = rows.iter().flat_map(|batch| batch["split"].as_string::<i32>().iter().flatten());
    let train = parts.filter(|part| *part == "train").count();
    assert!(train > 0 && train < CRYSTALS as usize);
    let epoch = records_of(split.path(), "epoch").pop().expect("an epoch");
    assert_eq!(epoch["crystals"], train);
    assert!(epoch["validation"]["loss"].is_number());
    assert!(records_of(trained(&["--epochs", "1"]).path(), "epoch")[0].get("validation").is_none());
}

#[test]
fn a_run_begins_with_given_weights() {
    let earlier = trained(&["--epochs", "25"]);
    let fresh = trained(&["--epochs", "1"]);
    for name in [BEST, CHECKPOINT] {
        let weights = earlier.path().join(name);
        let run = trained(&["--epochs", "1", "--weights", text(&weights)]);
        let loss = |run: &Folder| number(&first_losses(run)["loss"]);
        assert!(loss(&run) < 0.7 * loss(&fresh), "{name}: {} {}", loss(&run), loss(&fresh));
        assert_eq!(records_of(run.path(), "step")[0]["step"], 1, "it is a run of its own");
    }
}

#[test]
fn labels_are_centred_or_of_the_cell() {
    let labels = |kind: &str| first_losses(&trained(&["--epochs", "1", "--labels", kind]));
    let (centred, cell) = (labels("centred"), labels("cell"));
    assert_eq!(centred, first_losses(&trained(&["--epochs", "1"])), "centred unless asked for otherwise");
    for term in ["L_Die", "L_Unit", "loss"] {
        assert_ne!(centred[term], cell[term], "{term}");
    }
    for term in ["L_A", "L_BT", "L_Dis", "L_L", "L_X"] {
        assert_eq!(centred[term], cell[term], "{term}");
    }
}

#[test]
fn losses_can_be_switched_off_and_replaced() {
    let without = with(
        &["pretrain.mmpt.loss.contrast.weight=0", "pretrain.mmpt.loss.atom.weight=0"],
        &["--epochs", "1"],
    );
    let losses = first_losses(&without);
    let terms: Vec<_> = losses.as_object().expect("terms").keys().map(String::as_str).collect();
    assert_eq!(terms, ["L_Die", "L_Dis", "L_L", "L_Unit", "L_X", "loss"]);
    let (absolute, squared) = (
        trained(&["--epochs", "1"]),
        with(&["pretrain.mmpt.loss.distance.error=squared"], &["--epochs", "1"]),
    );
    assert_ne!(first_losses(&absolute)["L_Dis"], first_losses(&squared)["L_Dis"]);
    assert_eq!(first_losses(&absolute)["L_X"], first_losses(&squared)["L_X"]);
    // Other masks, another graph, no attention. The encoding of an atom begins as zeros (specification, section 4.3), so that
    // the first step need not see them, but the next ones do.
    for setting in
        ["pretrain.mmpt.masking=independent", "model.mmpt.graph=simple", "model.mmpt.attention=false"]
    {
        let run = with(&[setting], &["--epochs", "1"]);
        assert_ne!(lasting_records(run.path()), lasting_records(absolute.path()), "{setting}");
    }
}
