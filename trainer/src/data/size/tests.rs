use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::data::store::Sources;
use crate::data::stream::{Stream, StreamSettings};
use crate::data::subset::Subset;
use crate::data::test_store::{chains, write_store};

/// A weight in which atoms, edges and pairs all count.
fn weight(size: &Size) -> f64 {
    7.0 * size.atoms as f64 + 5.0 * size.edges as f64 + size.pairs as f64
}

#[test]
fn sizes_are_those_of_the_batches() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_store(&folder.path().join("test"), "test", &chains(40), 16, 6);
    let sources = Sources::resolve(&[folder.path().display().to_string()], None).expect("a readable store");
    let sources = Arc::new(sources);
    let angles = Inputs { bases: true, ..Inputs::default() };
    let hash = Subset::HashTrain { validation_fraction: 0.4 };
    for (subset, inputs) in [(Subset::All, angles), (hash, angles), (Subset::All, Inputs::default())] {
        let selection = Selection::new(&sources, subset).expect("some crystals");
        let limit = BatchLimit { crystals: 1, triplets: None };
        let settings = StreamSettings { shuffle_buffer: None, limit, inputs, ..StreamSettings::default() };
        let stream = Stream::<f32>::open(&selection, settings).expect("it opens");
        let expected: Vec<Size> = stream.map(|batch| Size::from(&batch.expect("a batch"))).collect();
        assert_eq!(sizes(&selection, inputs).expect("they can be read"), expected);
        assert_eq!(expected.iter().any(|size| size.pairs > 0), inputs.angles());
    }
}

proptest! {
    /// No batch weighs more than the bound, in any order of the crystals.
    #[test]
    fn no_batch_is_heavier(
        crystals in prop::collection::vec((1_u64..40, 1_u64..60, 0_u64..900), 1..60),
        most in 1_usize..12,
        budget in prop::option::of(1_usize..3000),
    ) {
        let size = |&(atoms, edges, more): &(u64, u64, u64)| Size { atoms, edges, pairs: edges + more };
        let sizes: Vec<Size> = crystals.iter().map(size).collect();
        let limit = BatchLimit { crystals: most, triplets: budget };
        let bound = largest_batch(&sizes, limit, weight);
        let (mut batch, mut count, mut triplets) = (Size::default(), 0, 0);
        for size in &sizes {
            // Every edge has its reverse: as few triplets as there can be.
            let exceeded = budget.is_some_and(|budget| triplets + size.least_triplets() > budget as u64);
            if count == most || exceeded && count > 0 {
                (batch, count, triplets) = (Size::default(), 0, 0);
            }
            batch.add(size);
            (count, triplets) = (count + 1, triplets + size.least_triplets());
            prop_assert!(weight(&batch) <= weight(&bound.size), "{batch:?} {bound:?}");
            prop_assert!(bound.crystals <= most, "{bound:?}");
        }
    }
}

#[test]
fn without_a_budget_the_heaviest_make_the_largest_batch() {
    let crystal = |edges| Size { atoms: 1, edges, pairs: edges };
    let sizes: Vec<Size> = [3, 9, 1, 7].map(crystal).to_vec();
    let largest = largest_batch(&sizes, BatchLimit { crystals: 2, triplets: None }, weight);
    assert_eq!(largest, LargestBatch { crystals: 2, size: Size { atoms: 2, edges: 16, pairs: 16 } });
    let all = largest_batch(&sizes, BatchLimit { crystals: 64, triplets: None }, weight);
    assert_eq!((all.crystals, all.size.edges), (4, 20));
    assert_eq!(largest_batch(&[], BatchLimit::default(), weight), LargestBatch::default());
}
