//! Fine-tuning: an encoder with a head is trained on properties (specification, section 6).
//!
//! * [`criterion`]: the loss; `error_loss`: that of single errors; [`objective`]: the loss of batches
//! * [`standardisation`]: mean and standard deviation of the targets
//! * [`model`]: the model while it is trained; [`member`]: a run for one fold and one seed
//! * [`mod@recipe`]: default settings of a fine-tuning
//! * [`request`]: what is asked for, and whether it fits together
//! * [`ensemble`]: all folds and seeds of a task, in one folder
//! * [`ensemble_record`]: the record of that folder
//! * [`predictor`]: predictions of a fine-tuned model; `predictions`: those for a part
//! * [`validated`]: predictions for validation parts, for intervals; [`calibration`]: those of a member, as a file
//! * [`domain`]: what a model was trained on; `composition`: compositions as points

pub mod calibration;
mod composition;
pub mod criterion;
pub mod domain;
pub mod ensemble;
pub mod ensemble_record;
mod error_loss;
pub mod member;
pub mod model;
pub mod objective;
pub(crate) mod predictions;
pub mod predictor;
pub mod recipe;
pub mod request;
pub mod standardisation;
#[cfg(test)]
mod tests;
pub mod validated;

pub use ensemble::{Request, Summary, finetune, finetune_reporting};
pub use predictor::Predictor;
pub use recipe::recipe;
