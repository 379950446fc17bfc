//! Fuzzes [`fuzz::columnar::parquet_table`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::columnar::parquet_table(bytes));
