//! Pairs of points within a distance.

use std::ops::Range;

use kernels::distance::squared;
use rayon::prelude::*;

use super::principal::principal_axes;
use super::{Neighbour, Points, absolute_error, relative_error};

/// Relative error that is allowed for in positions along an axis.
const AXIS_ROUNDING: f64 = 1e-9;
/// Points whose pairs are found in one task, at least.
const TASK_ROWS: usize = 64;

/// The points in the order of their positions along the axis of the largest variance.
struct Line {
    /// Position and index of the points.
    positions: Vec<(f64, u32)>,
    /// Place of every point among the positions.
    places: Vec<u32>,
    /// Error that positions may have.
    rounding: f64,
}

impl Line {
    fn of(points: &Points) -> Self {
        let axis = principal_axes(points, 1).axes.into_iter().next().unwrap_or_default();
        let position = |row: usize| -> f64 {
            points.row(row).iter().zip(&axis).map(|(&value, direction)| f64::from(value) * direction).sum()
        };
        let mut positions: Vec<(f64, u32)> =
            (0..points.len()).into_par_iter().map(|row| (position(row), row as u32)).collect();
        positions.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut places = vec![0; positions.len()];
        for (place, &(_, row)) in positions.iter().enumerate() {
            places[row as usize] = place as u32;
        }
        let largest = positions.iter().map(|(position, _)| position.abs()).fold(0.0, f64::max);
        Self { positions, places, rounding: AXIS_ROUNDING * largest }
    }

    /// Returns the points that may lie within a distance of a point, in no order.
    fn near(&self, row: usize, distance: f64) -> impl Iterator<Item = usize> + '_ {
        let place = self.places[row] as usize;
        let position = self.positions[place].0;
        let reach = distance * (1.0 + AXIS_ROUNDING) + self.rounding;
        let within = move |&&(other, _): &&(f64, u32)| (other - position).abs() <= reach;
        let before = self.positions[..place].iter().rev().take_while(within);
        let behind = self.positions[place + 1..].iter().take_while(within);
        before.chain(behind).map(|&(_, row)| row as usize)
    }
}

/// A search for all pairs of points within a distance, point by point, so that memory holds no more pairs than are asked
/// for together.
///
/// Only pairs whose positions along the axis of the largest variance differ by no more than the distance are compared,
/// which leaves none out.
pub struct PairSearch<'a> {
    points: &'a Points,
    line: Line,
    distance: f64,
}

impl<'a> PairSearch<'a> {
    /// Prepares a search for pairs at most `distance` apart.
    pub fn new(points: &'a Points, distance: f64) -> Self {
        Self { points, line: Line::of(points), distance }
    }

    /// Returns, for each of some points, the points of larger index within the distance in order of their index.
    pub fn of_rows(&self, rows: Range<usize>) -> Vec<Vec<Neighbour>> {
        let rows: Vec<usize> = rows.collect();
        rows.par_iter().with_min_len(TASK_ROWS).map(|&row| self.of_row(row)).collect()
    }

    fn of_row(&self, row: usize) -> Vec<Neighbour> {
        let Self { points, line, distance } = self;
        let limit = (distance * distance) as f32;
        let limit =
            limit * (1.0 + 3.0 * relative_error(points.width())) + 3.0 * absolute_error(points.width());
        let mut others = Vec::new();
        for other in line.near(row, *distance).filter(|&other| other > row) {
            let mut single = [0.0];
            squared(points.padded(row), points.padded(other), &mut single);
            if single[0] <= limit {
                let exact = points.distance(other, points.row(row));
                if exact <= *distance {
                    others.push(Neighbour { row: other, distance: exact });
                }
            }
        }
        others.sort_unstable_by_key(|other| other.row);
        others
    }
}
