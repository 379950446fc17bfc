//! The data path: from shards to batches of graphs.
//!
//! * [`store`]: shards by path or pattern, and checks that they fit together; `fingerprint`: one hash of them all
//! * [`subset`]: selection of crystals
//! * [`stream`]: epochs of batches, built by threads in bounded memory, with its parts [`stored`] and [`limit`]
//! * [`share`]: the share of a batch that each of several processes builds
//! * [`batch`]: several crystals as one graph with the bases that depend on data alone; [`inputs`]: its optional
//!   parts
//! * [`input`], [`graph`] and [`adjacency`]: edges, angles and centre distances of one crystal (specification,
//!   sections 2.5 and 2.6)
//! * [`basis`] and [`bessel`]: envelope and spherical basis (specification, section 3)
//! * [`extraction`]: which neighbours of an atom a store holds
//! * `derived`: graphs with other edges than the stored ones, `simple` or `undirected`, as `edge_lists`
//! * [`connectivity`] and [`labels`]: choice of the edges and of their periodic labels (specification, section 2.4)
//! * [`mask`]: the mutex masks (specification, section 5)
//! * [`lattice`] and [`statistics`]: lattice statistics, and losses of the constant predictor
//! * [`size`] and [`sample`]: sizes of batches, and random samples of a store
//! * [`random`]: random numbers that depend only on seeds

pub mod adjacency;
pub mod basis;
pub mod batch;
pub mod bessel;
pub mod connectivity;
mod derived;
mod edge_lists;
pub mod error;
pub mod extraction;
pub(crate) mod fingerprint;
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
pub(crate) mod pattern;
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
pub(crate) mod test_crystal;
#[cfg(test)]
pub(crate) mod test_store;
pub(crate) mod undirected;

pub use batch::{BatchBuilder, BatchFloat, BatchSettings, GraphBatch};
pub use connectivity::{Graph, SelfEdges};
pub use error::{DataError, GraphError};
pub use extraction::Extraction;
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
