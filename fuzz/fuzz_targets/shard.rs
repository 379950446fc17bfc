//! Fuzzes [`fuzz::columnar::shard`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::columnar::shard(bytes));
