//! Fuzzes [`fuzz::entry::archive`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::archive(bytes));
