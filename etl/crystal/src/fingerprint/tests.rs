use proptest::prelude::*;

use super::*;
use crate::feature::{Neighbours, Ties};
use crate::math::{product, unimodular_inverse};
use crate::test_crystals::{
    any_crystal, change_basis, cubic, hexagonal, orthogonal, property_config, unimodular,
};

/// Largest difference that rounding errors of the positions may make.
const ROUNDING: f64 = 1e-7;

/// A crystal of up to three elements.
fn coloured_crystal() -> impl Strategy<Value = Structure> {
    (any_crystal(), any::<[prop::sample::Index; 16]>()).prop_map(|(mut crystal, picks)| {
        for (z, pick) in crystal.atomic_numbers.iter_mut().zip(picks) {
            *z = [8, 14, 26][pick.index(3)];
        }
        crystal
    })
}

/// Invariants before rounding, from features by some options.
fn exact_by(crystal: &Structure, options: &FeatureOptions) -> [f64; INVARIANTS] {
    let mut featuriser = Featuriser::new(options);
    let features = featuriser.featurise(crystal).expect("has features");
    let mut fingerprinter = Fingerprinter::new(options);
    fingerprinter.exact_invariants(&crystal.atomic_numbers, features).expect("has neighbours")
}

fn exact(crystal: &Structure) -> [f64; INVARIANTS] {
    exact_by(crystal, &FeatureOptions::default())
}

fn rounded(crystal: &Structure) -> [i64; INVARIANTS] {
    let options = FeatureOptions::default();
    let mut featuriser = Featuriser::new(&options);
    let features = featuriser.featurise(crystal).expect("has features");
    Fingerprinter::new(&options).invariants(&crystal.atomic_numbers, features).expect("has neighbours")
}

fn assert_near(a: &[f64; INVARIANTS], b: &[f64; INVARIANTS], tolerance: f64) {
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance), "{a:?} and {b:?}");
}

/// Two cells along an axis.
fn supercell(crystal: &Structure, axis: usize) -> Structure {
    let mut double = crystal.clone();
    double.lattice[axis] = double.lattice[axis].map(|x| 2.0 * x);
    double.fractional.extend_from_slice(&crystal.fractional);
    double.atomic_numbers.extend_from_slice(&crystal.atomic_numbers);
    let sites = crystal.fractional.len();
    for (index, site) in double.fractional.iter_mut().enumerate() {
        site[axis] = (site[axis] + f64::from(u8::from(index >= sites))) / 2.0;
    }
    double
}

proptest! {
    #![proptest_config(property_config(64))]

    #[test]
    fn cells_origins_orders_and_orientations_have_the_same_invariants(
        crystal in coloured_crystal(),
        axis in 0usize..3,
        basis in unimodular(2),
        shift in [-2.0f64..2.0, -2.0f64..2.0, -2.0f64..2.0],
        turn in orthogonal(),
        rotation in any::<prop::sample::Index>(),
    ) {
        let expected = exact(&crystal);
        let mut moved = supercell(&crystal, axis);
        let inverse = unimodular_inverse(&basis);
        moved.lattice = product(&change_basis(&basis, &moved.lattice), &turn);
        for site in &mut moved.fractional {
            let shifted = std::array::from_fn(|axis| site[axis] + shift[axis]);
            *site = row_times(&shifted, &inverse);
        }
        let by = rotation.index(moved.fractional.len());
        moved.fractional.rotate_left(by);
        moved.atomic_numbers.rotate_left(by);
        assert_near(&exact(&moved), &expected, ROUNDING);
    }

    #[test]
    fn features_of_any_options_have_the_same_invariants(crystal in coloured_crystal()) {
        let expected = exact(&crystal);
        for (neighbours, ties, cutoff_angstrom) in [
            (Neighbours::Nearest(4), Ties::Shell, 8.0),
            (Neighbours::Nearest(12), Ties::Cut, 8.0),
            (Neighbours::Nearest(16), Ties::Shell, 8.0),
            (Neighbours::All, Ties::Shell, 4.0),
            (Neighbours::All, Ties::Shell, 9.0),
        ] {
            let options = FeatureOptions { neighbours, ties, cutoff_angstrom, ..FeatureOptions::default() };
            assert_near(&exact_by(&crystal, &options), &expected, ROUNDING);
        }
    }

    #[test]
    fn small_shifts_move_no_invariant_far(
        crystal in coloured_crystal(),
        noise in proptest::collection::vec([-1.0f64..1.0, -1.0f64..1.0, -1.0f64..1.0], 16),
    ) {
        let nearest = |crystal: &Structure| {
            let mut featuriser = Featuriser::new(&FeatureOptions::default());
            let features = featuriser.featurise(crystal).expect("has features");
            features.edges.distance.iter().copied().fold(f64::INFINITY, f64::min)
        };
        // The direction to a neighbour changes quickly where it is close.
        prop_assume!(nearest(&crystal) > 1.0);
        let mut moved = crystal.clone();
        for (site, noise) in moved.fractional.iter_mut().zip(noise) {
            for axis in 0..3 {
                site[axis] += 1e-7 * noise[axis];
            }
        }
        assert_near(&exact(&moved), &exact(&crystal), 1e-3);
    }
}

