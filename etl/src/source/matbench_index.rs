//! The `index` of a MatBench task: the row of the published task for each row of a file.
//!
//! A file may hold only some of the rows, like a filtered pandas data frame. Its index then holds the numbers of the
//! published rows, counted from 0, or the identifiers of MatBench.

use schemas::matbench::published_crystals;

use super::SourceError;
use super::json::{Cursor, excerpt};
use super::json_stream::{Cut, JsonStream};

/// Prefix of all identifiers.
const ID_START: &str = "mb-";
/// Largest length of an identifier in bytes.
const MAX_NAME_BYTES: usize = 1 << 10;
/// Largest number of rows of a part of a task. It is thirty times that of the largest published task.
const MAX_ROWS: usize = 1 << 22;
/// Largest total size of the identifiers in bytes.
const MAX_TEXT_BYTES: usize = 1 << 26;
/// The published rows in the order of the file. A complete task takes no memory, and a part of one takes 4 bytes per
/// row.
#[derive(Debug, Clone, Default)]
enum Entries {
    #[default]
    None,
    /// Consecutive rows, given by the first one and their number.
    Range { first: u32, count: u32 },
    /// Numbers of the rows, counted from 0.
    Numbers(Vec<u32>),
    /// Identifiers in one text, with the end of each.
    Names { text: String, ends: Vec<u32> },
}

/// The index of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct RowIndex {
    entries: Entries,
    /// Prefix of an identifier before its number, such as `mb-jdft2d-`.
    prefix: String,
    /// Number of digits.
    width: usize,
}

/// Returns the position of the number in a name, if the name is an identifier of MatBench.
fn number_of(name: &str) -> Option<usize> {
    let at = name.rfind('-')? + 1;
    let (start, digits) = name.split_at_checked(at)?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // The task and a hyphen are between the prefix and the number.
    let is_task = start.len() > ID_START.len() + 1 && start.bytes().all(|byte| byte.is_ascii_graphic());
    (is_number && is_task && start.starts_with(ID_START)).then_some(at)
}

impl RowIndex {
    /// Reads the index array.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if a value is neither the number of a row nor an identifier of one task, if both
    /// kinds occur, or if a value occurs twice.
    pub(super) fn read(json: &mut JsonStream, task: &str, prefix: &str) -> Result<Self, SourceError> {
        let file = json.file().clone();
        let mut index = Self { prefix: prefix.to_owned(), ..Self::default() };
        let mut value = Vec::new();
        let mut first = true;
        json.expect(b'[', "an array")?;
        while json.next_element(&mut first)? {
            value.clear();
            let is_whole = json.value(&mut value, MAX_NAME_BYTES)? == Cut::Whole;
            if !is_whole || !index.push(&value) {
                let message = format!(
                    "value {} of the index is {}, neither the number of a row nor an identifier such as \
                     {prefix}1, all of one kind",
                    index.len() + 1,
                    excerpt(&value)
                );
                return Err(SourceError::layout(&file, message));
            }
            if index.is_too_large() {
                let message = format!(
                    "has an index of over {MAX_ROWS} rows that do not follow each other, or of {MAX_TEXT_BYTES} bytes"
                );
                return Err(SourceError::layout(&file, message));
            }
        }
        if let Some(twice) = index.duplicate() {
            return Err(SourceError::layout(&file, format!("{twice} stands twice in the index")));
        }
        let rows = index.last().map_or(0, |last| u64::from(last) + 1);
        index.width = rows.max(published_crystals(task).unwrap_or_default() as u64).to_string().len();
        Ok(index)
    }

    /// Appends a value. Returns `false` if it is of no valid kind or of another kind than the previous ones.
    fn push(&mut self, value: &[u8]) -> bool {
        if let Ok(name) = Cursor::new(value).string() {
            return self.push_name(&name.text());
        }
        let number: Option<u32> = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        let Some(number) = number.filter(|number| *number < u32::MAX) else { return false };
        match &mut self.entries {
            Entries::None => self.entries = Entries::Range { first: number, count: 1 },
            Entries::Range { first, count } if first.checked_add(*count) == Some(number) => *count += 1,
            Entries::Range { first, count } => {
                let mut numbers: Vec<u32> = (*first..*first + *count).collect();
                numbers.push(number);
                self.entries = Entries::Numbers(numbers);
            }
            Entries::Numbers(numbers) => numbers.push(number),
            Entries::Names { .. } => return false,
        }
        true
    }

