use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use schemas::settings::{FeatureSettings, Neighbours};

use super::*;
use crate::pipeline::{BuildProgress, BuildRequest, Position, build};
use crate::source::SourceKind;
use crate::test_store;
use crate::validate::{ValidateOptions, validate};

fn statistics() -> StoreStatistics {
    let folder = test_store::folder();
    test_store::write(folder.path(), &test_store::crystals(), 3);
    collect(folder.path()).expect("a good store")
}

#[test]
fn counts_are_those_of_the_crystals() {
    let statistics = statistics();
    assert_eq!((statistics.crystals, statistics.shards, statistics.sites), (5, 2, 40));
    // Rocksalt: 6 + 12; zincblende and diamond: 4 + 12.
    assert_eq!(statistics.edges, 2 * 8 * 18 + 3 * 8 * 16);
    assert_eq!(statistics.elements_per_crystal, [("1".to_owned(), 1), ("2".to_owned(), 4)]);
    assert_eq!(statistics.elements_by_frequency().len(), 9);
    assert_eq!(statistics.element_crystals[14], 1);
    let summary = statistics.sites_per_cell.summary.expect("five values");
    assert_eq!((summary.min, summary.median, summary.max), (8.0, 8.0, 8.0));
    let volume = statistics.volume_per_atom.summary.expect("five values");
    assert!((volume.max - 5.653_f64.powi(3) / 8.0).abs() < 1e-9, "{volume:?}");
}

#[test]
fn every_edge_has_a_length_and_two_classes() {
    let statistics = statistics();
    assert_eq!(statistics.edge_lengths.total(), statistics.edges);
    assert_eq!(statistics.directions.iter().sum::<u64>(), statistics.edges);
    assert_eq!(statistics.directions_centred.iter().sum::<u64>(), statistics.edges);
    // MgO: 8 · 6 edges of 2.106 Å.
    assert_eq!(statistics.edge_lengths.counts[21], 48);
    // Centred labels obey label(-Δ) = -label(Δ), and these edges all have a reverse.
    for class in 0..DIRECTIONS {
        assert_eq!(statistics.directions_centred[class], statistics.directions_centred[26 - class]);
    }
}

/// Progress that nobody watches.
struct Silent;

impl BuildProgress for Silent {
    fn position(&self, _: Position) {}
    fn entries(&self, _: u64, _: u64) {}
}

/// The sample with other neighbours than usual. Within 3 Å many of its atoms have none.
#[test]
fn stores_of_other_neighbours_are_valid_and_say_so() {
    let mut edges = Vec::new();
    for (neighbours, cutoff_angstrom, said) in [
        (Neighbours::Nearest(12), 8.0, "nearest 12 within 8 Å, ties shell"),
        (Neighbours::Nearest(32), 8.0, "nearest 32 within 8 Å, ties shell"),
        (Neighbours::All, 5.0, "all within 5 Å"),
        (Neighbours::All, 3.0, "all within 3 Å"),
    ] {
        let store = test_store::folder();
        let sample = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../data/sample"));
        let mut request = BuildRequest::new(SourceKind::Cif, vec![sample], store.path().to_owned());
        request.settings = FeatureSettings { neighbours, cutoff_angstrom, ..FeatureSettings::default() };
        let built = build(&request, &Silent, &AtomicBool::new(false)).expect("a store");
        assert_eq!((built.manifest.counts.rejected, built.manifest.settings), (0, request.settings));
        let has_isolated = built.manifest.counts.noted.contains_key("isolated_atom");
        assert_eq!(has_isolated, cutoff_angstrom == 3.0, "{said}");
        let every_row = ValidateOptions { sample: None, ..ValidateOptions::default() };
        let report = validate(store.path(), &every_row).expect("a store");
        assert!(report.is_valid(), "{said}: {:#?}", report.problems);
        let statistics = collect(store.path()).expect("a good store");
        let text = statistics.to_string();
        assert!(text.contains(&format!("\n  neighbours: {said}; written by")), "{text}");
        let mut page = Vec::new();
        statistics.write_html(&mut page).expect("memory");
        let page = String::from_utf8(page).expect("text");
        let (which, rest) = said.split_once(" within ").expect("a cutoff");
        let which = which[..1].to_uppercase() + &which[1..];
        assert!(page.contains(&format!("{which} neighbours within {rest}, Niggli cells. ")), "{said}");
        edges.push(statistics.edges);
    }
    let [twelve, thirty_two, within_five, within_three] = edges[..] else { panic!("four stores") };
    assert!(thirty_two > 2 * twelve && within_five > 2 * within_three && within_three > 0, "{edges:?}");
}

