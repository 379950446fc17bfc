//! `etl build --part` and `etl merge`: parts that together are what one build makes.

use std::fs;
use std::path::Path;

use schemas::layout::StorePaths;
use schemas::manifest::{Counts, Manifest};
use schemas::seal;

use crate::support::*;

/// Small sizes, so that a part makes several shards.
const SIZES: [&str; 5] = ["--shard-rows", "40", "--row-group-rows", "11", "--allow-rejects"];

/// The sample, a file of two structures, and what a build leaves out: a broken CIF, a file with a name
/// that was there before, an unreadable name.
fn cifs() -> Folder {
    let raw = folder();
    for entry in fs::read_dir(sample()).expect("the sample") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, raw.path().join(path.file_name().expect("a file"))).expect("a copy");
    }
    for sub in ["x", "y"] {
        fs::create_dir(raw.path().join(sub)).expect("a folder");
    }
    let write = |name: &str, text: &str| fs::write(raw.path().join(name), text).expect("a file");
    for number in 0..12 {
        write(&format!("x/twin-{number}.cif"), &caesium_chloride(4.0 + f64::from(number)));
        write(&format!("y/twin-{number}.cif"), &caesium_chloride(5.0 + f64::from(number)));
        write(&format!("x/broken-{number}.cif"), "data_x\n_cell_length_a ?\n");
        let other = caesium_chloride(4.1).replace("data_CsCl", "data_other");
        write(&format!("x/pair-{number}.cif"), &format!("{}{other}", caesium_chloride(4.2)));
        // The name of a structure that the file of two has as well.
        write(&format!("y/pair-{number}#other.cif"), &caesium_chloride(4.3));
    }
    raw
}

/// JARVIS entries: good ones, duplicates, and some without an identifier.
fn entries() -> Folder {
    let raw = folder();
    let entry = |id: &str, edge: f64| {
        format!(
            r#"{{{id} "optb88vdw_bandgap": {edge}, "atoms": {{"lattice_mat": [[{edge},0,0],[0,{edge},0],[0,0,{edge}]],
            "coords": [[0,0,0],[0.5,0.5,0.5]], "elements": ["Cs","Cl"], "cartesian": false}}}}"#
        )
    };
    let entries: Vec<String> = (0..60)
        .map(|number| match number % 10 {
            9 => entry("", 4.0),
            _ => entry(&format!(r#""jid": "JVASP-{}","#, number % 41), 4.0 + f64::from(number) / 50.0),
        })
        .collect();
    fs::write(raw.path().join("jdft_3d.json"), format!("[{}]", entries.join(","))).expect("a file");
    raw
}

/// Builds the whole and `count` parts of it.
fn parts(kind: &str, input: &Path, count: u32, more: &[&str]) -> (Folder, Vec<Folder>) {
    let whole = folder();
    build(kind, input, whole.path(), &[&SIZES[..], more].concat(), 0);
    let part = |index: u32| {
        let out = folder();
        let part = format!("{index}/{count}");
        build(kind, input, out.path(), &[&SIZES[..], more, &["--part", &part]].concat(), 0);
        assert_eq!(manifest(out.path()).part, part.parse().ok());
        out
    };
    (whole, (1..=count).map(part).collect())
}

/// Merges into a new folder.
fn merged(parts: &[Folder]) -> Folder {
    let out = folder();
    let output = merge(parts.iter().map(Folder::path), out.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    out
}

fn merge<'a>(parts: impl Iterator<Item = &'a Path>, out: &'a Path, more: &[&'a str]) -> std::process::Output {
    let arguments: Vec<&str> = ["merge"].into_iter().chain(parts.map(text)).collect();
    etl([&arguments[..], &["--out", text(out)], more].concat())
}

