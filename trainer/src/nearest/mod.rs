//! Exact search for the nearest of many points in a space of tens or hundreds of dimensions.
//!
//! * [`Points::nearest`]: the k nearest points of each query
//! * [`PairSearch`]: all pairs of points within a distance
//! * [`Standardisation`]: coordinates in units of their standard deviations
//! * [`Domain`]: how far a query lies from a set of points, in units of what is usual within the set
//! * [`principal`]: the directions of the largest variance
//!
//! Nothing here knows of crystals. In tens of dimensions no tree is faster than reading all points, so that all are
//! read: in blocks that stay in the cache for all queries, by a kernel in single precision
//! ([`kernels::distance`]). Its rounding error is bounded, and every point that might be among the nearest by that bound
//! is computed again in double precision, which alone decides. The results are therefore those of a plain loop in
//! double precision, on any number of threads and any processor.

mod candidates;
mod domain;
mod pairs;
pub mod principal;
mod standardisation;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::ops::Range;

use kernels::distance::{LANES, squared};
use rayon::prelude::*;

use candidates::Candidates;
pub use domain::Domain;
pub use pairs::PairSearch;
pub use standardisation::Standardisation;

/// Points of a task.
const TASK_ROWS: usize = 8192;
/// Coordinates of a tile of points, which stays in the first-level cache while all queries are compared with it.
const TILE_NUMBERS: usize = 8192;
/// Queries that pass through the points together, which bounds the memory of their candidates.
const GROUP: usize = 256;

/// Points of one space, finite and in single precision.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// Row-major coordinates, `[len, stride]`. Those beyond the width are zero.
    values: Vec<f32>,
    width: usize,
    stride: usize,
}

/// A coordinate that is no finite number.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("coordinate {column} of point {row} is {value}")]
pub struct NotFinite {
    /// Index of the point.
    pub row: usize,
    /// Index of the coordinate.
    pub column: usize,
    /// NaN or an infinity.
    pub value: f32,
}

/// A point whose neighbours are sought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Query<'a> {
    /// Finite coordinates, `[width]`.
    pub point: &'a [f32],
    /// Index of a point that is not counted, such as the query itself.
    pub except: Option<usize>,
}

/// A point near a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Index of the point.
    pub row: usize,
    /// Euclidean distance from the query, computed in double precision.
    pub distance: f64,
}

impl Points {
    /// Takes points as rows of `width` coordinates, `[len, width]`. No memory is copied if the width is a multiple of 16.
    ///
    /// # Errors
    /// [`NotFinite`] for the first coordinate that is no finite number.
    ///
    /// # Panics
    /// If the width is 0, the rows are not whole, or there are more than 2³² of them.
    pub fn new(values: Vec<f32>, width: usize) -> Result<Self, NotFinite> {
        assert!(width > 0 && values.len().is_multiple_of(width), "whole rows");
        assert!(u32::try_from(values.len() / width).is_ok(), "an index of 32 bits");
        let broken = |row: &[f32]| row.iter().position(|value| !value.is_finite());
        if let Some(row) = values.par_chunks(width).position_first(|row| broken(row).is_some()) {
            let column = broken(&values[row * width..(row + 1) * width]).unwrap_or(0);
            return Err(NotFinite { row, column, value: values[row * width + column] });
        }
        let stride = width.next_multiple_of(LANES);
        let values = if stride == width {
            values
        } else {
            let mut padded = vec![0.0; values.len() / width * stride];
            padded.chunks_exact_mut(stride).zip(values.chunks_exact(width)).for_each(|(padded, row)| {
                padded[..width].copy_from_slice(row);
            });
            padded
        };
        Ok(Self { values, width, stride })
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.values.len() / self.stride
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of coordinates of a point.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the coordinates of a point, `[width]`.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.padded(row)[..self.width]
    }

    /// Returns the coordinates of a point, `[stride]`.
    fn padded(&self, row: usize) -> &[f32] {
        &self.values[row * self.stride..(row + 1) * self.stride]
    }

