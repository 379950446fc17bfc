//! Fuzzes [`fuzz::entry::labels`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::labels(bytes));
