//! Crystals with known neighbours, and crystals without features.

use proptest::array::uniform3;
use proptest::collection::vec;
use proptest::num::f64::ANY;
use proptest::prelude::*;

use super::brute_force::assert_same_as_brute_force;
use super::{all_within, edges_of, featurise};
use crate::feature::{
    FeatureError, FeatureOptions, Featuriser, MAX_CUTOFF_ANGSTROM, MAX_NEIGHBOURS, Neighbours, Ties,
};
use crate::math::product;
use crate::structure::Structure;
use crate::test_crystals::{cubic, face_centred, hexagonal, property_config, structure};

/// Returns the number of edges of the first site at each distance.
fn shells(structure: &Structure) -> Vec<(usize, f64)> {
    let features = featurise(structure);
    let mut shells: Vec<(usize, f64)> = Vec::new();
    for (target, distance) in features.edges.target.iter().zip(&features.edges.distance) {
        if *target != 0 {
            break;
        }
        match shells.last_mut() {
            Some((count, last)) if (distance - *last).abs() < 1e-6 => *count += 1,
            _ => shells.push((1, *distance)),
        }
    }
    shells
}

fn assert_shells(structure: &Structure, expected: &[(usize, f64)]) {
    let shells = shells(structure);
    assert_eq!(shells.len(), expected.len(), "{shells:?}");
    for ((count, distance), (expected_count, expected)) in shells.iter().zip(expected) {
        assert_eq!(count, expected_count, "{shells:?}");
        assert!((distance - expected).abs() < 1e-12, "{shells:?}");
    }
}

fn reason(structure: &Structure) -> FeatureError {
    let mut featuriser = Featuriser::new(&FeatureOptions::default());
    match featuriser.featurise(structure) {
        Ok(features) => panic!("{} edges", features.edges.len()),
        Err(error) => error,
    }
}

#[test]
fn simple_cubic_keeps_its_second_shell_whole() {
    let crystal = structure(cubic(3.0), vec![[0.2, 0.3, 0.4]]);
    assert_shells(&crystal, &[(6, 3.0), (12, 3.0 * 2f64.sqrt())]);
    let features = featurise(&crystal);
    assert_eq!(features.parameters, [3.0, 3.0, 3.0, 90.0, 90.0, 90.0]);
    assert_eq!(features.volume, 27.0);
    // Specification, section 2.3: within a shell by (site, k1, k2, k3).
    let edges = &features.edges;
    let images: Vec<_> = (0..8).map(|edge| edges.image_of(edge).expect("an edge")).collect();
    let first =
        [[-1, 0, 0], [0, -1, 0], [0, 0, -1], [0, 0, 1], [0, 1, 0], [1, 0, 0], [-1, -1, 0], [-1, 0, -1]];
    assert_eq!(images, first);
    assert_eq!(edges.direction[..8], [4, 10, 12, 14, 16, 22, 1, 3]);
    assert_eq!(edges.direction_centred[..8], edges.direction[..8]);
    assert!(!edges.same_cell.iter().any(|&home| home));
}

#[test]
fn cut_keeps_exactly_twelve() {
    let options = FeatureOptions { ties: Ties::Cut, ..Default::default() };
    let edges = edges_of(&cubic(3.0), &[[0.0; 3]], &options).expect("edges");
    assert_eq!(edges.len(), 12);
    assert_same_as_brute_force(&cubic(3.0), &[[0.0; 3]], &options, &edges);
}

