//! Fuzzes [`fuzz::entry::cif`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::cif(bytes));
