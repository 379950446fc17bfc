//! Fuzzes [`etl::entry::poscar`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::entry::poscar(bytes));
