//! Batches from lists.

use super::*;

/// The lists of a batch with a line graph.
fn lists_of(batch: &GraphBatch<f64>) -> BatchLists {
    let line = line_graph(batch);
    BatchLists {
        atomic_numbers: batch.atomic_numbers.clone(),
        crystal_of_atom: batch.crystal_of_atom.clone(),
        target: batch.target.clone(),
        source: batch.source.clone(),
        distance: batch.distance.clone(),
        line_graph: Some(LineLists {
            source: line.source.clone(),
            target: line.target.clone(),
            cosine: line.cosine.clone(),
        }),
    }
}

fn sample() -> GraphBatch<f64> {
    batch(&[&OwnedInput::caesium_chloride(), &OwnedInput::simple_cubic(3.0)])
}

#[test]
fn a_batch_from_the_lists_of_another_is_the_same() {
    let built = sample();
    let found = GraphBatch::<f64>::from_lists(lists_of(&built)).expect("good lists");
    let expected = GraphBatch {
        material_ids: vec!["0".to_owned(), "1".to_owned()],
        lattice_parameters: vec![0.0; 12],
        centre_distances: vec![0.0; 3],
        bases: None,
        labels: None,
        images: None,
        vectors: None,
        positions: None,
        pairs: 0,
        triplets: 0,
        ..built
    };
    assert_eq!(found, expected);
    let none = GraphBatch::<f32>::from_lists(BatchLists::default()).expect("good lists");
    assert_eq!((none.crystals(), none.atom_offsets, none.outgoing), (0, vec![0], vec![0]));
}

#[test]
fn edges_are_grouped_by_a_changed_source() {
    let mut changed = sample();
    for edge in [1, 4, 9] {
        changed.source[edge] = 0;
    }
    changed.source[18] = 1;
    let expected = GraphBatch::<f64>::from_lists(lists_of(&changed)).expect("good lists");
    assert_ne!(changed.outgoing, expected.outgoing);
    changed.regroup_by_source();
    assert_eq!((&changed.outgoing, &changed.outgoing_edges), (&expected.outgoing, &expected.outgoing_edges));
}

/// What makes good lists bad.
type Change = fn(&mut BatchLists);

#[test]
fn lists_that_do_not_fit_are_refused() {
    let built = sample();
    let refusal = |change: Change| {
        let mut lists = lists_of(&built);
        change(&mut lists);
        GraphBatch::<f32>::from_lists(lists).expect_err("bad lists").to_string()
    };
    let cases: [(Change, &str); 8] = [
        (|lists| lists.distance.truncate(21), "21 values of distance instead of 22"),
        (
            |lists| lists.atomic_numbers[2] = 119,
            "value 2 of atomic_numbers is 119, which is not within 0 and 118",
        ),
        (
            |lists| lists.crystal_of_atom[2] = 3,
            "value 2 of crystal_of_atom is 3, which is not within 0 and 2",
        ),
        (|lists| lists.crystal_of_atom[0] = 1, "value 1 of crystal_of_atom is less than the one before"),
        (|lists| lists.target[3] = 2, "value 4 of target is less than the one before"),
        (|lists| lists.source[5] = -1, "value 5 of source is -1, which is not within 0 and 2"),
        (
            |lists| lists.line_graph = Some(LineLists { source: vec![0], ..LineLists::default() }),
            "1 value of",
        ),
        (
            |lists| {
                lists.line_graph = Some(LineLists { source: vec![22], target: vec![0], cosine: vec![0.5] });
            },
            "value 0 of source of the line graph is 22, which is not within 0 and 21",
        ),
    ];
    for (change, expected) in cases {
        let message = refusal(change);
        assert!(message.starts_with(expected), "{message}");
    }
}
