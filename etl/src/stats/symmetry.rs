//! Space groups and crystal systems of a sample of a store's crystals.

use std::collections::BTreeMap;
use std::path::Path;

use crystal::structure::Structure;
use crystal::symmetry::SpaceGroup;
use schemas::StoreError;
use schemas::manifest::Manifest;
use schemas::reader::Shard;

use super::Tally;
use crate::sample::ascending;
use crate::symmetry::space_group;

/// Largest number of crystals that are examined. A crystal takes about a millisecond.
const MOST_CRYSTALS: usize = 1000;
/// Seed by which crystals are drawn.
const SEED: u64 = 0;
/// Crystal systems in the order of the space groups.
const SYSTEMS: [&str; 7] =
    ["triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic"];

/// Symmetry of crystals that were drawn from a store, or of all of a small one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Symmetry {
    /// Number of crystals examined.
    pub crystals: u64,
    /// Numbers of crystals by crystal system, from triclinic to cubic; those without a space group last.
    pub systems: Tally,
    /// Numbers of crystals by space group (`225 Fm-3m`), in the order of the groups' numbers; those without one last.
    pub space_groups: Tally,
}

/// Finds the space groups of up to a thousand crystals, which are always the same ones. Crystals of more than 200 sites have
/// none.
///
/// # Errors
/// [`StoreError`] for a shard that cannot be read.
pub(super) fn examine(store: &Path, manifest: &Manifest) -> Result<Symmetry, StoreError> {
    let mut groups: BTreeMap<Option<(u16, String)>, u64> = BTreeMap::new();
    let mut systems: BTreeMap<Option<&'static str>, u64> = BTreeMap::new();
    let mut count = |group: Option<SpaceGroup>| {
        *systems.entry(group.as_ref().map(SpaceGroup::crystal_system)).or_insert(0) += 1;
        *groups.entry(group.map(|group| (group.number, group.symbol))).or_insert(0) += 1;
    };
    let total = manifest.shards.iter().map(|shard| shard.rows).sum();
    let rows = ascending(total, MOST_CRYSTALS, SEED);
    let (mut rest, mut first) = (rows.as_slice(), 0);
    for entry in &manifest.shards {
        let end = first + entry.rows;
        let (here, behind) = rest.split_at(rest.partition_point(|row| *row < end));
        if !here.is_empty() {
            let shard = Shard::open(&store.join(&entry.file), Some(&manifest.settings))?;
            let rows: Vec<u64> = here.iter().map(|row| row - first).collect();
            for batch in shard.sites_at(&rows, &[])? {
                let batch = batch?;
                for row in 0..batch.len() {
                    let site = batch.row(row)?;
                    count(space_group(&Structure {
                        lattice: site.lattice_vectors,
                        fractional: site.fractional.to_vec(),
                        atomic_numbers: site.atomic_numbers.to_vec(),
                    }));
                }
            }
        }
        (rest, first) = (behind, end);
    }
    let without = groups.remove(&None).map(|count| (String::new(), count));
    let named = |(group, count): (Option<(u16, String)>, u64)| {
        group.map(|(number, symbol)| (format!("{number} {symbol}"), count))
    };
    let of_system = |name: &&'static str| Some((name.to_string(), *systems.get(&Some(*name))?));
    Ok(Symmetry {
        crystals: rows.len() as u64,
        systems: SYSTEMS.iter().filter_map(of_system).chain(without.clone()).collect(),
        space_groups: groups.into_iter().filter_map(named).chain(without).collect(),
    })
}
