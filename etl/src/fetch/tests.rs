//! Whole fetches against a server and a folder of the tests' own.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::test_server::{Answer, Seen, TestServer};
use super::*;

/// The publication of the files of the tests.
static PUBLICATION: Publication = Publication { licence: "none", citation: "none" };

/// 300 kB that repeat nowhere near, so that a wrongly joined file shows.
fn content() -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..300_000).map(next).collect()
}

/// A policy that waits next to nothing.
fn hasty() -> RetryPolicy {
    RetryPolicy {
        attempts: 4,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(5),
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(2),
    }
}

/// A file of the catalogue that no publisher has, leaked because the catalogue is static.
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

/// SHA-256 as the catalogue writes it.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request from `place` to `folder`.
fn request(folder: &Path, database: Database, place: Place) -> FetchRequest {
    FetchRequest { destination: folder.to_owned(), place, retry: hasty(), ..FetchRequest::new(database) }
}

/// Fetches one made-up file from `url` to `folder`.
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

/// The names in a folder that are no receipts.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// Notes that a fetch made.
#[derive(Default)]
struct Notes(Vec<String>);

impl FetchProgress for Notes {
    fn note(&mut self, message: &str) {
        self.0.push(message.to_owned());
    }
}

#[test]
fn a_file_is_downloaded_verified_and_not_fetched_again() {
    let body = content();
    let server = TestServer::start({
        let body = body.clone();
        move |seen, _| Answer::file(seen, &body, "\"v1\"")
    });
    let file = made_up(Some(body.len() as u64), Some(&sha256(&body)));
    let folder = tempfile::tempdir().unwrap();
    let first = bring(folder.path(), &server.url, file).unwrap();
    assert_eq!((first.verified, first.outcome, &first.note), (true, Outcome::Downloaded, &None));
    assert_eq!((first.bytes, first.sha256.as_str()), (body.len() as u64, sha256(&body).as_str()));
    assert_eq!(fs::read(&first.path).unwrap(), body);
    assert_eq!(names(folder.path()), ["made_up.zip"]);
    assert_eq!(server.seen()[0].path, "/oqmd/made_up.zip");
    assert_eq!(server.seen()[0].header("accept-encoding"), Some("identity"));

    let again = bring(folder.path(), &server.url, file).unwrap();
    assert_eq!((again.verified, again.outcome), (true, Outcome::AlreadyThere));
    assert_eq!(server.seen().len(), 1, "an intact file was asked for again");

    fs::write(&first.path, "damaged").unwrap();
    assert_eq!(bring(folder.path(), &server.url, file).unwrap().outcome, Outcome::Downloaded);
    assert_eq!(fs::read(&first.path).unwrap(), body);
}

#[test]
fn files_that_no_fetch_has_brought_are_not_replaced() {
    let server = TestServer::start(|seen, _| Answer::file(seen, b"content", "\"v1\""));
    let (mirror, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    small_mirror(mirror.path());
    let oqmd = folder.path().join("oqmd");
    fs::create_dir(&oqmd).unwrap();
    let copied = || {
        let place = Place::Mirror(mirror.path().to_owned());
        fetch(&request(folder.path(), Database::Oqmd, place), &mut ())
    };
    let file = made_up(None, Some(&sha256(b"content")));
    for (name, receipt) in [
        ("made_up.zip", ".made_up.zip.receipt.json"),
        ("all_oqmd.json.zip", ".all_oqmd.json.zip.receipt.json"),
    ] {
        let fetched = || match name {
            "made_up.zip" => bring(&oqmd, &server.url, file).map(|_| ()),
            _ => copied().map(|_| ()),
        };
        let target = oqmd.join(name);
        fs::write(&target, "of others").unwrap();
        let message = fetched().unwrap_err().to_string();
        assert!(message.contains(name) && message.contains("not replaced"), "{message}");
        assert_eq!(fs::read(&target).unwrap(), b"of others");
        // An empty file is nobody's.
        fs::write(&target, "").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere", oqmd.join(receipt)).unwrap();
            let message = fetched().unwrap_err().to_string();
            assert!(message.contains(receipt) && message.contains("a symbolic link"), "{message}");
            assert!(fs::symlink_metadata(oqmd.join(receipt)).unwrap().is_symlink());
            fs::remove_file(oqmd.join(receipt)).unwrap();
        }
        fetched().unwrap();
        fs::write(&target, "damaged").unwrap();
        fetched().unwrap();
        assert_ne!(fs::read(&target).unwrap(), b"damaged");
    }
    let folds = folder.path().join("folds.csv");
    for (content, own) in [("task,mbid,test_fold\nx,y,0\n", true), ("task,fold\n", false)] {
        fs::write(&folds, content).unwrap();
        assert_eq!(require_own(&folds).is_ok(), own, "{content}");
    }
}

