//! `etl duplicates`: crystals of equal structure hash in one store, or in one store and another. They may be equal, and have to
//! be compared: a hash is of few rounded numbers (specification, section 2.8).
//!
//! A store of an earlier format version has no hashes. They are computed from its cells and sites then. Memory holds
//! 24 bytes for every crystal, and identifiers of those found.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use arrow::array::AsArray;
use crystal::feature::{FeatureOptions, Featuriser};
use crystal::structure::Structure;
use schemas::StoreError;
use schemas::count::{agree, counted};
use schemas::manifest::Manifest;
use schemas::reader::Shard;
use schemas::text::line;
use serde::Serialize;

use crate::structure_hash::{DIGITS, StructureHasher};

/// Column of the formulas.
const FORMULA: &str = "chemical_formula_reduced";
/// Column of the hashes.
const HASH: &str = "structure_hash";
/// What the crystals of a group have in common, and what they need not.
const MEANING: &str = "crystals of one hash have formula, volume per atom and near surroundings in common: they may be \
                       equal, and have to be compared";
/// Number of groups that are printed as text.
const SHOWN_GROUPS: usize = 20;
/// Number of crystals of a group and a store that are printed as text.
const SHOWN_CRYSTALS: usize = 4;

/// Crystals of the same hash, which may be equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The hash.
    pub structure_hash: String,
    /// Reduced formula.
    pub chemical_formula_reduced: String,
    /// Identifiers of the crystals in each of the stores, in the order of their rows.
    pub crystals: Vec<Vec<String>>,
}

/// What was found in one or two stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Number of crystals in each store.
    pub crystals: Vec<u64>,
    /// Number of crystals in each store that have no hash (specification, section 2.8), and are compared with none.
    pub unhashed: Vec<u64>,
    /// The groups, in the order of their first crystals: in one store those of several crystals, in two those of which both
    /// have some.
    pub groups: Vec<Group>,
}

impl Duplicates {
    /// Returns the number of crystals of a store that are in groups, by its place among the stores.
    pub fn found(&self, store: usize) -> usize {
        self.groups.iter().filter_map(|group| group.crystals.get(store)).map(Vec::len).sum()
    }

    /// Writes the first groups and the numbers as text for a terminal.
    ///
    /// # Errors
    /// Returns the errors of writing.
    pub fn write_text(&self, stores: &[&Path], out: &mut impl Write) -> io::Result<()> {
        for group in self.groups.iter().take(SHOWN_GROUPS) {
            let crystals: Vec<String> = group.crystals.iter().map(|ids| shown(ids)).collect();
            let formula = line(&group.chemical_formula_reduced);
            writeln!(out, "{}  {formula}  {}", group.structure_hash, crystals.join("  |  "))?;
        }
        if self.groups.len() > SHOWN_GROUPS {
            writeln!(out, "... and {} more: --json lists all of them", self.groups.len() - SHOWN_GROUPS)?;
        }
        let other = match stores {
            [_, other] => {
                let verb = agree(&self.found(0), "has", "have");
                format!("{verb} the structure hash of one in {}", line(&other.display().to_string()))
            }
            _ => format!("share {}", counted(self.groups.len(), "structure hash")),
        };
        for (at, (store, crystals)) in stores.iter().zip(&self.crystals).enumerate() {
            let store = line(&store.display().to_string()).into_owned();
            if at == 0 {
                writeln!(out, "{store}: {} of {} {other}", self.found(0), counted(*crystals, "crystal"))?;
            }
            match self.unhashed.get(at) {
                None | Some(0) => {}
                Some(without) => writeln!(out, "{store}: {} without a hash", counted(*without, "crystal"))?,
            }
        }
        if !self.groups.is_empty() {
            writeln!(out, "{MEANING}")?;
        }
        Ok(())
    }
}

/// Returns the first identifiers of a group as text.
fn shown(ids: &[String]) -> String {
    let mut text = ids.iter().take(SHOWN_CRYSTALS).map(|id| line(id)).collect::<Vec<_>>().join(", ");
    if ids.len() > SHOWN_CRYSTALS {
        text += &format!(" and {} more", ids.len() - SHOWN_CRYSTALS);
    }
    text
}

