//! Settings of fine-tuning.

use serde::{Deserialize, Serialize};

use super::fault::{BETWEEN_0_AND_1, NOT_NEGATIVE, POSITIVE, Range, WIDTH};
use super::run::Select;
use super::section::{Setting, section};

/// The loss of fine-tuning, on the standardised target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// Mean absolute error.
    #[default]
    L1,
    /// Mean squared error.
    Mse,
    /// Huber's loss (doi:10.1214/aoms/1177703732) of an error e: `e²/2` up to δ, and `δ (|e| − δ/2)` beyond it. δ is
    /// [`FinetuneConfig::huber_delta`].
    Huber,
    /// The pinball loss of a quantile (Koenker and Bassett, doi:10.2307/1913643). The model predicts that quantile.
    Quantile,
}

impl Setting for Loss {}

impl Loss {
    /// Returns what the reported loss of a number is, which also chooses the weights. [`FinetuneConfig::reported_loss`] adds the
    /// quantile.
    pub fn reported(self) -> &'static str {
        match self {
            Self::L1 | Self::Mse | Self::Huber => "mean absolute error",
            Self::Quantile => "pinball loss",
        }
    }
}

/// The standardisation of the target by the training part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standardise {
    /// By mean and population standard deviation, `√(Σ (y − ȳ)² / n)`.
    #[default]
    Population,
    /// By mean and sample standard deviation, `√(Σ (y − ȳ)² / (n − 1))`.
    Sample,
    /// None: the model predicts the target as it is.
    None,
}

impl Setting for Standardise {}

/// The weights that a fine-tuning keeps as its best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FinetuneSelect {
    /// Those of the epoch with the lowest mean absolute error of the validation part.
    #[default]
    Validation,
    /// Those of the last epoch.
    Last,
}

impl Setting for FinetuneSelect {}

impl From<FinetuneSelect> for Select {
    fn from(select: FinetuneSelect) -> Self {
        match select {
            FinetuneSelect::Validation => Self::Validation,
            FinetuneSelect::Last => Self::Last,
        }
    }
}

/// The weights of classes in the cross entropy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// Every crystal counts alike.
    #[default]
    None,
    /// Every class counts alike, however many crystals it has.
    Balanced,
}

impl Setting for ClassWeights {}

/// The crystals for validation in a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldOut {
    /// The same ones in every fold, but for those that are tested.
    #[default]
    Same,
    /// Others in every fold.
    PerFold,
}

impl Setting for HeldOut {}

impl HeldOut {
    /// Returns the word for it in a configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::PerFold => "per-fold",
        }
    }
}

/// A share of the crystals that is not zero.
const SOME: Range<f64> =
    Range { holds: |share| *share > 0.0 && *share <= 1.0, needed: "greater than 0 and at most 1" };

section! {
    /// The head of a fine-tuned model and what is trained of it.
    pub struct FinetuneConfig {
        /// Width of the hidden layers of a fine-tuned model's head.
        pub head_width: usize = 128, in WIDTH;
        /// Learning rate of the head, which the schedule changes as it does the encoders', or "none" for theirs.
        pub head_learning_rate: Option<f64> = None, in POSITIVE, with "super::optional";
        /// Factor of the learning rate from each layer of the encoder to the layer below it; 1 for one rate. The last layer
        /// has the full rate, the embeddings of atoms and edges the lowest.
        pub layer_decay: f64 = 1.0, in SOME;
        /// Whether fine-tuning leaves the encoders as they are. A layer that the weights lack is trained in any case.
        pub freeze_encoder: bool = false;
        /// Share of the training crystals that fine-tuning uses; a smaller share is part of a larger one.
        pub fraction: f64 = 1.0, in SOME;
        /// Whether the validation crystals are trained on, too. They are still validated on, but decide nothing: it needs
        /// the last epoch's weights, no early stop and another schedule than "plateau". The test part is never trained on.
        pub train_on_validation: bool = false;
        /// How a cross-validation draws the crystals for validation: "same" (once; a drawn crystal validates every fold
        /// that does not test it) or "per-fold" (anew for each fold, so that more crystals validate some fold).
        pub validation: HeldOut = HeldOut::default();
        /// Weight of the loss of denoising beside that of the property, with heads for the noise on the crystals ("Noisy
        /// Nodes", arXiv 2106.07971), those of the weights if they have some; 0 for no such loss. It needs noise.displacement
        /// or noise.strain, and MMPT's encoder.
        pub noise_weight: f64 = 0.0, in NOT_NEGATIVE;
        /// Loss on the standardised target: "l1" (mean absolute error), "mse" (mean squared error), "huber" (squares of
        /// small errors, absolute values of large ones) or "quantile" (the pinball loss). That of classes is the cross
        /// entropy.
        pub loss: Loss = Loss::default();
        /// Error in standard deviations where "huber" goes over from squares to absolute values.
        pub huber_delta: f64 = 1.0, in POSITIVE;
        /// The quantile that a model trained with "quantile" predicts; 0.5 is the median.
        pub quantile: f64 = 0.5, in BETWEEN_0_AND_1;
        /// How the target is standardised by the training part: by its mean and the "population" or "sample" standard
        /// deviation, or "none".
        pub standardise: Standardise = Standardise::default();
        /// Weights of classes in the cross entropy: "none", for probabilities that fit the crystals' shares, or "balanced",
        /// so that rare classes count as much as common ones.
        pub class_weights: ClassWeights = ClassWeights::default();
        /// Whether the weights at the ends of the cycles of the schedule "cosine" are kept beside the last ones, and the mean of
        /// their predictions is the model's ("Snapshot Ensembles", arXiv 1704.00109). It needs schedule.cosine.cycles, the last
        /// epoch's weights and no early stop.
        pub snapshots: bool = false;
        /// Which weights are kept as the best: "validation" (lowest error of the validation part) or "last" (last epoch).
        pub select: FinetuneSelect = FinetuneSelect::default();
    }
}

impl FinetuneConfig {
    /// Returns what the reported loss of a number is, such as `pinball loss of the quantile 0.9`.
    pub fn reported_loss(&self) -> String {
        let name = self.loss.reported();
        match self.loss {
            Loss::L1 | Loss::Mse | Loss::Huber => name.to_owned(),
            Loss::Quantile => format!("{name} of the quantile {}", self.quantile),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reported_loss_names_its_quantile() {
        let of = |loss| FinetuneConfig { loss, quantile: 0.9, ..FinetuneConfig::default() }.reported_loss();
        assert_eq!(of(Loss::Huber), "mean absolute error");
        assert_eq!(of(Loss::Quantile), "pinball loss of the quantile 0.9");
    }
}
