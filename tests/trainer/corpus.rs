//! The fuzz target of the weights without a fuzzer.

#[path = "../common/corpus.rs"]
mod mutations;
// The file is also a module of the fuzz targets' crate, where its items are public.
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/weights.rs"]
mod weights;

use weights::ENTRIES;

use crate::support::root;

#[test]
fn no_seed_and_no_mutation_breaks_the_reader_of_weights() {
    mutations::try_seeds(&root().join("fuzz"), &ENTRIES);
}

#[test]
fn every_entry_point_is_a_fuzz_target_with_a_dictionary() {
    mutations::check_targets(&root().join("fuzz"), "weights", &ENTRIES);
}
