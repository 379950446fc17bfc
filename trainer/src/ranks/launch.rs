//! The processes that a launcher such as `mpirun` has started.

use std::sync::Arc;

use super::{Ranks, RanksError, alone};

/// Environment variables with the number of processes, by launcher: Open MPI; MPICH, Intel MPI and `srun --mpi=pmi2`;
/// MVAPICH; Slurm's `srun`.
const COUNTS: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"];
/// Environment variables with the index of this process on its machine, in the order of the launchers above.
const LOCAL_RANKS: [&str; 4] =
    ["OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"];

/// Returns the first variable that holds a number.
fn first_number(variables: &[&str], value: impl Fn(&str) -> Option<String>) -> Option<usize> {
    variables.iter().find_map(|name| value(name)?.trim().parse().ok())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns the number of processes that the launcher started; 1 without a launcher.
pub fn launched_processes() -> usize {
    first_number(&COUNTS, variable).unwrap_or(1)
}

/// Returns the index of this process among those of its machine, from 0; `None` unless a launcher started several
/// processes.
pub fn local_rank() -> Option<usize> {
    (launched_processes() > 1).then(|| first_number(&LOCAL_RANKS, variable))?
}

/// Joins the processes that the launcher started. A single process does not start MPI.
///
/// # Errors
/// [`RanksError`] if there are other processes that cannot be joined.
pub fn join() -> Result<Arc<dyn Ranks>, RanksError> {
    match launched_processes() {
        0 | 1 => Ok(alone()),
        count => join_all(count),
    }
}

#[cfg(not(feature = "mpi"))]
fn join_all(count: usize) -> Result<Arc<dyn Ranks>, RanksError> {
    Err(RanksError::WithoutMpi { count })
}

#[cfg(feature = "mpi")]
fn join_all(count: usize) -> Result<Arc<dyn Ranks>, RanksError> {
    let world = super::mpi::World::join()?;
    match world.count() {
        found if found == count => Ok(Arc::new(world)),
        found => Err(RanksError::OtherMpi { launched: count, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launcher_tells_the_number() {
        let set = |name: &'static str, number: &'static str| {
            move |asked: &str| (asked == name).then(|| number.to_owned())
        };
        assert_eq!(first_number(&COUNTS, set("PMI_SIZE", "4")), Some(4));
        assert_eq!(first_number(&COUNTS, set("OMPI_COMM_WORLD_SIZE", " 2\n")), Some(2));
        assert_eq!(first_number(&COUNTS, set("PMI_SIZE", "many")), None);
        assert_eq!(first_number(&COUNTS, set("HOME", "4")), None);
        assert_eq!(first_number(&LOCAL_RANKS, set("SLURM_LOCALID", "3")), Some(3));
    }

    #[test]
    fn a_process_without_a_launcher_is_alone() {
        // The tests themselves are started by none.
        assert_eq!((launched_processes(), local_rank()), (1, None));
        let ranks = join().expect("nobody to join");
        assert!(ranks.is_alone() && ranks.leads());
    }
}
