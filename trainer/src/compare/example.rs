//! Example views for the tests of tables and figures.

use super::cost::Cost;
use super::view::{Cited, Column, Entry, Row, RowKind, Score, View};

fn score(mean: f64, std: f64, folds: usize) -> Option<Score> {
    Some(Score { mean, std: (folds > 1).then_some(std), folds, seeds: 1, cost: None })
}

fn cited(mae: f64, model: &str, source: &str) -> Option<Cited> {
    Some(Cited { mae, model: model.to_owned(), source: source.to_owned() })
}

fn row(kind: RowKind, label: &str, fraction: f64, entries: Vec<Entry>) -> Row {
    Row { kind, label: label.to_owned(), fraction, entries }
}

fn column(task: &str, unit: &str) -> Column {
    Column { task: task.to_owned(), unit: unit.to_owned() }
}

/// Cost of the models whose scores have one.
const COST: Cost = Cost { minutes: 12.5, crystals_per_second: 431.25, parameters: 74_497, on_gpu: false };

/// Returns two tasks, the second without published numbers and without one of the models.
pub(super) fn models() -> View {
    let dimenet = cited(49.02, "DimeNet++", "leaderboard");
    let gap = |ours| Entry { ours, published: None };
    let first = |ours, published| Entry { ours, published };
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
    let entry = |mean, published| vec![Entry { ours: score(mean, 1.0, 5), published }];
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