/// Finds the crystals of a store that have the same hash, or with `other` those whose hash a crystal of the other store
/// has.
///
/// # Errors
/// Returns a [`StoreError`] if a store cannot be read or a shard is not the one of its manifest.
pub fn duplicates(store: &Path, other: Option<&Path>) -> Result<Duplicates, StoreError> {
    let stores: Vec<Opened<'_>> =
        [Some(store), other].into_iter().flatten().map(Opened::new).collect::<Result<_, _>>()?;
    let (mut places, mut unhashed) = (Vec::new(), Vec::new());
    for (number, store) in (0..).zip(&stores) {
        let mut without = 0;
        store.each_hash(|row, hash| match hash {
            Some(hash) => places.push(Place { hash, store: number, row }),
            None => without += 1,
        })?;
        unhashed.push(without);
    }
    places.sort_unstable();
    let is_group = |group: &&[Place]| match other {
        None => group.len() > 1,
        Some(_) => group.first().map(|place| place.store) != group.last().map(|place| place.store),
    };
    let groups: Vec<&[Place]> = places.chunk_by(|a, b| a.hash == b.hash).filter(is_group).collect();
    let mut found: Vec<Group> = Vec::with_capacity(groups.len());
    // For each store the group of a row, by the number of the row.
    let mut members = vec![BTreeMap::new(); stores.len()];
    for (at, group) in groups.iter().enumerate() {
        found.push(Group {
            structure_hash: group.first().map(|place| format!("{:016x}", place.hash)).unwrap_or_default(),
            chemical_formula_reduced: String::new(),
            crystals: vec![Vec::new(); stores.len()],
        });
        for place in *group {
            members[usize::from(place.store)].insert(place.row, at);
        }
    }
    for (number, (store, members)) in stores.iter().zip(&members).enumerate() {
        store.each_name(members, |at, id, formula| {
            let Some(group) = found.get_mut(at) else { return };
            group.crystals[number].push(id.to_owned());
            if group.chemical_formula_reduced.is_empty() {
                group.chemical_formula_reduced = formula.to_owned();
            }
        })?;
    }
    let mut order: Vec<(u64, Group)> =
        groups.iter().map(|group| group.first().map_or(0, |place| place.row)).zip(found).collect();
    order.sort_by_key(|(row, _)| *row);
    Ok(Duplicates {
        crystals: stores.iter().map(Opened::crystals).collect(),
        unhashed,
        groups: order.into_iter().map(|(_, group)| group).collect(),
    })
}

/// A crystal with its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    hash: u64,
    store: u8,
    /// Row in the store, counted from 0.
    row: u64,
}

/// A store whose manifest was read.
struct Opened<'a> {
    path: &'a Path,
    manifest: Manifest,
}

impl<'a> Opened<'a> {
    fn new(path: &'a Path) -> Result<Self, StoreError> {
        Ok(Self { path, manifest: Manifest::read(path)? })
    }

    fn crystals(&self) -> u64 {
        self.manifest.shards.iter().map(|shard| shard.rows).sum()
    }

    /// Opens the shards in order.
    fn shards(&self) -> impl Iterator<Item = Result<Shard, StoreError>> {
        let open = |file: &str| Shard::open(&self.path.join(file), Some(&self.manifest.settings));
        self.manifest.shards.iter().map(move |shard| open(&shard.file))
    }

    /// Verifies the shards, and calls `found` with every row and its hash.
    fn each_hash(&self, mut found: impl FnMut(u64, Option<u64>)) -> Result<(), StoreError> {
        for entry in &self.manifest.shards {
            entry.verify(self.path)?;
        }
        let mut row = 0;
        let mut found = |hash: Option<u64>| {
            found(row, hash);
            row += 1;
        };
        for shard in self.shards() {
            let shard = shard?;
            if shard.schema().field_with_name(HASH).is_err() {
                computed_hashes(shard, &mut found)?;
                continue;
            }
            let path = shard.path().to_owned();
            for batch in shard.batches(None, Some(&[HASH]))? {
                let refuse = |message: String| StoreError::Parquet { path: path.clone(), message };
                let batch = batch?;
                let hashes = batch.column_by_name(HASH).and_then(|column| column.as_string_opt::<i32>());
                let hashes = hashes.ok_or_else(|| refuse(format!("column '{HASH}' is no text")))?;
                for hash in hashes {
                    found(hash.map(|hash| number(hash).ok_or_else(|| no_hash(&path, hash))).transpose()?);
                }
            }
        }
        Ok(())
    }

