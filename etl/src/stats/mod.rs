//! `etl stats`: statistics of a store, as text and as an HTML page.

pub mod chart;
mod elements;
mod frame;
mod histogram;
mod html;
pub mod number;
mod scan;
mod symmetry;
mod text;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use polars::prelude::PolarsError;
use schemas::StoreError;
use schemas::manifest::{Counts, Manifest};
use schemas::settings::FeatureSettings;

use crate::page;
pub use histogram::Histogram;
use scan::NamedTexts;
pub use symmetry::Symmetry;

/// Number of direction labels (specification, section 2.4).
pub const DIRECTIONS: usize = 27;
/// Number of atomic numbers, including 0 (no element).
pub const ATOMIC_NUMBERS: usize = crystal::element::SYMBOLS.len();

/// An error of computing the statistics of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatisticsError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A column cannot be evaluated.
    #[error("{}: {source}", store.display())]
    Evaluation {
        /// The store's folder.
        store: PathBuf,
        /// The error of polars.
        source: PolarsError,
    },
}

/// Distribution of a quantity over the crystals.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Number of crystals with a value.
    pub count: u64,
    /// Number of crystals without a value.
    pub missing: u64,
    /// Minimum, median, mean and maximum; `None` if there are no values.
    pub summary: Option<Summary>,
    /// Number of values of exactly 0 that are not in the histogram; 0 where they are few.
    pub zeros: u64,
    /// Histogram of the other values.
    pub histogram: Histogram,
}

/// Summary of a set of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Minimum.
    pub min: f64,
    /// Median. For an even number of values, the mean of the two middle values.
    pub median: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Maximum.
    pub max: f64,
}

/// A property of the store.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyStatistics {
    /// Name of the column.
    pub column: String,
    /// Unit; empty if unknown.
    pub unit: String,
    /// Description of the property.
    pub description: String,
    /// Distribution of its values.
    pub distribution: Distribution,
}

/// Numbers of crystals for each value of a column, in ascending order. Missing values are the empty text.
pub type Tally = Vec<(String, u64)>;

/// Statistics of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreStatistics {
    /// Folder of the store as given.
    pub store: PathBuf,
    /// Name of the source.
    pub source: String,
    /// Version of the software that wrote the store.
    pub software_version: String,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// Numbers of entries by outcome.
    pub counts: Counts,
    /// Number of shards.
    pub shards: usize,
    /// Size of the shards in bytes.
    pub bytes: u64,
    /// Number of crystals.
    pub crystals: u64,
    /// Number of atoms.
    pub sites: u64,
    /// Number of edges.
    pub edges: u64,
    /// Numbers of crystals by their number of elements.
    pub elements_per_crystal: Tally,
    /// Number of crystals that contain each element, by atomic number.
    pub element_crystals: [u64; ATOMIC_NUMBERS],
    /// Crystal systems and space groups.
    pub symmetry: Symmetry,
    /// Number of sites per unit cell.
    pub sites_per_cell: Distribution,
    /// Volume per atom in Å³.
    pub volume_per_atom: Distribution,
    /// Number of edges per atom, averaged over each crystal.
    pub edges_per_atom: Distribution,
    /// Lengths of the edges in Å.
    pub edge_lengths: Histogram,
    /// Number of edges with each direction label of the image.
    pub directions: [u64; DIRECTIONS],
    /// Number of edges with each centred direction label.
    pub directions_centred: [u64; DIRECTIONS],
    /// The numeric properties in the order of their columns.
    pub properties: Vec<PropertyStatistics>,
    /// Numbers of crystals of every class, for each column of classes, and of `true` and `false` for each of booleans.
    pub classes: Vec<(String, Tally)>,
    /// Numbers of crystals in train, val and test, for each split column.
    pub splits: Vec<(String, Tally)>,
    /// Numbers of crystals by test fold; empty if the store has no folds.
    pub folds: Tally,
}

/// Reads a store once and computes its statistics.
///
/// Lists are counted while they are read. Only scalar columns are kept until the end.
///
/// # Errors
/// Returns [`StatisticsError::Store`] if the manifest or a shard cannot be read, or [`StatisticsError::Evaluation`]
/// if a column cannot be evaluated.
pub fn collect(store: &Path) -> Result<StoreStatistics, StatisticsError> {
    let manifest = Manifest::read(store)?;
    let scan = scan::scan(store, &manifest)?;
    let symmetry = symmetry::examine(store, &manifest)?;
    let evaluate = || -> Result<StoreStatistics, PolarsError> {
        let scalars = &scan.scalars;
        let properties = scan.properties.iter().map(|property| {
            Ok(PropertyStatistics {
                column: property.column.clone(),
                unit: property.unit.clone(),
                description: property.description.clone(),
                distribution: frame::distribution(&property.values, false)?,
            })
        });
        let tally = |(column, values): &NamedTexts| Ok((column.clone(), frame::tally(values)?));
        let folds = frame::tally_numbers(&scalars.fold)?;
        Ok(StoreStatistics {
            store: store.to_owned(),
            source: manifest.source.clone(),
            software_version: manifest.software_version.clone(),
            settings: manifest.settings.clone(),
            counts: manifest.counts.clone(),
            shards: manifest.shards.len(),
            bytes: manifest.shards.iter().map(|shard| shard.bytes).sum(),
            crystals: scan.crystals,
            sites: scan.sites,
            edges: scan.edges,
            elements_per_crystal: frame::tally_numbers(&scalars.nelements)?,
            element_crystals: scan.element_crystals,
            symmetry: symmetry.clone(),
            sites_per_cell: frame::distribution(&scalars.nsites, true)?,
            volume_per_atom: frame::distribution(&scalars.volume_per_atom, false)?,
            edges_per_atom: frame::distribution(&scalars.edges_per_atom, false)?,
            edge_lengths: scan.edge_lengths.clone(),
            directions: scan.directions,
            directions_centred: scan.directions_centred,
            properties: properties.collect::<Result<_, PolarsError>>()?,
            classes: scan.classes.iter().map(tally).collect::<Result<_, PolarsError>>()?,
            splits: scan.splits.iter().map(tally).collect::<Result<_, PolarsError>>()?,
            folds: if folds.iter().all(|(fold, _)| fold.is_empty()) { Tally::new() } else { folds },
        })
    };
    evaluate().map_err(|source| StatisticsError::Evaluation { store: store.to_owned(), source })
}

impl StoreStatistics {
    /// Writes the statistics as text for a terminal.
    ///
    /// # Errors
    /// Returns the errors of writing.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{self}")
    }

    /// Whether a page may be written to a path: the file does not exist, is empty, or is such a page. The first line
    /// of a page states that `etl stats` wrote it.
    pub fn may_replace(path: &Path) -> bool {
        !path.symlink_metadata().is_ok_and(|metadata| metadata.len() > 0)
            || page::is_page(path, html::GENERATOR)
    }

    /// Writes the statistics as a self-contained HTML page.
    ///
    /// # Errors
    /// Returns the errors of writing.
    pub fn write_html(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(schemas::text::page(&html::page(self).into_string()).as_bytes())
    }

    /// Returns the elements that occur, the most frequent first, as atomic number and number of crystals.
    pub fn elements_by_frequency(&self) -> Vec<(usize, u64)> {
        let mut elements: Vec<(usize, u64)> =
            self.element_crystals.iter().copied().enumerate().filter(|(_, crystals)| *crystals > 0).collect();
        elements.sort_by_key(|(z, crystals)| (std::cmp::Reverse(*crystals), *z));
        elements
    }
}

impl fmt::Display for StoreStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(self, f)
    }
}

#[cfg(test)]
mod tests;
