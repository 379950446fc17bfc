//! Fuzzes [`fuzz::entry::extxyz`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::extxyz(bytes));
