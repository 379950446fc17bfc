//! The numerical kernels of the encoder on the CPU: pure functions over row-major slices, forward and
//! backward, without any tensor library.
//!
//! What they share:
//! * Results do not depend on the number of threads: rows are cut into blocks of fixed size, and sums over
//!   blocks are taken in a fixed order.
//! * A block goes through a whole kernel while it is in the cache, and each result is written once.
//! * Loops and products use the widest vectors of the machine, chosen at run time ([`Level`]).
//! * Shapes, offsets and indices come from our own batches: wrong ones are programming errors and panic.

pub mod adam;
pub mod attention;
mod awake;
pub mod cross_entropy;
pub mod dense;
mod matrix;
pub mod neighbour;
mod parallel;
pub mod radial;
mod real;
mod topology;
pub mod triplet;

pub use crate::raw::simd::Level;
pub use real::Real;
pub use topology::Topology;

#[cfg(test)]
mod testing;
