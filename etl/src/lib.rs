//! Published crystal databases into Parquet feature stores.
//!
//! The specification that the documentation refers to is a page of the book, `docs/src/specification.md`.
//!
//! The way of the data, each step a module that knows only those above it:
//!
//! ```text
//! crystal (a crate)             text into structures; Niggli cell, neighbours, labels (specification, section 2)
//! source, labels                published files into records, records into crystals
//! feature                       the settings and limits of a store for the features of `crystal`
//! columns, filter, shard        crystals into rows, rows into files
//! pipeline                      `etl build`: threads, order, resume, rejects, manifest
//! parts, worker                 the pipeline on several machines
//! chart, page                   axes and shapes as SVG, pages of HTML
//! stats, inspect, validate      what is in a store
//! fetch                         public files onto this machine
//! ```

pub mod chart;
pub mod columns;
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
pub mod shard;
pub mod source;
pub mod stats;
#[cfg(test)]
mod test_store;
pub mod validate;
pub mod worker;
