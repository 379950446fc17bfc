use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use proptest::prelude::*;

use super::*;

/// Writes columns and reads what their pages hold.
fn contents(path: &Path, columns: Vec<ArrayRef>, properties: WriterPropertiesBuilder) -> Vec<ChunkContent> {
    let named = columns.into_iter().enumerate().map(|(at, column)| (format!("c{at}"), column));
    let batch = RecordBatch::try_from_iter(named).expect("columns of equal length");
    let file = File::create(path).expect("a writable folder");
    let properties = properties.set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a valid schema");
    writer.write(&batch).expect("a valid batch");
    writer.close().expect("a writable file");
    let file = File::open(path).expect("a file");
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file.try_clone().expect("a handle")).expect("Parquet");
    let group = builder.metadata().row_group(0).clone();
    group.columns().iter().map(|chunk| ChunkContent::of(&file, chunk).expect("headers")).collect()
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
        // A header of nothing is a page of nothing.
        assert!(filling == 0 || read.is_err(), "{filling}: {read:?}");
    }
    std::fs::write(&path, &whole[..5]).expect("a writable folder");
    assert!(ChunkContent::of(&File::open(&path).expect("a file"), &chunk).is_err());
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
