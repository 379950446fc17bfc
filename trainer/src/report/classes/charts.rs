//! Charts of predicted classes: receiver operating characteristic and reliability.

use etl::chart::{Axis, Plot, circle, colour, line, rectangle};
use maud::{Markup, html};

use super::scores::{confidence_bins, roc_curve};
use super::{ClassEvaluation, ClassOutcome};
use crate::report::number::counted;

/// Side of a plot, in the units of the view box.
const SIDE: f64 = 360.0;
/// Margins for the labels: left, above, right, below.
const MARGINS: [f64; 4] = [62.0, 14.0, 16.0, 48.0];
/// Size of a drawing, in the units of its view box.
const SIZE: (f64, f64) = (MARGINS[0] + SIDE + MARGINS[2], MARGINS[1] + SIDE + MARGINS[3]);
/// Distance of the left axis's name from the axis.
const NAME_DISTANCE: f64 = 46.0;
/// Approximate number of ticks of an axis.
const TICKS: f64 = 5.0;
/// Largest number of points of a curve, so that the page of a large test part opens quickly.
const MOST_POINTS: usize = 500;
/// Radius of the point of a bin with all crystals, and of one with few.
const RADII: (f64, f64) = (14.0, 3.0);
/// Largest number of classes with a curve each.
const MOST_CURVES: usize = 6;

/// Returns a plot from 0 to 1 along both axes with the diagonal.
fn unit_plot(x: &str, y: &str, content: impl FnOnce(&Plot) -> Markup) -> Markup {
    let axis = Axis::new(0.0, 1.0);
    let plot = Plot::new((0.0, 0.0), SIZE, MARGINS, axis, axis);
    let ticks = axis.ticks(TICKS);
    html! {
        svg class="chart" viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) role="img" aria-label=(format!("{y} over {x}")) {
            (plot.x_axis(&ticks, x, true))
            (plot.y_axis(&ticks))
            (plot.y_name(y, NAME_DISTANCE))
            (rectangle("box", (plot.left, plot.top), (SIDE, SIDE), ""))
            (line("diagonal", plot.at((0.0, 0.0)), plot.at((1.0, 1.0))))
            (content(&plot))
        }
    }
}

/// Draws the receiver operating characteristics: of two classes that of the second, of more one a class.
pub(super) fn characteristic(evaluation: &ClassEvaluation) -> Markup {
    let outcomes = evaluation.outcomes();
    let classes = evaluation.classes.len();
    let drawn = if classes == 2 { 1..2 } else { 0..classes.min(MOST_CURVES) };
    let curves: Vec<(usize, Vec<(f64, f64)>)> =
        drawn.filter_map(|class| Some((class, thinned(roc_curve(&outcomes, class)?)))).collect();
    html! {
        (unit_plot("share of the others wrongly found", "share of the class found", |plot| html! {
            @for (number, (_, curve)) in curves.iter().enumerate() {
                (plot.curve(&format!("curve {}", colour(number)), curve.iter().copied()))
            }
        }))
        p class="legend" {
            @for (number, (class, _)) in curves.iter().enumerate() {
                span class=(colour(number)) { i {} (evaluation.class(*class)) " against the others" } " "
            }
            @if classes > MOST_CURVES { span { "the first " (MOST_CURVES) " of " (classes) " classes" } }
        }
    }
}

/// Returns points of a curve at equal intervals, [`MOST_POINTS`] and the end at most.
fn thinned(curve: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let stride = curve.len().div_ceil(MOST_POINTS).max(1);
    let last = curve.last().copied();
    curve.into_iter().step_by(stride).chain(last).collect()
}

/// Draws how often the predicted class is right, by its probability. The area of a point is in proportion to its number of
/// crystals.
pub(super) fn reliability(evaluation: &ClassEvaluation) -> Markup {
    let outcomes: Vec<&ClassOutcome> = evaluation.outcomes();
    let bins = confidence_bins(&outcomes);
    let radius = |count: usize| (RADII.0 * (count as f64 / outcomes.len() as f64).sqrt()).max(RADII.1);
    html! {
        (unit_plot("probability of the predicted class", "share of right predictions", |plot| html! {
            g class="points f0" {
                @for bin in &bins {
                    @let title = format!(
                        "{}: {:.1} % right at a mean probability of {:.1} %",
                        counted(bin.count, "crystal"),
                        100.0 * bin.accuracy,
                        100.0 * bin.confidence
                    );
                    (circle("", plot.at((bin.confidence, bin.accuracy)), radius(bin.count), &title))
                }
            }
        }))
        p class="legend" { span { "on the diagonal probabilities are as often right as they say" } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::classes::example::{evaluation, outcome};

    #[test]
    fn two_classes_have_one_curve_and_more_have_one_each() {
        let two = characteristic(&evaluation()).into_string();
        assert_eq!(two.matches("<polyline").count(), 1);
        assert!(two.contains("1 against the others"), "{two}");
        let mut three = evaluation();
        three.classes.push("2".to_owned());
        three.folds[0].outcomes = vec![
            outcome("a", 0, &[0.5, 0.25, 0.25]),
            outcome("b", 1, &[0.25, 0.5, 0.25]),
            outcome("c", 2, &[0.25, 0.25, 0.5]),
        ];
        three.folds.truncate(1);
        assert_eq!(characteristic(&three).into_string().matches("<polyline").count(), 3);
        assert!(reliability(&three).into_string().contains("3 crystals: 100.0 % right"));
    }

    #[test]
    fn long_curves_become_short_and_keep_their_ends() {
        let curve: Vec<(f64, f64)> = (0..=10_000).map(|point| (f64::from(point) / 1e4, 1.0)).collect();
        let short = thinned(curve);
        assert!(short.len() <= MOST_POINTS + 2, "{}", short.len());
        assert_eq!((short[0].0, short[short.len() - 1].0), (0.0, 1.0));
    }
}
