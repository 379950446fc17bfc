//! Formats of the tables that commands write. The ending of the file name chooses the format.

mod json;
mod records;

use std::path::{Path, PathBuf};

use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

pub(crate) use json::JsonRows;
pub(crate) use records::{Column, Record, RecordWriter};

/// Prefix of the keys in the metadata of Parquet tables.
pub(crate) const METADATA_PREFIX: &str = "mmpt.";
/// File endings of the formats.
const ENDINGS: [&str; 4] = [".parquet", ".csv", ".json", ".jsonl"];

/// Format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Parquet, compressed with zstd. The metadata describe the table.
    Parquet,
    /// CSV with a header.
    Csv,
    /// A JSON array with one object per line.
    Json,
    /// JSON lines: one object per line.
    JsonLines,
}

/// A file name whose ending belongs to no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: the name ends in none of {}", path.display(), ENDINGS.join(", "))]
pub struct UnknownEnding {
    /// Path of the table.
    pub path: PathBuf,
}

impl TableFormat {
    /// Returns the format for a file name.
    ///
    /// # Errors
    /// [`UnknownEnding`] for any other ending.
    pub fn of(path: &Path) -> Result<Self, UnknownEnding> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("parquet") => Ok(Self::Parquet),
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some("jsonl") => Ok(Self::JsonLines),
            _ => Err(UnknownEnding { path: path.to_owned() }),
        }
    }
}

/// Returns the properties of a Parquet file with metadata under `mmpt.<key>`.
pub(crate) fn parquet_properties<'a>(
    metadata: impl IntoIterator<Item = (&'a str, String)>,
) -> WriterProperties {
    let entries =
        metadata.into_iter().map(|(key, value)| KeyValue::new(format!("{METADATA_PREFIX}{key}"), value));
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(entries.collect()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_format() {
        for (name, format) in [
            ("a.parquet", TableFormat::Parquet),
            ("x/a.csv", TableFormat::Csv),
            ("a.b.json", TableFormat::Json),
            ("a.jsonl", TableFormat::JsonLines),
        ] {
            assert_eq!(TableFormat::of(Path::new(name)).expect(name), format);
        }
        for name in ["a", "a.txt", "csv", ".parquet", "a.parquet.gz"] {
            let message = TableFormat::of(Path::new(name)).expect_err(name).to_string();
            assert!(message.starts_with(name) && message.contains(".jsonl"), "{message}");
        }
    }
}
