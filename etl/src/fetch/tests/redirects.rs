//! Addresses and redirects.

use std::fs;

use super::*;

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
    assert!(hasty().client(Some(&root), []).config().https_only());
    assert!(hasty().client(None, []).config().https_only());
    let here = Root::parse("http://127.0.0.1:80").unwrap();
    assert!(!hasty().client(Some(&here), []).config().https_only());
}

/// The test servers are on this machine, so that they may redirect to it.
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

/// No other host that only this machine can reach is contacted, such as the metadata service of a cloud.
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
fn a_base_url_needs_a_scheme() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::BaseUrl("ftp://example.org".to_owned());
    let error = fetch(&request(folder.path(), Database::Oqmd, place), &mut ()).unwrap_err();
    assert!(error.to_string().contains("\"ftp://example.org\""), "{error}");
}
