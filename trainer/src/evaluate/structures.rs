//! Cells and sites of single crystals of the shards.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use schemas::StoreError;
use schemas::reader::Shard;

use crate::data::subset::IDENTIFIER_COLUMN;
use crate::data::{DataError, Sources};
use crate::report::{MOST_SITES, Structure};

/// Reads the crystals with these identifiers, in their order. Crystals of more than [`MOST_SITES`] sites are left out.
///
/// # Errors
/// [`DataError`] for a shard that cannot be read.
pub(super) fn read(sources: &Sources, material_ids: &[&str]) -> Result<Vec<Structure>, DataError> {
    let wanted: BTreeSet<&str> = material_ids.iter().copied().collect();
    let mut found: BTreeMap<String, Structure> = BTreeMap::new();
    for source in sources.shards() {
        if found.len() == wanted.len() {
            break;
        }
        let open = || Shard::open(&source.path, Some(sources.settings()));
        let rows = rows(open()?, &wanted)?;
        if rows.is_empty() {
            continue;
        }
        for batch in open()?.sites_at(&rows, &[])? {
            let batch = batch?;
            for row in 0..batch.len() {
                let site = batch.row(row)?;
                // The first of several shards with a crystal counts, as in tasks.
                found.entry(site.material_id.to_owned()).or_insert_with(|| Structure {
                    material_id: site.material_id.to_owned(),
                    lattice: site.lattice_vectors,
                    atomic_numbers: site.atomic_numbers.to_vec(),
                    fractional: site.fractional.to_vec(),
                });
            }
        }
    }
    let structures = material_ids.iter().filter_map(|id| found.remove(*id));
    Ok(structures.filter(|structure| structure.atomic_numbers.len() <= MOST_SITES).collect())
}

/// Returns the rows of a shard with some crystals, ascending. Row groups that cannot hold any are not read.
fn rows(shard: Shard, wanted: &BTreeSet<&str>) -> Result<Vec<u64>, StoreError> {
    let path = shard.path().to_owned();
    let refuse = |message: String| StoreError::Parquet { path: path.clone(), message };
    let groups: BTreeSet<usize> = wanted.iter().flat_map(|id| shard.row_groups_with(id)).collect();
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let lengths = shard.row_group_rows();
    let firsts = groups.iter().map(|&group| lengths.iter().take(group).sum::<u64>());
    let numbers = groups.iter().zip(firsts).flat_map(|(&group, first)| {
        let rows = lengths.get(group).copied().unwrap_or_default();
        first..first + rows
    });
    let mut numbers = numbers.collect::<Vec<u64>>().into_iter();
    let mut found = Vec::new();
    for batch in shard.batches(Some(groups.into_iter().collect()), Some(&[IDENTIFIER_COLUMN]))? {
        let batch = batch?;
        let column = batch.column_by_name(IDENTIFIER_COLUMN).and_then(|column| column.as_string_opt::<i32>());
        let column = column.ok_or_else(|| refuse(format!("no texts in the column {IDENTIFIER_COLUMN}")))?;
        // The identifiers come first, because a zip takes a number before it finds that they have ended.
        for (id, number) in column.iter().zip(numbers.by_ref()) {
            if id.is_some_and(|id| wanted.contains(id)) {
                found.push(number);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::test_store::{chains, write_store};

    #[test]
    fn crystals_are_found_by_their_identifiers() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Shards of seven crystals with row groups of three.
        write_store(folder.path(), "chains", &chains(20), 7, 3);
        let store = folder.path().display().to_string();
        let sources = Sources::resolve(&[store], None).expect("a store");
        let found = read(&sources, &["m13", "none", "m0", "m19", "m5"]).expect("a store");
        let names: Vec<&str> = found.iter().map(|structure| structure.material_id.as_str()).collect();
        assert_eq!(names, ["m13", "m0", "m19", "m5"]);
        // Chains have one to five atoms, 3 Å apart.
        assert_eq!(
            found.iter().map(|structure| structure.atomic_numbers.len()).collect::<Vec<_>>(),
            [4, 1, 5, 1]
        );
        assert_eq!((found[0].lattice[0][0], found[0].fractional[1]), (12.0, [0.25, 0.0, 0.0]));
        assert!(read(&sources, &[]).expect("a store").is_empty());
        assert!(read(&sources, &["none"]).expect("a store").is_empty());
    }
}
