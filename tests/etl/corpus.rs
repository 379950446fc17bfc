//! The readers' fuzz targets without a fuzzer.

// The file is also a module of the fuzz targets' crate, where its items are public.
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/columnar.rs"]
mod columnar;
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/entry.rs"]
mod entry;
#[path = "../common/corpus.rs"]
mod mutations;

use entry::ENTRIES;

use crate::support::root;

#[test]
fn no_seed_and_no_mutation_breaks_a_reader() {
    mutations::try_seeds(&root().join("fuzz"), &ENTRIES);
}

#[test]
fn every_entry_point_is_a_fuzz_target_with_a_dictionary() {
    mutations::check_targets(&root().join("fuzz"), "entry", &ENTRIES);
    mutations::check_targets(&root().join("fuzz"), "columnar", &columnar::ENTRIES);
}

#[test]
fn no_seed_and_no_mutation_breaks_a_reader_of_columns() {
    mutations::try_seeds(&root().join("fuzz"), &columnar::ENTRIES);
}
