//! Sets of symmetry operations: groups, generators and duplicates.
//!
//! Translations are equal within a tolerance, and bins only find them. Listed ones may be rounded, and those of an origin
//! other than the tabulated ones have no common denominator.

use std::collections::HashMap;

use super::operation::SymmetryOperation;

/// Largest number of operations of a space group modulo the lattice translations of its conventional cell (192 for
/// `F m -3 m`).
pub const MAX_OPERATIONS: usize = 192;

/// Largest difference of a component of two equal translations, as a fraction of an edge.
///
/// A product is `t1 + R·t2` with one or two components of t2. With the translation that it is compared with, these are
/// four numbers. Three decimals leave 0.0005 open in each. The centrings of the largest multiple cells are further apart.
const SAME_TRANSLATION: f64 = 0.0021;

/// Number of bins along an axis. Multiples of 1/24 are in the middle of theirs, so that one bin is searched for them.
const BINS: f64 = 48.0;

/// Rotation and bin of the translation of an operation.
type Key = ([[i8; 3]; 3], [u8; 3]);

/// Operations that are found by their rotation and translation.
#[derive(Default)]
struct Known {
    translations: HashMap<Key, Vec<[f64; 3]>>,
}

impl Known {
    fn insert(&mut self, operation: &SymmetryOperation) {
        let bin = operation.translation.map(|shift| bins(shift)[0]);
        self.translations.entry((operation.rotation, bin)).or_default().push(operation.translation);
    }

    /// Searches for an operation. Returns the difference of the translations, modulo the lattice and in fractions of an
    /// edge, from the nearest known one to this one. Returns `None` if there is none within [`SAME_TRANSLATION`].
    fn find(&self, operation: &SymmetryOperation) -> Option<[f64; 3]> {
        let [x, y, z] = operation.translation.map(bins);
        let mut nearest = None;
        let mut least = SAME_TRANSLATION;
        for i in distinct(x) {
            for j in distinct(y) {
                for k in distinct(z) {
                    let known = self.translations.get(&(operation.rotation, [i, j, k]));
                    for translation in known.into_iter().flatten() {
                        let apart = difference(&operation.translation, translation);
                        let largest = apart.iter().fold(0.0_f64, |largest, part| largest.max(part.abs()));
                        if largest <= least {
                            least = largest;
                            nearest = Some(apart);
                        }
                    }
                }
            }
        }
        nearest
    }
}

/// Returns the bin of a component of a translation, and the bin beside it if that may hold equal ones. Otherwise it is the
/// same bin again.
fn bins(shift: f64) -> [u8; 2] {
    // Twice the tolerance leaves room for rounding errors.
    const MARGIN: f64 = 2.0 * SAME_TRANSLATION * BINS;
    let place = shift * BINS;
    let home = place.round();
    let side = place - home;
    let beside = if side.abs() >= 0.5 - MARGIN { home + side.signum() } else { home };
    [home, beside].map(|bin| bin.rem_euclid(BINS) as u8)
}

/// Returns the distinct ones of two bins.
fn distinct(bins: [u8; 2]) -> impl Iterator<Item = u8> {
    let [home, beside] = bins;
    std::iter::once(home).chain((beside != home).then_some(beside))
}

/// Returns the shortest vector from one translation to the other, modulo the lattice.
fn difference(to: &[f64; 3], from: &[f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|axis| {
        let apart = to[axis] - from[axis];
        apart - apart.round()
    })
}

/// Returns the operations as a group modulo lattice translations, in their order, or `None` if they are none. They must be
/// distinct.
///
/// Rounded translations are a group within their rounding errors only. Then they are moved by these errors, so that the
/// products are exact and the images of a site on a symmetry element coincide. Exact ones stay as they are.
pub fn group_of(operations: &[SymmetryOperation]) -> Option<Vec<SymmetryOperation>> {
    let mut known = Known::default();
    for operation in operations {
        if known.find(operation).is_some() {
            return None;
        }
        known.insert(operation);
    }
    known.find(&SymmetryOperation::IDENTITY)?;
    let count = operations.len() as f64;
    let mut group = Vec::with_capacity(operations.len());
    for left in operations {
        // Where d(g, h) is the translation of the product gh less that of the listed operation, it obeys
        // d(g, h) + d(gh, k) = R(g)·d(h, k) + d(g, hk). So t(g) less the mean of d(g, h) over h has exact products.
        let mut sum = [0.0; 3];
        for right in operations {
            let apart = known.find(&left.after(right)?)?;
            for (sum, apart) in sum.iter_mut().zip(apart) {
                *sum += apart;
            }
        }
        let translation = [0, 1, 2].map(|axis| left.translation[axis] - sum[axis] / count);
        group.push(SymmetryOperation::new(left.rotation, translation));
    }
    Some(group)
}

/// Returns the group generated by the operations, with the identity first, or `None` if it has more than
/// [`MAX_OPERATIONS`] elements.
pub fn closure(generators: &[SymmetryOperation]) -> Option<Vec<SymmetryOperation>> {
    let mut operations = vec![SymmetryOperation::IDENTITY];
    let mut known = Known::default();
    known.insert(&SymmetryOperation::IDENTITY);
    let mut done = 0;
    while let Some(left) = operations.get(done).copied() {
        done += 1;
        for generator in generators {
            let product = generator.after(&left)?;
            if known.find(&product).is_none() {
                if operations.len() == MAX_OPERATIONS {
                    return None;
                }
                known.insert(&product);
                operations.push(product);
            }
        }
    }
    Some(operations)
}

