//! Gradients by parameter name, and the step that uses them.

mod adam;
mod gradients;

pub use adam::{Adam, Moments, Rates};
pub use gradients::Gradients;
