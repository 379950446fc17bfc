use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use proptest::prelude::*;

use super::*;

/// Writes columns and reads the content of their pages.
fn contents(path: &Path, columns: Vec<ArrayRef>, properties: WriterPropertiesBuilder) -> Vec<ChunkContent> {
    let named = columns.into_iter().enumerate().map(|(at, column)| (format!("c{at}"), column));
    let batch = RecordBatch::try_from_iter(named).expect("columns of equal length");
    write(path, &batch, properties.set_compression(Compression::ZSTD(ZstdLevel::default())));
    read(path).expect("headers")
}

fn write(path: &Path, batch: &RecordBatch, properties: WriterPropertiesBuilder) {
    let file = File::create(path).expect("a writable folder");
    let properties = properties.build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a valid schema");
    writer.write(batch).expect("a valid batch");
    writer.close().expect("a writable file");
}

/// Reads the content of the pages in the first row group.
fn read(path: &Path) -> io::Result<Vec<ChunkContent>> {
    let file = File::open(path).expect("a file");
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file.try_clone().expect("a handle")).expect("Parquet");
    let group = builder.metadata().row_group(0).clone();
    group.columns().iter().map(|chunk| ChunkContent::of(&file, chunk)).collect()
}

#[test]
fn a_dictionary_is_as_long_as_its_texts_may_be() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "x".repeat(100_000);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![text.as_str(); 500]));
    let path = folder.path().join("texts.parquet");
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let content = |properties: WriterPropertiesBuilder| {
            let contents = contents(&path, vec![texts.clone()], properties.set_writer_version(version));
            assert_eq!((contents.len(), contents[0].values), (1, 500));
            contents[0]
        };
        let dictionary = content(WriterProperties::builder());
        assert_eq!((dictionary.repeated_text, dictionary.densest), (100_004, 0));
        assert!(path.metadata().expect("a file").len() < 5_000);
        let plain = WriterProperties::builder().set_dictionary_enabled(false);
        let plain = content(plain.set_encoding(Encoding::PLAIN));
        assert_eq!(plain.repeated_text, 0);
        assert!(plain.densest >= 100_004 && plain.densest < 101_000, "{plain:?}");
        assert!(plain.plain_bytes >= 500 * 100_004);
        let delta = WriterProperties::builder().set_dictionary_enabled(false);
        let delta = content(delta.set_encoding(Encoding::DELTA_BYTE_ARRAY));
        assert!(delta.repeated_text >= 100_000 && delta.densest == 0, "{delta:?}");
    }
}

#[test]
fn batches_of_long_texts_are_short() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("texts.parquet");
    for (length, most, rows) in [(20, 64, 64), (1 << 20, 64, 31), (1 << 20, 8, 8), (40 << 20, 64, 1)] {
        let text = "x".repeat(length);
        let texts: ArrayRef = Arc::new(StringArray::from(vec![text.as_str(); 2]));
        contents(&path, vec![texts], WriterProperties::builder());
        let file = File::open(&path).expect("a file");
        let builder = ParquetRecordBatchReaderBuilder::try_new(file.try_clone().expect("a handle"));
        let metadata = builder.expect("Parquet").metadata().clone();
        let found = batch_rows(&file, &metadata, [0, 9], &ProjectionMask::all(), most);
        assert_eq!(found.expect("within bounds"), rows, "{length}");
    }
}

#[test]
fn cut_and_foreign_bytes_are_no_pages() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("numbers.parquet");
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..1000));
    contents(&path, vec![numbers], WriterProperties::builder());
    let whole = std::fs::read(&path).expect("a file");
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(File::open(&path).expect("a file")).expect("Parquet");
    let chunk = builder.metadata().row_group(0).column(0).clone();
    for filling in [0x00, 0x15, 0xff] {
        let mut file = File::create(&path).expect("a writable folder");
        file.write_all(&vec![filling; whole.len()]).expect("room");
        let read = ChunkContent::of(&File::open(&path).expect("a file"), &chunk);
        assert!(read.is_err(), "{filling}: {read:?}");
    }
    std::fs::write(&path, &whole[..5]).expect("a writable folder");
    assert!(ChunkContent::of(&File::open(&path).expect("a file"), &chunk).is_err());
}

#[test]
fn columns_that_share_their_bytes_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("numbers.parquet");
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..10_000));
    contents(&path, vec![numbers], WriterProperties::builder());
    let file = File::open(&path).expect("a file");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.try_clone().expect("a handle"));
    let metadata = builder.expect("Parquet").metadata().clone();
    let rows =
        |groups: &[usize]| batch_rows(&file, &metadata, groups.iter().copied(), &ProjectionMask::all(), 8);
    assert_eq!(rows(&[0]).expect("one column"), 8);
    let error = rows(&[0; 9]).expect_err("nine columns in one place").to_string();
    assert_eq!(error, "column 'c0': columns take more bytes than the file has");
}

#[test]
fn pages_packed_by_gzip_hold_what_they_say() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("texts.parquet");
    let texts: ArrayRef = Arc::new(StringArray::from_iter((0..500).map(|row| (row % 3 > 0).then_some("x"))));
    let batch = RecordBatch::try_from_iter([("c", texts)]).expect("a column");
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let properties = WriterProperties::builder()
            .set_compression(Compression::GZIP(GzipLevel::default()))
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::PLAIN)
            .set_writer_version(version);
        write(&path, &batch, properties);
        let content = read(&path).expect("a good file")[0];
        assert_eq!(content.values, 500);
        // Decreases the size in the header, which takes two bytes, by one.
        let size = content.largest_page as u16 * 2;
        assert!((1 << 7..1 << 14).contains(&size) && size & 0x7f >= 2, "{size}");
        let mut bytes = std::fs::read(&path).expect("a file");
        let header = [0x15, (size & 0x7f | 0x80) as u8, (size >> 7) as u8, 0x15];
        let at = bytes.windows(4).position(|bytes| bytes == header).expect("a header");
        bytes[at + 1] -= 2;
        std::fs::write(&path, bytes).expect("a writable folder");
        let error = read(&path).expect_err("a byte more").to_string();
        assert_eq!(error, "a page unpacks to more than its header says");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_value_is_counted(
        rows in 1_usize..3000,
        page_rows in 1_usize..400,
        second_version: bool,
        dictionary: bool,
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let numbers: ArrayRef = Arc::new((0..rows).map(|row| (row % 3 > 0).then_some(row as f64)).collect::<Float64Array>());
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("text {}", row % 7))));
        let version = if second_version { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_dictionary_enabled(dictionary)
            .set_data_page_row_count_limit(page_rows)
            .set_write_batch_size(page_rows);
        let found = contents(&folder.path().join("values.parquet"), vec![numbers, texts], properties);
        prop_assert_eq!(found.iter().map(|content| content.values).collect::<Vec<_>>(), [rows as u64; 2]);
        prop_assert!(found.iter().all(|content| content.repeated_text.max(content.densest) > 0));
    }
}
