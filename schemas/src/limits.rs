//! Upper limits on the size of a crystal and of a row group, and on the number of threads of a program.
//!
//! The number of pairs of edges grows with the square of the edges at a site, so a few hundred sites at nearly one
//! point exceed any memory. A column of equal values takes next to no space in a file. Every crystal is therefore
//! counted before its lists are used.

use thiserror::Error;

/// Largest number of edges of a crystal. 87,000 sites with twelve neighbours each reach it.
pub const MAX_EDGES: usize = 1 << 20;
/// Largest number of pairs of edges of a crystal where the second edge ends at the site that the first starts from.
/// Triplets are a subset of these pairs. 70,000 sites with sixteen neighbours each reach the limit, 500 of a dense
/// metal with all of their neighbours within 8 Å, 8,000 with those within 5 Å. The angular basis of that many pairs
/// takes 450 MiB.
pub const MAX_PAIRS: u64 = 1 << 24;
/// Largest number of sites of a crystal.
pub const MAX_SITES: usize = 1 << 20;
/// Largest number of values of a column in a row group. `etl` writes much smaller row groups.
pub const MAX_GROUP_VALUES: u64 = 1 << 23;
/// Largest size of a decompressed page in bytes. Pages written by DuckDB reach 100 MB.
pub const MAX_PAGE_BYTES: u64 = 1 << 27;
/// Largest number of columns of a shard. A source and its label tables have at most 4,096 properties each.
pub const MAX_COLUMNS: usize = 1 << 14;
/// Largest number of threads of a program.
pub const MAX_THREADS: usize = 1024;

/// Crystals with at most this many edges cannot exceed [`MAX_PAIRS`], so their pairs are not counted.
const SURELY_FEW_EDGES: usize = 1 << 12;
const _: () = assert!((SURELY_FEW_EDGES * SURELY_FEW_EDGES) as u64 <= MAX_PAIRS);

/// An error of a crystal that is too large to be used. The enum is exhaustive, because every variant has a code among
/// the reasons for rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LimitError {
    /// The crystal has too many sites.
    #[error("{count} sites, {MAX_SITES} at most")]
    Sites {
        /// Number of sites.
        count: usize,
    },
    /// The crystal has too many edges.
    #[error("more than {MAX_EDGES} edges, {count} were counted")]
    Edges {
        /// Number of edges counted. Counting may have stopped early.
        count: usize,
    },
    /// The crystal has too many pairs of edges.
    #[error(
        "{edges} edges in {count} pairs that meet, which a model sees as triplets, {MAX_PAIRS} at most: are sites \
         heaped on one point, or is the cutoff long?"
    )]
    Pairs {
        /// Number of edges.
        edges: usize,
        /// Number of pairs.
        count: u64,
    },
}

/// Checks the size of a crystal whose edges run from `source` to `target`.
///
/// # Errors
/// Returns a [`LimitError`] for the first limit that is exceeded.
pub fn check(sites: usize, source: &[u32], target: &[u32]) -> Result<(), LimitError> {
    let edges = target.len();
    if sites > MAX_SITES {
        return Err(LimitError::Sites { count: sites });
    }
    if edges > MAX_EDGES {
        return Err(LimitError::Edges { count: edges });
    }
    if edges > SURELY_FEW_EDGES {
        let count = pairs(sites, source, target, &mut Vec::new());
        if count > MAX_PAIRS {
            return Err(LimitError::Pairs { edges, count });
        }
    }
    Ok(())
}

/// Counts the pairs of edges where one ends at the site that the other starts from: the sum over all sites of the
/// number of edges that start there times the number that end there. Site indices out of range are ignored. `degrees`
/// is scratch space.
pub fn pairs(sites: usize, source: &[u32], target: &[u32], degrees: &mut Vec<[u64; 2]>) -> u64 {
    degrees.clear();
    degrees.resize(sites, [0; 2]);
    for (ends, direction) in [(source, 0), (target, 1)] {
        for &site in ends {
            if let Some(degree) = degrees.get_mut(site as usize) {
                degree[direction] += 1;
            }
        }
    }
    degrees.iter().map(|[outgoing, incoming]| outgoing * incoming).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every site with an edge from every other one.
    fn complete(sites: u32) -> (Vec<u32>, Vec<u32>) {
        let others = |target: u32| (0..sites).filter(move |source| *source != target);
        (0..sites).flat_map(|target| others(target).map(move |source| (source, target))).unzip()
    }

    #[test]
    fn pairs_are_counted_by_the_sites_where_they_meet() {
        let (source, target) = complete(5);
        assert_eq!(pairs(5, &source, &target, &mut vec![[7; 2]; 9]), 5 * 4 * 4);
        assert_eq!(pairs(2, &[0, 1, 9], &[1, 9, 9], &mut Vec::new()), 1);
    }

    #[test]
    fn heaps_of_sites_are_refused_by_their_pairs() {
        let (source, target) = complete(256);
        assert_eq!(check(256, &source, &target), Ok(()));
        let (source, target) = complete(260);
        let error = check(260, &source, &target).expect_err("260 sites on a point");
        assert_eq!(error, LimitError::Pairs { edges: 67_340, count: 260 * 259 * 259 });
        assert!(error.to_string().starts_with("67340 edges in 17441060 pairs that meet"), "{error}");
    }

    #[test]
    fn sites_and_edges_have_limits_of_their_own() {
        assert_eq!(check(MAX_SITES + 1, &[], &[]), Err(LimitError::Sites { count: MAX_SITES + 1 }));
        let ends = vec![0; MAX_EDGES + 1];
        assert_eq!(check(1, &ends, &ends), Err(LimitError::Edges { count: MAX_EDGES + 1 }));
    }
}
