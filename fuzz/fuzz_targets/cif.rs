//! Fuzzes [`etl::entry::cif`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::cif(bytes));
