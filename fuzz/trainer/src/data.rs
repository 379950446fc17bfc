//! What weights name of the data they were trained on.

#[path = "../../../trainer/src/data/connectivity.rs"]
pub mod connectivity;
#[path = "../../../trainer/src/data/labels.rs"]
pub mod labels;
#[path = "../../../trainer/src/data/lattice.rs"]
pub mod lattice;

pub use connectivity::Graph;
pub use labels::PeriodicLabels;
pub use lattice::LatticeStatistics;
