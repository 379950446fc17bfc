//! Example views for the tests of tables and figures.

use super::cost::Cost;
use super::results::Score;
use super::view::{Cited, Column, Entry, Row, RowKind, View};
use crate::report::part::Part;
use crate::task::Metric;

fn score(mean: f64, std: f64, folds: usize) -> Option<Score> {
    Some(Score { mean, std: (folds > 1).then_some(std), seed_std: None, folds, seeds: 1, cost: None })
}

fn cited(score: f64, model: &str, source: &str) -> Option<Cited> {
    Some(Cited { score, model: model.to_owned(), source: source.to_owned() })
}

fn row(kind: RowKind, label: &str, fraction: f64, entries: Vec<Entry>) -> Row {
    Row { kind, label: label.to_owned(), fraction, entries }
}

fn column(task: &str, unit: &str) -> Column {
    let (task, unit) = (task.to_owned(), unit.to_owned());
    Column { task, fraction: 1.0, unit, metric: Metric::Mae, part: Part::Test }
}

/// Cost of the models whose scores have one.
const COST: Cost = Cost { minutes: 12.5, crystals_per_second: 431.25, parameters: 74_497, on_gpu: false };

/// Returns two tasks, the second without published numbers and without one of the models.
pub(super) fn models() -> View {
    let dimenet = cited(49.02, "DimeNet++", "leaderboard");
    let gap = |ours| Entry { ours, ..Entry::default() };
    let first = |ours, published| Entry { ours, published, is_chosen: false };
    View {
        name: "models".to_owned(),
        title: "Two tasks | test".to_owned(),
        columns: vec![column("jdft2d", "meV/atom"), column("gap", "eV")],
        rows: vec![
            row(
                RowKind::Ours,
                "fresh",
                1.0,
                vec![first(score(48.9612, 9.5, 5), dimenet), gap(score(0.25, 0.0, 1))],
            ),
            row(
                RowKind::Ours,
                "MMPT",
                1.0,
                vec![
                    first(
                        score(43.3849, 8.13, 5).map(|score| Score { cost: Some(COST), ..score }),
                        cited(38.21, "MMPT", "the paper"),
                    ),
                    gap(None),
                ],
            ),
            row(
                RowKind::Median,
                "Median of the training part",
                1.0,
                vec![
                    first(score(67.2851, 10.0, 5), cited(67.29, "dummy", "leaderboard")),
                    gap(score(1.0, 0.0, 1)),
                ],
            ),
            row(
                RowKind::Published,
                "coGN",
                1.0,
                vec![first(None, cited(37.17, "coGN", "leaderboard")), gap(None)],
            ),
        ],
        several_fractions: false,
    }
}

/// Returns two models on two shares of the training crystals.
pub(super) fn labels() -> View {
    let entry = |mean, published| vec![Entry { ours: score(mean, 1.0, 5), published, is_chosen: false }];
    View {
        name: "labels".to_owned(),
        title: "Labels".to_owned(),
        columns: vec![column("jdft2d", "meV/atom")],
        rows: vec![
            row(RowKind::Ours, "fresh", 0.07, entry(60.0, None)),
            row(RowKind::Ours, "fresh", 1.0, entry(48.0, cited(45.5, "other", "a paper"))),
            row(RowKind::Ours, "MMPT", 0.07, entry(50.0, None)),
            row(RowKind::Ours, "MMPT", 1.0, entry(48.0, None)),
        ],
        several_fractions: true,
    }
}

/// Returns a search of a learning rate for numbers and for classes, each with another choice.
pub(super) fn search() -> View {
    let entry = |mean: Option<f64>, is_chosen| Entry {
        ours: mean.and_then(|mean| score(mean, 0.0, 1)),
        published: None,
        is_chosen,
    };
    let model = |rate: &str, gap: [Option<f64>; 2], metal: [Option<f64>; 2]| {
        let entries = [gap, metal].map(|scores| scores.map(|mean| entry(mean, scores[1].is_some())));
        row(RowKind::Ours, &format!("MMPT, learning_rate={rate}"), 1.0, entries.concat())
    };
    let dummy = |kind, label: &str, scores: [Option<f64>; 4]| {
        row(kind, label, 1.0, scores.map(|mean| entry(mean, false)).to_vec())
    };
    let of_classes = |part| Column { metric: Metric::RocAuc, part, ..column("metal", "1") };
    let mut cogn = vec![Entry::default(); 4];
    cogn[3].published = cited(0.9124, "coGN", "leaderboard");
    View {
        name: "search".to_owned(),
        title: "Search".to_owned(),
        columns: vec![
            Column { part: Part::Validation, ..column("gap", "eV") },
            column("gap", "eV"),
            of_classes(Part::Validation),
            of_classes(Part::Test),
        ],
        rows: vec![
            model("1e-4", [Some(0.5), None], [Some(0.9), Some(0.85)]),
            model("1e-3", [Some(0.25), Some(0.3)], [Some(0.8), None]),
            dummy(RowKind::Median, "Median of the training part", [Some(1.0), Some(1.25), None, None]),
            dummy(RowKind::Commonest, "Commonest training class", [None, None, Some(0.5), Some(0.5)]),
            row(RowKind::Published, "coGN", 1.0, cogn),
        ],
        several_fractions: false,
    }
}
