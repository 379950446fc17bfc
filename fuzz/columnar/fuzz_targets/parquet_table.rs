//! Fuzzes [`etl::columnar::parquet_table`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::columnar::parquet_table(bytes));