#[test]
fn a_cut_connection_is_taken_up_where_it_broke() {
    let body = content();
    let server = TestServer::start({
        let body = body.clone();
        move |seen, number| {
            let answer = Answer::file(seen, &body, "\"v1\"");
            if number < 6 { answer.cut_at(50_000 - number) } else { answer }
        }
    });
    let file = made_up(None, Some(&sha256(&body)));
    let folder = tempfile::tempdir().unwrap();
    let mut notes = Notes::default();
    let fetched = bring_noting(folder.path(), &server.url, file, &mut notes).unwrap();
    assert!(fetched.verified);
    assert_eq!(fs::read(&fetched.path).unwrap(), body);
    let ranges: Vec<_> = server.seen().iter().map(Seen::range).collect();
    // More breaks in all than attempts without progress are allowed.
    let expected = [50_000, 99_999, 149_997, 199_994, 249_990, 299_985].map(Some);
    assert_eq!((ranges[0], &ranges[1..]), (None, &expected[..]));
    assert!(server.seen()[1..].iter().all(|seen| seen.header("if-range") == Some("\"v1\"")));
    assert!(notes.0[0].contains("50000"), "{:?}", notes.0);
}

#[test]
fn what_an_earlier_run_left_is_kept_and_used() {
    let body = content();
    let server = TestServer::start({
        let body = body.clone();
        move |seen, number| match number {
            0 => Answer::file(seen, &body, "\"v1\"").cut_at(100_000),
            1..=4 => Answer::status(503),
            _ => Answer::file(seen, &body, "\"v1\""),
        }
    });
    let file = made_up(None, None);
    let folder = tempfile::tempdir().unwrap();
    let error = bring(folder.path(), &server.url, file).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, FetchError::GaveUp { attempts: 5, received: 100_000, .. }), "{message}");
    for part in ["/oqmd/made_up.zip", "100000 of 300000 bytes", "503"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(names(folder.path()), ["made_up.zip.part", "made_up.zip.part.json"]);

    let fetched = bring(folder.path(), &server.url, file).unwrap();
    assert_eq!(server.seen().last().unwrap().range(), Some(100_000));
    assert_eq!((fetched.outcome, fetched.verified), (Outcome::Resumed, false));
    assert!(fetched.note.unwrap().contains("neither hash nor length"));
    assert_eq!(fs::read(&fetched.path).unwrap(), body);
    assert_eq!(names(folder.path()), ["made_up.zip"]);
}

