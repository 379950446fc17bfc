//! Random samples of a selection's crystals.

use std::path::Path;
use std::sync::Arc;

use crate::data::error::DataError;
use crate::data::labels::PeriodicLabels;
use crate::data::random::{Purpose, below, keyed, shuffle};
use crate::data::stored::StoredCrystal;
use crate::data::subset::{RowGroup, Selection};

/// Maximum number of row groups of a sample. Reading one takes about 40 ms. A single one would not be representative,
/// since neighbours in a store are often alike.
const MOST_ROW_GROUPS: usize = 48;

/// Draws `count` different crystals in random order, or all of them if there are fewer. The same seed draws the same
/// crystals.
///
/// A selection of more than 48 row groups is sampled in two stages: 48 row groups first, then crystals of these.
///
/// # Errors
/// [`DataError`] if a shard cannot be read.
pub fn draw(
    selection: &Selection,
    count: usize,
    seed: u64,
    labels: PeriodicLabels,
) -> Result<Vec<StoredCrystal>, DataError> {
    let mut generator = keyed(Purpose::Sample, seed, 0, 0);
    let mut groups = selection.row_groups().to_vec();
    shuffle(&mut generator, &mut groups);
    groups.truncate(MOST_ROW_GROUPS);
    let members = |group: &RowGroup| usize::try_from(group.crystals).unwrap_or(usize::MAX);
    let candidates =
        groups.iter().enumerate().flat_map(|(group, it)| (0..members(it)).map(move |nth| (group, nth)));
    let mut candidates: Vec<(usize, usize)> = candidates.collect();
    let count = count.min(candidates.len());
    for drawn in 0..count {
        let other = drawn + below(&mut generator, candidates.len() - drawn);
        candidates.swap(drawn, other);
    }
    candidates.truncate(count);
    let mut drawn: Vec<Option<StoredCrystal>> = vec![None; count];
    for (index, group) in groups.iter().enumerate() {
        let places = candidates.iter().enumerate().filter(|(_, (group, _))| *group == index);
        let mut places: Vec<(usize, usize)> = places.map(|(place, (_, nth))| (*nth, place)).collect();
        places.sort_unstable();
        read(selection, group, &places, labels, &mut drawn)?;
    }
    Ok(drawn.into_iter().flatten().collect())
}

/// Reads crystals of a row group into `drawn`. `places` are pairs of the index of a crystal among those selected in
/// this row group, ascending, and its index in `drawn`.
fn read(
    selection: &Selection,
    row_group: &RowGroup,
    places: &[(usize, usize)],
    labels: PeriodicLabels,
    drawn: &mut [Option<StoredCrystal>],
) -> Result<(), DataError> {
    let mut places = places.iter().peekable();
    if places.peek().is_none() {
        return Ok(());
    }
    let path: Arc<Path> = Arc::from(selection.path(row_group));
    let mut nth = 0;
    for batch in selection.crystal_batches(row_group)? {
        let (batch, members) = batch?;
        for (row, _) in members.into_iter().enumerate().filter(|(_, member)| *member) {
            if let Some((_, place)) = places.next_if(|(wanted, _)| *wanted == nth) {
                drawn[*place] =
                    Some(StoredCrystal::copy(&batch.row(row)?, labels, Vec::new()).of_shard(&path));
            }
            nth += 1;
        }
        if places.peek().is_none() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::data::store::Sources;
    use crate::data::subset::Subset;
    use crate::data::test_store::{chains, write_store};

    /// Returns the identifiers drawn from a store of 600 crystals in 60 row groups.
    fn drawn(count: usize, seed: u64, subset: Subset) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_store(&folder.path().join("test"), "test", &chains(600), 200, 10);
        let sources = Sources::resolve(&[folder.path().display().to_string()], None).expect("a store");
        let selection = Selection::new(&Arc::new(sources), subset).expect("some crystals");
        let crystals = draw(&selection, count, seed, PeriodicLabels::default()).expect("it can be read");
        crystals.iter().map(|crystal| crystal.input().material_id.to_owned()).collect()
    }

    fn distinct(ids: &[String]) -> usize {
        ids.iter().collect::<BTreeSet<_>>().len()
    }

    #[test]
    fn different_crystals_are_drawn_the_same_for_the_same_seed() {
        let ids = drawn(100, 1, Subset::All);
        assert_eq!((ids.len(), distinct(&ids)), (100, 100));
        assert_eq!(ids, drawn(100, 1, Subset::All));
        assert_ne!(ids, drawn(100, 2, Subset::All));
    }

    #[test]
    fn crystals_come_from_everywhere() {
        let number = |id: &String| id[1..].parse::<usize>().expect("m and a number");
        let ids = drawn(120, 1, Subset::All);
        let tenths: BTreeSet<usize> = ids.iter().map(|id| number(id) / 60).collect();
        assert_eq!(tenths.len(), 10, "{ids:?}");
        assert!(!ids.is_sorted_by_key(number), "they are in random order");
    }

    #[test]
    fn no_more_are_drawn_than_there_are() {
        let subset = Subset::HashValidation { validation_fraction: 0.05 };
        let ids = drawn(10_000, 1, subset);
        assert!((10..60).contains(&ids.len()) && distinct(&ids) == ids.len(), "{ids:?}");
    }
}
