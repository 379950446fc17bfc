//! Fuzzes [`fuzz::entry::alexandria`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::alexandria(bytes));
