//! Parity plot: predictions over targets.

use etl::chart::{Axis, Plot, circle, colour, line, rectangle, text};
use maud::{Markup, html};

use super::json::EvaluationRecord;
use super::number::{Format, R2_SIZE, counted, grouped};
use super::scatter::{Group, density_legend, is_dense, scatter};
use super::{Evaluation, Outcome, WORST};
use crate::unit;

/// Side of the plot, in the units of the view box.
const SIDE: f64 = 440.0;
/// Margins for the labels: left, above, right, below.
const MARGINS: [f64; 4] = [66.0, 14.0, 16.0, 48.0];
/// Size of the drawing, in the units of its view box.
const SIZE: (f64, f64) = (MARGINS[0] + SIDE + MARGINS[2], MARGINS[1] + SIDE + MARGINS[3]);
/// Distance of the left axis's name from the axis.
const NAME_DISTANCE: f64 = 51.0;
/// Radius of one of the worst points.
const WORST_RADIUS: f64 = 3.8;
/// One of so many crystals may have a ring, so that rings stay rare.
const RINGED: usize = 20;
/// Size of the box with the scores, and the height of a line in it.
const SCORES: (f64, f64) = (176.0, 62.0);
const SCORES_LINE: f64 = 17.0;
/// Approximate number of ticks of an axis.
const TICKS: f64 = 6.0;
/// Free share of the range at both ends.
const HEADROOM: f64 = 0.03;
/// Predictions outside the targets' range by more than this share of it do not stretch the axes.
const FARTHEST: f64 = 0.5;

/// Draws the plot with its scores and its legend. The worst crystals have a ring and their names as tooltips.
pub(super) fn plot(evaluation: &Evaluation, record: &EvaluationRecord) -> Markup {
    let axis = range(evaluation);
    let plot = square(axis);
    let format = Format::of(axis.high - axis.low);
    let total = evaluation.outcomes().count();
    let rings = WORST.min(total / RINGED);
    let outside =
        evaluation.outcomes().filter(|outcome| !(0.0..=1.0).contains(&axis.share(outcome.prediction)));
    let outside = outside.count();
    let quantity = evaluation.quantity();
    let groups = groups(evaluation, |outcome| (outcome.target, outcome.prediction));
    html! {
        svg class="chart" viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) role="img"
            aria-label=(format!("Predicted over known {quantity}")) {
            (frame(&plot, &quantity))
            (scatter(&plot, &groups))
            @for (fold, outcome) in evaluation.worst(rings) { (worst(&plot, format, evaluation, fold, outcome)) }
            (scores(&plot, record, total))
        }
        p class="legend" {
            @if is_dense(total) {
                (density_legend(&plot, &groups, evaluation.noun()))
            } @else {
                @for (number, fold) in evaluation.folds.iter().enumerate() {
                    span class=(colour(number)) { i {} (fold.name) } " "
                }
            }
            @if rings > 0 { span { "ringed: the " (counted(rings, "largest error")) } }
            @if outside > 0 { span { (counted(outside, "prediction")) " beyond the axis, drawn at its edge" } }
        }
    }
}

/// Returns points of the crystals of every fold, in its colour.
pub(super) fn groups(evaluation: &Evaluation, point: impl Fn(&Outcome) -> (f64, f64)) -> Vec<Group> {
    let folds = evaluation.folds.iter().enumerate();
    folds.map(|(number, fold)| (colour(number), fold.outcomes.iter().map(&point).collect())).collect()
}

/// Writes the scores into the upper left corner, where predictions are rare.
fn scores(plot: &Plot, record: &EvaluationRecord, total: usize) -> Markup {
    let mae = Format::of(record.mean.mae).write(record.mean.mae);
    let mae = format!("MAE {mae}{}", unit::shown(" ", &record.unit, ""));
    let r2 = record.mean.r2.map(|r2| format!("R² {}", Format::of(R2_SIZE).write(r2)));
    let count = format!("n = {}", grouped(total));
    let corner = (plot.left + 8.0, plot.top + 8.0);
    html! {
        (rectangle("note", corner, SCORES, ""))
        @for (line, score) in [Some(mae), r2, Some(count)].into_iter().flatten().enumerate() {
            (text("score", (corner.0 + 8.0, corner.1 + SCORES_LINE * (line as f64 + 1.0)), score))
        }
    }
}

