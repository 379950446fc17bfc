use std::fs;

use super::*;

/// A folder with the stores `a` and `b.c` and their sidecars, and a former store `old.store`.
fn stores() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (store, version) in [("a", 2), ("b.c", 2), ("old.store", 1)] {
        let store = folder.path().join(store);
        let paths = if version == 1 { StorePaths::former(&store) } else { StorePaths::new(&store) };
        for folder in [paths.shards(), paths.records()] {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::write(paths.shards().join("x-00000.parquet"), "x").expect("writing");
        fs::write(paths.manifest(), format!("{{\"shards\": [], \"format_version\": {version}}}"))
            .expect("writing");
    }
    folder
}

fn records(store: impl AsRef<Path>) -> PathBuf {
    StorePaths::new(store.as_ref()).records().to_owned()
}

#[test]
fn the_sidecar_is_beside_the_store_by_whatever_name() {
    for (store, sidecar) in [
        ("data/x", "data/x.store"),
        ("data/x/", "data/x.store"),
        ("data/x/.", "data/x.store"),
        ("x", "x.store"),
        ("./x", "./x.store"),
        ("../data/x.2024", "../data/x.2024.store"),
    ] {
        assert_eq!(records(store), Path::new(sidecar), "{store}");
    }
    let here = Path::new(".").canonicalize().expect("the working folder");
    let beside = here.with_file_name(format!("{}.store", here.file_name().expect("a name").display()));
    for store in ["", ".", "./", "src/.."] {
        assert_eq!(records(store), beside, "{store:?}");
    }
    let paths = StorePaths::new(Path::new("data/x"));
    assert_eq!(paths.manifest(), Path::new("data/x.store/manifest.json"));
    assert_eq!(paths.rejects(), Path::new("data/x.store/rejects.parquet"));
    assert_eq!(paths.staging(), Path::new("data/x/.build"));
    let former = StorePaths::former(Path::new("data/x"));
    assert_eq!(former.manifest(), Path::new("data/x/manifest.json"));
    assert_eq!(former.rejects(), Path::new("data/x/rejects/rejects.parquet"));
}

#[cfg(unix)]
#[test]
fn a_link_has_the_sidecar_of_its_target() {
    let folder = stores();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("elsewhere")).expect("a folder");
    std::os::unix::fs::symlink("../a", path("elsewhere/link")).expect("a link");
    let expected = records(path("a").canonicalize().expect("it is there"));
    for link in ["elsewhere/link", "elsewhere/link/", "elsewhere/link/."] {
        assert_eq!(records(path(link)), expected, "{link}");
        assert!(StorePaths::find(&path(link)).is_finished(), "{link}");
    }
    std::os::unix::fs::symlink("../a.store", path("elsewhere/linked")).expect("a link");
    let store = store_of_sidecar(&path("elsewhere/linked")).expect("a sidecar by another name");
    assert_eq!(store, path("a").canonicalize().expect("it is there"));
}

#[test]
fn both_layouts_are_found() {
    let folder = stores();
    let path = |name: &str| folder.path().join(name);
    for (store, former) in [("a", false), ("b.c", false), ("old.store", true)] {
        let paths = StorePaths::find(&path(store));
        assert!(paths.is_finished() && !paths.is_unfinished() && paths.is_former() == former, "{store}");
        assert!(is_begun(&path(store)), "{store}");
    }
    assert!(!is_begun(folder.path()));
    fs::create_dir_all(path("begun/.build")).expect("a folder");
    assert!(StorePaths::find(&path("begun")).is_unfinished() && is_begun(&path("begun")));
}

#[test]
fn sidecars_are_told_from_stores() {
    let folder = stores();
    let path = |name: &str| folder.path().join(name);
    // An unfinished build has a lock alone, and a store may be called as a sidecar is.
    for (name, file) in [("c.store", ".lock"), ("d.store", "manifest.json"), ("e.store", "a.cif")] {
        fs::create_dir(path(name)).expect("a folder");
        fs::write(path(name).join(file), "{\"icons\": []}").expect("writing");
    }
    fs::create_dir_all(path("f.store/.build")).expect("a folder");
    fs::write(path("f.store/.lock"), "").expect("writing");
    for (name, store) in [
        ("a.store", Some("a")),
        ("b.c.store", Some("b.c")),
        ("c.store", Some("c")),
        ("a.store/../a.store/", Some("a")),
        ("a", None),
        ("old.store", None),
        ("d.store", None),
        ("e.store", None),
        ("f.store", None),
        ("g.store", None),
    ] {
        let found =
            store_of_sidecar(&path(name)).map(|store| store.file_name().unwrap_or_default().to_owned());
        assert_eq!(found.as_deref(), store.map(OsStr::new), "{name}");
    }
    fs::write(path("a.store/manifest.json"), "{\"format_ver").expect("writing");
    assert!(store_of_sidecar(&path("a.store")).is_some(), "a damaged manifest");
}

#[test]
fn sidecars_are_left_out_beside_their_stores() {
    let folder = stores();
    let kept = |names: &[&str]| {
        let paths = names.iter().map(|name| folder.path().join(name)).collect();
        without_sidecars(paths).map(|kept| {
            let name =
                |path: &PathBuf| path.strip_prefix(folder.path()).expect("inside").display().to_string();
            kept.iter().map(name).collect::<Vec<_>>()
        })
    };
    for (given, expected) in [
        (&["a", "a.store", "b.c", "b.c.store"][..], &["a", "b.c"][..]),
        (&["a.store", "a"], &["a"]),
        (&["a/x-00000.parquet", "a.store/rejects.parquet"], &["a/x-00000.parquet"]),
        (&["a.store/manifest.json", "a/../a"], &["a/../a"]),
        (&["old.store", "typo"], &["old.store", "typo"]),
    ] {
        assert_eq!(kept(given).expect("both folders"), expected, "{given:?}");
    }
    for (given, sidecar, store) in [
        (&["a.store"][..], "a.store", "a"),
        (&["a", "b.c.store"], "b.c.store", "b.c"),
        (&["b.c", "a.store/rejects.parquet"], "a.store/rejects.parquet", "a"),
    ] {
        let error = kept(given).expect_err("the sidecar alone");
        let (path, store) = (folder.path().join(sidecar), folder.path().join(store));
        let expected =
            format!("{}: belongs to the store {}, which must be named", path.display(), store.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn the_root_is_a_mount_point_and_a_new_folder_is_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inner = folder.path().join("x");
    fs::create_dir(&inner).expect("a folder");
    assert!(!is_mount_point(&inner) && !is_mount_point(&folder.path().join("missing")));
    assert!(is_mount_point(Path::new("/")));
}
