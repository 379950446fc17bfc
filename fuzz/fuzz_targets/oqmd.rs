//! Fuzzes [`fuzz::entry::oqmd`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::oqmd(bytes));
