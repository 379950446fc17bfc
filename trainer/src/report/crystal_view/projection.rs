//! Atoms and cell edges of a crystal in space and on paper.

use std::collections::BTreeSet;

use crystal::math::{norm, row_times};
use crystal::radius::COVALENT_RADII_ANGSTROM;
use etl::chart::{length, line};
use maud::{Markup, html};
use serde::Serialize;

use super::Structure;
use super::element_colour::colour;

/// Side of the picture, in the units of its view box.
const SIDE: f64 = 300.0;
/// Share of half the side that the farthest atom reaches.
pub(super) const DISC_SHARE: f64 = 0.94;
/// Radius of a disc by the covalent radius, so that neighbours touch nearly.
const RADIUS_SHARE: f64 = 0.5;
/// Atoms so near a face of the cell, in fractional coordinates, are repeated on the opposite one.
const AT_FACE: f64 = 0.02;
/// Number of parts in which an edge is drawn, so that atoms hide it where they are nearer.
const EDGE_PARTS: usize = 10;
/// Largest number of atoms with those repeated at faces.
const MOST_ATOMS: usize = 1000;
/// Decimals of coordinates in Å.
const DECIMALS: f64 = 1e3;

/// Rotation of the first view as rows: to the right, upwards, towards the reader. It turns by 25° about the vertical axis and
/// tilts by 18°.
pub(super) const VIEW: [[f64; 3]; 3] =
    [[0.906_308, -0.422_618, 0.0], [0.130_596, 0.280_064, 0.951_057], [-0.401_934, -0.861_951, 0.309_017]];

/// A crystal in Cartesian coordinates in Å around the centre of its cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Solid {
    /// Atomic number and position of each atom.
    atoms: Vec<(u8, [f64; 3])>,
    /// Ends of the twelve edges of the cell.
    edges: Vec<[[f64; 3]; 2]>,
    /// Distance of the farthest rim of an atom or corner of the cell from the centre.
    reach: f64,
}

impl Solid {
    /// Places the atoms of a crystal in its cell. Those on faces are repeated on the opposite ones.
    pub(super) fn of(structure: &Structure) -> Self {
        let place = |fractional: [f64; 3]| {
            row_times(&fractional.map(|coordinate| coordinate - 0.5), &structure.lattice)
                .map(|coordinate| (coordinate * DECIMALS).round() / DECIMALS)
        };
        let sites = structure.atomic_numbers.iter().zip(&structure.fractional);
        let within: Vec<(u8, [f64; 3])> = sites.map(|(&z, site)| (z, site.map(wrapped))).collect();
        let images = within.iter().flat_map(|(z, site)| images(*site).into_iter().map(|image| (*z, image)));
        let mut atoms: Vec<(u8, [f64; 3])> = images.map(|(z, site)| (z, place(site))).collect();
        atoms.truncate(MOST_ATOMS.max(within.len()));
        let corners = [0.0, 1.0];
        let mut edges = Vec::with_capacity(12);
        for axis in 0..3 {
            for first in corners {
                for second in corners {
                    let end = |along: f64| {
                        let mut corner = [along; 3];
                        corner[(axis + 1) % 3] = first;
                        corner[(axis + 2) % 3] = second;
                        place(corner)
                    };
                    edges.push([end(0.0), end(1.0)]);
                }
            }
        }
        let rims = atoms.iter().map(|(z, site)| norm(site) + disc_radius(*z));
        let reach = rims.chain(edges.iter().flatten().map(norm)).fold(f64::MIN_POSITIVE, f64::max);
        Self { atoms, edges, reach }
    }

    /// Returns the atomic numbers of the elements, ascending.
    pub(super) fn elements(&self) -> BTreeSet<u8> {
        self.atoms.iter().map(|(z, _)| *z).collect()
    }
}

/// Returns the coordinate in the cell, 0 for one that lies less than [`AT_FACE`] below 1.
fn wrapped(coordinate: f64) -> f64 {
    let within = coordinate.rem_euclid(1.0);
    if within > 1.0 - AT_FACE { within - 1.0 } else { within }
}

/// Returns the site and its repetitions on the opposite faces, edges and corners.
fn images(site: [f64; 3]) -> Vec<[f64; 3]> {
    let mut images = vec![site];
    for axis in 0..3 {
        if site[axis].abs() <= AT_FACE {
            let opposite = images.iter().map(|image| {
                let mut image = *image;
                image[axis] += 1.0;
                image
            });
            let opposite: Vec<[f64; 3]> = opposite.collect();
            images.extend(opposite);
        }
    }
    images
}

/// Returns the radius of an element's disc in Å.
pub(super) fn disc_radius(z: u8) -> f64 {
    RADIUS_SHARE * COVALENT_RADII_ANGSTROM.get(usize::from(z)).copied().unwrap_or_default()
}

