//! The report page of an evaluation.

use std::path::Path;

use etl::chart::SHADES;
use etl::page::{self, tile};
use maud::{Markup, html};

use super::bootstrap::ConfidenceInterval;
use super::crystal_view::{self, ShownCrystal};
use super::domain::{DomainTable, PlacedError};
use super::json::EvaluationRecord;
use super::number::{Format, R2_SIZE, counted, grouped};
use super::{Evaluation, Outcome, WORST, element_table, error_charts, histogram, parity};
use crate::statistics::{mean, quantile};
use crate::unit;

/// Style sheet of the page, in addition to that of all pages and that of shades, also for print.
const STYLE: &str = include_str!("style.css");
/// Shares of the crystals or sites whose largest error is listed.
const SIZES: [(&str, f64); 4] = [
    ("half of them are within", 0.5),
    ("90 % are within", 0.9),
    ("99 % are within", 0.99),
    ("all are within", 1.0),
];

/// Generator in the metadata of the page.
pub(super) const GENERATOR: &str = "trainer evaluate";

/// Whether a file begins like this page.
pub(super) fn is_own(path: &Path) -> bool {
    page::is_page(path, GENERATOR)
}

/// Returns the page. `notes` follow the scores.
pub(super) fn page(evaluation: &Evaluation, record: &EvaluationRecord, notes: &[String]) -> Markup {
    let main = html! {
        (scores(record, notes))
        (charts(evaluation, record))
        (error_charts::section(evaluation))
        (distances(evaluation))
        (element_table::section(evaluation, record.mean.mae))
        (worst(evaluation))
        (crystals(evaluation))
        (evaluation.curves.section())
        @if !evaluation.settings.is_empty() { (settings(&evaluation.settings)) }
    };
    frame(&evaluation.task, &header(evaluation, record), &main)
}

/// Returns a report page of a task.
pub(super) fn frame(task: &str, header: &Markup, main: &Markup) -> Markup {
    page::page(GENERATOR, &format!("{task} · evaluation"), &[SHADES, STYLE].concat(), header, main)
}

fn header(evaluation: &Evaluation, record: &EvaluationRecord) -> Markup {
    let format = Format::of(record.mean.mae);
    let unit = unit::shown(", ", &evaluation.unit, "");
    let share = record.mean.mae / record.mean.dummy_mae;
    let tested = record.folds.iter().map(|fold| fold.test).sum();
    let sites: usize = record.folds.iter().filter_map(|fold| fold.test_sites).sum();
    html! {
        h1 { (evaluation.task) }
        p { (evaluation.description) }
        div class="tiles" {
            (tile(&spread(record.mean.mae, record.std.mae, format), &format!("mean absolute error{unit}")))
            @if let Some(interval) = record.mae_interval {
                (tile(&ends(interval, |end| format.write(end)), &format!("its {}{unit}", level(interval))))
            }
            (tile(&format.write(record.mean.dummy_mae), &format!("dummy: the training median{unit}")))
            @if share.is_finite() { (tile(&format!("{:.1} %", 100.0 * share), "of the dummy's error is left")) }
            @if let Some(mean) = record.mean.r2 { (tile(&spread(mean, record.std.r2, Format::of(R2_SIZE)), "R²")) }
            (tile(&grouped(tested), "crystals tested"))
            @if sites > 0 { (tile(&grouped(sites), "sites of them")) }
        }
    }
}

/// Returns a mean with its deviation, if there is one.
fn spread(mean: f64, std: Option<f64>, format: Format) -> String {
    let std = std.map(|std| format!(" ± {}", format.write(std))).unwrap_or_default();
    format!("{}{std}", format.write(mean))
}

/// Returns the ends of a confidence interval.
pub(super) fn ends(interval: ConfidenceInterval, write: impl Fn(f64) -> String) -> String {
    format!("{} to {}", write(interval.low), write(interval.high))
}

/// Says what a confidence interval is.
pub(super) fn level(interval: ConfidenceInterval) -> String {
    format!("{:.0} % confidence interval", 100.0 * interval.confidence)
}

fn scores(record: &EvaluationRecord, notes: &[String]) -> Markup {
    let format = Format::of(record.mean.mae.max(record.mean.dummy_mae));
    let r2 =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| Format::of(R2_SIZE).write(value));
    let (mean, std) = (&record.mean, &record.std);
    let seeds: Vec<String> = record.seeds.iter().map(u64::to_string).collect();
    html! {
        section {
            h2 { "Scores" }
            p {
                (unit::shown("Errors in ", &record.unit, ". ")) "Predictions are means over "
                @if seeds.len() == 1 { "the one seed " } @else { (counted(seeds.len(), "seed")) ": " }
                (seeds.join(", ")) ". The dummy always predicts the median of its training part."
                @if let Some(interval) = record.mae_interval { " " (resampled(interval)) }
                @if record.folds.iter().any(|fold| fold.test_sites.is_some()) {
                    " Parts are counted in crystals, errors are those of all their sites. Sites of a crystal are not "
                    "independent of each other."
                }
            }
            div class="scroll" {
                table {
                    thead {
                        tr {
                            th {} th { "training" } th { "validation" } th { "test" } th { "MAE" } th { "RMSE" } th { "R²" }
                            th { "dummy MAE" } th { "dummy RMSE" }
                        }
                    }
                    tbody {
                        @for fold in &record.folds {
                            tr {
                                td { (fold.name) } td { (grouped(fold.train)) } td { (grouped(fold.validation)) }
                                td { (grouped(fold.test)) } td { (format.write(fold.mae)) } td { (format.write(fold.rmse)) }
                                td { (r2(fold.r2)) } td class="dummy" { (format.write(fold.dummy_mae)) }
                                td class="dummy" { (format.write(fold.dummy_rmse)) }
                            }
                        }
                    }
                    @if record.folds.len() > 1 {
                        tfoot {
                            tr {
                                td colspan="4" { "mean ± standard deviation of the folds" }
                                td { (spread(mean.mae, std.mae, format)) } td { (spread(mean.rmse, std.rmse, format)) }
                                td {
                                    (r2(mean.r2))
                                    @if std.r2.is_some() { " ± " (r2(std.r2)) }
                                }
                                td class="dummy" { (spread(mean.dummy_mae, std.dummy_mae, format)) }
                                td class="dummy" { (spread(mean.dummy_rmse, std.dummy_rmse, format)) }
                            }
                        }
                    }
                }
            }
            @for note in notes { p { (note) } }
        }
    }
}

