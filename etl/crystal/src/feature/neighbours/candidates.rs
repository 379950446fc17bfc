//! Atoms within the search radius of a centre site, sorted by distance.

/// Up to this number of candidates, sorting by counting is faster than a comparison sort. 20 candidates take half the
/// time.
const COUNTING_LIMIT: usize = 40;

/// Candidate neighbours as sort keys. A key is the bit pattern of the squared distance, which orders like the number
/// because it is not negative, with the atom's number in its lowest bits.
///
/// The lowest bits of a squared distance hold only rounding errors. Replacing 12 of 52 bits leaves a resolution of
/// 4e-12 Å at 8 Å; each doubling of the number of atoms takes one more bit.
#[derive(Debug, Clone, Default)]
pub(super) struct Candidates {
    /// The keys, followed by unused elements.
    keys: Vec<u64>,
    /// Number of keys.
    count: usize,
    /// The keys in ascending order, followed by unused elements.
    sorted: Vec<u64>,
    /// Bit patterns of the squared distances of a run of atoms.
    squares: Vec<u64>,
    /// Bit patterns of the exact squared distances of the atoms, by their number.
    exact: Vec<u64>,
    /// Mask of the bits of a key that hold the atom's number.
    atom_bits: u64,
}

impl Candidates {
    /// Removes all candidates and makes room for `atoms` atoms.
    pub(super) fn clear(&mut self, atoms: usize) {
        self.count = 0;
        self.atom_bits = atoms.next_power_of_two() as u64 - 1;
        if self.exact.len() < atoms {
            self.exact.resize(atoms, 0);
            // A key is written before it is known whether the atom is within the limit.
            self.keys.resize(atoms + 1, 0);
            self.sorted.resize(atoms + 1, 0);
        }
    }

    /// Adds the atoms whose squared distance in Å² is within the limit.
    #[inline]
    pub(super) fn offer(&mut self, squares: impl Iterator<Item = f64>, atoms: &[u32], limit: f64) {
        // There are two loops: the first is vectorised, and the second has no branch, because whether an atom is
        // within the limit cannot be predicted.
        self.squares.clear();
        self.squares.extend(squares.map(|square| at_least_normal(square).to_bits()));
        let limit = limit.to_bits();
        let places = &mut self.keys[self.count..];
        let mut taken = 0;
        for (&square, &atom) in self.squares.iter().zip(atoms) {
            places[taken] = (square & !self.atom_bits) | u64::from(atom);
            self.exact[atom as usize] = square;
            taken += usize::from(square <= limit);
        }
        self.count += taken;
    }

    /// Returns the candidates by ascending distance, as the numbers of the atoms and their distances in Å.
    pub(super) fn ascending(&mut self) -> impl Iterator<Item = (usize, f64)> {
        let keys = &self.keys[..self.count];
        let sorted = &mut self.sorted[..self.count];
        if keys.len() <= COUNTING_LIMIT {
            // Keys are distinct, so the rank of a key is the number of smaller ones. They are compared as
            // floating-point numbers, which vector instructions support on every machine.
            for &key in keys {
                let number = f64::from_bits(key);
                let smaller: u64 = keys.iter().map(|&other| u64::from(f64::from_bits(other) < number)).sum();
                sorted[smaller as usize] = key;
            }
        } else {
            sorted.copy_from_slice(keys);
            sorted.sort_unstable();
        }
        sorted.iter().map(|key| {
            let atom = (key & self.atom_bits) as usize;
            (atom, f64::from_bits(self.exact[atom]).sqrt())
        })
    }
}

/// Raises a squared distance to the smallest normal number. Comparing subnormal numbers is slow, and only the centre
/// itself is that close.
#[inline]
fn at_least_normal(square: f64) -> f64 {
    if square < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { square }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of some squared distances, each atom numbered by its place.
    fn order(squares: &[f64], limit: f64) -> Vec<usize> {
        let atoms: Vec<u32> = (0..squares.len() as u32).collect();
        let mut candidates = Candidates::default();
        candidates.clear(squares.len());
        let (first, second) = squares.split_at(squares.len() / 2);
        candidates.offer(first.iter().copied(), &atoms[..first.len()], limit);
        candidates.offer(second.iter().copied(), &atoms[first.len()..], limit);
        candidates.ascending().map(|(atom, _)| atom).collect()
    }

    #[test]
    fn candidates_ascend_and_equal_ones_keep_the_order_of_their_numbers() {
        assert_eq!(order(&[4.0, 0.0, 9.1, 1.0, 4.0, 9.0], 9.0), [1, 3, 0, 4, 5]);
        for count in [COUNTING_LIMIT, COUNTING_LIMIT + 1, 300] {
            let squares: Vec<f64> = (0..count).map(|i| ((i * 37) % 11) as f64).collect();
            let mut expected: Vec<usize> = (0..count).collect();
            expected.sort_by(|&a, &b| squares[a].total_cmp(&squares[b]));
            assert_eq!(order(&squares, 100.0), expected, "{count} candidates");
        }
    }
}
