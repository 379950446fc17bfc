//! Fuzzes [`fuzz::columnar::arrow_stream`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::columnar::arrow_stream(bytes));
