//! Fuzzes [`etl::entry::jarvis`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::jarvis(bytes));
