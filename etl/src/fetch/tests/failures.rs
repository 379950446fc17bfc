//! Servers that refuse, are busy, do not respond or do not exist.

use std::fs;
use std::time::{Duration, Instant};

use super::*;

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
fn no_server_is_said_to_be_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let error = bring(folder.path(), &url, made_up(None, None)).unwrap_err();
    assert!(error.is_unreachable(), "{error}");
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
