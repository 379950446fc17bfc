//! Fuzzes [`etl::weights::weights`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::weights::weights(bytes));
