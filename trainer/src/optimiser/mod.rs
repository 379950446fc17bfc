//! Gradients by parameter name, and the optimisers that apply them.
//!
//! * [`Gradients`]: accumulation, norm and clipping
//! * [`Optimiser`]: the state of the parameters and the step on all of them
//! * `adam`, `sgd`: the step on a flat tensor
//! * `parameters`: the parameters of a model as flat tensors

mod adam;
mod gradients;
mod parameters;
mod sgd;
mod state;

pub use gradients::{Gradients, Norm};
pub(crate) use parameters::{flat_parameters, replace};
pub use state::{Moments, Optimiser, Rates};
