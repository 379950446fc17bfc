//! The ranks of an MPI job: all processes of `MPI_COMM_WORLD`.
//!
//! A failure of MPI ends the job. This is the default of the MPI standard, and no rank can continue without the
//! others.

use std::fmt;

use ::mpi::Threading;
use ::mpi::collective::SystemOperation;
use ::mpi::datatype::Equivalence;
use ::mpi::environment::Universe;
use ::mpi::traits::{Communicator, CommunicatorCollectives};

use super::{PANICKED_STATUS, Ranks, RanksError};

/// All processes of the job. Dropping it finalises MPI, which waits for the other processes. Only the thread that
/// joined exchanges messages.
pub(super) struct World {
    universe: Universe,
    rank: usize,
    count: usize,
}

impl World {
    /// Initialises MPI.
    ///
    /// # Errors
    /// [`RanksError::StartedTwice`].
    pub(super) fn join() -> Result<Self, RanksError> {
        let (universe, _) =
            ::mpi::initialize_with_threading(Threading::Funneled).ok_or(RanksError::StartedTwice)?;
        let world = universe.world();
        // Both are counts, which MPI gives as signed numbers.
        let (rank, count) = (world.rank().unsigned_abs() as usize, world.size().unsigned_abs() as usize);
        Ok(Self { universe, rank, count })
    }

    /// Sums the values over the ranks. MPI libraries reduce in an order that depends only on the numbers of ranks and
    /// values, and give all ranks one result or sum the same pairs on both sides, so that every rank has the same
    /// bits.
    fn sum<T: Equivalence + Copy>(&self, values: &mut [T]) {
        let own = values.to_vec();
        self.universe.world().all_reduce_into(&own[..], values, SystemOperation::sum());
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rank, count, .. } = self;
        f.debug_struct("World").field("rank", rank).field("count", count).finish_non_exhaustive()
    }
}

impl Ranks for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.count
    }

    fn sum_f32(&self, values: &mut [f32]) {
        self.sum(values);
    }

    fn sum_f64(&self, values: &mut [f64]) {
        self.sum(values);
    }

    fn abort(&self, status: i32) {
        self.universe.world().abort(status)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Ending MPI in order would wait for the others, and they for this rank.
        if std::thread::panicking() {
            self.abort(PANICKED_STATUS);
        }
    }
}