    fn push_name(&mut self, name: &str) -> bool {
        let Some(at) = number_of(name) else { return false };
        if matches!(self.entries, Entries::None) {
            // The identifiers determine the task, whatever the name of the file.
            self.prefix = name.get(..at).unwrap_or_default().to_owned();
            self.entries = Entries::Names { text: String::new(), ends: Vec::new() };
        }
        let Entries::Names { text, ends } = &mut self.entries else { return false };
        let Ok(end) = u32::try_from(text.len() + name.len()) else { return false };
        if name.get(..at) != Some(&self.prefix) {
            return false;
        }
        text.push_str(name);
        ends.push(end);
        true
    }

    /// Whether the index takes more memory than that of any part of a task.
    fn is_too_large(&self) -> bool {
        match &self.entries {
            Entries::None | Entries::Range { .. } => false,
            Entries::Numbers(numbers) => numbers.len() > MAX_ROWS,
            Entries::Names { text, ends } => ends.len() > MAX_ROWS || text.len() > MAX_TEXT_BYTES,
        }
    }

    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        match &self.entries {
            Entries::None => 0,
            Entries::Range { count, .. } => *count as usize,
            Entries::Numbers(numbers) => numbers.len(),
            Entries::Names { ends, .. } => ends.len(),
        }
    }

    /// Returns the largest number of a row.
    fn last(&self) -> Option<u32> {
        match &self.entries {
            Entries::Range { first, count } => first.checked_add(count.checked_sub(1)?),
            Entries::Numbers(numbers) => numbers.iter().max().copied(),
            Entries::None | Entries::Names { .. } => None,
        }
    }

    fn name(&self, row: usize) -> &str {
        let Entries::Names { text, ends } = &self.entries else { return "" };
        let end = |row: usize| ends.get(row).map_or(0, |end| *end as usize);
        text.get(row.checked_sub(1).map_or(0, end)..end(row)).unwrap_or_default()
    }

    /// Returns a value that occurs twice.
    fn duplicate(&self) -> Option<String> {
        match &self.entries {
            Entries::None | Entries::Range { .. } => None,
            Entries::Numbers(numbers) => {
                let mut sorted = numbers.clone();
                sorted.sort_unstable();
                let twice = sorted.windows(2).find(|pair| pair.first() == pair.last())?;
                twice.first().map(u32::to_string)
            }
            Entries::Names { .. } => {
                let mut sorted: Vec<&str> = (0..self.len()).map(|row| self.name(row)).collect();
                sorted.sort_unstable();
                let twice = sorted.windows(2).find(|pair| pair.first() == pair.last())?;
                twice.first().map(|name| format!("{name:?}"))
            }
        }
    }

    /// Appends the identifier of a row, counted from 0. Returns `false` if there is no such row.
    pub(super) fn push_id(&self, row: usize, bytes: &mut Vec<u8>) -> bool {
        let number = match &self.entries {
            _ if row >= self.len() => return false,
            Entries::None => return false,
            Entries::Range { first, .. } => u64::from(*first) + row as u64,
            Entries::Numbers(numbers) => numbers.get(row).copied().map_or(0, u64::from),
            Entries::Names { .. } => {
                bytes.extend_from_slice(self.name(row).as_bytes());
                return true;
            }
        };
        bytes.extend_from_slice(self.prefix.as_bytes());
        bytes.extend_from_slice(format!("{:0width$}", number + 1, width = self.width).as_bytes());
        true
    }

    /// Returns a remark if the identifiers are doubtful: the size of the task differs from the published one, so its
    /// rows may have been renumbered.
    pub(super) fn doubt(&self, task: &str) -> Option<String> {
        let published = published_crystals(task)? as u64;
        let rows = self.len();
        match &self.entries {
            Entries::Range { first: 0, count } if u64::from(*count) < published => Some(format!(
                "{rows} rows numbered from 0, of {published} that {task} has: unless these are its first, \
                 identifiers and folds are of other crystals"
            )),
            _ if self.last().is_some_and(|last| u64::from(last) >= published) => {
                Some(format!("has rows beyond the {published} of {task}: they have no fold"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::document::Document;

    fn read(text: &str, task: &str) -> Result<RowIndex, String> {
        let document = Document {
            stream: Box::new(std::io::Cursor::new(text.as_bytes().to_vec())),
            file: Arc::from("t.json"),
            name: "t.json".to_owned(),
        };
        let mut json = JsonStream::new(document);
        RowIndex::read(&mut json, task, "mb-x-").map_err(|error| error.to_string())
    }

    fn ids(text: &str, task: &str) -> Vec<String> {
        let index = read(text, task).expect("an index");
        let id = |row| {
            let mut bytes = Vec::new();
            assert!(index.push_id(row, &mut bytes));
            String::from_utf8(bytes).expect("ASCII")
        };
        assert!(!index.push_id(index.len(), &mut Vec::new()));
        (0..index.len()).map(id).collect()
    }

    #[test]
    fn a_row_has_the_identifier_of_its_published_row() {
        assert_eq!(ids("[0, 1, 2]", "matbench_x"), ["mb-x-1", "mb-x-2", "mb-x-3"]);
        assert_eq!(ids("[2, 0]", "matbench_x"), ["mb-x-3", "mb-x-1"]);
        assert_eq!(ids("[7, 8, 9]", "matbench_x"), ["mb-x-08", "mb-x-09", "mb-x-10"]);
        assert_eq!(ids("[0, 1, 5]", "matbench_jdft2d"), ["mb-x-001", "mb-x-002", "mb-x-006"]);
        assert_eq!(ids("[\"mb-y-3\", \"mb-y-1\"]", "matbench_x"), ["mb-y-3", "mb-y-1"]);
        assert_eq!(ids("[]", "matbench_x"), [""; 0]);
    }

    #[test]
    fn an_index_of_no_kind_is_an_error() {
        for (text, said) in [
            ("[0, \"mp-1\"]", "value 2 of the index is \"\\\"mp-1"),
            ("[\"mp-1\"]", "value 1"),
            ("[\"mb-y-\"]", "value 1"),
            ("[\"mb--1\"]", "value 1"),
            ("[\"mb-y-1\", \"mb-z-1\"]", "value 2"),
            ("[0, \"mb-y-1\"]", "value 2"),
            ("[\"mb-y-1\", 0]", "value 2"),
            ("[-1]", "value 1"),
            ("[1.0]", "value 1"),
            ("[null]", "value 1"),
            ("[4294967295]", "value 1"),
            ("[3, 1, 3]", "3 stands twice"),
            ("[\"mb-y-1\", \"mb-y-1\"]", "\"mb-y-1\" stands twice"),
        ] {
            let error = read(text, "matbench_x").expect_err(text);
            assert!(error.starts_with("t.json: ") && error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn an_index_has_so_many_rows_at_most() {
        let numbers = format!("[{}7]", "7,".repeat(MAX_ROWS));
        let long = format!("\"mb-y-{}\"", "1".repeat(1000));
        let names = format!("[{long}{}]", format!(",{long}").repeat(MAX_TEXT_BYTES / 1000));
        for text in [numbers, names] {
            let error = read(&text, "matbench_x").expect_err("a large index");
            assert!(error.contains("has an index of over 4194304 rows"), "{error}");
        }
    }

    #[test]
    fn a_task_of_another_size_is_doubted() {
        let doubt = |text: &str, task| read(text, task).expect("an index").doubt(task);
        assert!(doubt("[0, 1]", "matbench_jdft2d").is_some_and(|doubt| doubt.contains("of 636")));
        assert!(doubt("[1, 0]", "matbench_jdft2d").is_none());
        assert!(doubt("[636]", "matbench_jdft2d").is_some_and(|doubt| doubt.contains("beyond")));
        assert!(doubt("[0, 1]", "matbench_x").is_none());
    }
}
