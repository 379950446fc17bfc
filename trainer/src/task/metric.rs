//! Metrics for the comparison of models.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// Metric for the comparison of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Mean absolute error in the unit of the target.
    #[default]
    Mae,
    /// Of classes: area under the receiver operating characteristic, the mean over the classes of each against the
    /// others.
    RocAuc,
    /// Of classes: mean over the classes of the share of their crystals that are found.
    BalancedAccuracy,
}

impl Metric {
    /// Returns the word of the metric in the file of a task.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mae => "mae",
            Self::RocAuc => "roc_auc",
            Self::BalancedAccuracy => "balanced_accuracy",
        }
    }

    /// Returns the short name of the metric in tables and figures.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mae => "MAE",
            Self::RocAuc => "ROC-AUC",
            Self::BalancedAccuracy => "balanced accuracy",
        }
    }

    /// Whether it scores classes. Such a score is from 0 to 1 and better the higher; an error is better the lower.
    pub fn is_of_classes(self) -> bool {
        self != Self::Mae
    }

    /// Returns the order of two scores, with the better one first.
    pub fn compare(self, left: f64, right: f64) -> Ordering {
        if self.is_of_classes() { right.total_cmp(&left) } else { left.total_cmp(&right) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_files() {
        for metric in [Metric::Mae, Metric::RocAuc, Metric::BalancedAccuracy] {
            let written = serde_json::to_value(metric).expect("a word");
            assert_eq!(written, metric.name());
        }
    }

    #[test]
    fn errors_are_better_low_and_scores_of_classes_high() {
        assert_eq!(Metric::Mae.compare(1.0, 2.0), Ordering::Less);
        assert_eq!(Metric::RocAuc.compare(0.9, 0.8), Ordering::Less);
        assert_eq!(Metric::BalancedAccuracy.compare(0.5, 0.5), Ordering::Equal);
    }
}
