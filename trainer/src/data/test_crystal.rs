//! Crystals that are moved about, and their neighbours found anew by trying every image (specification,
//! sections 2.2 and 2.3).

use std::path::{Path, PathBuf};

use crate::data::golden::{Golden, OwnedInput};

/// Radius of the neighbour search in Å (specification, section 2.2).
pub(crate) const CUTOFF: f64 = 8.0;
/// Neighbours of an atom; further ones of the last one's shell are kept.
const NEIGHBOURS: usize = 12;
/// Distances in Å that differ by less belong to one shell.
const SHELL_TOLERANCE: f64 = 1e-4;

/// A 3×3 matrix by rows.
pub(crate) type Matrix = [[f64; 3]; 3];
/// The forms of [`Crystal::other_forms`] in another cell than the crystal's.
pub(crate) const OTHER_CELLS: [&str; 3] = ["supercell", "other cell", "left-handed cell"];

/// A crystal before its edges are known.
#[derive(Debug, Clone)]
pub(crate) struct Crystal {
    pub(crate) name: String,
    /// Rows in Å.
    pub(crate) lattice: Matrix,
    pub(crate) numbers: Vec<u8>,
    pub(crate) fractional: Vec<[f64; 3]>,
}

/// `v · M`
pub(crate) fn times(vector: [f64; 3], matrix: &Matrix) -> [f64; 3] {
    std::array::from_fn(|column| (0..3).map(|row| vector[row] * matrix[row][column]).sum())
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A rotation about an axis that nothing else lies along.
pub(crate) fn rotation() -> Matrix {
    // The quaternion (1, 2, 3, 4)/√30.
    [
        [-20.0, 4.0, 22.0].map(|element| element / 30.0),
        [20.0, -10.0, 20.0].map(|element| element / 30.0),
        [10.0, 28.0, 4.0].map(|element| element / 30.0),
    ]
}

impl Crystal {
    pub(crate) fn new(name: &str, lattice: Matrix, numbers: &[u8], fractional: &[[f64; 3]]) -> Self {
        let (numbers, fractional) = (numbers.to_vec(), fractional.to_vec());
        Self { name: name.to_owned(), lattice, numbers, fractional }
    }

    /// A case of a fixture.
    pub(crate) fn read(path: &Path) -> Self {
        let file = Golden::read(path);
        let rows = |name: &str| -> Vec<[f64; 3]> { file.doubles(name).as_chunks().0.to_vec() };
        let numbers: Vec<u8> = file.integers("z").into_iter().map(|number| number as u8).collect();
        let lattice = rows("lattice").try_into().expect("three rows");
        Self::new(&path.display().to_string(), lattice, &numbers, &rows("frac"))
    }

    /// The crystal under a linear map of space, such as a rotation.
    pub(crate) fn mapped(&self, map: &Matrix) -> Self {
        Self { lattice: self.lattice.map(|row| times(row, map)), ..self.clone() }
    }

    /// Every atom moved by a fraction of the cell, and back into it.
    pub(crate) fn shifted(&self, by: [f64; 3]) -> Self {
        let moved = |atom: &[f64; 3]| std::array::from_fn(|axis| (atom[axis] + by[axis]).rem_euclid(1.0));
        Self { fractional: self.fractional.iter().map(moved).collect(), ..self.clone() }
    }

    /// Atom `order[i]` as the i-th.
    pub(crate) fn permuted(&self, order: &[usize]) -> Self {
        Self {
            numbers: order.iter().map(|&atom| self.numbers[atom]).collect(),
            fractional: order.iter().map(|&atom| self.fractional[atom]).collect(),
            ..self.clone()
        }
    }

    /// Two cells along the first vector; the atoms of the first cell come first.
    pub(crate) fn doubled(&self) -> Self {
        let mut double = self.clone();
        double.lattice[0] = self.lattice[0].map(|component| 2.0 * component);
        let halved =
            |shift: f64| move |atom: &[f64; 3]| -> [f64; 3] { [(atom[0] + shift) / 2.0, atom[1], atom[2]] };
        double.fractional = self.fractional.iter().map(halved(0.0)).collect();
        double.fractional.extend(self.fractional.iter().map(halved(1.0)));
        double.numbers.extend_from_slice(&self.numbers);
        double
    }

    /// The same crystal with the cell vectors `change · L`, given with the inverse of `change`; both
    /// are of integers.
    pub(crate) fn in_other_cell(&self, change: &Matrix, inverse: &Matrix) -> Self {
        let product: Matrix = std::array::from_fn(|row| times(change[row], inverse));
        assert_eq!(product, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], "an inverse");
        let fractional = self.fractional.iter().map(|&atom| times(atom, inverse).map(|f| f.rem_euclid(1.0)));
        Self {
            lattice: std::array::from_fn(|row| times(change[row], &self.lattice)),
            fractional: fractional.collect(),
            ..self.clone()
        }
    }

    /// The same crystal written down in other ways, and which atom of this form each atom is.
    pub(crate) fn other_forms(&self) -> Vec<(&'static str, Self, Vec<usize>)> {
        let same: Vec<usize> = (0..self.numbers.len()).collect();
        let backwards: Vec<usize> = same.iter().rev().copied().collect();
        let twice = [&*same, &*same].concat();
        let mirror = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]];
        let change = [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, -1.0, 1.0]];
        let inverse = [[1.0, 0.0, 0.0], [-1.0, 1.0, 0.0], [-1.0, 1.0, 1.0]];
        let left_handed = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        vec![
            ("rotation", self.mapped(&rotation()), same.clone()),
            ("reflection", self.mapped(&mirror), same.clone()),
            ("origin", self.shifted([0.37, 0.81, 0.59]), same.clone()),
            ("permutation", self.permuted(&backwards), backwards),
            ("supercell", self.doubled(), twice),
            ("other cell", self.in_other_cell(&change, &inverse), same.clone()),
            ("left-handed cell", self.in_other_cell(&left_handed, &left_handed), same),
        ]
    }

    /// a, b, c in Å, α, β, γ in degrees (specification, section 2.1).
    fn parameters(&self) -> [f64; 6] {
        let length = |row: usize| dot(self.lattice[row], self.lattice[row]).sqrt();
        let angle = |a: usize, b: usize| {
            (dot(self.lattice[a], self.lattice[b]) / (length(a) * length(b))).acos().to_degrees()
        };
        [length(0), length(1), length(2), angle(1, 2), angle(0, 2), angle(0, 1)]
    }

    /// Images to try along each vector: `floor(cutoff / spacing of the planes + 1 + 1e-6)`.
    fn images(&self) -> [i16; 3] {
        let [a, b, c] = self.lattice;
        let volume = dot(a, cross(b, c)).abs();
        [cross(b, c), cross(c, a), cross(a, b)].map(|normal| {
            let spacing = volume / dot(normal, normal).sqrt();
            (CUTOFF / spacing + 1.0 + 1e-6).floor() as i16
        })
    }

    /// The crystal with its edges, whole shells.
    pub(crate) fn with_edges(&self) -> OwnedInput {
        let mut input = OwnedInput {
            material_id: self.name.clone(),
            lattice: self.lattice,
            parameters: self.parameters(),
            atomic_numbers: self.numbers.clone(),
            fractional: self.fractional.as_flattened().to_vec(),
            ..OwnedInput::default()
        };
        for target in 0..self.numbers.len() {
            for (source, image) in self.neighbours(target) {
                input.edge(target as u32, source as u32, image);
            }
        }
        input
    }

    /// Neighbours of an atom in the order of section 2.3 of the specification.
    fn neighbours(&self, target: usize) -> Vec<(usize, [i16; 3])> {
        let [first, second, third] = self.images();
        let mut candidates = Vec::new();
        for source in 0..self.numbers.len() {
            for k1 in -first..=first {
                for k2 in -second..=second {
                    for k3 in -third..=third {
                        let image = [k1, k2, k3];
                        let fractional = std::array::from_fn(|axis| {
                            self.fractional[source][axis] - self.fractional[target][axis]
                                + f64::from(image[axis])
                        });
                        let vector = times(fractional, &self.lattice);
                        let distance = dot(vector, vector).sqrt();
                        if distance > 1e-8 && distance <= CUTOFF {
                            candidates.push((distance, source, image));
                        }
                    }
                }
            }
        }
        candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut shell = 0;
        let mut before = None;
        let mut shelled: Vec<_> = candidates
            .into_iter()
            .map(|(distance, source, image)| {
                shell += usize::from(before.is_some_and(|before| distance - before > SHELL_TOLERANCE));
                before = Some(distance);
                (shell, source, image)
            })
            .collect();
        shelled.sort_unstable();
        let last = shelled.get(NEIGHBOURS - 1).map_or(usize::MAX, |&(shell, ..)| shell);
        shelled.retain(|&(shell, ..)| shell <= last);
        shelled.into_iter().map(|(_, source, image)| (source, image)).collect()
    }
}