    /// Returns the `k` nearest points of every query, or all if there are fewer, in order of their distance; equally far
    /// ones in order of their index. The queries are compared with the points block by block, so that many queries at
    /// once are cheaper than one after another. Memory holds a few candidates for each of 256 queries and block of 8,192
    /// points.
    ///
    /// # Panics
    /// If a query has another width than the points.
    pub fn nearest(&self, queries: &[Query<'_>], k: usize) -> Vec<Vec<Neighbour>> {
        let groups = queries.chunks(GROUP);
        groups.flat_map(|group| self.nearest_of_group(group, k)).collect()
    }

    fn nearest_of_group(&self, queries: &[Query<'_>], k: usize) -> Vec<Vec<Neighbour>> {
        let padded: Vec<Vec<f32>> = queries.iter().map(|query| self.padded_query(query.point)).collect();
        let tasks: Vec<Range<usize>> = blocks(0..self.len(), TASK_ROWS).collect();
        let found: Vec<Vec<Candidates>> =
            tasks.into_par_iter().map(|rows| self.candidates(queries, &padded, rows, k)).collect();
        let of_query = |(index, query): (usize, &Query<'_>)| {
            let mut all = Candidates::new(k, self.width);
            found.iter().for_each(|of_task| all.merge(&of_task[index]));
            let exact = |row: usize| Neighbour { row, distance: self.distance(row, query.point) };
            let mut nearest: Vec<Neighbour> = all.finish().into_iter().map(exact).collect();
            nearest.sort_unstable_by(by_distance);
            nearest.truncate(k);
            nearest
        };
        queries.par_iter().enumerate().map(|(index, query)| of_query((index, query))).collect()
    }

    /// Returns the points of a task that may be among the nearest of each query.
    fn candidates(
        &self,
        queries: &[Query<'_>],
        padded: &[Vec<f32>],
        rows: Range<usize>,
        k: usize,
    ) -> Vec<Candidates> {
        let mut found = vec![Candidates::new(k, self.width); queries.len()];
        let tile = (TILE_NUMBERS / self.stride).max(1);
        let mut distances = vec![0.0; tile];
        for rows in blocks(rows, tile) {
            let points = &self.values[rows.start * self.stride..rows.end * self.stride];
            let distances = &mut distances[..rows.len()];
            for ((query, point), found) in queries.iter().zip(padded).zip(&mut found) {
                squared(point, points, distances);
                for (row, &distance) in rows.clone().zip(distances.iter()) {
                    if distance <= found.limit() && query.except != Some(row) {
                        found.push(distance, row);
                    }
                }
            }
        }
        found
    }

    /// Returns a query with zeros up to the stride.
    fn padded_query(&self, point: &[f32]) -> Vec<f32> {
        assert_eq!(point.len(), self.width, "a query of as many coordinates as the points");
        let mut padded = point.to_vec();
        padded.resize(self.stride, 0.0);
        padded
    }

    /// Returns the Euclidean distance of a point from another one, summed in double precision in the order of the
    /// coordinates.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn distance(&self, row: usize, point: &[f32]) -> f64 {
        let differences = self.row(row).iter().zip(point).map(|(&a, &b)| f64::from(a) - f64::from(b));
        differences.map(|difference| difference * difference).sum::<f64>().sqrt()
    }
}

/// Orders neighbours by their distance, equally far ones by their index.
fn by_distance(a: &Neighbour, b: &Neighbour) -> Ordering {
    a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row))
}

/// Returns consecutive parts of a range, of `size` each; the last one may be shorter.
fn blocks(range: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    let Range { start, end } = range;
    (start..end).step_by(size).map(move |begin| begin..(begin + size).min(end))
}

/// Returns the largest relative error of a squared distance of `width` coordinates by [`kernels::distance`] in single
/// precision: two roundings of a term before and one after it is squared, and one for each addition that follows another
/// (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1), doubled for safety.
fn relative_error(width: usize) -> f32 {
    const ROUNDINGS_OF_A_TERM: usize = 4;
    (width.div_ceil(LANES) + LANES + ROUNDINGS_OF_A_TERM) as f32 * f32::EPSILON
}

/// Returns what squares too small for single precision may amount to in a squared distance.
fn absolute_error(width: usize) -> f32 {
    width as f32 * f32::MIN_POSITIVE
}
