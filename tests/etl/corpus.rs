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

use std::collections::BTreeSet;
use std::fs;

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

/// The packages of a lock file: name and version.
fn packages(lock: &str) -> BTreeSet<(String, String)> {
    let text = fs::read_to_string(root().join(lock)).expect("a lock file");
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.expect("every package has it").to_owned()
    };
    let packages = text.split("[[package]]").skip(1);
    packages.map(|package| (value(package, "name"), value(package, "version"))).collect()
}

#[test]
fn the_targets_have_the_dependencies_of_the_programs() {
    let programs = packages("Cargo.lock");
    for (name, version) in packages("fuzz/Cargo.lock") {
        let shared = programs.iter().any(|(theirs, _)| *theirs == name);
        let same = programs.contains(&(name.clone(), version.clone()));
        assert!(same || !shared, "fuzz/Cargo.lock: {name} {version} is not the one of Cargo.lock");
    }
}
