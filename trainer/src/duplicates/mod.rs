//! Crystals that occur more than once, and those of them that a split puts into different parts.
//!
//! * [`environment`]: surroundings of atoms
//! * `matching`: whether the atoms of two crystals can be paired
//! * `twins`: crystals of the same structure
//! * [`table`]: the pairs as a table
//!
//! # The same structure
//!
//! Two crystals are the same structure, up to a tolerance t, if
//!
//! 1. their reduced formulas are the same,
//! 2. their volumes per atom differ by no more than a factor of (1 + t)³, and
//! 3. their sites can be paired in proportion, each with one of the same element and the same surroundings: to neighbours
//!    of each element, in order of their distance, the distances differ by no more than t of themselves. The thousand
//!    nearest neighbours are compared, and those as far as the last; fewer in cells of more than 500 sites.
//!
//! None of this depends on the choice of cell, its orientation and origin or the order of the atoms: a primitive cell and a
//! supercell are the same structure. Nothing is found by chance of rounding either, since ordered distances change by no
//! more than the atoms move: if some mapping of two crystals changes no distance by more than t, they are found. Mirror
//! images are the same structure, and so are long sequences of layers that differ in nothing within a thousand neighbours,
//! some 15 to 20 Å. Others with the same distances throughout exist, but are rare; the surroundings are the
//! pointwise distance distributions of Widdowson and Kurlin (<https://arxiv.org/abs/2108.04798>), with elements. Being
//! the same within a tolerance is not transitive, so that pairs are listed and not classes.

pub mod environment;
mod matching;
pub mod table;
#[cfg(test)]
mod tests;
mod twins;

use std::collections::BTreeMap;
use std::path::PathBuf;

use rayon::prelude::*;
use schemas::store::SPLIT_PREFIX;

use crate::atomic;
use crate::data::Sources;
use crate::data::store::{FOLD_COLUMN, SPLIT_COLUMN};
use crate::error::TrainError;
use crate::nearest::PairSearch;
use crate::space::catalogue::{Catalogue, Value};
use crate::space::{Origin, Space, SpaceError, require_new};
use crate::table::{RecordWriter, TableFormat};

pub use table::Row;
use twins::Twins;
pub use twins::Uncompared;

/// Tolerance of distances unless another is given.
pub const DEFAULT_TOLERANCE: f64 = 0.01;
/// Largest tolerance.
const MOST_TOLERANCE: f64 = 0.1;
/// Columns that the volume per atom is computed from.
const VOLUME_COLUMNS: [&str; 2] = ["volume", "nsites"];
/// Pairs that may be in memory together.
const PAIRS_AT_ONCE: usize = 1 << 22;
/// Crystals whose pairs are looked for together, at most.
const CRYSTALS_AT_ONCE: usize = 1024;

/// The arguments of [`duplicates`](fn@duplicates).
#[derive(Debug, Clone)]
pub struct Request {
    /// The shards, and where embeddings come from; neither weights nor a table is needed.
    pub origin: Origin,
    /// Tolerance of distances in the structures, greater than 0.
    pub tolerance: f64,
    /// Largest distance of embeddings; without it no pairs are looked for by embeddings.
    pub within: Option<f64>,
    /// Table to write. The ending chooses the format.
    pub out: Option<PathBuf>,
    /// Whether to replace an existing table.
    pub overwrite: bool,
    /// Number of pairs that the summary holds, those in different parts first.
    pub shown: usize,
}

/// The result of [`duplicates`](fn@duplicates).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Number of crystals.
    pub crystals: usize,
    /// Number of pairs of the same structure.
    pub same_structure: u64,
    /// Number of pairs whose embeddings are near each other but whose structures are not the same.
    pub near_alone: u64,
    /// Number of pairs in different parts, by column; columns without any are listed, too.
    pub leaks: BTreeMap<String, u64>,
    /// The first pairs.
    pub first: Vec<Row>,
    /// Crystals that could not be compared.
    pub uncompared: Vec<Uncompared>,
    /// Whether the weights have no description, so that the defaults were taken.
    pub undescribed: bool,
}

impl Summary {
    /// Number of all pairs.
    pub fn pairs(&self) -> u64 {
        self.same_structure + self.near_alone
    }

    /// Whether a pair lies in different parts.
    pub fn leaks(&self) -> bool {
        self.leaks.values().any(|count| *count > 0)
    }

