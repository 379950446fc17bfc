//! Fuzzes [`fuzz::columnar::colabfit`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::columnar::colabfit(bytes));
