//! Errors of merging parts.

use std::path::PathBuf;

use schemas::StoreError;
use schemas::count::{agree, plural};
use schemas::output::OutputIsInput;

use crate::pipeline::BuildError;

/// An error of merging parts. Nothing was written, unless writing itself failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A store was not built as a part.
    #[error("{}: a whole store, not a part", store.display())]
    NotAPart {
        /// Folder of the store.
        store: PathBuf,
    },
    /// A part is given twice.
    #[error("part {part} is given twice: {} and {}", first.display(), second.display())]
    Overlap {
        /// The part, such as `3/8`.
        part: String,
        /// The first folder with this part.
        first: PathBuf,
        /// The second folder with this part.
        second: PathBuf,
    },
    /// Parts are missing.
    #[error("{} of {count} {} missing", names(missing, *more), agree(&(missing.len() + more), "is", "are"))]
    Gap {
        /// The first missing parts, counted from 1.
        missing: Vec<u32>,
        /// Number of further missing parts.
        more: usize,
        /// Number of all parts.
        count: u32,
    },
    /// Two parts were not built alike.
    #[error("the parts differ in {field}: {first_value} in {}, {second_value} in {}", first.display(), second.display())]
    Differs {
        /// Field of the manifest.
        field: String,
        /// Folder of the first part.
        first: PathBuf,
        /// Value of the first part.
        first_value: String,
        /// Folder of the part that differs.
        second: PathBuf,
        /// Value of the other part.
        second_value: String,
    },
    /// The manifest of a part is inconsistent, or its rejects table is damaged.
    #[error("{}: damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The sum of the parts' counts overflows.
    #[error("the counts of the parts add up to more than {}", u64::MAX)]
    TooMany,
    /// The output is one of the parts, or lies in one.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// A part cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The merged store cannot be written, or other files are in its place.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Formats the numbers of parts: `part 3`, `parts 3, 5, 6`, `parts 3, 5 and 7 more`.
fn names(parts: &[u32], more: usize) -> String {
    let numbers: Vec<String> = parts.iter().map(u32::to_string).collect();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{} {}{rest}", plural(&(parts.len() + more), "part"), numbers.join(", "))
}
