//! Values out of every range and files that never end: told in one line, within 10 s and 300 MiB.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::Case;
use crate::bounds::{build, left_out, refused};
use crate::crafted;
use crate::files::{caesium_chloride, folder, text};
use crate::program::{Ran, etl, run_small, trainer};
use crate::table::{MEBIBYTE, Row};
use crate::trainer::{member_of, store, tuned_on_gaps};

/// Bytes of a sparse file.
const TEBIBYTE: u64 = 1 << 40;

/// The rows of this file.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("options out of range", options).before("hung or killed"),
        Case::new("sparse files of 1 TiB: inputs, labels, weights", sparse).before("hung"),
        Case::new("--shards '**' over links in circles", circles).before("hung"),
        Case::new("zip of 200 members that share one body", shared_body).before("12 GB unpacked"),
    ]
}

fn options(row: &mut Row) {
    let raw = folder();
    fs::write(raw.path().join("a.cif"), caesium_chloride(4.12)).expect("a file");
    let out = raw.path().join("store");
    for option in [
        "--cutoff=nan",
        "--cutoff=inf",
        "--cutoff=1e9",
        "--neighbours=1000000000",
        "--min-volume=nan",
        "--min-distance=inf",
        "--threads=100000",
    ] {
        let ran = build_with(raw.path(), &out, option);
        row.ran(&ran);
        row.outcome("told");
        let name = option.split('=').next().unwrap_or_default();
        if ran.code() != Some(2) || !ran.stderr.contains(name) {
            row.fault(format!("{option}: {:?} {}", ran.code(), ran.stderr));
        }
    }
    let store = store();
    for setting in [
        "model.mmpt.hidden=1000000000",
        "model.mmpt.interaction_blocks=1000000000",
        "data.workers=100000",
        "finetune.head_width=1000000000",
    ] {
        let arguments = ["pretrain", "--shards", text(&store), "--out", text(&out), "--set", setting];
        let key = setting.split('=').next().unwrap_or_default();
        refused(row, &run_small(&trainer(), arguments), key);
    }
    let threads = ["pretrain", "--shards", text(&store), "--out", text(&out), "--threads", "100000"];
    refused(row, &run_small(&trainer(), threads), "--threads");
    let (weights, table) = (raw.path().join("w.safetensors"), raw.path().join("t.csv"));
    let whole = fs::read(member_of(&tuned_on_gaps("1"), 1)).expect("weights");
    fs::write(&weights, crafted::with_metadata(&whole, "mmpt.neighbours", "1000000000")).expect("a file");
    let sample = raw.path().join("a.cif");
    let arguments = ["predict", text(&sample), "--weights", text(&weights), "--out", text(&table)];
    refused(row, &run_small(&trainer(), arguments), "neighbours = 1000000000");
}

/// Builds a store of CIFs with one more option, which may be one of those that [`build`] gives.
fn build_with(input: &Path, store: &Path, option: &str) -> Ran {
    run_small(&etl(), ["build", "cif", "--input", text(input), "--out", text(store), option])
}

/// A file of a tebibyte that takes nothing on the disk.
fn hollow(path: PathBuf) -> PathBuf {
    File::create(&path).and_then(|file| file.set_len(TEBIBYTE)).expect("a file system with sparse files");
    path
}

fn sparse(row: &mut Row) {
    let raw = folder();
    let (input, out) = (raw.path().join("in"), raw.path().join("store"));
    fs::create_dir(&input).expect("a folder");
    fs::write(input.join("a.cif"), caesium_chloride(4.12)).expect("a file");
    for (kind, name) in [("jarvis", "jdft_3d.json"), ("table", "t.csv"), ("cif", "a.zip")] {
        refused(row, &build(kind, &hollow(raw.path().join(name)), &out, &[]), "sparse file");
    }
    let labels = hollow(raw.path().join("labels.csv"));
    refused(row, &build("cif", &input, &out, &["--labels", text(&labels)]), "sparse file");
    hollow(input.join("b.cif"));
    hollow(input.join("notes.bin"));
    let ran = build("cif", &input, &out, &[]);
    left_out(row, &ran, "unreadable_file", &ran.stdout);
    let (weights, task) = (hollow(raw.path().join("w.safetensors")), hollow(raw.path().join("task.toml")));
    let (sample, table, store) = (input.join("a.cif"), raw.path().join("t.csv"), store());
    let arguments = ["predict", text(&sample), "--weights", text(&weights), "--out", text(&table)];
    refused(row, &run_small(&trainer(), arguments), "sparse file");
    let arguments =
        ["finetune", "--task", text(&task), "--from-scratch", "--shards", text(&store), "--out", text(&out)];
    refused(row, &run_small(&trainer(), arguments), "task.toml");
}

fn circles(row: &mut Row) {
    let raw = folder();
    let inside = raw.path().join("a/b");
    fs::create_dir_all(&inside).expect("a folder");
    for number in 0..8 {
        std::os::unix::fs::symlink(raw.path(), inside.join(format!("up-{number}"))).expect("a link");
    }
    let (pattern, out) = (format!("{}/**/*.parquet", raw.path().display()), raw.path().join("out"));
    let ran = run_small(&trainer(), ["pretrain", "--shards", &pattern, "--out", text(&out)]);
    refused(row, &ran, "matches no shard");
}

fn shared_body(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("shared.zip");
    crafted::zip(&path, &[("m.cif", Some(60 * MEBIBYTE))]);
    crafted::share_body(&path, 200);
    let ran = build("cif", &path, &raw.path().join("store"), &[]);
    left_out(row, &ran, "unreadable_file", &ran.stdout);
}
