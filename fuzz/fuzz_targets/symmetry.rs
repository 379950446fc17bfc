//! Fuzzes [`fuzz::entry::symmetry`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::symmetry(bytes));
