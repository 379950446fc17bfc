//! Why parts do not make a store.

use std::path::PathBuf;

use schemas::StoreError;
use schemas::count::{agree, plural};
use schemas::output::OutputIsInput;

use crate::pipeline::BuildError;

/// Parts that cannot be merged; nothing was written unless the disk is at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A store that was not built as a part.
    #[error("{}: a whole store, not a part", store.display())]
    NotAPart {
        /// Folder of the store.
        store: PathBuf,
    },
    /// The same part twice.
    #[error("part {part} is given twice: {} and {}", first.display(), second.display())]
    Overlap {
        /// The part, `3/8`.
        part: String,
        /// Folder that was given first.
        first: PathBuf,
        /// Folder that was given again.
        second: PathBuf,
    },
    /// Parts that were not given.
    #[error("{} of {count} {} missing", names(missing, *more), agree(&(missing.len() + more), "is", "are"))]
    Gap {
        /// The first missing parts, numbered from 1.
        missing: Vec<u32>,
        /// How many parts are missing besides.
        more: usize,
        /// Number of parts there must be.
        count: u32,
    },
    /// Two parts were not built alike.
    #[error("the parts differ in {field}: {first_value} in {}, {second_value} in {}", first.display(), second.display())]
    Differs {
        /// Field of the manifest.
        field: String,
        /// Folder of the first part.
        first: PathBuf,
        /// Its value.
        first_value: String,
        /// Folder of the part that differs.
        second: PathBuf,
        /// Its value.
        second_value: String,
    },
    /// A part's manifest contradicts itself, or its table of rejects is damaged.
    #[error("{}: damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The counts of the parts have a sum that no store has.
    #[error("the counts of the parts add up to more than {}", u64::MAX)]
    TooMany,
    /// The output is one of the parts, or lies in one.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// A part cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The merged store cannot be written, or something is in its way.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// `part 3`, `parts 3, 5, 6`, `parts 3, 5 and 7 more`.
fn names(parts: &[u32], more: usize) -> String {
    let numbers: Vec<String> = parts.iter().map(u32::to_string).collect();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{} {}{rest}", plural(&(parts.len() + more), "part"), numbers.join(", "))
}
