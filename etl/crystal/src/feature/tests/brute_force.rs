//! A direct implementation of the specification, sections 2.2 to 2.4, without regard to speed, and the comparison of
//! the search with it.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{all_within, edges_of, featurise};
use crate::feature::{Edges, FeatureOptions, Neighbours, Ties};
use crate::math::{Matrix3, Vector3, cross, determinant, dot, norm};
use crate::test_crystals::{any_crystal, crowded_cell, property_config};

/// An edge of the direct implementation.
#[derive(Debug, Clone, PartialEq)]
struct Edge {
    target: u32,
    source: u32,
    image: [i16; 3],
    distance: f64,
    group: usize,
}

/// Returns all edges (specification, sections 2.2 and 2.3).
fn all_edges(lattice: &Matrix3, fractional: &[Vector3], options: &FeatureOptions) -> Vec<Edge> {
    let volume = determinant(lattice).abs();
    let reach = [0, 1, 2].map(|axis: usize| {
        let normal = cross(&lattice[(axis + 1) % 3], &lattice[(axis + 2) % 3]);
        let spacing = volume / norm(&normal);
        (options.cutoff_angstrom / spacing + 1.0 + 1e-6).floor() as i16
    });
    let mut edges = Vec::new();
    for (target, centre) in fractional.iter().enumerate() {
        let mut candidates = Vec::new();
        for (source, neighbour) in fractional.iter().enumerate() {
            for k1 in -reach[0]..=reach[0] {
                for k2 in -reach[1]..=reach[1] {
                    for k3 in -reach[2]..=reach[2] {
                        let image = [k1, k2, k3];
                        let difference = [0, 1, 2].map(|a| neighbour[a] + f64::from(image[a]) - centre[a]);
                        let vector = [0, 1, 2]
                            .map(|axis| (0..3).map(|row| difference[row] * lattice[row][axis]).sum::<f64>());
                        let distance = dot(&vector, &vector).sqrt();
                        if distance > 1e-8 && distance <= options.cutoff_angstrom + 1e-9 {
                            let (target, source) = (target as u32, source as u32);
                            candidates.push(Edge { target, source, image, distance, group: 0 });
                        }
                    }
                }
            }
        }
        candidates.sort_by(|a, b| a.distance.partial_cmp(&b.distance).unwrap_or(Ordering::Equal));
        for index in 1..candidates.len() {
            let gap = candidates[index].distance - candidates[index - 1].distance;
            let step = usize::from(gap > options.tie_tolerance_angstrom);
            candidates[index].group = candidates[index - 1].group + step;
        }
        candidates.sort_by_key(|edge| (edge.group, edge.source, edge.image));
        if let Neighbours::Nearest(wanted) = options.neighbours {
            match (options.ties, candidates.get(wanted.wrapping_sub(1)).map(|edge| edge.group)) {
                (Ties::Shell, Some(last)) => candidates.retain(|edge| edge.group <= last),
                _ => candidates.truncate(wanted),
            }
        }
        edges.append(&mut candidates);
    }
    edges
}

/// Returns the label along an axis by testing which interval contains the displacement.
fn centred_part(displacement: f64, tolerance: f64) -> usize {
    let half = 0.5 + tolerance;
    let intervals = [(f64::NEG_INFINITY, -half), (-half, half), (half, f64::INFINITY)];
    if displacement.abs() <= half {
        return 1;
    }
    intervals.iter().position(|&(low, high)| low <= displacement && displacement <= high).expect("covers all")
}

/// Returns the index of three parts in 0..3 in the list of all combinations, the last part fastest.
fn place_in_list(parts: [usize; 3]) -> u8 {
    let mut place = 0;
    for first in 0..3 {
        for second in 0..3 {
            for third in 0..3 {
                if [first, second, third] == parts {
                    return place;
                }
                place += 1;
            }
        }
    }
    place
}

/// Asserts that edges equal those of the direct implementation, including the labels.
pub(super) fn assert_same_as_brute_force(
    lattice: &Matrix3,
    fractional: &[Vector3],
    options: &FeatureOptions,
    edges: &Edges,
) {
    let expected = all_edges(lattice, fractional, options);
    assert_eq!(edges.len(), expected.len(), "number of edges");
    for (index, expected) in expected.iter().enumerate() {
        let image = edges.image_of(index).expect("an edge");
        assert_eq!(
            (edges.target[index], edges.source[index], image),
            (expected.target, expected.source, expected.image),
            "edge {index}, distances {} and {}",
            edges.distance[index],
            expected.distance
        );
        assert!((edges.distance[index] - expected.distance).abs() < 1e-11, "distance of edge {index}");

        let literal = image.map(|k| match k.cmp(&0) {
            Ordering::Less => 0,
            Ordering::Equal => 1,
            Ordering::Greater => 2,
        });
        assert_eq!(edges.direction[index], place_in_list(literal), "direction of edge {index}");
        assert_eq!(edges.same_cell[index], image == [0; 3], "home of edge {index}");
        let (neighbour, centre) =
            (&fractional[expected.source as usize], &fractional[expected.target as usize]);
        let centred = [0, 1, 2].map(|axis| {
            let displacement = neighbour[axis] + f64::from(image[axis]) - centre[axis];
            centred_part(displacement, options.centred_tolerance)
        });
        assert_eq!(
            edges.direction_centred[index],
            place_in_list(centred),
            "centred direction of edge {index}"
        );
        assert_eq!(edges.same_cell_centred[index], centred == [1, 1, 1], "centred home of edge {index}");
    }
}

proptest! {
    #![proptest_config(property_config(300))]

    #[test]
    fn search_equals_brute_force(
        crystal in any_crystal(),
        ties in prop_oneof![Just(Ties::Shell), Just(Ties::Cut)],
        neighbours in prop_oneof![
            4 => Just(Neighbours::Nearest(12)),
            1 => (1usize..40).prop_map(Neighbours::Nearest),
            2 => Just(Neighbours::All),
        ],
        cutoff_angstrom in prop_oneof![4 => Just(8.0), 1 => 3.0f64..9.0],
    ) {
        let options = FeatureOptions { ties, neighbours, cutoff_angstrom, ..Default::default() };
        let features = featurise(&crystal);
        match edges_of(&features.lattice, &features.fractional, &options) {
            Ok(edges) => assert_same_as_brute_force(&features.lattice, &features.fractional, &options, &edges),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}

proptest! {
    #![proptest_config(property_config(8))]

    #[test]
    fn search_in_large_cells_equals_brute_force(crystal in crowded_cell()) {
        let features = featurise(&crystal);
        let options = FeatureOptions::default();
        assert_same_as_brute_force(&features.lattice, &features.fractional, &options, &features.edges);
        let options = all_within(4.0);
        let edges = edges_of(&features.lattice, &features.fractional, &options).expect("edges");
        assert_same_as_brute_force(&features.lattice, &features.fractional, &options, &edges);
    }
}
