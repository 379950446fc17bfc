//! Published lists of the identifiers for training, validation and test.
//!
//! The ending of the file tells the layout:
//!
//! * `.csv`: a header with `material_id` and `split`; other columns are ignored, and an empty `split` leaves the
//!   crystal out
//! * `.json`: `{"train": {identifier: value}, "val": {…}, "test": {…}}` as the JARVIS leaderboard publishes, or lists
//!   of identifiers instead of objects; the values are ignored
//! * `.zip`: an archive of one such file
//!
//! The parts are `train`, `val`, `valid` or `validation`, and `test`. In a few published lists an identifier is in two parts.
//! It counts for test before validation before training, as in a store.

mod error;
mod json;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use crate::data::SplitPart;
use crate::text_file;

pub use error::SplitFileError;

/// Maximum number of bytes of a split file, packed or unpacked. The largest published ones have a few million.
pub const MOST_BYTES: u64 = 1 << 28;

/// Headers of the columns of a CSV.
const IDENTIFIER_HEADER: &str = "material_id";
const PART_HEADER: &str = "split";
/// Other names of the part `val`.
const VALIDATION: [&str; 2] = ["valid", "validation"];
/// Folder that the archive program of macOS adds to a zip archive.
const MACOS_FOLDER: &str = "__MACOSX/";

/// A list of crystals with their parts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SplitFile {
    parts: BTreeMap<String, SplitPart>,
    in_several_parts: BTreeSet<String>,
}

/// Layout of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Csv,
    Json,
}

impl SplitFile {
    /// Reads a list.
    ///
    /// # Errors
    /// [`SplitFileError`] with the file and, where there is one, the line: for a file that is unreadable, too large
    /// or of another layout, for an unknown part, for an identifier that occurs twice in a part, and for an empty
    /// list.
    pub fn read(path: &Path) -> Result<Self, SplitFileError> {
        let file = File::open(path).map_err(|source| SplitFileError::io(path, source))?;
        let content = read_bounded(file, MOST_BYTES, path)?;
        let name = path.to_string_lossy();
        let list = match layout(&name) {
            Some(layout) => Self::parse(content, layout, path)?,
            None if has_ending(&name, ".zip") => {
                let (content, layout) = unpack(content, path)?;
                Self::parse(content, layout, path)?
            }
            None => return Err(SplitFileError::Ending { path: path.to_owned() }),
        };
        if list.parts.is_empty() {
            return Err(SplitFileError::Empty { path: path.to_owned() });
        }
        Ok(list)
    }

    /// Returns the parts by identifier.
    pub fn parts(&self) -> &BTreeMap<String, SplitPart> {
        &self.parts
    }

    /// Returns the identifiers that the list has in several parts.
    pub fn in_several_parts(&self) -> &BTreeSet<String> {
        &self.in_several_parts
    }

    fn parse(content: Vec<u8>, layout: Layout, path: &Path) -> Result<Self, SplitFileError> {
        let text = text_file::decode(content)
            .map_err(|error| SplitFileError::NotText { path: path.to_owned(), message: error.to_string() })?;
        let mut list = Self::default();
        match layout {
            Layout::Csv => list.read_csv(&text, path)?,
            Layout::Json => json::read(&text, &mut list).map_err(|error| SplitFileError::Json {
                path: path.to_owned(),
                line: error.line(),
                column: error.column(),
                message: json::without_place(&error),
            })?,
        }
        Ok(list)
    }

