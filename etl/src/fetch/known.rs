//! Fetching of a single file whose size and hash are known, for catalogues of other programs.

use std::io::Read as _;
use std::path::Path;

use schemas::regular;

use super::address::Root;
use super::download::{Job, download_checked};
use super::verify::{self, Digest};
use super::{FetchError, FetchProgress, Outcome, Place, RetryPolicy, mirror};

/// A file whose size and hash are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFile<'a> {
    /// Path under the root of a mirror, with `/` as separator.
    pub name: &'a str,
    /// Public address, which uses HTTPS.
    pub url: &'a str,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: &'a str,
}

impl KnownFile<'_> {
    /// Returns how what was fetched differs from the known file, or `None` if it is the same.
    fn difference(&self, digest: &Digest) -> Option<verify::Difference> {
        verify::difference(Some(self.bytes), Some(self.sha256), digest)
    }
}

/// Fetches a file to `target`, whose folder must exist and which is replaced. No other process may fetch to the same
/// target at the same time.
///
/// `target` is never incomplete. A download goes into `<target>.part` and is resumed from there by the next call.
///
/// # Errors
/// Returns a [`FetchError`] if the file cannot be fetched or written, or differs from the known one in size or hash, also
/// from a mirror. `target` is then as it was.
pub fn fetch_known(
    file: &KnownFile<'_>,
    place: &Place,
    target: &Path,
    retry: &RetryPolicy,
    progress: &mut dyn FetchProgress,
) -> Result<Outcome, FetchError> {
    progress.begin(file.name);
    let outcome = match place {
        Place::Mirror(folder) => copy(file, &folder.join(file.name), target)?,
        Place::Published | Place::BaseUrl(_) => {
            download(file, place.root()?.as_ref(), target, retry, progress)?
        }
    };
    progress.end();
    Ok(outcome)
}

/// Downloads a file from its address, or from the root of a mirror.
fn download(
    file: &KnownFile<'_>,
    root: Option<&Root>,
    target: &Path,
    retry: &RetryPolicy,
    progress: &mut dyn FetchProgress,
) -> Result<Outcome, FetchError> {
    let url = root.map_or_else(|| file.url.to_owned(), |root| root.join(file.name));
    let client = retry.client(root, [file.url]);
    let job = Job {
        client: &client,
        url: &url,
        userinfo: root.and_then(Root::userinfo),
        target,
        bytes: Some(file.bytes),
        longest: file.bytes,
        hash_known: true,
        policy: retry,
    };
    let (part, _) = download_checked(&job, |digest| file.difference(digest), progress)?;
    let outcome = Outcome::of(&part);
    part.finish()?;
    Ok(outcome)
}

/// Copies a file from a mirror folder.
fn copy(file: &KnownFile<'_>, from: &Path, target: &Path) -> Result<Outcome, FetchError> {
    let origin = from.display().to_string();
    let source = regular::open(from).map_err(FetchError::io("open", from))?;
    let found = source.metadata().map_err(FetchError::io("read", from))?.len();
    if found != file.bytes {
        return Err(FetchError::WrongSize { origin, expected: file.bytes, found });
    }
    // It may grow while it is read.
    let source = source.take(file.bytes.saturating_add(1));
    let refusal = |digest: &Digest| file.difference(digest).map(|difference| difference.into_error(&origin));
    mirror::copy_checked(source, target, refusal)?;
    Ok(Outcome::Copied)
}
