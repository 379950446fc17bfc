//! Folders that mirror the published files.

use std::fs;
use std::path::Path;

use super::*;

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
