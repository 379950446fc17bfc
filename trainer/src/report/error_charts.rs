//! Absolute errors against quantities of the crystals: target, number of sites and distance from the training crystals.

use etl::chart::{Axis, Plot, circle, rectangle};
use maud::{Markup, html};

use super::number::counted;
use super::parity::groups;
use super::scatter::{density_legend, is_dense, scatter};
use super::{Evaluation, Outcome};
use crate::statistics::{mean, quantile};
use crate::unit;

/// Size of a drawing, in the units of its view box.
const SIZE: (f64, f64) = (420.0, 280.0);
/// Margins for the labels: left, above, right, below.
const MARGINS: [f64; 4] = [62.0, 12.0, 14.0, 46.0];
/// Distance of the left axis's name from the axis.
const NAME_DISTANCE: f64 = 48.0;
/// Approximate number of ticks of an axis.
const TICKS: f64 = 5.0;
/// Share of the crystals within each axis. The others would stretch it.
const SHOWN: f64 = 0.99;
/// Free share of the range at both ends of the horizontal axis.
const HEADROOM: f64 = 0.03;
/// Largest number of groups of the mean, and the smallest number of crystals in one.
const GROUPS: usize = 10;
const FEWEST_CRYSTALS: usize = 5;
/// Radius of the mean of a group.
const RADIUS: f64 = 3.2;

/// Returns the section of the charts; nothing without one.
pub(super) fn section(evaluation: &Evaluation) -> Markup {
    let target = format!("known {}", evaluation.quantity());
    let sites = |outcome: &Outcome| Some(outcome.sites as f64);
    let charts = [
        chart(evaluation, "Target", &target, |outcome| Some(outcome.target)),
        chart(evaluation, "Number of sites", "sites in the cell", sites),
        chart(evaluation, "Distance from the training crystals", "distance, 1 is usual", |outcome| {
            outcome.domain_distance
        }),
    ];
    html! {
        @if charts.iter().any(Option::is_some) {
            section {
                h2 { "Errors against" }
                p { "A point is a " @if evaluation.is_of_sites() { "site of a " } "test crystal. The line is the mean absolute error of groups of equal size." }
                div class="charts" { @for chart in charts.iter().flatten() { (chart) } }
            }
        }
    }
}

/// Draws the errors against a quantity; `None` if a crystal lacks it or all have the same.
fn chart(
    evaluation: &Evaluation,
    title: &str,
    name: &str,
    quantity: impl Fn(&Outcome) -> Option<f64>,
) -> Option<Markup> {
    let pair = |outcome: &Outcome| Some((quantity(outcome)?, outcome.error().abs()));
    let pairs = evaluation.outcomes().map(pair).collect::<Option<Vec<(f64, f64)>>>()?;
    let plot = frame(&pairs)?;
    let outside = pairs.iter().filter(|(x, y)| {
        !(0.0..=1.0).contains(&plot.x.share(*x)) || !(0.0..=1.0).contains(&plot.y.share(*y))
    });
    let outside = outside.count();
    let error = format!("absolute error{}", unit::shown(", ", &evaluation.unit, ""));
    let groups = groups(evaluation, |outcome| (quantity(outcome).unwrap_or_default(), outcome.error().abs()));
    let means = means(&pairs);
    Some(html! {
        figure {
            figcaption { (title) }
            svg class="chart" viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) role="img"
                aria-label=(format!("{error} against {name}")) {
                (plot.x_axis(&plot.x.ticks(TICKS), name, true))
                (plot.y_axis(&plot.y.ticks(TICKS)))
                (plot.y_name(&error, NAME_DISTANCE))
                (rectangle("box", (plot.left, plot.top), (plot.right - plot.left, plot.bottom - plot.top), ""))
                (scatter(&plot, &groups))
                (plot.curve("mean line", means.iter().copied()))
                g class="mean" { @for point in &means { (circle("", plot.at(*point), RADIUS, "")) } }
            }
            p class="legend" {
                @if is_dense(pairs.len()) { (density_legend(&plot, &groups, evaluation.noun())) }
                @if outside > 0 { span { (counted(outside, evaluation.noun())) " beyond the axes, drawn at their edges" } }
            }
        }
    })
}

