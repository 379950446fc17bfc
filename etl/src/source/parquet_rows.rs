//! Rows of Parquet tables as JSON objects, for formats whose columns hold lists.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use schemas::guard::GuardedBatches;

use super::input::Progress;
use super::parquet_file::{check_compression, fault, open_batches, open_table};
use super::record_fields::RecordFields;
use super::records::{Piece, RecordCutter, RecordLayout};
use super::{MAX_RECORD_BYTES, RecordError, SourceError};

/// Number of rows that are decoded at a time.
const BATCH_ROWS: usize = 256;

/// Whether the values of a column may be those of a property: numbers, booleans and texts.
fn is_scalar(kind: &DataType) -> bool {
    match kind {
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
            true
        }
        DataType::Dictionary(_, values) => is_scalar(values),
        kind => kind.is_numeric(),
    }
}

/// Returns the names of a table's columns.
///
/// # Errors
/// Returns a [`SourceError`] if it cannot be read.
pub(super) fn column_names(path: &Path) -> Result<Vec<String>, SourceError> {
    let table = open_table(path)?;
    Ok(table.schema().fields().iter().map(|field| field.name().clone()).collect())
}

/// A format of rows in Parquet tables.
pub(super) struct ParquetRows {
    /// Name of the source.
    pub(super) source: &'static str,
    /// Columns that every table of the source has.
    pub(super) needed: &'static [&'static str],
    /// Whether a column of lists is read.
    pub(super) is_wanted: fn(&str) -> bool,
    /// Columns of lists that are not read and that no note names, because they hold no further data of the crystals.
    pub(super) restated: &'static [&'static str],
    /// Reads a row, as [`RecordLayout::read`] says.
    pub(super) read: fn(&[u8], &mut dyn RecordFields) -> Result<(), RecordError>,
}

impl RecordLayout for ParquetRows {
    fn source(&self) -> &'static str {
        self.source
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".parquet"]
    }

    fn is_sequential(&self) -> bool {
        false
    }

    fn unread_columns(&self, path: &Path) -> Result<Vec<String>, SourceError> {
        let table = open_table(path)?;
        let unread = table.schema().fields().iter().filter(|field| {
            let name = field.name().as_str();
            plain_type(field.data_type()).is_some()
                && !is_scalar(field.data_type())
                && !(self.is_wanted)(name)
                && !self.restated.contains(&name)
        });
        Ok(unread.map(|field| field.name().clone()).collect())
    }

    fn open(&self, path: &Path, progress: &Progress) -> Result<Box<dyn RecordCutter>, SourceError> {
        Ok(Box::new(RowCutter::open(path, self.needed, self.is_wanted, progress)?))
    }

    fn read(&self, record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
        (self.read)(record, fields)
    }
}

/// Cuts a table into its rows, as JSON objects of the columns that are wanted or hold scalars.
pub(super) struct RowCutter {
    file: Arc<str>,
    batches: GuardedBatches,
    names: Vec<String>,
    columns: Vec<ArrayRef>,
    /// Number of rows of the batch, and of those among them that were cut.
    rows: usize,
    next: usize,
    progress: Progress,
    /// Size of the file in bytes, and how many rows it has.
    size: (u64, u64),
    /// Number of rows so far.
    count: u64,
}

