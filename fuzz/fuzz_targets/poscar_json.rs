//! Fuzzes [`etl::entry::poscar_json`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::poscar_json(bytes));
