//! Fuzzes [`fuzz::columnar::lemat`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::columnar::lemat(bytes));
