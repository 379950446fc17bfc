//! Bases that depend on data alone (specification, section 3): envelope, radial part of the spherical basis and
//! Legendre functions. They are those of DimeNet (<https://arxiv.org/abs/2003.03123>).
//!
//! The 42 functions `N_ln j_l(z_ln x)` are smooth on `[0, 1]` and are tabulated once as piecewise polynomials. An
//! edge then takes one Horner scheme over contiguous columns instead of 42 sines.

use std::f64::consts::PI;
use std::sync::LazyLock;

use crate::data::bessel::{ORDERS, RADIAL, bessel_constants, spherical_bessel};

pub use kernels::triplet::SPHERICAL;

/// Number of pieces of the table over `0 ≤ x ≤ 1`. With degree 7 and the largest zero 27, the Chebyshev remainder is
/// `(27/256)⁸ / (8! 2⁷) ≈ 3e-15` relative to the functions.
pub(crate) const INTERVALS: usize = 128;
/// Number of coefficients of a piece.
pub(crate) const COEFFICIENTS: usize = 8;
/// Coefficients of the polynomial in [`envelope`].
pub(crate) const ENVELOPE: [f64; 6] = [1.0, 3.0, 6.0, 10.0, 15.0, 21.0];

/// Values of all columns for one edge.
type Columns = [f64; SPHERICAL];

/// Returns `u(x) = 1/x - 28 x⁵ + 48 x⁶ - 21 x⁷` below `x = 1` and 0 from there on (specification, section 3, exponent
/// 5).
///
/// It is evaluated as `(1-x)³ (1 + 3x + 6x² + 10x³ + 15x⁴ + 21x⁵) / x`, which does not cancel near 1.
pub fn envelope(x: f64) -> f64 {
    if x >= 1.0 {
        return 0.0;
    }
    let rest = 1.0 - x;
    let factor = ENVELOPE.iter().rev().fold(0.0, |sum, factor| sum * x + factor);
    rest * rest * rest * factor / x
}

/// Returns `S[6l+n] = u(x) N_ln j_l(z_ln x)` for the scaled distance `x = d / cutoff > 0` and the envelope `u(x)`
/// (specification, section 3); zeros from `x = 1` on.
pub fn spherical(x: f64, envelope: f64) -> [f64; SPHERICAL] {
    if x >= 1.0 {
        return [0.0; SPHERICAL];
    }
    let position = x * INTERVALS as f64;
    let interval = (position as usize).min(INTERVALS - 1);
    let t = 2.0 * (position - interval as f64) - 1.0;
    let piece = &polynomials()[interval];
    let mut values = piece[COEFFICIENTS - 1];
    for coefficients in piece[..COEFFICIENTS - 1].iter().rev() {
        for (value, coefficient) in values.iter_mut().zip(coefficients) {
            *value = *value * t + coefficient;
        }
    }
    values.map(|value| value * envelope)
}

/// Returns the norms `√((2l+1)/4π)` of the angular basis.
pub(crate) fn legendre_norms() -> &'static [f64; ORDERS] {
    static NORMS: LazyLock<[f64; ORDERS]> =
        LazyLock::new(|| std::array::from_fn(|l| ((2 * l + 1) as f64 / (4.0 * PI)).sqrt()));
    &NORMS
}

/// The angular basis with precomputed norms.
#[derive(Debug, Clone, Copy)]
pub struct AngularBasis {
    norms: [f64; ORDERS],
}

impl Default for AngularBasis {
    fn default() -> Self {
        Self { norms: *legendre_norms() }
    }
}

impl AngularBasis {
    /// Returns `Y_l = √((2l+1)/4π) P_l(c)` for the cosine `c` in [-1, 1] and l = 0..=6 (specification, section 3).
    #[inline]
    pub fn values(&self, cosine: f64) -> [f64; ORDERS] {
        let c = cosine;
        let square = c * c;
        let second = 0.5 * (3.0 * square - 1.0);
        let third = 0.5 * c * (5.0 * square - 3.0);
        let fourth = 0.125 * (square * (35.0 * square - 30.0) + 3.0);
        let fifth = 0.125 * c * (square * (63.0 * square - 70.0) + 15.0);
        let sixth = 0.0625 * (square * (square * (231.0 * square - 315.0) + 105.0) - 5.0);
        let n = &self.norms;
        [n[0], n[1] * c, n[2] * second, n[3] * third, n[4] * fourth, n[5] * fifth, n[6] * sixth]
    }
}

/// Returns the table `[interval][degree][column]` of the monomial coefficients in `t ∈ [-1, 1]` of each piece.
pub(crate) fn polynomials() -> &'static [[Columns; COEFFICIENTS]] {
    static TABLE: LazyLock<Vec<[Columns; COEFFICIENTS]>> =
        LazyLock::new(|| (0..INTERVALS).map(tabulate).collect());
    &TABLE
}

/// Returns the polynomials that interpolate the functions at the Chebyshev nodes of one piece.
fn tabulate(interval: usize) -> [Columns; COEFFICIENTS] {
    let angle = |node: usize| PI * (node as f64 + 0.5) / COEFFICIENTS as f64;
    let samples: [Columns; COEFFICIENTS] = std::array::from_fn(|node| {
        let within = 0.5 * (angle(node).cos() + 1.0);
        tabulated_functions((interval as f64 + within) / INTERVALS as f64)
    });
    let mut piece = [[0.0; SPHERICAL]; COEFFICIENTS];
    for (degree, polynomial) in chebyshev_polynomials().iter().enumerate() {
        let weight = if degree == 0 { 1.0 } else { 2.0 } / COEFFICIENTS as f64;
        for column in 0..SPHERICAL {
            let sum: f64 = (0..COEFFICIENTS)
                .map(|node| samples[node][column] * (degree as f64 * angle(node)).cos())
                .sum();
            for (power, coefficient) in polynomial.iter().enumerate() {
                piece[power][column] += weight * sum * coefficient;
            }
        }
    }
    piece
}

/// Returns the monomial coefficients of the Chebyshev polynomials `T_0 … T_7`, by `T_{m+1} = 2 t T_m - T_{m-1}`.
fn chebyshev_polynomials() -> [[f64; COEFFICIENTS]; COEFFICIENTS] {
    let mut polynomials = [[0.0; COEFFICIENTS]; COEFFICIENTS];
    polynomials[0][0] = 1.0;
    polynomials[1][1] = 1.0;
    for degree in 2..COEFFICIENTS {
        for power in 0..COEFFICIENTS {
            let raised = if power == 0 { 0.0 } else { polynomials[degree - 1][power - 1] };
            polynomials[degree][power] = 2.0 * raised - polynomials[degree - 2][power];
        }
    }
    polynomials
}

/// Returns `N_ln j_l(z_ln x)` of every column by its definition.
fn tabulated_functions(x: f64) -> Columns {
    let constants = bessel_constants();
    std::array::from_fn(|column| {
        let (order, n) = (column / RADIAL, column % RADIAL);
        constants.norms[order][n] * spherical_bessel(order, constants.zeros[order][n] * x)
    })
}

#[cfg(test)]
mod tests;
