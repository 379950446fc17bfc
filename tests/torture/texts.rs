//! Text of others that moves a cursor, turns writing round, is a formula or an option.

use std::fs;

use schemas::text::{MESSAGE_BYTES, cell, is_hidden};

use crate::Case;
use crate::files::{caesium_chloride, folder, text};
use crate::program::{Ran, etl, run, trainer};
use crate::table::Row;
use crate::trainer::{member_of, tuned_on_gaps};

/// Stem of a file that turns the direction of writing round.
const TURNED: &str = "a\u{202e}fic";

/// The rows of this file.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("hidden characters: build, stats, inspect, validate", hidden),
        Case::new("hidden characters and formulas: predict", formulas),
        Case::new("hidden characters in arguments: etl, trainer", arguments),
        Case::new("long texts in errors: etl, trainer", long),
        Case::new("options among a grid's values: compare", options),
    ]
}

/// Notes a run whose status must be one of these, and that shows nothing that is not seen.
fn shown(row: &mut Row, ran: &Ran, codes: &[i32]) {
    row.ran(ran);
    row.outcome("nothing hidden");
    if !ran.code().is_some_and(|code| codes.contains(&code)) {
        row.fault(format!("status {:?}: {}", ran.code(), ran.stderr));
    }
    for said in [&ran.stdout, &ran.stderr] {
        if let Some(line) = said.lines().find(|line| line.contains(|c| is_hidden(c) && c != '\t')) {
            row.fault(format!("something is hidden in {line:?}"));
        }
    }
}

fn hidden(row: &mut Row) {
    let work = folder();
    let raw = work.path().join("raw");
    fs::create_dir(&raw).expect("a writable folder");
    let good = caesium_chloride(4.12);
    for name in [format!("{TURNED}.cif"), "plain.cif".to_owned()] {
        fs::write(raw.join(name), &good).expect("a file");
    }
    for name in ["b\u{1b}[2J.cif", "c\nd.cif", "e\u{200b}.\u{2066}txt"] {
        fs::write(raw.join(name), "no \u{1b}[31mCIF\u{202e}").expect("a file");
    }
    let labels = format!("material_id,gap (eV)\n{TURNED},1.5\nzz\u{2066}\u{feff},2.5\n");
    fs::write(raw.join("labels.csv"), labels).expect("a file");
    let (store, page) = (work.path().join("store"), work.path().join("page.html"));
    let built = ["build", "cif", "--input", text(&raw), "--out", text(&store), "--verbose"];
    shown(row, &run(&etl(), built), &[1]);
    shown(
        row,
        &run(&etl(), ["build", "cif", "--input", text(&raw), "--out", text(&store), "--json"]),
        &[0, 1],
    );
    shown(row, &run(&etl(), ["stats", text(&store), "--html", text(&page)]), &[0]);
    shown(row, &run(&etl(), ["validate", text(&store)]), &[0]);
    shown(row, &run(&etl(), ["inspect", text(&store), TURNED]), &[0]);
    shown(row, &run(&etl(), ["inspect", text(&store), TURNED, "--json"]), &[0]);
    shown(row, &run(&etl(), ["inspect", text(&store), "a\u{202e}fid"]), &[2]);
    let page = fs::read_to_string(page).expect("a page");
    if page.contains(|c| is_hidden(c) && c != '\n' && c != '\t') {
        row.fault("something is hidden in the page");
    }
}

