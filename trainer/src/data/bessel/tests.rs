use super::*;
use crate::data::golden::{Golden, golden_folder};
use proptest::prelude::*;

/// A number as the unevaluated sum of two doubles: about 32 digits.
#[derive(Clone, Copy)]
struct DoubleDouble {
    high: f64,
    low: f64,
}

impl DoubleDouble {
    fn new(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }

    fn renormalised(high: f64, low: f64) -> Self {
        let sum = high + low;
        Self { high: sum, low: low - (sum - high) }
    }

    fn plus(self, other: Self) -> Self {
        let sum = self.high + other.high;
        let from_other = sum - self.high;
        let lost = (self.high - (sum - from_other)) + (other.high - from_other);
        Self::renormalised(sum, lost + self.low + other.low)
    }

    fn times(self, other: Self) -> Self {
        let product = self.high * other.high;
        let lost = self.high.mul_add(other.high, -product);
        Self::renormalised(product, lost + self.high * other.low + self.low * other.high)
    }

    fn divided_by(self, divisor: f64) -> Self {
        let quotient = self.high / divisor;
        let rest = self.plus(Self::new(divisor).times(Self::new(-quotient)));
        Self::renormalised(quotient, rest.high / divisor)
    }
}

/// The power series alone, in about 32 digits: right to 1e-16 up to arguments of 40, where a sum
/// in doubles has no digit left.
fn reference(order: usize, x: f64) -> f64 {
    let argument = DoubleDouble::new(x);
    let half_square = argument.times(argument).divided_by(-2.0);
    let mut term = (1..=order)
        .fold(DoubleDouble::new(1.0), |term, l| term.times(argument).divided_by((2 * l + 1) as f64));
    let mut sum = term;
    for k in 1..200 {
        term = term.times(half_square).divided_by((k * (2 * (order + k) + 1)) as f64);
        sum = sum.plus(term);
    }
    sum.high
}

#[test]
fn closed_forms_of_the_lowest_orders() {
    for x in [0.5_f64, 3.0, 11.0] {
        assert!((spherical_bessel(0, x) - x.sin() / x).abs() < 1e-15);
        let second = (3.0 / x.powi(3) - 1.0 / x) * x.sin() - 3.0 / (x * x) * x.cos();
        assert!((spherical_bessel(2, x) - second).abs() < 1e-13);
    }
    assert_eq!(spherical_bessel(0, 0.0), 1.0);
    assert_eq!(spherical_bessel(3, 0.0), 0.0);
}

#[test]
fn zeros_interlace_and_norms_normalise() {
    let constants = bessel_constants();
    for l in 0..ORDERS {
        for n in 0..RADIAL {
            let zero = constants.zeros[l][n];
            assert!(reference(l, zero).abs() < 1e-15 * zero, "z[{l}][{n}] = {zero}");
            if l > 0 {
                assert!(zero > constants.zeros[l - 1][n]);
            }
            let steps = 4000;
            let integral: f64 = (0..steps)
                .map(|step| (step as f64 + 0.5) / steps as f64)
                .map(|x| (constants.norms[l][n] * reference(l, zero * x) * x).powi(2) / steps as f64)
                .sum();
            assert!((integral - 1.0).abs() < 1e-4, "norm of ({l}, {n}): {integral}");
        }
    }
    assert!((constants.zeros[0][2] - 3.0 * PI).abs() < 1e-14);
    // First zero of j_1: the root of tan x = x.
    assert!((constants.zeros[1][0] - 4.493_409_457_909_064).abs() < 1e-14);
}

#[test]
fn golden_constants() {
    let Some(folder) = golden_folder() else { return };
    let golden = Golden::read(&folder.join("bessel_constants.safetensors"));
    let constants = bessel_constants();
    for (name, found) in [("zeros", constants.zeros), ("norm", constants.norms)] {
        for (found, expected) in found.as_flattened().iter().zip(golden.doubles(name)) {
            assert!((found / expected - 1.0).abs() < 1e-12, "{name}: {found}, expected {expected}");
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_the_series_in_32_digits(order in 0_usize..=7, x in 0.0..30.0) {
        let expected = reference(order, x);
        let found = spherical_bessel(order, x);
        // Near a zero only the absolute error can be small; below the order the value itself is.
        let scale = if x < order as f64 { expected.abs() } else { 1.0 / x.max(1.0) };
        prop_assert!((found - expected).abs() <= 1e-13 * scale, "j_{order}({x}) = {found}, expected {expected}");
    }
}
