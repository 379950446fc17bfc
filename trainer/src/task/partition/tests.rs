use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::data::DataError;
use crate::data::test_store::{GAP, Row, chain, chains, write_store};
use crate::task::{Division, Group, Metric, PropertyRequest, PropertyTask, SplitRule, Transform};

/// Crystals `m0`, `m1`, … with the gap 1, 2, … in parts and folds that take turns.
fn rows(count: usize) -> Vec<Row> {
    let parts = [Some("train"), Some("train"), Some("val"), Some("test")];
    (0..count)
        .map(|index| Row {
            split: parts[index % 4],
            fold: Some((index % 3) as i8),
            gap: Some(index as f64 + 1.0),
            ..chain(&format!("m{index}"), 1)
        })
        .collect()
}

/// A store of rows, in two shards or more.
fn stored(rows: &[Row]) -> (TempDir, Sources) {
    let folder = TempDir::new().expect("a temporary folder");
    write_store(&folder.path().join("test"), "test", rows, 7, 3);
    let sources = Sources::resolve(&[folder.path().display().to_string()], None).expect("a readable store");
    (folder, sources)
}

fn task(split: SplitRule) -> Task {
    Task {
        name: "gaps".to_owned(),
        description: "Gaps.".to_owned(),
        store: "a store".to_owned(),
        property: GAP.to_owned(),
        unit: "eV".to_owned(),
        transform: Transform::None,
        metric: Metric::Mae,
        group: Group::Other,
        crystals: None,
        leaderboard: None,
        split,
        classification: None,
        per_site: false,
        further: Vec::new(),
        expected: None,
        published: None,
        literature: BTreeMap::new(),
    }
}

fn by_column() -> Task {
    task(SplitRule::Column { column: "split".to_owned() })
}

fn by_folds() -> Task {
    task(SplitRule::Folds { validation_fraction: 0.3 })
}

fn by_file() -> Task {
    task(SplitRule::File { name: "list.json of somebody".to_owned() })
}

fn all(task: &Task, sources: &Sources) -> Result<Partition, TaskError> {
    task.partition(sources, &PartitionOptions::default())
}

fn ids(crystals: &[Labelled]) -> Vec<&str> {
    crystals.iter().map(|crystal| crystal.material_id.as_str()).collect()
}

/// The options with a list of identifiers, written into a folder.
fn listed(folder: &Path, list: &str) -> PartitionOptions {
    let path = folder.join("list.json");
    std::fs::write(&path, list).expect("a writable folder");
    PartitionOptions { split_file: Some(path), ..PartitionOptions::default() }
}

#[test]
fn a_split_column_decides() {
    let mut rows = rows(10);
    rows[0].split = None;
    rows[1].gap = None;
    rows[9].split = Some("holdout");
    let (_folder, sources) = stored(&rows);
    let partition = all(&by_column(), &sources).expect("three parts");
    let [fold] = &partition.folds[..] else { panic!("one fold") };
    assert_eq!(fold.name, "split");
    assert_eq!(ids(&fold.train), ["m4", "m5", "m8"]);
    assert_eq!(ids(&fold.validation), ["m2", "m6"]);
    assert_eq!(
        fold.test,
        [
            Labelled { material_id: "m3".to_owned(), targets: vec![4.0] },
            Labelled { material_id: "m7".to_owned(), targets: vec![8.0] }
        ]
    );
    assert_eq!(fold.counts(), Counts { train: 3, validation: 2, test: 2 });
    assert!(partition.excluded.is_empty());
}

#[test]
fn values_without_a_logarithm_are_left_out_and_listed() {
    let mut rows = rows(12);
    for (row, gap) in rows.iter_mut().zip([0.0, -2.5, 100.0, f64::NAN]) {
        row.gap = Some(gap);
    }
    rows[4] = Row { gap: Some(-1.0), split: None, ..rows[4].clone() };
    let (_folder, sources) = stored(&rows);
    let task = Task { transform: Transform::Log10, ..by_column() };
    let partition = all(&task, &sources).expect("three parts");
    assert_eq!(
        partition.folds[0].validation[0],
        Labelled { material_id: "m2".to_owned(), targets: vec![2.0] }
    );
    let excluded: Vec<_> = partition.excluded.iter().map(|crystal| crystal.material_id.as_str()).collect();
    assert_eq!(excluded, ["m0", "m1", "m3"], "m4 has no part");
    assert_eq!(partition.excluded[1].value.as_deref(), Some("-2.5"));
    assert!(partition.excluded.iter().all(|crystal| crystal.reason == Reason::NoTarget));
    let sized = Task { expected: Some(Counts { train: 5, validation: 3, test: 3 }), ..task };
    all(&sized, &sources).expect("they count as crystals of the task");
}

