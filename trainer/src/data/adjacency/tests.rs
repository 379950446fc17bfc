use super::*;
use crate::data::golden::OwnedInput;

#[test]
fn every_edge_of_a_cubic_lattice_has_its_reverse() {
    let crystal = OwnedInput::simple_cubic(3.0);
    let mut adjacency = Adjacency::default();
    adjacency.rebuild(&crystal.borrow()).expect("a valid crystal");
    assert_eq!((adjacency.atoms(), adjacency.edges()), (1, 6));
    assert_eq!((adjacency.pairs(), adjacency.triplets()), (36, 30));
    assert_eq!(adjacency.incoming(0), 0..6);
    assert_eq!(adjacency.outgoing(0), [0, 1, 2, 3, 4, 5]);
    for edge in 0..6 {
        assert_eq!(adjacency.reverse(edge), Some(5 - edge));
    }
}

#[test]
fn an_edge_without_its_reverse_excludes_nothing() {
    let mut crystal = OwnedInput::cubic(3.0, &[1, 1], &[[0.0; 3], [0.5; 3]]);
    crystal.edge(0, 1, [0, 0, 0]);
    crystal.edge(0, 1, [-1, 0, 0]);
    crystal.edge(1, 0, [1, 0, 0]);
    let mut adjacency = Adjacency::default();
    adjacency.rebuild(&crystal.borrow()).expect("a valid crystal");
    assert_eq!(adjacency.reverse(0), None);
    assert_eq!(adjacency.reverse(1), Some(2));
    assert_eq!(adjacency.reverse(2), Some(1));
    assert_eq!(adjacency.outgoing(1), [0, 1]);
    assert_eq!(adjacency.source(2), 0);
    assert_eq!((adjacency.pairs(), adjacency.triplets()), (4, 2));
}

#[test]
fn edges_are_grouped_without_a_look_at_their_pairs() {
    let crystal = OwnedInput::caesium_chloride();
    let (mut whole, mut grouped) = (Adjacency::default(), Adjacency::default());
    whole.rebuild(&crystal.borrow()).expect("a valid crystal");
    grouped.rebuild(&OwnedInput::simple_cubic(3.0).borrow()).expect("a valid crystal");
    grouped.rebuild_without_reverses(&crystal.borrow()).expect("a valid crystal");
    assert!(grouped.reverse.is_empty() && whole.reverse.len() == 16);
    assert_eq!(grouped.incoming_offsets(), whole.incoming_offsets());
    assert_eq!(grouped.outgoing_offsets(), whole.outgoing_offsets());
    assert_eq!(grouped.outgoing_edges(), whole.outgoing_edges());
}

#[test]
fn a_crystal_without_edges() {
    let mut adjacency = Adjacency::default();
    adjacency.rebuild(&OwnedInput::simple_cubic(3.0).borrow()).expect("a valid crystal");
    adjacency.rebuild(&OwnedInput::cubic(30.0, &[2], &[[0.0; 3]]).borrow()).expect("a valid crystal");
    assert_eq!((adjacency.atoms(), adjacency.edges(), adjacency.pairs(), adjacency.triplets()), (1, 0, 0, 0));
    assert!(adjacency.outgoing(0).is_empty());
}

#[test]
fn edges_that_cannot_be_indexed_are_refused() {
    let refusal = |change: fn(&mut OwnedInput)| {
        let mut crystal = OwnedInput::caesium_chloride();
        change(&mut crystal);
        Adjacency::default().rebuild(&crystal.borrow()).expect_err("an invalid crystal").to_string()
    };
    assert_eq!(refusal(|crystal| crystal.source[3] = 2), "edge 3 names site 2 of 2");
    assert_eq!(refusal(|crystal| crystal.target[3] = 7), "edge 3 names site 7 of 2");
    assert_eq!(refusal(|crystal| crystal.target.reverse()), "edge 8 is not in the order of centre atoms");
    assert_eq!(refusal(|crystal| crystal.image[1].truncate(9)), "9 values of edge_k2 instead of 16");
}

#[test]
fn a_heap_of_sites_is_refused_by_its_pairs() {
    let sites = 300;
    let mut crystal = OwnedInput::cubic(30.0, &vec![1; sites], &vec![[0.5; 3]; sites]);
    for target in 0..sites as u32 {
        (0..sites as u32)
            .filter(|source| *source != target)
            .for_each(|source| crystal.edge(target, source, [0; 3]));
    }
    let error = Adjacency::default().rebuild(&crystal.borrow()).expect_err("27 million pairs");
    assert!(error.to_string().starts_with("89700 edges in 26820300 pairs that meet"), "{error}");
}