#[test]
fn all_neighbours_are_those_within_the_cutoff() {
    // Caesium chloride with an edge of 4 Å: 8 of the other element at 3.46 Å, 6 of its own at 4 Å, 12 at 5.66 Å.
    let (lattice, sites) = (cubic(4.0), [[0.0; 3], [0.5; 3]]);
    let near = 4.0 * 0.75f64.sqrt();
    for (cutoff, shells) in [
        (3.4, &[][..]),
        (near, &[(8, 1, near)][..]),
        (5.0, &[(8, 1, near), (6, 0, 4.0)]),
        (5.7, &[(8, 1, near), (6, 0, 4.0), (12, 0, 32f64.sqrt())]),
    ] {
        for ties in [Ties::Shell, Ties::Cut] {
            let options = FeatureOptions { ties, ..all_within(cutoff) };
            let edges = edges_of(&lattice, &sites, &options).expect("edges");
            assert_same_as_brute_force(&lattice, &sites, &options, &edges);
            let mut edge = 0;
            for target in 0..2 {
                for &(count, other, distance) in shells {
                    for _ in 0..count {
                        assert_eq!((edges.target[edge], edges.source[edge]), (target, target ^ other));
                        assert!(
                            (edges.distance[edge] - distance).abs() < 1e-12,
                            "edge {edge} within {cutoff} Å"
                        );
                        edge += 1;
                    }
                }
            }
            assert_eq!(edges.len(), edge, "within {cutoff} Å");
        }
    }
    let empty = Featuriser::new(&all_within(3.4)).featurise(&structure(lattice, sites.to_vec())).cloned();
    assert_eq!(empty.expect("features without edges").isolated, [0, 1]);
}

#[test]
fn all_neighbours_have_no_limit_but_that_of_the_edges() {
    // Within 25 Å an atom of this lattice has more neighbours than a search for the nearest ever keeps.
    let edges = edges_of(&cubic(2.5), &[[0.0; 3]], &all_within(25.0)).expect("edges");
    assert_eq!(edges.len(), 4168);
    let heap = heaps(1100, 1);
    let error = Featuriser::new(&all_within(5.0)).featurise(&heap).expect_err("too many edges");
    assert_eq!(error.reason_code(), "too_many_edges");
    let dense = structure(cubic(1.0), vec![[0.0; 3]]);
    let error = Featuriser::new(&all_within(100.0)).featurise(&dense).expect_err("too many images");
    assert_eq!(error.reason_code(), "too_many_images");
}

#[test]
fn known_coordinations() {
    let a = 4.0;
    assert_shells(&structure(face_centred(a), vec![[0.0; 3]]), &[(12, a / 2f64.sqrt())]);
    let ideal = hexagonal(3.0, 3.0 * (8f64 / 3.0).sqrt());
    let packed = vec![[1.0 / 3.0, 2.0 / 3.0, 0.25], [2.0 / 3.0, 1.0 / 3.0, 0.75]];
    assert_shells(&structure(ideal, packed), &[(12, 3.0)]);
    let diamond = structure(face_centred(a), vec![[0.0; 3], [0.25; 3]]);
    assert_shells(&diamond, &[(4, a * 3f64.sqrt() / 4.0), (12, a / 2f64.sqrt())]);
    // A square net of one atom with vacuum: 4 + 4 + 4 neighbours in the plane.
    let net = [[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 25.0]];
    assert_shells(
        &structure(net, vec![[0.0, 0.0, 0.99999999]]),
        &[(4, 3.0), (4, 3.0 * 2f64.sqrt()), (4, 6.0)],
    );
}

#[test]
fn neighbours_beyond_the_next_cell_are_found() {
    // A chain of atoms 1.5 Å apart: five neighbours on each side within the cutoff.
    let chain = structure([[1.5, 0.0, 0.0], [0.0, 20.0, 0.0], [0.0, 0.0, 21.0]], vec![[0.0; 3]]);
    let features = featurise(&chain);
    assert_eq!(features.edges.len(), 10);
    assert_eq!(features.edges.image[0], [-1, 1, -2, 2, -3, 3, -4, 4, -5, 5]);
    assert!(features.edges.same_cell_centred.iter().all(|&home| !home));
}

#[test]
fn a_distance_equal_to_the_cutoff_counts() {
    for lattice in [cubic(8.0), hexagonal(8.0, 30.0)] {
        let features = featurise(&structure(lattice, vec![[0.1; 3]]));
        assert_eq!(features.edges.len(), 6);
    }
}

#[test]
fn a_distance_equal_to_the_cutoff_counts_in_any_orientation() {
    for degrees in 0..90 {
        let (sine, cosine) = f64::from(degrees).to_radians().sin_cos();
        let turn = [[cosine, sine, 0.0], [-0.6 * sine, 0.6 * cosine, 0.8], [0.8 * sine, -0.8 * cosine, 0.6]];
        let turned = structure(product(&cubic(8.0), &turn), vec![[0.1; 3]]);
        assert_eq!(featurise(&turned).edges.len(), 6, "{degrees} degrees");
    }
}