#[test]
fn every_fold_is_tested_once_and_the_rest_is_divided_alike() {
    let mut rows = rows(60);
    rows[0].fold = None;
    let (_folder, sources) = stored(&rows);
    let partition = all(&by_folds(), &sources).expect("three folds");
    let names: Vec<_> = partition.folds.iter().map(|fold| fold.name.as_str()).collect();
    assert_eq!(names, ["fold-0", "fold-1", "fold-2"]);
    let mut tested = BTreeSet::new();
    for (index, fold) in partition.folds.iter().enumerate() {
        let parts = [&fold.train, &fold.validation, &fold.test];
        assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), 59, "m0 has no fold");
        for crystal in &fold.test {
            assert_eq!((crystal.targets[0] as usize - 1) % 3, index);
            assert!(tested.insert(crystal.material_id.clone()), "{} is tested twice", crystal.material_id);
        }
    }
    assert_eq!(tested.len(), 59);
    // A crystal that two folds do not test is on the same side in both.
    let [first, second, _] = &partition.folds[..] else { panic!("three folds") };
    let held_out: BTreeSet<&str> = ids(&first.validation).into_iter().collect();
    let in_training: BTreeSet<&str> = ids(&second.train).into_iter().collect();
    assert!(held_out.is_disjoint(&in_training));
    assert_eq!(all(&by_folds(), &sources).expect("again"), partition);
}

#[test]
fn every_fold_may_hold_out_others() {
    let (_folder, sources) = stored(&rows(90));
    let drawn = Task {
        split: SplitRule::Drawn { folds: 3, seed: 1, validation_fraction: 0.25, labels_sha256: None },
        ..by_folds()
    };
    for task in [by_folds(), drawn] {
        let options = PartitionOptions { held_out: HeldOut::PerFold, ..PartitionOptions::default() };
        let partition = task.partition(&sources, &options).expect("three folds");
        let same = all(&task, &sources).expect("three folds");
        let validated = |partition: &Partition| {
            let of_folds = partition.folds.iter().flat_map(|fold| ids(&fold.validation));
            of_folds.collect::<BTreeSet<&str>>().len()
        };
        assert!(
            validated(&partition) > validated(&same),
            "{} of {}",
            validated(&partition),
            validated(&same)
        );
        for (fold, other) in partition.folds.iter().zip(&same.folds) {
            assert_eq!(fold.test, other.test);
            assert!(!fold.validation.is_empty() && fold.train.len() + fold.validation.len() == 60);
        }
        assert_eq!(task.partition(&sources, &options).expect("again"), partition);
    }
}

/// A request for the gap.
fn request(division: Division) -> PropertyRequest {
    PropertyRequest { properties: vec![GAP.to_owned()], division, seed: 7, ..PropertyRequest::default() }
}

/// The task of the gap in a store of these rows.
fn of_gap(sources: &Sources, division: &Division) -> Task {
    PropertyTask::new(sources, &request(division.clone())).expect("the column is there").task
}

