//! The trainer: feature stores through MMPT.
//!
//! The specification that the documentation refers to is a page of the book, `docs/src/specification.md`.
//!
//! The modules in the order the data passes:
//!
//! * [`data`]: shards into batches of graphs
//! * [`model`] on [`ops`]: batches into encodings and predictions; the CPU's loops are a crate of their own,
//!   [`kernels`]
//! * [`optimiser`]: gradients into weights
//! * [`run`]: epochs, records, checkpoints
//! * [`mod@pretrain`]: encoders from crystals alone
//! * [`finetune`] for a [`task`]: encoders into models of a property
//! * [`mod@predict`] and [`mod@evaluate`]: those into predictions
//! * [`report`]: predictions into scores, pages and leaderboard files
//! * [`mod@compare`]: many of all these into tables and figures
//!
//! Beside them: [`config`] (every setting), [`device`] (backends by name), [`weights`] (safetensors),
//! [`verify`] (comparison with another implementation), [`embed`] and [`mod@bench`] (two commands),
//! [`table`] (formats of tables), [`mod@unit`] (units in texts), [`ranks`] (training over several
//! processes), [`raw`] (`unsafe` code), [`atomic`] (files whole or not at all), [`error`].

pub mod atomic;
pub mod bench;
pub mod compare;
pub mod config;
pub mod data;
pub mod device;
pub mod embed;
pub mod error;
pub mod evaluate;
mod exact;
pub mod finetune;
pub mod model;
pub mod ops;
pub mod optimiser;
pub mod predict;
pub mod pretrain;
pub mod ranks;
pub mod raw;
pub mod report;
pub mod run;
pub mod table;
pub mod task;
mod text_file;
mod toml_text;
pub mod unit;
pub mod verify;
pub mod weights;

pub use error::TrainError;