fn formulas(row: &mut Row) {
    let (work, tuned) = (folder(), tuned_on_gaps("1"));
    let raw = work.path().join("raw");
    fs::create_dir(&raw).expect("a writable folder");
    for name in
        ["=1+1.cif", "-2+3.cif", "@SUM(1).cif", "\u{200b}=2+2.cif", " =3+3.cif", &format!("{TURNED}.cif")]
    {
        fs::write(raw.join(name), caesium_chloride(4.12)).expect("a file");
    }
    fs::write(raw.join("+bad\u{1b}.cif"), "no CIF").expect("a file");
    let (weights, table) = (member_of(&tuned, 1), work.path().join("t.csv"));
    let predicted = ["predict", text(&raw), "--weights", text(&weights), "--out", text(&table)];
    shown(row, &run(&trainer(), predicted), &[1]);
    for table in [table.clone(), table.with_extension("rejects.csv")] {
        let mut records = csv::Reader::from_path(&table).expect("a table");
        let mut rows = 0;
        for record in records.records() {
            let record = record.expect("a row");
            rows += 1;
            if let Some(formula) = record.iter().find(|field| cell(field) != *field) {
                row.fault(format!("{formula:?} is a formula"));
            }
        }
        if rows == 0 {
            row.fault(format!("{} has no rows", table.display()));
        }
    }
    let written = fs::read_to_string(&table).expect("a table");
    for id in ["=1+1", "\u{200b}=2+2", " =3+3"] {
        if !written.contains(&format!("\n'{id},")) {
            row.fault(format!("no apostrophe before {id:?}: {written}"));
        }
    }
}

/// A text that would clear a screen, turn writing round and begin lines of its own.
const HOSTILE: &str = "=1+1\u{1b}[2J\u{202e}A\u{200b}\u{9b}31m\rB\nerror: C";

fn arguments(row: &mut Row) {
    let option = format!("--{HOSTILE}");
    let lines = [
        &["build", "cif", "--name", HOSTILE][..],
        &["build", HOSTILE],
        &["build", "cif", "--input", "x", "--out", "y", "--order", HOSTILE],
        &["fetch", HOSTILE],
        &["completions", HOSTILE],
        &["pretrain", "--threads", HOSTILE],
        &["finetune", &option],
        &[HOSTILE],
        &[&option],
    ];
    for program in [etl(), trainer()] {
        for line in lines {
            let ran = run(&program, line);
            shown(row, &ran, &[2]);
            if ran.stderr.contains("\nerror: C") {
                row.fault(format!("an argument has begun a line: {}", ran.stderr));
            }
        }
    }
}

fn long(row: &mut Row) {
    // Less than the system passes on in one argument.
    let text_of_user = "x".repeat(100_000);
    let (expression, option) = (format!("{text_of_user} >"), format!("--{text_of_user}"));
    let work = folder();
    let out = work.path().join("store");
    let filtered = ["build", "cif", "--input", "missing", "--out", text(&out), "--filter", &expression];
    let rans = [
        run(&etl(), filtered),
        run(&etl(), ["fetch", &text_of_user]),
        run(&etl(), [&option]),
        run(&trainer(), ["config", "--set", &text_of_user]),
        run(&trainer(), [&text_of_user]),
    ];
    for ran in rans {
        shown(row, &ran, &[2]);
        if let Some(line) = ran.stderr.lines().find(|line| line.len() > MESSAGE_BYTES + 64) {
            row.fault(format!("a line of {} bytes", line.len()));
        }
    }
}

fn options(row: &mut Row) {
    let work = folder();
    let (grid, out) = (work.path().join("grid.toml"), work.path().join("out"));
    let text_of_grid = "tasks = [\"textbook_band_gap\"]\nstarts = [\"fresh\"]\n[start.fresh]\n\
                        [task.textbook_band_gap]\nshards = [\"--overwrite\", \"--weights=x\"]\n";
    fs::write(&grid, text_of_grid).expect("a file");
    let ran = run(&trainer(), ["compare", text(&grid), "--out", text(&out), "--dry-run"]);
    shown(row, &ran, &[0]);
    if !ran.stdout.contains(" --shards ./--overwrite ./--weights=x") {
        row.fault(format!("options: {}", ran.stdout));
    }
    let ran = run(&trainer(), ["compare", text(&grid), "--out", text(&out), "--quiet"]);
    shown(row, &ran, &[1]);
}