#[test]
fn a_property_is_divided_by_what_the_store_has() {
    let drawn = |task: &Task| match task.split {
        SplitRule::Drawn { folds, seed, .. } => Some((folds, seed)),
        _ => None,
    };
    let (_folder, sources) = stored(&rows(60));
    let task = of_gap(&sources, &Division::Default);
    assert!(matches!(task.split, SplitRule::Folds { .. }));
    assert_eq!((task.name.as_str(), task.unit.as_str()), ("band_gap_ev", "eV"));
    assert_eq!(drawn(&of_gap(&sources, &Division::Folds(4))), Some((4, 7)));
    let by = |name: &str| PropertyTask::new(&sources, &request(Division::Split(name.to_owned())));
    assert!(matches!(by("hash").expect("always").task.split, SplitRule::Hash { .. }));
    let column = SplitRule::Column { column: "split".to_owned() };
    assert_eq!(by("split").expect("the store has it").task.split, column);
    let error = by("split_of_mine").expect_err("the store lacks it").to_string();
    assert_eq!(
        error,
        "there is neither a file nor a split column of the name 'split_of_mine'; split columns of the store: split"
    );
    assert!(by("hash").expect("always").remarks.is_empty());
    let by_default = |sources: &Sources| {
        PropertyTask::new(sources, &request(Division::Default)).expect("the column is there")
    };
    assert!(by_default(&sources).remarks.is_empty(), "the folds of the store count before its split");

    let mut without = rows(60);
    without.iter_mut().for_each(|row| row.fold = None);
    let (_folder, sources) = stored(&without);
    let PropertyTask { task, remarks, .. } = by_default(&sources);
    assert_eq!(drawn(&task), Some((5, 7)));
    let [Remark::UnusedSplit { columns }] = &remarks[..] else { panic!("one remark: {remarks:?}") };
    assert_eq!(columns, &["split"]);
    assert_eq!(remarks[0].to_string(), "the store has the split column 'split', which is not used");
    without.iter_mut().for_each(|row| row.split = Some("holdout"));
    let (_folder, sources) = stored(&without);
    assert!(by_default(&sources).remarks.is_empty(), "it names no part");
    let error = all(&by_column(), &sources).expect_err("no crystal has a part").to_string();
    assert_eq!(
        error,
        "the split column 'split' is empty: no crystal has train, val or test there; other split columns with parts: none"
    );

    // Several are told in one line.
    let several = |split: &'static str| -> Vec<Row> {
        let row = |row: &Row| Row { split: Some(split), other_split: Some("val"), ..row.clone() };
        without.iter().map(row).collect()
    };
    let (_folder, sources) = stored(&several("train"));
    let told: Vec<String> = by_default(&sources).remarks.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["the store has the split columns 'split', 'split_other', which are not used"]);
    let (_folder, sources) = stored(&several("holdout"));
    let error = all(&by_column(), &sources).expect_err("no crystal has a part").to_string();
    assert!(error.ends_with("; other split columns with parts: split_other"), "{error}");
}

#[test]
fn drawn_folds_are_those_of_the_labels_they_were_drawn_for() {
    let mut rows = rows(60);
    rows[3].gap = None;
    let (_folder, sources) = stored(&rows);
    let task = of_gap(&sources, &Division::Folds(4));
    let partition = all(&task, &sources).expect("four folds");
    assert_eq!(partition.folds.len(), 4);
    let mut tested: Vec<&str> = partition.folds.iter().flat_map(|fold| ids(&fold.test)).collect();
    tested.sort_unstable();
    tested.dedup();
    assert_eq!(tested.len(), 59, "every crystal with a value once");
    for fold in &partition.folds {
        assert!((14..=15).contains(&fold.test.len()));
        // Values from 1 to 60 have a mean of 30.5; folds of neighbours differ from it by less than 2.
        let mean = fold.test.iter().map(|crystal| crystal.targets[0]).sum::<f64>() / fold.test.len() as f64;
        assert!((mean - 30.5).abs() < 2.0, "{mean}");
    }
    for change in
        [|rows: &mut Vec<Row>| rows[5].gap = Some(0.5), |rows: &mut Vec<Row>| rows[3].gap = Some(2.0)]
    {
        let mut changed = rows.clone();
        change(&mut changed);
        let (_folder, sources) = stored(&changed);
        let error = all(&task, &sources).expect_err("other labels").to_string();
        assert!(error.contains("were drawn for other crystals or values"), "{error}");
    }
}

#[test]
fn folds_are_chosen_by_number() {
    let (folder, sources) = stored(&rows(60));
    let chosen = |task: &Task, folds: &[usize]| {
        let options = PartitionOptions { folds: Some(folds.to_vec()), ..PartitionOptions::default() };
        task.partition(&sources, &options)
    };
    let names =
        |partition: Partition| -> Vec<String> { partition.folds.into_iter().map(|fold| fold.name).collect() };
    assert_eq!(names(chosen(&by_folds(), &[2, 0, 2]).expect("two")), ["fold-0", "fold-2"]);
    assert_eq!(names(chosen(&by_folds(), &[]).expect("all")).len(), 3);
    let message = |task: &Task, folds: &[usize]| chosen(task, folds).expect_err("there is none").to_string();
    assert_eq!(message(&by_folds(), &[3]), "the task 'gaps' has no fold 3; there are: 0, 1, 2");
    assert_eq!(message(&by_column(), &[0]), "the task 'gaps' has no fold 0; there are: none");
    let refused = by_folds().partition(&sources, &listed(folder.path(), "{}"));
    assert!(matches!(refused, Err(TaskError::SplitFileWithFolds { .. })));
    let (_folder, without) = stored(&chains(10));
    assert!(matches!(all(&by_folds(), &without), Err(TaskError::NoFolds { .. })));
}

