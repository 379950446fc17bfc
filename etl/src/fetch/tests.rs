//! Tests of complete fetches from a local server and a folder.

#![allow(clippy::unwrap_used)]

mod failures;
mod files;
mod known;
mod limits;
mod mirror;
mod redirects;
mod resume;

use std::fs;
use std::path::Path;
use std::time::Duration;

use schemas::hash::sha256;

use super::test_server::{Answer, Seen, TestServer};
use super::*;

/// The publication of the test files.
static PUBLICATION: Publication = Publication { licence: "none", citation: "none" };

/// 300 kB without repetitions, so that a wrongly joined file is noticed.
fn content() -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..300_000).map(next).collect()
}

/// Returns a server that gives up during the file: the first response is interrupted, and the four retries fail.
fn giving_up_once() -> TestServer {
    let body = content();
    TestServer::start(move |seen, number| match number {
        0 => Answer::file(seen, &body, "\"v1\"").cut_at(100_000),
        1..=4 => Answer::status(503),
        _ => Answer::file(seen, &body, "\"v1\""),
    })
}

/// A policy with short waits.
fn hasty() -> RetryPolicy {
    RetryPolicy {
        attempts: 4,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(5),
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(2),
    }
}

/// A file of the catalogue for tests, leaked because the catalogue is static.
fn made_up(bytes: Option<u64>, sha256: Option<&str>) -> &'static CatalogueFile {
    Box::leak(Box::new(CatalogueFile {
        database: Database::Oqmd,
        task: "made_up",
        group: Group::Crystals,
        name: "made_up.zip",
        mirror_names: &["made_up-subset.zip"],
        url: "https://example.org/made_up",
        entries: None,
        bytes,
        sha256: sha256.map(|hash| &*hash.to_owned().leak()),
        publication: &PUBLICATION,
    }))
}

/// Creates a request from `place` to `folder`.
fn request(folder: &Path, database: Database, place: Place) -> FetchRequest {
    FetchRequest { destination: folder.to_owned(), place, retry: hasty(), ..FetchRequest::new(database) }
}

/// Fetches a test file from `url` to `folder`.
fn bring(folder: &Path, url: &str, file: &'static CatalogueFile) -> Result<Fetched, FetchError> {
    bring_noting(folder, url, file, &mut ())
}

fn bring_noting(
    folder: &Path,
    url: &str,
    file: &'static CatalogueFile,
    progress: &mut dyn FetchProgress,
) -> Result<Fetched, FetchError> {
    let request = request(folder, Database::Oqmd, Place::BaseUrl(url.to_owned()));
    Fetcher::new(&request, folder)?.bring(file, progress)
}

/// Returns the names in a folder, without receipts.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// Collects the notes of a fetch.
#[derive(Default)]
struct Notes(Vec<String>);

impl FetchProgress for Notes {
    fn note(&mut self, message: &str) {
        self.0.push(message.to_owned());
    }
}

/// Creates a mirror folder with test files in the layout of the real one.
fn small_mirror(folder: &Path) {
    for (name, content) in [
        ("oqmd/all_oqmd.json.zip", "entries"),
        ("jarvis/jdft_3d-subset.json.zip", "some entries"),
        ("jarvis/splits/megnet_e_form.json.zip", "ids"),
        ("matbench/matbench_jdft2d.json.gz", "structures"),
        ("matbench/folds.csv", "task,mbid,test_fold\n"),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}
