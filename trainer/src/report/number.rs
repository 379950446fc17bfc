//! Numbers as people read them.

/// Significant digits of a score.
const SIGNIFICANT: i32 = 4;
/// Most decimals that are written before an exponent is taken instead.
const MOST_DECIMALS: i32 = 7;
/// Values of this size and above are written with an exponent.
const LARGE: f64 = 1e7;
/// Ticks in smaller steps are written with an exponent.
const SMALLEST_STEP: f64 = 1e-6;

/// How all numbers of a column are written, so that their digits stand below each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    /// None for an exponent.
    decimals: Option<usize>,
}

impl Format {
    /// The format that shows a number of this size with four significant digits.
    pub(crate) fn of(size: f64) -> Self {
        let size = size.abs();
        if size == 0.0 {
            return Self { decimals: Some(SIGNIFICANT as usize - 1) };
        }
        let decimals = SIGNIFICANT - 1 - size.log10().floor() as i32;
        if decimals > MOST_DECIMALS || size >= LARGE {
            return Self { decimals: None };
        }
        Self { decimals: Some(usize::try_from(decimals).unwrap_or(0)) }
    }

    /// The number in this format, with a true minus sign.
    pub(crate) fn write(self, value: f64) -> String {
        let text = match self.decimals {
            Some(decimals) if value.abs() < LARGE => format!("{value:.decimals$}"),
            _ => format!("{value:.3e}"),
        };
        signed(&text)
    }

    /// The number with a sign also where it is positive.
    pub(super) fn write_signed(self, value: f64) -> String {
        let text = self.write(value);
        if value > 0.0 { format!("+{text}") } else { text }
    }
}

/// A minus as long as a plus; none before a zero.
fn signed(text: &str) -> String {
    let Some(size) = text.strip_prefix('-') else { return text.to_owned() };
    let zero = size.chars().all(|character| matches!(character, '0' | '.'));
    if zero { size.to_owned() } else { format!("\u{2212}{size}") }
}

/// A count with its thousands separated: `1,234,567`.
pub(super) fn grouped(count: usize) -> String {
    etl::stats::number::grouped(count as u64)
}

/// A grouped count with its noun: `1 crystal`, `1,200 crystals`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    etl::stats::number::grouped_count(count as u64, noun)
}

/// A length in a drawing, to a hundredth of its unit.
pub(super) fn length(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An axis with ticks at round values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    /// Value at its beginning.
    pub(super) low: f64,
    /// Value at its end, above `low`.
    pub(super) high: f64,
}

impl Axis {
    /// An axis from `low` to `high`, longer where both are the same.
    pub(super) fn new(low: f64, high: f64) -> Self {
        // A range below the resolution of its values cannot be drawn.
        let smallest = low.abs().max(high.abs()) * 1e-9;
        if high - low > smallest {
            return Self { low, high };
        }
        let room = if smallest > 0.0 { smallest * 1e8 } else { 1.0 };
        Self { low: low - room, high: high + room }
    }

    /// Where a value lies: 0 at the beginning, 1 at the end.
    pub(super) fn share(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// About `wanted` round values with their labels.
    pub(super) fn ticks(self, wanted: f64) -> Vec<(f64, String)> {
        let step = round_step((self.high - self.low) / wanted);
        let first = (self.low / step - 1e-9).ceil();
        let last = (self.high / step + 1e-9).floor();
        let number = (last - first).clamp(0.0, 4.0 * wanted) as usize;
        (0..=number)
            .map(|tick| (first + tick as f64) * step)
            .map(|value| (value, tick_label(value, step)))
            .collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
pub(super) fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// A value with as many decimals as its step has.
fn tick_label(value: f64, step: f64) -> String {
    if !(SMALLEST_STEP..LARGE).contains(&step) {
        return signed(&format!("{value:.1e}"));
    }
    let decimals = usize::try_from(-step.log10().floor() as i64).unwrap_or(0);
    signed(&format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scores_have_four_digits() {
        let written = [38.214_9, 0.123_45, 1234.5, 0.001_234_5].map(|value| Format::of(value).write(value));
        assert_eq!(written, ["38.21", "0.1235", "1234", "0.001234"]);
        assert_eq!(Format::of(0.0).write(0.0), "0.000");
        assert_eq!(Format::of(1e-9).write(1e-9), "1.000e-9");
        assert_eq!(Format::of(1e300).write(-1e300), "\u{2212}1.000e300");
        assert_eq!(Format::of(1.0).write(-1e-9), "0.000");
        assert_eq!(Format::of(1.0).write_signed(0.25), "+0.250");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(
            ["1", "1,000", "1,234,567"],
            [1, 1000, 1_234_567].map(grouped).each_ref().map(String::as_str)
        );
        assert_eq!(counted(1, "crystal"), "1 crystal");
        assert_eq!(counted(1200, "crystal"), "1,200 crystals");
    }

    #[test]
    fn ticks_are_round() {
        let labels: Vec<_> = Axis::new(-0.13, 0.31).ticks(5.0).into_iter().map(|tick| tick.1).collect();
        assert_eq!(labels, ["\u{2212}0.1", "0.0", "0.1", "0.2", "0.3"]);
        let labels: Vec<_> = Axis::new(0.0, 1700.0).ticks(5.0).into_iter().map(|tick| tick.1).collect();
        assert_eq!(labels, ["0", "500", "1000", "1500"]);
    }

    proptest! {
        #[test]
        fn axes_hold_their_ticks(low in -1e6..1e6, length in 0.0..1e6_f64, exponent in -80..80_i32) {
            let unit = 10_f64.powi(exponent);
            let axis = Axis::new(low * unit, (low + length) * unit);
            let ticks = axis.ticks(6.0);
            prop_assert!(ticks.len() <= 25);
            for (value, label) in ticks {
                prop_assert!((-1e-6..=1.0 + 1e-6).contains(&axis.share(value)), "{label}");
            }
        }
    }
}
