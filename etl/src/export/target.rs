//! Outputs that appear whole or not at all: one file, or a folder of files.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use schemas::output::folder_of;
use schemas::sites::SiteView;
use schemas::text;
use tempfile::{NamedTempFile, TempDir};

use super::error::ExportError;
use super::format::{ExportFormat, Naming};
use super::label::{Labels, Value};
use super::name::FileName;
use super::{cif, extxyz, poscar, pymatgen};
use crate::atomic::{FILE_BEGINNING, TEMPORARY_ENDING, publish, sync_folder, temporary_in};

/// Name of the table of labels in a folder of files, by which `etl build` finds it.
const LABELS: &str = "labels.csv";
/// Header of the identifiers in the table.
const MATERIAL_ID: &str = "material_id";
/// Beginning of the temporary name of a folder.
const FOLDER_BEGINNING: &str = "export-";
/// Permissions of a new folder before the umask applies.
#[cfg(unix)]
const NEW_FOLDER_MODE: u32 = 0o777;

/// Fails if there is a file, link or folder of this name. An empty folder may be there.
///
/// # Errors
/// Returns [`ExportError::Exists`].
pub(super) fn require_free(path: &Path, format: ExportFormat) -> Result<(), ExportError> {
    let is_free = match fs::symlink_metadata(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(found) if found.is_dir() && format.naming().is_some() => {
            fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
        }
        Ok(_) => false,
    };
    if is_free { Ok(()) } else { Err(ExportError::Exists { path: path.to_owned() }) }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Number of files of crystals.
    pub(super) files: u64,
    /// Size of all files in bytes.
    pub(super) bytes: u64,
}

/// An output under a temporary name. If it is dropped before it is finished, it is removed.
pub(super) enum Target {
    /// One file for all crystals.
    File(Box<OneFile>),
    /// One file for each crystal.
    Folder(Box<Folder>),
}

impl Target {
    /// Creates an output of a format with these labels.
    ///
    /// # Errors
    /// Returns [`ExportError::Write`] if it cannot be created.
    pub(super) fn new(format: ExportFormat, path: &Path, labels: &[String]) -> Result<Self, ExportError> {
        Ok(match format.naming() {
            Some(naming) => Self::Folder(Box::new(Folder::new(format, naming, path, labels)?)),
            None => Self::File(Box::new(OneFile::new(format, path)?)),
        })
    }

    /// Adds a crystal.
    ///
    /// # Errors
    /// Returns an [`ExportError`] if it cannot be written, or if its identifier cannot be a file's name.
    pub(super) fn add(&mut self, crystal: &SiteView<'_>, labels: &Labels<'_>) -> Result<(), ExportError> {
        match self {
            Self::File(file) => file.add(crystal, labels).map_err(ExportError::write(&file.path)),
            Self::Folder(folder) => folder.add(crystal, labels),
        }
    }

    /// Writes the rest to disk and gives the output its name.
    ///
    /// # Errors
    /// Returns [`ExportError::Exists`] if there is now something of that name, and [`ExportError::Write`] if the output
    /// cannot be written.
    pub(super) fn finish(self) -> Result<Written, ExportError> {
        match self {
            Self::File(file) => file.finish(),
            Self::Folder(folder) => folder.finish(),
        }
    }
}

/// A file with all crystals.
pub(super) struct OneFile {
    format: ExportFormat,
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
    is_empty: bool,
}

impl OneFile {
    fn new(format: ExportFormat, path: &Path) -> Result<Self, ExportError> {
        let file = temporary_in(folder_of(path), FILE_BEGINNING).map_err(ExportError::write(path))?;
        Ok(Self { format, path: path.to_owned(), out: BufWriter::new(file), is_empty: true })
    }

    fn add(&mut self, crystal: &SiteView<'_>, labels: &Labels<'_>) -> io::Result<()> {
        if self.format == ExportFormat::PymatgenJson {
            self.out.write_all(if self.is_empty { b"[\n" } else { b",\n" })?;
            self.is_empty = false;
            return pymatgen::write(crystal, labels, &mut self.out);
        }
        extxyz::write(crystal, labels, &mut self.out)
    }

