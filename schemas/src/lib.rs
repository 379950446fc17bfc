//! The contract between the two halves of the project: what the feature store's writer promises
//! and its readers may rely on. The specification that the documentation and the descriptions of columns
//! refer to is a page of the book, `docs/src/specification.md`.
//!
//! * [`bounded`]: reading files up to a size
//! * [`settings`]: what the features were computed with, and the refusal of anything else
//! * [`store`]: the Arrow schema of a shard and of the rejects table, every column documented
//! * [`property`]: the numeric properties and the names under which sources publish them
//! * [`view`]: typed rows of a `RecordBatch`, without copying
//! * [`reader`]: opening a shard, with every check that can refuse it
//! * [`manifest`]: the list of a store's files with their hashes and counts
//! * [`limits`]: how large a crystal and a row group may be
//! * [`matbench`]: MatBench's published tasks and their sizes
//! * [`name`]: names of sources and files that stay in their folder
//! * [`output`]: the refusal of outputs that are inputs
//! * [`pages`]: counts and sizes of a Parquet column before it is unpacked
//! * [`part`]: which crystals one of several builds holds
//! * [`regular`]: opening regular files, and no pipes, devices or sparse files
//! * [`lock`]: one writer at a time in a folder
//! * [`count`]: counts with their nouns in messages
//! * [`guard`]: panics of decoders as errors
//! * [`hash`]: SHA-256 of files and streams
//! * [`text`]: escaping text of files where people read it
//! * [`seal`]: JSON objects that end in their own SHA-256
//! * `duckdb/*.sql`: views and analyses for DuckDB

pub mod bounded;
pub mod count;
pub mod error;
pub mod guard;
pub mod hash;
pub mod limits;
pub mod lock;
pub mod manifest;
pub mod matbench;
pub mod name;
pub mod output;
pub mod pages;
pub mod part;
pub mod property;
pub mod reader;
pub mod regular;
pub mod seal;
pub mod settings;
pub mod store;
#[cfg(test)]
mod test_shard;
pub mod text;
pub mod view;

pub use error::{StoreError, in_one_line};
