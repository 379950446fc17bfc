//! Stores that hold other neighbours than the twelve nearest: more of them, or all within a radius.

use std::fs;

use schemas::layout::StorePaths;

use crate::support::*;

/// The options, what `etl stats` says of them, and the number of neighbours in the manifest.
const GRAPHS: [([&str; 4], &str, &str); 3] = [
    (["--neighbours", "32", "--cutoff", "8"], "nearest 32 within 8 Å, ties shell", "32"),
    (["--neighbours", "all", "--cutoff", "5"], "all within 5 Å", "\"all\""),
    (["--neighbours", "all", "--cutoff", "2.5"], "all within 2.5 Å", "\"all\""),
];

#[test]
fn every_graph_is_built_alike_in_any_way_and_told() {
    for (options, told, number) in GRAPHS {
        let (whole, threads) = (folder(), folder());
        build("cif", &sample(), whole.path(), &[&options[..], &["--threads", "1"]].concat(), 0);
        build("cif", &sample(), threads.path(), &[&options[..], &["--threads", "3"]].concat(), 0);
        assert_same(whole.path(), threads.path(), told);
        let text_of_manifest =
            fs::read_to_string(StorePaths::new(whole.path()).manifest()).expect("a manifest");
        assert!(text_of_manifest.contains(&format!("\"neighbours\": {number},")), "{text_of_manifest}");
        let valid = etl(["validate", "--all", text(whole.path())]);
        assert!(valid.status.success(), "{}", said(&valid));
        let stats = etl(["stats", text(whole.path())]);
        assert!(said(&stats).contains(&format!("neighbours: {told};")), "{}", said(&stats));
        assert!(!said(&stats).contains("NaN"), "{}", said(&stats));

        let parts = [folder(), folder()];
        for (part, name) in parts.iter().zip(["1/2", "2/2"]) {
            build("cif", &sample(), part.path(), &[&options[..], &["--part", name]].concat(), 0);
        }
        let joined = folder();
        let folders = parts.iter().map(|part| text(part.path()));
        let arguments = ["merge"].into_iter().chain(folders).chain(["--out", text(joined.path())]);
        let merged = etl(arguments);
        assert!(merged.status.success(), "{}", said(&merged));
        let columns = |batch: &arrow::record_batch::RecordBatch| batch.columns().to_vec();
        assert!(columns(&sorted_rows(joined.path())) == columns(&sorted_rows(whole.path())), "{told}");
        // A store of another graph is not the one that was asked for.
        let refused = build("cif", &sample(), whole.path(), &[], 2);
        assert!(complaint(&refused).contains(" is needed"), "{}", said(&refused));
    }
}

#[test]
fn a_rule_for_ties_that_cannot_be_is_refused() {
    let out = folder();
    let options = ["--neighbours", "all", "--ties", "cut"];
    let refused = build("cif", &sample(), &out.path().join("store"), &options, 2);
    let line = complaint(&refused);
    assert!(line.contains("ties = cut must be shell where all neighbours are kept"), "{line}");
}
