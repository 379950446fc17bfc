//! Training over several processes, each with its share of every batch.
//!
//! A process has a rank among those of its run. Every rank holds the same weights and builds its share
//! of the same batches ([`crate::data::Share`]); sums over all ranks make losses and gradients those of
//! the whole batch, so that every rank takes the same step. Rank 0 alone writes.
//!
//! * [`Ranks`]: what a rank knows and does of the others; [`Alone`]: a run of one process
//! * [`GlobalSizes`]: sizes of the batch that the ranks share, for means over it
//! * [`join`]: the ranks that a launcher has started
//!
//! How the mean's gradient comes out: each rank minimises a loss L_r, and the gradients are averaged over
//! the R ranks, which gives that of `T/R` with `T = Σ_r L_r`. A mean over the whole batch, `Σ_i l_i / n`
//! with n items on all ranks, is given by `L_r = R/n · Σ_{i of r} l_i`. A term that every rank computes
//! alike from all-reduced sums is its own mean; `crate::ops::all_reduce` has the gradient of T.

mod error;
mod global_sizes;
mod launch;
#[cfg(feature = "mpi")]
mod mpi;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod threads;

use std::fmt::Debug;
use std::sync::Arc;

pub use error::RanksError;
pub use global_sizes::{GlobalSizes, Sizes};
pub use launch::{join, launched_processes, local_rank};

/// Exit status of a rank that panicked, as Rust's own.
const PANICKED_STATUS: i32 = 101;

/// The processes of a run, as one of them sees them. Every rank must call the sums in the same order with
/// as many values.
pub trait Ranks: Debug + Send + Sync {
    /// Which rank this is, from 0.
    fn rank(&self) -> usize;

    /// How many ranks there are, at least 1.
    fn count(&self) -> usize;

    /// Replaces every value by its sum over the ranks: the same bits on each of them.
    fn sum_f32(&self, values: &mut [f32]);

    /// Replaces every value by its sum over the ranks: the same bits on each of them.
    fn sum_f64(&self, values: &mut [f64]);

    /// Ends all ranks with an exit status; a process that is alone is left to end by itself.
    fn abort(&self, status: i32);

    /// Whether this is the rank that writes and reports.
    fn leads(&self) -> bool {
        self.rank() == 0
    }

    /// Whether there is one rank.
    fn is_alone(&self) -> bool {
        self.count() == 1
    }

    /// Replaces every value by its mean over the ranks.
    fn average(&self, values: &mut [f64]) {
        if !self.is_alone() {
            self.sum_f64(values);
            values.iter_mut().for_each(|value| *value /= self.count() as f64);
        }
    }

    /// Whether something is so on any rank.
    fn any(&self, here: bool) -> bool {
        let mut count = [f64::from(u8::from(here))];
        self.sum_f64(&mut count);
        count[0] > 0.0
    }
}

/// A run of one process: nothing is exchanged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn count(&self) -> usize {
        1
    }

    fn sum_f32(&self, _: &mut [f32]) {}

    fn sum_f64(&self, _: &mut [f64]) {}

    fn abort(&self, _: i32) {}
}

/// [`Alone`] to be shared.
pub fn alone() -> Arc<dyn Ranks> {
    Arc::new(Alone)
}

/// Checks that every rank gets a crystal of a part.
///
/// # Errors
/// [`RanksError::TooFewCrystals`].
pub fn require(part: &'static str, crystals: u64, ranks: &dyn Ranks) -> Result<(), RanksError> {
    let count = ranks.count();
    if crystals > 0 && crystals < count as u64 {
        return Err(RanksError::TooFewCrystals { part, crystals, count });
    }
    Ok(())
}

/// Ends all ranks when this one panics: the others would wait for it without end.
#[derive(Debug)]
pub struct AbortOnPanic(Arc<dyn Ranks>);

impl AbortOnPanic {
    /// Watches from now on, until it is dropped.
    pub fn of(ranks: &Arc<dyn Ranks>) -> Self {
        Self(Arc::clone(ranks))
    }
}

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abort(PANICKED_STATUS);
        }
    }
}
