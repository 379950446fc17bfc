//! The format of the feature store: what its writer guarantees and its readers may rely on. "Specification" in the
//! documentation and in column descriptions refers to the page `docs/src/specification.md` of the book.
//!
//! * [`bounded`]: reading files with a size limit
//! * [`settings`]: the settings that the features were computed with, and their comparison
//! * [`store`]: the Arrow schema of a shard and of the rejects table, with a description of every column
//! * [`property`]: the numeric properties and the names that sources publish them under
//! * [`view`]: typed rows of a `RecordBatch` without copying
//! * [`sites`]: cells and sites without the edges
//! * [`parquet_table`]: opening a Parquet file of any content
//! * [`reader`]: opening a shard, with all checks
//! * [`layout`]: the folders of a store
//! * [`manifest`]: the list of a store's files with their hashes and counts
//! * [`limits`]: the largest crystal and the largest row group
//! * [`matbench`]: the published tasks of MatBench and their sizes
//! * [`name`]: names of sources and files that cannot leave their folder
//! * [`output`]: checks that an output is not also an input
//! * [`pages`]: sizes of a Parquet column before it is decompressed
//! * [`part`]: assignment of crystals to the parts of a store built in parts
//! * [`regular`]: opening regular files only
//! * [`lock`]: locks that allow one writer at a time in a folder
//! * [`count`]: counts with their nouns in messages
//! * [`guard`]: conversion of decoder panics into errors
//! * [`hash`]: SHA-256 of files and streams
//! * [`text`]: escaping of text from input files
//! * [`seal`]: JSON objects that end with their own SHA-256
//! * `duckdb/*.sql`: views and analyses for DuckDB

pub mod bounded;
pub mod count;
pub mod error;
pub mod guard;
pub mod hash;
pub mod layout;
pub mod limits;
pub mod lock;
pub mod manifest;
pub mod matbench;
pub mod name;
pub mod output;
pub mod pages;
pub mod parquet_table;
pub mod part;
pub mod property;
pub mod reader;
pub mod regular;
pub mod seal;
pub mod settings;
pub mod sites;
pub mod store;
#[cfg(test)]
mod test_shard;
pub mod text;
pub mod view;

pub use error::{StoreError, in_one_line};
