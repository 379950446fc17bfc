//! Fuzzes [`etl::entry::oqmd`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::oqmd(bytes));
