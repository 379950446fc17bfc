//! Histograms whose bins have round edges.

use crate::chart::round_step;

/// Counts in bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Lower edge of the first bin.
    pub start: f64,
    /// Width of every bin, positive.
    pub width: f64,
    /// Numbers of values in the bins `[start + i · width, start + (i + 1) · width)`. The last bin includes its upper
    /// edge if no larger values exist.
    pub counts: Vec<u64>,
    /// Number of values below the first bin.
    pub below: u64,
    /// Number of values above the last bin.
    pub above: u64,
}

/// Least and greatest number of bins before their width becomes a round one, which is up to 2.5 times wider.
const BINS: (f64, f64) = (20.0, 60.0);

impl Histogram {
    /// Creates empty bins of the given width from `start` on.
    pub fn new(start: f64, width: f64, bins: usize) -> Self {
        Self { start, width, counts: vec![0; bins], below: 0, above: 0 }
    }

    /// Creates empty bins with round edges that cover `[low, high]`. Their width is the next round one above `width`,
    /// within the bounds of a sixtieth and a twentieth of the range. With `whole`, they are suited to integers.
    pub fn covering(low: f64, high: f64, width: f64, whole: bool) -> Self {
        if !(low.is_finite() && high.is_finite()) {
            return Self::new(0.0, 1.0, 0);
        }
        let range = high - low;
        let mut width = round_step(width.max(range / BINS.1).min(range / BINS.0));
        if whole || width <= 0.0 {
            width = width.max(1.0);
        }
        let start = (low / width).floor() * width;
        let bins = ((high - start) / width).floor() + 1.0;
        Self::new(start, width, bins as usize)
    }

    /// Counts a value. NaN is ignored.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let position = ((value - self.start) / self.width).floor();
        if position < 0.0 {
            self.below += 1;
        } else if let Some(count) = self.counts.get_mut(position as usize) {
            *count += u64::from(!value.is_nan());
        } else {
            self.above += 1;
        }
    }

    /// Returns the lower edge of a bin.
    pub fn edge(&self, bin: usize) -> f64 {
        self.start + bin as f64 * self.width
    }

    /// Returns the number of values in the bins and beyond them.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.below + self.above
    }

    /// Returns the largest count of a bin.
    pub fn highest(&self) -> u64 {
        self.counts.iter().copied().max().unwrap_or(0)
    }

    /// Returns the histogram without empty bins at its ends.
    pub fn trimmed(&self) -> Self {
        let first = self.counts.iter().position(|count| *count > 0).unwrap_or(0);
        let end = self.counts.iter().rposition(|count| *count > 0).map_or(first, |last| last + 1);
        Self {
            start: self.edge(first),
            width: self.width,
            counts: self.counts.get(first..end).unwrap_or_default().to_vec(),
            ..self.clone()
        }
    }

    /// Returns the histogram with each `factor` bins merged into one. The new edges are multiples of the new width.
    pub fn merged(&self, factor: usize) -> Self {
        let factor = factor.max(1);
        // Number of bins between the new start and the old one.
        let missing = ((self.start / self.width).round() as i64).rem_euclid(factor as i64) as usize;
        let (first, rest) = self.counts.split_at(self.counts.len().min((factor - missing) % factor));
        let bins = (!first.is_empty()).then_some(first).into_iter().chain(rest.chunks(factor));
        Self {
            start: self.start - missing as f64 * self.width,
            width: self.width * factor as f64,
            counts: bins.map(|bins| bins.iter().sum()).collect(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_have_a_bin_each() {
        let mut histogram = Histogram::covering(1.0, 8.0, 0.0, true);
        [1.0, 8.0, 8.0].into_iter().for_each(|value| histogram.add(value));
        assert_eq!((histogram.start, histogram.width), (1.0, 1.0));
        assert_eq!(histogram.counts, [1, 0, 0, 0, 0, 0, 0, 2]);
    }

    #[test]
    fn one_value_is_one_bin() {
        let mut histogram = Histogram::covering(3.5, 3.5, 0.0, false);
        histogram.add(3.5);
        assert_eq!(histogram.counts, [1]);
        assert_eq!(Histogram::covering(f64::NAN, 1.0, 0.1, false).counts, [0; 0]);
    }

    #[test]
    fn bins_are_trimmed_and_merged() {
        let histogram = Histogram { counts: vec![0, 0, 1, 0, 2, 0], ..Histogram::new(0.0, 0.5, 0) };
        let trimmed = histogram.trimmed();
        assert_eq!((trimmed.start, trimmed.counts.as_slice()), (1.0, [1, 0, 2].as_slice()));
        let merged = trimmed.merged(2);
        assert_eq!((merged.start, merged.width, merged.counts.as_slice()), (1.0, 1.0, [1, 2].as_slice()));
        let merged = trimmed.merged(3);
        assert_eq!((merged.start, merged.width, merged.counts.as_slice()), (0.0, 1.5, [1, 2].as_slice()));
    }

    #[test]
    fn bins_have_the_width_asked_for_within_bounds() {
        let bins = |width| {
            let histogram = Histogram::covering(0.0, 10.0, width, false);
            (histogram.width, histogram.counts.len())
        };
        assert_eq!(bins(0.2), (0.2, 51));
        assert_eq!(bins(0.3), (0.5, 21));
        assert_eq!(bins(0.0), (0.2, 51), "60 bins at most");
        assert_eq!(bins(9.0), (0.5, 21), "20 bins at least, before rounding");
        assert_eq!(Histogram::covering(0.0, 10.0, 0.1, true).width, 1.0);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(
            values in proptest::collection::vec(-1e6..1e6, 1..50),
            (low, high) in (-1e5..1e5, 0.0..1e5).prop_map(|(low, length)| (low, low + length)),
            width in 0.0..1e6_f64,
        ) {
            let mut histogram = Histogram::covering(low, high, width, false);
            values.iter().for_each(|value| histogram.add(*value));
            prop_assert_eq!(histogram.total(), values.len() as u64);
            prop_assert!(histogram.counts.len() <= 62, "{} bins", histogram.counts.len());
            prop_assert!(histogram.start <= low && histogram.edge(histogram.counts.len()) >= high);
            prop_assert_eq!(histogram.merged(3).total(), histogram.total());
            prop_assert_eq!(histogram.trimmed().total(), histogram.total());
        }
    }
}
