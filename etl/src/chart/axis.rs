//! Axes with ticks at round values.

/// Ticks with steps of at least this size are written with an exponent.
const LARGE: f64 = 1e7;
/// Ticks with smaller steps are written with an exponent.
const SMALLEST_STEP: f64 = 1e-6;
/// Numbers of decimals of a number with an exponent: 17 digits are all that a double has.
const EXPONENT_DECIMALS: (f64, f64) = (1.0, 16.0);
/// Factors of round steps, and of the ticks on a short logarithmic axis.
const ROUND: [f64; 3] = [1.0, 2.0, 5.0];
/// From this number of decades on, a logarithmic axis has ticks only at powers of ten.
const MANY_DECADES: f64 = 3.0;
/// Relative tolerance within which a value counts as round.
const ROUNDING: f64 = 1e-9;

/// Larger absolute values are not drawn: the lengths and ratios of axes must be finite, and a few absurd values
/// should not flatten all others.
const LARGEST: f64 = 1e30;
/// Shortest range of an axis.
pub const SHORTEST: f64 = 1e-9;

/// Positions of ticks with their labels.
pub type Ticks = Vec<(f64, String)>;

/// The range of an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// Value at the start.
    pub low: f64,
    /// Value at the end, greater than `low`.
    pub high: f64,
    /// Whether the scale is logarithmic.
    logarithmic: bool,
}

impl Axis {
    /// Creates an axis from `low` to `high`. The range is extended if both are equal.
    pub const fn new(low: f64, high: f64) -> Self {
        // A range below the resolution of its values cannot be drawn.
        let smallest = low.abs().max(high.abs()) * 1e-9;
        if high - low > smallest {
            return Self { low, high, logarithmic: false };
        }
        let room = if smallest > 0.0 { smallest * 1e8 } else { 1.0 };
        Self { low: low - room, high: high + room, logarithmic: false }
    }

    /// Creates an axis for values from `low` to `high` with a margin at both ends, as a fraction of the range. The
    /// range is extended if both are equal.
    pub fn around(low: f64, high: f64, share: f64) -> Self {
        let room = ((high - low) * share).max(high.abs() * 1e-3).max(SHORTEST);
        Self::new(low - room, high + room)
    }

    /// Creates a logarithmic axis from `low`, which must be positive, to `high`, which must be larger.
    pub const fn logarithmic(low: f64, high: f64) -> Self {
        Self { low, high, logarithmic: true }
    }

    /// Returns the position of a value on the axis: 0 at the start, 1 at the end.
    pub fn share(self, value: f64) -> f64 {
        if self.logarithmic {
            return (value / self.low).ln() / (self.high / self.low).ln();
        }
        (value - self.low) / (self.high - self.low)
    }

    /// Returns about `wanted` round values with their labels. A logarithmic axis may have up to twice as many.
    pub fn ticks(self, wanted: f64) -> Ticks {
        if self.logarithmic {
            return self.logarithmic_ticks(wanted);
        }
        self.ticks_of(round_step((self.high - self.low) / wanted), wanted)
    }

    /// Returns about `wanted` ticks at whole numbers, for counts. The axis must not be logarithmic.
    pub fn whole_ticks(self, wanted: f64) -> Ticks {
        self.ticks_of(round_step((self.high - self.low) / wanted).max(1.0), wanted)
    }

    /// Returns the multiples of a step on the axis.
    fn ticks_of(self, step: f64, wanted: f64) -> Ticks {
        let first = (self.low / step - ROUNDING).ceil();
        let last = (self.high / step + ROUNDING).floor();
        let number = (last - first).clamp(0.0, 4.0 * wanted) as usize;
        let values = (0..=number).map(|tick| (first + tick as f64) * step);
        values.map(|value| (value, label(value, step))).collect()
    }

    fn logarithmic_ticks(self, wanted: f64) -> Ticks {
        let (first, last) = (self.low.log10().floor(), self.high.log10().ceil());
        let factors = if last - first <= MANY_DECADES { ROUND.as_slice() } else { &ROUND[..1] };
        let stride = ((last - first) / wanted).ceil().max(1.0) as usize;
        let powers = (first as i32..=last as i32).step_by(stride).map(|power| 10_f64.powi(power));
        let values = powers.flat_map(|power| factors.iter().map(move |factor| (power, factor * power)));
        values
            .filter(|(_, value)| (self.low..=self.high).contains(value))
            .map(|(power, value)| (value, label(value, power)))
            .collect()
    }
}

