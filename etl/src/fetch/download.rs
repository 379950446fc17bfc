//! One file over HTTP: attempts, waits, and going on where the last attempt ended (RFC 9110,
//! section 14, ranges; section 13.1.5, `If-Range`).

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use schemas::count::counted;
use ureq::http::{HeaderMap, header};

use super::part::{Part, PartState};
use super::{FetchError, FetchProgress};

/// Bytes read from the network at a time.
const BLOCK_BYTES: usize = 64 * 1024;
/// Attempts at most while the host has not answered once in this run: without a network, that is
/// known soon.
const UNANSWERED_ATTEMPTS: u32 = 3;
/// Longest wait that a server's `Retry-After` can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How patient a download is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in a row that bring no new byte before the download is given up; at least 1.
    pub attempts: u32,
    /// Wait before the second attempt; doubled before each further one.
    pub first_wait: Duration,
    /// No wait of our own is longer.
    pub longest_wait: Duration,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long an open connection may stay silent.
    pub read_timeout: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// The wait after `failures` failed attempts in a row, one at least.
    fn wait(&self, failures: u32, retry_after: Option<Duration>) -> Duration {
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        let own = doubled.min(self.longest_wait);
        retry_after.map_or(own, |asked| asked.min(LONGEST_RETRY_AFTER).max(own))
    }
}

/// What is to be downloaded.
pub(super) struct Job<'a> {
    /// Client to ask with.
    pub(super) client: &'a ureq::Agent,
    /// Address, without a name and a password.
    pub(super) url: &'a str,
    /// Name and password for the server, as they stand in an address.
    pub(super) userinfo: Option<&'a str>,
    /// Where the finished file will lie.
    pub(super) target: &'a Path,
    /// Length in bytes that the file must have.
    pub(super) bytes: Option<u64>,
    /// Bytes that are taken at most of a file whose length is not known.
    pub(super) longest: u64,
    /// Whether a hash will tell a wrongly joined file from the right one; without it a download goes
    /// on only where the server names versions.
    pub(super) hash_known: bool,
    /// Patience.
    pub(super) policy: &'a RetryPolicy,
}

impl Job<'_> {
    /// The address with name and password.
    fn address(&self) -> String {
        match self.userinfo {
            Some(userinfo) => self.url.replacen("://", &format!("://{userinfo}@"), 1),
            None => self.url.to_owned(),
        }
    }

    /// The error of a file that goes on beyond its length, or beyond the longest where that is not known.
    fn too_long(&self, length: Option<u64>) -> FetchError {
        let (limit, known) = (length.unwrap_or(self.longest), length.is_some());
        FetchError::TooLong { origin: self.url.to_owned(), limit, known }
    }
}

/// How an attempt ended.
enum Failure {
    /// A repetition might succeed.
    Transient { what: String, retry_after: Option<Duration>, answered: bool },
    /// A repetition will not.
    Fatal(FetchError),
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Fatal(error)
    }
}

/// A failure after the server answered.
fn broken(what: impl Into<String>) -> Failure {
    Failure::Transient { what: what.into(), retry_after: None, answered: true }
}

/// Downloads a file into its part, going on from what is there.
///
/// # Errors
/// [`FetchError`] when the server refuses, patience ends or the disk does; what has arrived stays.
pub(super) fn download(job: &Job<'_>, progress: &mut dyn FetchProgress) -> Result<Part, FetchError> {
    let mut part = Part::open(job.target, job.url)?;
    match repeat(job, &mut part, progress) {
        Ok(()) => Ok(part),
        Err(error) => {
            if part.length() == 0 {
                part.discard()?;
            }
            Err(error)
        }
    }
}

