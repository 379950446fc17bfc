//! What can go wrong while a published file is brought here.

use std::io;
use std::path::PathBuf;

use schemas::count::counted;

/// Why a file could not be fetched.
///
/// Every message names the address or path concerned and, for a comparison, both sides of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The first argument is none of the databases of the catalogue.
    #[error("unknown database {name:?}: known are {known}")]
    UnknownDatabase {
        /// The name as given.
        name: String,
        /// The names that are known, separated by commas.
        known: String,
    },
    /// The database has no such task.
    #[error("{database} has no task {task:?}: known are {known}")]
    UnknownTask {
        /// Name of the database.
        database: &'static str,
        /// The task as given.
        task: String,
        /// The tasks that are known, separated by commas.
        known: String,
    },
    /// The root given in place of the published addresses is no HTTP address.
    #[error("base URL {url:?} {problem}")]
    BadBaseUrl {
        /// The root as given, without a name and a password.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The server answered with a status that another attempt will not change.
    #[error("{url}: the server answered {status}{}", reason_phrase(*.status))]
    Status {
        /// Address asked for.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// The host has no address or cannot be reached: most likely there is no network.
    #[error("{url}: {reason}")]
    Unreachable {
        /// Address asked for.
        url: String,
        /// What the system said.
        reason: String,
    },
    /// Something that a repetition would not cure, such as a refused certificate.
    #[error("{url}: {reason}")]
    Transport {
        /// Address asked for.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// Every attempt failed in a way that a repetition might have cured.
    #[error(
        "{url}: gave up after {}, {}: {last}",
        counted(*.attempts, "attempt"),
        so_far(*.received, *.expected)
    )]
    GaveUp {
        /// Address asked for.
        url: String,
        /// Attempts made.
        attempts: u32,
        /// Bytes that are on disk.
        received: u64,
        /// Bytes that the file has, where the server or the catalogue said so.
        expected: Option<u64>,
        /// How the last attempt ended.
        last: String,
    },
    /// The file has another length than its publisher says.
    #[error("{origin}: {} found, {} expected", counted(*.found, "byte"), counted(*.expected, "byte"))]
    WrongSize {
        /// Address or path of the file.
        origin: String,
        /// Published length, bytes.
        expected: u64,
        /// Length found, bytes.
        found: u64,
    },
    /// The file goes on where it should end; what had come was thrown away.
    #[error("{origin}: longer than {}, {}", counted(*.limit, "byte"), meaning_of_limit(*.known))]
    TooLong {
        /// Address of the file.
        origin: String,
        /// Bytes that it may have.
        limit: u64,
        /// Whether that is its length, as its publisher or the server says.
        known: bool,
    },
    /// The file has another content than its publisher says.
    #[error("{origin}: SHA-256 {found} found, {expected} expected")]
    WrongHash {
        /// Address or path of the file.
        origin: String,
        /// Published SHA-256, lower-case hexadecimal.
        expected: String,
        /// SHA-256 found, lower-case hexadecimal.
        found: String,
    },
    /// The mirror has the file under none of its names.
    #[error("{place} has none of {names}")]
    NotInMirror {
        /// Folder or address looked in.
        place: String,
        /// The names tried, separated by commas.
        names: String,
    },
    /// Another process fetches into the same folder.
    #[error("{} is locked: another fetch is writing there", .folder.display())]
    Busy {
        /// Folder of the files.
        folder: PathBuf,
    },
    /// The published fold assignment of MatBench does not read as such.
    #[error("{}: not a MatBench fold assignment: {reason}", .path.display())]
    BadFolds {
        /// The file.
        path: PathBuf,
        /// Where and why it does not read.
        reason: String,
    },
    /// A file of a published name that no fetch has brought.
    #[error("{}: not brought by a fetch, and not replaced", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The disk or the file system refused.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried: "write", "rename", ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FetchError {
    /// Whether the cause is most likely a missing network, so that a caller may fall back on
    /// something it has already.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether the place asked simply does not have the file.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::NotInMirror { .. } | Self::Status { status: 404 | 410, .. })
    }

    /// A closure for `map_err` on file operations.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

/// What the limit of a file's length is.
fn meaning_of_limit(known: bool) -> &'static str {
    if known { "its length" } else { "the most that is taken where no length is published" }
}

/// ` (Not Found)` and the like, for the statuses a reader is likely to meet; else nothing.
fn reason_phrase(status: u16) -> &'static str {
    match status {
        401 => " (Unauthorized)",
        403 => " (Forbidden)",
        404 => " (Not Found)",
        410 => " (Gone)",
        429 => " (Too Many Requests)",
        500 => " (Internal Server Error)",
        502 => " (Bad Gateway)",
        503 => " (Service Unavailable)",
        504 => " (Gateway Timeout)",
        _ => "",
    }
}

/// How far a download came, as a message says it.
fn so_far(received: u64, expected: Option<u64>) -> String {
    match (received, expected) {
        (0, _) => "nothing received".to_owned(),
        (_, None) => format!("{} received and kept for the next run", counted(received, "byte")),
        (_, Some(expected)) => {
            format!("{received} of {} received and kept for the next run", counted(expected, "byte"))
        }
    }
}
