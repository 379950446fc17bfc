//! Median of a stream of numbers, and the mean deviation from it, in bounded memory.

/// Width of a bin, in the unit of the numbers (Å).
const BIN_WIDTH: f64 = 1e-4;
/// Maximum number of bins. Numbers beyond the last bin (105 Å) are counted in it.
const MOST_BINS: usize = 1 << 20;

/// Counts and sums of non-negative numbers in bins of 1e-4.
///
/// With the sums, the mean deviation from the median is exact except for the numbers in the median's own bin, which
/// are off by less than a bin's width.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    bins: Vec<Bin>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    count: u64,
    sum: f64,
}

impl Histogram {
    /// Adds a number.
    pub(crate) fn add(&mut self, value: f64) {
        let index = ((value / BIN_WIDTH) as usize).min(MOST_BINS - 1);
        if index >= self.bins.len() {
            self.bins.resize(index + 1, Bin::default());
        }
        self.bins[index].count += 1;
        self.bins[index].sum += value;
    }

    /// Returns the mean absolute deviation from the median; 0 without any numbers.
    pub(crate) fn mean_absolute_deviation(&self) -> f64 {
        let total: u64 = self.bins.iter().map(|bin| bin.count).sum();
        let mut below = 0;
        let middle = self.bins.iter().find(|bin| {
            below += bin.count;
            2 * below >= total && bin.count > 0
        });
        let Some(middle) = middle else { return 0.0 };
        let median = middle.sum / middle.count as f64;
        let deviations: f64 = self.bins.iter().map(|bin| (bin.sum - median * bin.count as f64).abs()).sum();
        deviations / total as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_deviates_from_nothing() {
        assert_eq!(Histogram::default().mean_absolute_deviation(), 0.0);
    }

    #[test]
    fn far_numbers_share_the_last_bin() {
        let mut histogram = Histogram::default();
        for value in [1.0, 2.0, 1e300] {
            histogram.add(value);
        }
        assert_eq!(histogram.bins.len(), MOST_BINS);
        assert!((histogram.mean_absolute_deviation() / (1e300 / 3.0) - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn agrees_with_sorting(mut values in prop::collection::vec(0.0..8.0_f64, 1..200)) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|&value| histogram.add(value));
            values.sort_by(f64::total_cmp);
            let median = values[values.len() / 2];
            let sum: f64 = values.iter().map(|value| (value - median).abs()).sum();
            let expected = sum / values.len() as f64;
            prop_assert!((histogram.mean_absolute_deviation() - expected).abs() <= BIN_WIDTH);
        }
    }
}