    /// Calls `found` with the group, the identifier and the formula of every row in `wanted`, which has the groups by their
    /// rows, in the order of the rows.
    fn each_name(
        &self,
        wanted: &BTreeMap<u64, usize>,
        mut found: impl FnMut(usize, &str, &str),
    ) -> Result<(), StoreError> {
        let mut start = 0;
        for shard in self.shards() {
            let shard = shard?;
            let end = start + shard.rows();
            let here: Vec<(u64, usize)> =
                wanted.range(start..end).map(|(row, at)| (row - start, *at)).collect();
            start = end;
            if here.is_empty() {
                continue;
            }
            let rows: Vec<u64> = here.iter().map(|(row, _)| *row).collect();
            let mut values = here.iter().map(|(_, at)| *at);
            for batch in shard.sites_at(&rows, &[FORMULA])? {
                let batch = batch?;
                let formulas = batch.column(FORMULA).and_then(|column| column.as_string_opt::<i32>());
                for row in 0..batch.len() {
                    let formula = formulas.map(|formulas| formulas.value(row)).unwrap_or_default();
                    if let Some(at) = values.next() {
                        found(at, batch.row(row)?.material_id, formula);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns the number that a hash is in hexadecimal; `None` if it is no hash.
fn number(hash: &str) -> Option<u64> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_hash = hash.len() == DIGITS && hash.bytes().all(is_digit);
    is_hash.then(|| u64::from_str_radix(hash, 16).ok()).flatten()
}

/// Returns the error of a shard that holds no hash where one belongs.
fn no_hash(path: &Path, value: &str) -> StoreError {
    let problem = format!("holds '{}', which is not {DIGITS} hexadecimal digits", line(value));
    StoreError::Column { path: path.to_owned(), column: HASH.to_owned(), problem }
}

/// Calls `found` with the hash of every crystal of a shard that has none, computed from its cell and sites.
fn computed_hashes(shard: Shard, mut found: impl FnMut(Option<u64>)) -> Result<(), StoreError> {
    let options = FeatureOptions::default();
    let mut featuriser = Featuriser::new(&options);
    let mut hasher = StructureHasher::new(&options);
    let rows: Vec<u64> = (0..shard.rows()).collect();
    for batch in shard.sites_at(&rows, &[FORMULA])? {
        let batch = batch?;
        let formulas = batch.column(FORMULA).and_then(|column| column.as_string_opt::<i32>());
        for row in 0..batch.len() {
            let view = batch.row(row)?;
            let structure = Structure {
                lattice: view.lattice_vectors,
                fractional: view.fractional.to_vec(),
                atomic_numbers: view.atomic_numbers.to_vec(),
            };
            let formula = formulas.map(|formulas| formulas.value(row)).unwrap_or_default();
            let features = featuriser.featurise(&structure).ok();
            let hash = features.and_then(|features| hasher.hash(formula, view.atomic_numbers, features));
            found(hash.as_deref().and_then(number));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use schemas::layout::StorePaths;

    use super::*;
    use crate::test_store;

    #[test]
    fn a_shard_that_its_manifest_does_not_have_is_refused() {
        let folder = test_store::folder();
        let store = folder.path();
        test_store::write(store, &test_store::crystals(), 3);
        assert_eq!(duplicates(store, None).expect("a store").crystals, [5]);
        let mut manifest = Manifest::read(store).expect("a manifest");
        manifest.shards[1].sha256 = "00".to_owned();
        std::fs::write(StorePaths::new(store).manifest(), manifest.to_json()).expect("a writable folder");
        let error = duplicates(store, None).expect_err("another shard");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }

    #[test]
    fn a_hash_is_sixteen_hexadecimal_digits() {
        assert_eq!(number("00000000000000ff"), Some(255));
        for other in
            ["", "ff", "00000000000000FF", "+0000000000000ff", "00000000000000fg", "00000000000000ff0"]
        {
            assert_eq!(number(other), None, "{other}");
        }
        let error = no_hash(Path::new("a.parquet"), "ff\n").to_string();
        assert!(error.starts_with("a.parquet: column 'structure_hash' holds 'ff"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
