//! Search for atoms that coincide.

use super::expand::{Nearness, wrapped};

/// From this number of positions on, pairs are searched in a grid of bins.
const MANY_POSITIONS: usize = 64;

/// Edge of a bin in units of the search distance. With this size most positions are far from the faces of their bin,
/// and few atoms share one.
const BIN_EDGE: f64 = 8.0;

/// Largest number of bins along an axis, so that three indices fit 63 bits.
const MAX_BINS: f64 = (1u32 << 20) as f64;

/// A pair of positions that nearly coincide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    /// Index of the first position.
    pub(super) first: usize,
    /// Index of the second position, which is larger.
    pub(super) second: usize,
    /// Distance in Å.
    pub(super) distance: f64,
}

/// Searches for positions that nearly coincide, and reuses its buffers.
#[derive(Debug, Default)]
pub(super) struct PairSearch {
    wrapped: Vec<[f64; 3]>,
    /// Key of a bin and index of a position in it, sorted.
    bins: Vec<(u64, u32)>,
}

impl PairSearch {
    /// Returns a pair of positions that are near each other modulo lattice translations, if there is one.
    ///
    /// The time is O(n log n). If a bin holds many positions, a pair in it is found early.
    pub(super) fn find(&mut self, positions: &[[f64; 3]], nearness: &Nearness) -> Option<Pair> {
        self.wrapped.clear();
        self.wrapped.extend(positions.iter().map(|position| position.map(wrapped)));
        if positions.len() < MANY_POSITIONS {
            self.find_in_all(nearness)
        } else {
            self.find_in_bins(nearness)
        }
    }

    fn find_in_all(&self, nearness: &Nearness) -> Option<Pair> {
        let reach = nearness.reach[0];
        for (second, position) in self.wrapped.iter().enumerate() {
            for (first, other) in self.wrapped[..second].iter().enumerate() {
                let apart = (position[0] - other[0]).abs();
                if (apart <= reach || apart >= 1.0 - reach)
                    && let Some(distance) = nearness.distance(position, other)
                {
                    return Some(Pair { first, second, distance });
                }
            }
        }
        None
    }

