//! What counts as the same structure.

use crystal::structure::Structure;
use proptest::prelude::*;

use super::DEFAULT_TOLERANCE;
use super::environment::{Environments, FAR, NEAR, Surveyor};
use super::matching::same_structure;

type Matrix = [[f64; 3]; 3];

/// Half of a coordinate.
const H: f64 = 0.5;

fn structure(lattice: Matrix, sites: &[(u8, [f64; 3])]) -> Structure {
    Structure {
        lattice,
        fractional: sites.iter().map(|site| site.1).collect(),
        atomic_numbers: sites.iter().map(|site| site.0).collect(),
    }
}

fn cube(a: f64) -> Matrix {
    [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]]
}

/// The primitive cell of a face-centred cubic lattice.
fn face_centred(a: f64) -> Matrix {
    let h = a / 2.0;
    [[0.0, h, h], [h, 0.0, h], [h, h, 0.0]]
}

/// A hexagonal cell.
fn hexagonal(a: f64, c: f64) -> Matrix {
    [[a, 0.0, 0.0], [-a / 2.0, a * 0.75_f64.sqrt(), 0.0], [0.0, 0.0, c]]
}

fn survey(structure: &Structure, neighbours: usize) -> Environments {
    Surveyor::new(neighbours).survey(structure).expect("a crystal")
}

fn same_within(first: &Structure, second: &Structure, tolerance: f64, neighbours: usize) -> bool {
    let (first, second) = (survey(first, neighbours), survey(second, neighbours));
    let found = same_structure(&first, &second, tolerance);
    assert_eq!(found, same_structure(&second, &first, tolerance), "the order decides nothing");
    found
}

fn same(first: &Structure, second: &Structure) -> bool {
    same_within(first, second, DEFAULT_TOLERANCE, NEAR)
}

/// A cell of twice the length along every vector.
fn supercell(cell: &Structure) -> Structure {
    let shifts = (0..8_u8).map(|corner| [corner & 1, corner >> 1 & 1, corner >> 2].map(f64::from));
    let sites: Vec<(u8, [f64; 3])> = shifts
        .flat_map(|shift| {
            let sites = cell.atomic_numbers.iter().zip(&cell.fractional);
            sites.map(move |(&z, x)| (z, std::array::from_fn(|axis| (x[axis] + shift[axis]) / 2.0)))
        })
        .collect();
    structure(cell.lattice.map(|vector| vector.map(|length| 2.0 * length)), &sites)
}

fn halite(a: f64) -> Structure {
    structure(face_centred(a), &[(11, [0.0; 3]), (17, [H; 3])])
}

#[test]
fn cells_of_one_crystal_are_the_same() {
    let corners = [[0.0; 3], [H, H, 0.0], [H, 0.0, H], [0.0, H, H]];
    let sites = corners.iter().flat_map(|&[x, y, z]| [(17, [x, y, z]), (11, [x + H, y, z])]);
    let conventional = structure(cube(5.64), &sites.collect::<Vec<_>>());
    assert!(same(&halite(5.64), &conventional));
    assert!(same(&halite(5.64), &supercell(&halite(5.64))));
    assert!(same(&halite(5.64), &halite(5.66)) && !same(&halite(5.64), &halite(5.75)));
    let other = structure(face_centred(5.64), &[(11, [0.0; 3]), (35, [H; 3])]);
    assert!(!same(&halite(5.64), &other), "bromine is no chlorine");
}

#[test]
fn stackings_and_orderings_are_told_apart() {
    let a = 3.6;
    let (short, third) = (a / 2.0_f64.sqrt(), 1.0 / 3.0);
    let cubic = structure(face_centred(a), &[(29, [0.0; 3])]);
    let height = a / 3.0_f64.sqrt();
    let two_layers =
        structure(hexagonal(short, 2.0 * height), &[(29, [0.0; 3]), (29, [third, 2.0 * third, H])]);
    assert!(!same(&cubic, &two_layers), "twelve neighbours are as far in both");
    let three = [0.0, third, 2.0 * third].map(|step| (29, [step, 2.0 * step, step]));
    assert!(
        same(&cubic, &structure(hexagonal(short, 3.0 * height), &three)),
        "the same packing along its layers"
    );
    // Alternating layers of the same lattice, along a fourfold and a threefold axis.
    let along_four =
        structure(cube(a), &[(29, [0.0; 3]), (29, [H, H, 0.0]), (79, [H, 0.0, H]), (79, [0.0, H, H])]);
    let mut layers = Vec::new();
    for layer in 0..6_u8 {
        let step = f64::from(layer % 3) / 3.0;
        layers.push((if layer % 2 == 0 { 29 } else { 79 }, [step, 2.0 * step, f64::from(layer) / 6.0]));
    }
    let along_three = structure(hexagonal(short, 6.0 * height), &layers);
    assert!(!same(&along_four, &along_three), "the distances alone are those of one lattice");
    let blende = structure(face_centred(4.36), &[(14, [0.0; 3]), (6, [0.25; 3])]);
    let (a, c) = (4.36 / 2.0_f64.sqrt(), 4.36 * 2.0 / 3.0_f64.sqrt());
    let wurtzite = [
        (14, [0.0, 0.0, 0.0]),
        (14, [third, 2.0 * third, H]),
        (6, [0.0, 0.0, 0.375]),
        (6, [third, 2.0 * third, 0.875]),
    ];
    assert!(!same(&blende, &structure(hexagonal(a, c), &wurtzite)));
}

