//! Why crystals cannot be read or turned into batches.

use std::path::PathBuf;

use schemas::StoreError;
use schemas::count::counted;
use schemas::limits::LimitError;

/// A failure of the data path; every variant says where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A shard cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A pattern that matches nothing.
    #[error("'{pattern}' matches no shard")]
    NothingMatches {
        /// The pattern given.
        pattern: String,
    },
    /// A pattern that cannot be understood.
    #[error("'{pattern}' is not a valid pattern: {message} at character {position}")]
    Pattern {
        /// The pattern given.
        pattern: String,
        /// Where it goes wrong, counted from 1.
        position: usize,
        /// What is wrong with it.
        message: String,
    },
    /// No shards were asked for.
    #[error("no shards are given: name files, store folders or patterns such as 'data/*/*.parquet'")]
    NoShards,
    /// A folder without a manifest.
    #[error("{}: not a finished store, it has no manifest.json (shards can be named as files)", path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
    },
    /// Two stores built with different settings.
    #[error(
        "{} and {} do not go together: {key} is {first_value} in the first and {second_value} in the second",
        first.display(), second.display()
    )]
    OtherSettings {
        /// The first store, or its shard where it lies alone.
        first: PathBuf,
        /// The store that differs, or its shard.
        second: PathBuf,
        /// The setting.
        key: String,
        /// The first one's value.
        first_value: String,
        /// The second one's value.
        second_value: String,
    },
    /// A column that no shard has.
    #[error("no shard has a {kind} column '{column}'; there are: {}", listed(available))]
    UnknownColumn {
        /// `property` or `split`.
        kind: &'static str,
        /// The name asked for.
        column: String,
        /// The names there are, in order.
        available: Vec<String>,
    },
    /// A subset without a crystal.
    #[error("the subset '{subset}' holds none of the {}", counted(*crystals, "crystal"))]
    EmptySubset {
        /// The subset in words.
        subset: String,
        /// Number of crystals in all shards.
        crystals: u64,
    },
    /// A setting of the data path that is out of range.
    #[error("{setting} = {value} must be {expected}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A crystal that is no valid graph.
    #[error("crystal '{material_id}': {source}")]
    Crystal {
        /// Which crystal.
        material_id: String,
        /// What is wrong with it.
        source: GraphError,
    },
    /// A batch with more items than memory should hold.
    #[error(
        "a batch of {count} {items} up to crystal '{last}' is too large, {limit} at most; use a smaller batch or a \
         smaller --batch-triplets"
    )]
    BatchTooLarge {
        /// `atoms`, `edges` or `triplets`.
        items: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
        /// The crystal that is one too many.
        last: String,
    },
    /// The system gave no thread.
    #[error("cannot start a thread that reads shards: {message}")]
    Thread {
        /// What the system said.
        message: String,
    },
    /// A thread of the stream ended without a result.
    #[error("a thread that builds batches has stopped unexpectedly")]
    ThreadLost,
}

/// Names joined by commas.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What makes a crystal unfit for a graph.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A list of another length than the one it belongs to.
    #[error("{} of {list} instead of {expected}", counted(*found, "value"))]
    Length {
        /// Name of the list.
        list: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// An atomic number outside 1..=118.
    #[error("site {site} has the atomic number {value}")]
    AtomicNumber {
        /// Which site, counted from 0.
        site: usize,
        /// The value.
        value: u8,
    },
    /// A coordinate or lattice vector that is not finite.
    #[error("{quantity} of {item} is not finite")]
    NotFinite {
        /// `a coordinate` or `a component`.
        quantity: &'static str,
        /// Which site or vector.
        item: String,
    },
    /// An edge that names a site that is not there.
    #[error("edge {edge} names site {site} of {sites}")]
    Site {
        /// Which edge, counted from 0.
        edge: usize,
        /// The site named.
        site: u32,
        /// Number of sites.
        sites: usize,
    },
    /// Edges that do not ascend by their centre atom.
    #[error("edge {edge} is not in the order of centre atoms")]
    Order {
        /// Which edge, counted from 0.
        edge: usize,
    },
    /// A direction label outside 0..=26.
    #[error("edge {edge} has the direction label {value}")]
    Direction {
        /// Which edge, counted from 0.
        edge: usize,
        /// The value.
        value: u8,
    },
    /// A crystal larger than any of a store.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// An edge of length zero or beyond the cutoff.
    #[error("edge {edge} is {distance} Å long, which is not within 0 and {cutoff} Å")]
    Distance {
        /// Which edge, counted from 0.
        edge: usize,
        /// Its length in Å.
        distance: f64,
        /// Cutoff of the store in Å.
        cutoff: f64,
    },
}

impl GraphError {
    /// The error with the crystal it is about.
    pub fn of(self, material_id: &str) -> DataError {
        DataError::Crystal { material_id: material_id.to_owned(), source: self }
    }
}
