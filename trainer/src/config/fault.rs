//! Faults of values, and the ranges that several settings share.

use std::fmt::{self, Display};

use super::optional::NONE;

/// Largest width of a layer.
pub(super) const MAX_WIDTH: usize = 1 << 16;
/// Maximum number of layers or blocks of a kind.
const MAX_LAYERS: usize = 1024;

/// A setting outside its range. It is displayed as `key = value: must be <needed>`.
pub(super) struct Fault {
    /// Dotted key.
    pub(super) key: String,
    /// The value.
    pub(super) value: String,
    /// A description of the allowed values.
    pub(super) needed: String,
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, needed } = self;
        write!(formatter, "{key} = {value}: must be {needed}")
    }
}

/// The range of a setting.
pub(super) struct Range<T> {
    /// Whether a value is in the range.
    pub(super) holds: fn(&T) -> bool,
    /// Description of the range, to follow "must be".
    pub(super) needed: &'static str,
}

/// A check of a setting's value.
pub(super) trait Limit<T> {
    /// Returns the value and a description of the allowed values, if the value is out of range.
    fn fault(&self, value: &T) -> Option<(String, String)>;
}

impl<T: Display> Limit<T> for Range<T> {
    fn fault(&self, value: &T) -> Option<(String, String)> {
        (!(self.holds)(value)).then(|| (value.to_string(), self.needed.to_owned()))
    }
}

/// The range of a setting that may be `none`.
impl<T: Display> Limit<Option<T>> for Range<T> {
    fn fault(&self, value: &Option<T>) -> Option<(String, String)> {
        let (value, needed) = self.fault(value.as_ref()?)?;
        Some((value, format!("{needed}, or \"{NONE}\"")))
    }
}

/// Returns the range of integers from one on.
pub(super) fn at_least_one<T: PartialOrd + From<u8>>() -> Range<T> {
    Range { holds: |value| *value >= T::from(1), needed: "at least 1" }
}

/// A finite number that is not negative.
pub(super) const NOT_NEGATIVE: Range<f64> =
    Range { holds: |value| value.is_finite() && *value >= 0.0, needed: "finite and not negative" };

/// A finite number above zero.
pub(super) const POSITIVE: Range<f64> =
    Range { holds: |value| value.is_finite() && *value > 0.0, needed: "finite and greater than 0" };

/// A decay rate.
pub(super) const BELOW_ONE: Range<f64> =
    Range { holds: |value| (0.0..1.0).contains(value), needed: "at least 0 and less than 1" };

/// A share.
pub(super) const SHARE: Range<f64> =
    Range { holds: |value| (0.0..=1.0).contains(value), needed: "between 0 and 1" };

/// A share that leaves something on either side, or a factor that makes something smaller.
pub(super) const BETWEEN_0_AND_1: Range<f64> =
    Range { holds: |value| *value > 0.0 && *value < 1.0, needed: "greater than 0 and less than 1" };

/// Width of a layer.
pub(super) const WIDTH: Range<usize> =
    Range { holds: |value| (1..=MAX_WIDTH).contains(value), needed: "1 to 65536" };

/// Number of layers or blocks.
pub(super) const LAYERS: Range<usize> = Range { holds: |value| *value <= MAX_LAYERS, needed: "at most 1024" };

/// Number of layers, blocks or steps of which there is one at least.
pub(super) const BLOCKS: Range<usize> =
    Range { holds: |count| (1..=MAX_LAYERS).contains(count), needed: "1 to 1024" };

/// Records the first fault of a list of layers' widths.
pub(super) fn check_widths(key: &str, widths: &[usize], faults: &mut Faults) {
    let count = widths.len();
    faults.unless(count <= MAX_LAYERS, key, format_args!("{count} widths"), "a list of at most 1024 widths");
    widths.iter().for_each(|width| faults.require(key, width, &WIDTH));
}

/// The first fault found so far.
#[derive(Default)]
pub(super) struct Faults(pub(super) Option<Fault>);

impl Faults {
    /// Records a fault if a value is out of range.
    pub(super) fn require<T>(&mut self, key: &str, value: &T, range: &impl Limit<T>) {
        if self.0.is_none()
            && let Some((value, needed)) = range.fault(value)
        {
            self.0 = Some(Fault { key: key.to_owned(), value, needed });
        }
    }

    /// Records a fault if `holds` is false, for conditions on several settings.
    pub(super) fn unless(&mut self, holds: bool, key: &str, value: impl Display, needed: &str) {
        if !holds && self.0.is_none() {
            let (value, needed) = (value.to_string(), needed.to_owned());
            self.0 = Some(Fault { key: key.to_owned(), value, needed });
        }
    }
}