/// Whether a value can be drawn: a number with an absolute value of at most 10³⁰.
pub fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// Returns the smallest of 1, 2 or 5 times a power of ten that is at least `least`, or 0 if `least` is not positive.
pub fn round_step(least: f64) -> f64 {
    if least.is_nan() || least <= 0.0 {
        return 0.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    // A step slightly above a round one counts as that round step.
    let mut steps = ROUND.into_iter().map(|factor| factor * power);
    steps.find(|step| *step >= least * (1.0 - ROUNDING)).unwrap_or(10.0 * power)
}

/// Formats a value with as many decimals as its step has: `0.30` for steps of 0.05, `1.05e9` for steps of 10⁷. A minus
/// sign is as wide as a plus sign, and zero has none.
pub fn label(value: f64, step: f64) -> String {
    let text = if (SMALLEST_STEP..LARGE).contains(&step) {
        let decimals = usize::try_from(-decade(step) as i64).unwrap_or(0);
        format!("{value:.decimals$}")
    } else if value.abs() <= step * ROUNDING {
        "0".to_owned()
    } else {
        let (least, most) = EXPONENT_DECIMALS;
        // A step of 0 says nothing about the decimals.
        let decimals = if step > 0.0 { (decade(value) - decade(step)).clamp(least, most) } else { least };
        let decimals = decimals as usize;
        format!("{value:.decimals$e}")
    };
    signed(&text)
}

/// Returns the decadic exponent of a number. One slightly below a power of ten counts as that power.
fn decade(value: f64) -> f64 {
    (value.abs() * (1.0 + ROUNDING)).log10().floor()
}

/// Formats a number with a minus sign as wide as a plus sign. Zero has none.
pub fn signed(text: &str) -> String {
    let Some(size) = text.strip_prefix('-') else { return text.to_owned() };
    let zero = size.chars().all(|character| matches!(character, '0' | '.'));
    if zero { size.to_owned() } else { format!("\u{2212}{size}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(axis: Axis, wanted: f64) -> Vec<String> {
        axis.ticks(wanted).into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(Axis::new(-0.13, 0.31), 5.0), ["\u{2212}0.1", "0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(Axis::new(0.0, 1700.0), 5.0), ["0", "500", "1000", "1500"]);
        assert_eq!(labels(Axis::logarithmic(0.04, 3.0), 5.0), ["0.05", "0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(Axis::logarithmic(1e-9, 1e3), 4.0), ["1.0e-9", "0.000001", "0.001", "1", "1000"]);
    }

    #[test]
    fn counts_have_whole_ticks() {
        let whole = |low, high| Axis::new(low, high).whole_ticks(6.0).into_iter().map(|tick| tick.1);
        assert_eq!(whole(0.0, 1.0).collect::<Vec<_>>(), ["0", "1"]);
        assert_eq!(whole(1.0, 1.0).collect::<Vec<_>>(), ["1"]);
        assert_eq!(whole(1.0, 60.0).collect::<Vec<_>>(), ["10", "20", "30", "40", "50", "60"]);
    }

    #[test]
    fn steps_decide_about_decimals() {
        assert_eq!(label(0.3, 0.05), "0.30");
        assert_eq!(label(-5e-17, 0.5), "0.0");
        assert_eq!(label(120.0, 20.0), "120");
        assert_eq!(label(-1.5, 0.5), "\u{2212}1.5");
        assert_eq!(label(-0.0, 1e8), "0");
        assert_eq!(label(-1e9, 1e7), "\u{2212}1.00e9");
        assert_eq!(label(f64::MAX, 1e-300), "1.7976931348623157e308");
        assert_eq!((label(1e9, 0.0), label(0.0, 0.0)), ("1.0e9".to_owned(), "0".to_owned()));
    }

    #[test]
    fn exponents_come_with_the_digits_that_tell_ticks_apart() {
        let large = labels(Axis::new(1e9, 1.07e9), 4.0);
        assert_eq!(large, ["1.00e9", "1.02e9", "1.04e9", "1.06e9"]);
        let small = labels(Axis::new(1.05e-5, 1.08e-5), 4.0);
        assert_eq!(small, ["1.05e-5", "1.06e-5", "1.07e-5", "1.08e-5"]);
        assert_eq!(labels(Axis::new(0.0, 3e8), 3.0), ["0", "1.0e8", "2.0e8", "3.0e8"]);
    }

    #[test]
    fn steps_are_round() {
        for (step, round) in [(0.7, 1.0), (1.0, 1.0), (1.1, 2.0), (23.0, 50.0), (0.06, 0.1), (7.0, 10.0)] {
            assert!((round_step(step) - round).abs() < 1e-12, "{step}");
        }
        assert_eq!(round_step(0.0), 0.0);
        assert_eq!(round_step(f64::NAN), 0.0);
    }

    proptest! {
        #[test]
        fn no_two_ticks_have_the_same_label(
            low in -10.0..10.0_f64,
            range in -9.0..1.0_f64,
            exponent in -80..80_i32,
        ) {
            let unit = 10_f64.powi(exponent);
            for axis in [
                Axis::new(low * unit, (low + 10_f64.powf(range)) * unit),
                Axis::logarithmic(unit, unit * (2.0 + 10_f64.powf(2.0 * range.abs()))),
            ] {
                let labels = labels(axis, 6.0);
                let different: std::collections::HashSet<&String> = labels.iter().collect();
                prop_assert_eq!(different.len(), labels.len(), "{:?}", labels);
            }
        }

        #[test]
        fn axes_hold_their_ticks(low in -1e6..1e6, length in 0.0..1e6_f64, exponent in -80..80_i32) {
            let unit = 10_f64.powi(exponent);
            let axis = Axis::new(low * unit, (low + length) * unit);
            let ticks = axis.ticks(6.0);
            prop_assert!((2..=25).contains(&ticks.len()));
            for (value, label) in ticks {
                prop_assert!((-1e-6..=1.0 + 1e-6).contains(&axis.share(value)), "{label}");
            }
        }

        #[test]
        fn logarithmic_axes_have_ticks(low in -60..60_i32, ratio in 10.0..1e60_f64) {
            let low = 10_f64.powi(low);
            let axis = Axis::logarithmic(low, low * ratio);
            let ticks = axis.ticks(6.0);
            prop_assert!((2..=13).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks.iter().all(|tick| (-1e-6..=1.0 + 1e-6).contains(&axis.share(tick.0))));
        }
    }
}