/// A shape with its distance towards the reader.
enum Shape {
    Edge([[f64; 3]; 2]),
    Atom(u8, [f64; 3]),
}

/// Draws a crystal, the farthest shapes first.
pub(super) fn picture(solid: &Solid) -> Markup {
    let turn = |point: &[f64; 3]| VIEW.map(|row| (0..3).map(|axis| row[axis] * point[axis]).sum::<f64>());
    let scale = DISC_SHARE * SIDE / 2.0 / solid.reach;
    let at = |turned: &[f64; 3]| (SIDE / 2.0 + scale * turned[0], SIDE / 2.0 - scale * turned[1]);
    let mut shapes: Vec<(f64, Shape)> = Vec::new();
    for [from, to] in &solid.edges {
        let (from, to) = (turn(from), turn(to));
        let part = |part: usize| {
            let share = part as f64 / EDGE_PARTS as f64;
            std::array::from_fn(|axis| from[axis] + share * (to[axis] - from[axis]))
        };
        shapes.extend((0..EDGE_PARTS).map(|index| {
            let ends: [[f64; 3]; 2] = [part(index), part(index + 1)];
            ((ends[0][2] + ends[1][2]) / 2.0, Shape::Edge(ends))
        }));
    }
    shapes.extend(solid.atoms.iter().map(|(z, site)| {
        let turned = turn(site);
        (turned[2], Shape::Atom(*z, turned))
    }));
    shapes.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    html! {
        svg class="solid" viewBox=(format!("0 0 {SIDE} {SIDE}")) role="img" aria-label="Cell with its atoms" {
            @for (_, shape) in &shapes {
                @match shape {
                    Shape::Edge([from, to]) => (line("edge", at(from), at(to))),
                    Shape::Atom(z, site) => (disc(*z, at(site), scale * disc_radius(*z))),
                }
            }
        }
    }
}

/// Draws an atom with a light spot.
fn disc(z: u8, (x, y): (f64, f64), radius: f64) -> Markup {
    let spot = (x - 0.3 * radius, y - 0.35 * radius);
    html! {
        circle class="atom" cx=(length(x)) cy=(length(y)) r=(length(radius)) fill=(colour(z)) {}
        circle class="spot" cx=(length(spot.0)) cy=(length(spot.1)) r=(length(0.42 * radius)) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::crystal_view::example::caesium_chloride;

    #[test]
    fn atoms_on_corners_are_repeated_and_edges_are_twelve() {
        let solid = Solid::of(&caesium_chloride("a"));
        assert_eq!(solid.atoms.iter().filter(|(z, _)| *z == 55).count(), 8);
        assert_eq!(solid.atoms.iter().filter(|(z, _)| *z == 17).collect::<Vec<_>>(), [&(17, [0.0; 3])]);
        let lengths =
            solid.edges.iter().map(|[from, to]| norm(&std::array::from_fn(|axis| from[axis] - to[axis])));
        assert_eq!(lengths.collect::<Vec<_>>(), [4.0; 12]);
        let ends: BTreeSet<String> = solid.edges.iter().map(|edge| format!("{edge:?}")).collect();
        assert_eq!(ends.len(), 12, "they differ");
        // A corner with its disc.
        assert!((solid.reach - 12.0_f64.sqrt() - disc_radius(55)).abs() < 1e-9, "{solid:?}");
    }

    #[test]
    fn sites_beyond_the_cell_are_moved_into_it() {
        let mut structure = caesium_chloride("a");
        structure.fractional[1] = [-0.5, 1.5, 2.5];
        assert_eq!(Solid::of(&structure), Solid::of(&caesium_chloride("a")));
        assert_eq!(
            [0.995, 1.0, -0.25, 0.3].map(|site| (wrapped(site) * 1e3).round()),
            [-5.0, 0.0, 750.0, 300.0]
        );
    }

    #[test]
    fn the_view_is_a_rotation() {
        for (row, other) in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)] {
            let product: f64 = (0..3).map(|axis| VIEW[row][axis] * VIEW[other][axis]).sum();
            assert!((product - f64::from(u8::from(row == other))).abs() < 1e-5, "{row} {other} {product}");
        }
        assert!((crystal::math::determinant(&VIEW) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_picture_lies_within_its_frame() {
        let svg = picture(&Solid::of(&caesium_chloride("a"))).into_string();
        assert_eq!(svg.matches("class=\"atom\"").count(), 9);
        assert_eq!(svg.matches("<line").count(), 12 * EDGE_PARTS);
        assert!(!svg.contains("=\"-") && !svg.contains("NaN"), "{svg}");
        // Nothing of a degenerate cell is infinite.
        let flat = Structure { lattice: [[0.0; 3]; 3], ..caesium_chloride("a") };
        assert!(!picture(&Solid::of(&flat)).into_string().contains("inf"));
    }
}