/// Returns the plot of pairs (quantity, absolute error); `None` if the quantity does not vary.
fn frame(pairs: &[(f64, f64)]) -> Option<Plot> {
    let quantities: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
    let errors: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let (low, high) = (quantile(&quantities, 1.0 - SHOWN)?, quantile(&quantities, SHOWN)?);
    if low >= high {
        return None;
    }
    let room = HEADROOM * (high - low);
    let y = Axis::new(0.0, quantile(&errors, SHOWN)?);
    let y = Axis::new(0.0, if y.low < 0.0 { 1.0 } else { y.high });
    Some(Plot::new((0.0, 0.0), SIZE, MARGINS, Axis::new(low - room, high + room), y))
}

/// Returns the mean quantity and the mean error of groups of about the same size in the order of the quantity. Crystals of
/// the same quantity are in the same group. Nothing of a single group.
fn means(pairs: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
    let size = sorted.len().div_ceil(GROUPS).max(FEWEST_CRYSTALS);
    let mut groups: Vec<Vec<(f64, f64)>> = Vec::new();
    for pair in sorted {
        match groups.last_mut() {
            Some(group) if group.len() < size || group.last().is_some_and(|last| last.0 == pair.0) => {
                group.push(pair);
            }
            _ => groups.push(vec![pair]),
        }
    }
    if groups.len() > 1 && groups.last().is_some_and(|group| group.len() < FEWEST_CRYSTALS) {
        let rest = groups.pop().unwrap_or_default();
        groups.last_mut().into_iter().for_each(|group| group.extend(&rest));
    }
    let mean_of = |group: &Vec<(f64, f64)>| {
        (mean(group.iter().map(|pair| pair.0)), mean(group.iter().map(|pair| pair.1)))
    };
    if groups.len() > 1 { groups.iter().map(mean_of).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, jdft2d, outcome};

    #[test]
    fn groups_have_the_same_size_and_equal_quantities_stay_together() {
        let pairs: Vec<(f64, f64)> = (0..100).map(|n| (f64::from(n), f64::from(n / 10))).collect();
        let found = means(&pairs);
        assert_eq!(found.len(), GROUPS);
        assert_eq!((found[0], found[9]), ((4.5, 0.0), (94.5, 9.0)));
        // Of 30 crystals 20 have one site.
        let sites = |n: u32| if n < 20 { 1.0 } else { f64::from(n - 18) };
        let found = means(&(0..30).map(|n| (sites(n), 1.0)).collect::<Vec<_>>());
        assert_eq!(found[0], (1.0, 1.0));
        assert_eq!(found.len(), 3);
        assert_eq!(means(&[(1.0, 2.0), (2.0, 3.0)]), []);
    }

    #[test]
    fn what_crystals_lack_or_share_is_left_out() {
        let page = section(&jdft2d()).into_string();
        assert_eq!(page.matches("<figure>").count(), 3, "{page}");
        assert!(page.contains("known exfoliation energy, meV/atom"), "{page}");
        let mut same = evaluation(vec![outcome("a", 1.0, 2.0, &["O"]), outcome("b", 2.0, 2.0, &["O"])]);
        assert_eq!(section(&same).into_string().matches("<figure>").count(), 1, "the target alone");
        same.folds[0].outcomes[0].sites = 7;
        assert_eq!(section(&same).into_string().matches("<figure>").count(), 2);
    }

    #[test]
    fn perfect_and_absurd_predictions_can_be_drawn() {
        for predictions in [[1.0, 2.0], [1e100, -1e100]] {
            let outcomes = predictions.iter().zip([1.0, 2.0]);
            let outcomes = outcomes.map(|(&prediction, target)| outcome("a", target, prediction, &[]));
            let page = section(&evaluation(outcomes.collect())).into_string();
            assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
        }
    }
}
