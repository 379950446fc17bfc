//! `etl fetch`: download or copy of published files into `data/raw/<database>/`.
//!
//! A download is written to `<name>.part` and can be resumed as long as the server still has the same version. It is
//! renamed to its final name only after it has been compared with the published size and hash. An intact file is not
//! fetched again.
//!
//! There are two kinds of mirrors: a folder ([`Place::Mirror`]) and an HTTP root ([`Place::BaseUrl`]). In both, the
//! path of a file is `<root>/<database>/<name>`, for example `oqmd/all_oqmd.json.zip`. A mirror may hold a part of a
//! file under one of its [`CatalogueFile::mirror_names`], such as `jarvis/jdft_3d-subset.json.zip`, and the part
//! keeps that name.
//!
//! [`fetch_known`] fetches a single file of another catalogue in the same way.

mod address;
mod catalogue;
mod client;
mod download;
mod error;
mod folds;
mod known;
mod mirror;
mod part;
mod progress;
mod reach;
#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;
mod verify;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use schemas::count::counted;
use schemas::lock;
use serde::Serialize;

pub use catalogue::{CATALOGUE, CatalogueFile, Database, Group, Publication, SPLITS_TASK, select, tasks};
pub use download::RetryPolicy;
pub use error::FetchError;
pub use known::{KnownFile, fetch_known};
pub use progress::{FetchProgress, TerminalProgress};

use address::Root;
use part::Part;
use verify::{Digest, Receipt, Verdict};

/// Name of the lock file in the folder of a database.
const LOCK_FILE: &str = ".fetch.lock";

/// The place that files are fetched from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// The addresses of the catalogue.
    #[default]
    Published,
    /// The same paths under another HTTP root, such as a mirror within a company.
    BaseUrl(String),
    /// The same paths in a folder. A file that differs from the published one is accepted and reported as not
    /// verified, because a mirror may hold a subset.
    Mirror(PathBuf),
}

impl Place {
    /// Returns the HTTP root that replaces the published addresses, if there is one.
    ///
    /// # Errors
    /// Returns [`FetchError::BadBaseUrl`] if it is not a valid HTTP address.
    fn root(&self) -> Result<Option<Root>, FetchError> {
        match self {
            Self::BaseUrl(root) => Root::parse(root).map(Some),
            Self::Published | Self::Mirror(_) => Ok(None),
        }
    }
}

/// A request to fetch files.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The database.
    pub database: Database,
    /// Task of the database; `None` for all tasks. From a mirror, all tasks means those that it has.
    pub task: Option<String>,
    /// Folder of raw files. Each database has a subfolder in it.
    pub destination: PathBuf,
    /// The place that the files are fetched from.
    pub place: Place,
    /// Whether to accept a downloaded file that differs from the published one.
    pub allow_unverified: bool,
    /// Limits on retries and waiting time.
    pub retry: RetryPolicy,
}

impl FetchRequest {
    /// Creates a request for all files of a database from the published addresses into `data/raw`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self {
            database,
            task: None,
            destination: PathBuf::from("data/raw"),
            place: Place::Published,
            allow_unverified: false,
            retry: RetryPolicy::default(),
        }
    }
}

/// How a file was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The file existed and was intact.
    AlreadyThere,
    /// The file was downloaded completely.
    Downloaded,
    /// The file was downloaded after bytes from an earlier run.
    Resumed,
    /// The file was copied from a mirror.
    Copied,
    /// The file was derived from another fetched file.
    Derived,
}

impl Outcome {
    /// Returns how a finished part was downloaded.
    fn of(part: &Part) -> Self {
        if part.inherited() > 0 { Self::Resumed } else { Self::Downloaded }
    }
}

/// A file that was fetched or found intact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// Name of its task.
    pub task: &'static str,
    /// Path of the file.
    pub path: PathBuf,
    /// Address or path of its origin.
    pub origin: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Whether the hash is the published one.
    pub verified: bool,
    /// The reason why it is not verified; `None` if it is verified.
    pub note: Option<String>,
    /// How it was obtained.
    pub outcome: Outcome,
    /// Licence as its publisher states it.
    pub licence: &'static str,
    /// Reference to cite.
    pub citation: &'static str,
}

