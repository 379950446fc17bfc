//! Fuzzes [`etl::entry::table`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::table(bytes));