/// Returns the range of both axes: that of the targets, extended to nearby predictions.
fn range(evaluation: &Evaluation) -> Axis {
    let extent = |value: fn(&Outcome) -> f64| {
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        evaluation
            .outcomes()
            .map(value)
            .fold((low, high), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (low, high) = extent(|outcome| outcome.target);
    let predicted = extent(|outcome| outcome.prediction);
    // Equal targets say nothing of what is near.
    let reach = if high > low { FARTHEST * (high - low) } else { f64::INFINITY };
    let (low, high) = (low.min(predicted.0.max(low - reach)), high.max(predicted.1.min(high + reach)));
    let room = HEADROOM * (high - low);
    Axis::new(low - room, high + room)
}

/// Returns a square plot with the same axis below and at the left.
fn square(axis: Axis) -> Plot {
    Plot::new((0.0, 0.0), SIZE, MARGINS, axis, axis)
}

/// Draws axes, grid and diagonal.
fn frame(plot: &Plot, quantity: &str) -> Markup {
    let Axis { low, high, .. } = plot.x;
    let ticks = plot.x.ticks(TICKS);
    html! {
        (plot.x_axis(&ticks, &format!("known {quantity}"), true))
        (plot.y_axis(&ticks))
        (plot.y_name(&format!("predicted {quantity}"), NAME_DISTANCE))
        (rectangle("box", (plot.left, plot.top), (SIDE, SIDE), ""))
        (line("diagonal", plot.at((low, low)), plot.at((high, high))))
    }
}

/// Draws one of the worst crystals, on top of all others.
fn worst(plot: &Plot, format: Format, evaluation: &Evaluation, fold: usize, outcome: &Outcome) -> Markup {
    let name = evaluation.folds.get(fold).map(|fold| fold.name.as_str()).unwrap_or_default();
    let (known, predicted) = (format.write(outcome.target), format.write(outcome.prediction));
    let unit = unit::shown(" ", &evaluation.unit, "");
    let title = format!("{} ({name}): known {known}, predicted {predicted}{unit}", outcome.material_id);
    let class = format!("worst {}", colour(fold));
    circle(&class, plot.at((outcome.target, outcome.prediction)), WORST_RADIUS, &title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, jdft2d, outcome};
    use crate::report::scatter::MOST_POINTS;

    fn drawn(evaluation: &Evaluation) -> String {
        let record = EvaluationRecord::new(evaluation).expect("there are crystals");
        plot(evaluation, &record).into_string()
    }

    #[test]
    fn every_crystal_is_a_point_and_the_worst_have_names() {
        let svg = drawn(&jdft2d());
        assert_eq!(svg.matches("<circle cx").count(), 636);
        assert_eq!(svg.matches("<circle class=\"worst").count(), WORST);
        assert_eq!(svg.matches("<title>mb-jdft2d-").count(), WORST);
        for fold in 0..5 {
            assert!(svg.contains(&format!("<g class=\"points f{fold}\">")), "{fold}");
        }
        assert!(svg.contains("known exfoliation energy, meV/atom"), "{svg}");
    }

    #[test]
    fn the_scores_stand_in_the_plot() {
        let svg = drawn(&evaluation(vec![outcome("a", 1.0, 1.5, &[]), outcome("b", 3.0, 2.5, &[])]));
        for score in ["MAE 0.5000 eV", "R² 0.750", "n = 2"] {
            assert!(svg.contains(&format!(">{score}")), "{score}: {svg}");
        }
    }

    #[test]
    fn one_crystal_of_twenty_has_a_ring_at_most() {
        let of = |count: u32| {
            let outcomes = (0..count).map(|n| outcome("a", f64::from(n), 0.0, &[])).collect();
            drawn(&evaluation(outcomes)).matches("<circle class=\"worst").count()
        };
        assert_eq!([of(19), of(40), of(1000)], [0, 2, WORST]);
    }

    #[test]
    fn the_diagonal_is_where_both_agree() {
        let plot = square(Axis::new(-1.0, 3.0));
        let [left, top, ..] = MARGINS;
        assert_eq!(plot.at((-1.0, -1.0)), (left, top + SIDE));
        assert_eq!(plot.at((3.0, 3.0)), (left + SIDE, top));
        assert_eq!(plot.at((1.0, 1.0)), (left + SIDE / 2.0, top + SIDE / 2.0));
    }

    #[test]
    fn one_absurd_prediction_does_not_flatten_the_rest() {
        let absurd = evaluation(vec![
            outcome("a", 0.0, 0.1, &[]),
            outcome("b", 10.0, 9.0, &[]),
            outcome("c", 5.0, 1e60, &[]),
        ]);
        let axis = range(&absurd);
        assert!(axis.high < 16.0 && axis.low < 0.0, "{axis:?}");
        assert!(drawn(&absurd).contains("1 prediction beyond the axis"));
    }

    #[test]
    fn equal_values_can_be_drawn() {
        for value in [0.0, 7.0, -1e100, 1e-300] {
            let svg = drawn(&evaluation(vec![outcome("a", value, value, &[])]));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn many_crystals_are_shaded_and_only_the_worst_are_points() {
        let many =
            (0..=MOST_POINTS as u32).map(|number| outcome("a", f64::from(number), f64::from(number), &[]));
        let svg = drawn(&evaluation(many.collect()));
        assert_eq!(svg.matches("<circle").count(), WORST);
        assert!(svg.contains("crystals in a square") && !svg.contains("<i></i>split"), "{svg}");
    }
}
