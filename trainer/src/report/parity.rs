//! The parity plot: predictions over targets.

use maud::{Markup, html};

use super::number::{Axis, Format, counted, length};
use super::{Evaluation, FoldOutcome, Outcome, WORST};
use crate::unit;

/// Side of the square with the points, in the units of the view box.
const SIDE: f64 = 440.0;
/// Space for the labels around it.
const LEFT: f64 = 66.0;
const TOP: f64 = 14.0;
const RIGHT: f64 = 16.0;
const BOTTOM: f64 = 48.0;
/// Radius of a point, and of one of the worst.
const RADIUS: f64 = 2.6;
const WORST_RADIUS: f64 = 3.8;
/// Ticks of an axis, about.
const TICKS: f64 = 6.0;
/// Share of the range that stays free at both ends.
const HEADROOM: f64 = 0.03;
/// Predictions farther than this share of the targets' range outside of it do not stretch the axes.
const FARTHEST: f64 = 0.5;
/// No more points than this are drawn, so that the page of a large test part stays quick to open.
const MOST_POINTS: usize = 10_000;
/// Number of colours; further folds begin with the first again.
pub(super) const COLOURS: usize = 6;

/// The plot with its legend. The worst crystals have a ring, and their names as tooltips.
pub(super) fn plot(evaluation: &Evaluation) -> Markup {
    let axis = range(evaluation);
    let drawing = Drawing { axis, format: Format::of(axis.high - axis.low) };
    let total = evaluation.outcomes().count();
    let stride = total.div_ceil(MOST_POINTS).max(1);
    let outside =
        evaluation.outcomes().filter(|outcome| !(0.0..=1.0).contains(&axis.share(outcome.prediction)));
    let outside = outside.count();
    let quantity = format!("{}{}", evaluation.property, unit::shown(", ", &evaluation.unit, ""));
    let (width, height) = (LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM);
    html! {
        svg class="chart" viewBox=(format!("0 0 {width} {height}")) role="img"
            aria-label=(format!("Predicted over known {quantity}")) {
            (drawing.frame(&quantity))
            @for (number, fold) in evaluation.folds.iter().enumerate() {
                g class=(format!("points {}", colour(number))) { (drawing.points(fold, stride)) }
            }
            @for (fold, outcome) in evaluation.worst(WORST) { (drawing.worst(evaluation, fold, outcome)) }
        }
        p class="legend" {
            @for (number, fold) in evaluation.folds.iter().enumerate() {
                span class=(colour(number)) { i {} (fold.name) } " "
            }
            span { "ringed: the " (WORST.min(total)) " largest errors" }
            @if stride > 1 { span { "every " (ordinal(stride)) " crystal is drawn" } }
            @if outside > 0 { span { (counted(outside, "prediction")) " beyond the axis, drawn at its edge" } }
        }
    }
}

/// Class of the colour of a fold.
pub(super) fn colour(fold: usize) -> String {
    format!("f{}", fold % COLOURS)
}

/// The range of both axes: that of the targets, stretched to the predictions near it.
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

/// `3rd`, for every third crystal.
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

/// Where the points lie.
struct Drawing {
    axis: Axis,
    format: Format,
}

impl Drawing {
    fn x(&self, target: f64) -> f64 {
        LEFT + SIDE * self.axis.share(target).clamp(0.0, 1.0)
    }

    fn y(&self, prediction: f64) -> f64 {
        TOP + SIDE * (1.0 - self.axis.share(prediction).clamp(0.0, 1.0))
    }

    /// Axes, grid and diagonal.
    fn frame(&self, quantity: &str) -> Markup {
        let (right, base) = (LEFT + SIDE, TOP + SIDE);
        let (middle_x, middle_y) = (LEFT + SIDE / 2.0, TOP + SIDE / 2.0);
        html! {
            @for (value, label) in self.axis.ticks(TICKS) {
                @let (x, y) = (self.x(value), self.y(value));
                line class="grid" x1=(length(x)) x2=(length(x)) y1=(TOP) y2=(base) {}
                line class="grid" x1=(LEFT) x2=(right) y1=(length(y)) y2=(length(y)) {}
                text class="tick middle" x=(length(x)) y=(base + 16.0) { (label) }
                text class="tick end" x=(LEFT - 7.0) y=(length(y + 4.0)) { (label) }
            }
            rect class="box" x=(LEFT) y=(TOP) width=(SIDE) height=(SIDE) {}
            line class="diagonal" x1=(LEFT) y1=(base) x2=(right) y2=(TOP) {}
            text class="label middle" x=(middle_x) y=(base + 38.0) { "known " (quantity) }
            text class="label middle" x="15" y=(middle_y) transform=(format!("rotate(-90 15 {middle_y})")) {
                "predicted " (quantity)
            }
        }
    }

    /// The crystals of a fold, or every `stride`th of them.
    fn points(&self, fold: &FoldOutcome, stride: usize) -> Markup {
        html! {
            @for outcome in fold.outcomes.iter().step_by(stride) {
                circle cx=(length(self.x(outcome.target))) cy=(length(self.y(outcome.prediction))) r=(RADIUS) {}
            }
        }
    }

    /// One of the worst crystals, above all others.
    fn worst(&self, evaluation: &Evaluation, fold: usize, outcome: &Outcome) -> Markup {
        let name = evaluation.folds.get(fold).map(|fold| fold.name.as_str()).unwrap_or_default();
        html! {
            circle class=(format!("worst {}", colour(fold))) cx=(length(self.x(outcome.target)))
                cy=(length(self.y(outcome.prediction))) r=(WORST_RADIUS) {
                title {
                    (outcome.material_id) " (" (name) "): known " (self.format.write(outcome.target))
                    ", predicted " (self.format.write(outcome.prediction))
                    (unit::shown(" ", &evaluation.unit, ""))
                }
            }
        }
    }
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
        let drawing = Drawing { axis: Axis::new(-1.0, 3.0), format: Format::of(1.0) };
        assert_eq!((drawing.x(-1.0), drawing.y(-1.0)), (LEFT, TOP + SIDE));
        assert_eq!((drawing.x(3.0), drawing.y(3.0)), (LEFT + SIDE, TOP));
        assert_eq!((drawing.x(1.0), drawing.y(1.0)), (LEFT + SIDE / 2.0, TOP + SIDE / 2.0));
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
