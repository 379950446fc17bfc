use super::*;
use crate::data::test_store::{GAP, chains, write_shard, write_store};
use schemas::layout::{STAGING_FOLDER, StorePaths};
use schemas::settings::Ties;
use schemas::store::FIRST_FORMAT_VERSION;
use tempfile::TempDir;

/// A folder with the stores `one` (two shards of three crystals) and `two` (one shard of one).
fn stores() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    write_store(&folder.path().join("one"), "first", &chains(5), 3, 2);
    write_store(&folder.path().join("two"), "second", &chains(1), 3, 2);
    for store in ["one", "two"] {
        let rejects = StorePaths::new(&folder.path().join(store)).rejects();
        std::fs::write(rejects, "no shard").expect("a writable folder");
    }
    folder
}

/// File names of the shards that arguments below a folder resolve to.
fn resolve(folder: &TempDir, arguments: &[&str]) -> Result<Vec<String>, DataError> {
    let arguments: Vec<String> =
        arguments.iter().map(|argument| folder.path().join(argument).display().to_string()).collect();
    let sources = Sources::resolve(&arguments, None)?;
    let names =
        sources.shards().iter().map(|shard| shard.path.file_name().expect("a name").to_string_lossy());
    Ok(names.map(|name| name.into_owned()).collect())
}

#[test]
fn files_folders_and_patterns_name_the_same_shards() {
    let folder = stores();
    let all = ["first-00000.parquet", "first-00001.parquet", "second-00000.parquet"];
    let ways: [&[&str]; 9] = [
        &["one", "two"],
        &["two", "one", "one/first-00000.parquet"],
        &["."],
        &["*"],
        &["*/*.parquet"],
        &["**/*.parquet"],
        // As a shell expands `*` and `*/*.parquet`.
        &["one", "one.store", "two", "two.store"],
        &["one.store/rejects.parquet", "one/first-00000.parquet", "one/first-00001.parquet", "two"],
        &["one/*", "two/second-00000.parquet", "one/../two"],
    ];
    for arguments in ways {
        assert_eq!(resolve(&folder, arguments).expect("readable stores"), all, "{arguments:?}");
    }
    assert_eq!(resolve(&folder, &["one/*-00001*"]).expect("a readable store"), ["first-00001.parquet"]);
}

#[test]
fn rows_row_groups_and_columns_are_known() {
    let folder = stores();
    let sources = Sources::resolve(&[folder.path().display().to_string()], None).expect("readable stores");
    assert_eq!((sources.rows(), sources.row_groups()), (6, 4));
    assert_eq!(sources.shards()[0].row_group_rows, [2, 1]);
    assert_eq!(*sources.settings(), FeatureSettings::default());
    assert_eq!(sources.property_columns(), [GAP]);
    assert_eq!(sources.split_columns(), ["split"]);
    assert!(sources.require_properties(&[GAP.to_owned()]).is_ok());
    let error = sources.require_properties(&["gap".to_owned()]).expect_err("no such column");
    assert_eq!(error.to_string(), "no shard has a property column 'gap'; there are: band_gap_ev");
    let error = sources.require_split("split_megnet").expect_err("no such column");
    assert_eq!(error.to_string(), "no shard has a split column 'split_megnet'; there are: split");
}

#[test]
fn arguments_that_name_nothing_are_refused() {
    let folder = stores();
    let refusal =
        |argument: &str| resolve(&folder, &["one", argument]).expect_err("nothing there").to_string();
    assert!(refusal("three").ends_with("three: no such file or folder"));
    assert!(refusal("one/*.csv").ends_with("one/*.csv' matches no shard"));
    assert!(refusal("one/***").contains("one/***' is not a valid pattern: "));
    for sidecar in ["two.store", "two.store/rejects.parquet", "t*.store", "two.store/*"] {
        let line = refusal(sidecar);
        assert!(line.contains("/two.store") && line.contains("two, which must be named instead"), "{line}");
    }
    assert!(matches!(Sources::resolve(&[], None), Err(DataError::NoShards)));
    // A store that has lost its shards is not passed over.
    std::fs::remove_dir_all(folder.path().join("two")).expect("a writable folder");
    for argument in [".", "*"] {
        assert!(refusal(argument).contains("two.store: belongs to the store "), "{}", refusal(argument));
    }
}