#[test]
fn what_may_not_be_meant_is_remarked() {
    let mut rows = rows(12);
    assert!(all(&by_folds(), &stored(&rows).1).expect("three folds").remarks.is_empty());
    for (position, hash) in [(0, "00ff"), (1, "00ff"), (4, "00ff"), (2, "ffffffffffffffff"), (5, "c0ffee")] {
        rows[position].hash = Some(hash);
    }
    rows[11].fold = None;
    let (_folder, sources) = stored(&rows);
    let said: Vec<String> =
        all(&by_folds(), &sources).expect("three folds").remarks.iter().map(Remark::to_string).collect();
    let the_same = "the structure hash of a training or validation crystal, and may be the same: `trainer duplicates` compares them";
    assert_eq!(
        said,
        [
            "1 crystal with a value is in no part, and left out".to_owned(),
            format!("fold-0: 1 test crystal has {the_same}"),
            format!("fold-1: 2 test crystals have {the_same}"),
        ]
    );
}

#[test]
fn a_list_decides_where_the_task_has_one() {
    let (folder, sources) = stored(&rows(10));
    let error = all(&by_file(), &sources).expect_err("no list");
    assert_eq!(error.to_string(), "the task 'gaps' needs a split file with list.json of somebody");
    let options =
        listed(folder.path(), r#"{"train": ["m9", "m1", "m5"], "val": ["m0"], "test": ["m2", "m1"]}"#);
    for task in
        [by_file(), by_column(), task(SplitRule::Hash { validation_fraction: 0.1, test_fraction: 0.1 })]
    {
        let partition = task.partition(&sources, &options).expect("three parts");
        let [fold] = &partition.folds[..] else { panic!("one fold") };
        assert_eq!(ids(&fold.train), ["m5", "m9"]);
        assert_eq!(ids(&fold.validation), ["m0"]);
        assert_eq!(ids(&fold.test), ["m1", "m2"]);
        let said: Vec<String> = partition.remarks.iter().map(Remark::to_string).collect();
        assert_eq!(
            said[0],
            "1 crystal of the split file is in several parts, and counts for test before validation before training"
        );
    }
}

#[test]
fn a_listed_crystal_that_is_not_there_is_an_error_unless_allowed() {
    let mut rows = rows(10);
    rows[3].gap = None;
    rows[4].gap = Some(0.0);
    let (folder, sources) = stored(&rows);
    let list = r#"{"train": ["m1", "m3", "x7"], "val": ["m0", "m4"], "test": {"m2": 1, "x1": 2}}"#;
    let options = listed(folder.path(), list);
    let task = Task { transform: Transform::Log10, ..by_file() };
    let error = task.partition(&sources, &options).expect_err("three are not there").to_string();
    assert!(
        error.ends_with(
            "list.json: 3 of its 7 crystals are not in these shards with a value of 'band_gap_ev' (m3, x1, \
             x7); the task 'gaps' needs a store"
        ),
        "{error}"
    );
    let partition =
        task.partition(&sources, &PartitionOptions { allow_partial: true, ..options }).expect("the rest");
    assert_eq!(partition.folds[0].counts(), Counts { train: 1, validation: 1, test: 1 });
    let excluded: Vec<_> =
        partition.excluded.iter().map(|crystal| (crystal.material_id.as_str(), crystal.reason)).collect();
    let expected = [
        ("m4", Reason::NoTarget),
        ("m3", Reason::NoValue),
        ("x1", Reason::NotInStore),
        ("x7", Reason::NotInStore),
    ];
    assert_eq!(excluded, expected);
}

#[test]
fn other_sizes_than_the_task_s_are_an_error_unless_allowed() {
    let (_folder, sources) = stored(&rows(12));
    let partial = PartitionOptions { allow_partial: true, ..PartitionOptions::default() };
    let task = Task { expected: Some(Counts { train: 6, validation: 3, test: 4 }), ..by_column() };
    let error = all(&task, &sources).expect_err("one test crystal less");
    assert_eq!(
        error.to_string(),
        "the task 'gaps' has 6 train, 3 validation and 4 test crystals, these shards give 6 train, 3 \
         validation and 3 test; it needs a store"
    );
    task.partition(&sources, &partial).expect("it is allowed");
    let task = Task { crystals: Some(13), ..by_folds() };
    let error = all(&task, &sources).expect_err("one crystal less").to_string();
    assert!(error.starts_with("the task 'gaps' has 13 crystals, these shards give 12; it needs a store"));
    task.partition(&sources, &partial).expect("it is allowed");
    all(&Task { crystals: Some(12), ..by_folds() }, &sources).expect("the same size");
}

#[test]
fn a_share_of_the_training_part_leaves_the_others_alone() {
    let (_folder, sources) = stored(&rows(40));
    let whole = all(&by_column(), &sources).expect("three parts");
    let options = PartitionOptions { fraction: 0.33, fraction_seed: 5, ..PartitionOptions::default() };
    let share = by_column().partition(&sources, &options).expect("three parts");
    assert_eq!(share.folds[0].train.len(), 7);
    assert_eq!(share.folds[0].validation, whole.folds[0].validation);
    assert_eq!(share.folds[0].test, whole.folds[0].test);
    for fraction in [0.0, -0.1, 1.1, f64::NAN] {
        let options = PartitionOptions { fraction, ..PartitionOptions::default() };
        let refused = by_column().partition(&sources, &options);
        assert!(matches!(refused, Err(TaskError::Fraction { .. })), "{fraction}");
    }
}

#[test]
fn the_validation_part_can_be_trained_on() {
    let (_folder, sources) = stored(&rows(40));
    let apart = all(&by_column(), &sources).expect("three parts").folds.remove(0);
    let options = PartitionOptions { train_on_validation: true, ..PartitionOptions::default() };
    let joined = by_column().partition(&sources, &options).expect("three parts").folds.remove(0);
    assert_eq!(joined.train, [apart.train, apart.validation.clone()].concat());
    assert_eq!((joined.validation, joined.test), (apart.validation, apart.test));
}

#[test]
fn missing_columns_and_empty_parts_are_errors() {
    let (_folder, sources) = stored(&rows(12));
    let task = Task { property: "gap".to_owned(), ..by_column() };
    let error = all(&task, &sources).expect_err("no such column");
    assert_eq!(error.to_string(), "no shard has a property column 'gap'; there are: band_gap_ev");
    let error = all(&task_of_column("split_x"), &sources).expect_err("no such column");
    assert!(matches!(error, TaskError::Data(DataError::UnknownColumn { kind: "split", .. })));
    let (_folder, without_test) = stored(&chains(12));
    let error = all(&by_column(), &without_test).expect_err("no test part");
    assert_eq!(
        error.to_string(),
        "the task 'gaps' has no crystal with a value of 'band_gap_ev' in the test part of 'split'"
    );
}

fn task_of_column(column: &str) -> Task {
    task(SplitRule::Column { column: column.to_owned() })
}

#[test]
fn a_crystal_in_two_stores_is_an_error_with_both_shards() {
    let folder = TempDir::new().expect("a temporary folder");
    write_store(&folder.path().join("one"), "one", &rows(10), 7, 3);
    write_store(&folder.path().join("two"), "two", &[chain("x", 1), chain("m8", 2)], 7, 3);
    let sources = Sources::resolve(&[folder.path().display().to_string()], None).expect("readable stores");
    let error = all(&by_column(), &sources).expect_err("m8 stands twice").to_string();
    assert!(error.starts_with("the crystal 'm8' stands twice: in "), "{error}");
    assert!(error.contains("one-00001.parquet and in ") && error.contains("two-00000.parquet"), "{error}");
}

#[test]
fn a_recorded_split_out_of_range_is_refused() {
    let (_folder, sources) = stored(&rows(12));
    let folds = usize::MAX / 2;
    let split = SplitRule::Drawn { folds, seed: 1, validation_fraction: 0.1, labels_sha256: None };
    let error = all(&task(split), &sources).expect_err("too many folds").to_string();
    assert_eq!(error, format!("gaps: split.folds = '{folds}': must be 2 to 100"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn shares_by_hash_divide_all_crystals(count in 200_usize..300, validation in 0.1_f64..0.4, test in 0.1_f64..0.4) {
        let (_folder, sources) = stored(&rows(count));
        let task = task(SplitRule::Hash { validation_fraction: validation, test_fraction: test });
        let partition = all(&task, &sources).expect("three parts");
        let fold = &partition.folds[0];
        let mut values: Vec<usize> =
            [&fold.train, &fold.validation, &fold.test].into_iter().flatten().map(|c| c.targets[0] as usize).collect();
        values.sort_unstable();
        prop_assert!(values.into_iter().eq(1..=count));
        // Five standard deviations of a binomial share of at least 200.
        let near = |part: &[Labelled], share: f64| (part.len() as f64 / count as f64 - share).abs() < 0.18;
        prop_assert!(near(&fold.validation, validation) && near(&fold.test, test));
    }
}
