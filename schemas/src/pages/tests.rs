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
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let properties = || WriterProperties::builder().set_writer_version(version);
        let path = folder.path().join("dictionary.parquet");
        let [dictionary] = contents(&path, vec![texts.clone()], properties())[..] else {
            panic!("one column")
        };
        assert_eq!((dictionary.values, dictionary.longest_text), (500, 100_004));
        assert!(path.metadata().expect("a file").len() < 5_000);
        let plain = properties().set_dictionary_enabled(false).set_encoding(Encoding::PLAIN);
        let [plain] = contents(&path, vec![texts.clone()], plain)[..] else { panic!("one column") };
        assert_eq!(plain.values, 500);
        assert!(plain.longest_text >= 100_004 && plain.longest_text == plain.largest_page, "{plain:?}");
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
        prop_assert!(found.iter().all(|content| content.longest_text >= 6));
    }
}