    /// Counts a pair.
    fn add(&mut self, row: &Row, columns: &[&str], shown: usize) {
        if row.same_structure {
            self.same_structure += 1;
        } else {
            self.near_alone += 1;
        }
        for column in columns {
            *self.leaks.entry((*column).to_owned()).or_default() += 1;
        }
        let leaking = self.first.partition_point(|row| row.leak.is_some());
        if row.leak.is_some() && leaking < shown {
            self.first.insert(leaking, row.clone());
            self.first.truncate(shown);
        } else if self.first.len() < shown {
            self.first.push(row.clone());
        }
    }
}

/// Finds all pairs of crystals of the shards that are the same structure, and with `within` those whose embeddings are at
/// most so far apart. The pairs come in order of the identifiers. Memory does not grow with their number.
///
/// # Errors
/// [`SpaceError`] for a setting out of range, shards, weights and embeddings that cannot be read or do not belong together,
/// and a table that already exists, is an input or cannot be written. The table is complete or unchanged.
pub fn duplicates(request: &Request) -> Result<Summary, SpaceError> {
    check(request)?;
    let format = request.out.as_deref().map(TableFormat::of).transpose()?;
    let mut parts = Vec::new();
    let prepare = |sources: &Sources| {
        if let Some(out) = &request.out {
            require_new(out, request.overwrite, sources, request.origin.files().cloned())?;
        }
        parts = sources.split_columns();
        parts.push(FOLD_COLUMN.to_owned());
        Ok(parts.iter().cloned().chain(VOLUME_COLUMNS.map(str::to_owned)).collect())
    };
    let crystals = Crystals::open(&request.origin, prepare)?;
    let catalogue = crystals.catalogue();
    let (values, volumes) = catalogue.columns.split_at(parts.len());
    let parts = distinct(&parts, values);
    let volumes = volumes_per_atom(volumes);
    let twins = Twins::read(crystals.sources(), catalogue, &volumes, request.tolerance)?;
    let pairs = Pairs {
        catalogue,
        twins: &twins,
        space: crystals.space(),
        near: crystals
            .space()
            .zip(request.within)
            .map(|(space, within)| PairSearch::new(&space.points, within)),
        parts,
    };
    let mut summary = Summary {
        crystals: catalogue.len(),
        leaks: pairs.parts.iter().map(|(name, _)| ((*name).to_owned(), 0)).collect(),
        uncompared: twins.uncompared.clone(),
        undescribed: crystals.space().is_some_and(|space| space.undescribed),
        ..Summary::default()
    };
    match (&request.out, format) {
        (Some(out), Some(format)) => {
            atomic::write(out, |file| {
                let mut metadata = request.origin.metadata();
                metadata.push(("tolerance", request.tolerance.to_string()));
                let mut table = RecordWriter::new(file, format, metadata)?;
                pairs.each(|row, columns| {
                    summary.add(&row, columns, request.shown);
                    table.write(row)
                })?;
                table.finish()
            })
            .map_err(SpaceError::write(out))?;
        }
        _ => pairs.each(|row, columns| {
            summary.add(&row, columns, request.shown);
            Ok::<(), SpaceError>(())
        })?,
    }
    Ok(summary)
}

/// Returns the columns of splits and folds that have values, without named splits that repeat the column of the only split
/// of their store.
fn distinct<'a>(names: &'a [String], values: &'a [Vec<Option<Value>>]) -> Vec<Part<'a>> {
    let of_split = names.iter().position(|name| name == SPLIT_COLUMN).map(|column| &values[column]);
    let repeats = |name: &str, values: &[Option<Value>]| {
        name.starts_with(SPLIT_PREFIX)
            && of_split.is_some_and(|split| values.iter().zip(split).all(|(a, b)| a.is_none() || a == b))
    };
    let all = names.iter().map(String::as_str).zip(values);
    all.filter(|(name, values)| values.iter().any(Option::is_some) && !repeats(name, values)).collect()
}

/// Checks the settings.
fn check(request: &Request) -> Result<(), SpaceError> {
    let Request { tolerance, within, .. } = request;
    if !(*tolerance > 0.0 && *tolerance <= MOST_TOLERANCE) {
        let expected = "greater than 0 and at most 0.1";
        return Err(SpaceError::Setting { setting: "tolerance", value: *tolerance, expected });
    }
    if let Some(within) = within.filter(|within| !(within.is_finite() && *within >= 0.0)) {
        return Err(SpaceError::Setting {
            setting: "within",
            value: within,
            expected: "a number, 0 or more",
        });
    }
    if within.is_some() && request.origin.files().next().is_none() {
        return Err(SpaceError::NoEmbeddings);
    }
    Ok(())
}

