//! Fuzzes [`fuzz::entry::aselmdb`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::aselmdb(bytes));
