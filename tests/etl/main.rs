//! Whole-binary tests: what a user types, and what then lies in the store.

mod about;
mod classes;
mod contacts;
mod corpus;
mod damage;
mod determinism;
mod dist;
mod duckdb;
mod exclusion;
mod export;
mod featurise;
mod fetch;
mod files;
mod labels;
mod layout;
#[cfg(unix)]
mod modes;
mod neighbours;
mod own_source;
mod parts;
mod records;
mod rejects;
mod release;
mod resume;
mod sample;
#[path = "../common/server.rs"]
mod server;
mod sites;
mod sources;
mod spark;
mod stores;
mod support;
mod symmetry;
mod versions;
mod wording;
mod worker;
