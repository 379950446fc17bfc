//! Reference numbers for tests, where they are available.

use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

use crate::data::input::GraphInput;

/// Returns the folder of reference numbers, or prints a line and returns `None`.
pub(crate) fn golden_folder() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/golden"));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    println!("skipped: ../shared is not here");
    None
}

/// A file of named arrays.
pub(crate) struct Golden {
    bytes: Vec<u8>,
}

impl Golden {
    /// Reads a file of arrays.
    pub(crate) fn read(path: &Path) -> Self {
        Self { bytes: std::fs::read(path).expect("a readable golden file") }
    }

    /// Returns the values of an array of 64-bit floats.
    pub(crate) fn doubles(&self, name: &str) -> Vec<f64> {
        self.values(name, Dtype::F64).into_iter().map(f64::from_le_bytes).collect()
    }

    /// Returns the values of an array of 64-bit integers.
    pub(crate) fn integers(&self, name: &str) -> Vec<i64> {
        self.values(name, Dtype::I64).into_iter().map(i64::from_le_bytes).collect()
    }

    /// Returns the values of an array of 32-bit integers.
    pub(crate) fn short_integers(&self, name: &str) -> Vec<i32> {
        self.values(name, Dtype::I32).into_iter().map(i32::from_le_bytes).collect()
    }

    fn values<const BYTES: usize>(&self, name: &str, dtype: Dtype) -> Vec<[u8; BYTES]> {
        let file = SafeTensors::deserialize(&self.bytes).expect("a well-formed golden file");
        let tensor = file.tensor(name).expect("an array of this name");
        assert_eq!(tensor.dtype(), dtype, "type of {name}");
        tensor.data().as_chunks().0.to_vec()
    }
}

/// A crystal with its edges, as owned data.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnedInput {
    pub(crate) material_id: String,
    pub(crate) lattice: [[f64; 3]; 3],
    pub(crate) parameters: [f64; 6],
    pub(crate) atomic_numbers: Vec<u8>,
    pub(crate) fractional: Vec<f64>,
    pub(crate) source: Vec<u32>,
    pub(crate) target: Vec<u32>,
    pub(crate) image: [Vec<i16>; 3],
    pub(crate) direction: Vec<u8>,
}

impl OwnedInput {
    /// Returns the crystal as the input of a graph.
    pub(crate) fn borrow(&self) -> GraphInput<'_> {
        GraphInput {
            material_id: &self.material_id,
            lattice_vectors: self.lattice,
            lattice_parameters: self.parameters,
            atomic_numbers: &self.atomic_numbers,
            fractional_positions: &self.fractional,
            source: &self.source,
            target: &self.target,
            image: [&self.image[0], &self.image[1], &self.image[2]],
            direction: &self.direction,
        }
    }

    /// Adds an edge with the labels of its image.
    pub(crate) fn edge(&mut self, target: u32, source: u32, image: [i16; 3]) {
        self.target.push(target);
        self.source.push(source);
        for (axis, component) in image.into_iter().enumerate() {
            self.image[axis].push(component);
        }
        let [first, second, third] = image.map(|component| (component.signum() + 1) as u8);
        self.direction.push(9 * first + 3 * second + third);
    }

    /// Returns a cubic lattice of one element with edges to the six nearest neighbours.
    pub(crate) fn simple_cubic(edge_length: f64) -> Self {
        let mut crystal = Self::cubic(edge_length, &[84], &[[0.0; 3]]);
        for image in [[-1, 0, 0], [0, -1, 0], [0, 0, -1], [0, 0, 1], [0, 1, 0], [1, 0, 0]] {
            crystal.edge(0, 0, image);
        }
        crystal
    }

    /// Returns a cubic cell with atoms and no edges.
    pub(crate) fn cubic(edge_length: f64, atomic_numbers: &[u8], positions: &[[f64; 3]]) -> Self {
        let lattice = std::array::from_fn(|row| {
            std::array::from_fn(|column| if row == column { edge_length } else { 0.0 })
        });
        Self {
            material_id: format!("cubic-{}", atomic_numbers.len()),
            lattice,
            parameters: [edge_length, edge_length, edge_length, 90.0, 90.0, 90.0],
            atomic_numbers: atomic_numbers.to_vec(),
            fractional: positions.as_flattened().to_vec(),
            ..Self::default()
        }
    }

    /// Returns caesium chloride in a cell of three ångström, with eight edges from each atom to the other kind.
    pub(crate) fn caesium_chloride() -> Self {
        let mut crystal = Self::cubic(3.0, &[55, 17], &[[0.0; 3], [0.5; 3]]);
        for (target, source, step) in [(0, 1, -1), (1, 0, 1)] {
            for corner in 0..8 {
                crystal.edge(
                    target,
                    source,
                    [corner >> 2 & 1, corner >> 1 & 1, corner & 1].map(|bit| bit * step),
                );
            }
        }
        crystal
    }
}

/// A reference crystal: its file, and its edges under one tie rule.
pub(crate) struct GoldenCase {
    pub(crate) file: Golden,
    /// Prefix of the arrays: `""` for cut ties, `"shell_"` for whole shells.
    pub(crate) prefix: &'static str,
    pub(crate) input: OwnedInput,
}

/// Returns every reference crystal under both tie rules; none where they are not available.
pub(crate) fn golden_cases() -> Vec<GoldenCase> {
    let Some(folder) = golden_folder() else { return Vec::new() };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder.join("cases"))
        .expect("a folder of cases")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    paths.sort();
    assert_eq!(paths.len(), 8, "golden crystals");
    let rules = ["", "shell_"];
    paths.iter().flat_map(|path| rules.map(|prefix| GoldenCase::read(path, prefix))).collect()
}

impl GoldenCase {
    fn read(path: &Path, prefix: &'static str) -> Self {
        let file = Golden::read(path);
        let rows: Vec<[f64; 3]> =
            file.doubles("lattice").chunks_exact(3).map(|row| row.try_into().expect("three")).collect();
        let mut input = OwnedInput {
            material_id: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            lattice: rows.try_into().expect("three rows"),
            parameters: file.doubles("lat6").try_into().expect("six parameters"),
            atomic_numbers: file.integers("z").into_iter().map(|number| number as u8).collect(),
            fractional: file.doubles("frac"),
            ..OwnedInput::default()
        };
        let labelled = |name: &str| file.integers(&format!("{prefix}{name}"));
        let images = labelled("img");
        for ((target, source), image) in
            labelled("tgt").iter().zip(labelled("src")).zip(images.chunks_exact(3))
        {
            input.edge(*target as u32, source as u32, [image[0] as i16, image[1] as i16, image[2] as i16]);
        }
        let expected: Vec<u8> = labelled("dir27").into_iter().map(|label| label as u8).collect();
        assert_eq!(input.direction, expected);
        Self { file, prefix, input }
    }

    /// Returns floats under the case's tie rule.
    pub(crate) fn doubles(&self, name: &str) -> Vec<f64> {
        self.file.doubles(&format!("{}{name}", self.prefix))
    }

    /// Returns integers under the case's tie rule.
    pub(crate) fn integers(&self, name: &str) -> Vec<i64> {
        self.file.integers(&format!("{}{name}", self.prefix))
    }
}

/// Fails if two lists differ by more than `tolerance` anywhere.
pub(crate) fn assert_close(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "length of {name}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{name}[{index}] = {found}, expected {expected}");
    }
}
