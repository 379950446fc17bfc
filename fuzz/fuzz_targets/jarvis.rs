//! Fuzzes [`fuzz::entry::jarvis`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::jarvis(bytes));
