//! Download of a single file over HTTP with retries. An interrupted download is resumed by range requests (RFC 9110,
//! section 14) with `If-Range` (section 13.1.5).

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use schemas::count::counted;
use ureq::http::{HeaderMap, header};

use super::part::{Part, PartState};
use super::verify::{Difference, Digest, digest_file};
use super::{FetchError, FetchProgress};

/// Number of bytes read from the network at a time.
const BLOCK_BYTES: usize = 64 * 1024;
/// Largest number of attempts as long as the host has not responded in this run. Without a network, the failure is
/// then reported soon.
const UNANSWERED_ATTEMPTS: u32 = 3;
/// Longest wait that the header `Retry-After` can request.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Limits on the retries and the waiting time of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Number of successive attempts without a new byte after which the download fails; at least 1.
    pub attempts: u32,
    /// Wait before the second attempt. It doubles with each further attempt.
    pub first_wait: Duration,
    /// Longest wait, unless the server requests a longer one.
    pub longest_wait: Duration,
    /// Timeout for opening a connection.
    pub connect_timeout: Duration,
    /// Timeout for reading from an open connection.
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
    /// Returns the wait after `failures` successive failed attempts, at least one.
    fn wait(&self, failures: u32, retry_after: Option<Duration>) -> Duration {
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        let own = doubled.min(self.longest_wait);
        retry_after.map_or(own, |asked| asked.min(LONGEST_RETRY_AFTER).max(own))
    }
}

/// A file to be downloaded.
pub(super) struct Job<'a> {
    /// The HTTP client.
    pub(super) client: &'a ureq::Agent,
    /// Address without user name and password.
    pub(super) url: &'a str,
    /// User name and password for the server, as written in an address.
    pub(super) userinfo: Option<&'a str>,
    /// Path of the finished file.
    pub(super) target: &'a Path,
    /// Size in bytes that the file must have, if known.
    pub(super) bytes: Option<u64>,
    /// Largest number of bytes that are accepted if the size is not known.
    pub(super) longest: u64,
    /// Whether a hash can reveal a wrongly joined file. Without a hash, a download is resumed only if the server
    /// identifies the version of the file.
    pub(super) hash_known: bool,
    /// Limits on retries and waiting time.
    pub(super) policy: &'a RetryPolicy,
}

impl Job<'_> {
    /// Returns the address with user name and password.
    fn address(&self) -> String {
        match self.userinfo {
            Some(userinfo) => self.url.replacen("://", &format!("://{userinfo}@"), 1),
            None => self.url.to_owned(),
        }
    }

    /// Returns the error of a file that is longer than its size, or longer than the limit if its size is not known.
    fn too_long(&self, length: Option<u64>) -> FetchError {
        let (limit, known) = (length.unwrap_or(self.longest), length.is_some());
        FetchError::TooLong { origin: self.url.to_owned(), limit, known }
    }
}

/// The failure of an attempt.
enum Failure {
    /// Another attempt might succeed.
    Transient { what: String, retry_after: Option<Duration>, answered: bool },
    /// Another attempt would fail too.
    Fatal(FetchError),
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Fatal(error)
    }
}

/// Returns a failure that occurred after the server responded.
fn broken(what: impl Into<String>) -> Failure {
    Failure::Transient { what: what.into(), retry_after: None, answered: true }
}

/// Downloads a file into its part, as [`download`] does, and checks it. `difference` tells how it differs from the wanted
/// one. If it does and was joined from several responses, it is downloaded once more from the start.
///
/// # Errors
/// Returns the errors of [`download`], and the difference. The bytes of another file are discarded.
pub(super) fn download_checked(
    job: &Job<'_>,
    difference: impl Fn(&Digest) -> Option<Difference>,
    progress: &mut dyn FetchProgress,
) -> Result<(Part, Digest), FetchError> {
    let mut is_second_try = false;
    loop {
        let part = download(job, progress)?;
        let digest = digest_file(part.path())?;
        let Some(difference) = difference(&digest) else { return Ok((part, digest)) };
        let joined = part.joined();
        part.discard()?;
        if !joined || is_second_try {
            return Err(difference.into_error(job.url));
        }
        is_second_try = true;
        progress.note("the pieces do not make the published file; again from the start");
    }
}

/// Downloads a file into its part, and resumes from the bytes that exist.
///
/// # Errors
/// Returns a [`FetchError`] if the server refuses, the retries are exhausted or writing fails. The received bytes are
/// kept.
fn download(job: &Job<'_>, progress: &mut dyn FetchProgress) -> Result<Part, FetchError> {
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

/// Makes attempts until the part is complete, an attempt fails permanently or the retries are exhausted.
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

/// Returns the error for exhausted retries.
fn give_up(job: &Job<'_>, part: &Part, attempts: u32, last: String, answered: bool) -> FetchError {
    let url = job.url.to_owned();
    if !answered && part.length() == 0 {
        return FetchError::Unreachable { url, reason: format!("{last} ({})", counted(attempts, "attempt")) };
    }
    let expected = part.state().total.or(job.bytes);
    FetchError::GaveUp { url, attempts, received: part.length(), expected, last }
}

/// Sends one request and writes the response to the part.
fn attempt(job: &Job<'_>, part: &mut Part, progress: &mut dyn FetchProgress) -> Result<(), Failure> {
    if part.length() > 0 && part.state().total == Some(part.length()) {
        return Ok(());
    }
    if part.state().validator().is_none() && !job.hash_known {
        part.restart()?;
    }
    let from = part.length();
    // Content encoding by the server would change the length and the hash.
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

/// Writes a response body to the part, up to the size of the file.
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
                // A longer file is another file, so its beginning is wrong too.
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

/// Checks that a partial response continues exactly where the part ends, in the same version of the file.
///
/// A server may honour `Range` but ignore `If-Range`. The version is then known only by its entity tag, date and
/// length. The response must repeat the tag (RFC 9110, section 15.3.7); without it and without a hash, a wrong
/// continuation would go unnoticed.
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

/// Parses the first byte and the total length of a `Content-Range: bytes 5-9/10`. The total is `None` for `*`.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-')?.0.trim().parse().ok()?;
    Some((first, total.trim().parse().ok()))
}

/// Returns the failure for an error status.
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

/// Returns the failure of a request without a response.
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

/// Returns a header as text.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Returns a header as a number.
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
