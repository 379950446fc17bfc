//! `etl validate`: verification of the files and features of a store.

mod files;
mod rejects;
mod rows;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemas::StoreError;
use schemas::count::counted;
use schemas::layout::{MANIFEST_FILE, StorePaths};
use schemas::manifest::Manifest;
use schemas::text;

use crate::sample::ascending;

/// Default number of rows whose features are recomputed.
pub const DEFAULT_SAMPLE: usize = 256;
/// Default seed of the sample.
pub const DEFAULT_SEED: u64 = 0;

/// Options of a validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidateOptions {
    /// Number of rows whose features are recomputed; `None` for all rows.
    pub sample: Option<usize>,
    /// Seed of the choice of rows.
    pub seed: u64,
}

impl Default for ValidateOptions {
    fn default() -> Self {
        Self { sample: Some(DEFAULT_SAMPLE), seed: DEFAULT_SEED }
    }
}

/// An error in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the file without its folder, which is the store for shards and the sidecar for `manifest.json` and
    /// `rejects.parquet`.
    pub file: String,
    /// Row in the file, counted from 0, if the error concerns a row.
    pub row: Option<u64>,
    /// Identifier of the crystal, if the error concerns one.
    pub material_id: Option<String>,
    /// What was checked: a column, or `sha256`, `rows`, `schema`, `counts` and so on.
    pub check: String,
    /// The expected value.
    pub expected: String,
    /// The value found.
    pub found: String,
}

impl Problem {
    /// Creates a problem that concerns a whole file.
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

/// The result of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The store's folder.
    pub store: PathBuf,
    /// Number of shards that can be read.
    pub shards: usize,
    /// Number of crystals in these shards.
    pub crystals: u64,
    /// Number of rows of the rejects table.
    pub rejects: u64,
    /// Number of crystals whose features were recomputed.
    pub recomputed: u64,
    /// All errors found.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether no error was found.
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

/// The shared state of the checks of a store.
struct Validation<'a> {
    paths: StorePaths,
    manifest: &'a Manifest,
    report: Report,
    /// File and row of every identifier so far.
    identifiers: HashMap<String, (usize, u64)>,
}

/// Validates a store: every file against the manifest, the identifiers, the counts, and the features of some crystals
/// against those recomputed from the stored lattice and fractional coordinates.
///
/// # Errors
/// Returns a [`StoreError`] if the folder does not exist, is a sidecar, or cannot be read, or if the build is
/// unfinished. All other errors, including a missing manifest, are reported as a [`Problem`].
pub fn validate(store: &Path, options: &ValidateOptions) -> Result<Report, StoreError> {
    let read = Manifest::read(store);
    if let Err(
        error @ (StoreError::Missing { .. } | StoreError::Unfinished { .. } | StoreError::Sidecar { .. }),
    ) = read
    {
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
    let mut validation = Validation {
        paths: StorePaths::find(store),
        manifest: &manifest,
        report,
        identifiers: HashMap::new(),
    };
    validation.check_stray_files(&present);
    validation.check_counts();
    let readable = validation.check_shards();
    validation.check_rejects();
    let rows = readable.iter().map(|shard| shard.rows).fold(0, u64::saturating_add);
    let sample = match options.sample {
        None => (0..rows).collect(),
        Some(size) => ascending(rows, size, options.seed),
    };
    validation.recompute(&readable, &sample);
    Ok(validation.report)
}

impl Validation<'_> {
    /// Adds a problem that concerns a whole file.
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
