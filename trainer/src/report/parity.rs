//! Parity plot: predictions over targets.

use etl::chart::{Axis, Plot, circle, colour, line, rectangle};
use maud::{Markup, html};

use super::number::{Format, counted};
use super::{Evaluation, FoldOutcome, Outcome, WORST};
use crate::unit;

/// Side of the plot, in the units of the view box.
const SIDE: f64 = 440.0;
/// Margins for the labels: left, above, right, below.
const MARGINS: [f64; 4] = [66.0, 14.0, 16.0, 48.0];
/// Size of the drawing, in the units of its view box.
const SIZE: (f64, f64) = (MARGINS[0] + SIDE + MARGINS[2], MARGINS[1] + SIDE + MARGINS[3]);
/// Distance of the left axis's name from the axis.
const NAME_DISTANCE: f64 = 51.0;
/// Radius of a point, and of one of the worst points.
const RADIUS: f64 = 2.6;
const WORST_RADIUS: f64 = 3.8;
/// Approximate number of ticks of an axis.
const TICKS: f64 = 6.0;
/// Free share of the range at both ends.
const HEADROOM: f64 = 0.03;
/// Predictions outside the targets' range by more than this share of it do not stretch the axes.
const FARTHEST: f64 = 0.5;
/// Maximum number of points, so that the page of a large test part opens quickly.
const MOST_POINTS: usize = 10_000;

/// Draws the plot with its legend. The worst crystals have a ring and their names as tooltips.
pub(super) fn plot(evaluation: &Evaluation) -> Markup {
    let axis = range(evaluation);
    let plot = square(axis);
    let format = Format::of(axis.high - axis.low);
    let total = evaluation.outcomes().count();
    let stride = total.div_ceil(MOST_POINTS).max(1);
    let outside =
        evaluation.outcomes().filter(|outcome| !(0.0..=1.0).contains(&axis.share(outcome.prediction)));
    let outside = outside.count();
    let quantity = format!("{}{}", evaluation.property, unit::shown(", ", &evaluation.unit, ""));
    html! {
        svg class="chart" viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) role="img"
            aria-label=(format!("Predicted over known {quantity}")) {
            (frame(&plot, &quantity))
            @for (number, fold) in evaluation.folds.iter().enumerate() {
                g class=(format!("points {}", colour(number))) { (points(&plot, fold, stride)) }
            }
            @for (fold, outcome) in evaluation.worst(WORST) { (worst(&plot, format, evaluation, fold, outcome)) }
        }
        p class="legend" {
            @for (number, fold) in evaluation.folds.iter().enumerate() {
                span class=(colour(number)) { i {} (fold.name) } " "
            }
            span { "ringed: the " (WORST.min(total)) " largest errors" }
            @if stride > 1 { span { "every " (ordinal(stride)) " " (evaluation.noun()) " is drawn" } }
            @if outside > 0 { span { (counted(outside, "prediction")) " beyond the axis, drawn at its edge" } }
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

/// Returns an ordinal number such as `3rd`, for "every 3rd crystal".
fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
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

/// Draws the crystals of a fold, or every `stride`-th of them.
fn points(plot: &Plot, fold: &FoldOutcome, stride: usize) -> Markup {
    html! {
        @for outcome in fold.outcomes.iter().step_by(stride) {
            (circle("", plot.at((outcome.target, outcome.prediction)), RADIUS, ""))
        }
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

    #[test]
    fn every_crystal_is_a_point_and_the_worst_have_names() {
        let svg = plot(&jdft2d()).into_string();
        assert_eq!(svg.matches("<circle cx").count(), 636);
        assert_eq!(svg.matches("<circle class=\"worst").count(), WORST);
        assert_eq!(svg.matches("<title>mb-jdft2d-").count(), WORST);
        for fold in 0..5 {
            assert!(svg.contains(&format!("<g class=\"points f{fold}\">")), "{fold}");
        }
        assert!(svg.contains("known exfoliation energy, meV/atom"), "{svg}");
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
        assert!(plot(&absurd).into_string().contains("1 prediction beyond the axis"));
    }

    #[test]
    fn equal_values_can_be_drawn() {
        for value in [0.0, 7.0, -1e100, 1e-300] {
            let svg = plot(&evaluation(vec![outcome("a", value, value, &[])])).into_string();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn many_crystals_become_few_points() {
        let many = (0..30_000).map(|number| outcome("a", f64::from(number), f64::from(number), &[]));
        let svg = plot(&evaluation(many.collect())).into_string();
        assert_eq!(svg.matches("<circle cx").count(), MOST_POINTS);
        assert!(svg.contains("every 3rd crystal"), "{svg}");
    }
}
