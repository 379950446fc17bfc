//! The part of the project's `schemas` without shards: names of columns, settings, the manifest.
//!
//! The real crate brings arrow and parquet with it, which take minutes to compile instrumented and
//! slow every execution down by their coverage counters. The sources are the real ones.

// `store` names the types of a schema as `arrow` exports them.
extern crate self as arrow;

/// The types of a schema.
pub mod datatypes {
    pub use arrow_schema::{DataType, Field, Schema, SchemaRef};
}

#[path = "../../../schemas/src/bounded.rs"]
pub mod bounded;
#[path = "../../../schemas/src/count.rs"]
pub mod count;
#[path = "../../../schemas/src/error.rs"]
pub mod error;
#[path = "../../../schemas/src/hash.rs"]
pub mod hash;
#[path = "../../../schemas/src/limits.rs"]
pub mod limits;
#[path = "../../../schemas/src/manifest.rs"]
pub mod manifest;
#[path = "../../../schemas/src/matbench.rs"]
pub mod matbench;
#[path = "../../../schemas/src/name.rs"]
pub mod name;
#[path = "../../../schemas/src/part.rs"]
pub mod part;
#[path = "../../../schemas/src/property.rs"]
pub mod property;
#[path = "../../../schemas/src/regular.rs"]
pub mod regular;
#[path = "../../../schemas/src/seal.rs"]
pub mod seal;
#[path = "../../../schemas/src/settings.rs"]
pub mod settings;
#[path = "../../../schemas/src/store.rs"]
pub mod store;
#[path = "../../../schemas/src/text.rs"]
pub mod text;
