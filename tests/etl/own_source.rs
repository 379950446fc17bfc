//! A source that the library does not know: the example of one, as a program of its own would have it.

use std::fs;

use crate::support::*;

#[allow(dead_code, reason = "the example's command line")]
#[path = "../../etl/examples/own_source.rs"]
mod example;

#[test]
fn a_source_of_ones_own_fills_a_store() {
    let folder = folder();
    let (crystals, store) = (folder.path().join("cubic.txt"), folder.path().join("store"));
    fs::write(&crystals, "polonium 84 3.35\nnothing\nagain 84 3.36\n").expect("a folder");
    let summary = example::build(crystals.clone(), store.clone()).expect("a store");
    assert_eq!((summary.manifest.counts.kept, summary.manifest.counts.rejected), (2, 1));
    assert_eq!(summary.manifest.source, "cubic");
    assert_eq!(summary.manifest.inputs[0].bytes, 39);
    assert!(etl(["validate".as_ref(), store.as_os_str()]).status.success());
    assert!(example::build(crystals, store).expect("the same").untouched);
}
