//! Fuzzes [`fuzz::entry::table`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::table(bytes));
