//! As the crate above, with what reads and writes Arrow and Parquet, and with the real `schemas`.
//!
//! These two are most of what is compiled, instrumented, and slow every execution down, so that the other
//! readers do without. Polars is left out here as well.

extern crate self as etl;

pub mod columnar;
#[path = "../../../etl/src/columns.rs"]
pub mod columns;
#[path = "../../src/entry.rs"]
pub mod entry;
#[path = "../../../etl/src/feature.rs"]
pub mod feature;
#[path = "../../../etl/src/filter/mod.rs"]
pub mod filter;
#[path = "../../../etl/src/inspect/mod.rs"]
pub mod inspect;
#[allow(dead_code, unused_imports)]
#[path = "../../../etl/src/labels/mod.rs"]
pub mod labels;
#[path = "../../../etl/src/no_follow.rs"]
mod no_follow;
#[allow(dead_code, unused_imports)]
#[path = "../../../etl/src/pipeline/mod.rs"]
pub mod pipeline;
#[path = "../../../etl/src/reject.rs"]
pub mod reject;
#[path = "../../../etl/src/shard.rs"]
pub mod shard;
#[allow(dead_code, unused_imports)]
#[path = "../../../etl/src/source/mod.rs"]
pub mod source;
#[path = "../../../etl/src/validate/mod.rs"]
pub mod validate;
#[path = "../../../etl/src/worker/mod.rs"]
pub mod worker;