#[test]
fn unfinished_stores_are_refused_but_their_files_can_be_named() {
    let folder = stores();
    std::fs::remove_dir_all(folder.path().join("one.store")).expect("a writable folder");
    for argument in ["one", "on*"] {
        let error = resolve(&folder, &[argument]).expect_err("no manifest").to_string();
        assert!(
            error.contains("one: not a finished store: ") && error.contains("one.store/manifest.json is")
        );
        assert!(error.ends_with("both folders belong together (shards can be named as files)"), "{error}");
    }
    // A build is under way, or was interrupted: the other store is not taken alone.
    std::fs::create_dir(folder.path().join("one").join(STAGING_FOLDER)).expect("a writable folder");
    for argument in ["one", "on*", "*", "."] {
        let error = resolve(&folder, &[argument]).expect_err("no manifest");
        assert!(error.to_string().contains("one: an unfinished store"), "{error}");
    }
    assert_eq!(resolve(&folder, &["one/*.parquet"]).expect("readable shards").len(), 2);
}

/// As two releases of this software leave them, side by side.
#[test]
fn stores_of_the_first_version_are_read() {
    let folder = stores();
    let (store, former) = (folder.path().join("one"), StorePaths::former(&folder.path().join("one")));
    let mut manifest = Manifest::read(&store).expect("a store");
    std::fs::remove_dir_all(folder.path().join("one.store")).expect("a writable folder");
    manifest.format_version = FIRST_FORMAT_VERSION;
    manifest.rejects.file = "rejects/rejects.parquet".to_owned();
    std::fs::write(former.manifest(), manifest.to_json()).expect("a writable folder");
    std::fs::create_dir(store.join("rejects")).expect("a writable folder");
    std::fs::write(former.rejects(), "no shard").expect("a writable folder");
    let all = ["first-00000.parquet", "first-00001.parquet", "second-00000.parquet"];
    for arguments in [["one", "two"], ["*", "."], ["one/*", "**/*.parquet"], ["one/*.parquet", "two*"]] {
        assert_eq!(resolve(&folder, &arguments).expect("readable stores"), all, "{arguments:?}");
    }
}

#[test]
fn shards_that_cannot_be_read_are_refused_by_name() {
    let folder = stores();
    let second = folder.path().join("one/first-00001.parquet");
    let whole = std::fs::read(&second).expect("a readable file");
    let refusal = || resolve(&folder, &["one"]).expect_err("an unreadable shard").to_string();
    std::fs::write(&second, &whole[..whole.len() / 2]).expect("a writable file");
    assert!(refusal().contains("first-00001.parquet: not a readable Parquet file"), "{}", refusal());
    std::fs::write(&second, "material_id,formula\n").expect("a writable file");
    assert!(refusal().contains("first-00001.parquet: not a readable Parquet file"), "{}", refusal());
    std::fs::remove_file(&second).expect("a writable folder");
    assert!(refusal().contains("first-00001.parquet: No such file"), "{}", refusal());
}

#[test]
fn shards_of_other_settings_are_refused() {
    let folder = stores();
    let cut = FeatureSettings { ties: Ties::Cut, ..FeatureSettings::default() };
    write_shard(&folder.path().join("two/cut.parquet"), &chains(1), 1, &cut);
    let error = resolve(&folder, &["one", "two/cut.parquet"]).expect_err("two tie rules").to_string();
    let (first, second) = (folder.path().join("one"), folder.path().join("two"));
    let stores = format!("{} and {} do not go together: ", first.display(), second.display());
    assert_eq!(error, format!("{stores}ties is shell in the first and cut in the second"));
    let cut = folder.path().join("two/cut.parquet").display().to_string();
    assert_eq!(
        Sources::resolve(std::slice::from_ref(&cut), None).expect("one tie rule").settings().ties,
        Ties::Cut
    );
    let error =
        Sources::resolve(&[cut], Some(&FeatureSettings::default())).expect_err("a model of other ties");
    assert!(error.to_string().contains("ties = cut, but shell is needed"), "{error}");
}

#[test]
fn a_shard_that_is_not_the_one_written_is_refused_by_whatever_name() {
    let folder = stores();
    let path = folder.path().join("one/first-00001.parquet");
    let whole = std::fs::read(&path).expect("a shard");
    let mut damaged = whole.clone();
    // A byte of the first page, well before the footer.
    damaged[40] ^= 1;
    std::fs::write(&path, &damaged).expect("a writable folder");
    for argument in ["one", ".", "one/*.parquet", "one/first-00001.parquet"] {
        let error = resolve(&folder, &[argument]).expect_err("damaged").to_string();
        assert!(error.contains("first-00001.parquet: damaged, SHA-256"), "{argument}: {error}");
    }
    assert_eq!(resolve(&folder, &["one/first-00000.parquet"]).expect("whole"), ["first-00000.parquet"]);
    // Without a manifest nobody knows what it was.
    std::fs::copy(&path, folder.path().join("alone.parquet")).expect("a writable folder");
    assert_eq!(resolve(&folder, &["alone.parquet"]).expect("readable"), ["alone.parquet"]);
}