#[test]
fn a_file_that_changed_meanwhile_starts_again() {
    let (old, new) = (content(), content().iter().map(|byte| !byte).collect::<Vec<_>>());
    let server = TestServer::start({
        let new = new.clone();
        move |seen, number| match number {
            0 => Answer::file(seen, &old, "\"v1\"").cut_at(100_000),
            _ => Answer::file(seen, &new, "\"v2\""),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, None)).unwrap();
    assert_eq!(fs::read(&fetched.path).unwrap(), new);
    assert_eq!(server.seen()[1].header("if-range"), Some("\"v1\""));
}

/// Some servers honour `Range` and ignore `If-Range`: the tag of the answer tells.
#[test]
fn a_changed_file_is_noticed_without_if_range() {
    let (old, new) = (content(), content().iter().map(|byte| !byte).collect::<Vec<_>>());
    let server = TestServer::start({
        let new = new.clone();
        move |seen, number| {
            let mut seen = seen.clone();
            seen.headers.retain(|(name, _)| name != "if-range");
            match number {
                0 => Answer::file(&seen, &old, "\"v1\"").cut_at(100_000),
                _ => Answer::file(&seen, &new, "\"v2\""),
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, None)).unwrap();
    assert_eq!(fs::read(&fetched.path).unwrap(), new);
    assert_eq!(server.seen().iter().map(Seen::range).collect::<Vec<_>>(), [None, Some(100_000), None]);
}

#[test]
fn a_server_without_ranges_sends_the_whole_again() {
    let body = content();
    let server = TestServer::start({
        let body = body.clone();
        move |_, number| {
            let answer = Answer::whole(&body).header("ETag", "\"v1\"");
            if number == 0 { answer.cut_at(100_000) } else { answer }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, None)).unwrap();
    assert_eq!(fs::read(&fetched.path).unwrap(), body);
    assert_eq!((server.seen().len(), fetched.outcome), (2, Outcome::Downloaded));
}

#[test]
fn a_connection_that_always_breaks_at_one_place_ends_in_an_error() {
    let body = content();
    let server = TestServer::start(move |_, _| Answer::whole(&body).cut_at(100_000));
    let folder = tempfile::tempdir().unwrap();
    let error = bring(folder.path(), &server.url, made_up(None, None)).unwrap_err();
    assert!(matches!(error, FetchError::GaveUp { attempts: 5, received: 100_000, .. }), "{error}");
}

#[test]
fn a_server_that_names_no_version_is_not_trusted_to_go_on() {
    let body = content();
    let server = TestServer::start({
        let body = body.clone();
        move |seen, number| {
            let mut answer = Answer::file(seen, &body, "\"v1\"");
            answer.headers.retain(|(name, _)| *name != "ETag");
            if number == 0 { answer.cut_at(100_000) } else { answer }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    bring(folder.path(), &server.url, made_up(None, None)).unwrap();
    assert_eq!(server.seen().iter().map(Seen::range).collect::<Vec<_>>(), [None, None]);
}

#[test]
fn wrong_size_is_refused_before_the_body() {
    let server = TestServer::start(|seen, _| Answer::file(seen, b"short", "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    let error = bring(folder.path(), &server.url, made_up(Some(40), None)).unwrap_err();
    assert!(matches!(error, FetchError::WrongSize { expected: 40, found: 5, .. }), "{error}");
    assert!(error.to_string().contains("/oqmd/made_up.zip: 5 bytes found, 40 bytes expected"));
    assert!(!folder.path().join("made_up.zip").exists());
}

#[test]
fn wrong_size_is_refused_after_a_body_without_length() {
    let server = TestServer::start(|_, _| Answer { without_length: true, ..Answer::whole(b"too long") });
    let folder = tempfile::tempdir().unwrap();
    let error = bring(folder.path(), &server.url, made_up(Some(3), None)).unwrap_err();
    assert!(matches!(error, FetchError::TooLong { limit: 3, known: true, .. }), "{error}");
    assert!(names(folder.path()).is_empty());
}

/// Longest part of a made-up file on the disk while it is fetched.
#[derive(Default)]
struct Longest(u64);

impl FetchProgress for Longest {
    fn position(&mut self, bytes: u64, _: Option<u64>) {
        self.0 = self.0.max(bytes);
    }
}

/// A server that says no length and does not stop is stopped at the published one, or at the limit.
#[test]
fn nothing_is_written_beyond_the_length() {
    let body = vec![b'x'; 4 << 20];
    let server = TestServer::start(move |_, _| Answer { without_length: true, ..Answer::whole(&body) });
    for (known, limit) in [(Some(100_000), 100_000), (None, 1 << 20)] {
        let folder = tempfile::tempdir().unwrap();
        let request = FetchRequest {
            longest_file: Some(1 << 20),
            ..request(folder.path(), Database::Oqmd, Place::BaseUrl(server.url.clone()))
        };
        let mut longest = Longest::default();
        let fetcher = Fetcher::new(&request, folder.path()).unwrap();
        let error = fetcher.bring(made_up(known, None), &mut longest).unwrap_err();
        assert!(matches!(error, FetchError::TooLong { limit: found, .. } if found == limit), "{error}");
        assert!(longest.0 <= limit, "{} bytes were written", longest.0);
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_the_body() {
    for length in ["2000000", "18446744073709551615"] {
        let server = TestServer::start(move |_, _| {
            Answer { without_length: true, ..Answer::whole(b"x") }.header("Content-Length", length)
        });
        let folder = tempfile::tempdir().unwrap();
        let request = FetchRequest {
            longest_file: Some(1 << 20),
            ..request(folder.path(), Database::Oqmd, Place::BaseUrl(server.url.clone()))
        };
        let fetcher = Fetcher::new(&request, folder.path()).unwrap();
        let error = fetcher.bring(made_up(None, None), &mut ()).unwrap_err();
        assert!(matches!(error, FetchError::TooLong { known: false, .. }), "{error}");
        assert!(names(folder.path()).is_empty());
    }
}

/// A published hash alone would tell only behind the last byte.
#[test]
fn a_file_with_a_hash_and_no_length_is_bounded_by_its_entries() {
    let server = TestServer::start(|_, _| {
        Answer { without_length: true, ..Answer::whole(b"x") }.header("Content-Length", "2000000000")
    });
    let folder = tempfile::tempdir().unwrap();
    let file = select(Database::Matbench, Some("jdft2d")).unwrap()[0];
    let error = bring(folder.path(), &server.url, file).unwrap_err();
    let most = 636 * (16 << 10);
    assert!(matches!(error, FetchError::TooLong { limit, known: false, .. } if limit == most), "{error}");
    assert!(names(folder.path()).is_empty());
}

/// A date alone names the version where a server has no tags, and it may ignore `If-Range`.
#[test]
fn a_changed_file_is_noticed_by_its_date() {
    let (old, new) = (content(), content().iter().map(|byte| !byte).collect::<Vec<_>>());
    let server = TestServer::start({
        let new = new.clone();
        move |seen, number| {
            let mut seen = seen.clone();
            seen.headers.retain(|(name, _)| name != "if-range");
            let (body, day) = if number == 0 { (&old, 1) } else { (&new, 2) };
            let mut answer = Answer::file(&seen, body, "");
            answer.headers.retain(|(name, _)| *name != "ETag");
            let answer = answer.header("Last-Modified", format!("Thu, 0{day} Jan 2026 00:00:00 GMT"));
            if number == 0 { answer.cut_at(100_000) } else { answer }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, None)).unwrap();
    assert_eq!(fs::read(&fetched.path).unwrap(), new);
    assert_eq!(server.seen().iter().map(Seen::range).collect::<Vec<_>>(), [None, Some(100_000), None]);
}

/// Without a hash, a rest that does not say of which version it is joins nothing.
#[test]
fn a_rest_without_the_tag_is_not_joined() {
    let (old, new) = (content(), content().iter().map(|byte| !byte).collect::<Vec<_>>());
    let server = TestServer::start({
        let new = new.clone();
        move |seen, number| {
            if number == 0 {
                return Answer::file(seen, &old, "\"v1\"").cut_at(100_000);
            }
            let mut seen = seen.clone();
            seen.headers.retain(|(name, _)| name != "if-range");
            let mut answer = Answer::file(&seen, &new, "");
            answer.headers.retain(|(name, _)| *name != "ETag");
            answer
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, None)).unwrap();
    assert_eq!(fs::read(&fetched.path).unwrap(), new);
}

#[test]
fn a_name_and_a_password_reach_the_server_and_nothing_else() {
    let body = content();
    let server = TestServer::start(move |seen, number| match number {
        0 => Answer::file(seen, &body, "\"v1\"").cut_at(100_000),
        1..=4 => Answer::status(503),
        5 => Answer::status(403),
        _ => Answer::file(seen, &body, "\"v1\""),
    });
    let with_password = server.url.replace("://", "://someone:s3cret@");
    let folder = tempfile::tempdir().unwrap();
    let mut notes = Notes::default();
    let mut said = Vec::new();
    for _ in 0..2 {
        let error = bring_noting(folder.path(), &with_password, made_up(None, None), &mut notes).unwrap_err();
        said.push(format!("{error} {error:?}"));
    }
    said.append(&mut notes.0);
    let fetched = bring(folder.path(), &with_password, made_up(None, None)).unwrap();
    said.push(serde_json::to_string(&fetched).unwrap());
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            said.push(fs::read_to_string(path).unwrap());
        }
    }
    assert!(said.iter().any(|text| text.contains("origin")), "no receipt");
    assert!(said.iter().all(|text| !text.contains("s3cret") && !text.contains("someone")), "{said:?}");
    // "someone:s3cret" in base 64.
    let sent = |seen: &Seen| seen.header("authorization") == Some("Basic c29tZW9uZTpzM2NyZXQ=");
    assert!(server.seen().iter().all(sent), "{:?}", server.seen());
}

#[test]
fn an_unencrypted_redirect_of_an_encrypted_address_is_refused() {
    let root = Root::parse("https://mirror.test").unwrap();
    assert!(hasty().client(Some(&root)).config().https_only());
    assert!(hasty().client(None).config().https_only());
    let here = Root::parse("http://127.0.0.1:80").unwrap();
    assert!(!hasty().client(Some(&here)).config().https_only());
}

/// The servers of the tests are on this machine, so that they may redirect to it.
#[test]
fn a_redirect_within_this_machine_is_followed() {
    let target = TestServer::start(|seen, _| Answer::file(seen, b"content", "\"v1\""));
    let other = target.url.replace("127.0.0.1", "localhost");
    let server =
        TestServer::start(move |_, _| Answer::status(302).header("Location", format!("{other}/elsewhere")));
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, None)).unwrap();
    assert_eq!(fs::read(&fetched.path).unwrap(), b"content");
    assert_eq!(target.seen()[0].path, "/elsewhere");
}

/// Nothing else that only this machine reaches is asked, such as a cloud's metadata.
#[test]
fn a_redirect_to_another_private_host_is_refused() {
    for host in ["169.254.169.254", "10.0.0.1", "0.0.0.0"] {
        let server =
            TestServer::start(move |_, _| Answer::status(302).header("Location", format!("http://{host}/x")));
        let folder = tempfile::tempdir().unwrap();
        let message = bring(folder.path(), &server.url, made_up(None, None)).unwrap_err().to_string();
        assert!(message.contains(&format!("redirects to {host}")), "{message}");
        assert!(message.contains("not followed") && names(folder.path()).is_empty(), "{message}");
    }
}

#[test]
fn wrong_hash_is_refused_and_nothing_stays() {
    let body = content();
    let server = TestServer::start({
        let body = body.clone();
        move |seen, _| Answer::file(seen, &body, "\"v1\"")
    });
    let folder = tempfile::tempdir().unwrap();
    let wanted = sha256(b"another file");
    let error = bring(folder.path(), &server.url, made_up(None, Some(&wanted))).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(&wanted) && message.contains(&sha256(&body)), "{message}");
    assert!(names(folder.path()).is_empty());

    let mut lenient = request(folder.path(), Database::Oqmd, Place::BaseUrl(server.url.clone()));
    lenient.allow_unverified = true;
    let fetcher = Fetcher::new(&lenient, folder.path()).unwrap();
    let fetched = fetcher.bring(made_up(None, Some(&wanted)), &mut ()).unwrap();
    assert!(!fetched.verified && fetched.note.unwrap().contains(&wanted));
}

/// Pieces of two versions under one tag: only the hash tells, and one clean attempt mends it.
#[test]
fn wrongly_joined_pieces_are_fetched_once_more() {
    let (old, new) = (content(), content().iter().map(|byte| !byte).collect::<Vec<_>>());
    let server = TestServer::start({
        let new = new.clone();
        move |seen, number| match number {
            0 => Answer::file(seen, &old, "\"v1\"").cut_at(100_000),
            _ => Answer::file(seen, &new, "\"v1\""),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, Some(&sha256(&new)))).unwrap();
    assert!(fetched.verified);
    assert_eq!(server.seen().iter().map(Seen::range).collect::<Vec<_>>(), [None, Some(100_000), None]);
}

#[test]
fn an_absent_file_is_said_at_once() {
    let server = TestServer::start(|_, _| Answer::status(404));
    let folder = tempfile::tempdir().unwrap();
    let error = bring(folder.path(), &server.url, made_up(None, None)).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("made_up.zip, made_up-subset.zip") && message.contains(&server.url),
        "{message}"
    );
    assert_eq!(server.seen().len(), 2, "404 was tried again");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_refusal_is_said_at_once_with_its_status() {
    let server = TestServer::start(|_, _| Answer::status(403));
    let folder = tempfile::tempdir().unwrap();
    let message = bring(folder.path(), &server.url, made_up(None, None)).unwrap_err().to_string();
    assert!(message.contains("/oqmd/made_up.zip: the server answered 403 (Forbidden)"), "{message}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_busy_server_is_asked_again() {
    let server = TestServer::start(|seen, number| match number {
        0 => Answer::status(503),
        1 => Answer::status(429).header("Retry-After", "0"),
        _ => Answer::file(seen, b"content", "\"v1\""),
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, None)).unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), b"content");
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn redirects_are_followed_with_the_range() {
    let body = content();
    let server = TestServer::start({
        let body = body.clone();
        move |seen, number| match seen.path.as_str() {
            "/store/abc" if number < 2 => Answer::file(seen, &body, "\"v1\"").cut_at(100_000),
            "/store/abc" => Answer::file(seen, &body, "\"v1\""),
            _ => Answer::status(302).header("Location", "/store/abc"),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, Some(&sha256(&body)))).unwrap();
    assert!(fetched.verified);
    let seen: Vec<_> = server.seen().iter().map(|seen| (seen.path.clone(), seen.range())).collect();
    let expected = [
        ("/oqmd/made_up.zip", None),
        ("/store/abc", None),
        ("/oqmd/made_up.zip", Some(100_000)),
        ("/store/abc", Some(100_000)),
    ];
    assert_eq!(seen, expected.map(|(path, range)| (path.to_owned(), range)));
}

#[test]
fn endless_redirects_end() {
    let server = TestServer::start(|_, _| Answer::status(302).header("Location", "/again"));
    let folder = tempfile::tempdir().unwrap();
    let message = bring(folder.path(), &server.url, made_up(None, None)).unwrap_err().to_string();
    assert!(message.contains("redirects"), "{message}");
}

#[test]
fn no_server_is_said_to_be_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let error = bring(folder.path(), &url, made_up(None, None)).unwrap_err();
    assert!(error.is_unreachable() && error.to_string().contains("--mirror"), "{error}");
}

#[test]
fn a_silent_server_does_not_hold_a_fetch_for_ever() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), Database::Oqmd, Place::BaseUrl(url));
    request.retry.read_timeout = Duration::from_millis(50);
    let started = Instant::now();
    let error = fetch(&request, &mut ()).unwrap_err();
    assert!(error.to_string().contains("timeout"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(listener);
}

#[test]
fn a_body_that_stalls_is_taken_up_again() {
    let body = content();
    let server = TestServer::start({
        let body = body.clone();
        move |seen, number| {
            let answer = Answer::file(seen, &body, "\"v1\"");
            if number == 0 { Answer { silent: true, ..answer.cut_at(100_000) } } else { answer }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), Database::Oqmd, Place::BaseUrl(server.url.clone()));
    request.retry.read_timeout = Duration::from_millis(100);
    let started = Instant::now();
    let fetched = fetch(&request, &mut ()).unwrap();
    assert_eq!(fs::read(&fetched[0].path).unwrap(), body);
    assert_eq!(server.seen()[1].range(), Some(100_000));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_changed_file_without_published_hash_is_fetched_again() {
    let server = TestServer::start(|seen, _| Answer::file(seen, b"content", "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    let file = made_up(None, None);
    let path = bring(folder.path(), &server.url, file).unwrap().path;
    assert_eq!(bring(folder.path(), &server.url, file).unwrap().outcome, Outcome::AlreadyThere);
    fs::write(&path, "changed").unwrap();
    assert_eq!(bring(folder.path(), &server.url, file).unwrap().outcome, Outcome::Downloaded);
    assert_eq!(fs::read(&path).unwrap(), b"content");
}

/// A mirror's subset must not pass for the published file, which has no hash to tell them apart.
#[test]
fn a_copy_of_a_mirror_does_not_stand_for_the_published_file() {
    let server = TestServer::start(|seen, _| Answer::file(seen, b"all of it", "\"v1\""));
    let (mirror, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    small_mirror(mirror.path());
    let copied = request(folder.path(), Database::Oqmd, Place::Mirror(mirror.path().to_owned()));
    assert_eq!(fetch(&copied, &mut ()).unwrap()[0].outcome, Outcome::Copied);
    let published = request(folder.path(), Database::Oqmd, Place::BaseUrl(server.url.clone()));
    let fetched = fetch(&published, &mut ()).unwrap();
    assert_eq!(fetched[0].outcome, Outcome::Downloaded);
    assert_eq!(fs::read(&fetched[0].path).unwrap(), b"all of it");
}

#[test]
fn a_base_url_needs_a_scheme() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::BaseUrl("ftp://example.org".to_owned());
    let error = fetch(&request(folder.path(), Database::Oqmd, place), &mut ()).unwrap_err();
    assert!(error.to_string().contains("\"ftp://example.org\""), "{error}");
}

#[test]
fn an_unusable_destination_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("raw");
    fs::write(&file, "no folder").unwrap();
    let place = Place::Mirror(folder.path().to_owned());
    let message = fetch(&request(&file, Database::Oqmd, place), &mut ()).unwrap_err().to_string();
    assert!(message.starts_with("cannot create") && message.contains("raw/oqmd"), "{message}");
}

#[test]
fn two_fetches_into_one_folder_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Mirror(folder.path().to_owned());
    let held = folder.path().join("oqmd");
    fs::create_dir_all(&held).unwrap();
    let _lock = hold(&held).unwrap();
    let error = fetch(&request(folder.path(), Database::Oqmd, place), &mut ()).unwrap_err();
    assert!(matches!(error, FetchError::Busy { .. }), "{error}");
}

#[test]
fn matbench_folds_come_with_a_task_as_a_table() {
    let folds = br#"{"metadata": {}, "splits": {"matbench_jdft2d": {
        "fold_0": {"train": ["mb-jdft2d-002"], "test": ["mb-jdft2d-001"]}}}}"#;
    let server = TestServer::start(move |seen, _| match seen.path.as_str() {
        "/matbench/matbench_v0.1_validation.json" => Answer::file(seen, folds, "\"v1\""),
        "/matbench/matbench_jdft2d.json.gz" => Answer::file(seen, b"not the real one", "\"v1\""),
        _ => Answer::status(404),
    });
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), Database::Matbench, Place::BaseUrl(server.url.clone()));
    request.task = Some("jdft2d".to_owned());
    let error = fetch(&request, &mut ()).unwrap_err();
    assert!(matches!(error, FetchError::WrongHash { .. }), "{error}");
    request.allow_unverified = true;
    let fetched = fetch(&request, &mut ()).unwrap();
    let outcomes: Vec<_> = fetched.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [Outcome::Downloaded, Outcome::Downloaded, Outcome::Derived]);
    let table = fs::read_to_string(folder.path().join("matbench/folds.csv")).unwrap();
    assert_eq!(table, "task,mbid,test_fold\nmatbench_jdft2d,mb-jdft2d-001,0\n");
}

/// A mirror's folder with files of the tests' own, in the layout of the real one.
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

fn check_mirror(mirror: &Path, splits: usize) {
    let folder = tempfile::tempdir().unwrap();
    let place = || Place::Mirror(mirror.to_owned());
    let mut notes = Notes::default();
    let all = |database, notes: &mut Notes| {
        let fetched = fetch(&request(folder.path(), database, place()), notes).unwrap();
        for one in &fetched {
            let relative = one.path.strip_prefix(folder.path()).unwrap();
            assert_eq!(fs::read(&one.path).unwrap(), fs::read(mirror.join(relative)).unwrap());
        }
        fetched
    };
    let oqmd = all(Database::Oqmd, &mut notes);
    assert_eq!((oqmd.len(), oqmd[0].verified, oqmd[0].outcome), (1, false, Outcome::Copied));
    let jarvis = all(Database::Jarvis, &mut notes);
    assert_eq!(jarvis.len(), 1 + splits);
    assert!(jarvis[0].path.ends_with("jarvis/jdft_3d-subset.json.zip") && !jarvis[0].verified);
    let matbench = all(Database::Matbench, &mut notes);
    assert_eq!(matbench.len(), 2, "{matbench:?}");
    assert!(matbench[0].note.as_ref().unwrap().contains("not the published file: SHA-256"));
    assert!(matbench[1].path.ends_with("matbench/folds.csv"));
    assert!(notes.0.iter().any(|note| note.contains("matbench_mp_gap.json.gz")), "{:?}", notes.0);
    let again = all(Database::Matbench, &mut notes);
    assert!(again.iter().all(|one| one.outcome == Outcome::AlreadyThere));

    let mut absent = request(folder.path(), Database::Matbench, place());
    absent.task = Some("mp_gap".to_owned());
    let message = fetch(&absent, &mut ()).unwrap_err().to_string();
    assert!(message.contains("matbench_mp_gap.json.gz"), "{message}");
}

#[test]
fn a_mirror_serves_what_it_has() {
    let mirror = tempfile::tempdir().unwrap();
    small_mirror(mirror.path());
    check_mirror(mirror.path(), 1);
}

#[test]
fn the_real_mirror_serves_what_it_has() {
    let mirror = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/mirror");
    if !Path::new(mirror).is_dir() {
        println!("skipped: ../shared is not here");
        return;
    }
    check_mirror(Path::new(mirror), 8);
    let folder = tempfile::tempdir().unwrap();
    let mut splits = request(folder.path(), Database::Jarvis, Place::Mirror(mirror.into()));
    splits.task = Some(SPLITS_TASK.to_owned());
    assert!(fetch(&splits, &mut ()).unwrap().iter().all(|one| one.verified), "a split differs from upstream");
}

#[test]
fn an_empty_mirror_is_an_error() {
    let (mirror, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = Place::Mirror(mirror.path().to_owned());
    let error = fetch(&request(folder.path(), Database::Jarvis, place), &mut ()).unwrap_err();
    assert!(matches!(error, FetchError::NotInMirror { .. }), "{error}");
}
