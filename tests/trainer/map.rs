//! `trainer map`: the page, and what it does not replace.

use std::fs;
use std::path::PathBuf;

use crate::support::files::cubic_cif;
use crate::support::*;

/// Crystals of [`store_of_kinds`] with their edges in Å and their classes.
const KINDS: [(&str, f64, &str); 5] =
    [("a", 4.1, "salt"), ("b", 4.3, "salt"), ("c", 4.6, "<b>"), ("d", 4.7, "<b>"), ("e", 4.8, "")];

/// A store with a column of classes and one of lists.
fn store_of_kinds() -> (Folder, PathBuf) {
    let folder = folder();
    let [cifs, labels, store] = ["cifs", "kinds.csv", "store"].map(|name| folder.path().join(name));
    fs::create_dir(&cifs).expect("a writable folder");
    let mut table = "material_id,kind,site_charge\n".to_owned();
    for (name, edge, kind) in KINDS {
        let cif = cubic_cif(name, edge, &[("Cs", [0.0; 3]), ("Cl", [0.5; 3])]);
        fs::write(cifs.join(name).with_extension("cif"), cif).expect("a writable folder");
        table += &format!("{name},{kind},\"[1.0, -1.0]\"\n");
    }
    fs::write(&labels, table).expect("a writable folder");
    let build = ["build", "cif", "--quiet", "--input", text(&cifs), "--labels", text(&labels)];
    etl([&build[..], &["--out", text(&store)]].concat());
    (folder, store)
}

#[test]
fn texts_are_coloured_as_classes_and_lists_are_refused() {
    let run = trained(&["--epochs", "1"]);
    let (folder, store) = store_of_kinds();
    let (weights, out) = (run.path().join(BEST), folder.path().join("kinds.html"));
    let arguments = ["map", "--weights", text(&weights), "--shards", text(&store), "--out", text(&out)];
    let said = succeed(&[&arguments[..], &["--colour", "kind"]].concat());
    assert!(said.starts_with("4 crystals with kind\n5 crystals, "), "{said}");
    let page = fs::read_to_string(&out).expect("a page");
    for part in [
        "<i class=\"k0\"></i>&lt;b&gt; (2)",
        "<i class=\"k1\"></i>salt (2)",
        "1 without a value",
        "<title>a, CsCl: salt</title>",
        "<title>e, CsCl</title>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("percentile"), "no scale: {page}");
    let line = refused(&[&arguments[..], &["--overwrite", "--colour", "site_charge"]].concat());
    assert!(line.contains("column 'site_charge' is List"), "{line}");
    assert!(line.contains("instead of a number or a text for every crystal"), "{line}");
    assert_eq!(fs::read_to_string(&out).expect("a page"), page, "it is not replaced");
}

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
