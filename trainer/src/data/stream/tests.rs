use super::*;
use crate::data::connectivity::Graph;
use crate::data::inputs::Inputs;
use crate::data::labels::PeriodicLabels;
use crate::data::store::Sources;
use crate::data::subset::{SplitPart, Subset};
use crate::data::test_store::{GAP, Row, centred, chain, chains, write_store};
use proptest::prelude::*;
use tempfile::TempDir;

/// A store of some rows in shards of 32 rows and row groups of 10.
struct Store {
    folder: TempDir,
    selection: Selection,
}

fn store(rows: &[Row], subset: Subset) -> Store {
    let folder = TempDir::new().expect("a temporary folder");
    write_store(&folder.path().join("test"), "test", rows, 32, 10);
    let sources = Sources::resolve(&[folder.path().display().to_string()], None).expect("a readable store");
    let selection = Selection::new(&Arc::new(sources), subset).expect("some crystals");
    Store { folder, selection }
}

fn settings(crystals: usize) -> StreamSettings {
    StreamSettings {
        seed: 123,
        shuffle_buffer: Some(16),
        limit: BatchLimit { crystals, triplets: None },
        inputs: Inputs { bases: true, labels: true, ..Inputs::default() },
        ..StreamSettings::default()
    }
}

fn open(store: &Store, settings: &StreamSettings) -> Stream<f32> {
    Stream::open(&store.selection, settings.clone()).expect("valid settings")
}

fn batches(store: &Store, settings: &StreamSettings) -> Vec<GraphBatch<f32>> {
    open(store, settings).map(|batch| batch.expect("a readable store")).collect()
}

fn ids(batches: &[GraphBatch<f32>]) -> Vec<String> {
    batches.iter().flat_map(|batch| batch.material_ids.clone()).collect()
}

#[test]
fn every_crystal_comes_once_and_in_another_order_each_epoch() {
    let store = store(&chains(75), Subset::All);
    let epoch = |epoch| ids(&batches(&store, &StreamSettings { epoch, ..settings(8) }));
    let (first, second) = (epoch(0), epoch(1));
    assert_eq!(first, epoch(0));
    assert_ne!(first, second);
    let mut expected: Vec<String> = (0..75).map(|index| format!("m{index}")).collect();
    assert_ne!(first, expected);
    expected.sort();
    for mut found in [first, second] {
        found.sort();
        assert_eq!(found, expected);
    }
}

#[test]
fn counts_are_known_before_reading() {
    let store = store(&chains(75), Subset::All);
    let stream = open(&store, &settings(8));
    assert_eq!((stream.crystals(), stream.batches()), (75, Some(10)));
    assert_eq!(stream.count(), 10);
    let limit = BatchLimit { crystals: 8, triplets: Some(40) };
    assert_eq!(open(&store, &StreamSettings { limit, ..settings(8) }).batches(), None);
}

#[test]
fn an_incomplete_last_batch_is_left_out() {
    let store = store(&chains(75), Subset::All);
    let whole = batches(&store, &settings(8));
    let dropping = StreamSettings { drop_incomplete: true, ..settings(8) };
    assert_eq!(open(&store, &dropping).batches(), Some(9));
    assert_eq!(ids(&batches(&store, &dropping)), ids(&whole[..9]));
    let skipping = StreamSettings { skip: 7, ..dropping.clone() };
    assert_eq!(ids(&batches(&store, &skipping)), ids(&whole[7..9]));
    let share = Share { index: 1, count: 2 };
    assert_eq!(open(&store, &StreamSettings { share, ..dropping.clone() }).count(), 4);
    let exact = StreamSettings { limit: BatchLimit { crystals: 25, triplets: None }, ..dropping };
    assert_eq!((open(&store, &exact).batches(), open(&store, &exact).count()), (Some(3), 3));
}

#[test]
fn without_a_shuffle_buffer_crystals_come_in_the_order_of_the_shards() {
    let store = store(&chains(75), Subset::All);
    let found = ids(&batches(&store, &StreamSettings { shuffle_buffer: None, ..settings(8) }));
    assert_eq!(found, (0..75).map(|index| format!("m{index}")).collect::<Vec<_>>());
}

