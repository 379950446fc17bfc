//! Writing of Parquet files.
//!
//! Row groups are encoded in memory by any thread and appended to their file in order, so the bytes depend on the
//! rows alone.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    DeltaBinaryPackedEncoderOptions, EnabledStatistics, WriterProperties, WriterPropertiesBuilder,
    WriterVersion,
};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use schemas::hash::HashingWriter;
use schemas::manifest::ShardEntry;
use schemas::settings::FeatureSettings;
use schemas::store::{FORMAT_VERSION, FORMAT_VERSION_KEY, SOFTWARE_VERSION, SOFTWARE_VERSION_KEY};

use crate::atomic::{SHARD_BEGINNING, publish, temporary_in};

/// Compression level of zstd. The fastest level is used, because higher ones take more time than they save space.
const ZSTD_LEVEL: i32 = 1;
/// Number of rows in a page of a scalar column, which is the resolution of the page index.
const PAGE_ROWS: usize = 1024;

/// Number of values in a block of delta encoding.
const DELTA_BLOCK_VALUES: usize = 1024;
/// Number of miniblocks in a block of delta encoding.
const DELTA_BLOCK_PARTS: usize = 4;

/// An error of writing a Parquet file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// An input/output error of the operating system, such as a full disk.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// Final name of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The Parquet encoder returned an error.
    #[error("cannot write {}: {source}", path.display())]
    Parquet {
        /// Final name of the file.
        path: PathBuf,
        /// The error of the encoder.
        source: ParquetError,
    },
}

impl ShardError {
    /// Wraps an I/O error with the final name of the file.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// Converts an error of the Parquet writer. If the operating system caused it, its own error is used.
fn parquet_error(path: &Path, error: ParquetError) -> ShardError {
    let path = path.to_owned();
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => ShardError::Io { path, source: *source },
            Err(inner) => ShardError::Parquet { path, source: ParquetError::External(inner) },
        },
        source => ShardError::Parquet { path, source },
    }
}

/// Returns the key-value metadata of every file of a store: format version, software version and settings.
pub fn file_metadata(settings: &FeatureSettings) -> Vec<(String, String)> {
    let mut metadata = vec![
        (FORMAT_VERSION_KEY.to_owned(), FORMAT_VERSION.to_string()),
        (SOFTWARE_VERSION_KEY.to_owned(), SOFTWARE_VERSION.to_owned()),
    ];
    metadata.extend(settings.to_metadata());
    metadata
}

/// Columns whose texts hardly repeat, so that a dictionary of them takes time and saves nothing.
const UNIQUE_TEXTS: [&str; 3] = ["material_id", "immutable_id", "structure_hash"];

/// Returns the encoding of a file: zstd compression, statistics and page index for the scalar columns, and for lists
/// an encoding that depends on their values.
fn writer_properties(
    schema: &SchemaRef,
    metadata: &[(String, String)],
) -> Result<WriterProperties, ParquetError> {
    let metadata = metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    let level = ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default();
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("mmpt etl {SOFTWARE_VERSION}"))
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(level))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false)
        .set_delta_binary_packed_encoder_options(delta_blocks()?)
        .set_key_value_metadata(Some(metadata));
    for field in schema.fields() {
        builder = match field.data_type() {
            DataType::List(item) => {
                let path =
                    ColumnPath::new(vec![field.name().clone(), "list".to_owned(), item.name().clone()]);
                list_encoding(builder, path, item.data_type())
            }
            DataType::FixedSizeList(..) => builder,
            scalar => {
                let path = ColumnPath::from(field.name().clone());
                builder
                    .set_column_statistics_enabled(path.clone(), EnabledStatistics::Page)
                    .set_column_dictionary_enabled(
                        path,
                        *scalar == DataType::Utf8 && !UNIQUE_TEXTS.contains(&field.name().as_str()),
                    )
            }
        };
    }
    Ok(builder.build())
}

/// Returns the block sizes of delta encoding. Each miniblock has its own bit width. The values of a column are
/// similar throughout, so miniblocks larger than Parquet's default of 32 values take no more space and a fifth less
/// time.
fn delta_blocks() -> Result<DeltaBinaryPackedEncoderOptions, ParquetError> {
    DeltaBinaryPackedEncoderOptions::try_new(DELTA_BLOCK_VALUES, DELTA_BLOCK_PARTS)
}

/// Returns the encoding of a list column: a dictionary for repeated texts, deltas for integers, which are fast to
/// write and small, and plain encoding for all others.
fn list_encoding(
    builder: WriterPropertiesBuilder,
    path: ColumnPath,
    item: &DataType,
) -> WriterPropertiesBuilder {
    match item {
        DataType::Utf8 => builder.set_column_dictionary_enabled(path, true),
        item if item.is_integer() => builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
        _ => builder.set_column_encoding(path, Encoding::PLAIN),
    }
}

/// A row group that is encoded and compressed, but not yet in a file.
pub struct EncodedRowGroup {
    chunks: Vec<ArrowColumnChunk>,
    rows: u64,
}

/// The schema, metadata and encoding that all files of a store share.
pub struct ShardFormat {
    schema: SchemaRef,
    properties: WriterProperties,
    /// Factories of the column writers, for [`FIELDS_AT_ONCE`] columns each.
    writers: Vec<ArrowRowGroupWriterFactory>,
}

