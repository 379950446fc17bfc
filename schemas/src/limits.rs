//! What one crystal and one row group may hold at most, whatever a file says, and how many threads a program takes.
//!
//! A few hundred sites heaped on a point have more pairs of edges than any memory holds, and a column of equal
//! values takes no room in a file. So every crystal is counted before its lists are used.

use thiserror::Error;

/// Most edges of a crystal: 87,000 sites with twelve neighbours.
pub const MAX_EDGES: usize = 1 << 20;
/// Most pairs of an edge with one that ends where it starts, of which the triplets are a part: 70,000 sites with
/// sixteen neighbours. The angular basis of as many takes 450 MiB.
pub const MAX_PAIRS: u64 = 1 << 24;
/// Most sites of a crystal.
pub const MAX_SITES: usize = 1 << 20;
/// Most values of a column in a row group. `etl` ends a row group long before.
pub const MAX_GROUP_VALUES: u64 = 1 << 23;
/// Most bytes of a page, unpacked. Pages of DuckDB have up to 100 MB.
pub const MAX_PAGE_BYTES: u64 = 1 << 27;
/// Most columns of a shard: a source and the label tables have 4,096 properties each at most.
pub const MAX_COLUMNS: usize = 1 << 14;
/// Most threads of a program: more than any machine has cores for.
pub const MAX_THREADS: usize = 1024;

/// Crystals of at most as many edges have fewer pairs than the limit however their edges meet.
const SURELY_FEW_EDGES: usize = 1 << 12;
const _: () = assert!((SURELY_FEW_EDGES * SURELY_FEW_EDGES) as u64 <= MAX_PAIRS);

/// A crystal that is too large to be used. The list is closed: a crystal that is rejected has a code for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LimitError {
    /// Too many sites.
    #[error("{count} sites, {MAX_SITES} at most")]
    Sites {
        /// Their number.
        count: usize,
    },
    /// Too many edges.
    #[error("more than {MAX_EDGES} edges, {count} were counted")]
    Edges {
        /// How many were counted, which may not be all.
        count: usize,
    },
    /// Too many pairs of edges.
    #[error(
        "{edges} edges in {count} pairs that meet, which a model sees as triplets, {MAX_PAIRS} at most: are sites \
         heaped on one point?"
    )]
    Pairs {
        /// Number of edges.
        edges: usize,
        /// Number of pairs.
        count: u64,
    },
}

/// Checks the size of a crystal whose edges go from `source` to `target`.
///
/// # Errors
/// [`LimitError`] for the first limit that is exceeded.
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

/// Number of pairs of an edge with one that ends where it starts: the sum over the sites of edges that start
/// there times edges that end there. Ends that are no site are passed over; `degrees` is a buffer.
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
