//! Sizes and hashes: a file that is too long or has another hash is refused.

use super::*;

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

/// Largest size on disk of the part of a test file while it is fetched.
#[derive(Default)]
struct Longest(u64);

impl FetchProgress for Longest {
    fn position(&mut self, bytes: u64, _: Option<u64>) {
        self.0 = self.0.max(bytes);
    }
}

/// Most bytes that [`download`] takes of a file without a known size.
const LIMIT: u64 = 1 << 20;

/// Downloads a file of the test server with a published size in bytes, or of an unknown one.
fn download(
    folder: &Path,
    server: &TestServer,
    bytes: Option<u64>,
    progress: &mut dyn FetchProgress,
) -> Result<(), FetchError> {
    let (policy, root) = (hasty(), Root::parse(&server.url)?);
    let url = root.join("made_up.zip");
    let job = download::Job {
        client: &policy.client(Some(&root), []),
        url: &url,
        userinfo: None,
        target: &folder.join("made_up.zip"),
        bytes,
        longest: LIMIT,
        hash_known: false,
        policy: &policy,
    };
    download::download_checked(&job, |_| None, progress).map(drop)
}

/// A server that sends no length and does not stop is interrupted at the published size or at the limit.
#[test]
fn nothing_is_written_beyond_the_length() {
    let body = vec![b'x'; 4 << 20];
    let server = TestServer::start(move |_, _| Answer { without_length: true, ..Answer::whole(&body) });
    for (known, limit) in [(Some(100_000), 100_000), (None, LIMIT)] {
        let folder = tempfile::tempdir().unwrap();
        let mut longest = Longest::default();
        let error = download(folder.path(), &server, known, &mut longest).unwrap_err();
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
        let error = download(folder.path(), &server, None, &mut ()).unwrap_err();
        assert!(matches!(error, FetchError::TooLong { known: false, .. }), "{error}");
        assert!(names(folder.path()).is_empty());
    }
}

/// A published hash alone would be compared only after the last byte.
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
