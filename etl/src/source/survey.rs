//! A first pass over all inputs that lists their files before any crystal is read.
//!
//! Folders are listed, and only the label tables in them are opened. Tar archives are read completely.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::files::{FileRule, Files, base_name, open_files};
use super::folder::FolderWalk;
use super::input::Progress;
use super::names::Names;
use super::state::{InputState, StateScan, file_state};
use super::tar_archive::{TarArchive, TarKind};
use super::unread::UnreadFiles;
use super::zip_archive::{ZipArchive, is_litter};
use super::{EmbeddedLabels, SourceError, SourceOptions};

/// Names of label tables.
const LABEL_NAMES: [&str; 2] = ["id_prop.csv", "labels.csv"];
/// Largest size in bytes of the label tables among the inputs, which are held in memory while they are joined. The
/// largest published table, with 800,000 rows, takes half of it. A larger one can be given as a label table, which is
/// read as a stream.
pub(super) const MAX_LABEL_BYTES: u64 = 128 << 20;

/// The content of the inputs.
pub(super) struct Survey {
    /// State of every input.
    pub states: Vec<InputState>,
    /// How the crystals are named.
    pub names: Names,
    /// The label tables, if they are to be read.
    pub embedded_labels: Vec<EmbeddedLabels>,
    /// All other files.
    pub unread: UnreadFiles,
}

/// Lists all inputs. Label tables are found anywhere in folders and archives.
///
/// # Errors
/// Returns a [`SourceError`] if an input cannot be read or has no file of the source, or if a label table is too
/// large.
pub(super) fn survey(
    inputs: &[PathBuf],
    rule: &FileRule,
    options: &SourceOptions,
) -> Result<Survey, SourceError> {
    let mut scan = Scan {
        names: Names::new(*rule, options.id, inputs.len() > 1),
        labels_wanted: options.embedded_labels,
        embedded_labels: Vec::new(),
        label_bytes: 0,
        unread: UnreadFiles::new(options.list_unread),
    };
    let mut states = Vec::with_capacity(inputs.len());
    for path in inputs {
        states.push(scan.input(path, rule)?);
    }
    let Scan { mut names, embedded_labels, unread, .. } = scan;
    names.finish();
    Ok(Survey { states, names, embedded_labels, unread })
}

/// The content found so far.
struct Scan {
    names: Names,
    labels_wanted: bool,
    embedded_labels: Vec<EmbeddedLabels>,
    /// Total size of the label tables in bytes.
    label_bytes: u64,
    unread: UnreadFiles,
}

/// The role of a file for the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Crystal,
    Labels,
    Unread,
    /// Files that file managers leave behind.
    Litter,
}

impl Scan {
    /// Lists one input.
    fn input(&mut self, path: &Path, rule: &FileRule) -> Result<InputState, SourceError> {
        let files = open_files(path, rule, &Progress::default())?;
        self.names.input(path, matches!(files, Files::One(_)));
        let (state, crystals) = match files {
            Files::One(_) => {
                self.names.add(&path.to_string_lossy());
                return file_state(path);
            }
            Files::Folder(walk) => self.folder(path, walk)?,
            Files::Tar(archive) => (file_state(path)?, self.tar(path, *archive)?),
            Files::Zip(archive) => (file_state(path)?, self.zip(path, *archive)?),
        };
        if crystals == 0 {
            let file = path.to_string_lossy().into_owned();
            return Err(SourceError::Empty { file, what: rule.what, beside: self.unread.outline() });
        }
        Ok(state)
    }

