//! Data-parallel training over several processes.
//!
//! Each process of a run has a rank. Every rank holds the same weights and builds its share of each batch
//! ([`crate::data::Share`]). Losses and gradients are summed over the ranks to those of the whole batch, so that
//! every rank takes the same step. Only rank 0 writes files.
//!
//! * [`Ranks`]: the exchange with the other ranks; [`Alone`]: a run of one process
//! * [`GlobalSizes`]: sizes of the whole batch, for means over it
//! * [`join`]: the ranks that a launcher started
//!
//! Each rank minimises a loss L_r, and the gradients are averaged over the R ranks. The result is the gradient of
//! `T/R` with `T = Σ_r L_r`. A mean over the whole batch, `Σ_i l_i / n` with n items on all ranks, therefore takes
//! `L_r = R/n · Σ_{i of r} l_i`. For a term that every rank computes alike from all-reduced sums, `T/R` is the term
//! itself; see `crate::ops::all_reduce`.

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
pub use global_sizes::{GlobalSizes, Rows, Sizes};
pub use launch::{join, launched_processes, local_rank};

/// Exit status of a rank that panicked, the same as Rust's own.
const PANICKED_STATUS: i32 = 101;

/// The ranks of a run, as seen from one of them. All ranks must call the sums in the same order with the same number
/// of values.
pub trait Ranks: Debug + Send + Sync {
    /// Returns the index of this rank, from 0.
    fn rank(&self) -> usize;

    /// Returns the number of ranks, at least 1.
    fn count(&self) -> usize;

    /// Replaces every value by its sum over the ranks. All ranks get the same bits.
    fn sum_f32(&self, values: &mut [f32]);

    /// Replaces every value by its sum over the ranks. All ranks get the same bits.
    fn sum_f64(&self, values: &mut [f64]);

    /// Ends all ranks with an exit status. Does nothing on a single rank.
    fn abort(&self, status: i32);

    /// Whether this rank writes files and reports progress.
    fn leads(&self) -> bool {
        self.rank() == 0
    }

    /// Whether there is a single rank.
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

    /// Whether `here` is true on any rank.
    fn any(&self, here: bool) -> bool {
        let mut count = [f64::from(u8::from(here))];
        self.sum_f64(&mut count);
        count[0] > 0.0
    }
}

/// A run of one process, which exchanges nothing.
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

/// Returns a shared [`Alone`].
pub fn alone() -> Arc<dyn Ranks> {
    Arc::new(Alone)
}

/// Checks that a part has a crystal for every rank.
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

/// Ends all ranks if this one panics, since the others would wait for it forever.
#[derive(Debug)]
pub struct AbortOnPanic(Arc<dyn Ranks>);

impl AbortOnPanic {
    /// Watches this rank until the value is dropped.
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
