//! Fuzzes [`etl::entry::labels`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::labels(bytes));
