//! Hostile input: bounded memory and time, a reject for the entry, and the next entry is read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use schemas::layout::StorePaths;
use serde_json::Value;

use crate::bounds::refused;
use crate::crafted::{self, Giant};
use crate::files::{caesium_chloride, folder, text, tree};
use crate::program::{MEMORY_BOUND, etl, run, start_within, trainer};
use crate::table::{MEBIBYTE, Row};
use crate::trainer::{member_of, store, tuned_on_gaps};
use crate::{Case, Form};

/// Memory that a program may take for weights that promise more than they hold, in bytes.
const WEIGHTS_BOUND: u64 = MEMORY_BOUND / 2;
/// Sites of a crystal that is far too large.
const SITES: usize = 1_000_000;
/// Depth of a JSON value that no program writes.
const DEPTH: usize = 100_000;

/// The rows of this file.
pub(crate) fn cases(form: Form) -> Vec<Case> {
    let line = form.pick(64 * MEBIBYTE, 1 << 30);
    let zeros = form.pick(110 * MEBIBYTE, 4 << 30);
    let mut cases = vec![
        Case::new(format!("CIF of one line of {} MiB", line / MEBIBYTE), move |row| one_line(row, line)),
        Case::new("CIF of one line of 63 MiB, below the limit", |row| one_line(row, 63 * MEBIBYTE)),
        Case::new("CIF of 1,000,000 sites", |row| sites(row, false)),
        Case::new("CIF of 1,000,000 sites by symmetry", |row| sites(row, true)),
        Case::new(format!("zip bomb: {} MiB of zeros", zeros / MEBIBYTE), move |row| bomb(row, zeros)),
        Case::new("zip bomb: zip within a zip", nested),
        Case::new("zip bomb: members that share one body", move |row| overlapping(row, form.pick(8, 200))),
        Case::new("zip bomb: labels.csv", labels),
        Case::new("zip members ../../x.cif and /x.cif", traversal),
        Case::new("folder with links in circles and a pipe", links),
        Case::new("cells of NaN, infinity, 1e308 and no volume", cells),
        Case::new("weights of impossible headers: embed, predict", impossible_headers),
        Case::new("weights of a huge model: embed, predict", huge_models),
        Case::new("manifest of absurd counts: stats, validate, embed", absurd_manifest),
    ];
    for kind in ["jarvis", "oqmd", "matbench"] {
        cases.push(Case::new(format!("JSON nested {DEPTH} deep: {kind}"), move |row| deep(row, kind)));
    }
    cases
}

/// A folder on the disk, with room for whatever is hostile by its size.
fn large_folder() -> tempfile::TempDir {
    tempfile::tempdir_in(std::env::temp_dir()).expect("a temporary folder")
}

/// Builds a store of a hostile entry and a good one; the rejects by reason.
fn built(row: &mut Row, kind: &str, input: &Path, kept: u64) -> Option<Value> {
    let out = folder();
    let store = out.path().join("store");
    let arguments = ["build", kind, "--input", text(input), "--out", text(&store), "--threads", "2"];
    let ran = run(&etl(), arguments);
    row.ran(&ran);
    if ran.code() != Some(1) {
        row.fault(format!("{kind}: status {:?} instead of rejects: {}", ran.code(), ran.stderr));
        return None;
    }
    let manifest = fs::read(StorePaths::new(&store).manifest()).expect("a finished store");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let counts = &manifest["counts"];
    if counts["kept"] != kept {
        row.fault(format!("{kept} crystals are good, {} were kept", counts["kept"]));
    }
    let reasons = counts["rejected_by_reason"].as_object().cloned().unwrap_or_default();
    for (reason, count) in &reasons {
        for _ in 0..count.as_u64().unwrap_or_default() {
            row.outcome(reason);
        }
    }
    Some(Value::Object(reasons))
}

/// Builds from a hostile file between two good ones.
fn among_good_ones(row: &mut Row, hostile: impl FnOnce(&Path)) {
    let raw = large_folder();
    for name in ["a.cif", "z.cif"] {
        fs::write(raw.path().join(name), caesium_chloride(4.12)).expect("a file");
    }
    hostile(&raw.path().join("m.cif"));
    built(row, "cif", raw.path(), 2);
}

fn one_line(row: &mut Row, bytes: u64) {
    among_good_ones(row, |path| {
        Giant { head: "data_x _cell_length_a ", filling: b'7', bytes, tail: "\n" }.write(path);
    });
}

