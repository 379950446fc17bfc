//! Gradients by parameter name, and the optimiser that applies them.

mod adam;
mod gradients;

pub use adam::{Adam, Moments, Rates};
pub use gradients::Gradients;
