//! Where the programs lie.

use std::path::{Path, PathBuf};

/// The ETL, which lies beside the trainer; `cargo test --workspace` has built both.
pub(crate) fn etl_beside(trainer: &str) -> PathBuf {
    let etl = Path::new(trainer).with_file_name("etl");
    assert!(etl.is_file(), "{} is not there: cargo build --release --workspace", etl.display());
    etl
}
