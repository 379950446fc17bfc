//! Spherical Bessel functions of the first kind, their zeros and the norms of the spherical basis
//! (specification, section 3), in double precision.

use std::f64::consts::{PI, SQRT_2};
use std::sync::LazyLock;

pub use kernels::triplet::{ORDERS, RADIAL};

/// Number of terms of the power series, more than a double can resolve. At the largest argument of the series, x = 8
/// for l = 7, the 30th term is below 1e-30 of the first.
const SERIES_TERMS: usize = 30;
/// Number of bisections after which the ends of a bracket of width π are neighbouring doubles.
const BISECTIONS: usize = 64;

/// Zeros `z_ln` and norms `N_ln` of the spherical basis (specification, section 3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BesselConstants {
    /// Zeros `z[l][n]`: the (n+1)-th positive zero of `j_l`.
    pub zeros: [[f64; RADIAL]; ORDERS],
    /// Norms `N[l][n] = √2 / |j_{l+1}(z_ln)|`, so that `∫₀¹ (N_ln j_l(z_ln x))² x² dx = 1`.
    pub norms: [[f64; RADIAL]; ORDERS],
}

/// Returns the constants, which are computed once.
pub fn bessel_constants() -> &'static BesselConstants {
    static CONSTANTS: LazyLock<BesselConstants> = LazyLock::new(BesselConstants::compute);
    &CONSTANTS
}

impl BesselConstants {
    /// Computes the zeros by bisection between the zeros of the order below, which interlace them.
    fn compute() -> Self {
        let mut zeros = [[0.0; RADIAL]; ORDERS];
        let mut below: Vec<f64> = (1..=RADIAL + ORDERS).map(|n| n as f64 * PI).collect();
        for (order, row) in zeros.iter_mut().enumerate() {
            if order > 0 {
                below = below.windows(2).map(|bracket| zero_between(order, bracket[0], bracket[1])).collect();
            }
            row.copy_from_slice(&below[..RADIAL]);
        }
        let norms = std::array::from_fn(|order| {
            zeros[order].map(|zero| SQRT_2 / spherical_bessel(order + 1, zero).abs())
        });
        Self { zeros, norms }
    }
}

/// Returns the zero of `j_order` between two arguments at which its signs differ.
fn zero_between(order: usize, mut low: f64, mut high: f64) -> f64 {
    let rising = spherical_bessel(order, low) < 0.0;
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if (spherical_bessel(order, middle) < 0.0) == rising {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Returns `j_order(x)` for `x ≥ 0`. It is stable at every argument: the power series is used below `x = order + 1`,
/// where the upward recurrence amplifies rounding errors, and the recurrence above, where the series cancels.
pub fn spherical_bessel(order: usize, x: f64) -> f64 {
    if x < order as f64 + 1.0 { power_series(order, x) } else { upward_recurrence(order, x) }
}

/// Returns `x^l / (2l+1)!! · Σ_k (-x²/2)^k / (k! (2l+3)(2l+5)…(2l+2k+1))`.
fn power_series(order: usize, x: f64) -> f64 {
    let leading: f64 = (1..=order).map(|l| x / (2 * l + 1) as f64).product();
    let half_square = 0.5 * x * x;
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..=SERIES_TERMS {
        term *= -half_square / (k * (2 * (order + k) + 1)) as f64;
        sum += term;
    }
    leading * sum
}

/// Returns `j_l` by `j_{l+1} = (2l+1)/x · j_l - j_{l-1}` from `j_0 = sin x / x` and `j_1 = (j_0 - cos x) / x`.
fn upward_recurrence(order: usize, x: f64) -> f64 {
    let (sine, cosine) = x.sin_cos();
    let zeroth = sine / x;
    if order == 0 {
        return zeroth;
    }
    let mut before = zeroth;
    let mut current = (zeroth - cosine) / x;
    for l in 1..order {
        (before, current) = (current, (2 * l + 1) as f64 / x * current - before);
    }
    current
}

#[cfg(test)]
mod tests;
