use super::*;
use crate::data::test_store::{chains, write_store};
use tempfile::TempDir;

fn sources(crystals: usize) -> (TempDir, Arc<Sources>) {
    let folder = TempDir::new().expect("a temporary folder");
    write_store(&folder.path().join("test"), "test", &chains(crystals), 64, 10);
    let sources = Sources::resolve(&[folder.path().display().to_string()], None).expect("a readable store");
    (folder, Arc::new(sources))
}

fn split(column: &str, part: SplitPart) -> Subset {
    Subset::Split { column: column.to_owned(), part }
}

#[test]
fn parts_are_read_and_written() {
    for part in SplitPart::ALL {
        assert_eq!(SplitPart::parse(part.as_str()), Some(part));
    }
    assert_eq!(["Train", "validation", ""].map(SplitPart::parse), [None; 3]);
}

#[test]
fn every_part_is_counted() {
    let (_folder, sources) = sources(100);
    let count = |subset| Selection::new(&sources, subset).map(|selection| selection.crystals());
    assert_eq!(count(Subset::All).expect("all"), 100);
    assert_eq!(count(split("split", SplitPart::Train)).expect("some"), 34);
    assert_eq!(count(split("split", SplitPart::Val)).expect("some"), 33);
    let error = count(split("split", SplitPart::Test)).expect_err("none");
    assert_eq!(error.to_string(), "the subset 'split = test' holds none of the 100 crystals");
    let error = count(split("split_task", SplitPart::Test)).expect_err("no such column");
    assert_eq!(error.to_string(), "no shard has a split column 'split_task'; there are: split");
}

#[test]
fn hashing_holds_out_about_the_share_asked_for() {
    let (_folder, sources) = sources(1000);
    let count = |subset| Selection::new(&sources, subset).expect("some").crystals();
    let held_out = count(Subset::HashValidation { validation_fraction: 0.1 });
    assert!((70..130).contains(&held_out), "{held_out}");
    assert_eq!(count(Subset::HashTrain { validation_fraction: 0.1 }), 1000 - held_out);
    for fraction in [0.0, 1.0, -0.5, f64::NAN] {
        let refused = Selection::new(&sources, Subset::HashTrain { validation_fraction: fraction });
        assert!(matches!(refused, Err(DataError::Setting { .. })), "{fraction}");
    }
}

#[test]
fn a_crystal_stays_on_its_side_for_ever() {
    // Changing these would move crystals of existing runs between training and validation.
    let (first, second) = (hash_position(HASH_SALT, "mp-149"), hash_position(HASH_SALT, "oqmd-1514"));
    assert_eq!((first, second), (0.10298350991275806, 0.6644498262330736));
}

#[test]
fn row_groups_without_members_are_left_out() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut rows = chains(6);
    for (index, row) in rows.iter_mut().enumerate() {
        row.split = Some(if index < 4 { "train" } else { "test" });
    }
    write_store(&folder.path().join("test"), "test", &rows, 4, 2);
    let sources = Sources::resolve(&[folder.path().display().to_string()], None).expect("a readable store");
    let selection = Selection::new(&Arc::new(sources), split("split", SplitPart::Test)).expect("some");
    assert_eq!(selection.row_groups(), [RowGroup { shard: 1, group: 0, crystals: 2 }]);
}