/// The crystals, with embeddings or without.
enum Crystals {
    Embedded(Box<Space>),
    Bare(Catalogue, Sources),
}

impl Crystals {
    fn open(
        origin: &Origin,
        prepare: impl FnOnce(&Sources) -> Result<Vec<String>, SpaceError>,
    ) -> Result<Self, SpaceError> {
        if origin.files().next().is_some() {
            return Ok(Self::Embedded(Box::new(Space::open(origin, prepare)?)));
        }
        if origin.data.shards.is_empty() {
            return Err(TrainError::NoShards.into());
        }
        let sources = Sources::resolve(&origin.data.shards, None)?;
        let columns = prepare(&sources)?;
        Ok(Self::Bare(Catalogue::read(&sources, &columns)?, sources))
    }

    fn catalogue(&self) -> &Catalogue {
        match self {
            Self::Embedded(space) => &space.catalogue,
            Self::Bare(catalogue, _) => catalogue,
        }
    }

    fn sources(&self) -> &Sources {
        match self {
            Self::Embedded(space) => space.sources(),
            Self::Bare(_, sources) => sources,
        }
    }

    fn space(&self) -> Option<&Space> {
        match self {
            Self::Embedded(space) => Some(space),
            Self::Bare(..) => None,
        }
    }
}

/// Returns the volumes per atom in Å³ from volumes and numbers of sites.
fn volumes_per_atom(columns: &[Vec<Option<Value>>]) -> Vec<f64> {
    let [volumes, sites] = columns else { return Vec::new() };
    let number = |value: &Option<Value>| match value {
        Some(Value::Number(number)) => *number,
        _ => f64::NAN,
    };
    volumes.iter().zip(sites).map(|(volume, sites)| number(volume) / number(sites)).collect()
}

/// A column of a split or of folds: name and values.
type Part<'a> = (&'a str, &'a Vec<Option<Value>>);

/// All that is needed to list the pairs.
struct Pairs<'a> {
    catalogue: &'a Catalogue,
    twins: &'a Twins,
    space: Option<&'a Space>,
    near: Option<PairSearch<'a>>,
    /// Columns of splits and folds.
    parts: Vec<Part<'a>>,
}

impl Pairs<'_> {
    /// Calls `found` with every pair in order and the columns in which its crystals lie in different parts.
    ///
    /// # Errors
    /// The first error of `found`.
    fn each<E>(&self, mut found: impl FnMut(Row, &[&str]) -> Result<(), E>) -> Result<(), E> {
        let count = self.catalogue.len();
        let size = (PAIRS_AT_ONCE / count.max(1)).clamp(1, CRYSTALS_AT_ONCE);
        for begin in (0..count).step_by(size) {
            let places = begin..(begin + size).min(count);
            let twins: Vec<Vec<usize>> =
                places.clone().into_par_iter().map(|place| self.twins.of(place)).collect();
            let near = self.near.as_ref().map(|search| search.of_rows(places.clone()));
            for (index, place) in places.enumerate() {
                let same = twins[index].iter().map(|&other| (other, true));
                let near = near.iter().flat_map(|near| &near[index]).map(|other| (other.row, false));
                let pairs: BTreeMap<usize, bool> = near.chain(same).collect();
                for (other, same_structure) in pairs {
                    let (row, columns) = self.row(place, other, same_structure);
                    found(row, &columns)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the row of a pair, and the columns in which its crystals lie in different parts.
    fn row(&self, first: usize, second: usize, same_structure: bool) -> (Row, Vec<&str>) {
        let Catalogue { material_ids, formulas, .. } = self.catalogue;
        let mut columns = Vec::new();
        let mut leaks = Vec::new();
        for &(name, values) in &self.parts {
            if let (Some(one), Some(other)) = (&values[first], &values[second])
                && one != other
            {
                columns.push(name);
                leaks.push(format!("{name}: {one}, {other}"));
            }
        }
        let row = Row {
            first: material_ids[first].to_string(),
            first_formula: formulas[first].to_string(),
            second: material_ids[second].to_string(),
            second_formula: formulas[second].to_string(),
            same_structure,
            distance: self.space.map(|space| space.points.distance(first, space.points.row(second))),
            leak: (!leaks.is_empty()).then(|| leaks.join("; ")),
        };
        (row, columns)
    }
}