    fn finish(mut self) -> Result<Written, ExportError> {
        let path = self.path;
        if self.format == ExportFormat::PymatgenJson {
            self.out.write_all(b"\n]\n").map_err(ExportError::write(&path))?;
        }
        let file = self.out.into_inner().map_err(|error| ExportError::write(&path)(error.into_error()))?;
        let (file, temporary) = file.into_parts();
        let bytes = file.metadata().map_err(ExportError::write(&path))?.len();
        require_free(&path, self.format)?;
        publish(&file, temporary, &path).map_err(ExportError::write(&path))?;
        Ok(Written { files: 1, bytes })
    }
}

/// A folder with a file for each crystal, and the table of their labels.
pub(super) struct Folder {
    format: ExportFormat,
    naming: Naming,
    path: PathBuf,
    staging: TempDir,
    table: Option<csv::Writer<File>>,
    /// The file of a crystal before it is written.
    text: Vec<u8>,
    written: Written,
}

impl Folder {
    fn new(
        format: ExportFormat,
        naming: Naming,
        path: &Path,
        labels: &[String],
    ) -> Result<Self, ExportError> {
        let staging = staging_beside(path).map_err(ExportError::write(path))?;
        let mut folder = Self {
            format,
            naming,
            path: path.to_owned(),
            staging,
            table: None,
            text: Vec::new(),
            written: Written::default(),
        };
        if !labels.is_empty() {
            let place = folder.path.join(LABELS);
            let file =
                File::create_new(folder.staging.path().join(LABELS)).map_err(ExportError::write(&place))?;
            let mut table = csv::Writer::from_writer(file);
            let header = [MATERIAL_ID].into_iter().chain(labels.iter().map(String::as_str));
            table.write_record(header).map_err(|error| ExportError::write(&place)(error.into()))?;
            folder.table = Some(table);
        }
        Ok(folder)
    }

    fn add(&mut self, crystal: &SiteView<'_>, labels: &Labels<'_>) -> Result<(), ExportError> {
        let name = FileName::new(crystal.material_id, &self.naming)?;
        let place = self.path.join(&name.file);
        self.text.clear();
        match self.format {
            ExportFormat::Poscar => poscar::write(crystal, &mut self.text),
            _ => cif::write(crystal, &name.stem, &mut self.text),
        }
        .and_then(|()| File::create_new(self.staging.path().join(&name.file))?.write_all(&self.text))
        .map_err(ExportError::write(&place))?;
        self.written.files += 1;
        self.written.bytes += self.text.len() as u64;
        if let Some(table) = &mut self.table {
            let row = std::iter::once(text::cell(&name.label).into_owned())
                .chain(labels.iter().map(|(_, value)| value.map_or_else(String::new, field)));
            table
                .write_record(row)
                .map_err(|error| ExportError::write(&self.path.join(LABELS))(error.into()))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Written, ExportError> {
        let fault = || ExportError::write(&self.path);
        if let Some(table) = self.table {
            let file = table.into_inner().map_err(|error| fault()(error.into_error()))?;
            self.written.bytes += file.metadata().map_err(fault())?.len();
        }
        sync_all(self.staging.path()).map_err(fault())?;
        require_free(&self.path, self.format)?;
        fs::rename(self.staging.path(), &self.path).map_err(fault())?;
        // What has its name now must stay.
        let _ = self.staging.keep();
        sync_folder(&self.path);
        Ok(self.written)
    }
}

/// Formats a value for a field of the table: numbers by the shortest text that reads back as the same double.
fn field(value: Value<'_>) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Fold(fold) => fold.to_string(),
        Value::Part(part) => text::cell(part).into_owned(),
        Value::Sites(numbers) => format!("{numbers:?}"),
    }
}

/// Creates a temporary folder beside an output, with the permissions that the umask allows.
fn staging_beside(path: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(FOLDER_BEGINNING).suffix(TEMPORARY_ENDING);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(NEW_FOLDER_MODE));
    }
    builder.tempdir_in(folder_of(path))
}

/// Writes the files of a folder to disk: at once for the whole file system, because a sync for each of a million
/// small files takes hours.
fn sync_all(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    rustix::fs::syncfs(&folder)?;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    rustix::fs::sync();
    folder.sync_all()
}