/// Every reject as a line, in order of the lines.
fn reject_lines(store: &Path) -> Vec<String> {
    let batches = batches(&StorePaths::new(store).rejects());
    let mut lines: Vec<String> = batches
        .iter()
        .flat_map(|batch| {
            let columns: Vec<_> = batch.columns().to_vec();
            let cell = move |row: usize| {
                let cells = columns.iter().map(|column| {
                    arrow::util::display::array_value_to_string(column, row).expect("a scalar")
                });
                cells.collect::<Vec<_>>().join("|")
            };
            (0..batch.num_rows()).map(cell).collect::<Vec<_>>()
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn merged_parts_have_the_rows_and_rejects_of_one_build() {
    let (cifs, entries) = (cifs(), entries());
    let json = entries.path().join("jdft_3d.json");
    for (kind, input, counts) in [("cif", cifs.path(), &[1, 3][..]), ("jarvis", &json, &[2, 5])] {
        for count in counts {
            let (whole, parts) = parts(kind, input, *count, &[]);
            let merged = merged(&parts);
            assert_eq!(sorted_rows(merged.path()), sorted_rows(whole.path()), "{kind} in {count}");
            let rejects = reject_lines(whole.path());
            assert!(rejects.len() >= 20 && rejects.iter().any(|line| line.contains("duplicate_id")));
            assert_eq!(reject_lines(merged.path()), rejects, "{kind} in {count}");
            let (mut one, mut all) = (manifest(merged.path()), manifest(whole.path()));
            // The first entries of a note are those of the first part.
            for noted in [&mut one.counts.noted, &mut all.counts.noted] {
                noted.values_mut().for_each(|entries| entries.first.clear());
            }
            assert_eq!((one.counts, one.inputs), (all.counts, all.inputs));
            assert_eq!((one.part, one.options.get("parts")), (None, Some(&count.to_string())));
            let valid = etl(["validate", "--all", text(merged.path())]);
            assert!(valid.status.success(), "{}", said(&valid));
        }
    }
}

#[test]
fn filters_labels_and_orders_hold_in_parts() {
    let more = ["--filter", "nsites <= 4", "--order", "shuffle:3"];
    let (whole, parts) = parts("cif", &sample(), 4, &more);
    let merged = merged(&parts);
    assert_eq!(sorted_rows(merged.path()), sorted_rows(whole.path()));
    assert_eq!(reject_lines(merged.path()), reject_lines(whole.path()));
    assert!(manifest(merged.path()).counts.filtered > 0);
}

#[test]
fn labels_of_other_parts_are_not_missed() {
    let raw = folder();
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    let labels = raw.path().join("gaps.csv");
    let rows: String = (0..50).map(|number| format!("mp-{number},1.5\n")).collect();
    fs::write(&labels, format!("material_id,band_gap\nCsCl,8.3\n{rows}")).expect("a file");
    let unmatched = |more: &[&str]| {
        let out = folder();
        let more = [more, &["--labels", text(&labels), "--json"]].concat();
        let output = build("cif", raw.path(), out.path(), &more, 0);
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        summary["unmatched_labels"].as_u64().expect("a number")
    };
    assert_eq!(unmatched(&[]), 50);
    assert_eq!(["1/3", "2/3", "3/3"].map(|part| unmatched(&["--part", part])).iter().sum::<u64>(), 50);
}

#[test]
fn shards_are_taken_over_byte_for_byte() {
    let (_, parts) = parts("cif", &sample(), 3, &[]);
    let merged = merged(&parts);
    let store = manifest(merged.path());
    let names: Vec<&str> = store.shards.iter().map(|shard| shard.file.as_str()).collect();
    let expected: Vec<String> = (0..names.len()).map(|number| format!("cif-{number:05}.parquet")).collect();
    assert_eq!(names, expected);
    let originals = parts.iter().flat_map(|part| {
        let shards = manifest(part.path()).shards;
        shards.into_iter().map(|shard| fs::read(part.path().join(shard.file)).expect("a shard"))
    });
    for (bytes, name) in originals.zip(&names) {
        let shard = merged.path().join(name);
        assert!(bytes == fs::read(&shard).expect("a shard"), "{name}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            assert_eq!(fs::metadata(&shard).expect("a shard").nlink(), 2, "{name} is a link");
        }
    }
    // The order in which the parts are given is no matter, and a second merge changes nothing.
    let other = folder();
    merge(parts.iter().rev().map(Folder::path), other.path(), &["--quiet"]);
    assert_same(merged.path(), other.path(), "parts in another order");
    let before = tree(merged.path());
    let again = merge(parts.iter().map(Folder::path), merged.path(), &[]);
    assert!(said(&again).contains("merged before from 3 parts"), "{}", said(&again));
    assert_eq!(before, tree(merged.path()));
}

/// A refused merge and why; nothing may be in the output's folder.
fn refused(parts: &[&Folder]) -> String {
    let out = folder();
    let output = merge(parts.iter().map(|part| part.path()), out.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(tree(out.path()).len(), 0, "nothing was written");
    complaint(&output)
}

#[test]
fn overlaps_and_gaps_are_refused() {
    let (whole, parts) = parts("cif", &sample(), 4, &[]);
    let [one, two, three, four] = &parts[..] else { panic!("four parts") };
    assert!(refused(&[one, two, four]).contains("part 3 of 4 is missing"));
    assert!(refused(&[three]).contains("parts 1, 2, 4 of 4 are missing"));
    let line = refused(&[one, two, three, four, two]);
    assert!(line.contains("part 2/4 is given twice: "), "{line}");
    assert!(refused(&[one, &whole]).contains("a whole store, not a part"));

    let part = one.path();
    let output = merge(parts.iter().map(Folder::path), part, &["--force"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("is also an input"), "{}", said(&output));
    let output = merge(parts.iter().map(Folder::path), &part.join("merged"), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("lies in the store"), "{}", said(&output));
    assert!(etl(["validate", text(part)]).status.success(), "the part is as it was");
}

#[test]
fn parts_of_different_builds_are_refused() {
    let raw = folder();
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    let part = |part: &str, more: &[&str]| {
        let out = folder();
        build("cif", raw.path(), out.path(), &[&["--part", part], more].concat(), 0);
        out
    };
    let first = part("1/2", &[]);
    for (more, message) in [
        (&["--ties", "cut"][..], "differ in mmpt.ties: shell in "),
        (&["--cutoff", "6"], "differ in mmpt.cutoff_angstrom: 8 in "),
        (&["--name", "other"], "differ in source: cif in "),
        (&["--max-sites", "9"], "differ in max_sites: '10000' in "),
        (&["--min-contact", "0"], "differ in min_contact: '0.4' in "),
        (&["--reject-isolated"], "differ in reject_isolated: 'false' in "),
        (&["--filter", "nsites < 9"], "differ in filters: '' in "),
    ] {
        let line = refused(&[&first, &part("2/2", more)]);
        assert!(line.contains(message), "{line}");
    }
    assert!(refused(&[&first, &part("2/3", &[])]).contains("number of parts: 2 in "));
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.13)).expect("a file");
    let line = refused(&[&first, &part("2/2", &[])]);
    assert!(line.contains("differ in input 1: ") && line.contains("SHA-256"), "{line}");
}

#[test]
fn unfinished_and_damaged_parts_are_refused() {
    let (_, parts) = parts("cif", &sample(), 2, &[]);
    let [first, second] = &parts[..] else { panic!("two parts") };
    let shard = second.path().join(&manifest(second.path()).shards[0].file);
    let bytes = fs::read(&shard).expect("a shard");
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    for (damage, message) in [
        (Some(&flipped[..]), "damaged, SHA-256"),
        (Some(&bytes[1..]), " bytes instead of "),
        (None, "No such file"),
    ] {
        fs::remove_file(&shard).expect("the shard");
        if let Some(damage) = damage {
            fs::write(&shard, damage).expect("the shard");
        }
        let line = refused(&[first, second]);
        assert!(line.contains(message) && line.contains(text(&shard)), "{line}");
        fs::write(&shard, &bytes).expect("the shard");
    }
    let rejects = StorePaths::new(second.path()).rejects();
    let table = fs::read(&rejects).expect("the rejects");
    fs::write(&rejects, &table[1..]).expect("the rejects");
    assert!(refused(&[first, second]).contains("rejects.parquet: damaged"));
    fs::write(&rejects, &table).expect("the rejects");

    fs::remove_file(StorePaths::new(second.path()).manifest()).expect("the manifest");
    let line = refused(&[first, second]);
    assert!(
        line.contains("not a finished store: ") && line.contains("data.store/manifest.json is missing"),
        "{line}"
    );
}

#[test]
fn a_finished_store_is_not_replaced_unasked() {
    let (whole, parts) = parts("cif", &sample(), 2, &[]);
    let folders = || parts.iter().map(Folder::path);
    let before = tree(whole.path());
    let output = merge(folders(), whole.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("a finished store is here with parts = not set; --force"));
    assert_eq!(before, tree(whole.path()));

    let output = merge(folders(), whole.path(), &["--force", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let printed = seal::open(&String::from_utf8_lossy(&output.stdout)).expect("a sealed manifest");
    let printed: Manifest = serde_json::from_str(&printed).expect("a manifest");
    assert_eq!(printed, manifest(whole.path()));
    assert_same(whole.path(), merged(&parts).path(), "replaced");
}

/// What a merge leaves that was killed between two shards: the next one starts anew.
#[test]
fn an_interrupted_merge_is_started_anew() {
    let (_, parts) = parts("cif", &sample(), 2, &[]);
    let out = folder();
    fs::create_dir(out.path().join(".build")).expect("a folder");
    let shard = parts[1].path().join("cif-00000.parquet");
    for name in ["cif-00000.parquet", "cif-00099.parquet"] {
        fs::copy(&shard, out.path().join(name)).expect("a copy");
    }
    fs::write(out.path().join(".build/shard-1.tmp"), "half a shard").expect("a file");
    // Without a journal nobody knows whose they are.
    let before = tree(out.path());
    let output = merge(parts.iter().map(Folder::path), out.path(), &[]);
    let line = complaint(&output);
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert!(line.contains("cif-00000.parquet, cif-00099.parquet are not of this store"), "{line}");
    assert_eq!(tree(out.path()), before);

    let Manifest { format_version, software_version, settings, options, .. } = manifest(parts[0].path());
    let journal = serde_json::json!({
        "run": {
            "format_version": format_version,
            "software_version": software_version,
            "source": "cif",
            "settings": settings,
            "options": options,
        },
        "inputs": [],
        "blocks": 0,
        "counts": Counts::default(),
        "rejects_bytes": 0,
        "rejects_sha256": "",
        "input_ended": false,
        "runs": [],
        "merged_blocks": 0,
        "shards": [],
    });
    fs::write(out.path().join(".build/journal.json"), journal.to_string()).expect("a file");
    let output = merge(parts.iter().map(Folder::path), out.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_same(out.path(), merged(&parts).path(), "after an interruption");
}

/// A manifest that says what its part is not: nothing is written, least of all outside the store.
#[test]
fn parts_that_lie_are_refused() {
    let (_, parts) = parts("cif", &sample(), 2, &[]);
    let [first, second] = &parts[..] else { panic!("two parts") };
    let path = StorePaths::new(second.path()).manifest();
    let whole = fs::read_to_string(&path).expect("a manifest");
    let kept = manifest(second.path()).counts.kept;
    let rows = manifest(second.path()).shards[0].rows;
    let opened = seal::open(&whole).expect("sealed");
    let victim = first.path().parent().expect("a folder").join("evil-00000.parquet");
    let evil = |key: &str| format!("\"{key}\": \"../evil\"");
    for (from, to, message) in [
        ("\"source\": \"cif\"".to_owned(), evil("source"), "line 4, column"),
        (
            "\"source\": \"cif\"".to_owned(),
            format!("\"source\": {:?}", text(&victim)),
            "is no plain file name",
        ),
        ("\"file\": \"cif-00000.parquet\"".to_owned(), "\"file\": \"/dev/zero\"".to_owned(), "/dev/zero"),
        ("\"file\": \"cif-00000.parquet\"".to_owned(), evil("file"), "../evil"),
        (format!("\"rows\": {rows}"), format!("\"rows\": {}", u64::MAX), "add up to more than"),
        (format!("\"kept\": {kept}"), format!("\"kept\": {}", kept + 1), "read = kept + filtered + rejected"),
        (format!("\"rows\": {rows}"), format!("\"rows\": {}", rows + 1), "kept = rows of the shards"),
    ] {
        let lying = opened.replacen(&from, &to, 1);
        assert_ne!(lying, opened, "{from}");
        fs::write(&path, seal::seal(lying)).expect("a manifest");
        let out = folder();
        let output = merge(parts.iter().map(Folder::path), &out.path().join("store"), &[]);
        let line = complaint(&output);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(line.contains("manifest.json: ") && line.contains(message), "{line}");
        assert!(tree(out.path()).is_empty() && !victim.exists());
        let validated = etl(["validate", text(second.path())]);
        assert_eq!(validated.status.code(), Some(1), "{}", said(&validated));
    }
    // Rows that the sums bear out, but not the file.
    let counts = manifest_of_one_more(&opened, kept, rows);
    fs::write(&path, seal::seal(counts)).expect("a manifest");
    let line = refused(&[first, second]);
    assert!(
        line.contains(&format!("cif-00000.parquet: damaged, {rows} rows instead of {}", rows + 1)),
        "{line}"
    );
    let name = etl(["build", "cif", "--input", text(&sample()), "--out", "x", "--name", "../../evil"]);
    assert_eq!(name.status.code(), Some(2));
    assert!(said(&name).contains("is no plain file name"), "{}", said(&name));
}

/// A manifest whose first shard has one row more, with the sums that go with it.
fn manifest_of_one_more(text: &str, kept: u64, rows: u64) -> String {
    let mut manifest: Manifest = serde_json::from_str(text).expect("a manifest");
    manifest.counts.kept = kept + 1;
    manifest.counts.read += 1;
    manifest.shards[0].rows = rows + 1;
    seal::open(&manifest.to_json()).expect("sealed")
}

#[test]
fn a_part_is_finished_and_resumed_as_what_it_is() {
    let raw = folder();
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    let out = folder();
    build("cif", raw.path(), out.path(), &["--part", "1/2"], 0);
    let refused = build("cif", raw.path(), out.path(), &["--part", "2/2"], 2);
    assert!(complaint(&refused).contains("a finished store is here with part = 1/2"), "{}", said(&refused));
    let refused = build("cif", raw.path(), out.path(), &[], 2);
    assert!(complaint(&refused).contains("part = 1/2"), "{}", said(&refused));
    let refused = etl(["build", "cif", "--input", "x", "--out", "y", "--part", "3/2"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("'3/2' is no part: 3/8 is the third of eight"), "{}", said(&refused));
}

#[test]
fn real_entries_are_divided_and_joined() {
    let Some(input) = shared("mirror/matbench/matbench_jdft2d.json.gz") else { return };
    let (whole, parts) = parts("matbench", &input, 3, &[]);
    let counts: Vec<Counts> = parts.iter().map(|part| manifest(part.path()).counts).collect();
    assert!(counts.iter().all(|counts| counts.kept > 0), "{counts:?}");
    assert_eq!(sorted_rows(merged(&parts).path()), sorted_rows(whole.path()));
}
