//! Allowed deviations from the reference's numbers in double precision.

use super::Kind;

/// Maximum deviation of intermediates, losses and the fine-tuned model in single precision.
const SINGLE: f64 = 1e-5;
/// Maximum deviation of gradients in single precision.
const SINGLE_GRADIENT: f64 = 1e-4;
/// Maximum deviation of a step in single precision. A step moves a weight by at most 1e-5, so that a looser limit
/// would not detect a missing step.
const SINGLE_STEP: f64 = 1e-6;
/// Maximum deviation in double precision.
const DOUBLE: f64 = 1e-9;
/// Maximum deviation in double precision from gradients stored in single precision.
const DOUBLE_FROM_STORED: f64 = 1e-7;

/// Returns the limit of a comparison in single precision, relative to the largest magnitude.
pub fn single(kind: Kind) -> f64 {
    match kind {
        Kind::Tensor | Kind::Loss | Kind::Running | Kind::Finetuning => SINGLE,
        Kind::GradientNorm | Kind::Gradient => SINGLE_GRADIENT,
        Kind::Step => SINGLE_STEP,
    }
}

/// Returns the limit of a comparison in double precision, relative to the largest magnitude.
pub fn double(kind: Kind) -> f64 {
    match kind {
        Kind::Gradient => DOUBLE_FROM_STORED,
        Kind::Tensor | Kind::Loss | Kind::Running | Kind::GradientNorm | Kind::Step | Kind::Finetuning => {
            DOUBLE
        }
    }
}

/// Returns the limit of a comparison in double precision with a fixture that stores intermediates and gradients in
/// single precision, relative to the largest magnitude.
pub fn double_from_stored(kind: Kind) -> f64 {
    match kind {
        Kind::Gradient | Kind::Tensor => DOUBLE_FROM_STORED,
        Kind::Loss | Kind::Running | Kind::GradientNorm | Kind::Step | Kind::Finetuning => DOUBLE,
    }
}
