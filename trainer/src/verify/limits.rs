//! How much a computation may deviate from the reference's numbers in double precision.

use super::Kind;

/// Largest deviation of intermediates, losses and the fine-tuned model in single precision.
const SINGLE: f64 = 1e-5;
/// Largest deviation of gradients in single precision.
const SINGLE_GRADIENT: f64 = 1e-4;
/// Largest deviation of a step in single precision. It moves a weight by 1e-5 at most: a looser limit
/// would not see that it is missing.
const SINGLE_STEP: f64 = 1e-6;
/// Largest deviation in double precision.
const DOUBLE: f64 = 1e-9;
/// Largest deviation, in double precision, from gradients that are stored in single precision.
const DOUBLE_FROM_STORED: f64 = 1e-7;

/// The limit of a comparison computed in single precision, relative to the largest magnitude.
pub fn single(kind: Kind) -> f64 {
    match kind {
        Kind::Tensor | Kind::Loss | Kind::Finetuning => SINGLE,
        Kind::GradientNorm | Kind::Gradient => SINGLE_GRADIENT,
        Kind::Step => SINGLE_STEP,
    }
}

/// The limit of a comparison computed in double precision, relative to the largest magnitude.
pub fn double(kind: Kind) -> f64 {
    match kind {
        Kind::Gradient => DOUBLE_FROM_STORED,
        Kind::Tensor | Kind::Loss | Kind::GradientNorm | Kind::Step | Kind::Finetuning => DOUBLE,
    }
}
