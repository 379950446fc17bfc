use std::path::PathBuf;

use super::*;
use crate::layout::STAGING_FOLDER;

/// Writes the manifest of a store `x` in a temporary folder and returns the store's folder and the manifest's path.
fn written(folder: &Path, text: &str) -> (PathBuf, PathBuf) {
    let paths = StorePaths::new(&folder.join("x"));
    for folder in [paths.shards(), paths.records()] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    std::fs::write(paths.manifest(), text).expect("writing");
    (paths.shards().to_owned(), paths.manifest())
}

fn manifest() -> Manifest {
    let entry = ShardEntry { file: "x-00000.parquet".into(), rows: 2, bytes: 10, sha256: "00".into() };
    Manifest {
        format_version: crate::store::FORMAT_VERSION,
        software_version: "0.1.0".into(),
        source: "x".into(),
        part: None,
        settings: FeatureSettings::default(),
        options: BTreeMap::from([("order".into(), "source".into())]),
        inputs: vec![],
        counts: Counts { read: 2, kept: 2, ..Counts::default() },
        shards: vec![entry.clone()],
        rejects: ShardEntry { file: "rejects.parquet".into(), ..entry },
    }
}

#[test]
fn round_trip() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (store, _) = written(folder.path(), &manifest().to_json());
    assert_eq!(Manifest::read(&store).expect("reading it back"), manifest());
}

#[test]
fn a_part_says_so_and_a_whole_store_says_nothing() {
    assert!(!manifest().to_json().contains("part"));
    let part = Manifest { part: "2/3".parse().ok(), ..manifest() };
    let text = part.to_json();
    assert!(text.contains("\"part\": \"2/3\""), "{text}");
    let text = seal::open(&text).expect("just sealed");
    assert_eq!(serde_json::from_str::<Manifest>(&text).expect("a manifest"), part);
    assert!(serde_json::from_str::<Manifest>(&text.replace("2/3", "4/3")).is_err());
}

#[test]
fn counts_add_up() {
    let counts = |reason: &str, rejected| Counts {
        read: rejected + 3,
        kept: 1,
        filtered: 2,
        rejected,
        filtered_by: BTreeMap::from([("nsites <= 4".into(), 2)]),
        rejected_by_reason: BTreeMap::from([(reason.into(), rejected)]),
        noted: BTreeMap::from([(
            "no_unit".into(),
            NotedEntries { count: rejected, first: vec![format!("{reason} {rejected}")] },
        )]),
    };
    let add = |sum: Counts, other: &Counts| sum.checked_add(other).expect("small counts");
    let sum = add(counts("no_sites", 5), &counts("bad_json", 7));
    let sum = add(sum, &counts("no_sites", 1));
    let reasons = BTreeMap::from([("no_sites".into(), 6), ("bad_json".into(), 7)]);
    let filters = BTreeMap::from([("nsites <= 4".into(), 6)]);
    let expected = Counts {
        read: 22,
        kept: 3,
        filtered: 6,
        rejected: 13,
        filtered_by: filters,
        rejected_by_reason: reasons,
        noted: BTreeMap::from([(
            "no_unit".into(),
            NotedEntries {
                count: 13,
                first: ["no_sites 5", "bad_json 7", "no_sites 1"].map(str::to_owned).into(),
            },
        )]),
    };
    assert_eq!(sum, expected);
    let sum = add(sum, &counts("no_sites", 2));
    assert_eq!(sum.noted["no_unit"].count, 15);
    assert_eq!(sum.noted["no_unit"].first.len(), NOTED_FIRST);
    assert_eq!(counts("no_sites", u64::MAX - 3).checked_add(&counts("bad_json", 1)), None);
    assert_eq!(counts("no_sites", 1 << 63).checked_add(&counts("no_sites", 1 << 63)), None);
}

/// Returns the error message for a manifest that was edited and sealed again.
fn refused(edit: impl FnOnce(&mut Manifest)) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut manifest = manifest();
    edit(&mut manifest);
    let (store, _) = written(folder.path(), &manifest.to_json());
    Manifest::read(&store).expect_err("no such store").to_string()
}

#[test]
fn files_outside_the_store_are_refused() {
    let shard = |manifest: &mut Manifest, file: &str| {
        if let Some(shard) = manifest.shards.first_mut() {
            file.clone_into(&mut shard.file);
        }
    };
    for file in ["../good/x-00000.parquet", "/dev/zero", "..", "a/x-00000.parquet", "a\\x.parquet", ""] {
        let line = refused(|manifest| shard(manifest, file));
        assert!(
            line.contains("manifest.json: line 28, column") && line.contains(&format!("{file:?}")),
            "{line}"
        );
    }
    for file in ["rejects.parquet", "y-00000.parquet", "x-1.parquet", "x-00000.parquet "] {
        let line = refused(|manifest| shard(manifest, file));
        assert!(line.contains("line 28") && line.contains("is not the name of a shard of \"x\""), "{line}");
    }
    let line = refused(|manifest| manifest.shards.extend(manifest.shards.clone()));
    assert!(line.contains("\"x-00000.parquet\" is listed twice"), "{line}");
    for file in ["x-00000.parquet", "rejects/rejects.parquet", "/dev/zero"] {
        let line = refused(|manifest| file.clone_into(&mut manifest.rejects.file));
        assert!(line.contains(&format!("{file:?} is no")), "{line}");
    }
    for source in ["../x", "/tmp/x", "", "..", ".hidden"] {
        let line = refused(|manifest| source.clone_into(&mut manifest.source));
        assert!(line.contains("manifest.json: line 4") && line.contains(&format!("{source:?}")), "{line}");
    }
}