/// Number of columns whose writers are open at the same time. Each writer holds a context of zstd, some hundred
/// kilobytes, and a table may have thousands of columns.
const FIELDS_AT_ONCE: usize = 128;

impl ShardFormat {
    /// Creates the format of files with this schema and key-value metadata.
    ///
    /// # Errors
    /// Returns a [`ParquetError`] if the schema cannot be represented in Parquet, which is an error of the caller.
    pub fn new(schema: SchemaRef, metadata: &[(String, String)]) -> Result<Self, ParquetError> {
        let properties = writer_properties(&schema, metadata)?;
        let fields: Vec<_> = schema.fields().iter().cloned().collect();
        let writers = fields.chunks(FIELDS_AT_ONCE).map(|fields| {
            let part = Arc::new(Schema::new(fields));
            let options = ArrowWriterOptions::new().with_properties(writer_properties(&part, &[])?);
            Ok(ArrowWriter::try_new_with_options(io::sink(), part, options)?.into_serialized_writer()?.1)
        });
        let writers = writers.collect::<Result<_, ParquetError>>()?;
        Ok(Self { schema, properties, writers })
    }

    /// Returns the schema of the files.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Encodes the rows of consecutive batches as one row group.
    ///
    /// # Errors
    /// Returns a [`ParquetError`] if a batch does not have the schema.
    pub fn encode(&self, batches: &[RecordBatch]) -> Result<EncodedRowGroup, ParquetError> {
        let mut factories = self.writers.iter();
        let mut writers = Vec::new().into_iter();
        let mut chunks = Vec::new();
        // Columns are encoded one after another, and the buffers of each are freed. Thousands of open buffers would
        // take a gigabyte.
        for (at, field) in self.schema.fields().iter().enumerate() {
            if at % FIELDS_AT_ONCE == 0
                && let Some(factory) = factories.next()
            {
                writers = factory.create_column_writers(0)?.into_iter();
            }
            let mut open: Vec<ArrowColumnWriter> = Vec::new();
            for batch in batches {
                let column = batch.columns().get(at).ok_or_else(|| {
                    ParquetError::General(format!("a batch without column '{}'", field.name()))
                })?;
                for (leaf, values) in compute_leaves(field, column)?.iter().enumerate() {
                    if leaf == open.len() {
                        open.extend(writers.next());
                    }
                    let writer = open.get_mut(leaf).ok_or_else(|| {
                        ParquetError::General(format!("no writer for column '{}'", field.name()))
                    })?;
                    writer.write(values)?;
                }
            }
            for writer in open {
                chunks.push(writer.close()?);
            }
        }
        Ok(EncodedRowGroup { chunks, rows: batches.iter().map(|batch| batch.num_rows() as u64).sum() })
    }

    /// Creates a file under a temporary name in `staging`, a folder on the same file system as `path`.
    ///
    /// # Errors
    /// Returns a [`ShardError`] with the final name of the file.
    pub fn create(&self, staging: &Path, path: &Path) -> Result<ShardWriter, ShardError> {
        let file = temporary_in(staging, SHARD_BEGINNING).map_err(ShardError::io(path))?;
        let (file, temporary) = file.into_parts();
        let writer = HashingWriter::new(BufWriter::new(file));
        let options = ArrowWriterOptions::new().with_properties(self.properties.clone());
        let (writer, _) = ArrowWriter::try_new_with_options(writer, Arc::clone(&self.schema), options)
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|error| parquet_error(path, error))?;
        Ok(ShardWriter { path: path.to_owned(), temporary, writer, rows: 0 })
    }
}

/// A file that is being written. If it is dropped before it is finished, it is removed.
pub struct ShardWriter {
    path: PathBuf,
    temporary: tempfile::TempPath,
    writer: SerializedFileWriter<HashingWriter<BufWriter<File>>>,
    rows: u64,
}

impl ShardWriter {
    /// Appends a row group.
    ///
    /// # Errors
    /// Returns a [`ShardError`] if it cannot be written.
    pub fn append(&mut self, row_group: EncodedRowGroup) -> Result<(), ShardError> {
        self.rows += row_group.rows;
        let append = || {
            let mut writer = self.writer.next_row_group()?;
            for chunk in row_group.chunks {
                chunk.append_to_row_group(&mut writer)?;
            }
            writer.close().map(|_| ())
        };
        append().map_err(|error| parquet_error(&self.path, error))
    }

    /// Writes the footer, syncs the file to disk and renames it to its final name.
    ///
    /// # Errors
    /// Returns a [`ShardError`]. The file under the final name is then absent or unchanged.
    pub fn finish(self) -> Result<ShardEntry, ShardError> {
        let Self { path, temporary, writer, rows } = self;
        let io = || ShardError::io(&path);
        let writer = writer.into_inner().map_err(|error| parquet_error(&path, error))?;
        let (buffered, sha256, bytes) = writer.finish();
        let file = buffered.into_inner().map_err(|error| io()(error.into_error()))?;
        publish(&file, temporary, &path).map_err(io())?;
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(ShardEntry { file, rows, bytes, sha256 })
    }
}
