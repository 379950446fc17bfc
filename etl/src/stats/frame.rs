//! Statistics of scalar columns, computed by polars.

use polars::prelude::{
    ChunkAgg, ChunkQuantile, DataFrame, NamedFrom, PolarsError, QuantileMethod, Series, SortMultipleOptions,
};

use super::{Distribution, Histogram, Summary, Tally};

/// Fraction of the values at either end that a histogram may leave out.
const TAIL: f64 = 0.005;
/// Tails are left out if they extend the range by more than this factor.
const LONG_TAILS: f64 = 1.5;
/// Share of the values above which those of exactly 0 are counted apart: the gaps of metals.
const ZEROS_APART: f64 = 0.03;

/// Returns the distribution of a column. `whole` states that the values are integers.
///
/// Bins are as wide as Freedman and Diaconis have them, twice the interquartile range over the cube root of the number of
/// values (<https://doi.org/10.1007/BF01025868>), within the bounds of [`Histogram::covering`]. Values of exactly 0 are
/// counted apart where they are more than a share of all.
pub(super) fn distribution(values: &[Option<f64>], whole: bool) -> Result<Distribution, PolarsError> {
    let finite: Vec<f64> = values.iter().flatten().copied().filter(|value| value.is_finite()).collect();
    let (count, missing) = (finite.len() as u64, (values.len() - finite.len()) as u64);
    let zeros = finite.iter().filter(|value| **value == 0.0).count() as u64;
    let is_apart = !whole && zeros < count && zeros as f64 > ZEROS_APART * count as f64;
    let zeros = if is_apart { zeros } else { 0 };
    let binned: Vec<f64> = finite.iter().copied().filter(|value| !is_apart || *value != 0.0).collect();
    let column = Series::new("values".into(), finite.as_slice());
    let column = column.f64()?;
    let numbers = (column.min(), column.median(), column.mean(), column.max());
    let (Some(min), Some(median), Some(mean), Some(max)) = numbers else {
        let histogram = Histogram::new(0.0, 1.0, 0);
        return Ok(Distribution { count, missing, summary: None, zeros: 0, histogram });
    };
    let summary = Some(Summary { min, median, mean, max });
    Ok(Distribution { count, missing, summary, zeros, histogram: histogram(&binned, whole)? })
}

/// Returns the histogram of values, without long tails.
fn histogram(values: &[f64], whole: bool) -> Result<Histogram, PolarsError> {
    let column = Series::new("values".into(), values);
    let column = column.f64()?;
    let quantile = |level| column.quantile(level, QuantileMethod::Nearest);
    let (Some(min), Some(max)) = (column.min(), column.max()) else { return Ok(Histogram::new(0.0, 1.0, 0)) };
    let (low, high) = (quantile(TAIL)?.unwrap_or(min), quantile(1.0 - TAIL)?.unwrap_or(max));
    let (low, high) =
        if max - min > LONG_TAILS * (high - low) && high > low { (low, high) } else { (min, max) };
    let quartiles = quantile(0.25)?.zip(quantile(0.75)?);
    let width = quartiles.map_or(0.0, |(first, third)| 2.0 * (third - first) / (values.len() as f64).cbrt());
    let mut histogram = Histogram::covering(low, high, width, whole);
    values.iter().for_each(|value| histogram.add(*value));
    Ok(histogram)
}

/// Counts the crystals for each text of a column.
pub(super) fn tally(values: &[Option<String>]) -> Result<Tally, PolarsError> {
    let groups = grouped(Series::new("value".into(), values))?;
    let names = groups.column("value")?.str()?.iter().map(|name| name.unwrap_or_default().to_owned());
    Ok(names.zip(counts(&groups)?).collect())
}

/// Counts the crystals for each integer of a column.
pub(super) fn tally_numbers(values: &[Option<f64>]) -> Result<Tally, PolarsError> {
    let groups = grouped(Series::new("value".into(), values))?;
    let names =
        groups.column("value")?.f64()?.iter().map(|value| value.map_or_else(String::new, |v| v.to_string()));
    Ok(names.zip(counts(&groups)?).collect())
}

