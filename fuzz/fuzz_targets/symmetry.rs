//! Fuzzes [`etl::entry::symmetry`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::symmetry(bytes));
