//! `etl validate`: whether a store is whole and its features are what its crystals give.

mod files;
mod rejects;
mod rows;
mod sample;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemas::StoreError;
use schemas::count::counted;
use schemas::manifest::{MANIFEST_FILE, Manifest};
use schemas::text;

/// Rows whose features are recomputed unless asked for otherwise.
pub const DEFAULT_SAMPLE: usize = 256;
/// Seed of the sample unless asked for otherwise.
pub const DEFAULT_SEED: u64 = 0;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidateOptions {
    /// Rows whose features are recomputed; `None` for all of them.
    pub sample: Option<usize>,
    /// Seed by which the rows are chosen.
    pub seed: u64,
}

impl Default for ValidateOptions {
    fn default() -> Self {
        Self { sample: Some(DEFAULT_SAMPLE), seed: DEFAULT_SEED }
    }
}

/// Something in a store that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File, relative to the store's folder.
    pub file: String,
    /// Row of the file, counted from 0.
    pub row: Option<u64>,
    /// Identifier of the crystal.
    pub material_id: Option<String>,
    /// What was checked: a column, or `sha256`, `rows`, `schema`, `counts` and the like.
    pub check: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Problem {
    /// A problem of a whole file.
    fn of_file(file: &str, check: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            row: None,
            material_id: None,
            check: check.to_owned(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(row) = self.row {
            write!(f, " row {row}")?;
        }
        if let Some(material_id) = &self.material_id {
            write!(f, " '{material_id}'")?;
        }
        write!(f, ": {}: expected {}, found {}", self.check, self.expected, self.found)
    }
}

/// Result of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The store's folder.
    pub store: PathBuf,
    /// Shards that could be read.
    pub shards: usize,
    /// Crystals in them.
    pub crystals: u64,
    /// Rows of the rejects table.
    pub rejects: u64,
    /// Crystals whose features were recomputed.
    pub recomputed: u64,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{}", text::message(&problem.to_string()))?;
        }
        let problems = match self.problems.len() {
            0 => "no problems".to_owned(),
            count => counted(count, "problem"),
        };
        writeln!(
            f,
            "{}: {problems}; {}, {}, {}, features of {} recomputed",
            self.store.display(),
            counted(self.crystals, "crystal"),
            counted(self.shards, "shard"),
            counted(self.rejects, "reject"),
            counted(self.recomputed, "crystal")
        )
    }
}

/// What the checks of one store share.
struct Validation<'a> {
    store: &'a Path,
    manifest: &'a Manifest,
    report: Report,
    /// File and row of every identifier met.
    identifiers: HashMap<String, (usize, u64)>,
}

/// Checks a store: every file against the manifest, identifiers, counts, and the features of some
/// crystals against those computed anew from the stored cell and positions.
///
/// # Errors
/// [`StoreError`] if there is no such folder, its build is not finished, or it cannot be read. Everything
/// else that is wrong, a missing manifest included, is a [`Problem`] of the report.
pub fn validate(store: &Path, options: &ValidateOptions) -> Result<Report, StoreError> {
    let read = Manifest::read(store);
    if let Err(error @ (StoreError::Missing { .. } | StoreError::Unfinished { .. })) = read {
        return Err(error);
    }
    let present = files::parquet_files(store)?;
    let report = Report {
        store: store.to_owned(),
        shards: 0,
        crystals: 0,
        rejects: 0,
        recomputed: 0,
        problems: Vec::new(),
    };
    let manifest = match read {
        Ok(manifest) => manifest,
        Err(error) => {
            let problem = Problem::of_file(MANIFEST_FILE, "manifest", "a readable manifest", error);
            return Ok(Report { problems: vec![problem], ..report });
        }
    };
    let mut validation = Validation { store, manifest: &manifest, report, identifiers: HashMap::new() };
    validation.check_stray_files(&present);
    validation.check_counts();
    let readable = validation.check_shards();
    validation.check_rejects();
    let rows = readable.iter().map(|shard| shard.rows).sum();
    let sample = match options.sample {
        None => (0..rows).collect(),
        Some(size) => sample::ascending(rows, size, options.seed),
    };
    validation.recompute(&readable, &sample);
    Ok(validation.report)
}

impl Validation<'_> {
    /// Notes a problem of a whole file.
    fn file_problem(
        &mut self,
        file: &str,
        check: &str,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) {
        self.report.problems.push(Problem::of_file(file, check, expected, found));
    }
}

#[cfg(test)]
mod tests;
