//! Tables of records in all formats.

use std::borrow::Cow;
use std::io::{self, Write};

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use schemas::text::cell;
use serde::Serialize;

use super::{JsonRows, TableFormat, parquet_properties};

/// Rows that Parquet's writer gets at once.
const BATCH_ROWS: usize = 4096;

/// A column of records: name, values, whether it may be empty.
pub(crate) type Column = (&'static str, ArrayRef, bool);

/// A row of a table.
pub(crate) trait Record: Sized {
    /// Returns the row for CSV and JSON, with the names of the columns. `text` escapes a text for the format.
    fn line<'a>(&'a self, text: fn(&'a str) -> Cow<'a, str>) -> impl Serialize + 'a;

    /// Returns rows as the columns of Parquet, in order.
    fn columns(rows: &[Self]) -> Vec<Column>;
}

/// Writer of a table of records.
pub(crate) struct RecordWriter<W: Write + Send, R> {
    writer: Writer<W>,
    /// Rows that wait for Parquet.
    waiting: Vec<R>,
}

enum Writer<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Csv(Box<csv::Writer<W>>),
    Json(JsonRows<W>),
}

impl<W: Write + Send, R: Record> RecordWriter<W, R> {
    /// Begins a table. `metadata` are those of Parquet.
    ///
    /// # Errors
    /// If writing fails.
    pub(crate) fn new<'a>(
        out: W,
        format: TableFormat,
        metadata: impl IntoIterator<Item = (&'a str, String)>,
    ) -> io::Result<Self> {
        let none = RecordBatch::try_from_iter_with_nullable(R::columns(&[])).map_err(io::Error::other)?;
        let writer = match format {
            TableFormat::Parquet => {
                let properties = parquet_properties(metadata);
                Writer::Parquet(Box::new(ArrowWriter::try_new(out, none.schema(), Some(properties))?))
            }
            TableFormat::Csv => {
                let mut rows = csv::WriterBuilder::new().has_headers(false).from_writer(out);
                rows.write_record(none.schema().fields().iter().map(|field| field.name()))?;
                Writer::Csv(Box::new(rows))
            }
            TableFormat::Json => Writer::Json(JsonRows::new(out, false)?),
            TableFormat::JsonLines => Writer::Json(JsonRows::new(out, true)?),
        };
        Ok(Self { writer, waiting: Vec::new() })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// If writing fails.
    pub(crate) fn write(&mut self, row: R) -> io::Result<()> {
        match &mut self.writer {
            Writer::Csv(rows) => Ok(rows.serialize(row.line(cell))?),
            Writer::Json(rows) => rows.write(&row.line(Cow::Borrowed)),
            Writer::Parquet(_) => {
                self.waiting.push(row);
                if self.waiting.len() < BATCH_ROWS { Ok(()) } else { self.flush() }
            }
        }
    }

    /// Gives the waiting rows to Parquet.
    fn flush(&mut self) -> io::Result<()> {
        if let Writer::Parquet(writer) = &mut self.writer {
            let columns = R::columns(&self.waiting);
            writer.write(&RecordBatch::try_from_iter_with_nullable(columns).map_err(io::Error::other)?)?;
            self.waiting.clear();
        }
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// If writing fails.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self.writer {
            Writer::Parquet(rows) => Ok(rows.close().map(drop)?),
            Writer::Csv(mut rows) => rows.flush(),
            Writer::Json(rows) => rows.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, StringArray};

    use super::*;

    struct Row(&'static str, Option<f64>);

    #[derive(Serialize)]
    struct Line<'a> {
        name: Cow<'a, str>,
        size: Option<f64>,
    }

    impl Record for Row {
        fn line<'a>(&'a self, text: fn(&'a str) -> Cow<'a, str>) -> impl Serialize + 'a {
            Line { name: text(self.0), size: self.1 }
        }

        fn columns(rows: &[Self]) -> Vec<Column> {
            vec![
                ("name", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))), false),
                ("size", Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>()), true),
            ]
        }
    }

    fn written(format: TableFormat, rows: Vec<Row>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = RecordWriter::new(&mut out, format, [("of", "a test".to_owned())]).expect("begun");
        rows.into_iter().for_each(|row| writer.write(row).expect("written"));
        writer.finish().expect("ended");
        out
    }

    #[test]
    fn every_format_has_the_columns() {
        let rows = || vec![Row("=a", Some(1.5)), Row("b", None)];
        let text = |format, rows| String::from_utf8(written(format, rows)).expect("text");
        assert_eq!(text(TableFormat::Csv, rows()), "name,size\n'=a,1.5\nb,\n");
        assert_eq!(text(TableFormat::Csv, Vec::new()), "name,size\n");
        assert_eq!(
            text(TableFormat::JsonLines, rows()),
            "{\"name\":\"=a\",\"size\":1.5}\n{\"name\":\"b\",\"size\":null}\n"
        );
        assert_eq!(text(TableFormat::Json, Vec::new()), "[\n]\n");
        assert!(written(TableFormat::Parquet, rows()).starts_with(b"PAR1"));
        assert!(written(TableFormat::Parquet, Vec::new()).starts_with(b"PAR1"));
    }
}
