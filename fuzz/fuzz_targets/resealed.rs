//! Fuzzes [`fuzz::columnar::resealed`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::columnar::resealed(bytes));
