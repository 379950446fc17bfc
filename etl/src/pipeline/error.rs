//! Errors of building a store.

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

/// Largest number of files that a message names.
const SHOWN_FILES: usize = 10;

/// An error that ends a build. Errors of single entries do not end it; they become rejects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An input/output error of the operating system.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The input as a whole cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Almost no entry of a long input is a crystal.
    #[error(
        "{file}: {rejected} of the first {read} entries are rejected, the last one (record {record}) as {reason}: \
         {message}; this is no set of crystals of the kind it is read as"
    )]
    NoCrystals {
        /// Number of rejected entries.
        rejected: u64,
        /// Number of entries read so far.
        read: u64,
        /// File of the last rejected entry.
        file: String,
        /// Position of the last rejected entry in its file, counted from 1.
        record: u64,
        /// Reason code of the last reject.
        reason: &'static str,
        /// Message of the last reject.
        message: String,
    },
    /// A label table cannot be read.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// A filter cannot be parsed or applied.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A file of the store cannot be written.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// A file of the store cannot be read back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No row of a label table matches a crystal of the store.
    #[error(
        "{file}: no row joined, {rows} without a crystal: the table has {}, the crystals are {}{}",
        quoted(.theirs), quoted(.ours), hint(.theirs, .ours)
    )]
    NoneJoined {
        /// The table.
        file: String,
        /// Number of its rows.
        rows: usize,
        /// The first identifiers of the table.
        theirs: Vec<String>,
        /// The first identifiers of the store.
        ours: Vec<String>,
    },
    /// The source and a label table give the same column.
    #[error(
        "column {column} comes from the source as {source_key:?} and from a label table as {label_key:?}"
    )]
    DuplicateColumn {
        /// The column.
        column: String,
        /// The key in the source.
        source_key: String,
        /// The key in the table.
        label_key: String,
    },
    /// Another run is writing to the folder.
    #[error("{}: another run is writing this store", store.display())]
    Locked {
        /// The store's folder.
        store: PathBuf,
    },
    /// The sidecar for manifest and rejects cannot be created.
    #[error(
        "{}: {source}; the manifest and the rejects of {} belong in this folder",
        sidecar.display(), store.display()
    )]
    Sidecar {
        /// The store's folder.
        store: PathBuf,
        /// Its sidecar.
        sidecar: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The store's folder is the root of a mounted file system. The sidecar would be on another one, and lost with it.
    #[error(
        "{}: a mounted file system; the manifest and the rejects would be outside it, in {}; name a folder in it",
        store.display(), sidecar.display()
    )]
    MountPoint {
        /// The store's folder.
        store: PathBuf,
        /// Its sidecar.
        sidecar: PathBuf,
    },
    /// The folder that would be the sidecar is a store, or has the manifest of another program.
    #[error(
        "{}: has a manifest of its own, and cannot hold the manifest and the rejects of {}",
        sidecar.display(), store.display()
    )]
    SidecarTaken {
        /// The store's folder.
        store: PathBuf,
        /// The folder beside it.
        sidecar: PathBuf,
    },
    /// The folder holds a finished store with other content.
    #[error("{}: a finished store is here with {difference}", store.display())]
    Finished {
        /// The store's folder.
        store: PathBuf,
        /// The first difference.
        difference: String,
    },
    /// The folder holds the files of an interrupted run.
    #[error("{}: an interrupted build is here", store.display())]
    Interrupted {
        /// The store's folder.
        store: PathBuf,
    },
    /// The interrupted run cannot be resumed with these options or inputs.
    #[error("{}: cannot resume, the interrupted build has {difference}", store.display())]
    ResumeMismatch {
        /// The store's folder.
        store: PathBuf,
        /// The first difference.
        difference: String,
    },
    /// The store would overwrite an input.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// The folder holds files that a build would replace, but that no journal or manifest names.
    #[error(
        "{}: {} {} not of this store; shards go into a folder of their own",
        store.display(), listed(files), agree(&files.len(), "is", "are")
    )]
    Foreign {
        /// The store's folder.
        store: PathBuf,
        /// Names of these files, relative to the folder or to the one that both folders are in.
        files: Vec<String>,
    },
    /// The journal of an interrupted run cannot be read.
    #[error("{}: not a journal of this software: {message}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A field of the request is out of range or refers to something that does not exist.
    #[error("{option} = {value}: {problem}")]
    Option {
        /// Name of the field.
        option: &'static str,
        /// The value given.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The settings of the features are invalid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The user cancelled the run.
    #[error("{}: stopped on request", store.display())]
    Cancelled {
        /// The store's folder.
        store: PathBuf,
    },
    /// The threads cannot be started.
    #[error("cannot start {}: {message}", counted(*threads, "thread"))]
    Threads {
        /// Requested number of threads.
        threads: usize,
        /// The error of the operating system.
        message: String,
    },
    /// A thread panicked. Its message was printed.
    #[error("a thread of the featuriser has stopped unexpectedly")]
    ThreadLost,
    /// Columns do not match the schema, which is an internal error.
    #[error("internal error while arranging columns: {0}")]
    Arrow(#[from] ArrowError),
    /// Columns cannot be encoded, which is an internal error.
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

/// Lists the first files, followed by the number of further ones.
fn listed(files: &[String]) -> String {
    let (shown, rest) = files.split_at(files.len().min(SHOWN_FILES));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("{}{more}", shown.join(", "))
}

/// Formats identifiers for a message.
fn quoted(ids: &[String]) -> String {
    ids.iter().map(|id| format!("{id:?}")).collect::<Vec<_>>().join(", ")
}

/// Returns a hint on why identifiers may differ.
fn hint(theirs: &[String], ours: &[String]) -> &'static str {
    let any = |are: fn(&str, &str) -> bool| theirs.iter().any(|id| ours.iter().any(|other| are(id, other)));
    if any(|id, other| id.eq_ignore_ascii_case(other)) {
        // Case is significant: `Co` and `CO` are different substances.
        "; upper and lower case must be the same"
    } else if any(|id, other| other.strip_prefix(id).is_some_and(|rest| rest.starts_with('#'))) {
        "; the structures of one CIF are name#block"
    } else {
        ""
    }
}