impl Fetched {
    fn new(
        file: &'static CatalogueFile,
        path: PathBuf,
        origin: String,
        digest: Digest,
        verdict: Verdict,
        outcome: Outcome,
    ) -> Self {
        let (verified, note) = match verdict {
            Verdict::Verified => (true, None),
            Verdict::Unknown(note) => (false, Some(note)),
            Verdict::Different(difference) => (false, Some(difference.note())),
        };
        Self {
            task: file.task,
            path,
            origin,
            bytes: digest.bytes,
            sha256: digest.sha256,
            verified,
            note,
            outcome,
            licence: file.publication.licence,
            citation: file.publication.citation,
        }
    }
}

/// Fetches the files of a request, in the order of the catalogue.
///
/// # Errors
/// Returns the first [`FetchError`]. Files that were finished before it are kept, and so are the received bytes of an
/// unfinished file. A mirror may lack some files of a request for all tasks, as long as it has one.
pub fn fetch(request: &FetchRequest, progress: &mut dyn FetchProgress) -> Result<Vec<Fetched>, FetchError> {
    let files = select(request.database, request.task.as_deref())?;
    let folder = request.destination.join(request.database.as_str());
    let fetcher = Fetcher::new(request, &folder)?;
    fs::create_dir_all(&folder).map_err(FetchError::io("create", &folder))?;
    let _lock = hold(&folder)?;
    let mut fetched = Vec::new();
    let mut missing = None;
    for file in files {
        progress.begin(file.name);
        match fetcher.bring(file, progress) {
            Ok(one) => {
                progress.end();
                let published_folds = file.group == Group::Folds && one.path == folder.join(file.name);
                let table = published_folds.then(|| fetcher.derive_folds(&one)).transpose()?;
                fetched.push(one);
                fetched.extend(table);
            }
            Err(error) if error.is_absent() && fetcher.may_lack(file) => {
                progress.note(&format!("left out: {error}"));
                missing = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if fetched.is_empty() => Err(error),
        _ => Ok(fetched),
    }
}

/// Locks the folder against other fetches until the returned file is dropped.
fn hold(folder: &Path) -> Result<File, FetchError> {
    let held = lock::take_file(&folder.join(LOCK_FILE)).map_err(FetchError::io("lock", folder))?;
    held.ok_or_else(|| FetchError::Busy { folder: folder.to_owned() })
}

/// Checks that an existing file which would be replaced was fetched or derived: it has a receipt, or is a table of
/// folds.
fn require_own(target: &Path) -> Result<(), FetchError> {
    Receipt::refuse_link(target)?;
    let holds = fs::symlink_metadata(target).is_ok_and(|metadata| metadata.len() > 0);
    if holds && Receipt::read(target).is_none() && !folds::is_table(target) {
        return Err(FetchError::Foreign { path: target.to_owned() });
    }
    Ok(())
}

/// The shared state of one request.
struct Fetcher<'a> {
    request: &'a FetchRequest,
    client: ureq::Agent,
    /// The HTTP root that replaces the published addresses.
    root: Option<Root>,
    /// Folder of the database in the destination.
    folder: &'a Path,
}

impl<'a> Fetcher<'a> {
    /// Creates a fetcher for a request.
    fn new(request: &'a FetchRequest, folder: &'a Path) -> Result<Self, FetchError> {
        let root = request.place.root()?;
        let client = request.retry.client(root.as_ref(), CATALOGUE.iter().map(|file| file.url));
        Ok(Self { request, client, root, folder })
    }

    /// Whether a mirror may lack this file. It must not if the file was requested by its task.
    fn may_lack(&self, file: &CatalogueFile) -> bool {
        let asked_by_name = match self.request.task.as_deref() {
            None | Some(SPLITS_TASK) => false,
            // The folds are fetched with every task without being requested.
            Some(task) => file.group != Group::Folds || task == file.task,
        };
        self.request.place != Place::Published && !asked_by_name
    }

    /// Fetches one file.
    fn bring(
        &self,
        file: &'static CatalogueFile,
        progress: &mut dyn FetchProgress,
    ) -> Result<Fetched, FetchError> {
        if let Place::Mirror(mirror) = &self.request.place {
            return self.copy(mirror, file);
        }
        let Some(root) = &self.root else { return self.download(file, file.name, file.url, progress) };
        let place = root.join(file.database);
        for name in mirror::names(file) {
            match self.download(file, name, &format!("{place}/{name}"), progress) {
                Err(error) if error.is_absent() => {}
                end => return end,
            }
        }
        Err(mirror::absent(file, place))
    }

    /// Returns the path of a file of the database, and creates its folder.
    fn target(&self, name: &str) -> Result<PathBuf, FetchError> {
        let target = self.folder.join(name);
        let folder = target.parent().unwrap_or(self.folder);
        fs::create_dir_all(folder).map_err(FetchError::io("create", folder))?;
        Ok(target)
    }

    /// Copies one file from a mirror folder.
    fn copy(&self, mirror: &Path, file: &'static CatalogueFile) -> Result<Fetched, FetchError> {
        let held = mirror::find(mirror, file)?;
        let target = self.target(held.name)?;
        let there = if target.is_file() { Some(verify::digest_file(&target)?) } else { None };
        let (digest, outcome) = match there {
            Some(there) if there == verify::digest_file(&held.path)? => (there, Outcome::AlreadyThere),
            _ => {
                require_own(&target)?;
                (mirror::copy(&held.path, &target)?, Outcome::Copied)
            }
        };
        let verdict = verify::compare(file, held.name, &digest);
        let origin = held.path.display().to_string();
        Receipt::new(&origin, &digest).write(&target)?;
        Ok(Fetched::new(file, target, origin, digest, verdict, outcome))
    }

    /// Downloads one file, unless it exists and is intact.
    fn download(
        &self,
        file: &'static CatalogueFile,
        name: &'static str,
        url: &str,
        progress: &mut dyn FetchProgress,
    ) -> Result<Fetched, FetchError> {
        let target = self.target(name)?;
        if let Some((digest, verdict)) = self.intact(file, name, &target, url)? {
            return Ok(Fetched::new(file, target, url.to_owned(), digest, verdict, Outcome::AlreadyThere));
        }
        require_own(&target)?;
        let own = name == file.name && !self.request.allow_unverified;
        let job = download::Job {
            client: &self.client,
            url,
            userinfo: self.root.as_ref().and_then(Root::userinfo),
            target: &target,
            bytes: file.bytes.filter(|_| own),
            longest: file.most_bytes(),
            hash_known: own && file.sha256.is_some(),
            policy: &self.request.retry,
        };
        let difference = |digest: &Digest| match verify::compare(file, name, digest) {
            Verdict::Different(difference) if own => Some(difference),
            _ => None,
        };
        let (part, digest) = download::download_checked(&job, difference, progress)?;
        let verdict = verify::compare(file, name, &digest);
        let outcome = Outcome::of(&part);
        // The receipt is written before the file is renamed, because a receipt without its file is harmless.
        Receipt::new(url, &digest).write(&target)?;
        part.finish()?;
        Ok(Fetched::new(file, target, url.to_owned(), digest, verdict, outcome))
    }

    /// Returns the digest of an existing file that need not be fetched again.
    ///
    /// Its hash must be the published one. If none is published, it must be the hash in a receipt for the same
    /// address, because the file of a mirror may be a part. Files that the user put there are kept.
    fn intact(
        &self,
        file: &CatalogueFile,
        name: &str,
        target: &Path,
        url: &str,
    ) -> Result<Option<(Digest, Verdict)>, FetchError> {
        if !target.is_file() {
            return Ok(None);
        }
        let digest = verify::digest_file(target)?;
        let verdict = verify::compare(file, name, &digest);
        let receipt = Receipt::read(target);
        let as_received = receipt.as_ref().map(|receipt| receipt.is_of(&digest) && receipt.origin == url);
        let keep = match &verdict {
            Verdict::Verified => true,
            Verdict::Unknown(_) => as_received.unwrap_or(true),
            Verdict::Different(_) => self.request.allow_unverified && as_received == Some(true),
        };
        Ok(keep.then_some((digest, verdict)))
    }

    /// Creates `folds.csv` from the published assignment.
    fn derive_folds(&self, published: &Fetched) -> Result<Fetched, FetchError> {
        let path = self.folder.join(folds::FOLDS_NAME);
        require_own(&path)?;
        let rows = folds::write_table(&published.path, &path)?;
        let digest = verify::digest_file(&path)?;
        let origin = published.path.display().to_string();
        Ok(Fetched {
            path,
            origin,
            bytes: digest.bytes,
            sha256: digest.sha256,
            verified: published.verified,
            note: Some(format!("{} made from the published folds", counted(rows, "row"))),
            outcome: Outcome::Derived,
            ..published.clone()
        })
    }
}