#[test]
fn every_crystal_has_a_space_group() {
    let Symmetry { crystals, systems, space_groups } = statistics().symmetry;
    assert_eq!((crystals, systems), (5, vec![("cubic".to_owned(), 5)]));
    // Zincblende, rocksalt and diamond.
    let expected = [("216 F-43m", 2), ("225 Fm-3m", 2), ("227 Fd-3m", 1)];
    assert_eq!(space_groups, expected.map(|(group, count)| (group.to_owned(), count)));
}

#[test]
fn labels_are_counted() {
    let statistics = statistics();
    let [property] = statistics.properties.as_slice() else { panic!("one property") };
    assert_eq!((property.column.as_str(), property.unit.as_str()), ("band_gap_ev", "eV"));
    assert_eq!((property.distribution.count, property.distribution.missing), (4, 1));
    assert_eq!(property.distribution.summary.map(|summary| (summary.min, summary.max)), Some((1.43, 8.5)));
    let counts = |counts: &[(&str, u64)]| -> Tally {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    let booleans = ("is_metal".to_owned(), counts(&[("false", 4), ("", 1)]));
    let classes = ("lattice_type".to_owned(), counts(&[("cubic", 3), ("other", 2)]));
    assert_eq!(statistics.classes, [booleans, classes]);
    let [(column, splits)] = statistics.splits.as_slice() else { panic!("one split") };
    assert_eq!(column, "split_official");
    let expected =
        [("test", 1), ("train", 2), ("val", 1), ("", 1)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(splits, &expected);
    assert_eq!(statistics.folds, [("0".to_owned(), 3), ("1".to_owned(), 2)]);
}

#[test]
fn text_names_everything() {
    let text = statistics().to_string();
    for part in [
        "5 crystals, 40 sites, 672 edges",
        "  rejected            1   14.3 %",
        "partial_occupancy",
        "\nSites per cell\n  n 5   min 8   median 8   mean 8   max 8\n",
        "\nband_gap_ev, eV\n  n 4   min 1.43   median 5.75   mean 5.357   max 8.5   missing 1\n",
        "  train  2  ████",
        "\nis_metal\n  false  4  ",
        "\nlattice_type\n  cubic  3  ",
        "\nCrystal systems of 5 crystals, within 0.01 Å\n  cubic  5  ████",
        "\nThe commonest of 3 space groups\n  ",
        "Crystals with an element (9 elements occur)",
        "     13  0 0 0 ",
    ] {
        assert!(text.contains(part), "no '{part}' in\n{text}");
    }
}

#[test]
fn the_page_needs_nothing_beside_itself() {
    let statistics = StoreStatistics { source: "<b>&".to_owned(), ..statistics() };
    let mut page = Vec::new();
    statistics.write_html(&mut page).expect("writing to memory");
    let page = String::from_utf8(page).expect("UTF-8");
    assert!(page.contains("&lt;b&gt;&amp;"), "names are escaped");
    for reference in ["http", "src=", "href=", "url(", "@import", "NaN", "inf"] {
        assert!(!page.contains(reference), "'{reference}' in the page");
    }
    for part in [
        "Si (14): 1 crystal,",
        "<b>Band gap</b>",
        "<code>band_gap_ev</code>",
        ">eV<",
        "<b>Split official</b>",
        "partial_occupancy",
        "class 13",
    ] {
        assert!(page.contains(part), "no '{part}' in the page");
    }
}

#[test]
fn pages_are_replaced_and_files_of_others_are_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("page.html");
    assert!(StoreStatistics::may_replace(&path), "nothing is there");
    let mut page = Vec::new();
    statistics().write_html(&mut page).expect("writing to memory");
    let foreign = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">".as_bytes();
    for (content, own) in [(page.as_slice(), true), (b"", true), (foreign, false), (b"years of work", false)]
    {
        std::fs::write(&path, content).expect("a file");
        assert_eq!(StoreStatistics::may_replace(&path), own, "{}", String::from_utf8_lossy(content));
    }
}

#[test]
fn an_empty_store_has_statistics() {
    let folder = test_store::folder();
    test_store::write(folder.path(), &[], 3);
    let statistics = collect(folder.path()).expect("a good store");
    assert_eq!(statistics.crystals, 0);
    assert!(statistics.to_string().contains("0 crystals"));
    statistics.write_html(&mut Vec::new()).expect("writing to memory");
}

#[test]
fn a_store_without_manifest_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = collect(folder.path()).expect_err("nothing is there");
    assert!(error.to_string().contains("manifest.json"), "{error}");
}