    fn find_in_bins(&mut self, nearness: &Nearness) -> Option<Pair> {
        let grid = Grid::new(nearness);
        self.bins.clear();
        self.bins.extend(self.wrapped.iter().zip(0u32..).map(|(at, index)| (grid.key(grid.bin(at)), index)));
        self.bins.sort_unstable();
        for (place, &(home, index)) in self.bins.iter().enumerate() {
            let found = self.find_near(nearness, index, home, place + 1);
            if found.is_some() {
                return found;
            }
            let Some(position) = self.wrapped.get(index as usize) else { continue };
            for key in grid.neighbours(position).into_iter().flatten() {
                let from = self.bins.partition_point(|&(other, _)| other < key);
                let found = self.find_near(nearness, index, key, from);
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// Searches a bin, from index `from` on, for a position near the given one.
    fn find_near(&self, nearness: &Nearness, index: u32, bin: u64, from: usize) -> Option<Pair> {
        let index = index as usize;
        let position = self.wrapped.get(index)?;
        let others = self.bins.get(from..)?.iter().take_while(|&&(key, _)| key == bin);
        others.map(|&(_, other)| other as usize).find_map(|other| {
            let distance = nearness.distance(position, self.wrapped.get(other)?)?;
            Some(Pair { first: index.min(other), second: index.max(other), distance })
        })
    }
}

/// A grid of bins over the unit cell, with an integer number of bins along each axis.
struct Grid {
    counts: [u64; 3],
    reach: [f64; 3],
}

impl Grid {
    fn new(nearness: &Nearness) -> Self {
        let counts =
            nearness.reach.map(|reach| (1.0 / (BIN_EDGE * reach)).floor().clamp(1.0, MAX_BINS) as u64);
        Self { counts, reach: nearness.reach }
    }

    fn bin(&self, position: &[f64; 3]) -> [u64; 3] {
        let mut bin = [0; 3];
        for axis in 0..3 {
            bin[axis] = ((position[axis] * self.counts[axis] as f64) as u64).min(self.counts[axis] - 1);
        }
        bin
    }

    fn key(&self, bin: [u64; 3]) -> u64 {
        (bin[0] * self.counts[1] + bin[1]) * self.counts[2] + bin[2]
    }

    /// Returns the keys of the other bins that are within the search distance of a position. Most positions have
    /// none.
    fn neighbours(&self, position: &[f64; 3]) -> [Option<u64>; 7] {
        let home = self.bin(position);
        let mut beside = [None; 3];
        let mut any = false;
        for axis in 0..3 {
            let count = self.counts[axis];
            let margin = self.reach[axis] * count as f64;
            let inside = position[axis] * count as f64 - home[axis] as f64;
            // The margin is at most an eighth of a bin. Only one face per axis can be that near, unless there is a
            // single bin.
            if count > 1 && inside <= margin {
                beside[axis] = Some((home[axis] + count - 1) % count);
            } else if count > 1 && inside >= 1.0 - margin {
                beside[axis] = Some((home[axis] + 1) % count);
            }
            any |= beside[axis].is_some();
        }
        if !any {
            return [None; 7];
        }
        let mut keys = [None; 7];
        for (key, axes) in keys.iter_mut().zip(1u8..) {
            let mut bin = home;
            let mut exists = true;
            for axis in 0..3 {
                if axes & (1 << axis) != 0 {
                    match beside[axis] {
                        Some(index) => bin[axis] = index,
                        None => exists = false,
                    }
                }
            }
            *key = exists.then(|| self.key(bin));
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cif::cell::Cell;
    use proptest::prelude::*;

    fn nearness(parameters: [f64; 6]) -> Nearness {
        Nearness::new(&Cell::from_parameters(parameters).expect("a cell"))
    }

    #[test]
    fn many_positions_are_searched_in_a_time_that_grows_with_their_number() {
        let cell = nearness([400.0, 400.0, 400.0, 80.0, 95.0, 110.0]);
        let side = 64u32;
        let grid = (0..side * side * side).map(|index| {
            [index / side / side, index / side % side, index % side].map(|x| f64::from(x) / f64::from(side))
        });
        let mut positions: Vec<[f64; 3]> = grid.collect();
        let mut search = PairSearch::default();
        assert_eq!(search.find(&positions, &cell), None);
        let last = positions.len();
        positions.push([1.0 - 1e-5, 1e-5, 2.0]);
        let pair = search.find(&positions, &cell).expect("a pair across the cell's faces");
        assert_eq!((pair.first, pair.second), (0, last));
        assert!(pair.distance < 0.01);
        // All in one bin: found at once.
        let together = vec![[0.5; 3]; 500_000];
        assert!(search.find(&together, &cell).is_some());
    }

    proptest! {
        #[test]
        fn bins_find_what_all_pairs_find(
            lengths in prop::array::uniform3(0.5f64..9.0),
            angles in prop::array::uniform3(50.0f64..130.0),
            positions in proptest::collection::vec(prop::array::uniform3(-1.0f64..2.0), 2..60),
        ) {
            let [a, b, c] = lengths;
            let [alpha, beta, gamma] = angles;
            if let Some(cell) = Cell::from_parameters([a, b, c, alpha, beta, gamma]) {
                let nearness = Nearness::new(&cell);
                let wrapped = positions.iter().map(|position| position.map(wrapped)).collect();
                let mut search = PairSearch { wrapped, bins: Vec::new() };
                let all = search.find_in_all(&nearness);
                let binned = search.find_in_bins(&nearness);
                prop_assert_eq!(all.is_some(), binned.is_some());
                for pair in all.into_iter().chain(binned) {
                    let apart = nearness.distance(&positions[pair.first], &positions[pair.second]);
                    prop_assert!(pair.first < pair.second && apart.is_some(), "{:?}", pair);
                }
            }
        }
    }
}
