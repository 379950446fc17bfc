//! Parquet files that appear whole or not at all.
//!
//! Row groups are encoded by any thread into memory and appended to their file in order, so that the
//! bytes depend on the rows alone.

use std::fs::File;
use std::io::{self, BufWriter, Write};
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

/// Compression level of zstd: the fastest; higher ones cost more time than they save space.
const ZSTD_LEVEL: i32 = 1;
/// Rows of a page of a scalar column, the grain of the page index.
const PAGE_ROWS: usize = 1024;

/// Values of a block of deltas.
const DELTA_BLOCK_VALUES: usize = 1024;
/// Parts of a block of deltas.
const DELTA_BLOCK_PARTS: usize = 4;

/// Why a Parquet file could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// The operating system refused: disk full, folder not writable, file gone.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file, by its final name.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The encoder refused.
    #[error("cannot write {}: {source}", path.display())]
    Parquet {
        /// The file, by its final name.
        path: PathBuf,
        /// What the encoder said.
        source: ParquetError,
    },
}

/// An error of the Parquet writer, with the operating system's own error where that is the cause.
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

/// Key-value metadata of every file of a store: format, software, settings.
pub fn file_metadata(settings: &FeatureSettings) -> Vec<(String, String)> {
    let mut metadata = vec![
        (FORMAT_VERSION_KEY.to_owned(), FORMAT_VERSION.to_string()),
        (SOFTWARE_VERSION_KEY.to_owned(), SOFTWARE_VERSION.to_owned()),
    ];
    metadata.extend(settings.to_metadata());
    metadata
}

/// Encoding of a file: zstd throughout; statistics and page index on the scalar columns, which
/// queries select by; for the lists an encoding by what they hold.
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
                        *scalar == DataType::Utf8 && field.name() != "material_id",
                    )
            }
        };
    }
    Ok(builder.build())
}

/// Values of a block of deltas and of its parts, each of which has its own bit width. The columns
/// hold much the same values throughout, so larger parts than Parquet's usual 32 cost no space
/// and a fifth less time.
fn delta_blocks() -> Result<DeltaBinaryPackedEncoderOptions, ParquetError> {
    DeltaBinaryPackedEncoderOptions::try_new(DELTA_BLOCK_VALUES, DELTA_BLOCK_PARTS)
}

/// How a list's values are stored: few different texts by dictionary, integers as deltas, which are
/// cheap to write and small, everything else plain.
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

/// A row group that is encoded and compressed but not yet in a file.
pub struct EncodedRowGroup {
    chunks: Vec<ArrowColumnChunk>,
    rows: u64,
}

impl EncodedRowGroup {
    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// Everything the files of one store have in common.
pub struct ShardFormat {
    schema: SchemaRef,
    properties: WriterProperties,
    /// Makes the writers of [`FIELDS_AT_ONCE`] columns each.
    writers: Vec<ArrowRowGroupWriterFactory>,
}

/// Columns whose writers are open at once. Each keeps a context of zstd, some hundred kilobytes, and a table may
/// have thousands.
const FIELDS_AT_ONCE: usize = 128;

impl ShardFormat {
    /// The format of files with this schema and key-value metadata.
    ///
    /// # Errors
    /// [`ParquetError`] if the schema cannot be expressed in Parquet, a fault of the caller.
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

    /// Schema of the files.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Encodes the rows of consecutive batches as one row group.
    ///
    /// # Errors
    /// [`ParquetError`] if a batch does not have the schema.
    pub fn encode(&self, batches: &[RecordBatch]) -> Result<EncodedRowGroup, ParquetError> {
        let mut factories = self.writers.iter();
        let mut writers = Vec::new().into_iter();
        let mut chunks = Vec::new();
        // One column is done before the next is begun, and its buffers are gone: thousands would take a gigabyte.
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

    /// Starts a file under a temporary name in `staging`, a folder on the file system of its final
    /// place.
    ///
    /// # Errors
    /// [`ShardError`] with the file's final name.
    pub fn create(&self, staging: &Path, path: &Path) -> Result<ShardWriter, ShardError> {
        let file = temporary_in(staging, SHARD_BEGINNING)
            .map_err(|source| ShardError::Io { path: path.to_owned(), source })?;
        let (file, temporary) = file.into_parts();
        let writer = HashingWriter::new(BufWriter::new(file));
        let options = ArrowWriterOptions::new().with_properties(self.properties.clone());
        let (writer, _) = ArrowWriter::try_new_with_options(writer, Arc::clone(&self.schema), options)
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|error| parquet_error(path, error))?;
        Ok(ShardWriter { path: path.to_owned(), temporary, writer, rows: 0 })
    }
}

/// A file being written; dropped unfinished, it leaves nothing behind.
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
    /// [`ShardError`], a full disk for example.
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

    /// Writes the footer, makes the file durable and gives it its final name.
    ///
    /// # Errors
    /// [`ShardError`]; then there is no file under the final name, or the one from before.
    pub fn finish(self) -> Result<ShardEntry, ShardError> {
        let Self { path, temporary, writer, rows } = self;
        let io = |source| ShardError::Io { path: path.clone(), source };
        let writer = writer.into_inner().map_err(|error| parquet_error(&path, error))?;
        let (buffered, sha256, bytes) = writer.finish();
        let file = buffered.into_inner().map_err(|error| io(error.into_error()))?;
        publish(&file, temporary, &path).map_err(io)?;
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(ShardEntry { file, rows, bytes, sha256 })
    }
}

/// What the names of files end with that are still being written.
pub(crate) const TEMPORARY_ENDING: &str = ".tmp";
/// What the name of a shard begins with as long as it is being written.
pub(crate) const SHARD_BEGINNING: &str = "shard-";
/// What the name of a small file begins with as long as it is being written.
pub(crate) const FILE_BEGINNING: &str = "file-";

/// Permissions of a new file before the user's mask takes its share; a temporary file's own would shut
/// everybody else out.
#[cfg(unix)]
const NEW_FILE_MODE: u32 = 0o666;

/// A file under a temporary name in `staging` that [`publish`] gives its own; readable by whom the mask of
/// the process lets.
///
/// # Errors
/// Those of the file system.
pub fn temporary_in(staging: &Path, beginning: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(beginning).suffix(TEMPORARY_ENDING);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(NEW_FILE_MODE));
    }
    builder.tempfile_in(staging)
}

/// Syncs a temporary file, renames it and syncs its folder: after that it survives a power cut.
///
/// # Errors
/// Those of the file system; then there is no file under `path`, or the one from before.
pub fn publish(file: &File, temporary: tempfile::TempPath, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Writes a small file whole or not at all.
///
/// # Errors
/// [`ShardError`] with the file's name.
pub fn write_atomically(staging: &Path, path: &Path, contents: &[u8]) -> Result<(), ShardError> {
    let write = || {
        let mut file = temporary_in(staging, FILE_BEGINNING)?;
        file.write_all(contents)?;
        let (file, temporary) = file.into_parts();
        publish(&file, temporary, path)
    };
    write().map_err(|source| ShardError::Io { path: path.to_owned(), source })
}
