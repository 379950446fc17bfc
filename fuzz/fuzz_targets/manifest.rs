//! Fuzzes [`fuzz::entry::manifest`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::manifest(bytes));