/// A close packing of layers in the positions A, B and C.
fn packing(layers: &str) -> Structure {
    let count = layers.len() as f64;
    let sites: Vec<(u8, [f64; 3])> = (0_u8..)
        .zip(layers.bytes())
        .map(|(layer, position)| {
            let step = f64::from(position - b'A') / 3.0;
            (12, [step, 2.0 * step, f64::from(layer) / count])
        })
        .collect();
    structure(hexagonal(3.2, 3.2 * (2.0_f64 / 3.0).sqrt() * count), &sites)
}

#[test]
fn long_sequences_of_layers_differ_far_away() {
    // The shortest two whose hundred nearest neighbours are the same.
    let (first, second) = (packing("ABABABCBCACACACBCB"), packing("ABABACACABABABCBCB"));
    assert!(same_within(&first, &second, DEFAULT_TOLERANCE, NEAR));
    assert!(!same_within(&first, &second, DEFAULT_TOLERANCE, FAR));
    let moved = packing("CACACABABCBCBCBABA");
    assert!(same_within(&first, &moved, DEFAULT_TOLERANCE, FAR), "A, B and C in other places");
    let environments = Surveyor::far(first.atomic_numbers.len()).survey(&first).expect("a crystal");
    assert!(environments.distinct[0].neighbours.len() >= FAR);
    let large = Surveyor::far(2000).survey(&first).expect("a crystal");
    assert!((NEAR..FAR).contains(&large.distinct[0].neighbours.len()));
}

/// A cell without symmetry.
fn crystals() -> impl Strategy<Value = Structure> {
    let vector = |axis: usize| {
        prop::array::uniform3(-1.0..1.0_f64).prop_map(move |mut vector| {
            vector[axis] += 5.0;
            vector
        })
    };
    // Apart by a coarse grid, so that no two atoms meet.
    let sites =
        prop::collection::btree_map(0..27_u8, (1..4_u8, prop::array::uniform3(-0.05..0.05_f64)), 1..6);
    ((vector(0), vector(1), vector(2)), sites).prop_map(|((a, b, c), sites)| {
        let place = |corner: u8, shift: [f64; 3]| {
            let digits = [corner % 3, corner / 3 % 3, corner / 9];
            std::array::from_fn(|axis| f64::from(digits[axis]) / 3.0 + shift[axis])
        };
        let sites: Vec<_> = sites.into_iter().map(|(corner, (z, shift))| (z, place(corner, shift))).collect();
        structure([a, b, c], &sites)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn cell_origin_order_and_rotation_make_no_difference(
        crystal in crystals(),
        shift in prop::array::uniform3(-2.0..2.0_f64),
        (n, m) in (-2..3_i8, -2..3_i8),
        angle in 0.0..6.0_f64,
    ) {
        // b' = b + n a and c' = c + m b', so that f a + g b + h c = (f - n g) a + (g - m h) b' + h c'.
        let [a, b, c] = crystal.lattice;
        let (n, m) = (f64::from(n), f64::from(m));
        let add = |v: [f64; 3], factor: f64, w: [f64; 3]| std::array::from_fn(|axis| v[axis] + factor * w[axis]);
        let b2: [f64; 3] = add(b, n, a);
        let c2: [f64; 3] = add(c, m, b2);
        let (sin, cos) = angle.sin_cos();
        let turn = |[x, y, z]: [f64; 3]| [cos * x - sin * y, sin * x + cos * y, z];
        let mut moved = Structure { lattice: [a, b2, c2].map(turn), ..Structure::default() };
        for (z, [f, g, h]) in crystal.atomic_numbers.iter().zip(&crystal.fractional).rev() {
            moved.atomic_numbers.push(*z);
            moved.fractional.push([f - n * g + shift[0], g - m * h + shift[1], h + shift[2]]);
        }
        prop_assert!(same_within(&crystal, &moved, 1e-4, NEAR));
        prop_assert!(same_within(&supercell(&crystal), &moved, 1e-4, NEAR));
    }

    #[test]
    fn a_small_strain_is_found_and_a_large_one_is_not(crystal in crystals(), strain in -0.008..0.008_f64) {
        let strained = |strain: f64| {
            let mut other = crystal.clone();
            other.lattice[2] = other.lattice[2].map(|length| length * (1.0 + strain));
            other
        };
        prop_assert!(same(&crystal, &strained(strain)), "no distance changes by more than the strain");
        prop_assert!(!same(&crystal, &strained(0.1)));
    }
}
