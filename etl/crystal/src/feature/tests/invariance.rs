//! Features under changes of the description that leave the crystal unchanged.

use std::collections::HashSet;

use proptest::prelude::*;

use super::{featurise, featurise_all};
use crate::feature::{Edges, Features, MINIMUM_EDGE_DISTANCE_ANGSTROM};
use crate::math::{product, row_times, unimodular_inverse};
use crate::test_crystals::{any_crystal, change_basis, orthogonal, property_config, structure, unimodular};

/// Largest difference of distances because of rounding.
const ROUNDING: f64 = 1e-8;

/// Returns the edges of every site as (source, centred direction, centred home, distance), sorted. Sites are renamed
/// by `name`.
fn centred_edges(
    edges: &Edges,
    sites: usize,
    name: impl Fn(usize) -> usize,
) -> Vec<Vec<(usize, u8, bool, f64)>> {
    let mut by_target = vec![Vec::new(); sites];
    for edge in 0..edges.len() {
        by_target[name(edges.target[edge] as usize)].push((
            name(edges.source[edge] as usize),
            edges.direction_centred[edge],
            edges.same_cell_centred[edge],
            edges.distance[edge],
        ));
    }
    for edges in &mut by_target {
        edges.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.3.total_cmp(&b.3)));
    }
    by_target
}

/// Returns the sorted distances of every site. Sites are renamed by `name`.
fn distances(features: &Features, sites: usize, name: impl Fn(usize) -> usize) -> Vec<Vec<f64>> {
    let mut by_target = vec![Vec::new(); sites];
    for (target, distance) in features.edges.target.iter().zip(&features.edges.distance) {
        by_target[name(*target as usize)].push(*distance);
    }
    by_target.iter_mut().for_each(|distances| distances.sort_by(f64::total_cmp));
    by_target
}

fn assert_centred_edges_agree(left: &[Vec<(usize, u8, bool, f64)>], right: &[Vec<(usize, u8, bool, f64)>]) {
    for (site, (left, right)) in left.iter().zip(right).enumerate() {
        assert_eq!(left.len(), right.len(), "edges of site {site}");
        for (left, right) in left.iter().zip(right) {
            assert_eq!((left.0, left.1, left.2), (right.0, right.1, right.2), "edge of site {site}");
            assert!((left.3 - right.3).abs() < ROUNDING, "distances {} and {}", left.3, right.3);
        }
    }
}

fn assert_distances_agree(left: &[Vec<f64>], right: &[Vec<f64>]) {
    for (site, (left, right)) in left.iter().zip(right).enumerate() {
        assert_eq!(left.len(), right.len(), "edges of site {site}: {left:?} {right:?}");
        for (left, right) in left.iter().zip(right) {
            assert!((left - right).abs() < ROUNDING, "distances {left} and {right} of site {site}");
        }
    }
}

