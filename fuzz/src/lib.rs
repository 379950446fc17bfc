//! The readers of `etl` without the rest of it, and what the fuzz targets call in them.
//!
//! The whole crate has polars, arrow and parquet among its dependencies: they are most of what there
//! is to compile, once more with coverage and sanitizers, and libFuzzer would look at their counters
//! after each execution. The readers need none of them but for Parquet tables, which are parquet's
//! to read. So their sources are taken in by path, and Parquet tables are refused.

extern crate self as etl;

pub mod entry;
// As for sources: what a build asks of labels is not all asked here.
#[allow(dead_code, unused_imports)]
#[path = "../../etl/src/labels/mod.rs"]
pub mod labels;
#[path = "../../etl/src/reject.rs"]
pub mod reject;
pub mod weights;

/// Sources, with their list of modules as `build.rs` writes it.
// Other parts of `etl` use what these modules do not.
#[allow(dead_code, unused_imports)]
pub mod source {
    include!(concat!(env!("OUT_DIR"), "/source.rs"));
}
