//! Points that may be among the k nearest, by distances in single precision.

use super::{absolute_error, relative_error};

/// Candidates kept at least before the list is cleaned.
const LEAST_CAPACITY: usize = 64;

/// Points that may be among the k nearest of a query. All others are surely farther than k of these.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    k: usize,
    /// Largest squared distance in single precision of a point that may be among the nearest.
    limit: f32,
    /// Factor and summand that are due to rounding.
    widening: (f32, f32),
    /// Squared distance in single precision, and index.
    list: Vec<(f32, u32)>,
    /// Length at which the list is cleaned.
    capacity: usize,
}

impl Candidates {
    /// Creates an empty list for the `k` nearest of points of `width` coordinates.
    pub(super) fn new(k: usize, width: usize) -> Self {
        // Both of two distances that are compared may be wrong: (1 + e) / (1 - e) < 1 + 3 e.
        let widening = (1.0 + 3.0 * relative_error(width), 3.0 * absolute_error(width));
        let limit = if k == 0 { f32::NEG_INFINITY } else { f32::INFINITY };
        Self { k, limit, widening, list: Vec::new(), capacity: LEAST_CAPACITY.max(4 * k) }
    }

    /// The largest squared distance of a point that may be among the nearest.
    #[inline]
    pub(super) fn limit(&self) -> f32 {
        self.limit
    }

    /// Adds a point that is not farther than the limit.
    pub(super) fn push(&mut self, distance: f32, row: usize) {
        self.list.push((distance, row as u32));
        if self.list.len() >= self.capacity {
            self.clean();
            // Equally far points stay; they must not be sorted again with every further one.
            self.capacity = LEAST_CAPACITY.max(4 * self.k).max(2 * self.list.len());
        }
    }

    /// Adds the candidates among other points.
    pub(super) fn merge(&mut self, other: &Self) {
        for &(distance, row) in &other.list {
            if distance <= self.limit {
                self.push(distance, row as usize);
            }
        }
    }

    /// Returns the indices of the candidates, in no order.
    pub(super) fn finish(mut self) -> Vec<usize> {
        self.clean();
        self.list.into_iter().map(|(_, row)| row as usize).collect()
    }

    /// Removes the points that are surely farther than k others.
    fn clean(&mut self) {
        if self.k == 0 || self.list.len() <= self.k {
            return;
        }
        let (_, &mut (farthest, _), _) =
            self.list.select_nth_unstable_by(self.k - 1, |a, b| a.0.total_cmp(&b.0));
        self.limit = farthest * self.widening.0 + self.widening.1;
        self.list.retain(|(distance, _)| *distance <= self.limit);
    }
}
