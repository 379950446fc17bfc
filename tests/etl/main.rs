//! Whole-binary tests: what a user types, and what then lies in the store.

mod corpus;
mod damage;
mod determinism;
mod duckdb;
mod exclusion;
mod featurise;
mod fetch;
mod rejects;
mod resume;
mod sample;
mod sources;
mod support;
