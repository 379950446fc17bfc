//! Halves as singles. Both formats are subsets of `f32`, so nothing is rounded.

/// The single of a `bfloat16`, which is its upper half.
pub(super) fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The single of an IEEE 754 `binary16`: sign, 5 bits of exponent (bias 15), 10 bits of fraction.
pub(super) fn from_f16(bits: u16) -> f32 {
    /// Value of the last bit of a subnormal half, 2⁻²⁴.
    const SUBNORMAL_UNIT: f32 = 1.0 / 16_777_216.0;
    /// Difference of the two formats' exponent biases, 127 − 15.
    const REBIAS: u32 = 112;
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let fraction = u32::from(bits) & 0x3ff;
    match exponent {
        0 => f32::from_bits(sign | (fraction as f32 * SUBNORMAL_UNIT).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | (fraction << 13)),
        _ => f32::from_bits(sign | ((exponent + REBIAS) << 23) | (fraction << 13)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bfloat16_values_are_known() {
        for (bits, value) in [(0x3f80, 1.0), (0xc000, -2.0), (0x0000, 0.0), (0x7f80, f32::INFINITY)] {
            assert_eq!(from_bf16(bits), value);
        }
        assert!(from_bf16(0x7fc0).is_nan());
    }

    #[test]
    fn binary16_values_are_known() {
        let known = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (bits, value) in known {
            assert_eq!(from_f16(bits), value, "{bits:#06x}");
        }
        assert!(from_f16(0x7e00).is_nan());
        assert!(from_f16(0x8000).is_sign_negative() && from_f16(0x8000) == 0.0);
    }

    #[test]
    fn finite_halves_are_ordered_as_their_bits() {
        for bits in 0..0x7c00_u16 {
            assert!(from_f16(bits) < from_f16(bits + 1), "{bits:#06x}");
            assert_eq!(from_f16(bits | 0x8000), -from_f16(bits));
        }
    }
}