/// Attempts until the part is whole, an attempt fails for good or patience ends.
fn repeat(job: &Job<'_>, part: &mut Part, progress: &mut dyn FetchProgress) -> Result<(), FetchError> {
    let (mut furthest, mut failures, mut attempts, mut answered) = (part.length(), 0, 0, false);
    loop {
        attempts += 1;
        let (what, retry_after) = match attempt(job, part, progress) {
            Ok(()) => return Ok(()),
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Transient { what, retry_after, answered: this_time }) => {
                answered |= this_time;
                (what, retry_after)
            }
        };
        if part.length() > furthest {
            (furthest, failures) = (part.length(), 0);
        } else {
            failures += 1;
        }
        let patience =
            if answered { job.policy.attempts } else { job.policy.attempts.min(UNANSWERED_ATTEMPTS) };
        if failures >= patience {
            return Err(give_up(job, part, attempts, what, answered));
        }
        let wait = job.policy.wait(failures, retry_after);
        progress.note(&format!("{what}; again in {:.1} s from byte {}", wait.as_secs_f64(), part.length()));
        thread::sleep(wait);
    }
}

/// The error at the end of one's patience.
fn give_up(job: &Job<'_>, part: &Part, attempts: u32, last: String, answered: bool) -> FetchError {
    let url = job.url.to_owned();
    if !answered && part.length() == 0 {
        return FetchError::Unreachable { url, reason: format!("{last} ({})", counted(attempts, "attempt")) };
    }
    let expected = part.state().total.or(job.bytes);
    FetchError::GaveUp { url, attempts, received: part.length(), expected, last }
}

/// One request, and its answer written to the part.
fn attempt(job: &Job<'_>, part: &mut Part, progress: &mut dyn FetchProgress) -> Result<(), Failure> {
    if part.length() > 0 && part.state().total == Some(part.length()) {
        return Ok(());
    }
    if part.state().validator().is_none() && !job.hash_known {
        part.restart()?;
    }
    let from = part.length();
    // A server that compressed the file on the way would change its length and hash.
    let mut request = job.client.get(job.address()).header(header::ACCEPT_ENCODING, "identity");
    if from > 0 {
        request = request.header(header::RANGE, format!("bytes={from}-"));
        if let Some(validator) = part.state().validator() {
            request = request.header(header::IF_RANGE, validator);
        }
    }
    let response = request.call().map_err(|error| failed_call(job.url, &error))?;
    let status = response.status().as_u16();
    let headers = response.headers();
    match status {
        200 if from > 0 => {
            progress.note("the server sends the whole file again");
            part.restart()?;
        }
        200 => part.restart()?,
        206 if from > 0 => check_continuation(part, headers, job.hash_known)?,
        416 => {
            part.restart()?;
            return Err(broken(format!("the server has no byte {from}")));
        }
        _ => return Err(refused(job.url, status, headers)),
    }
    let length = number(headers, header::CONTENT_LENGTH.as_str());
    let total = length.map(|length| part.length().saturating_add(length));
    match (job.bytes, total) {
        (Some(expected), Some(found)) if expected != found => {
            let origin = job.url.to_owned();
            return Err(FetchError::WrongSize { origin, expected, found }.into());
        }
        (None, Some(found)) if found > job.longest => return Err(job.too_long(None).into()),
        _ => {}
    }
    if status == 200 {
        part.remember(PartState {
            url: job.url.to_owned(),
            etag: text(headers, header::ETAG.as_str()).filter(|tag| !tag.starts_with("W/")),
            last_modified: text(headers, header::LAST_MODIFIED.as_str()),
            total,
        })?;
    }
    receive(&mut response.into_body().into_reader(), part, job, progress)
}

/// Writes a body to the part until its end, and nothing beyond the length that the file has.
fn receive(
    body: &mut dyn io::Read,
    part: &mut Part,
    job: &Job<'_>,
    progress: &mut dyn FetchProgress,
) -> Result<(), Failure> {
    let expected = part.state().total.or(job.bytes);
    progress.position(part.length(), expected);
    let limit = expected.unwrap_or(job.longest);
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        match body.read(&mut block) {
            Ok(0) => break,
            Ok(read) if part.length().saturating_add(read as u64) > limit => {
                // What is longer is another file, and so is its beginning.
                part.restart()?;
                return Err(job.too_long(expected).into());
            }
            Ok(read) => part.append(block.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(broken(format!("the connection broke at byte {}: {error}", part.length())));
            }
        }
        progress.position(part.length(), expected);
    }
    match expected {
        Some(expected) if part.length() < expected => {
            Err(broken(format!("the connection ended at byte {} of {expected}", part.length())))
        }
        _ => Ok(()),
    }
}

