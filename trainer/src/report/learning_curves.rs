//! Losses of the members of a fine-tuning over their epochs.

use std::collections::BTreeSet;

use etl::chart::{Axis, Plot, colour, drawable, rectangle};
use maud::{Markup, html};

use super::number::counted;

/// Size of the drawing, in the units of its view box.
const SIZE: (f64, f64) = (860.0, 300.0);
/// Margins for the labels: left, above, right, below.
const MARGINS: [f64; 4] = [66.0, 12.0, 16.0, 46.0];
/// Distance of the left axis's name from the axis.
const NAME_DISTANCE: f64 = 51.0;
/// Approximate numbers of ticks of the axes.
const TICKS: (f64, f64) = (10.0, 5.0);
/// Free share of the range above and below the curves.
const HEADROOM: f64 = 0.05;

/// Points of a curve: epoch, from 1, and loss.
pub type Points = Vec<(f64, f64)>;

/// Losses of a member, in the unit of [`LearningCurves::quantity`].
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCurve {
    /// Name of its fold.
    pub fold: String,
    /// Mean training loss of every epoch.
    pub train: Points,
    /// Mean validation loss of every epoch that has one.
    pub validation: Points,
}

/// Losses of all members.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LearningCurves {
    /// The loss with its unit: `mean absolute error, eV`.
    pub quantity: String,
    /// The members, seed by seed; none without records of their runs.
    pub members: Vec<LearningCurve>,
}

impl LearningCurves {
    /// Returns the section with the curves; nothing without a point.
    pub(super) fn section(&self) -> Markup {
        let points = || self.members.iter().flat_map(|member| member.train.iter().chain(&member.validation));
        let losses = || points().map(|point| point.1).filter(|&loss| drawable(loss));
        let (lowest, highest) = losses()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), loss| (low.min(loss), high.max(loss)));
        let last = points().map(|point| point.0).fold(1.0, f64::max);
        html! {
            @if lowest <= highest {
                section {
                    h2 { "Learning curves" }
                    p {
                        "Losses of " (counted(self.members.len(), "member")) " over the epochs: training thin, validation thick."
                    }
                    figure { (self.chart(Axis::new(1.0, last), Axis::around(lowest, highest, HEADROOM))) }
                }
            }
        }
    }

    fn chart(&self, epochs: Axis, losses: Axis) -> Markup {
        let plot = Plot::new((0.0, 0.0), SIZE, MARGINS, epochs, losses);
        let mut folds: Vec<&str> = self.members.iter().map(|member| member.fold.as_str()).collect();
        let mut seen = BTreeSet::new();
        folds.retain(|fold| seen.insert(*fold));
        let colour_of = |fold: &str| colour(folds.iter().position(|name| *name == fold).unwrap_or_default());
        let drawn = |points: &Points| -> Points {
            points.iter().copied().filter(|&(_, loss)| drawable(loss)).collect()
        };
        html! {
            svg class="chart" viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) role="img"
                aria-label=(format!("{} over epochs", self.quantity)) {
                (plot.x_axis(&plot.x.whole_ticks(TICKS.0), "epoch", true))
                (plot.y_axis(&plot.y.ticks(TICKS.1)))
                (plot.y_name(&self.quantity, NAME_DISTANCE))
                (rectangle("box", (plot.left, plot.top), (plot.right - plot.left, plot.bottom - plot.top), ""))
                @for member in &self.members {
                    @let colour = colour_of(&member.fold);
                    (plot.curve(&format!("curve thin {colour}"), drawn(&member.train)))
                    (plot.curve(&format!("curve {colour}"), drawn(&member.validation)))
                }
            }
            p class="legend" {
                @for fold in &folds { span class=(colour_of(fold)) { i {} (fold) } " " }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(fold: &str, losses: &[f64]) -> LearningCurve {
        let points = |factor: f64| {
            losses.iter().zip(1_u32..).map(move |(loss, epoch)| (f64::from(epoch), factor * loss))
        };
        LearningCurve {
            fold: fold.to_owned(),
            train: points(1.0).collect(),
            validation: points(1.5).collect(),
        }
    }

    #[test]
    fn every_member_has_two_curves_in_the_colour_of_its_fold() {
        let members = vec![
            curve("fold-0", &[3.0, 2.0, 1.0]),
            curve("fold-1", &[f64::NAN, 2.0]),
            curve("fold-0", &[3.0, 2.5]),
        ];
        let curves = LearningCurves { quantity: "mean absolute error, eV".to_owned(), members };
        let section = curves.section().into_string();
        assert_eq!(section.matches("class=\"curve thin f0\"").count(), 2);
        assert_eq!(section.matches("class=\"curve f1\"").count(), 1);
        assert_eq!(section.matches("<i></i>fold-").count(), 2);
        assert!(section.contains("3 members") && section.contains("mean absolute error, eV"), "{section}");
        assert!(section.contains(">2</text>") && !section.contains("1.5</text>"), "whole epochs: {section}");
        assert!(!section.contains("NaN"), "{section}");
    }

    #[test]
    fn nothing_is_drawn_without_records() {
        assert_eq!(LearningCurves::default().section().into_string(), "");
        let broken =
            LearningCurves { members: vec![curve("split", &[f64::NAN])], ..LearningCurves::default() };
        assert_eq!(broken.section().into_string(), "");
        let one = LearningCurves { members: vec![curve("split", &[1.0])], ..LearningCurves::default() };
        assert!(!one.section().into_string().contains("NaN"));
    }
}