/// Returns the distinct values of a column in ascending order, nulls last, with their numbers of rows.
fn grouped(values: Series) -> Result<DataFrame, PolarsError> {
    DataFrame::new_infer_height(vec![values.into()])?
        .group_by(["value"])?
        .select(["value"])
        .count()?
        .sort(["value"], SortMultipleOptions::default().with_nulls_last(true))
}

/// Returns the numbers of rows of [`grouped`].
fn counts(groups: &DataFrame) -> Result<Vec<u64>, PolarsError> {
    Ok(groups.column("value_count")?.u32()?.iter().map(|rows| u64::from(rows.unwrap_or(0))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_has_the_usual_numbers() {
        let values = [Some(1.0), None, Some(2.0), Some(4.0), Some(9.0), Some(f64::NAN)];
        let distribution = distribution(&values, true).expect("numbers");
        assert_eq!((distribution.count, distribution.missing), (4, 2));
        assert_eq!(distribution.summary, Some(Summary { min: 1.0, median: 3.0, mean: 4.0, max: 9.0 }));
        assert_eq!(distribution.histogram.counts, [1, 1, 0, 1, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_column_without_values_has_no_summary() {
        let distribution = distribution(&[None, None], false).expect("no numbers");
        assert_eq!((distribution.count, distribution.missing, distribution.summary), (0, 2, None));
        assert_eq!(distribution.histogram.total(), 0);
    }

    #[test]
    fn many_exact_zeros_are_apart() {
        let values = |zeros: usize| -> Vec<Option<f64>> {
            let others = (1..=100).map(|value| Some(f64::from(value) / 10.0));
            others.chain(std::iter::repeat_n(Some(0.0), zeros)).collect()
        };
        let many = distribution(&values(50), false).expect("numbers");
        assert_eq!((many.count, many.zeros, many.histogram.total()), (150, 50, 100));
        assert_eq!(many.summary.map(|summary| summary.min), Some(0.0));
        let few = distribution(&values(3), false).expect("numbers");
        assert_eq!((few.zeros, few.histogram.total()), (0, 103));
        // Integers have a bar of their own for 0, and nothing but zeros is a histogram of one bar.
        assert_eq!(distribution(&values(50), true).expect("numbers").zeros, 0);
        let only = distribution(&[Some(0.0), Some(0.0)], false).expect("numbers");
        assert_eq!((only.zeros, only.histogram.counts), (0, vec![2]));
    }

    #[test]
    fn more_values_have_narrower_bins() {
        // Uniform values: an interquartile range of half the range.
        let bins = |count: usize| {
            let values: Vec<_> = (0..count).map(|index| Some(index as f64 / count as f64)).collect();
            distribution(&values, false).expect("numbers").histogram.counts.len()
        };
        assert_eq!([bins(100), bins(200_000)], [20, 50]);
    }

    #[test]
    fn outliers_do_not_stretch_the_histogram() {
        let mut values: Vec<Option<f64>> = (0..1000).map(|i| Some(f64::from(i) / 100.0)).collect();
        values.push(Some(1e9));
        let histogram = distribution(&values, false).expect("numbers").histogram;
        assert!(histogram.edge(histogram.counts.len()) < 11.0, "{histogram:?}");
        assert_eq!((histogram.above, histogram.total()), (1, 1001));
    }

    #[test]
    fn tallies_are_sorted_with_gaps_last() {
        let texts = ["val", "train", "train"].map(|text| Some(text.to_owned())).into_iter().chain([None]);
        let expected = [("train".to_owned(), 2), ("val".to_owned(), 1), (String::new(), 1)];
        assert_eq!(tally(&texts.collect::<Vec<_>>()).expect("texts"), expected);
        let numbers = [Some(10.0), None, Some(2.0), Some(10.0)];
        let expected = [("2".to_owned(), 1), ("10".to_owned(), 2), (String::new(), 1)];
        assert_eq!(tally_numbers(&numbers).expect("numbers"), expected);
    }
}
