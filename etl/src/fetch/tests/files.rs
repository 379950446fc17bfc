//! Files in the destination that are verified, kept, fetched again, or not touched.

use std::fs;

use super::*;

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
        // An empty file belongs to nobody and may be replaced.
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

/// A mirror's subset must not be taken for the published file, which has no hash to distinguish them.
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
