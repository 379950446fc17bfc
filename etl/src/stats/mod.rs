//! `etl stats`: what a store holds, in numbers, as text and as a page.

pub mod chart;
mod frame;
mod histogram;
mod html;
pub mod number;
mod periodic_table;
mod scan;
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

/// Number of direction classes (specification, section 2.4).
pub const DIRECTIONS: usize = 27;
/// Number of atomic numbers, 0 (no element) included.
pub const ATOMIC_NUMBERS: usize = crystal::element::SYMBOLS.len();

/// Why a store has no statistics.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatisticsError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A column could not be evaluated.
    #[error("{}: {source}", store.display())]
    Evaluation {
        /// The store's folder.
        store: PathBuf,
        /// What polars said.
        source: PolarsError,
    },
}

/// Distribution of one quantity over the crystals that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Crystals with a value.
    pub count: u64,
    /// Crystals without.
    pub missing: u64,
    /// Least, median, mean and greatest value, where there is any.
    pub summary: Option<Summary>,
    /// How the values spread.
    pub histogram: Histogram,
}

/// The usual numbers about a set of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Least value.
    pub min: f64,
    /// Median, between the two middle values of an even number.
    pub median: f64,
    /// Mean.
    pub mean: f64,
    /// Greatest value.
    pub max: f64,
}

/// A property of the store.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyStatistics {
    /// Name of the column.
    pub column: String,
    /// Unit, empty where it is not known.
    pub unit: String,
    /// What it is.
    pub description: String,
    /// Its values.
    pub distribution: Distribution,
}

/// Crystals by the value of a column, in ascending order; the empty text where there is none.
pub type Tally = Vec<(String, u64)>;

/// What a store holds.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreStatistics {
    /// The store's folder as given.
    pub store: PathBuf,
    /// Name of the source.
    pub source: String,
    /// Version of the software that wrote the store.
    pub software_version: String,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// What became of the entries.
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
    /// Crystals by their number of elements.
    pub elements_per_crystal: Tally,
    /// Crystals with each element, by atomic number.
    pub element_crystals: [u64; ATOMIC_NUMBERS],
    /// Sites per cell.
    pub sites_per_cell: Distribution,
    /// Volume per atom in Å³.
    pub volume_per_atom: Distribution,
    /// Edges per atom, averaged over each crystal.
    pub edges_per_atom: Distribution,
    /// Lengths of the edges in Å.
    pub edge_lengths: Histogram,
    /// Edges in each direction class of the image.
    pub directions: [u64; DIRECTIONS],
    /// Edges in each direction class with the home cell centred on the atom.
    pub directions_centred: [u64; DIRECTIONS],
    /// The properties in the order of their columns.
    pub properties: Vec<PropertyStatistics>,
    /// Crystals by train, val and test, for each split column.
    pub splits: Vec<(String, Tally)>,
    /// Crystals by test fold; empty if the store has no folds.
    pub folds: Tally,
}

/// Reads a store once, from beginning to end, and gathers its statistics.
///
/// Lists are counted as they pass; only the scalar columns are kept until the end.
///
/// # Errors
/// [`StatisticsError::Store`] if the manifest or a shard cannot be read.
pub fn collect(store: &Path) -> Result<StoreStatistics, StatisticsError> {
    let manifest = Manifest::read(store)?;
    let scan = scan::scan(store, &manifest)?;
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
        let splits = scan.splits.iter().map(|(column, values)| Ok((column.clone(), frame::tally(values)?)));
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
            sites_per_cell: frame::distribution(&scalars.nsites, true)?,
            volume_per_atom: frame::distribution(&scalars.volume_per_atom, false)?,
            edges_per_atom: frame::distribution(&scalars.edges_per_atom, false)?,
            edge_lengths: scan.edge_lengths.clone(),
            directions: scan.directions,
            directions_centred: scan.directions_centred,
            properties: properties.collect::<Result<_, PolarsError>>()?,
            splits: splits.collect::<Result<_, PolarsError>>()?,
            folds: if folds.iter().all(|(fold, _)| fold.is_empty()) { Tally::new() } else { folds },
        })
    };
    evaluate().map_err(|source| StatisticsError::Evaluation { store: store.to_owned(), source })
}

impl StoreStatistics {
    /// Writes the statistics for a reader at a terminal.
    ///
    /// # Errors
    /// Whatever writing gives.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{self}")
    }

    /// Whether a page may be written to a path: nothing is there, an empty file, or such a page. A page says in its
    /// first line that `etl stats` has written it.
    pub fn may_replace(path: &Path) -> bool {
        !path.symlink_metadata().is_ok_and(|metadata| metadata.len() > 0)
            || page::is_page(path, html::GENERATOR)
    }

    /// Writes the statistics as one HTML page that needs nothing beside itself.
    ///
    /// # Errors
    /// Whatever writing gives.
    pub fn write_html(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(schemas::text::page(&html::page(self).into_string()).as_bytes())
    }

    /// Elements that occur, the most frequent first: atomic number and crystals.
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