/// Removes duplicate operations and keeps the first of each.
pub fn without_duplicates(operations: &mut Vec<SymmetryOperation>) {
    let mut known = Known::default();
    operations.retain(|operation| {
        let is_new = known.find(operation).is_none();
        if is_new {
            known.insert(operation);
        }
        is_new
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symmetry::operations_of_hall_symbol;

    fn parsed(text: &str) -> SymmetryOperation {
        SymmetryOperation::parse(text.as_bytes()).expect(text)
    }

    fn list(text: &str) -> Vec<SymmetryOperation> {
        text.split(' ').map(parsed).collect()
    }

    /// `x,y,z` form of an operation, with decimals.
    fn printed(operation: &SymmetryOperation, digits: usize) -> String {
        let component = |(row, shift): (&[i8; 3], f64)| {
            let mut text = format!("{shift:.digits$}");
            for (coefficient, letter) in row.iter().zip(["x", "y", "z"]) {
                match coefficient {
                    0 => {}
                    1 => text += &format!("+{letter}"),
                    other => text += &format!("{other:+}{letter}"),
                }
            }
            text
        };
        operation.rotation.iter().zip(operation.translation).map(component).collect::<Vec<_>>().join(",")
    }

    fn largest(difference: [f64; 3]) -> f64 {
        difference.iter().fold(0.0, |largest, part| part.abs().max(largest))
    }

    #[test]
    fn generators_of_a_diamond_lattice_close() {
        let generators =
            ["x,y+1/2,z+1/2", "x+1/2,y,z+1/2", "z,x,y", "-y,-x,z", "y+1/4,-x+3/4,z+1/4"].map(parsed);
        let group = closure(&generators).expect("a finite group");
        assert_eq!(group.len() % 24, 0);
        assert!(group_of(&group).is_some());
        assert!(group_of(&group[..group.len() - 1]).is_none());
    }

    #[test]
    fn an_infinite_group_is_refused() {
        assert_eq!(closure(&["x-y,x,z", "-y,x,z"].map(parsed)), None);
        assert_eq!(closure(&["x+0.0123,y,z"].map(parsed)).map(|group| group.len()), None);
    }

    #[test]
    fn tabulated_groups_are_exact() {
        for symbol in ["-P 2ybc", "-R 3 2\"c", "-F 4vw 2vw 3", "P 65 2 (0 0 1)"] {
            let operations = operations_of_hall_symbol(symbol).expect(symbol);
            assert_eq!(group_of(&operations).as_deref(), Some(&*operations), "{symbol}");
        }
    }

    #[test]
    fn an_origin_may_be_anywhere_and_its_translations_rounded() {
        const ORIGIN: [f64; 3] = [0.123_456_78, 0.718_281_83, 0.314_159_27];
        for symbol in ["-P 1", "-P 2ybc", "-P 2ac 2n", "-P 4n 2n", "-R 3 2\"", "-P 6c 2c", "-F 4vw 2vw 3"] {
            let operations = operations_of_hall_symbol(symbol).expect(symbol);
            let moved = operations.iter().map(|operation| {
                let image = operation.apply(&ORIGIN);
                let shift = |axis: usize| 2.0 * operation.translation[axis] + ORIGIN[axis] - image[axis];
                SymmetryOperation::new(operation.rotation, [0, 1, 2].map(shift))
            });
            let moved: Vec<SymmetryOperation> = moved.collect();
            for digits in [3, 4, 8] {
                let read: Vec<_> =
                    moved.iter().map(|operation| parsed(&printed(operation, digits))).collect();
                let mut distinct = read.clone();
                without_duplicates(&mut distinct);
                assert_eq!(distinct, read, "{symbol} {digits}");
                let group = group_of(&read).expect(symbol);
                let mut known = Known::default();
                for (found, expected) in group.iter().zip(&moved) {
                    known.insert(found);
                    let apart = largest(difference(&found.translation, &expected.translation));
                    assert!(apart < 3.0 * 0.1f64.powi(digits as i32), "{symbol} {digits} {apart}");
                }
                for left in &group {
                    for right in &group {
                        let product = left.after(right).expect("a product");
                        let apart = largest(known.find(&product).expect(symbol));
                        assert!(apart < 1e-12, "{symbol} {digits} {apart}");
                    }
                }
            }
        }
    }

    #[test]
    fn translations_are_equal_across_the_faces_of_bins_and_cell() {
        for (operations, count) in [
            ("-x+0.0104,-y,-z -x+0.0105,-y,-z", 1),
            ("-x+0.9995,-y,-z -x+0.0005,-y,-z", 1),
            ("-x+0.9995,-y+0.01,-z+0.98 -x+0.0005,-y+0.011,-z+0.979", 1),
            ("-x+0.2,-y,-z -x+0.203,-y,-z", 2),
            ("-x+0.9985,-y,-z -x+0.0015,-y,-z", 2),
            ("x,y,z -x,-y,-z", 2),
        ] {
            let mut operations = list(operations);
            let first = operations[0];
            without_duplicates(&mut operations);
            assert_eq!((operations.len(), operations[0]), (count, first));
        }
    }

    #[test]
    fn what_is_no_group() {
        for operations in [
            "-x,-y,-z",
            "x,y,z x,y,z",
            "x,y,z x+0.3,y,z",
            "x,y,z x+0.33,y,z",
            "x,y,z -x+0.129,-y,-z -x+0.2,-y,-z",
            "x,y,z -x+0.129,-y,-z -x,y,-z",
        ] {
            assert_eq!(group_of(&list(operations)), None, "{operations}");
        }
        let centre = list("x,y,z -x+0.129,-y,-z");
        assert_eq!(group_of(&centre), Some(centre));
        let thirds = group_of(&list("x,y,z x+0.3330000,y,z x+0.66700000,y,z")).expect("a group");
        assert_eq!(thirds, list("x,y,z x+1/3,y,z x+2/3,y,z"));
    }
}