/// Says how a confidence interval was made.
pub(super) fn resampled(interval: ConfidenceInterval) -> String {
    format!(
        "The {} is that of {} resamples of the test crystals (bootstrap).",
        level(interval),
        grouped(interval.resamples)
    )
}

fn charts(evaluation: &Evaluation, record: &EvaluationRecord) -> Markup {
    html! {
        section {
            h2 { "Predictions" }
            div class="charts" {
                figure { figcaption { "Predicted over known" } (parity::plot(evaluation, record)) }
                figure { figcaption { "Errors" } (histogram::chart(evaluation)) (sizes(evaluation)) }
            }
        }
    }
}

/// Returns the table of error sizes over all folds.
fn sizes(evaluation: &Evaluation) -> Markup {
    let sizes: Vec<f64> = evaluation.outcomes().map(|outcome| outcome.error().abs()).collect();
    let format = Format::of(mean(sizes.iter().copied()));
    html! {
        table class="sizes" {
            tbody {
                @for (name, level) in SIZES {
                    @if let Some(size) = quantile(&sizes, level) { tr { td { (name) } td { (format.write(size)) } } }
                }
                tr {
                    td { "mean of predicted \u{2212} known" }
                    td { (format.write_signed(mean(evaluation.outcomes().map(Outcome::error)))) }
                }
            }
        }
    }
}

/// Returns the table of errors by the distance from the training crystals.
fn distances(evaluation: &Evaluation) -> Markup {
    let error = |outcome: &Outcome| PlacedError {
        distance: outcome.domain_distance,
        has_unseen_element: outcome.has_unseen_element,
        error: outcome.error().abs(),
    };
    let table = DomainTable {
        title: "Error by distance from the training crystals",
        noun: evaluation.noun(),
        heading: "MAE",
        note: unit::shown("; errors in ", &evaluation.unit, ""),
        write: |error, largest| Format::of(largest).write(error),
    };
    table.section(&evaluation.outcomes().map(error).collect::<Vec<_>>())
}

/// Returns the section with the worst crystals and those chosen in space.
fn crystals(evaluation: &Evaluation) -> Markup {
    let format = Format::of(evaluation.outcomes().map(|outcome| outcome.target.abs()).fold(0.0, f64::max));
    let unit = unit::shown(" ", &evaluation.unit, "");
    let shown = evaluation.structures.iter().filter_map(|structure| {
        let outcomes = evaluation.outcomes().filter(|outcome| outcome.material_id == structure.material_id);
        let outcome = outcomes.max_by(|left, right| left.error().abs().total_cmp(&right.error().abs()))?;
        let site = outcome.site.map(|site| format!("site {site} {}, ", outcome.elements.concat()));
        Some(ShownCrystal {
            structure,
            formula: &outcome.formula,
            about: format!(
                "{}known {}, predicted {}{unit}",
                site.unwrap_or_default(),
                format.write(outcome.target),
                format.write(outcome.prediction)
            ),
        })
    });
    crystal_view::section("The largest errors", &shown.collect::<Vec<_>>())
}

fn worst(evaluation: &Evaluation) -> Markup {
    let worst = evaluation.worst(WORST);
    let deviations = worst.iter().any(|(_, outcome)| outcome.deviation.is_some());
    let largest = worst.iter().map(|(_, outcome)| outcome.error().abs()).fold(0.0, f64::max);
    let format = Format::of(largest);
    html! {
        section {
            h2 { "Largest errors" }
            div class="scroll" {
                table {
                    thead {
                        tr {
                            th { "crystal" } th class="text" { "formula" } th class="text" { "fold" }
                            th { "known" (unit::shown(", ", &evaluation.unit, "")) } th { "predicted" } th { "error" }
                            @if deviations { th { "deviation of the ensemble" } }
                        }
                    }
                    tbody {
                        @for (fold, outcome) in worst {
                            tr {
                                td {
                                    (outcome.material_id)
                                    @if let Some(site) = outcome.site {
                                        ", site " (site) " " (outcome.elements.concat())
                                    }
                                }
                                td class="text" { (outcome.formula) }
                                td class="text" {
                                    @if let Some(fold) = evaluation.folds.get(fold) { (fold.name) }
                                }
                                td { (format.write(outcome.target)) } td { (format.write(outcome.prediction)) }
                                td { (format.write_signed(outcome.error())) }
                                @if deviations {
                                    td { @if let Some(deviation) = outcome.deviation { (format.write(deviation)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the table of settings.
pub(super) fn settings(settings: &[(String, String)]) -> Markup {
    html! {
        section {
            h2 { "Settings" }
            table class="settings" {
                tbody { @for (name, value) in settings { tr { td { (name) } td { (value) } } } }
            }
        }
    }
}
