//! Pre-training and fine-tuning of graph neural networks for crystals, and prediction with them.
//!
//! The first model is MMPT (Yu et al., <https://arxiv.org/abs/2306.05344>). The input is the feature stores that
//! `etl` writes.
//!
//! References to the specification are to `docs/src/specification.md`, a page of the book.
//!
//! The modules, in the order of the data flow:
//!
//! * [`data`]: from shards to batches of graphs
//! * [`model`] and [`ops`]: from batches to embeddings and predictions; the CPU kernels are the crate [`kernels`]
//! * [`optimiser`]: gradients and the updates of weights
//! * [`run`]: training loops, metrics and checkpoints
//! * [`mod@pretrain`]: pre-training of encoders without a property
//! * [`finetune`] and [`task`]: fine-tuning for a property
//! * [`mod@predict`] and [`mod@evaluate`]: predictions of fine-tuned models
//! * [`report`]: scores, report pages and leaderboard files
//! * [`mod@compare`]: grids of runs, their tables and figures
//! * [`nearest`], [`space`], [`mod@neighbours`], [`mod@duplicates`] and [`mod@map`]: crystals as points in the space of
//!   embeddings, those near each other, the same structure twice, a picture
//!
//! Further modules: [`config`] (settings), [`device`] (devices by name), [`weights`] (safetensors files), [`catalogue`]
//! (weights by name), [`verify`]
//! (comparison with a reference implementation), [`embed`] and [`mod@bench`] (two commands), [`table`] (formats of
//! tables), [`mod@unit`] (units in texts), [`ranks`] (training over several processes), [`raw`] (`unsafe` code),
//! [`statistics`] (scores, means and quantiles), [`atomic`] (atomic replacement of files) and [`error`].

pub mod atomic;
pub mod bench;
pub mod catalogue;
pub mod compare;
pub mod config;
pub mod data;
pub mod device;
pub mod duplicates;
pub mod embed;
pub mod error;
pub mod evaluate;
mod exact;
pub mod finetune;
pub mod map;
pub mod model;
pub mod nearest;
pub mod neighbours;
pub mod ops;
pub mod optimiser;
pub mod predict;
pub mod pretrain;
pub mod ranks;
pub mod raw;
pub mod report;
pub mod run;
pub mod space;
pub mod statistics;
pub mod table;
pub mod task;
mod text_file;
mod toml_text;
pub mod unit;
pub mod verify;
pub mod weights;

pub use error::TrainError;
