//! How far a query lies from a set of points.

use super::{Neighbour, Points, Query};
use crate::statistics::{median, quantile};

/// Points of the set by which it is found out what is usual.
const REFERENCES: usize = 1000;

/// A set of points, such as training crystals, and what distance is usual within it.
///
/// The domain distance of a query is the mean Euclidean distance of its `k` nearest points, divided by the median of the
/// same number of the points themselves, each left out of its own neighbours. It is about 1 for a query from the same
/// distribution, and grows the less the set says about the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    points: Points,
    /// Number of nearest points whose distances are averaged.
    k: usize,
    /// The median of the points' own mean distances, in the unit of the space.
    typical: f64,
    /// Domain distances of points of the set, each left out of its own neighbours.
    own: Vec<f64>,
}

impl Domain {
    /// Makes a domain of points. The median is that of at most 1,000 of them at equal intervals, so that the time grows
    /// with the number of points and not with its square. `None` if there are no more than `k` points, `k` is 0, or at
    /// least half of the points have `k` others at the same place.
    pub fn new(points: Points, k: usize) -> Option<Self> {
        if k == 0 || points.len() <= k {
            return None;
        }
        let stride = points.len().div_ceil(REFERENCES);
        let references: Vec<Query<'_>> = (0..points.len())
            .step_by(stride)
            .map(|row| Query { point: points.row(row), except: Some(row) })
            .collect();
        let distances: Vec<f64> = points.nearest(&references, k).iter().map(|found| mean(found)).collect();
        let typical = median(&distances).filter(|typical| *typical > 0.0)?;
        let own = distances.into_iter().map(|distance| distance / typical).collect();
        Some(Self { points, k, typical, own })
    }

    /// Returns the domain distance that a share `level` (0 to 1) of the points themselves does not exceed.
    pub fn quantile(&self, level: f64) -> f64 {
        quantile(&self.own, level).unwrap_or(f64::INFINITY)
    }

    /// Returns the domain distance of every query.
    ///
    /// # Panics
    /// If a query has another width than the points.
    pub fn distances(&self, queries: &[Query<'_>]) -> Vec<f64> {
        self.points.nearest(queries, self.k).iter().map(|found| mean(found) / self.typical).collect()
    }
}

/// Returns the mean distance.
fn mean(found: &[Neighbour]) -> f64 {
    found.iter().map(|neighbour| neighbour.distance).sum::<f64>() / found.len() as f64
}
