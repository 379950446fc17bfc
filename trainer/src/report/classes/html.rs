//! The report page of an evaluation of classes.

use std::path::Path;

use etl::page::{self, tile};
use maud::{Markup, html};

use super::json::ClassificationRecord;
use super::scores::{ACCURACY, BALANCED_ACCURACY, BRIER, CALIBRATION_ERROR, F1, LOG_LOSS, ROC_AUC};
use super::{ClassEvaluation, ClassOutcome, charts};
use crate::report::crystal_view::{self, ShownCrystal};
use crate::report::domain::{DomainTable, PlacedError};
use crate::report::html::{GENERATOR, ends, frame, level, resampled, settings};
use crate::report::number::{counted, grouped};
use crate::statistics::mean;

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
        (distances(evaluation))
        (worst(evaluation))
        (crystals(evaluation))
        (evaluation.curves.section())
        @if !evaluation.settings.is_empty() { (settings(&evaluation.settings)) }
    };
    frame(&evaluation.task, &header(evaluation, record), &main)
}

fn header(evaluation: &ClassEvaluation, record: &ClassificationRecord) -> Markup {
    let tested = record.folds.iter().map(|fold| fold.test).sum();
    let dummy = mean(record.folds.iter().map(|fold| fold.dummy_accuracy));
    html! {
        h1 { (evaluation.task) }
        p { (evaluation.description) }
        div class="tiles" {
            @for (name, heading) in SCORES.iter().take(TILES) {
                (tile(&spread(record, name), heading))
                @if let Some(interval) = record.intervals.get(*name).copied() {
                    (tile(&ends(interval, |end| format!("{end:.3}")), &format!("{} of the {heading}", level(interval))))
                }
            }
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
                @if let Some(interval) = record.intervals.values().next().copied() { " " (resampled(interval)) " Each class is drawn by itself." }
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

/// Returns the table of the shares of wrong classes by the distance from the training crystals.
fn distances(evaluation: &ClassEvaluation) -> Markup {
    let error = |outcome: &ClassOutcome| PlacedError {
        distance: outcome.domain_distance,
        has_unseen_element: outcome.has_unseen_element,
        error: f64::from(u8::from(!outcome.is_right())),
    };
    let table = DomainTable {
        title: "Wrong classes by distance from the training crystals",
        noun: "crystal",
        heading: "wrong",
        note: String::new(),
        write: |error, _| format!("{:.1} %", 100.0 * error),
    };
    table.section(&evaluation.outcomes().into_iter().map(error).collect::<Vec<_>>())
}

/// Returns the section with the surest mistakes and the crystals chosen in space.
fn crystals(evaluation: &ClassEvaluation) -> Markup {
    let outcomes = evaluation.outcomes();
    let shown = evaluation.structures.iter().filter_map(|structure| {
        let outcome = outcomes.iter().find(|outcome| outcome.material_id == structure.material_id)?;
        Some(ShownCrystal {
            structure,
            formula: &outcome.formula,
            about: format!(
                "known {}, predicted {}",
                evaluation.class(outcome.target),
                evaluation.class(outcome.predicted())
            ),
        })
    });
    crystal_view::section("The surest mistakes", &shown.collect::<Vec<_>>())
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

    #[test]
    fn mistakes_are_counted_by_distance() {
        let mut evaluation = evaluation();
        for (fold, distance) in evaluation.folds.iter_mut().zip([0.5, 1.5]) {
            for outcome in &mut fold.outcomes {
                outcome.domain_distance = Some(distance);
                outcome.has_unseen_element = distance > 1.0;
            }
        }
        let record = ClassificationRecord::new(&evaluation);
        let page = page(&evaluation, &record, &[]).into_string();
        for part in ["Wrong classes by distance", "<th>wrong</th>", "0.50 to 0.50", "<td>33.3 %</td>"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(page.contains("95 % confidence interval of the balanced accuracy"), "{page}");
        assert!(page.contains("(bootstrap). Each class is drawn by itself."), "{page}");
        assert!(page.contains("<figcaption>NaCl e</figcaption>"), "{page}");
    }
}
