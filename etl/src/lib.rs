//! Conversion of published crystal databases into Parquet feature stores.
//!
//! "Specification" in the documentation refers to the page `docs/src/specification.md` of the book.
//!
//! Each module depends only on those above it:
//!
//! ```text
//! crystal (a crate)             readers of structures, and their features (specification, section 2)
//! source, labels                published files and label tables, read into crystals
//! feature                       settings and limits of a store, for `crystal`
//! structure_hash, symmetry      what equal crystals have in common, space groups
//! atomic                        files that appear whole or not at all
//! columns, filter, shard        rows, filters on rows, and Parquet files
//! pipeline                      `etl build`: threads, order of rows, resuming, rejects, manifest
//! parts, worker                 `etl merge` and `etl worker`: builds on several machines
//! chart, page                   charts in SVG, pages in HTML
//! stats, inspect, validate      `etl stats`, `etl inspect`, `etl columns`, `etl validate`: the content of a store
//! duplicates                    `etl duplicates`: crystals that stores may have in common
//! export                        `etl export`: crystals of a store as files for other programs
//! fetch                         `etl fetch`: download of published files
//! ```

pub mod atomic;
pub mod chart;
pub mod columns;
pub mod duplicates;
pub mod export;
pub mod feature;
pub mod fetch;
pub mod filter;
pub mod inspect;
pub mod labels;
mod no_follow;
pub mod page;
pub mod parts;
pub mod pipeline;
pub mod reject;
mod sample;
pub mod shard;
pub mod source;
pub mod stats;
pub mod structure_hash;
pub mod symmetry;
#[cfg(test)]
mod test_store;
pub mod validate;
pub mod worker;