#[test]
fn a_shell_across_the_first_sphere_is_kept_whole() {
    // Two shells 5e-5 Å apart are one, and for some of these cells the sphere searched first ends
    // between them.
    let options = FeatureOptions { neighbours: Neighbours::Nearest(2), ..Default::default() };
    for step in 0..40_000 {
        let lattice = [[4.0, 0.0, 0.0], [0.0, 4.000_05, 0.0], [0.0, 0.0, 4.2 + 1e-4 * f64::from(step)]];
        let edges = edges_of(&lattice, &[[0.0; 3]], &options).expect("edges");
        assert_eq!(edges.len(), 4, "{lattice:?}");
    }
}

#[test]
fn displacement_of_half_a_cell_is_within_the_centred_cell() {
    let caesium_chloride = structure(cubic(4.0), vec![[0.0; 3], [0.5; 3]]);
    let edges = featurise(&caesium_chloride).edges;
    let home: Vec<_> = (0..8).map(|edge| edges.same_cell_centred[edge]).collect();
    assert_eq!(home, [true; 8]);
    assert_eq!(edges.same_cell[..8].iter().filter(|&&home| home).count(), 1);
}

#[test]
fn crystals_without_features_say_why() {
    assert_eq!(reason(&Structure::default()), FeatureError::NoSites);
    let double = structure(cubic(5.0), vec![[0.5; 3], [0.0; 3], [0.0, 1.0, 1e-10]]);
    let FeatureError::CoincidentSites { first, second, distance } = reason(&double) else {
        panic!("{:?}", reason(&double));
    };
    assert_eq!((first, second), (1, 2));
    assert!((distance - 5e-10).abs() < 1e-15);
    assert_eq!(reason(&double).to_string(), "sites 1 and 2 coincide: they are 5.00e-10 Å apart");
    let same = structure(cubic(5.0), vec![[0.5; 3], [0.5; 3]]);
    assert_eq!(reason(&same).to_string(), "sites 0 and 1 coincide: they are 0 Å apart");
    let flat = structure([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [3.0, 3.0, 0.0]], vec![[0.0; 3]]);
    assert_eq!(reason(&flat).reason_code(), "degenerate_lattice");
    let broken = structure(cubic(f64::NAN), vec![[0.0; 3]]);
    assert_eq!(reason(&broken).reason_code(), "non_finite_lattice");
    let lost = structure(cubic(4.0), vec![[0.0, f64::NAN, 0.0]]);
    assert_eq!(reason(&lost).reason_code(), "non_finite_coordinate");
}

#[test]
fn an_atom_without_a_neighbour_has_no_edge() {
    // A pair 2 Å apart, and a third atom in the middle of a box that is too large for it.
    let pair = [[0.0; 3], [0.0, 0.0, 0.1]];
    let features = featurise(&structure(cubic(20.0), vec![pair[0], [0.5; 3], pair[1]]));
    assert_eq!(features.isolated, [1]);
    assert_eq!((&*features.edges.target, &*features.edges.source), (&[0, 2][..], &[2, 0][..]));
    let alone = featurise(&structure(cubic(8.1), vec![[0.3; 3]]));
    assert!(alone.edges.is_empty());
    assert_eq!(alone.isolated, [0]);
    // What one crystal lacks is forgotten by the next.
    let mut featuriser = Featuriser::new(&FeatureOptions::default());
    featuriser.featurise(&structure(cubic(8.1), vec![[0.3; 3]])).expect("features");
    let features = featuriser.featurise(&structure(cubic(7.9), vec![[0.3; 3]])).expect("features");
    assert_eq!((features.edges.len(), features.isolated.len()), (6, 0));
}

