//! Errors of fetching published files.

use std::io;
use std::path::PathBuf;

use schemas::count::counted;

/// An error of fetching a file.
///
/// Every message names the address or path, and states both sides of a failed comparison.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The database is not in the catalogue.
    #[error("unknown database {name:?}: known are {known}")]
    UnknownDatabase {
        /// The name as given.
        name: String,
        /// The known names, separated by commas.
        known: String,
    },
    /// The database has no task with this name.
    #[error("{database} has no task {task:?}: known are {known}")]
    UnknownTask {
        /// Name of the database.
        database: &'static str,
        /// The task as given.
        task: String,
        /// The known tasks, separated by commas.
        known: String,
    },
    /// The root that replaces the published addresses is not a valid HTTP address.
    #[error("base URL {url:?} {problem}")]
    BadBaseUrl {
        /// The root as given, without user name and password.
        url: String,
        /// What is wrong with the root.
        problem: &'static str,
    },
    /// The server responded with an error status that another attempt will not change.
    #[error("{url}: the server answered {status}{}", reason_phrase(*.status))]
    Status {
        /// Address of the request.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// The host cannot be resolved or reached. Most likely there is no network.
    #[error("{url}: {reason}")]
    Unreachable {
        /// Address of the request.
        url: String,
        /// The error of the operating system.
        reason: String,
    },
    /// A transport error that another attempt will not resolve, such as an invalid certificate.
    #[error("{url}: {reason}")]
    Transport {
        /// Address of the request.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// All attempts failed with temporary errors.
    #[error(
        "{url}: gave up after {}, {}: {last}",
        counted(*.attempts, "attempt"),
        so_far(*.received, *.expected)
    )]
    GaveUp {
        /// Address of the request.
        url: String,
        /// Number of attempts.
        attempts: u32,
        /// Number of bytes on disk.
        received: u64,
        /// Size of the file in bytes, if the server or the catalogue states it.
        expected: Option<u64>,
        /// The failure of the last attempt.
        last: String,
    },
    /// The size of the file differs from the published one.
    #[error("{origin}: {} found, {} expected", counted(*.found, "byte"), counted(*.expected, "byte"))]
    WrongSize {
        /// Address or path of the file.
        origin: String,
        /// Published size in bytes.
        expected: u64,
        /// Actual size in bytes.
        found: u64,
    },
    /// The file is longer than expected. The received bytes were deleted.
    #[error("{origin}: longer than {}, {}", counted(*.limit, "byte"), meaning_of_limit(*.known))]
    TooLong {
        /// Address of the file.
        origin: String,
        /// Largest size in bytes.
        limit: u64,
        /// Whether the limit is the size that the publisher or the server states.
        known: bool,
    },
    /// The hash of the file differs from the published one.
    #[error("{origin}: SHA-256 {found} found, {expected} expected")]
    WrongHash {
        /// Address or path of the file.
        origin: String,
        /// Published SHA-256 in lower-case hexadecimal.
        expected: String,
        /// Actual SHA-256 in lower-case hexadecimal.
        found: String,
    },
    /// The mirror does not have the file under any of its names.
    #[error("{place} has none of {names}")]
    NotInMirror {
        /// Folder or address of the mirror.
        place: String,
        /// The names tried, separated by commas.
        names: String,
    },
    /// Another process is fetching into the same folder.
    #[error("{} is locked: another fetch is writing there", .folder.display())]
    Busy {
        /// Folder of the database.
        folder: PathBuf,
    },
    /// The published fold assignment of MatBench cannot be parsed.
    #[error("{}: not a MatBench fold assignment: {reason}", .path.display())]
    BadFolds {
        /// The file.
        path: PathBuf,
        /// The place and the error.
        reason: String,
    },
    /// A file with a published name exists that was not fetched.
    #[error("{}: not brought by a fetch, and not replaced", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// An input/output error of the operating system.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// The action that failed: "write", "rename" and so on.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl FetchError {
    /// Whether the error most likely means that there is no network, so that a caller may fall back on existing
    /// files.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether the server or mirror does not have the file.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::NotInMirror { .. } | Self::Status { status: 404 | 410, .. })
    }

    /// Returns a closure for `map_err` on file operations.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

/// Returns what the limit of a file's size means.
fn meaning_of_limit(known: bool) -> &'static str {
    if known { "its length" } else { "the most that is taken where no length is published" }
}

/// Returns a reason phrase such as ` (Not Found)` for common statuses, and an empty text for all others.
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

/// Formats the progress of a download for a message.
fn so_far(received: u64, expected: Option<u64>) -> String {
    match (received, expected) {
        (0, _) => "nothing received".to_owned(),
        (_, None) => format!("{} received and kept for the next run", counted(received, "byte")),
        (_, Some(expected)) => {
            format!("{received} of {} received and kept for the next run", counted(expected, "byte"))
        }
    }
}
