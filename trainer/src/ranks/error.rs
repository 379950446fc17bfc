//! Errors of training over several processes.

use schemas::count::counted;

/// An error that keeps the processes of a launcher from training together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RanksError {
    /// A launcher started several processes, but this program was built without MPI.
    #[error(
        "a launcher started {count} processes, but this program was built without MPI, and they would all \
         train the same: a build with the feature `mpi` shares the batches among them"
    )]
    WithoutMpi {
        /// Number of processes.
        count: usize,
    },
    /// The launcher belongs to another MPI library.
    #[error(
        "a launcher started {launched} processes, but MPI knows of {found}: use the launcher of the MPI \
         library that this program was built with"
    )]
    OtherMpi {
        /// Number of processes that the launcher started.
        launched: usize,
        /// Number of processes that MPI knows.
        found: usize,
    },
    /// MPI was already started in this process.
    #[error("MPI was started twice in one process")]
    StartedTwice,
    /// A part has fewer crystals than there are processes.
    #[error("{} for {part} cannot be shared among {count} processes", counted(*crystals, "crystal"))]
    TooFewCrystals {
        /// `training` or `validation`.
        part: &'static str,
        /// Number of crystals of the part.
        crystals: u64,
        /// Number of processes.
        count: usize,
    },
    /// A rank finds another checkpoint than rank 0.
    #[error(
        "process {rank} finds another checkpoint in {} than process 0: all of them must see the same folder",
        path.display()
    )]
    OtherCheckpoint {
        /// Index of the process, from 0.
        rank: usize,
        /// The run's folder.
        path: std::path::PathBuf,
    },
}
