//! The files of an evaluation, of numbers and of classes alike.

use std::io::Write;
use std::path::{Path, PathBuf};

use maud::Markup;
use schemas::{bounded, text};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ReportError;
use super::matbench::{self, Incomplete, Matbench};
use super::{PAGE, json, table};
use crate::atomic;

/// Maximum number of bytes of a record.
const MAX_RECORD_BYTES: u64 = 64 << 20;

/// A check whether a file is a result of an evaluation.
pub(super) type Mark = fn(&Path) -> bool;

/// Checks that existing files with the names of results are those of an evaluation. Each file is checked, since one
/// of an evaluation may have been copied among others. The folder may be absent.
///
/// # Errors
/// [`ReportError::Foreign`] for the first file that is not a result.
pub(super) fn require_marked(
    folder: &Path,
    is_record: Mark,
    is_table: Mark,
    is_page: Mark,
) -> Result<(), ReportError> {
    let mut results = results(is_record, is_table, is_page).into_iter();
    results.try_for_each(|(name, is_own)| require_mark(folder.join(name), is_own))
}

/// Removes the results with their marks from a folder, which may be absent.
///
/// # Errors
/// [`ReportError::Io`].
pub(super) fn remove_marked(
    folder: &Path,
    is_record: Mark,
    is_table: Mark,
    is_page: Mark,
) -> Result<(), ReportError> {
    let mut results = results(is_record, is_table, is_page).into_iter();
    results.try_for_each(|(name, is_own)| remove_own(&folder.join(name), is_own))
}

/// Removes a file that has its mark. It may be absent.
///
/// # Errors
/// [`ReportError::Io`].
pub(super) fn remove_own(path: &Path, is_own: Mark) -> Result<(), ReportError> {
    match path.is_file() && is_own(path) {
        true => atomic::remove_if_there(path).map_err(ReportError::io("remove", path)),
        false => Ok(()),
    }
}

/// Returns the names of the results of an evaluation with their marks.
fn results(is_record: Mark, is_table: Mark, is_page: Mark) -> [(&'static str, Mark); 6] {
    [
        (json::FILE, is_record),
        (json::VALIDATION_FILE, is_record),
        (table::FILE, is_table),
        (PAGE, is_page),
        (matbench::INFO, matbench::is_info),
        (matbench::RESULTS, matbench::is_results),
    ]
}

/// Checks that a file has its mark. It may be absent.
///
/// # Errors
/// [`ReportError::Foreign`] for a file without it.
pub(super) fn require_mark(path: PathBuf, is_own: Mark) -> Result<(), ReportError> {
    match path.exists() && !is_own(&path) {
        true => Err(ReportError::Foreign { path }),
        false => Ok(()),
    }
}

/// Reads the record of an evaluation, a JSON file.
///
/// # Errors
/// [`ReportError::Io`] or [`ReportError::Json`].
pub(super) fn read_record<T: DeserializeOwned>(path: &Path) -> Result<T, ReportError> {
    let text = bounded::read(path, MAX_RECORD_BYTES).map_err(ReportError::io("read", path))?;
    serde_json::from_slice(&text).map_err(|source| ReportError::Json { path: path.to_owned(), source })
}

/// Writes the record of an evaluation. The same record gives the same bytes.
///
/// # Errors
/// [`ReportError::Io`].
pub(super) fn write_record<T: Serialize>(path: &Path, record: &T) -> Result<(), ReportError> {
    atomic::write(path, |out| {
        serde_json::to_writer_pretty(&mut *out, record)?;
        out.write_all(b"\n")
    })
    .map_err(ReportError::io("write", path))
}

/// The files of an evaluation in one folder, in the order in which they are written.
pub(super) struct ResultFiles<'a> {
    folder: &'a Path,
    written: Vec<PathBuf>,
}

impl<'a> ResultFiles<'a> {
    /// Begins the list of the files in an existing folder.
    pub(super) fn new(folder: &'a Path) -> Self {
        Self { folder, written: Vec::new() }
    }

    /// Adds a file to the list and returns its path.
    pub(super) fn path(&mut self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        self.written.push(path.clone());
        path
    }

    /// Writes the description of the algorithm for MatBench, and the record if it is complete. Returns what is missing
    /// otherwise, for the page.
    ///
    /// # Errors
    /// [`ReportError::Io`].
    pub(super) fn matbench(
        &mut self,
        matbench: Option<&Matbench>,
        record: Option<Result<String, Incomplete>>,
    ) -> Result<Vec<String>, ReportError> {
        if let Some(matbench) = matbench {
            matbench::write_info(&self.path(matbench::INFO), matbench)?;
        }
        match record {
            Some(Ok(text)) => {
                matbench::write_results(&self.path(matbench::RESULTS), &text)?;
                Ok(Vec::new())
            }
            Some(Err(incomplete)) => Ok(vec![incomplete.to_string()]),
            None => Ok(Vec::new()),
        }
    }

    /// Writes the report page.
    ///
    /// # Errors
    /// [`ReportError::Io`].
    pub(super) fn page(&mut self, page: Markup) -> Result<(), ReportError> {
        let path = self.path(PAGE);
        let page = page.into_string();
        atomic::write(&path, |out| out.write_all(text::page(&page).as_bytes()))
            .map_err(ReportError::io("write", &path))
    }

    /// Returns the files.
    pub(super) fn finish(self) -> Vec<PathBuf> {
        self.written
    }
}
