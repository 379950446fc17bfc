//! Fuzzes [`fuzz::entry::pymatgen`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::entry::pymatgen(bytes));