#[test]
fn a_subset_and_its_properties() {
    let part = Subset::Split { column: "split".to_owned(), part: SplitPart::Val };
    let store = store(&chains(30), part);
    let settings = StreamSettings { properties: vec![GAP.to_owned()], shuffle_buffer: None, ..settings(4) };
    let batches = batches(&store, &settings);
    assert_eq!(ids(&batches), ["m1", "m4", "m7", "m10", "m13", "m16", "m19", "m22", "m25", "m28"]);
    let gaps = &batches[0].properties[GAP];
    assert_eq!((gaps[1], gaps[3]), (4.0, 10.0));
    assert!(gaps[0].is_nan() && gaps[2].is_nan());
    let settings = StreamSettings { properties: vec!["gap".to_owned()], ..settings };
    let refused = Stream::<f32>::open(&store.selection, settings);
    assert!(matches!(refused, Err(DataError::UnknownColumn { .. })));
}

#[test]
fn the_labels_are_those_asked_for() {
    let store = store(&[chain("m", 3)], Subset::All);
    let labels = |labels| {
        let batch = batches(&store, &StreamSettings { labels, ..settings(1) }).remove(0);
        batch.labels.expect("they were asked for").direction
    };
    let cell = labels(PeriodicLabels::Cell);
    assert_eq!(cell, [4, 13, 13, 13, 13, 22]);
    let expected: Vec<i32> = cell.iter().map(|&label| i32::from(centred(label as u8))).collect();
    assert_eq!(labels(PeriodicLabels::Centred), expected);
}

#[test]
fn the_graph_is_the_one_asked_for() {
    let store = store(&[chain("a", 1), chain("b", 2), chain("c", 3)], Subset::All);
    let edges = |graph| batches(&store, &StreamSettings { graph, ..settings(3) })[0].edges();
    assert_eq!(edges(Graph::Multigraph), 2 + 4 + 6);
    assert_eq!(edges(Graph::Simple), 2 + 6);
}

#[test]
fn a_budget_of_triplets_closes_batches() {
    // Chains of n atoms have 2 n triplets.
    let mut rows: Vec<Row> =
        [3, 2, 1, 4, 20, 1].iter().map(|&sites| chain(&format!("c{sites}"), sites)).collect();
    rows.push(chain("last", 4));
    let store = store(&rows, Subset::All);
    let limit = BatchLimit { crystals: 3, triplets: Some(12) };
    let batches = batches(&store, &StreamSettings { limit, shuffle_buffer: None, ..settings(3) });
    let groups: Vec<Vec<String>> = batches.iter().map(|batch| batch.material_ids.clone()).collect();
    assert_eq!(groups, [vec!["c3", "c2", "c1"], vec!["c4"], vec!["c20"], vec!["c1", "last"]]);
    assert_eq!(batches.iter().map(GraphBatch::triplets).collect::<Vec<_>>(), [12, 8, 40, 10]);
}

#[test]
fn triplets_are_counted_for_inputs_that_depend_on_angles_alone() {
    let store = store(&chains(20), Subset::All);
    let limit = BatchLimit { crystals: 6, triplets: Some(1) };
    let count = |inputs| {
        let stream = open(&store, &StreamSettings { limit, inputs, ..settings(6) });
        (stream.batches(), stream.count())
    };
    assert_eq!(count(Inputs::default()), (Some(4), 4));
    assert_eq!(count(Inputs { bases: false, line_graph: false, ..Inputs::ALL }), (Some(4), 4));
    assert_eq!(count(Inputs { line_graph: true, ..Inputs::default() }), (None, 20));
    assert_eq!(count(Inputs { bases: true, ..Inputs::default() }), (None, 20));
}

#[test]
fn an_invalid_crystal_ends_the_stream_with_its_name() {
    let mut rows = chains(40);
    rows[25].crystal.atomic_numbers[0] = 0;
    let store = store(&rows, Subset::All);
    let settings = StreamSettings { shuffle_buffer: None, workers: 2, ..settings(8) };
    let mut stream = open(&store, &settings);
    for _ in 0..3 {
        assert!(stream.next().expect("a batch").is_ok());
    }
    let error = stream.next().expect("an error").expect_err("an atomic number of 0");
    let message = "test-00000.parquet: crystal 'm25': site 0 has the atomic number 0";
    assert!(error.to_string().ends_with(message), "{error}");
    assert!(stream.next().is_none());
    // A resumed epoch does not build the batch again that ended the first.
    let skipping = StreamSettings { skip: 4, ..settings };
    assert_eq!(
        ids(&batches(&store, &skipping)),
        (32..40).map(|index| format!("m{index}")).collect::<Vec<_>>()
    );
}