    fn folder(&mut self, path: &Path, mut walk: FolderWalk) -> Result<(InputState, u64), SourceError> {
        let (mut state, mut crystals) = (StateScan::default(), 0);
        while let Some(file) = walk.next_file()? {
            let shown = file.path.to_string_lossy();
            // If the file disappears, that is reported when it is read.
            if file.regular
                && let Ok(metadata) = fs::metadata(&file.path)
            {
                state.add(&file.name, &metadata);
            }
            match self.role(&file.name) {
                Role::Crystal => crystals += 1,
                Role::Labels if file.regular => {
                    let opened = File::open(&file.path);
                    let table = opened.map_err(|source| SourceError::open(&file.path, source))?;
                    let table = read_table(table, shown.into_owned(), &file.name)?;
                    self.labels(table)?;
                }
                Role::Unread | Role::Labels => self.unread.file(&shown),
                Role::Litter => {}
            }
        }
        for link in walk.unfollowed() {
            self.unread.link(path.join(link).to_string_lossy().into_owned());
        }
        Ok((state.finish(true), crystals))
    }

    fn tar(&mut self, path: &Path, mut archive: TarArchive) -> Result<u64, SourceError> {
        let mut crystals = 0;
        loop {
            let found = match archive.next_member() {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(crystals),
                // If label tables are not needed, the members before the damage can still be read.
                Err(_) if !self.labels_wanted => return Ok(crystals.max(1)),
                Err(error) => return Err(error),
            };
            let name = String::from_utf8_lossy(&found.name);
            match self.role(&name) {
                Role::Crystal => crystals += 1,
                Role::Labels if found.kind == TarKind::File => {
                    let file = member(path, &name);
                    check_table_size(found.size, &file)?;
                    let mut csv = Vec::new();
                    archive.read_body(&mut csv)?;
                    self.labels(EmbeddedLabels::new(file, &name, csv))?;
                }
                Role::Unread | Role::Labels => self.unread.file(&member(path, &name)),
                Role::Litter => {}
            }
        }
    }

    fn zip(&mut self, path: &Path, mut archive: ZipArchive) -> Result<u64, SourceError> {
        let mut crystals = 0;
        while let Some(found) = archive.next_member()? {
            let name = String::from_utf8_lossy(&found.name);
            match self.role(&name) {
                Role::Crystal => crystals += 1,
                Role::Labels => {
                    let file = member(path, &name);
                    check_table_size(found.size, &file)?;
                    let mut csv = Vec::new();
                    let read = archive.read_member(&found, MAX_LABEL_BYTES, &mut csv);
                    read.map_err(|source| SourceError::read(&file, source))?;
                    check_table_size(csv.len() as u64, &file)?;
                    self.labels(EmbeddedLabels::new(file, &name, csv))?;
                }
                Role::Unread => self.unread.file(&member(path, &name)),
                Role::Litter => {}
            }
        }
        Ok(crystals)
    }

    /// Adds a label table. The total size is limited too, because an archive can repeat a table at almost no cost.
    fn labels(&mut self, table: EmbeddedLabels) -> Result<(), SourceError> {
        self.label_bytes += table.csv.len() as u64;
        check_table_size(self.label_bytes, &table.file)?;
        self.embedded_labels.push(table);
        Ok(())
    }

    /// Returns the role of a file from its name, and records the name if it is that of a crystal.
    fn role(&mut self, name: &str) -> Role {
        if is_litter(name) {
            Role::Litter
        } else if self.names.add(name) {
            Role::Crystal
        } else if self.labels_wanted && LABEL_NAMES.contains(&base_name(name)) {
            Role::Labels
        } else {
            Role::Unread
        }
    }
}

/// Returns the name of an archive's member in messages.
fn member(archive: &Path, name: &str) -> String {
    format!("{}!{name}", archive.to_string_lossy())
}

fn check_table_size(size: u64, file: &str) -> Result<(), SourceError> {
    if size > MAX_LABEL_BYTES {
        return Err(SourceError::layout(
            file,
            format!("is larger than {MAX_LABEL_BYTES} bytes, with the tables before it"),
        ));
    }
    Ok(())
}

fn read_table(reader: impl Read, file: String, name: &str) -> Result<EmbeddedLabels, SourceError> {
    let mut csv = Vec::new();
    let read = reader.take(MAX_LABEL_BYTES + 1).read_to_end(&mut csv);
    read.map_err(|source| SourceError::read(&file, source))?;
    check_table_size(csv.len() as u64, &file)?;
    Ok(EmbeddedLabels::new(file, name, csv))
}