/// A crystal of the sites of each element.
fn crystal(lattice: [[f64; 3]; 3], elements: &[(u8, &[Vector3])]) -> Structure {
    let mut crystal = Structure { lattice, ..Structure::default() };
    for (z, sites) in elements {
        crystal.fractional.extend_from_slice(sites);
        crystal.atomic_numbers.extend(std::iter::repeat_n(*z, sites.len()));
    }
    crystal
}

const FACES: [Vector3; 4] = [[0.0; 3], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];

fn shifted(sites: &[Vector3], by: Vector3) -> Vec<Vector3> {
    sites.iter().map(|site| std::array::from_fn(|axis| site[axis] + by[axis])).collect()
}

/// Close-packed layers of the stacking sequence, with nearest neighbours 2.5 Å apart, and a second element in every
/// tetrahedron above an atom if `z` has two.
fn stacking(z: &[u8], sequence: &str) -> Structure {
    let (a, layers) = (2.5, sequence.len() as f64);
    let height = a * (2f64 / 3.0).sqrt();
    let sites: Vec<Vector3> = sequence
        .bytes()
        .enumerate()
        .map(|(layer, letter)| {
            let place = f64::from(letter - b'A') / 3.0;
            [place, 2.0 * place, layer as f64 / layers]
        })
        .collect();
    let above = shifted(&sites, [0.0, 0.0, 0.75 / layers]);
    let lattice = hexagonal(a, height * layers);
    match z {
        [first, second] => crystal(lattice, &[(*first, &sites), (*second, &above)]),
        _ => crystal(lattice, &[(z[0], &sites)]),
    }
}

#[test]
fn different_crystals_of_a_formula_differ() {
    let salt = crystal(cubic(4.2), &[(11, &FACES), (17, &shifted(&FACES, [0.5; 3]))]);
    let blende = crystal(cubic(4.2), &[(11, &FACES), (17, &shifted(&FACES, [0.25; 3]))]);
    let chloride = crystal(cubic(2.65), &[(11, &[[0.0; 3]]), (17, &[[0.5; 3]])]);
    let arsenide = {
        let anions = [[1.0 / 3.0, 2.0 / 3.0, 0.25], [2.0 / 3.0, 1.0 / 3.0, 0.75]];
        let lattice = hexagonal(3.0, 4.9);
        [
            crystal(lattice, &[(11, &[[0.0; 3], [0.0, 0.0, 0.5]]), (17, &anions)]),
            crystal(lattice, &[(17, &[[0.0; 3], [0.0, 0.0, 0.5]]), (11, &anions)]),
        ]
    };
    let [nickel, anti] = arsenide;
    // Ordered alloys on one lattice: alternating layers along [001] (L1_0) and along [111] (L1_1).
    let layers = crystal(cubic(4.0), &[(11, &[FACES[0], FACES[3]]), (17, &[FACES[1], FACES[2]])]);
    let diagonal = {
        let third = [1.0 / 3.0, 2.0 / 3.0];
        let sites: Vec<Vector3> = (0..6)
            .map(|layer| [third[0] * f64::from(layer), third[1] * f64::from(layer), f64::from(layer) / 6.0])
            .collect();
        let pick = |parity: usize| sites.iter().copied().skip(parity).step_by(2).collect::<Vec<_>>();
        let edge = 4.0 / 2f64.sqrt();
        crystal(hexagonal(edge, edge * 24f64.sqrt()), &[(11, &pick(0)), (17, &pick(1))])
    };
    let metals = ["ABC", "AB", "ABAC", "ABCACB", "ABCBCACAB"].map(|sequence| stacking(&[11], sequence));
    let sulphides = ["ABC", "AB", "ABAC", "ABCACB"].map(|sequence| stacking(&[11, 17], sequence));
    let larger = crystal(cubic(4.6), &[(11, &FACES), (17, &shifted(&FACES, [0.5; 3]))]);
    let of_two =
        [salt, blende, chloride, nickel, anti, layers, diagonal, larger].into_iter().chain(sulphides);
    for crystals in [of_two.collect::<Vec<_>>(), metals.to_vec()] {
        let found: Vec<_> = crystals.iter().map(rounded).collect();
        for (at, one) in found.iter().enumerate() {
            for (other_at, other) in found.iter().enumerate().skip(at + 1) {
                assert_ne!(one, other, "crystals {at} and {other_at}: {:?}", exact(&crystals[at]));
            }
        }
    }
}

#[test]
fn an_atom_without_a_neighbour_is_a_crystal_like_others() {
    let lone = crystal(cubic(20.0), &[(2, &[[0.0; 3]])]);
    let [edge, others @ ..] = exact(&lone);
    assert!((edge - 20f64.ln()).abs() < 1e-9, "{edge}");
    assert_eq!(others, [0.0; INVARIANTS - 1]);
}
