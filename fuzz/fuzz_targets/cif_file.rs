//! Fuzzes [`etl::entry::cif_file`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::cif_file(bytes));
