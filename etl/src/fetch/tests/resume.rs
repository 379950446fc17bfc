//! Interrupted downloads: received bytes are joined only to the rest of the same file.

use std::fs;
use std::time::{Duration, Instant};

use super::*;

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
    // The total number of interruptions exceeds the number of attempts that are allowed without progress.
    let expected = [50_000, 99_999, 149_997, 199_994, 249_990, 299_985].map(Some);
    assert_eq!((ranges[0], &ranges[1..]), (None, &expected[..]));
    assert!(server.seen()[1..].iter().all(|seen| seen.header("if-range") == Some("\"v1\"")));
    assert!(notes.0[0].contains("50000"), "{:?}", notes.0);
}

#[test]
fn what_an_earlier_run_left_is_kept_and_used() {
    let body = content();
    let server = giving_up_once();
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

/// Returns a server whose file changes after the first response, which is interrupted, and the new content of the
/// file. `answer` is passed whether the response is the first.
fn changing(answer: impl Fn(&Seen, &[u8], bool) -> Answer + Send + 'static) -> (TestServer, Vec<u8>) {
    let old = content();
    let new: Vec<u8> = old.iter().map(|byte| !byte).collect();
    let later = new.clone();
    let server = TestServer::start(move |seen, number| match number {
        0 => answer(seen, &old, true).cut_at(100_000),
        _ => answer(seen, &later, false),
    });
    (server, new)
}

/// Returns a request as a server that does not support `If-Range` sees it.
fn without_if_range(seen: &Seen) -> Seen {
    let mut seen = seen.clone();
    seen.headers.retain(|(name, _)| name != "if-range");
    seen
}

/// Checks that the fetch of a changed file returns the new content. Returns the ranges that were requested.
fn ranges_of_change((server, new): (TestServer, Vec<u8>)) -> Vec<Option<usize>> {
    let folder = tempfile::tempdir().unwrap();
    let fetched = bring(folder.path(), &server.url, made_up(None, None)).unwrap();
    assert_eq!(fs::read(&fetched.path).unwrap(), new);
    server.seen().iter().map(Seen::range).collect()
}

#[test]
fn a_file_that_changed_meanwhile_starts_again() {
    let (server, new) = changing(|seen, body, is_first| {
        assert!(is_first || seen.header("if-range") == Some("\"v1\""));
        Answer::file(seen, body, if is_first { "\"v1\"" } else { "\"v2\"" })
    });
    ranges_of_change((server, new));
}

/// Some servers honour `Range` and ignore `If-Range`. The entity tag of the response shows the change.
#[test]
fn a_changed_file_is_noticed_without_if_range() {
    let changed = changing(|seen, body, is_first| {
        Answer::file(&without_if_range(seen), body, if is_first { "\"v1\"" } else { "\"v2\"" })
    });
    assert_eq!(ranges_of_change(changed), [None, Some(100_000), None]);
}

/// Without entity tags only the date identifies the version, and the server may ignore `If-Range`.
#[test]
fn a_changed_file_is_noticed_by_its_date() {
    let changed = changing(|seen, body, is_first| {
        let day = if is_first { 1 } else { 2 };
        let mut answer = Answer::file(&without_if_range(seen), body, "");
        answer.headers.retain(|(name, _)| *name != "ETag");
        answer.header("Last-Modified", format!("Thu, 0{day} Jan 2026 00:00:00 GMT"))
    });
    assert_eq!(ranges_of_change(changed), [None, Some(100_000), None]);
}

/// Without a hash, a partial response that does not state its version is not used.
#[test]
fn a_rest_without_the_tag_is_not_joined() {
    ranges_of_change(changing(|seen, body, is_first| {
        if is_first {
            return Answer::file(seen, body, "\"v1\"");
        }
        let mut answer = Answer::file(&without_if_range(seen), body, "");
        answer.headers.retain(|(name, _)| *name != "ETag");
        answer
    }));
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

/// Parts of two versions under one entity tag: only the hash shows the error, and one clean attempt corrects it.
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
