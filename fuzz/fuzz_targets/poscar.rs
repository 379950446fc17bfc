//! Fuzzes [`fuzz::entry::poscar`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::poscar(bytes));