proptest! {
    #![proptest_config(property_config(200))]

    #[test]
    fn origin_shift_keeps_edges_and_centred_labels(crystal in any_crystal(), shift in [-2.0f64..2.0, -2.0f64..2.0, -2.0f64..2.0]) {
        let mut shifted = crystal.clone();
        for site in &mut shifted.fractional {
            *site = [0, 1, 2].map(|axis| site[axis] + shift[axis]);
        }
        let sites = crystal.fractional.len();
        let (left, right) = (featurise(&crystal), featurise(&shifted));
        prop_assert_eq!(left.lattice, right.lattice);
        assert_centred_edges_agree(&centred_edges(&left.edges, sites, |i| i), &centred_edges(&right.edges, sites, |i| i));
    }

    #[test]
    fn rotation_and_reflection_keep_all_but_the_orientation(crystal in any_crystal(), turn in orthogonal()) {
        let mut turned = crystal.clone();
        turned.lattice = product(&crystal.lattice, &turn);
        let (left, right) = (featurise(&crystal), featurise(&turned));
        for (left, right) in left.parameters.iter().zip(right.parameters) {
            prop_assert!((left - right).abs() < 1e-6, "{left} {right}");
        }
        prop_assert!((left.volume - right.volume).abs() < 1e-8 * left.volume);
        let sites = crystal.fractional.len();
        assert_distances_agree(&distances(&left, sites, |i| i), &distances(&right, sites, |i| i));
        // The reduction takes the same steps, so labels and images are the same as well.
        prop_assert_eq!(left.transform, right.transform);
        let (mut left, mut right) = (left.edges, right.edges);
        left.distance.clear();
        right.distance.clear();
        prop_assert_eq!(left, right);
    }

    #[test]
    fn permutation_of_sites_renames_them(crystal in any_crystal(), seed in any::<u64>()) {
        let sites = crystal.fractional.len();
        let mut order: Vec<usize> = (0..sites).collect();
        order.sort_by_key(|&site| (site as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
        let permuted = structure(crystal.lattice, order.iter().map(|&site| crystal.fractional[site]).collect());
        let (left, right) = (featurise(&crystal), featurise(&permuted));
        assert_centred_edges_agree(
            &centred_edges(&left.edges, sites, |i| i),
            &centred_edges(&right.edges, sites, |i| order[i]),
        );
    }

    #[test]
    fn supercell_keeps_distances(crystal in any_crystal(), axis in 0usize..3) {
        let sites = crystal.fractional.len();
        let mut lattice = crystal.lattice;
        lattice[axis] = lattice[axis].map(|x| 2.0 * x);
        let copies = [0.0, 1.0].iter().flat_map(|&copy| {
            crystal.fractional.iter().map(move |site| {
                let mut site = *site;
                site[axis] = (site[axis] + copy) / 2.0;
                site
            })
        });
        let supercell = structure(lattice, copies.collect());
        for featurise in [featurise, featurise_all] {
            let (small, large) = (featurise(&crystal), featurise(&supercell));
            let small = distances(&small, sites, |i| i);
            let doubled: Vec<_> = small.iter().chain(&small).cloned().collect();
            assert_distances_agree(&doubled, &distances(&large, 2 * sites, |i| i));
        }
    }

    #[test]
    fn another_basis_keeps_cell_and_distances(crystal in any_crystal(), basis in unimodular(3)) {
        let inverse = unimodular_inverse(&basis);
        let other = structure(
            change_basis(&basis, &crystal.lattice),
            crystal.fractional.iter().map(|site| row_times(site, &inverse)).collect(),
        );
        let sites = crystal.fractional.len();
        for featurise in [featurise, featurise_all] {
            let (left, right) = (featurise(&crystal), featurise(&other));
            for (left, right) in left.parameters.iter().zip(right.parameters) {
                prop_assert!((left - right).abs() < 1e-6, "{left} {right}");
            }
            assert_distances_agree(&distances(&left, sites, |i| i), &distances(&right, sites, |i| i));
        }
    }

    #[test]
    fn all_neighbours_are_mutual(crystal in any_crystal()) {
        let features = featurise_all(&crystal);
        let edges = &features.edges;
        let keys = |edge: usize| {
            let (target, source) = (edges.target[edge], edges.source[edge]);
            (target, source, edges.image_of(edge).expect("an edge"))
        };
        let all: HashSet<_> = (0..edges.len()).map(keys).collect();
        prop_assert_eq!(all.len(), edges.len());
        for &(target, source, image) in &all {
            prop_assert!(all.contains(&(source, target, image.map(|k| -k))), "{target} {source} {image:?}");
        }
    }

    #[test]
    fn labels_of_the_reverse_edge_are_opposite(crystal in any_crystal()) {
        let features = featurise(&crystal);
        let edges = &features.edges;
        for edge in 0..edges.len() {
            let image = edges.image_of(edge).expect("an edge").map(|k| -k);
            let reverse = (0..edges.len()).find(|&other| {
                edges.source[other] == edges.target[edge]
                    && edges.target[other] == edges.source[edge]
                    && edges.image_of(other) == Some(image)
            });
            if let Some(reverse) = reverse {
                prop_assert_eq!(edges.direction[edge] + edges.direction[reverse], 26);
                prop_assert_eq!(edges.direction_centred[edge] + edges.direction_centred[reverse], 26);
                prop_assert!((edges.distance[edge] - edges.distance[reverse]).abs() < ROUNDING);
            }
        }
        prop_assert!(edges.distance.iter().all(|&d| d > MINIMUM_EDGE_DISTANCE_ANGSTROM));
    }
}
