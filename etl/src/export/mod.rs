//! `etl export`: the crystals of a store as files that other programs read, with their properties, splits and folds.
//!
//! Cells are the Niggli cells of the store, and sites keep their order. All numbers are the shortest ones that read
//! back as the same doubles.

mod cif;
mod error;
mod extxyz;
mod format;
mod label;
mod name;
mod poscar;
mod pymatgen;
mod select;
mod target;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use schemas::manifest::Manifest;
use schemas::output::require_apart;
use schemas::reader::Shard;
use schemas::store::label_kind;

pub use error::ExportError;
pub use format::ExportFormat;
pub use select::Choice;

use label::{Value, value};
use select::Selection;
use target::{Target, Written, require_free};

/// What is exported, and to where.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// The store's folder.
    pub store: PathBuf,
    /// The crystals.
    pub choice: Choice,
    /// The format.
    pub format: ExportFormat,
    /// The folder of a format with a file for each crystal, or else the file. It must not exist, or be an empty folder.
    pub out: PathBuf,
}

/// What an export has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSummary {
    /// Number of crystals.
    pub crystals: u64,
    /// Number of files with crystals.
    pub files: u64,
    /// Size of all files in bytes.
    pub bytes: u64,
    /// The labels that came along: splits, folds and properties in which any of the crystals has a value.
    pub labels: Vec<String>,
}

/// Exports crystals in the order of the store. Memory does not grow with their number, except by 8 bytes for each. The
/// output appears once it is complete.
///
/// # Errors
/// Returns an [`ExportError`] if the store cannot be read, if nothing is chosen, if the output exists or cannot be
/// written, or if `cancel` becomes true. Nothing is left behind then.
pub fn export(request: &ExportRequest, cancel: &AtomicBool) -> Result<ExportSummary, ExportError> {
    let ExportRequest { store, choice, format, out } = request;
    require_apart(out, [store])?;
    require_free(out, *format)?;
    let manifest = Manifest::read(store)?;
    let check = || match cancel.load(Ordering::Relaxed) {
        true => Err(ExportError::Cancelled { path: out.clone() }),
        false => Ok(()),
    };
    let Selection { shards, labels } = Selection::new(store, &manifest, choice, &check)?;
    if let Some(column) = labels.iter().find(|label| format.own_keys().contains(&label.as_str())) {
        return Err(ExportError::Column { column: column.clone(), format: *format });
    }
    let names: Vec<&str> = labels.iter().map(String::as_str).collect();
    let mut target = Target::new(*format, out, &labels)?;
    let mut crystals = 0;
    for (entry, rows) in &shards {
        let shard = Shard::open(&store.join(&entry.file), Some(&manifest.settings))?;
        let schema = Arc::clone(shard.schema());
        let kind = |name: &&str| schema.field_with_name(name).ok().and_then(label_kind);
        let kinds: Vec<_> = names.iter().map(kind).collect();
        for batch in shard.sites_at(rows, &names)? {
            let batch = batch?;
            for row in 0..batch.len() {
                check()?;
                let of_row = |name, kind| {
                    let found = batch.column(name).and_then(|column| value(column, row));
                    found.map(|value| value.of_kind(kind))
                };
                let values: Vec<(&str, Option<Value<'_>>)> =
                    names.iter().zip(&kinds).map(|(name, kind)| (*name, of_row(*name, *kind))).collect();
                target.add(&batch.row(row)?, &values)?;
                crystals += 1;
            }
        }
    }
    let Written { files, bytes } = target.finish()?;
    Ok(ExportSummary { crystals, files, bytes, labels })
}
