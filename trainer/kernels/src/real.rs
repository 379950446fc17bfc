//! The number types of the kernels, with arithmetic that the compiler can vectorise.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::raw::product::Product;

/// A number type of the kernels: `f32` for training and `f64` for tests of exactness.
pub trait Real:
    Product
    + Copy
    + Debug
    + Default
    + Send
    + Sync
    + PartialOrd
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;

    /// Returns the nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// Returns the value in double precision.
    fn to_f64(self) -> f64;

    /// Returns e^self. For `f32`, the relative error is below 2e-7 for arguments from −87 to 88, arguments outside
    /// are clamped to these bounds, and NaN is kept. `FUSED` is that of [`Real::multiply_add`].
    fn exp<const FUSED: bool>(self) -> Self;

    /// Returns √self.
    fn sqrt(self) -> Self;

    /// Returns ln(1 + self) for arguments from 0 to 1. For `f32`, the relative error is below 3e-7. NaN is kept.
    fn ln_1p_of_share<const FUSED: bool>(self) -> Self;

    /// Returns ln(1 + e^self), and its derivative, the sigmoid of self.
    #[inline(always)]
    fn softplus_and_sigmoid<const FUSED: bool>(self) -> (Self, Self) {
        let is_negative = self < Self::ZERO;
        // At most 1, so that nothing overflows; a NaN stays in both.
        let share = (if is_negative { self } else { -self }).exp::<FUSED>();
        let positive = if is_negative { Self::ZERO } else { self };
        let inverse = Self::ONE / (Self::ONE + share);
        (positive + share.ln_1p_of_share::<FUSED>(), if is_negative { share * inverse } else { inverse })
    }

    /// Returns `self * factor + addend`. It is rounded once if `FUSED`, which is fast only if the machine has the
    /// instruction.
    fn multiply_add<const FUSED: bool>(self, factor: Self, addend: Self) -> Self;

    /// Returns 1 / (1 + e^−self).
    #[inline(always)]
    fn sigmoid<const FUSED: bool>(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp::<FUSED>())
    }

    /// Returns the larger of two values that are not NaN.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self < other { other } else { self }
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn exp<const FUSED: bool>(self) -> Self {
        f64::exp(self)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    #[inline(always)]
    fn ln_1p_of_share<const FUSED: bool>(self) -> Self {
        f64::ln_1p(self)
    }

    #[inline(always)]
    fn multiply_add<const FUSED: bool>(self, factor: Self, addend: Self) -> Self {
        if FUSED { self.mul_add(factor, addend) } else { self * factor + addend }
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn exp<const FUSED: bool>(self) -> Self {
        exp_f32::<FUSED>(self)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }

    #[inline(always)]
    fn ln_1p_of_share<const FUSED: bool>(self) -> Self {
        ln_1p_f32::<FUSED>(self)
    }

    #[inline(always)]
    fn multiply_add<const FUSED: bool>(self, factor: Self, addend: Self) -> Self {
        if FUSED { self.mul_add(factor, addend) } else { self * factor + addend }
    }
}

/// Bounds of the argument, inside which the power of two of the result is a normal number.
const EXP_RANGE: (f32, f32) = (-87.0, 88.0);
/// The number 1.5 · 2²³. Adding it to a small number rounds that to an integer, which is then in the low mantissa
/// bits.
const ROUNDING: f32 = 12_582_912.0;
/// The number ln 2 in two parts, the first of 9 bits, so that its product with any power in the range is exact.
const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
/// The coefficients 1/k! from k = 7 down to 1. On |r| ≤ ln2/2 the first omitted term, r⁸/8!, is below 6e-9.
const FACTORIALS: [f32; 7] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0];