/// The folder of the fixture that comes with the project.
pub(crate) fn small_fixture() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden")).to_owned()
}

/// Copper, one atom in the primitive cell.
pub(crate) fn copper() -> Crystal {
    let half = 3.6149 / 2.0;
    let lattice = [[0.0, half, half], [half, 0.0, half], [half, half, 0.0]];
    Crystal::new("copper", lattice, &[29], &[[0.0; 3]])
}

/// Rutile.
pub(crate) fn rutile() -> Crystal {
    let (a, c, u) = (4.5937, 2.9587, 0.3053);
    let oxygen = [[u, u, 0.0], [1.0 - u, 1.0 - u, 0.0], [0.5 - u, 0.5 + u, 0.5], [0.5 + u, 0.5 - u, 0.5]];
    let mut positions = vec![[0.0; 3], [0.5; 3]];
    positions.extend(oxygen);
    Crystal::new("rutile", [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, c]], &[22, 22, 8, 8, 8, 8], &positions)
}

/// Wurtzite, hexagonal.
pub(crate) fn wurtzite() -> Crystal {
    let (a, c, u) = (3.2495, 5.2069, 0.3821);
    let lattice = [[a, 0.0, 0.0], [-0.5 * a, 0.75f64.sqrt() * a, 0.0], [0.0, 0.0, c]];
    let (one, two) = (1.0 / 3.0, 2.0 / 3.0);
    let positions = [[one, two, 0.0], [two, one, 0.5], [one, two, u], [two, one, 0.5 + u]];
    Crystal::new("wurtzite", lattice, &[30, 30, 8, 8], &positions)
}

