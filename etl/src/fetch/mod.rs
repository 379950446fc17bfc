//! `etl fetch`: the published files, over HTTP or from a mirror, into `data/raw/<database>/`.
//!
//! A download is written to `<name>.part`, goes on where the last one ended as long as the server
//! still has the same version, is compared with the published length and hash and only then gets its
//! name. A file that is there and intact is not fetched again.
//!
//! Two kinds of mirror serve the same names: a folder ([`Place::Mirror`]) and an HTTP root
//! ([`Place::BaseUrl`]); in both, a file lies at `<root>/<database>/<name>`, for instance
//! `oqmd/all_oqmd.json.zip`. A mirror may hold a part of a file under one of the names in
//! [`CatalogueFile::mirror_names`], such as `jarvis/jdft_3d-subset.json.zip`; it keeps that name.

mod address;
mod catalogue;
mod client;
mod download;
mod error;
mod folds;
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
pub use progress::{FetchProgress, TerminalProgress};

use address::Root;
use verify::{Digest, Receipt, Verdict};

/// Name of the lock file in a database's folder.
const LOCK_FILE: &str = ".fetch.lock";

/// Where the files come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// The addresses of the catalogue.
    #[default]
    Published,
    /// The same names under another HTTP root, such as a mirror within a company.
    BaseUrl(String),
    /// The same names in a folder. A file that differs from the published one is taken all the same
    /// and reported as not verified: a mirror may hold a subset.
    Mirror(PathBuf),
}

/// What to fetch, from where, to where.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The database.
    pub database: Database,
    /// One task of it; `None` for all. From a mirror, all means all that it has.
    pub task: Option<String>,
    /// Folder of raw files; each database has a folder of its own in it.
    pub destination: PathBuf,
    /// Where the files come from.
    pub place: Place,
    /// Take a downloaded file that differs from the published one instead of refusing it.
    pub allow_unverified: bool,
    /// Bytes that are taken at most of a file whose length is not known; [`CatalogueFile::most_bytes`] unless
    /// given.
    pub longest_file: Option<u64>,
    /// Patience with the network.
    pub retry: RetryPolicy,
}

impl FetchRequest {
    /// Everything of a database, from its publishers, to `data/raw`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self {
            database,
            task: None,
            destination: PathBuf::from("data/raw"),
            place: Place::Published,
            allow_unverified: false,
            longest_file: None,
            retry: RetryPolicy::default(),
        }
    }
}

/// How a file came to be where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was there, intact.
    AlreadyThere,
    /// It was downloaded from its first byte.
    Downloaded,
    /// Its first bytes were there from an earlier run.
    Resumed,
    /// It was copied from a mirror.
    Copied,
    /// It was made from another fetched file.
    Derived,
}

/// A file that is now in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// The task it belongs to.
    pub task: &'static str,
    /// Where it lies.
    pub path: PathBuf,
    /// Address or path it came from.
    pub origin: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Whether the hash is the published one.
    pub verified: bool,
    /// Why it is not verified; `None` when it is.
    pub note: Option<String>,
    /// How it came here.
    pub outcome: Outcome,
    /// Licence as its publisher states it.
    pub licence: &'static str,
    /// What to cite.
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

/// Brings the files of a request to their place, in the order of the catalogue.
///
/// # Errors
/// The first [`FetchError`]; files finished before it stay, and so do the bytes of the unfinished one.
/// A mirror that lacks some files of a request for all is no error as long as it has one.
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
                progress.end(&one);
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

/// Keeps a second fetch out of the folder for as long as the file lives.
fn hold(folder: &Path) -> Result<File, FetchError> {
    let held = lock::take_file(&folder.join(LOCK_FILE)).map_err(FetchError::io("lock", folder))?;
    held.ok_or_else(|| FetchError::Busy { folder: folder.to_owned() })
}