/// Returns e^x = 2ⁿ · e^r with n = round(x / ln 2) and r = x − n·ln 2, by the series of e^r. It is free of branches,
/// so that loops over it vectorise.
#[inline(always)]
fn exp_f32<const FUSED: bool>(x: f32) -> f32 {
    let (low, high) = EXP_RANGE;
    // Comparisons and not `clamp`, which LLVM vectorises with an extra test; a NaN fails both and stays.
    let x = if x < low { low } else { x };
    let x = if x > high { high } else { x };
    let shifted = x.multiply_add::<FUSED>(std::f32::consts::LOG2_E, ROUNDING);
    let power = shifted - ROUNDING;
    let rest = power.multiply_add::<FUSED>(-LN_2.1, power.multiply_add::<FUSED>(-LN_2.0, x));
    let mut series = FACTORIALS[0];
    for factor in &FACTORIALS[1..] {
        series = series.multiply_add::<FUSED>(rest, *factor);
    }
    let series = series.multiply_add::<FUSED>(rest, 1.0);
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    series * scale
}

/// The coefficients 2/k of s^k in 2 artanh s, from k = 13 down to 3. On s ≤ 1/3 the first omitted term, 2 s¹⁵/15, is
/// below 1e-8.
const ARTANH: [f32; 6] = [2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0];

/// Returns ln(1 + x) = 2 artanh(x/(2 + x)) for x from 0 to 1. It is free of branches.
#[inline(always)]
fn ln_1p_f32<const FUSED: bool>(x: f32) -> f32 {
    let s = x / (2.0 + x);
    let square = s * s;
    let mut series = ARTANH[0];
    for factor in &ARTANH[1..] {
        series = series.multiply_add::<FUSED>(square, *factor);
    }
    series = series.multiply_add::<FUSED>(square, 2.0);
    series * s
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(x: f32) {
        let exact = f64::from(x).exp();
        for value in [Real::exp::<true>(x), Real::exp::<false>(x)] {
            let error = (f64::from(value) / exact - 1.0).abs();
            assert!(error <= 2e-7, "exp({x}) = {value}, relative error {error:e}");
        }
    }

    proptest! {
        #[test]
        fn exp_is_accurate(x in -87.0f32..88.0) {
            check(x);
        }
    }

    #[test]
    fn softplus_and_sigmoid_on_a_grid_and_at_their_ends() {
        for k in -8700..=8800 {
            let x = k as f32 / 100.0;
            let (exact, double) = (f64::from(x).max(0.0) + (-f64::from(x).abs()).exp().ln_1p(), f64::from(x));
            for (softplus, sigmoid) in [x.softplus_and_sigmoid::<true>(), x.softplus_and_sigmoid::<false>()] {
                assert!(
                    (f64::from(softplus) / exact - 1.0).abs() < 5e-7,
                    "softplus({x}) = {softplus}, {exact}"
                );
                let exact = 1.0 / (1.0 + (-double).exp());
                assert!((f64::from(sigmoid) / exact - 1.0).abs() < 5e-7, "sigmoid({x}) = {sigmoid}, {exact}");
            }
        }
        let (softplus, sigmoid) = 1e30f32.softplus_and_sigmoid::<false>();
        assert_eq!((softplus, sigmoid), (1e30, 1.0));
        let (softplus, sigmoid) = f32::NAN.softplus_and_sigmoid::<false>();
        assert!(softplus.is_nan() && sigmoid.is_nan());
        assert_eq!(0.0f64.softplus_and_sigmoid::<true>(), (std::f64::consts::LN_2, 0.5));
    }

    #[test]
    fn exp_on_a_grid_and_at_its_ends() {
        (-8700..=8800).for_each(|k| check(k as f32 / 100.0));
        assert_eq!(Real::exp::<true>(0.0f32), 1.0);
        assert_eq!(Real::exp::<false>(-0.0f32), 1.0);
        assert!(Real::exp::<true>(f32::NAN).is_nan() && Real::exp::<false>(f32::NAN).is_nan());
        assert!(Real::exp::<true>(-1e30f32) < 1e-37 && Real::exp::<true>(f32::INFINITY) > 1e38);
    }
}