/// Three unlike atoms without any symmetry.
pub(crate) fn skewed() -> Crystal {
    Crystal::new(
        "skewed",
        [[4.1, 0.0, 0.0], [-0.7, 5.2, 0.0], [0.4, -1.1, 4.8]],
        &[11, 35, 8],
        &[[0.02, 0.11, 0.97], [0.46, 0.53, 0.38], [0.71, 0.08, 0.55]],
    )
}

/// Helium so far apart that no atom has a neighbour.
pub(crate) fn lonely() -> Crystal {
    Crystal::new("lonely", [[30.0, 0.0, 0.0], [0.0, 30.0, 0.0], [0.0, 0.0, 30.0]], &[2], &[[0.0; 3]])
}

/// Fails unless the edges found here are those of a fixture's cases.
fn assert_edges(folder: &Path) {
    let mut compared = 0;
    for entry in std::fs::read_dir(folder.join("cases")).expect("a folder of cases") {
        let path = entry.expect("a readable folder").path();
        let file = Golden::read(&path);
        let found = Crystal::read(&path).with_edges();
        let integers = |values: &[u32]| values.iter().map(|&value| i64::from(value)).collect::<Vec<_>>();
        assert_eq!(integers(&found.source), file.integers("shell_src"), "{}", path.display());
        assert_eq!(integers(&found.target), file.integers("shell_tgt"), "{}", path.display());
        let images: Vec<i64> = (0..found.source.len())
            .flat_map(|edge| found.image.each_ref().map(|axis| i64::from(axis[edge])))
            .collect();
        assert_eq!(images, file.integers("shell_img"), "{}", path.display());
        compared += 1;
    }
    assert!(compared >= 3, "{compared} cases");
}

#[test]
fn edges_are_those_of_the_small_fixture() {
    assert_edges(&small_fixture());
}

#[test]
fn edges_are_those_of_the_golden_crystals() {
    if let Some(folder) = crate::data::golden::golden_folder() {
        assert_edges(&folder);
    }
}