    fn read_csv(&mut self, text: &str, path: &Path) -> Result<(), SplitFileError> {
        let fault = |position: Option<&csv::Position>, message: String| SplitFileError::Csv {
            path: path.to_owned(),
            line: position.map_or(1, |position| line_of(text, position)),
            message,
        };
        let of_reader = |error: csv::Error| fault(error.position(), error.to_string().replace('\n', ", "));
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
        let header = reader.headers().map_err(of_reader)?.clone();
        let column = |name: &str| {
            let found = header.iter().position(|field| field == name);
            found.ok_or_else(|| fault(None, format!("the header has no column '{name}'")))
        };
        let (identifier_column, part_column) = (column(IDENTIFIER_HEADER)?, column(PART_HEADER)?);
        for record in reader.records() {
            let record = record.map_err(of_reader)?;
            let position = record.position();
            let field = |column: usize, name: &str| {
                let field = record.get(column);
                field.ok_or_else(|| fault(position, format!("the row ends before the column '{name}'")))
            };
            let identifier = field(identifier_column, IDENTIFIER_HEADER)?;
            let word = field(part_column, PART_HEADER)?;
            if !word.is_empty() {
                let part = part_of(word).map_err(|message| fault(position, message))?;
                self.add(identifier, part).map_err(|message| fault(position, message))?;
            }
        }
        Ok(())
    }

    /// Adds a crystal to a part. Returns a message if it cannot be added.
    fn add(&mut self, identifier: &str, part: SplitPart) -> Result<(), String> {
        if identifier.is_empty() {
            return Err("an identifier is empty".to_owned());
        }
        match self.parts.get_mut(identifier) {
            None => {
                self.parts.insert(identifier.to_owned(), part);
            }
            Some(earlier) if *earlier == part => {
                return Err(format!("'{identifier}' stands twice in the part '{}'", part.as_str()));
            }
            Some(earlier) => {
                self.in_several_parts.insert(identifier.to_owned());
                if distance_from_training(part) > distance_from_training(*earlier) {
                    *earlier = part;
                }
            }
        }
        Ok(())
    }
}

/// Returns the precedence of a part for an identifier in several parts; the greatest counts.
fn distance_from_training(part: SplitPart) -> u8 {
    match part {
        SplitPart::Train => 0,
        SplitPart::Val => 1,
        SplitPart::Test => 2,
    }
}

/// Returns the part of a name, or a message.
fn part_of(word: &str) -> Result<SplitPart, String> {
    let part = if VALIDATION.contains(&word) { Some(SplitPart::Val) } else { SplitPart::parse(word) };
    part.ok_or_else(|| format!("'{word}' is no part: there are train, val (or valid or validation) and test"))
}

/// Returns the line of a row, counted from 1. The reader's own position is that of the empty lines before the row.
fn line_of(text: &str, position: &csv::Position) -> usize {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(text.len());
    let (before, rest) = text.as_bytes().split_at(start);
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    before.iter().chain(empty).filter(|byte| **byte == b'\n').count() + 1
}

/// Whether a file name has an ending, in any case.
fn has_ending(name: &str, ending: &str) -> bool {
    name.to_ascii_lowercase().ends_with(ending)
}

/// Returns the layout of an unpacked file by its name.
fn layout(name: &str) -> Option<Layout> {
    if has_ending(name, ".csv") {
        Some(Layout::Csv)
    } else {
        has_ending(name, ".json").then_some(Layout::Json)
    }
}

/// Reads all bytes, or fails if there are more than a limit.
fn read_bounded(reader: impl Read, limit: u64, path: &Path) -> Result<Vec<u8>, SplitFileError> {
    let mut content = Vec::new();
    reader.take(limit + 1).read_to_end(&mut content).map_err(|source| SplitFileError::io(path, source))?;
    if content.len() as u64 > limit {
        return Err(SplitFileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(content)
}

/// Returns the only list in an archive.
fn unpack(archive: Vec<u8>, path: &Path) -> Result<(Vec<u8>, Layout), SplitFileError> {
    let zip = |error: zip::result::ZipError| SplitFileError::Zip {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).map_err(zip)?;
    let mut lists = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(zip)?;
        let name = member.name().map_err(zip)?;
        if let Some(layout) = layout(&name).filter(|_| !name.starts_with(MACOS_FOLDER)) {
            lists.push((index, layout));
        }
    }
    let [(index, layout)] = *lists else {
        return Err(SplitFileError::Members { path: path.to_owned(), lists: lists.len() });
    };
    let member = archive.by_index(index).map_err(zip)?;
    Ok((read_bounded(member, MOST_BYTES, path)?, layout))
}
