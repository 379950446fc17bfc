//! Fuzzes [`etl::columnar::resealed`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::columnar::resealed(bytes));
