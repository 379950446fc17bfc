//! Readers for CIF and POSCAR files, space-group symmetry, Niggli reduction and periodic neighbour lists.
//!
//! ```text
//! element, radius, composition    symbols, covalent radii, formulas
//! structure, math, cartesian      unit cell and sites, 3x3 matrices, fractional coordinates
//! symmetry                        symmetry operations, Hall and Hermann-Mauguin symbols, space-group numbers
//! cif, poscar                     readers of structures
//! niggli                          Niggli reduction
//! feature                         Niggli cell, wrapped sites, neighbour lists and edge labels
//! fingerprint                     rounded numbers that equal crystals have in common
//! contact                         detection of atoms too close to each other
//! number                          formatting of numbers in messages
//! text                            encodings of texts
//! ```
//!
//! All calculations are in double precision. Readers and searches reuse their buffers from crystal to crystal; create
//! one for each thread. Files are not trusted: a faulty file gives an error and never a panic, and memory and time
//! are bounded for every input.
//!
//! # Conventions
//!
//! - **Units.** Lengths are in Å, angles in degrees, volumes in Å³.
//! - **Unit cell.** The rows of a lattice matrix `L` are the lattice vectors l1, l2, l3. Coordinates are row vectors:
//!   the Cartesian position of the fractional coordinates `f` is `x = f · L`. The six cell parameters are `|l1|`,
//!   `|l2|`, `|l3|`, `alpha = ∠(l2, l3)`, `beta = ∠(l1, l3)` and `gamma = ∠(l1, l2)`.
//! - **Change of basis.** The Niggli-reduced lattice is `L' = T · L`, where `T` is an integer matrix with determinant
//!   +1. The handedness of the basis is preserved, and fractional coordinates transform as `f' = f · T⁻¹`.
//! - **Symmetry.** A symmetry operation maps fractional coordinates, written as a column vector `f` as in the
//!   International Tables, to `R f + t`.
//! - **Edges.** An edge is a pair of neighbouring sites. Its target is the centre site i in the home cell, and its
//!   source is the neighbouring site j in the periodic image `k = (k1, k2, k3)`. Its edge vector is
//!   `x_j + k · L - x_i`. Edges are sorted by target, then by shells of equal distance, then by j, k1, k2, k3.
//! - **Labels.** The direction label of an edge is `9 (s1 + 1) + 3 (s2 + 1) + (s3 + 1)`, where s1, s2, s3 are the
//!   signs (-1, 0 or 1) of k1, k2, k3. It ranges over 0..=26, and 13 is the home cell. The centred direction label
//!   takes the signs of the fractional displacement `f_j + k - f_i` instead, with 0 for components of absolute value
//!   up to one half. It does not depend on the origin of the unit cell.
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
//! // Twelve neighbours are asked for: the six nearest and the complete shell of the twelve next ones.
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
pub mod fingerprint;
pub mod math;
pub mod niggli;
pub mod number;
pub mod poscar;
pub mod radius;
pub mod structure;
pub mod symmetry;
#[cfg(test)]
mod test_crystals;
mod text;
