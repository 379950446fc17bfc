//! `trainer map`: the page, and what it does not replace.

use std::fs;

use crate::support::*;

#[test]
fn the_map_has_every_crystal() {
    let run = trained(&["--epochs", "2"]);
    let (weights, store) = (run.path().join(BEST), store());
    let draw = |name: &str, more: &[&str]| {
        let out = run.path().join(name);
        let arguments = ["map", "--weights", text(&weights), "--shards", text(&store), "--out", text(&out)];
        let said = succeed(&[&arguments[..], more].concat());
        (said, fs::read_to_string(out).expect("a page"))
    };
    let (said, page) = draw("a.html", &["--colour", "band_gap_ev", "--threads", "1"]);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].ends_with(" with band_gap_ev"), "{said}");
    assert!(lines[1].starts_with("26 crystals, ") && lines[1].contains("% of the variance: "), "{said}");
    assert_eq!(page.matches("<circle").count() as u64, CRYSTALS);
    assert!(
        page.contains("<title>NaCl-rocksalt, NaCl: ") && page.contains("coloured by band_gap_ev, eV"),
        "{page}"
    );
    assert!(!page.contains("http:") && !page.contains("https:"), "nothing is loaded");
    let (_, again) = draw("b.html", &["--colour", "band_gap_ev", "--threads", "3"]);
    assert!(page == again, "on any number of threads");
    let (said, plain) = draw("a.html", &["--overwrite"]);
    assert_eq!(said.lines().count(), 1);
    assert!(plain.contains("points plain"));

    let out = run.path().join("mine.html");
    fs::write(&out, "<!DOCTYPE html>mine").expect("writable");
    let arguments = ["map", "--weights", text(&weights), "--shards", text(&store), "--out", text(&out)];
    let line = refused(&arguments);
    assert!(line.contains("mine.html already exists; --overwrite replaces it"), "{line}");
    let line = refused(&[&arguments[..], &["--overwrite"]].concat());
    assert!(line.contains("mine.html: no map, and not replaced"), "{line}");
    assert_eq!(fs::read_to_string(&out).expect("text"), "<!DOCTYPE html>mine");
    let fresh = run.path().join("fresh.html");
    let line = refused(&[
        "map",
        "--weights",
        text(&weights),
        "--shards",
        text(&store),
        "--out",
        text(&fresh),
        "--colour",
        "colour",
    ]);
    assert!(
        line.contains("no shard has a property column 'colour'") && line.contains("band_gap_ev"),
        "{line}"
    );
    assert!(!fresh.exists());
}
