//! Fine-tuning: the encoders with a head, trained on one property (specification, section 6).
//!
//! * [`objective`]: the loss
//! * [`member`]: one run, of one fold and one seed
//! * [`ensemble`]: every fold and seed of a task, in one folder
//! * [`ensemble_record`]: what that folder was begun with
//! * [`predictor`]: a fine-tuned model that predicts

pub mod ensemble;
pub mod ensemble_record;
pub mod member;
pub mod objective;
pub mod predictor;

pub use ensemble::{Request, Summary, finetune};
pub use predictor::Predictor;
