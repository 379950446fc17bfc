//! Single files of other catalogues.

use std::fs;

use super::*;

/// Creates the description of a file with this content.
fn known<'a>(body: &[u8], sha256: &'a str) -> KnownFile<'a> {
    KnownFile { name: "weights/a.bin", url: "https://example.org/a.bin", bytes: body.len() as u64, sha256 }
}

/// Fetches a file with this content to `a.bin` in `folder`.
fn bring_known(folder: &Path, place: &Place, body: &[u8]) -> Result<Outcome, FetchError> {
    fetch_known(&known(body, &sha256(body)), place, &folder.join("a.bin"), &hasty(), &mut ())
}

/// A mirror folder with this content under the name of the file.
fn mirror_of(body: &[u8]) -> tempfile::TempDir {
    let mirror = tempfile::tempdir().unwrap();
    fs::create_dir(mirror.path().join("weights")).unwrap();
    fs::write(mirror.path().join("weights/a.bin"), body).unwrap();
    mirror
}

#[test]
fn a_mirror_folder_and_a_root_serve_the_name() {
    let body = content();
    let mirror = mirror_of(&body);
    let folder = tempfile::tempdir().unwrap();
    let copied = bring_known(folder.path(), &Place::Mirror(mirror.path().to_owned()), &body);
    assert_eq!(copied.unwrap(), Outcome::Copied);
    assert_eq!(fs::read(folder.path().join("a.bin")).unwrap(), body);

    let served = body.clone();
    let server = TestServer::start(move |seen, _| Answer::file(seen, &served, "\"v1\""));
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring_known(folder.path(), &Place::BaseUrl(server.url.clone()), &body);
    assert_eq!(fetched.unwrap(), Outcome::Downloaded);
    assert_eq!(fs::read(folder.path().join("a.bin")).unwrap(), body);
    assert_eq!(server.seen()[0].path, "/weights/a.bin");
    assert_eq!(names(folder.path()), ["a.bin"]);
}

#[test]
fn another_file_replaces_nothing_and_leaves_nothing() {
    let body = content();
    let mut changed = body.clone();
    changed[7] ^= 1;
    for (served, part) in [(changed, "SHA-256"), (body[..9].to_vec(), "bytes found"), (Vec::new(), "found")] {
        let mirror = mirror_of(&served);
        let server = TestServer::start(move |seen, _| Answer::file(seen, &served, "\"v1\""));
        for place in [Place::Mirror(mirror.path().to_owned()), Place::BaseUrl(server.url.clone())] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("a.bin"), "before").unwrap();
            let message = bring_known(folder.path(), &place, &body).unwrap_err().to_string();
            assert!(message.contains("weights/a.bin") && message.contains(part), "{message}");
            assert_eq!(fs::read(folder.path().join("a.bin")).unwrap(), b"before");
            assert_eq!(names(folder.path()), ["a.bin"]);
        }
    }
}

#[test]
fn nothing_is_received_beyond_the_size() {
    let body = content();
    let longer = [&body[..], b"more"].concat();
    let server = TestServer::start({
        let longer = longer.clone();
        move |_, _| Answer { without_length: true, ..Answer::whole(&longer) }
    });
    let folder = tempfile::tempdir().unwrap();
    let error = bring_known(folder.path(), &Place::BaseUrl(server.url.clone()), &body).unwrap_err();
    assert!(matches!(error, FetchError::TooLong { limit: 300_000, known: true, .. }), "{error}");
    let mirror = mirror_of(&longer);
    let error = bring_known(folder.path(), &Place::Mirror(mirror.path().to_owned()), &body).unwrap_err();
    assert!(matches!(error, FetchError::WrongSize { expected: 300_000, found: 300_004, .. }), "{error}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn an_interrupted_download_goes_on() {
    let body = content();
    let server = giving_up_once();
    let folder = tempfile::tempdir().unwrap();
    let place = Place::BaseUrl(server.url.clone());
    assert!(matches!(bring_known(folder.path(), &place, &body).unwrap_err(), FetchError::GaveUp { .. }));
    assert!(!folder.path().join("a.bin").exists());
    assert_eq!(bring_known(folder.path(), &place, &body).unwrap(), Outcome::Resumed);
    assert_eq!(fs::read(folder.path().join("a.bin")).unwrap(), body);
}
