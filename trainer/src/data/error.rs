//! Errors of reading crystals and building batches.

use std::path::{Path, PathBuf};

use schemas::StoreError;
use schemas::count::counted;
use schemas::limits::LimitError;

/// An error of the data path. Every variant names its place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A shard cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A pattern matches nothing.
    #[error("'{pattern}' matches no shard")]
    NothingMatches {
        /// The pattern.
        pattern: String,
    },
    /// A pattern is invalid.
    #[error("'{pattern}' is not a valid pattern: {message} at character {position}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Position of the fault, counted from 1.
        position: usize,
        /// A description of the fault.
        message: String,
    },
    /// No shards were given.
    #[error("no shards are given: name files, store folders or patterns such as 'data/*/*.parquet'")]
    NoShards,
    /// A folder has no manifest.
    #[error(
        "{}: not a finished store: {} is missing, and both folders belong together (shards can be named as files)",
        path.display(), manifest.display()
    )]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// Where its manifest would be.
        manifest: PathBuf,
    },
    /// Two stores were built with different settings.
    #[error(
        "{} and {} do not go together: {key} is {first_value} in the first and {second_value} in the second",
        first.display(), second.display()
    )]
    OtherSettings {
        /// Path of the first store, or of the shard if it belongs to no store.
        first: PathBuf,
        /// Path of the store that differs, or of its shard.
        second: PathBuf,
        /// The setting that differs.
        key: String,
        /// Value in the first store.
        first_value: String,
        /// Value in the second store.
        second_value: String,
    },
    /// No shard has the column.
    #[error("no shard has a {kind} column '{column}'; there are: {}", listed(available))]
    UnknownColumn {
        /// Kind of the column: `property` or `split`.
        kind: &'static str,
        /// Name of the requested column.
        column: String,
        /// Names of the existing columns, in order.
        available: Vec<String>,
    },
    /// A subset has no crystals.
    #[error("the subset '{subset}' holds none of the {}", counted(*crystals, "crystal"))]
    EmptySubset {
        /// Description of the subset.
        subset: String,
        /// Number of crystals in all shards.
        crystals: u64,
    },
    /// A setting of the data path is out of range.
    #[error("{setting} = {value} must be {expected}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// The value.
        value: String,
        /// A description of the allowed values.
        expected: &'static str,
    },
    /// A crystal is not a valid graph.
    #[error("crystal '{material_id}': {source}")]
    Crystal {
        /// Identifier of the crystal.
        material_id: String,
        /// The underlying error.
        source: GraphError,
    },
    /// A shard holds an invalid crystal.
    #[error("{}: {source}", path.display())]
    OfShard {
        /// The shard.
        path: PathBuf,
        /// The error of the crystal.
        source: Box<DataError>,
    },
    /// A batch is too large for memory.
    #[error(
        "a batch of {count} {items} up to crystal '{last}' is too large, {limit} at most; lower the limit of \
         crystals or of triplets in a batch"
    )]
    BatchTooLarge {
        /// Kind of the items: `atoms`, `edges` or `triplets`.
        items: &'static str,
        /// Number of items.
        count: usize,
        /// Maximum number of items.
        limit: usize,
        /// Identifier of the crystal that exceeds the maximum.
        last: String,
    },
    /// The system cannot start a thread.
    #[error("cannot start a thread that reads shards: {message}")]
    Thread {
        /// Message of the system.
        message: String,
    },
    /// A thread of the stream ended without a result.
    #[error("a thread that builds batches has stopped unexpectedly")]
    ThreadLost,
}

impl DataError {
    /// Adds the shard to the error of a crystal.
    pub(crate) fn of_shard(self, path: &Path) -> Self {
        match self {
            Self::Crystal { .. } => Self::OfShard { path: path.to_owned(), source: Box::new(self) },
            other => other,
        }
    }
}

/// Joins names by commas.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// An error that makes a crystal unfit for a graph.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Two lists that belong together differ in length.
    #[error("{} of {list} instead of {expected}", counted(*found, "value"))]
    Length {
        /// Name of the list.
        list: &'static str,
        /// Length of the list.
        found: usize,
        /// Expected length.
        expected: usize,
    },
    /// An atomic number is outside 1..=118.
    #[error("site {site} has the atomic number {value}")]
    AtomicNumber {
        /// Index of the site, from 0.
        site: usize,
        /// The value.
        value: u8,
    },
    /// The model has no features of an element.
    #[error(
        "site {site} is {symbol} (Z = {value}), of which the model has no features, only up to Z = {last}"
    )]
    NoFeatures {
        /// Index of the site, from 0.
        site: usize,
        /// Symbol of the element.
        symbol: &'static str,
        /// Its atomic number.
        value: u8,
        /// Last atomic number with features.
        last: u8,
    },
    /// A coordinate or lattice vector is not finite.
    #[error("{quantity} of {item} is not finite")]
    NotFinite {
        /// The quantity: `a coordinate` or `a component`.
        quantity: &'static str,
        /// The site or vector.
        item: String,
    },
    /// An edge refers to a missing site.
    #[error("edge {edge} names site {site} of {sites}")]
    Site {
        /// Index of the edge, from 0.
        edge: usize,
        /// Index of the missing site.
        site: u32,
        /// Number of sites.
        sites: usize,
    },
    /// Edges do not ascend by their centre atom.
    #[error("edge {edge} is not in the order of centre atoms")]
    Order {
        /// Index of the edge, from 0.
        edge: usize,
    },
    /// A value of a batch's list is no index.
    #[error("value {position} of {list} is {value}, which is not within 0 and {}", count.saturating_sub(1))]
    Index {
        /// Name of the list.
        list: &'static str,
        /// Place in the list, from 0.
        position: usize,
        /// The value.
        value: i32,
        /// Number of items that an index can name.
        count: usize,
    },
    /// A list of a batch does not ascend.
    #[error("value {position} of {list} is less than the one before")]
    Ascent {
        /// Name of the list.
        list: &'static str,
        /// Place in the list, from 0.
        position: usize,
    },
    /// A direction label is outside 0..=26.
    #[error("edge {edge} has the direction label {value}")]
    Direction {
        /// Index of the edge, from 0.
        edge: usize,
        /// The value.
        value: u8,
    },
    /// A crystal exceeds the limits of a store.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// An edge has length zero or exceeds the cutoff.
    #[error("edge {edge} is {distance} Å long, which is not within 0 and {cutoff} Å")]
    Distance {
        /// Index of the edge, from 0.
        edge: usize,
        /// Length of the edge in Å.
        distance: f64,
        /// Cutoff of the store in Å.
        cutoff: f64,
    },
}

impl GraphError {
    /// Returns the error for a crystal.
    pub fn of(self, material_id: &str) -> DataError {
        DataError::Crystal { material_id: material_id.to_owned(), source: self }
    }
}
