//! `etl export`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use etl::export::{Choice, ExportFormat, ExportRequest, ExportSummary, export};
use schemas::count::counted;

use super::{Outcome, cancel_on_interrupt, print};

/// Arguments of `etl export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Crystals come in the order of the store, in their Niggli cells, with every digit. What is written is complete
or not there at all; what is there already is not replaced.
  cif, poscar     a folder with a file for each crystal, ID.cif or POSCAR-ID.vasp, and labels.csv with their
                  properties, splits and folds, where there are any: `etl build cif --input DIR` reads both
  extxyz          one file; the properties are in the second line of each frame
  pymatgen-json   one array of records: material_id, structure (for Structure.from_dict) and the properties
Filters are those of `etl build`:
  --filter 'band_gap_ev > 2 AND nsites <= 20' --filter 'elements HAS ANY Li, Na'")]
pub(crate) struct ExportArguments {
    /// Folder of the store
    store: PathBuf,
    /// Identifiers of the crystals to export; all unless given
    #[arg(value_name = "ID", conflicts_with = "filter")]
    material_ids: Vec<String>,
    /// Format of the files: cif, poscar, extxyz or pymatgen-json
    #[arg(long, value_name = "FORMAT")]
    format: ExportFormat,
    /// Folder (cif, poscar) or file to write
    #[arg(long, value_name = "DIR|FILE")]
    out: PathBuf,
    /// Export only crystals for which the expression is true; may be given several times
    #[arg(long, value_name = "EXPRESSION")]
    filter: Vec<String>,
    /// No summary
    #[arg(long, short)]
    quiet: bool,
}

impl ExportArguments {
    /// Exports the crystals.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let cancel = cancel_on_interrupt()?;
        let choice = match self.material_ids.is_empty() {
            true => Choice::Filters(self.filter),
            false => Choice::Identifiers(self.material_ids),
        };
        let request = ExportRequest { store: self.store, choice, format: self.format, out: self.out };
        let start = std::time::Instant::now();
        let ExportSummary { crystals, files, bytes, labels } = export(&request, &cancel)?;
        if !self.quiet {
            let seconds = start.elapsed().as_secs_f64();
            print(|out| {
                writeln!(
                    out,
                    "{}: {} in {}, {:.1} MB, {seconds:.1} s",
                    request.out.display(),
                    counted(crystals, "crystal"),
                    counted(files, "file"),
                    bytes as f64 / 1e6,
                )?;
                match labels.is_empty() {
                    true => writeln!(out, "  no property, split or fold of them is known"),
                    false => writeln!(out, "  with {}", labels.join(", ")),
                }
            })?;
        }
        Ok(Outcome::Clean)
    }
}