/// Whether a partial answer goes on exactly where the part ends, in the same version.
///
/// A server may honour `Range` and ignore `If-Range`; then only its tag, date and length tell. The tag must be
/// said again (RFC 9110, section 15.3.7); without it, and without a hash, nothing would tell.
fn check_continuation(part: &mut Part, headers: &HeaderMap, hash_known: bool) -> Result<(), Failure> {
    let state = part.state();
    let range = text(headers, header::CONTENT_RANGE.as_str()).and_then(|value| content_range(&value));
    let begins_right = range.is_some_and(|(first, _)| first == part.length());
    let same_total = match (range.and_then(|(_, total)| total), state.total) {
        (Some(now), Some(before)) => now == before,
        _ => true,
    };
    let same_tag = match (text(headers, header::ETAG.as_str()), &state.etag) {
        (Some(now), Some(before)) => now == *before,
        (None, Some(_)) => hash_known,
        _ => true,
    };
    let same_date = match (text(headers, header::LAST_MODIFIED.as_str()), &state.last_modified) {
        (Some(now), Some(before)) => now == *before,
        _ => true,
    };
    if begins_right && same_total && same_tag && same_date {
        part.join();
        return Ok(());
    }
    part.restart()?;
    Err(broken("the file has changed on the server"))
}

/// First byte and total length of a `Content-Range: bytes 5-9/10`; a total of `*` is `None`.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-')?.0.trim().parse().ok()?;
    Some((first, total.trim().parse().ok()))
}

/// A status that brings no file.
fn refused(url: &str, status: u16, headers: &HeaderMap) -> Failure {
    match status {
        408 | 425 | 429 | 500..=599 => Failure::Transient {
            what: format!("the server answered {status}"),
            retry_after: number(headers, header::RETRY_AFTER.as_str()).map(Duration::from_secs),
            answered: true,
        },
        _ => Failure::Fatal(FetchError::Status { url: url.to_owned(), status }),
    }
}

/// A call without an answer.
fn failed_call(url: &str, error: &ureq::Error) -> Failure {
    let unreachable =
        |reason: String| Failure::Fatal(FetchError::Unreachable { url: url.to_owned(), reason });
    let unanswered = |what| Failure::Transient { what, retry_after: None, answered: false };
    match error {
        ureq::Error::HostNotFound => unreachable("the host has no address".to_owned()),
        ureq::Error::ConnectProxyFailed(reason) => unreachable(format!("the proxy refused: {reason}")),
        ureq::Error::Io(cause)
            if matches!(cause.kind(), io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) =>
        {
            unreachable(cause.to_string())
        }
        ureq::Error::Io(cause) => unanswered(cause.to_string()),
        ureq::Error::ConnectionFailed | ureq::Error::Timeout(_) => unanswered(error.to_string()),
        ureq::Error::Protocol(_) => broken(error.to_string()),
        ureq::Error::RequireHttpsOnly(to) => {
            let reason = format!("it redirects to {to}, unencrypted, which is not followed");
            Failure::Fatal(FetchError::Transport { url: url.to_owned(), reason })
        }
        ureq::Error::Other(cause) => {
            Failure::Fatal(FetchError::Transport { url: url.to_owned(), reason: cause.to_string() })
        }
        _ => Failure::Fatal(FetchError::Transport { url: url.to_owned(), reason: error.to_string() }),
    }
}

/// A header as text.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// A header as a number.
fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let seconds = |failures| policy.wait(failures, None).as_secs_f64();
        assert_eq!([1, 2, 3, 4].map(seconds), [0.5, 1.0, 2.0, 4.0]);
        assert_eq!(seconds(50), 15.0);
        assert_eq!(policy.wait(1, Some(Duration::from_secs(7))).as_secs(), 7);
        assert_eq!(policy.wait(1, Some(Duration::from_secs(86_400))), LONGEST_RETRY_AFTER);
    }

    #[test]
    fn content_ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        for bad in ["", "bytes */10", "items 5-9/10", "bytes 5/10", "bytes -9/10"] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