fn sites(row: &mut Row, by_symmetry: bool) {
    among_good_ones(row, |path| {
        let sites = if by_symmetry { SITES / crafted::CUBIC_OPERATIONS } else { SITES };
        fs::write(path, crafted::many_sites(sites, by_symmetry)).expect("a file");
    });
}

fn bomb(row: &mut Row, bytes: u64) {
    let raw = large_folder();
    let path = raw.path().join("bomb.zip");
    crafted::zip(&path, &[("bomb.cif", Some(bytes)), ("z.cif", None)]);
    built(row, "cif", &path, 1);
}

fn nested(row: &mut Row) {
    let raw = folder();
    let (inner, path) = (raw.path().join("inner.zip"), raw.path().join("outer.zip"));
    crafted::zip(&inner, &[("bomb.cif", Some(100 * MEBIBYTE))]);
    let inner = fs::read(inner).expect("a file");
    crafted::zip_of(&path, &[("inner.cif", &inner), ("z.cif", caesium_chloride(4.12).as_bytes())]);
    built(row, "cif", &path, 1);
}

fn overlapping(row: &mut Row, members: u16) {
    let raw = folder();
    let path = raw.path().join("overlap.zip");
    crafted::zip(&path, &[("m.cif", Some(60 * MEBIBYTE))]);
    crafted::share_body(&path, members);
    let out = folder();
    let store = out.path().join("store");
    let ran = run(&etl(), ["build", "cif", "--input", text(&path), "--out", text(&store)]);
    row.ran(&ran);
    row.outcome(if ran.code() == Some(1) { "every member a reject" } else { "refused" });
    if ran.code() != Some(1)
        && let Err(fault) = ran.refusal("overlap.zip")
    {
        row.fault(fault);
    }
}

fn labels(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("labels.zip");
    crafted::zip(&path, &[("a.cif", None), ("labels.csv", Some(600 * MEBIBYTE))]);
    let out = folder();
    let store = out.path().join("store");
    let ran = run(&etl(), ["build", "cif", "--input", text(&path), "--out", text(&store)]);
    refused(row, &ran, "labels.csv");
}

fn traversal(row: &mut Row) {
    let parent = folder();
    let path = parent.path().join("a/b/up.zip");
    fs::create_dir_all(parent.path().join("a/b")).expect("a writable folder");
    let (good, bad) = (caesium_chloride(4.12), "no structure at all");
    let members = [("../../x.cif", &*good), ("/y.cif", &good), ("../../../bad.cif", bad)];
    crafted::zip_of(&path, &members.map(|(name, body)| (name, body.as_bytes())));
    let before = tree(parent.path());
    built(row, "cif", &path, 2);
    if tree(parent.path()) != before || Path::new("/y.cif").exists() {
        row.fault("something was written outside of the store");
    }
}

fn links(row: &mut Row) {
    let raw = folder();
    let inside = raw.path().join("inside");
    fs::create_dir(&inside).expect("a writable folder");
    fs::write(inside.join("a.cif"), caesium_chloride(4.12)).expect("a file");
    fs::write(raw.path().join("z.cif"), caesium_chloride(4.12)).expect("a file");
    for (target, name) in [
        (raw.path(), "inside/up"),
        (&inside, "again"),
        (Path::new("self.cif"), "self.cif"),
        (&inside, "b.cif"),
    ] {
        symlink(target, raw.path().join(name)).expect("a link");
    }
    let pipe = std::process::Command::new("mkfifo").arg(raw.path().join("pipe.cif")).status();
    assert!(pipe.is_ok_and(|status| status.success()), "mkfifo");
    built(row, "cif", raw.path(), 2);
}

fn cells(row: &mut Row) {
    let raw = folder();
    let good = caesium_chloride(4.12);
    fs::write(raw.path().join("good.cif"), &good).expect("a file");
    let mut bad = 0;
    for edge in ["NaN", "nan", "inf", "-inf", "1e308", "1e999", "-4.12", "0", "1e-308", "?", "1e17"] {
        let cif = good.replace("_cell_length_b 4.12", &format!("_cell_length_b {edge}"));
        fs::write(raw.path().join(format!("edge-{bad}.cif")), cif).expect("a file");
        bad += 1;
    }
    for angles in [["60", "60", "120"], ["180", "90", "90"], ["0", "90", "90"], ["90", "1e308", "90"]] {
        let [alpha, beta, gamma] = angles;
        let cif = good
            .replace("alpha 90", &format!("alpha {alpha}"))
            .replace("beta 90", &format!("beta {beta}"))
            .replace("gamma 90", &format!("gamma {gamma}"));
        fs::write(raw.path().join(format!("angle-{bad}.cif")), cif).expect("a file");
        bad += 1;
    }
    for x in ["NaN", "inf", "1e308", "1e999"] {
        let cif = good.replace("Cl 0.5", &format!("Cl {x}"));
        fs::write(raw.path().join(format!("place-{bad}.cif")), cif).expect("a file");
        bad += 1;
    }
    built(row, "cif", raw.path(), 1);
    let entries = crafted::jarvis_cells();
    let file = raw.path().join("jdft_3d.json");
    fs::write(&file, entries).expect("a file");
    built(row, "jarvis", &file, 1);
}

