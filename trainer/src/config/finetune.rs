//! Settings of fine-tuning.

use super::fault::{POSITIVE, Range, WIDTH};
use super::section::section;

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
        /// Whether fine-tuning leaves the encoders as they are.
        pub freeze_encoder: bool = false;
        /// Share of the training crystals that fine-tuning uses; a smaller share is part of a larger one.
        pub fraction: f64 = 1.0, in SOME;
    }
}
