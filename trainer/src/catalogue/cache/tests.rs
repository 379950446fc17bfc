use std::sync::{Arc, Barrier};

use schemas::hash::sha256;

use super::*;

/// Content of the weights in these tests.
const CONTENT: &[u8] = b"weights";

/// Collects notes.
#[derive(Default)]
struct Notes(Vec<String>);

impl FetchProgress for Notes {
    fn note(&mut self, message: &str) {
        self.0.push(message.to_owned());
    }
}

fn entry(origin: Origin) -> Entry {
    Entry {
        name: "lab".to_owned(),
        about: "a test".to_owned(),
        licence: "none".to_owned(),
        card: None,
        bytes: CONTENT.len() as u64,
        sha256: sha256(CONTENT),
        origin,
    }
}

fn shipped() -> Entry {
    entry(Origin::Program(CONTENT))
}

fn elsewhere() -> Entry {
    entry(Origin::Address("https://example.org/lab".to_owned()))
}

/// A mirror that holds something as the weights.
fn mirror(content: &[u8]) -> (tempfile::TempDir, Place) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("weights")).expect("a folder");
    fs::write(folder.path().join("weights/lab.safetensors"), content).expect("it is writable");
    let place = Place::Mirror(folder.path().to_owned());
    (folder, place)
}

/// A cache that does not exist yet, in a folder that does.
fn cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache { folder: folder.path().join("new/weights") };
    (folder, cache)
}

/// Names in the folder of a cache but its lock.
fn names(cache: &Cache) -> Vec<String> {
    let entries = fs::read_dir(&cache.folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != lock::LOCK_FILE).collect();
    names.sort();
    names
}

#[test]
fn the_folder_is_the_users() {
    let by = |values: &[(&str, &str)]| {
        let value =
            |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Cache::by(value).map(|cache| cache.folder)
    };
    let own = (CACHE_VARIABLE, "here");
    let (user, home) = ((USER_VARIABLE, "/c"), (HOME_VARIABLE, "/home/me"));
    assert_eq!(by(&[own, user, home]).expect("a folder"), Path::new("here/weights"));
    assert_eq!(by(&[user, home]).expect("a folder"), Path::new("/c/crystal-mmpt/weights"));
    for ignored in [(USER_VARIABLE, ""), (USER_VARIABLE, "c"), (CACHE_VARIABLE, "")] {
        let folder = by(&[ignored, home]).expect("a folder");
        assert_eq!(folder, Path::new("/home/me/.cache/crystal-mmpt/weights"));
    }
    let error = by(&[(HOME_VARIABLE, "")]).expect_err("no folder").to_string();
    assert!(error.ends_with("neither CRYSTAL_MMPT_CACHE nor XDG_CACHE_HOME nor HOME names one"), "{error}");
}

#[test]
fn a_copy_is_made_once_and_then_used() {
    let (_mirror, place) = mirror(CONTENT);
    for (entry, place) in [(shipped(), Place::Published), (elsewhere(), place)] {
        let (_folder, cache) = cache();
        assert_eq!(cache.state(&entry).expect("nothing there"), State::Absent);
        let path = cache.get(&entry, &place, &mut ()).expect("a copy");
        assert_eq!(fs::read(&path).expect("it is there"), CONTENT);
        let name = format!("lab-{}.safetensors", &sha256(CONTENT)[..12]);
        assert_eq!(names(&cache), [name]);
        // Nothing is there to fetch it from.
        let nowhere = Place::Mirror("/nowhere".into());
        assert_eq!(cache.get(&entry, &nowhere, &mut ()).expect("a copy"), path);
    }
}

#[test]
fn a_damaged_copy_is_fetched_again() {
    let (_mirror, place) = mirror(CONTENT);
    for (entry, place) in [(shipped(), Place::Published), (elsewhere(), place)] {
        for (damaged, told) in
            [(&b"weighty"[..], "its SHA-256 is"), (b"weig", "it has 4 bytes of 7"), (b"", "0 bytes")]
        {
            let (_folder, cache) = cache();
            let path = cache.get(&entry, &place, &mut ()).expect("a copy");
            fs::write(&path, damaged).expect("it is writable");
            let mut notes = Notes::default();
            cache.get(&entry, &place, &mut notes).expect("a copy");
            assert!(notes.0[0].contains("is damaged") && notes.0[0].contains(told), "{:?}", notes.0);
            assert_eq!(fs::read(&path).expect("it is there"), CONTENT);
            assert_eq!(names(&cache).len(), 1);
        }
    }
}