fn deep(row: &mut Row, kind: &str) {
    let raw = folder();
    let (open, close) = ("[".repeat(DEPTH), "]".repeat(DEPTH));
    let (objects, ends) = (r#"{"a":"#.repeat(DEPTH), "}".repeat(DEPTH));
    let path = raw.path().join(if kind == "matbench" { "matbench_jdft2d.json" } else { "entries.json" });
    let deep = [format!("{open}{close}"), format!("{objects}1{ends}")];
    fs::write(&path, crafted::entries(kind, &deep)).expect("a file");
    built(row, kind, &path, 1);
}

/// Tries to embed and to predict with some weights.
fn useless(row: &mut Row, weights: &Path, what: &str) {
    let (store, out) = (store(), folder());
    let (store, table) = (text(&store), out.path().join("t.csv"));
    let embedding = table.with_extension("parquet");
    let sample = crate::files::sample().join("CsCl-CsCl.cif");
    let commands = [
        vec!["embed", "--shards", store, "--weights", text(weights), "--out", text(&embedding)],
        vec!["predict", store, "--weights", text(weights), "--out", text(&table)],
        vec!["predict", text(&sample), "--weights", text(weights), "--out", text(&table)],
    ];
    for arguments in commands {
        let ran = start_within(WEIGHTS_BOUND, &trainer(), arguments).end();
        row.ran(&ran);
        row.outcome("told");
        if let Err(fault) = ran.refusal("w.safetensors") {
            row.fault(format!("{what}: {fault}"));
        }
    }
}

fn impossible_headers(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("w.safetensors");
    for (length, header) in crafted::impossible_headers() {
        crafted::safetensors(&path, length, &header);
        useless(row, &path, &format!("length {length}, {}", header.chars().take(80).collect::<String>()));
    }
}

fn huge_models(row: &mut Row) {
    let (raw, tuned) = (folder(), tuned_on_gaps("1"));
    let path = raw.path().join("w.safetensors");
    let whole = fs::read(member_of(&tuned, 1)).expect("weights");
    for (key, size) in crafted::SIZES.into_iter().flat_map(|key| [(key, 60_000), (key, 1_u64 << 40)]) {
        fs::write(&path, crafted::with_size(&whole, key, size)).expect("a file");
        useless(row, &path, &format!("{key} = {size}"));
    }
}

fn absurd_manifest(row: &mut Row) {
    let (raw, tuned) = (folder(), tuned_on_gaps("1"));
    let input = raw.path().join("in");
    fs::create_dir(&input).expect("a writable folder");
    fs::write(input.join("a.cif"), caesium_chloride(4.12)).expect("a file");
    let store = raw.path().join("store");
    let ran = run(&etl(), ["build", "cif", "--input", text(&input), "--out", text(&store)]);
    assert!(ran.code() == Some(0), "{}", ran.stderr);
    let path = StorePaths::new(&store).manifest();
    let whole = fs::read_to_string(&path).expect("a manifest");
    let (weights, table) = (member_of(&tuned, 1), raw.path().join("e.parquet"));
    for (from, to) in [("rows", u64::MAX), ("bytes", u64::MAX), ("kept", u64::MAX), ("neighbours", 1 << 40)] {
        fs::write(&path, crafted::with_number(&whole, from, to)).expect("a file");
        let validated = run(&etl(), ["validate", text(&store)]);
        row.ran(&validated);
        row.outcome("told");
        if validated.code() == Some(0) {
            row.fault(format!("etl validate finds nothing in {from} = {to}"));
        }
        for ran in [
            run(&etl(), ["stats", text(&store)]),
            run(&etl(), ["inspect", text(&store), "a"]),
            run(
                &trainer(),
                ["embed", "--weights", text(&weights), "--shards", text(&store), "--out", text(&table)],
            ),
        ] {
            row.ran(&ran);
            row.outcome(if ran.code() == Some(0) { "not asked" } else { "told" });
        }
    }
}
