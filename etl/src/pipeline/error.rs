//! What stops a build.

use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use schemas::StoreError;
use schemas::count::{agree, counted};
use schemas::output::OutputIsInput;
use schemas::settings::SettingsError;

use crate::filter::FilterError;
use crate::labels::LabelError;
use crate::shard::ShardError;
use crate::source::SourceError;

/// Files that a message names.
const SHOWN_FILES: usize = 10;

/// A build that could not go on. Faults of single entries never end here, they become rejects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The input as a whole cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Next to no entry of a long input is a crystal.
    #[error(
        "{file}: {rejected} of the first {read} entries are rejected, the last one (record {record}) as {reason}: \
         {message}; this is no set of crystals of the kind it is read as"
    )]
    NoCrystals {
        /// Entries rejected.
        rejected: u64,
        /// All entries so far.
        read: u64,
        /// File of the entry that was rejected last.
        file: String,
        /// Its number there.
        record: u64,
        /// Its reason.
        reason: &'static str,
        /// Its message.
        message: String,
    },
    /// A label table cannot be read.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// A filter cannot be understood or applied.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A file of the store cannot be written.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// A file of the store cannot be read back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A label table has no row for any crystal of the store.
    #[error(
        "{file}: no row joined, {rows} without a crystal: the table has {}, the crystals are {}{}",
        quoted(.theirs), quoted(.ours), hint(.theirs, .ours)
    )]
    NoneJoined {
        /// The table.
        file: String,
        /// Its rows.
        rows: usize,
        /// Its first identifiers.
        theirs: Vec<String>,
        /// Identifiers of the store's first crystals.
        ours: Vec<String>,
    },
    /// The source and a label table bring the same column.
    #[error(
        "column {column} comes from the source as {source_key:?} and from a label table as {label_key:?}"
    )]
    DuplicateColumn {
        /// The column.
        column: String,
        /// The source's key.
        source_key: String,
        /// The table's key.
        label_key: String,
    },
    /// Another run writes into the folder.
    #[error("{}: another run is writing this store", store.display())]
    Locked {
        /// The store's folder.
        store: PathBuf,
    },
    /// A finished store is there, made from something else.
    #[error("{}: a finished store is here with {difference}", store.display())]
    Finished {
        /// The store's folder.
        store: PathBuf,
        /// The first difference.
        difference: String,
    },
    /// An interrupted run left its work behind.
    #[error("{}: an interrupted build is here", store.display())]
    Interrupted {
        /// The store's folder.
        store: PathBuf,
    },
    /// The interrupted run cannot be continued with these options or inputs.
    #[error("{}: cannot resume, the interrupted build has {difference}", store.display())]
    ResumeMismatch {
        /// The store's folder.
        store: PathBuf,
        /// The first difference.
        difference: String,
    },
    /// The store would be written over an input.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// The folder holds files that a build would replace, but that no journal or manifest of ours names.
    #[error(
        "{}: {} {} not of this store; shards go into a folder of their own",
        store.display(), listed(files), agree(&files.len(), "is", "are")
    )]
    Foreign {
        /// The store's folder.
        store: PathBuf,
        /// The files in the way, relative to it.
        files: Vec<String>,
    },
    /// The notes of an interrupted run cannot be read.
    #[error("{}: not a journal of this software: {message}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A field of the request is out of its range or names something that is not there.
    #[error("{option} = {value}: {problem}")]
    Option {
        /// Name of the field.
        option: &'static str,
        /// The value given.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No features can be computed with the settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The user asked the run to stop.
    #[error("{}: stopped on request", store.display())]
    Cancelled {
        /// The store's folder.
        store: PathBuf,
    },
    /// The threads could not be started.
    #[error("cannot start {}: {message}", counted(*threads, "thread"))]
    Threads {
        /// Number asked for.
        threads: usize,
        /// What the system said.
        message: String,
    },
    /// A thread ended without a result; its message was printed.
    #[error("a thread of the featuriser has stopped unexpectedly")]
    ThreadLost,
    /// Columns that do not fit together: a fault of this software.
    #[error("internal error while arranging columns: {0}")]
    Arrow(#[from] ArrowError),
    /// Columns that cannot be encoded: a fault of this software.
    #[error("internal error while encoding columns: {0}")]
    Parquet(#[from] ParquetError),
}

impl BuildError {
    /// Wraps an I/O error with its path.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| BuildError::Io { path, source }
    }
}

/// The first files of a list, and how many more there are.
fn listed(files: &[String]) -> String {
    let (shown, rest) = files.split_at(files.len().min(SHOWN_FILES));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("{}{more}", shown.join(", "))
}

/// Identifiers in a row, as a message shows them.
fn quoted(ids: &[String]) -> String {
    ids.iter().map(|id| format!("{id:?}")).collect::<Vec<_>>().join(", ")
}

/// What may be the reason that identifiers differ.
fn hint(theirs: &[String], ours: &[String]) -> &'static str {
    let any = |are: fn(&str, &str) -> bool| theirs.iter().any(|id| ours.iter().any(|other| are(id, other)));
    if any(|id, other| id.eq_ignore_ascii_case(other)) {
        // `Co` and `CO` are not one crystal.
        "; upper and lower case must be the same"
    } else if any(|id, other| other.strip_prefix(id).is_some_and(|rest| rest.starts_with('#'))) {
        "; the structures of one CIF are name#block"
    } else {
        ""
    }
}