#[test]
fn matter_that_is_no_matter_is_refused_quickly() {
    let needle = [[0.1, 0.0, 0.0], [0.0, 0.1, 0.0], [0.0, 0.0, 1e7]];
    let sites = (0..3000).map(|site| [0.0, 0.0, 1e-8 * f64::from(site)]).collect();
    assert_eq!(reason(&structure(needle, sites)).reason_code(), "too_many_images");
}

proptest! {
    #![proptest_config(property_config(300))]

    #[test]
    fn no_structure_panics(
        lattice in uniform3(uniform3(prop_oneof![1 => ANY, 20 => -30.0f64..30.0])),
        sites in vec(uniform3(prop_oneof![1 => ANY, 20 => -3.0f64..3.0]), 0..6),
    ) {
        match Featuriser::new(&FeatureOptions::default()).featurise(&structure(lattice, sites)) {
            Ok(features) => prop_assert!(!features.edges.is_empty() || !features.isolated.is_empty()),
            Err(error) => prop_assert!(!error.reason_code().is_empty()),
        }
    }
}

#[test]
fn a_failure_leaves_no_trace_in_the_next_crystal() {
    let options = FeatureOptions::default();
    let mut featuriser = Featuriser::new(&options);
    let crystal = structure(face_centred(4.0), vec![[0.0; 3], [0.5; 3]]);
    let expected = featurise(&crystal);
    for other in [cubic(20.0), cubic(3.0), hexagonal(2.5, 26.0)] {
        let _ = featuriser.featurise(&structure(other, vec![[0.0; 3]]));
        assert_eq!(featuriser.featurise(&crystal), Ok(&expected));
    }
}

#[test]
fn sites_heaped_on_a_line_are_refused_at_once() {
    let fractional = (0..4000).map(|site| [f64::from(site) * 5e-7, 0.0, 0.0]).collect();
    let heap = Structure {
        lattice: [[10.0, 0.0, 0.0], [0.0, 10.0, 0.0], [0.0, 0.0, 10.0]],
        fractional,
        atomic_numbers: vec![26; 4000],
    };
    let error = Featuriser::new(&FeatureOptions::default()).featurise(&heap).expect_err("no crystal");
    assert!(matches!(error, FeatureError::ShellTooLarge { site: 0, .. }), "{error}");
    assert_eq!(error.reason_code(), "shell_too_large");
}

/// Groups of almost coinciding sites at some places of a large cell. The distances within a group differ by less than
/// the tie tolerance.
fn heaps(sites: u32, places: u32) -> Structure {
    let place = |place: u32| 0.9 * f64::from(place) / f64::from(places);
    let site = |at: u32, site: u32| [place(at) + f64::from(site) * 4e-10, 0.5, 0.5];
    let fractional = (0..places).flat_map(|at| (0..sites).map(move |number| site(at, number))).collect();
    structure(cubic(100.0), fractional)
}

#[test]
fn heaps_of_sites_are_refused_by_their_edges() {
    let error = reason(&heaps(1000, 9));
    assert_eq!(error.reason_code(), "too_many_edges");
    assert!(error.to_string().starts_with("more than 1048576 edges"), "{error}");
    // What is left of the heap does not slow down or change the next crystal.
    let mut featuriser = Featuriser::new(&FeatureOptions::default());
    assert!(featuriser.featurise(&heaps(1000, 2)).is_err());
    let crystal = structure(cubic(3.0), vec![[0.0; 3]]);
    assert_eq!(featuriser.featurise(&crystal), Ok(&featurise(&crystal)));
}

#[test]
fn options_beyond_their_limits_count_as_the_limits() {
    let crystal = structure(cubic(3.0), vec![[0.0; 3]]);
    let with = |cutoff_angstrom, neighbours| {
        let neighbours = Neighbours::Nearest(neighbours);
        let options = FeatureOptions { cutoff_angstrom, neighbours, ..Default::default() };
        Featuriser::new(&options).featurise(&crystal).cloned()
    };
    for cutoff_angstrom in [1e9, f64::INFINITY, f64::NAN] {
        assert_eq!(with(cutoff_angstrom, 12), with(MAX_CUTOFF_ANGSTROM, 12));
    }
    assert_eq!(with(8.0, usize::MAX), with(8.0, MAX_NEIGHBOURS));
}
