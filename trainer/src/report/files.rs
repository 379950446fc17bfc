//! The files of an evaluation, of numbers and of classes alike.

use std::io::Write;
use std::path::{Path, PathBuf};

use maud::Markup;
use schemas::{bounded, text};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PAGE;
use super::error::ReportError;
use super::matbench::{self, Incomplete, Matbench};
use crate::atomic;

/// Maximum number of bytes of a record.
const MAX_RECORD_BYTES: u64 = 64 << 20;

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
