//! Histogram of the errors.

use etl::chart::round_step;
use etl::stats::Histogram;
use etl::stats::chart::{self, Marks};
use maud::{Markup, html};

use super::Evaluation;
use super::number::grouped;
use crate::statistics::quantile;

/// Size of the drawing, in the units of its view box.
const SIZE: (f64, f64) = (522.0, 250.0);
/// Maximum number of bars on each side of zero. Their round width makes them fewer.
const BARS: f64 = 30.0;
/// Share of the crystals whose errors fit the axis. The others would stretch it.
const SHOWN: f64 = 0.99;

/// Counts errors in bars of equal width, with an edge at zero and the same number of bars on both sides.
fn bars(errors: &[f64]) -> Histogram {
    let sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    let shown = quantile(&sizes, SHOWN).filter(|&size| size > f64::MIN_POSITIVE).unwrap_or(1.0);
    let width = round_step(shown / BARS);
    let side = (shown / width).ceil().clamp(1.0, 2.0 * BARS);
    let mut bars = Histogram::new(-side * width, width, 2 * side as usize);
    for error in errors {
        // From zero, where the sign decides, rather than from the first edge, which is rounded.
        let position = (error / width).floor() + side;
        match bars.counts.get_mut(position.max(0.0) as usize).filter(|_| position >= 0.0) {
            Some(count) => *count += 1,
            None if *error < 0.0 => bars.below += 1,
            None => bars.above += 1,
        }
    }
    bars
}

/// Draws the histogram of prediction - target over all test crystals.
pub(super) fn chart(evaluation: &Evaluation) -> Markup {
    let errors: Vec<f64> = evaluation.outcomes().map(super::Outcome::error).collect();
    let bars = bars(&errors);
    let axis = format!("predicted \u{2212} known {}", evaluation.quantity());
    let counted = format!("{}s", evaluation.noun());
    html! {
        (chart::histogram(&bars, SIZE, &axis, &counted, Marks { zeros: 0, line: Some(0.0) }))
        @if bars.below + bars.above > 0 {
            p class="legend" {
                span { "not shown: " (grouped(bars.below as usize)) " below, " (grouped(bars.above as usize)) " above" }
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
        let bars = bars(&[-2.0, -0.01, 0.0, 0.01, 2.0]);
        assert_eq!((bars.width, bars.start, bars.counts.len()), (0.1, -2.0, 40));
        assert_eq!(bars.counts[..1], [1]);
        assert_eq!(bars.counts[19..21], [1, 2]);
        // Bars hold their lower edge, so that 2 is beyond the last one.
        assert_eq!((bars.below, bars.above), (0, 1));
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
            let bars = bars(&errors);
            prop_assert_eq!(bars.total(), errors.len() as u64);
            prop_assert!(bars.counts.len() <= 120);
        }
    }
}
