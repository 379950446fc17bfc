//! Fuzzes [`etl::entry::feature`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::feature(bytes));
