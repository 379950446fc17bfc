//! Crystal structures: CIF and POSCAR files, space-group symmetry, Niggli cells and neighbours in all periodic
//! images.
//!
//! ```text
//! element, radius, composition    symbols, covalent radii, formulas
//! structure, math, cartesian      cell and sites, 3x3 matrices, fractions of the cell
//! symmetry                        operations, Hall and Hermann-Mauguin symbols, numbers of space groups
//! cif, poscar                     text into structures
//! niggli                          reduced cells
//! feature                         reduced cell, wrapped sites, neighbours and their labels in one go
//! contact                         distances that no crystal has
//! number                          numbers in messages
//! ```
//!
//! All numbers are in double precision. Readers and searches keep their buffers from crystal to crystal: make one
//! for each thread. What a file says is never trusted: faults are errors, never panics, and whatever a file holds,
//! memory and time are bounded.
//!
//! # Conventions
//!
//! - **Units.** Lengths are in Å, angles in degrees, volumes in Å³.
//! - **Cell.** The rows of a lattice `L` are the cell vectors l1, l2, l3. Positions are row vectors: the Cartesian
//!   position of the fractional coordinates `f` is `x = f · L`. The six parameters are `|l1|`, `|l2|`, `|l3|`,
//!   `alpha = ∠(l2, l3)`, `beta = ∠(l1, l3)` and `gamma = ∠(l1, l2)`.
//! - **Change of basis.** The reduced lattice is `L' = T · L` with whole numbers in `T` and determinant +1, so the
//!   handedness stays; fractional coordinates change to `f' = f · T⁻¹`.
//! - **Symmetry.** As in the International Tables, an operation takes the fractional coordinates of a column vector
//!   to `R f + t`.
//! - **Edges.** An edge ends at its target, the centre atom i in the home cell, and starts at its source, the
//!   neighbour j in the cell `k = (k1, k2, k3)`. Its vector is `x_j + k · L - x_i`. Edges are sorted by target, then
//!   by shells of equal distance, then by j, k1, k2, k3.
//! - **Labels.** The direction class of an edge is `9 (s1 + 1) + 3 (s2 + 1) + (s3 + 1)`, where s1, s2, s3 are the
//!   signs -1, 0 or 1 of k1, k2, k3: 27 classes, of which 13 is the home cell. The centred class takes the signs
//!   from the fractional displacement `f_j + k - f_i` instead: 0 up to one half, so that the centre atom is in the
//!   middle of its home cell.
//!
//! # Example
//!
//! ```
//! use crystal::cif::CifReader;
//! use crystal::feature::{FeatureOptions, Featuriser};
//! use crystal::niggli::{self, niggli_reduce, parameters};
//!
//! let cif = b"data_halite
//! _cell_length_a 5.64
//! _cell_length_b 5.64
//! _cell_length_c 5.64
//! _cell_angle_alpha 90
//! _cell_angle_beta 90
//! _cell_angle_gamma 90
//! _space_group_name_H-M_alt 'F m -3 m'
//! loop_
//! _atom_site_label
//! _atom_site_fract_x
//! _atom_site_fract_y
//! _atom_site_fract_z
//! Na 0 0 0
//! Cl 0.5 0.5 0.5
//! ";
//! let mut structures = Vec::new();
//! CifReader::new().read(cif, &mut |_, result| structures.push(result.cloned()));
//! let halite = structures.remove(0)?;
//! assert_eq!(halite.atomic_numbers, [11, 11, 11, 11, 17, 17, 17, 17]);
//!
//! let cell = niggli_reduce(&halite.lattice, niggli::DEFAULT_EPSILON)?;
//! let [a, _, _, alpha, _, _] = parameters(&cell.lattice);
//! assert!((a - 5.64).abs() < 1e-9 && (alpha - 90.0).abs() < 1e-9);
//!
//! let mut featuriser = Featuriser::new(&FeatureOptions::default());
//! let edges = &featuriser.featurise(&halite)?.edges;
//! // Twelve neighbours are asked for: the six nearest and the whole shell of the twelve next ones.
//! assert_eq!(edges.len(), 8 * (6 + 12));
//! assert!(edges.distance[..6].iter().all(|distance| (distance - 2.82).abs() < 1e-9));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cartesian;
pub mod cif;
pub mod composition;
pub mod contact;
pub mod element;
pub mod feature;
pub mod math;
pub mod niggli;
pub mod number;
pub mod poscar;
pub mod radius;
pub mod structure;
pub mod symmetry;
#[cfg(test)]
mod test_crystals;