#[test]
fn another_file_is_never_taken() {
    for content in [&b"weighty"[..], b"weig", b"weights and more", b""] {
        let (_mirror, place) = mirror(content);
        let (_folder, cache) = cache();
        let error = cache.get(&elsewhere(), &place, &mut ()).expect_err("another file").to_string();
        assert!(error.starts_with("weights lab: ") && error.contains("weights/lab.safetensors"), "{error}");
        assert!(names(&cache).is_empty(), "{:?}", names(&cache));
    }
    let (_folder, cache) = cache();
    let error = cache.get(&elsewhere(), &Place::Mirror("/nowhere".into()), &mut ()).expect_err("no mirror");
    assert!(error.to_string().contains("/nowhere/weights/lab.safetensors"), "{error}");
    assert!(names(&cache).is_empty(), "{:?}", names(&cache));
}

#[test]
fn several_at_once_do_no_harm() {
    let (_mirror, place) = mirror(CONTENT);
    for (entry, place) in [(shipped(), Place::Published), (elsewhere(), place)] {
        let (_folder, cache) = cache();
        let begin = Arc::new(Barrier::new(8));
        thread::scope(|scope| {
            for _ in 0..8 {
                let begin = Arc::clone(&begin);
                let (cache, entry, place) = (&cache, &entry, &place);
                scope.spawn(move || {
                    begin.wait();
                    let path = cache.get(entry, place, &mut ()).expect("a copy");
                    assert_eq!(fs::read(path).expect("it is there"), CONTENT);
                });
            }
        });
        assert_eq!(names(&cache).len(), 1);
    }
}

#[test]
fn what_killed_processes_left_is_removed() {
    let (_folder, cache) = cache();
    fs::create_dir_all(&cache.folder).expect("a folder");
    fs::write(cache.folder.join(".mmpt-partial-aB3x9z"), "wei").expect("it is writable");
    cache.get(&shipped(), &Place::Published, &mut ()).expect("a copy");
    assert_eq!(names(&cache).len(), 1);
}

#[test]
fn a_folder_in_the_way_stays() {
    let (_folder, cache) = cache();
    fs::create_dir_all(cache.path(&shipped())).expect("a folder");
    let error = cache.get(&shipped(), &Place::Published, &mut ()).expect_err("in the way").to_string();
    assert!(error.contains(": a folder is in the way"), "{error}");
    assert!(cache.path(&shipped()).is_dir());
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_to_the_weights_alone() {
    let (_mirror, place) = mirror(CONTENT);
    let (folder, cache) = cache();
    fs::create_dir_all(&cache.folder).expect("a folder");
    let (own, path) = (folder.path().join("own"), cache.path(&elsewhere()));
    std::os::unix::fs::symlink(&own, &path).expect("a link");
    for content in [None, Some("other"), Some("weighty")] {
        if let Some(content) = content {
            fs::write(&own, content).expect("it is writable");
        }
        let error = cache.get(&elsewhere(), &place, &mut ()).expect_err("a link").to_string();
        assert!(error.contains("a symbolic link to another file is in the way"), "{error}");
        assert_eq!(fs::read_to_string(&own).ok().as_deref(), content);
    }
    fs::write(&own, CONTENT).expect("it is writable");
    assert_eq!(cache.get(&elsewhere(), &Place::Published, &mut ()).expect("the file"), path);
    // Where a download would leave its unfinished file. A copy has none.
    fs::remove_file(&path).expect("it is there");
    fs::write(&own, "other").expect("it is writable");
    std::os::unix::fs::symlink(&own, format!("{}.part", path.display())).expect("a link");
    assert_eq!(cache.get(&elsewhere(), &place, &mut ()).expect("the file"), path);
    assert_eq!(fs::read(&path).expect("it is there"), CONTENT);
    assert_eq!(fs::read(&own).expect("it is there"), b"other");
}
