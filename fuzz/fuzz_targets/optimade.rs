//! Fuzzes [`fuzz::entry::optimade`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::optimade(bytes));
