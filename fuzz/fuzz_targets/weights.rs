//! Fuzzes [`fuzz::weights::weights`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::weights::weights(bytes));