#[test]
fn elements_without_features_are_refused() {
    let mut rows = chains(3);
    rows[1].crystal.atomic_numbers = vec![29, 101];
    let store = store(&rows, Subset::All);
    let of = |last_element| {
        let inputs = Inputs { last_element, ..Inputs::default() };
        open(&store, &StreamSettings { inputs, shuffle_buffer: None, ..settings(8) }).next().expect("a batch")
    };
    assert_eq!(of(None).expect("all elements").material_ids.len(), 3);
    assert_eq!(of(Some(101)).expect("up to this one").material_ids.len(), 3);
    let error = of(Some(100)).expect_err("mendelevium").to_string();
    let expected = "test-00000.parquet: crystal 'm1': site 1 is Md (Z = 101), of which the model has no features, only up to Z = 100";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn a_shard_that_goes_bad_ends_the_stream() {
    let store = store(&chains(75), Subset::All);
    let shard = store.folder.path().join("test/test-00001.parquet");
    let whole = std::fs::read(&shard).expect("a readable file");
    std::fs::write(&shard, &whole[..100]).expect("a writable file");
    let settings = StreamSettings { shuffle_buffer: None, skip: 1000, ..settings(8) };
    let error = open(&store, &settings).next().expect("an error").expect_err("a truncated shard");
    assert!(error.to_string().contains("test-00001.parquet: not a readable Parquet file"), "{error}");
}

#[test]
fn reading_does_not_run_ahead_of_the_queue() {
    let store = store(&chains(75), Subset::All);
    let settings = StreamSettings { shuffle_buffer: None, queue: 1, ..settings(1) };
    let mut stream = open(&store, &settings);
    stream.next().expect("a batch").expect("a readable store");
    // A reader that held more than the queue would have this shard in memory by now.
    std::fs::remove_file(store.folder.path().join("test/test-00002.parquet")).expect("a writable folder");
    let rest: Vec<_> = stream.collect();
    assert_eq!(rest.len(), 64);
    assert!(matches!(rest.last(), Some(Err(DataError::Store(StoreError::Io { .. })))));
}

#[test]
fn dropping_the_stream_stops_its_threads() {
    let store = store(&chains(75), Subset::All);
    for taken in [0, 1, 3] {
        let settings = StreamSettings { workers: 3, queue: 2, ..settings(2) };
        let mut stream = open(&store, &settings);
        for _ in 0..taken {
            stream.next().expect("a batch").expect("a readable store");
        }
        drop(stream);
        // The reader has let go of its copy: every thread has been joined.
        assert_eq!(Arc::strong_count(store.selection.sources()), 1);
    }
}

#[test]
fn waiting_is_measured() {
    let store = store(&chains(75), Subset::All);
    let mut stream = open(&store, &settings(75));
    assert_eq!(stream.waited(), Duration::ZERO);
    stream.next().expect("a batch").expect("a readable store");
    assert!(stream.waited() > Duration::ZERO);
}

#[test]
fn settings_of_zero_are_refused() {
    let store = store(&chains(1), Subset::All);
    let cases: [(&str, StreamSettings); 4] = [
        ("workers", StreamSettings { workers: 0, ..settings(1) }),
        ("queue", StreamSettings { queue: 0, ..settings(1) }),
        ("batch_crystals", settings(0)),
        (
            "batch_triplets",
            StreamSettings { limit: BatchLimit { crystals: 1, triplets: Some(0) }, ..settings(1) },
        ),
    ];
    for (name, settings) in cases {
        let error = Stream::<f32>::open(&store.selection, settings).expect_err("zero");
        assert_eq!(error.to_string(), format!("{name} = 0 must be at least 1"));
    }
    for settings in [
        StreamSettings { workers: MAX_WORKERS + 1, ..settings(1) },
        StreamSettings { queue: MAX_WORKERS + 1, ..settings(1) },
    ] {
        let error = Stream::<f32>::open(&store.selection, settings).expect_err("too many");
        assert!(error.to_string().ends_with("= 1025 must be at most 1024"), "{error}");
    }
}

#[test]
fn a_batch_gives_every_process_a_crystal_whatever_its_budget() {
    // Chains of n atoms have 2 n triplets: each crystal alone is beyond the budget of three.
    let rows: Vec<Row> = (0..7).map(|index| chain(&format!("m{index}"), 9)).collect();
    let store = store(&rows, Subset::All);
    let limit = BatchLimit { crystals: 4, triplets: Some(2) };
    let share = |index| StreamSettings {
        limit,
        share: Share { index, count: 3 },
        shuffle_buffer: None,
        ..settings(1)
    };
    let groups = |index| {
        let batches = batches(&store, &share(index)).into_iter();
        batches.map(|batch| batch.material_ids).collect::<Vec<_>>()
    };
    // The last crystal is too little for three.
    assert_eq!([groups(0), groups(1), groups(2)], [[["m0"], ["m3"]], [["m1"], ["m4"]], [["m2"], ["m5"]]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The shares of several processes are the batches of one with a limit as many times as high, but
    /// for a last batch that has no crystal for each of them.
    #[test]
    fn shares_make_whole_batches(
        crystals in 1_usize..12,
        budget in prop::option::of(1_usize..60),
        count in 1_usize..6,
        skip in 0_u64..8,
    ) {
        let store = store(&chains(75), Subset::All);
        let limit = |times: usize| BatchLimit {
            crystals: crystals * times,
            triplets: budget.map(|budget| budget * times),
        };
        let shares: Vec<_> = (0..count).map(|index| {
            let share = Share { index, count };
            batches(&store, &StreamSettings { limit: limit(1), share, skip, ..settings(1) })
        }).collect();
        let mut whole = batches(&store, &StreamSettings { limit: limit(count), ..settings(1) });
        if budget.is_none() {
            whole.retain(|batch| batch.crystals() >= count);
            let share = Share { index: 0, count };
            let plain = StreamSettings { limit: limit(1), share, ..settings(1) };
            prop_assert_eq!(open(&store, &plain).batches(), Some(whole.len() as u64));
            prop_assert_eq!(shares[0].len(), whole.len().saturating_sub(skip as usize));
        }
        let mut next = shares[0].first().map_or(0, |batch| batch.origin.first_crystal);
        for index in 0..shares[0].len() {
            let parts: Vec<_> = shares.iter().map(|share| &share[index]).collect();
            let ids: Vec<String> = parts.iter().flat_map(|part| part.material_ids.clone()).collect();
            for part in &parts {
                prop_assert!(part.crystals() > 0, "no process is without a crystal");
                prop_assert_eq!(part.origin.first_crystal, next);
                prop_assert_eq!(&part.origin.whole, &ids);
                next += part.crystals() as u64;
            }
            if budget.is_none() {
                prop_assert_eq!(&ids, &whole[skip as usize + index].material_ids);
            }
        }
        prop_assert!(shares.iter().all(|share| share.len() == shares[0].len()));
    }

    /// Neither the number of threads nor the queue nor a resumption changes a bit.
    #[test]
    fn batches_depend_on_the_seed_alone(
        crystals in 1_usize..20,
        budget in prop::option::of(1_usize..60),
        buffer in prop::option::of(0_usize..100),
        workers in 1_usize..4,
        queue in 1_usize..5,
        skip in 0_u64..30,
        epoch in 0_u64..3,
    ) {
        let store = store(&chains(75), Subset::All);
        let limit = BatchLimit { crystals, triplets: budget };
        let plain = StreamSettings { limit, epoch, shuffle_buffer: buffer, ..settings(1) };
        let expected = batches(&store, &plain);
        let found = batches(&store, &StreamSettings { workers, queue, skip, ..plain });
        let skipped = expected.len().min(skip as usize);
        prop_assert_eq!(&found[..], &expected[skipped..]);
        let mut names = ids(&expected);
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), 75);
        for batch in &expected {
            let fits = budget.is_none_or(|budget| batch.triplets() <= budget || batch.crystals() == 1);
            prop_assert!(fits && batch.crystals() <= crystals);
        }
    }
}
