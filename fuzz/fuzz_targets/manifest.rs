//! Fuzzes [`etl::entry::manifest`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::manifest(bytes));
