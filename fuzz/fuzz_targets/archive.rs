//! Fuzzes [`etl::entry::archive`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::archive(bytes));
