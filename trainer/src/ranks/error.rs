//! What keeps several processes from training together.

use schemas::count::counted;

/// Why the processes of a launcher cannot train together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RanksError {
    /// This program was built without MPI.
    #[error(
        "a launcher started {count} processes, but this program was built without MPI, and they would all \
         train the same: a build with `--features mmpt-trainer/mpi` shares the batches among them"
    )]
    WithoutMpi {
        /// How many there are.
        count: usize,
    },
    /// The launcher belongs to another MPI.
    #[error(
        "a launcher started {launched} processes, but MPI knows of {found}: use the launcher of the MPI \
         library that this program was built with"
    )]
    OtherMpi {
        /// How many the launcher started.
        launched: usize,
        /// How many MPI knows of.
        found: usize,
    },
    /// MPI was started before.
    #[error("MPI was started twice in one process")]
    StartedTwice,
    /// A part has fewer crystals than there are processes.
    #[error("{} for {part} cannot be shared among {count} processes", counted(*crystals, "crystal"))]
    TooFewCrystals {
        /// `training` or `validation`.
        part: &'static str,
        /// Its crystals.
        crystals: u64,
        /// How many processes there are.
        count: usize,
    },
    /// A rank does not see what rank 0 has read.
    #[error(
        "process {rank} finds another checkpoint in {} than process 0: all of them must see the same folder",
        path.display()
    )]
    OtherCheckpoint {
        /// Which process, from 0.
        rank: usize,
        /// The run's folder.
        path: std::path::PathBuf,
    },
}
