//! Fuzzes [`etl::columnar::shard`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| etl::columnar::shard(bytes));
