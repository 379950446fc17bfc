//! The model: one file a part, in the order the data passes (specification, sections 4 and 5). It is MMPT, by
//! Yu et al. (<https://arxiv.org/abs/2306.05344>); "Eq." is an equation of theirs.

pub mod attention;
pub mod batch;
pub mod decoder;
pub mod dimenet;
#[cfg(test)]
pub(crate) mod example;
pub mod lattice;
pub mod linear;
pub mod mask;
pub mod mmpt;
pub mod names;
pub mod parameter;
pub mod property;
pub mod radial;
pub mod structure;
#[cfg(test)]
mod tests;
pub mod trace;

pub use batch::Batch;
pub use mmpt::{Encoding, Mmpt, Prediction};
pub use property::PropertyModel;
pub use trace::Trace;
