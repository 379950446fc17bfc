//! Fuzzes [`fuzz::entry::matbench`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::matbench(bytes));