impl RowCutter {
    /// Opens a table. Columns of lists are read only if they are `wanted`.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if the table cannot be read or lacks a column that is `needed`.
    pub(super) fn open(
        path: &Path,
        needed: &[&str],
        wanted: impl Fn(&str) -> bool,
        progress: &Progress,
    ) -> Result<Self, SourceError> {
        let table = open_table(path)?;
        let file: Arc<str> = Arc::from(&*path.to_string_lossy());
        let fields = table.schema().fields();
        for column in needed {
            if !fields.iter().any(|field| field.name() == column) {
                return Err(SourceError::MissingColumn {
                    file: file.to_string(),
                    wanted: (*column).to_owned(),
                    found: fields.iter().map(|field| field.name().clone()).collect(),
                });
            }
        }
        let used = fields.iter().enumerate();
        let used = used.filter(|(_, field)| wanted(field.name()) || is_scalar(field.data_type()));
        let (used, names): (Vec<usize>, Vec<String>) =
            used.map(|(at, field)| (at, field.name().clone())).unzip();
        check_compression(path, table.metadata())?;
        let rows = u64::try_from(table.metadata().file_metadata().num_rows()).unwrap_or_default();
        let bytes = std::fs::metadata(path).map_err(|source| SourceError::open(path, source))?.len();
        let batches = open_batches(path, used, BATCH_ROWS)?;
        let progress = progress.clone();
        let size = (bytes, rows);
        Ok(Self { file, batches, names, columns: Vec::new(), rows: 0, next: 0, progress, size, count: 0 })
    }

    /// Counts a row. The decoder does not read sequentially, so the progress is estimated from the rows.
    fn count(&mut self) {
        let (bytes, rows) = self.size;
        let read =
            |count: u64| (u128::from(bytes) * u128::from(count.min(rows)) / u128::from(rows.max(1))) as u64;
        let before = read(self.count);
        self.count += 1;
        self.progress.add(read(self.count).saturating_sub(before));
    }
}

impl RecordCutter for RowCutter {
    fn file(&self) -> &Arc<str> {
        &self.file
    }

    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Piece>, SourceError> {
        while self.next == self.rows {
            let Some(batch) = self.batches.next() else { return Ok(None) };
            let batch = batch.map_err(|error| fault(&self.file, error))?;
            self.columns = batch
                .columns()
                .iter()
                .map(plain)
                .collect::<Result<_, _>>()
                .map_err(|error| fault(&self.file, error))?;
            self.rows = batch.num_rows();
            self.next = 0;
        }
        let row = self.next;
        self.next += 1;
        self.count();
        let start = bytes.len();
        for (at, (name, column)) in self.names.iter().zip(&self.columns).enumerate() {
            bytes.push(if at == 0 { b'{' } else { b',' });
            write_text(name, bytes);
            bytes.push(b':');
            write_value(column, row, bytes);
            if bytes.len() - start > MAX_RECORD_BYTES {
                bytes.truncate(start);
                let body = Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES });
                return Ok(Some(Piece { line: None, name: None, body }));
            }
        }
        bytes.extend_from_slice(if self.names.is_empty() { b"{}" } else { b"}" });
        Ok(Some(Piece { line: None, name: None, body: Ok(start..bytes.len()) }))
    }
}

/// Converts a column to one of few types: doubles, integers, booleans, texts, and lists of them.
fn plain(column: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    match plain_type(column.data_type()) {
        Some(kind) if kind != *column.data_type() => cast(column, &kind),
        _ => Ok(Arc::clone(column)),
    }
}

/// Returns the type that values of this type are written as; `None` if they are written as `null`.
fn plain_type(kind: &DataType) -> Option<DataType> {
    let list = |field: &Arc<arrow::datatypes::Field>| {
        let inner = plain_type(field.data_type())?;
        Some(DataType::LargeList(Arc::new(field.as_ref().clone().with_data_type(inner))))
    };
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(DataType::LargeUtf8),
        DataType::Boolean => Some(DataType::Boolean),
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => list(field),
        DataType::UInt64 => Some(DataType::UInt64),
        kind if kind.is_integer() => Some(DataType::Int64),
        kind if kind.is_numeric() => Some(DataType::Float64),
        _ => None,
    }
}

/// Appends a text with quotes and escapes.
fn write_text(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => bytes.extend_from_slice(&[b'\\', byte]),
            b'\n' => bytes.extend_from_slice(b"\\n"),
            _ => bytes.push(byte),
        }
    }
    bytes.push(b'"');
}

