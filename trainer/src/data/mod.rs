//! From shards to batches of graphs.
//!
//! * [`store`]: which files to read, and that they fit together
//! * [`subset`]: which of their crystals
//! * [`stream`]: epochs of batches, built by threads in bounded memory; [`stored`] and [`limit`]
//!   are its parts
//! * [`share`]: which part of a batch one of several processes builds
//! * [`batch`]: many crystals as one graph with every basis that depends on data alone; [`inputs`]: which of them
//! * [`input`], [`graph`] and [`adjacency`]: one crystal's edges, angles and centre distances (specification,
//!   sections 2.5 and 2.6)
//! * [`basis`] and [`bessel`]: envelope and spherical basis (specification, section 3)
//! * `simple`: the simple graph of the ablation without the multigraph
//! * [`connectivity`] and [`labels`]: which edges, and which pair of their periodic labels (specification, section 2.4)
//! * [`mask`]: the mutex masks (specification, section 5)
//! * [`lattice`] and [`statistics`]: lattice statistics and what constant predictors score
//! * [`size`] and [`sample`]: how large batches are and can become; crystals drawn from the whole store
//! * [`random`]: random numbers that depend on seeds alone

pub mod adjacency;
pub mod basis;
pub mod batch;
pub mod bessel;
pub mod connectivity;
pub mod error;
#[cfg(test)]
pub(crate) mod golden;
pub mod graph;
mod histogram;
pub mod input;
pub mod inputs;
pub mod labels;
pub mod lattice;
pub mod limit;
pub mod mask;
mod pattern;
pub mod random;
pub mod sample;
pub mod share;
mod shuffle;
mod simple;
pub mod size;
pub mod statistics;
pub mod store;
pub mod stored;
pub mod stream;
pub mod subset;
#[cfg(test)]
pub(crate) mod test_store;

pub use batch::{BatchBuilder, BatchFloat, BatchSettings, GraphBatch};
pub use connectivity::Graph;
pub use error::{DataError, GraphError};
pub use graph::CrystalGraph;
pub use input::GraphInput;
pub use inputs::Inputs;
pub use labels::PeriodicLabels;
pub use lattice::LatticeStatistics;
pub use limit::BatchLimit;
pub use mask::random_mask;
pub use share::{Origin, Share};
pub use statistics::ConstantPredictor;
pub use store::Sources;
pub use stream::{Stream, StreamSettings};
pub use subset::{Selection, SplitPart, Subset};