/// Requires that a file that would be replaced, if there is one, was brought or made by a fetch: it has a receipt,
/// or is a table of folds.
fn require_own(target: &Path) -> Result<(), FetchError> {
    Receipt::refuse_link(target)?;
    let holds = fs::symlink_metadata(target).is_ok_and(|metadata| metadata.len() > 0);
    if holds && Receipt::read(target).is_none() && !folds::is_table(target) {
        return Err(FetchError::Foreign { path: target.to_owned() });
    }
    Ok(())
}

/// What the steps of one request share.
struct Fetcher<'a> {
    request: &'a FetchRequest,
    client: ureq::Agent,
    /// The HTTP root in place of the published addresses.
    root: Option<Root>,
    /// Folder of the database below the destination.
    folder: &'a Path,
}

impl<'a> Fetcher<'a> {
    /// For one request.
    fn new(request: &'a FetchRequest, folder: &'a Path) -> Result<Self, FetchError> {
        let root = match &request.place {
            Place::BaseUrl(root) => Some(Root::parse(root)?),
            Place::Published | Place::Mirror(_) => None,
        };
        Ok(Self { request, client: request.retry.client(root.as_ref()), root, folder })
    }

    /// Whether a mirror without this file is still good enough: yes unless the file was asked for.
    fn may_lack(&self, file: &CatalogueFile) -> bool {
        let asked_by_name = match self.request.task.as_deref() {
            None | Some(SPLITS_TASK) => false,
            // The folds come along unasked with every task.
            Some(task) => file.group != Group::Folds || task == file.task,
        };
        self.request.place != Place::Published && !asked_by_name
    }

    /// Brings one file.
    fn bring(
        &self,
        file: &'static CatalogueFile,
        progress: &mut dyn FetchProgress,
    ) -> Result<Fetched, FetchError> {
        if let Place::Mirror(mirror) = &self.request.place {
            return self.copy(mirror, file);
        }
        let Some(root) = &self.root else { return self.download(file, file.name, file.url, progress) };
        let place = root.folder(file.database);
        for name in mirror::names(file) {
            match self.download(file, name, &format!("{place}/{name}"), progress) {
                Err(error) if error.is_absent() => {}
                end => return end,
            }
        }
        Err(mirror::absent(file, place))
    }

    /// Path of a file of the database, its folder made.
    fn target(&self, name: &str) -> Result<PathBuf, FetchError> {
        let target = self.folder.join(name);
        let folder = target.parent().unwrap_or(self.folder);
        fs::create_dir_all(folder).map_err(FetchError::io("create", folder))?;
        Ok(target)
    }

    /// Copies one file from a folder.
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

    /// Downloads one file, unless it is there and intact.
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
            longest: self.request.longest_file.unwrap_or_else(|| file.most_bytes()),
            hash_known: own && file.sha256.is_some(),
            policy: &self.request.retry,
        };
        let mut second_try = false;
        loop {
            let part = download::download(&job, progress)?;
            let digest = verify::digest_file(part.path())?;
            let verdict = match verify::compare(file, name, &digest) {
                Verdict::Different(difference) if own => {
                    let joined = part.joined();
                    part.discard()?;
                    if joined && !second_try {
                        second_try = true;
                        progress.note("the pieces do not make the published file; again from the start");
                        continue;
                    }
                    return Err(difference.into_error(url));
                }
                verdict => verdict,
            };
            let outcome = if part.inherited() > 0 { Outcome::Resumed } else { Outcome::Downloaded };
            // Before the rename: a receipt without its file harms nothing.
            Receipt::new(url, &digest).write(&target)?;
            part.finish()?;
            return Ok(Fetched::new(file, target, url.to_owned(), digest, verdict, outcome));
        }
    }

    /// The digest of a file that is there and need not be fetched again.
    ///
    /// Its hash must be the published one or, where none is published, the one in a receipt for the
    /// same address: the file of a mirror may have been a part. What a user put there stays.
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

    /// Makes `folds.csv` from the published assignment.
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
