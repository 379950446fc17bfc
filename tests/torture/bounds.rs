//! Small inputs that ask for much: every row within 10 s and 300 MiB.

use std::fs;
use std::path::Path;

use crate::Case;
use crate::files::{caesium_chloride, folder, text};
use crate::program::{Ran, etl, run_small, trainer};
use crate::table::Row;
use crate::trainer::{member_of, tuned_on_gaps};

/// The rows of this file.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("POSCAR of 1,000 sites within 4e-5 Å: build, predict", |row| heap(row, 1_000))
            .before("killed, 1e9 triplets"),
        Case::new("POSCAR of 9 heaps of 1,000 sites: build, predict", |row| heap(row, 9_000))
            .before("662 MiB"),
    ]
}

/// Notes a run that must leave out the hostile entry and keep the good one.
fn left_out(row: &mut Row, ran: &Ran, reason: &str, told: &str) {
    row.ran(ran);
    row.outcome(reason);
    if ran.code() != Some(1) || !told.contains(reason) {
        row.fault(format!("status {:?} instead of the reject {reason}: {}{told}", ran.code(), ran.stderr));
    }
}

/// A POSCAR with heaps of 1,000 hydrogen atoms, 10 Å apart.
fn heaps(sites: usize) -> String {
    let mut poscar = format!("heaps\n1.0\n100 0 0\n0 100 0\n0 0 100\nH\n{sites}\nDirect\n");
    poscar.extend((0..sites).map(|site| {
        let x = 0.1 * (site / 1_000) as f64 + (site % 1_000) as f64 * 4e-10;
        format!("{x:.12} 0.5 0.5\n")
    }));
    poscar
}

fn heap(row: &mut Row, sites: usize) {
    let (raw, out, tuned) = (folder(), folder(), tuned_on_gaps("1"));
    fs::write(raw.path().join("heap.vasp"), heaps(sites)).expect("a file");
    let reason = if sites > 1_000 { "too_many_edges" } else { "too_many_triplets" };
    let store = out.path().join("store");
    let arguments =
        ["build", "poscar", "--input", text(raw.path()), "--out", text(&store), "--min-contact=0"];
    let ran = run_small(&etl(), arguments);
    left_out(row, &ran, reason, &ran.stdout);
    fs::write(raw.path().join("good.cif"), caesium_chloride(4.12)).expect("a file");
    let (weights, table) = (member_of(&tuned, 1), out.path().join("t.csv"));
    let arguments = ["predict", text(raw.path()), "--weights", text(&weights), "--out", text(&table)];
    let ran = run_small(&trainer(), arguments.into_iter().chain(["--min-contact=0"]));
    left_out(row, &ran, reason, &read(&table.with_extension("rejects.csv")));
}

/// A file's text; nothing where there is no file.
fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
