//! Fuzzes [`fuzz::entry::poscar_json`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::poscar_json(bytes));