/// Appends a value of a column as converted by [`plain`]. Writing into memory cannot fail.
fn write_value(column: &ArrayRef, at: usize, bytes: &mut Vec<u8>) {
    if column.is_null(at) {
        bytes.extend_from_slice(b"null");
    } else if let Some(texts) = column.as_string_opt::<i64>() {
        write_text(texts.value(at), bytes);
    } else if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
        let number = numbers.value(at);
        let _ = match number {
            _ if number.is_nan() => write!(bytes, "NaN"),
            f64::INFINITY => write!(bytes, "Infinity"),
            f64::NEG_INFINITY => write!(bytes, "-Infinity"),
            _ => write!(bytes, "{number:?}"),
        };
    } else if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        let _ = write!(bytes, "{}", numbers.value(at));
    } else if let Some(numbers) = column.as_primitive_opt::<UInt64Type>() {
        let _ = write!(bytes, "{}", numbers.value(at));
    } else if let Some(flags) = column.as_boolean_opt() {
        bytes.extend_from_slice(if flags.value(at) { b"true" } else { b"false" });
    } else if let Some(lists) = column.as_list_opt::<i64>() {
        bytes.push(b'[');
        let offsets = lists.value_offsets();
        let bound =
            |at: usize| offsets.get(at).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or_default();
        let range = bound(at)..bound(at + 1);
        for inner in range.clone() {
            if inner > range.start {
                bytes.push(b',');
            }
            // What is larger is refused by its size.
            if bytes.len() > 2 * MAX_RECORD_BYTES {
                break;
            }
            write_value(lists.values(), inner, bytes);
        }
        bytes.push(b']');
    } else {
        bytes.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::json::Cursor;

    use arrow::array::{Float64Array, Int8Array, ListArray, RecordBatch, StringArray, TimestampSecondArray};
    use parquet::arrow::ArrowWriter;

    #[test]
    fn rows_are_objects() {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.1), None, Some(f64::NAN)]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a \"b\"\\\n", "é\t", ""]));
        let lists: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>(vec![
                Some(vec![Some(1), None]),
                None,
                Some(vec![]),
            ]));
        let small: ArrayRef = Arc::new(Int8Array::from(vec![1, -2, 3]));
        let times: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1, 2, 3]));
        let columns = [
            ("x", numbers),
            ("t", texts),
            ("l", lists.clone()),
            ("other", lists),
            ("i", small),
            ("time", times),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("columns");
        let file = tempfile::NamedTempFile::new().expect("a file");
        let writer = file.reopen().expect("a file");
        let mut writer = ArrowWriter::try_new(writer, batch.schema(), None).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("written");
        let progress = Progress::default();
        let mut cutter =
            RowCutter::open(file.path(), &["x"], |name| name == "l", &progress).expect("a table");
        let (mut bytes, mut rows) = (Vec::new(), Vec::new());
        while let Some(piece) = cutter.next(&mut bytes).expect("readable") {
            let row = &bytes[piece.body.expect("small")];
            assert!(Cursor::new(row).skip().is_ok());
            rows.push(String::from_utf8_lossy(row).into_owned());
        }
        assert_eq!(
            rows,
            [
                r#"{"x":0.1,"t":"a \"b\"\\\n","l":[1,null],"i":1}"#,
                "{\"x\":null,\"t\":\"é\t\",\"l\":null,\"i\":-2}",
                r#"{"x":NaN,"t":"","l":[],"i":3}"#,
            ]
        );
        assert_eq!(progress.bytes(), file.path().metadata().expect("a file").len());
        let rows = ParquetRows {
            source: "test",
            needed: &["x"],
            is_wanted: |name| name == "l",
            restated: &[],
            read: |_, _| Ok(()),
        };
        assert_eq!(rows.unread_columns(file.path()).expect("a table"), ["other"]);
        let rows = ParquetRows { restated: &["other"], ..rows };
        assert!(rows.unread_columns(file.path()).expect("a table").is_empty());
        let missing = RowCutter::open(file.path(), &["y"], |_| false, &progress).map(|_| ());
        assert!(matches!(missing, Err(SourceError::MissingColumn { .. })));
    }
}
