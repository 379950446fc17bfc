//! Fuzzes [`fuzz::entry::cif_file`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::cif_file(bytes));