#[test]
fn counts_that_wrap_are_refused() {
    let edits: [fn(&mut Manifest); 3] = [
        |manifest| manifest.counts.filtered = u64::MAX,
        |manifest| manifest.counts.filtered_by = [("a".to_owned(), u64::MAX), ("b".to_owned(), 1)].into(),
        |manifest| {
            manifest.shards.push(ShardEntry {
                file: "x-00001.parquet".into(),
                rows: u64::MAX,
                ..manifest.rejects.clone()
            });
        },
    ];
    for edit in edits {
        let line = refused(edit);
        assert!(line.contains("add up to more than 18446744073709551615"), "{line}");
    }
}

#[test]
fn faults_are_located() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The form of manifests before they had a checksum.
    let text = seal::open(&manifest().to_json()).expect("just sealed");
    let (store, path) = written(folder.path(), &text.replace("\"rows\": 2", "\"rows\": two"));
    let error = Manifest::read(&store).expect_err("'two' is no JSON");
    assert!(matches!(error, StoreError::Manifest { line: 29, .. }), "{error}");

    std::fs::write(&path, text.replace("\"kept\"", "\"keeps\"")).expect("writing");
    let error = Manifest::read(&store).expect_err("an unknown key");
    assert!(error.to_string().contains("keeps"), "{error}");

    // The former version has another layout.
    for version in [1, 99] {
        let current = format!("\"format_version\": {FORMAT_VERSION}");
        let other = text.replace(&current, &format!("\"format_version\": {version}"));
        std::fs::write(&path, other).expect("writing");
        let error = Manifest::read(&store).expect_err("another format");
        assert!(
            error.to_string().contains(&format!("format version {version} instead of {FORMAT_VERSION}")),
            "{error}"
        );
    }
}

#[test]
fn what_is_no_store_is_told_from_what_is_none_yet() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refusal = |path: &Path| Manifest::read(path).expect_err("no manifest");
    assert!(matches!(refusal(&folder.path().join("typo")), StoreError::Missing { .. }));
    assert!(matches!(refusal(folder.path()), StoreError::NotAStore { .. }));
    let file = folder.path().join("a.parquet");
    std::fs::write(&file, "").expect("writing");
    assert!(matches!(refusal(&file), StoreError::NotAStore { .. }));
    std::fs::create_dir(folder.path().join(STAGING_FOLDER)).expect("a folder");
    assert!(matches!(refusal(folder.path()), StoreError::Unfinished { .. }));
}

#[test]
fn stores_of_the_second_version_are_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let second = Manifest { format_version: 2, ..manifest() };
    let (store, _) = written(folder.path(), &second.to_json());
    assert_eq!(Manifest::read(&store).expect("the same layout"), second);
}

#[test]
fn stores_of_the_first_version_are_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rejects = ShardEntry { file: "rejects/rejects.parquet".into(), ..manifest().rejects };
    let former = Manifest { format_version: FIRST_FORMAT_VERSION, rejects, ..manifest() };
    let path = folder.path().join("manifest.json");
    std::fs::write(&path, former.to_json()).expect("writing");
    assert_eq!(Manifest::read(folder.path()).expect("the former layout"), former);
    // Its rejects are nowhere else.
    let other = Manifest { rejects: manifest().rejects, ..former };
    std::fs::write(&path, other.to_json()).expect("writing");
    let error = Manifest::read(folder.path()).expect_err("other rejects").to_string();
    assert!(error.contains("\"rejects.parquet\" is not \"rejects/rejects.parquet\""), "{error}");
}

#[test]
fn one_folder_of_two_is_no_store() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (store, path) = written(folder.path(), &manifest().to_json());
    let sidecar = folder.path().join("x.store");
    let error = Manifest::read(&sidecar).expect_err("no store");
    assert!(matches!(&error, StoreError::Sidecar { store: of, .. } if *of == store), "{error}");
    // Moved without its sidecar, and with the manifest among the shards.
    let moved = folder.path().join("y");
    std::fs::rename(&store, &moved).expect("moving");
    for _ in 0..2 {
        let error = Manifest::read(&moved).expect_err("no manifest").to_string();
        assert!(
            error.contains("y.store/manifest.json is missing, and both folders belong together"),
            "{error}"
        );
        std::fs::copy(&path, moved.join("manifest.json")).expect("a copy");
    }
}

#[test]
fn a_changed_count_is_noticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = manifest().to_json();
    let (store, _) = written(folder.path(), &text.replace("\"kept\": 2", "\"kept\": 3"));
    let error = Manifest::read(&store).expect_err("another count");
    assert!(error.to_string().contains("manifest.json: line ") && error.to_string().contains("damaged"));
}

#[test]
fn a_changed_file_is_noticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("x"), "abc").expect("writing");
    let (sha256, bytes) = file_sha256(&folder.path().join("x")).expect("it is there");
    let entry = ShardEntry { file: "x".into(), rows: 1, bytes, sha256 };
    entry.verify(folder.path()).expect("as it was written");
    for (content, what) in [("abd", "damaged, SHA-256 "), ("ab", "damaged, 2 bytes instead of 3")] {
        std::fs::write(folder.path().join("x"), content).expect("writing");
        let error = entry.verify(folder.path()).expect_err("another content").to_string();
        assert!(error.contains(what), "{error}");
    }
    std::fs::remove_file(folder.path().join("x")).expect("it is there");
    assert!(matches!(entry.verify(folder.path()), Err(StoreError::Io { .. })));
}
