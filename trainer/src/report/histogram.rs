//! The histogram of errors.

use maud::{Markup, html};

use super::Evaluation;
use super::number::{Axis, Format, counted, grouped, length, round_step};
use super::statistics::quantile;
use crate::unit;

/// Size of the drawing, in the units of its view box.
const WIDTH: f64 = 522.0;
const HEIGHT: f64 = 250.0;
/// Space for the labels around the bars.
const LEFT: f64 = 66.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 48.0;
/// Most bars on each side of zero within the shown share; their round width makes them fewer.
const BARS: f64 = 30.0;
/// Share of the crystals whose errors the axis must hold; the others would stretch it.
const SHOWN: f64 = 0.99;
/// Most labelled values of the axes.
const TICKS: f64 = 6.0;
const COUNT_TICKS: f64 = 4.0;
/// Gap between bars.
const GAP: f64 = 1.0;

/// Errors counted in bars of one width, with an edge at zero.
#[derive(Debug, PartialEq)]
struct Bars {
    /// Width of a bar, in the unit of the target.
    width: f64,
    /// Bars on each side of zero.
    side: usize,
    /// Crystals in each bar, the most negative first.
    counts: Vec<usize>,
    /// Crystals with errors below and above all bars.
    beyond: [usize; 2],
}

impl Bars {
    fn new(errors: &[f64]) -> Self {
        let sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        let shown = quantile(&sizes, SHOWN).filter(|&size| size > f64::MIN_POSITIVE).unwrap_or(1.0);
        let width = round_step(shown / BARS);
        let side = (shown / width).ceil().clamp(1.0, 2.0 * BARS) as usize;
        let mut bars = Self { width, side, counts: vec![0; 2 * side], beyond: [0; 2] };
        for error in errors {
            let position = (error / width).floor() + side as f64;
            match bars.counts.get_mut(position.max(0.0) as usize).filter(|_| position >= 0.0) {
                Some(count) => *count += 1,
                None if *error < 0.0 => bars.beyond[0] += 1,
                None => bars.beyond[1] += 1,
            }
        }
        bars
    }

    /// Where the bar at a position begins.
    fn edge(&self, position: usize) -> f64 {
        (position as f64 - self.side as f64) * self.width
    }
}

/// The histogram of prediction - target over all test crystals.
pub(super) fn chart(evaluation: &Evaluation) -> Markup {
    let errors: Vec<f64> = evaluation.outcomes().map(super::Outcome::error).collect();
    let bars = Bars::new(&errors);
    let axis = Axis::new(bars.edge(0), bars.edge(2 * bars.side));
    let highest = bars.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = round_step(highest / COUNT_TICKS).max(1.0);
    let top = (highest / step).ceil() * step;
    let base = HEIGHT - BOTTOM;
    let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * axis.share(value);
    let y = |count: f64| base - (base - TOP) * count / top;
    let format = Format::of(bars.width);
    let unit = unit::shown(", ", &evaluation.unit, "");
    let label = format!("predicted \u{2212} known {}{unit}", evaluation.property);
    html! {
        svg class="chart" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label="Histogram of errors" {
            @for line in 0..=(top / step) as usize {
                @let count = line as f64 * step;
                line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(length(y(count))) y2=(length(y(count))) {}
                text class="tick end" x=(LEFT - 7.0) y=(length(y(count) + 4.0)) { (grouped(count as usize)) }
            }
            text class="tick" x="2" y=(TOP - 9.0) { "crystals" }
            @for (position, &count) in bars.counts.iter().enumerate().filter(|bar| *bar.1 > 0) {
                @let (from, to) = (bars.edge(position), bars.edge(position + 1));
                // A single crystal among thousands is still seen.
                @let tall = (base - y(count as f64)).max(1.0);
                rect class="bar" x=(length(x(from))) width=(length((x(to) - x(from) - GAP).max(0.5)))
                    y=(length(base - tall)) height=(length(tall)) {
                    title { (format.write(from)) " to " (format.write(to)) ": " (counted(count, "crystal")) }
                }
            }
            line class="axis" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(base) y2=(base) {}
            line class="diagonal" x1=(length(x(0.0))) x2=(length(x(0.0))) y1=(TOP) y2=(base) {}
            @for (value, label) in axis.ticks(TICKS) {
                line class="axis" x1=(length(x(value))) x2=(length(x(value))) y1=(base) y2=(base + 4.0) {}
                text class="tick middle" x=(length(x(value))) y=(base + 17.0) { (label) }
            }
            text class="label middle" x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 8.0) { (label) }
        }
        @if bars.beyond != [0, 0] {
            p class="legend" {
                span { "not shown: " (grouped(bars.beyond[0])) " below, " (grouped(bars.beyond[1])) " above" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::example::{evaluation, outcome};

    #[test]
    fn zero_is_an_edge() {
        let bars = Bars::new(&[-2.0, -0.01, 0.0, 0.01, 2.0]);
        assert_eq!((bars.width, bars.side), (0.1, 20));
        assert_eq!(bars.counts[..1], [1]);
        assert_eq!(bars.counts[19..21], [1, 2]);
        // Bars hold their lower edge, so that 2 is beyond the last one.
        assert_eq!(bars.beyond, [0, 1]);
    }

    #[test]
    fn perfect_predictions_can_be_drawn() {
        let svg = chart(&evaluation(vec![outcome("a", 1.0, 1.0, &[])])).into_string();
        assert_eq!(svg.matches("class=\"bar\"").count(), 1);
        assert!(!svg.contains("NaN"), "{svg}");
    }

    proptest! {
        #[test]
        fn every_crystal_is_counted(errors in prop::collection::vec(-1e3..1e3, 1..200), exponent in -90..90_i32) {
            let errors: Vec<f64> = errors.into_iter().map(|error: f64| error * 10_f64.powi(exponent)).collect();
            let bars = Bars::new(&errors);
            prop_assert_eq!(bars.counts.iter().sum::<usize>() + bars.beyond[0] + bars.beyond[1], errors.len());
            prop_assert!(bars.counts.len() <= 120);
        }
    }
}
