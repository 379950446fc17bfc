//! Fuzzes [`etl::entry::matbench`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::matbench(bytes));
