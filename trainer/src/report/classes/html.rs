//! The report page of an evaluation of classes.

use std::path::Path;

use etl::page;
use maud::{Markup, html};

use super::json::ClassificationRecord;
use super::scores::{ACCURACY, BALANCED_ACCURACY, BRIER, CALIBRATION_ERROR, F1, LOG_LOSS, ROC_AUC};
use super::{ClassEvaluation, charts};
use crate::report::html::{GENERATOR, STYLE, settings, tile};
use crate::report::number::{counted, grouped};
use crate::report::statistics::mean;

/// Scores in the order of the page, with their headings.
const SCORES: [(&str, &str); 7] = [
    (ROC_AUC, "ROC-AUC"),
    (BALANCED_ACCURACY, "balanced accuracy"),
    (F1, "F1"),
    (ACCURACY, "accuracy"),
    (LOG_LOSS, "log loss, nats"),
    (BRIER, "Brier score"),
    (CALIBRATION_ERROR, "calibration error"),
];
/// Number of scores that have a tile.
const TILES: usize = 4;
/// Stands for a score that is not defined.
const UNDEFINED: &str = "–";

/// Whether a file begins like this page.
pub(super) fn is_own(path: &Path) -> bool {
    page::is_page(path, GENERATOR)
}

/// Returns the page. `notes` follow the scores.
pub(super) fn page(evaluation: &ClassEvaluation, record: &ClassificationRecord, notes: &[String]) -> Markup {
    let main = html! {
        (scores(record, notes))
        section {
            h2 { "Probabilities" }
            div class="charts" {
                figure { figcaption { "Receiver operating characteristic" } (charts::characteristic(evaluation)) }
                figure { figcaption { "Reliability" } (charts::reliability(evaluation)) }
            }
        }
        (confusion(record))
        (worst(evaluation))
        @if !evaluation.settings.is_empty() { (settings(&evaluation.settings)) }
    };
    let title = format!("{} · evaluation", evaluation.task);
    page::page(GENERATOR, &title, STYLE, &header(evaluation, record), &main)
}

fn header(evaluation: &ClassEvaluation, record: &ClassificationRecord) -> Markup {
    let tested = record.folds.iter().map(|fold| fold.test).sum();
    let dummy = mean(record.folds.iter().map(|fold| fold.dummy_accuracy));
    html! {
        h1 { (evaluation.task) }
        p { (evaluation.description) }
        div class="tiles" {
            @for (name, heading) in SCORES.iter().take(TILES) { (tile(&spread(record, name), heading)) }
            (tile(&format!("{dummy:.3}"), "accuracy of the commonest class"))
            (tile(&grouped(tested), "crystals tested"))
        }
    }
}

/// Returns the mean of a score with its deviation, if there is one.
fn spread(record: &ClassificationRecord, name: &str) -> String {
    let std = record.std.get(name).map(|std| format!(" ± {std:.3}")).unwrap_or_default();
    record.mean.get(name).map_or_else(|| UNDEFINED.to_owned(), |mean| format!("{mean:.3}{std}"))
}

fn scores(record: &ClassificationRecord, notes: &[String]) -> Markup {
    let seeds: Vec<String> = record.seeds.iter().map(u64::to_string).collect();
    let shown =
        |score: Option<&f64>| score.map_or_else(|| UNDEFINED.to_owned(), |score| format!("{score:.3}"));
    html! {
        section {
            h2 { "Scores" }
            p {
                "Probabilities are means over "
                @if seeds.len() == 1 { "the one seed " } @else { (counted(seeds.len(), "seed")) ": " }
                (seeds.join(", ")) ". "
                @match record.calibration {
                    Some(calibration) => {
                        "They are calibrated: " (counted(calibration.validation_crystals, "validation crystal"))
                        " gave the temperature " (format!("{:.3}", calibration.temperature)) "."
                    }
                    None => { "They are not calibrated." }
                }
            }
            div class="scroll" {
                table {
                    thead {
                        tr {
                            th {} th { "training" } th { "validation" } th { "test" }
                            @for (_, heading) in SCORES { th { (heading) } }
                            th { "accuracy of the commonest class" }
                        }
                    }
                    tbody {
                        @for fold in &record.folds {
                            tr {
                                td { (fold.name) } td { (grouped(fold.train)) } td { (grouped(fold.validation)) }
                                td { (grouped(fold.test)) }
                                @for (name, _) in SCORES { td { (shown(fold.scores.get(name))) } }
                                td class="dummy" { (format!("{:.3}", fold.dummy_accuracy)) }
                            }
                        }
                    }
                    @if record.folds.len() > 1 {
                        tfoot {
                            tr {
                                td colspan="4" { "mean ± standard deviation of the folds" }
                                @for (name, _) in SCORES { td { (spread(record, name)) } }
                                td {}
                            }
                        }
                    }
                }
            }
            @for note in notes { p { (note) } }
        }
    }
}

fn confusion(record: &ClassificationRecord) -> Markup {
    html! {
        section {
            h2 { "Known and predicted classes" }
            p { "Numbers of test crystals. Known classes are rows, predicted ones columns." }
            div class="scroll" {
                table class="confusion" {
                    thead {
                        tr {
                            th {}
                            @for class in &record.classes { th { (class) } }
                            th { "found" }
                        }
                    }
                    tbody {
                        @for (index, (class, row)) in record.classes.iter().zip(&record.confusion).enumerate() {
                            @let all = row.iter().sum::<usize>();
                            @let found = row.get(index).copied().unwrap_or_default();
                            tr {
                                td { (class) }
                                @for (column, count) in row.iter().enumerate() {
                                    td class=[(column == index).then_some("right")] { (grouped(*count)) }
                                }
                                td {
                                    @if all == 0 { (UNDEFINED) } @else { (format!("{:.1} %", 100.0 * found as f64 / all as f64)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn worst(evaluation: &ClassEvaluation) -> Markup {
    let worst = evaluation.worst();
    html! {
        @if !worst.is_empty() {
            section {
                h2 { "Surest mistakes" }
                div class="scroll" {
                    table {
                        thead {
                            tr {
                                th { "crystal" } th class="text" { "formula" } th class="text" { "fold" }
                                th class="text" { "known" } th class="text" { "predicted" } th { "probability" }
                            }
                        }
                        tbody {
                            @for (fold, outcome) in worst {
                                tr {
                                    td { (outcome.material_id) } td class="text" { (outcome.formula) }
                                    td class="text" { (fold.name) }
                                    td class="text" { (evaluation.class(outcome.target)) }
                                    td class="text" { (evaluation.class(outcome.predicted())) }
                                    td { (format!("{:.3}", outcome.confidence())) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::classes::example::evaluation;

    #[test]
    fn the_page_shows_scores_classes_and_mistakes() {
        let evaluation = evaluation();
        let record = ClassificationRecord::new(&evaluation);
        let page = page(&evaluation, &record, &["a note".to_owned()]).into_string();
        for part in [
            "1.000 ± 0.000",
            "not calibrated",
            "Surest mistakes",
            "66.7 %",
            "a note",
            "<td>e</td>",
            "0.875",
            "epochs",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
}
