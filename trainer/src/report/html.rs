//! The report page of an evaluation.

use std::path::Path;

use etl::page;
use maud::{Markup, html};

use super::domain::by_distance;
use super::elements::{ElementError, by_element};
use super::json::EvaluationRecord;
use super::number::{Format, counted, grouped};
use super::statistics::{mean, quantile};
use super::{Evaluation, Outcome, WORST, histogram, parity};
use crate::unit;

/// Style sheet of the page, in addition to that of all pages, also for print.
pub(super) const STYLE: &str = include_str!("style.css");
/// Magnitude that determines the digits of a coefficient of determination.
const R2_SIZE: f64 = 1.0;
/// Number of columns of the table of elements.
const ELEMENT_COLUMNS: usize = 3;
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
        (charts(evaluation))
        (distances(evaluation))
        (elements(evaluation, record))
        (worst(evaluation))
        @if !evaluation.settings.is_empty() { (settings(&evaluation.settings)) }
    };
    let title = format!("{} · evaluation", evaluation.task);
    page::page(GENERATOR, &title, STYLE, &header(evaluation, record), &main)
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

pub(super) fn tile(value: &str, what: &str) -> Markup {
    html! { div class="tile" { b { (value) } span { (what) } } }
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

fn charts(evaluation: &Evaluation) -> Markup {
    html! {
        section {
            h2 { "Predictions" }
            div class="charts" {
                figure { figcaption { "Predicted over known" } (parity::plot(evaluation)) }
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
    let groups = by_distance(evaluation);
    let largest = groups.iter().map(|group| group.mae).fold(0.0, f64::max);
    let format = Format::of(largest);
    html! {
        @if !groups.is_empty() {
            section {
                h2 { "Error by distance from the training crystals" }
                p {
                    "Distances in the space of the model's embeddings: 1 is usual among the training crystals"
                    (unit::shown("; errors in ", &evaluation.unit, "")) "."
                }
                table class="distances" {
                    thead { tr { th { "distance" } th { (evaluation.noun()) "s" } th { "MAE" } th {} } }
                    tbody {
                        @for group in &groups {
                            tr {
                                td {
                                    @match group.distances {
                                        Some((first, last)) => { (format!("{first:.2} to {last:.2}")) }
                                        None => { "elements that no training crystal holds" }
                                    }
                                }
                                td { (grouped(group.count)) } td { (format.write(group.mae)) }
                                td class="meter" {
                                    @let share = if largest > 0.0 { 100.0 * group.mae / largest } else { 0.0 };
                                    div style=(format!("width:{share:.1}%")) {}
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn elements(evaluation: &Evaluation, record: &EvaluationRecord) -> Markup {
    let table = by_element(evaluation);
    let format = Format::of(record.mean.mae);
    let largest = table.iter().map(|element| element.mae).fold(0.0, f64::max);
    let rows = table.len().div_ceil(ELEMENT_COLUMNS).max(1);
    let row = |element: &ElementError| {
        let share = if largest > 0.0 { 100.0 * element.mae / largest } else { 0.0 };
        html! {
            tr class=[element.worst.then_some("bad")] {
                td { (element.symbol) } td { (grouped(element.count)) } td { (format.write(element.mae)) }
                td class="meter" { div style=(format!("width:{share:.1}%")) {} }
                td { (format.write_signed(element.bias)) }
            }
        }
    };
    html! {
        @if !table.is_empty() {
            section {
                h2 { "Error by element" }
                p {
                    @if evaluation.is_of_sites() { "Sites of the element" } @else { "Crystals that hold the element" }
                    ", the commonest first"
                    (unit::shown("; errors in ", &evaluation.unit, "")) ". Bias is the mean of predicted − known. Shaded: the largest errors among elements of ten " (evaluation.noun()) "s or more."
                }
                div class="columns" {
                    @for part in table.chunks(rows) {
                        table {
                            thead { tr { th {} th { (evaluation.noun()) "s" } th { "MAE" } th {} th { "bias" } } }
                            tbody { @for element in part { (row(element)) } }
                        }
                    }
                }
            }
        }
    }
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
