//! Fuzzes [`fuzz::entry::feature`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::feature(bytes));
