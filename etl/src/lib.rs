//! Published crystal databases into Parquet feature stores.
//!
//! The specification that the documentation refers to is a page of the book, `docs/src/specification.md`.
//!
//! The way of the data, each step a module that knows only those above it:
//!
//! ```text
//! structure, element, radius    what a crystal is
//! symmetry ─ cif, poscar        text into structures
//! source, labels                published files into records, records into crystals
//! feature                       Niggli cell, neighbours, labels (specification, section 2)
//! contact                       distances that no crystal has
//! columns, filter, shard        crystals into rows, rows into files
//! pipeline                      `etl build`: threads, order, resume, rejects, manifest
//! parts, worker                 the pipeline on several machines
//! stats, inspect, validate      what is in a store
//! fetch                         public files onto this machine
//! ```

pub mod cartesian;
pub mod cif;
pub mod columns;
pub mod composition;
pub mod contact;
pub mod element;
pub mod feature;
pub mod fetch;
pub mod filter;
pub mod inspect;
pub mod labels;
pub mod math;
mod no_follow;
mod number;
pub mod parts;
pub mod pipeline;
pub mod poscar;
pub mod radius;
pub mod reject;
pub mod shard;
pub mod source;
pub mod stats;
pub mod structure;
pub mod symmetry;
#[cfg(test)]
mod test_store;
pub mod validate;
pub mod worker;
