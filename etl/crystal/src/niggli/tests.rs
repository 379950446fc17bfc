//! Tests of the Niggli reduction.

use std::fs;
use std::io::Read;

use proptest::array::uniform3;
use proptest::prelude::*;

use super::{NiggliError, is_niggli, niggli_reduce, parameters};
use crate::math::{Matrix3, determinant, dot, integer_determinant, product};
use crate::test_crystals::{
    any_crystal, body_centred, change_basis, cubic, face_centred, hexagonal, orthogonal, property_config,
    random_lattice, unimodular,
};

const EPSILON: f64 = 1e-5;

/// Returns a lattice with the metric components A, B, C, xi, eta, zeta.
fn lattice_of([aa, bb, cc, xi, eta, zeta]: [f64; 6]) -> Matrix3 {
    let a = aa.sqrt();
    let b = [zeta / (2.0 * a), (bb - (zeta / (2.0 * a)).powi(2)).sqrt()];
    let c1 = eta / (2.0 * a);
    let c2 = (xi / 2.0 - c1 * b[0]) / b[1];
    [[a, 0.0, 0.0], [b[0], b[1], 0.0], [c1, c2, (cc - c1 * c1 - c2 * c2).sqrt()]]
}

fn metric_of([a, b, c]: &Matrix3) -> [f64; 6] {
    [dot(a, a), dot(b, b), dot(c, c), 2.0 * dot(b, c), 2.0 * dot(a, c), 2.0 * dot(a, b)]
}

/// Asserts the properties of every reduction, and returns the six cell parameters.
fn reduced_parameters(lattice: &Matrix3) -> [f64; 6] {
    let cell = niggli_reduce(lattice, EPSILON).expect("reducible");
    assert!(is_niggli(&cell.lattice, EPSILON), "{cell:?}");
    assert_eq!(integer_determinant(&cell.transform), 1);
    assert_eq!(cell.lattice, change_basis(&cell.transform, lattice));
    assert_eq!(determinant(&cell.lattice) > 0.0, determinant(lattice) > 0.0, "handedness");
    parameters(&cell.lattice)
}

fn assert_close(left: &[f64; 6], right: &[f64; 6], tolerance: f64) {
    let agree = left.iter().zip(right).all(|(left, right)| (left - right).abs() <= tolerance);
    assert!(agree, "{left:?} and {right:?} differ by more than {tolerance}");
}

#[test]
fn the_example_of_krivy_and_gruber() {
    let cell = niggli_reduce(&lattice_of([9.0, 27.0, 4.0, -5.0, -4.0, -22.0]), EPSILON).expect("reducible");
    assert_close(&metric_of(&cell.lattice), &[4.0, 9.0, 9.0, 9.0, 3.0, 4.0], 1e-12);
}

#[test]
fn centred_lattices() {
    let a = 4.0;
    let half_diagonal = a / 2f64.sqrt();
    assert_close(
        &reduced_parameters(&face_centred(a)),
        &[half_diagonal, half_diagonal, half_diagonal, 60.0, 60.0, 60.0],
        1e-12,
    );
    let edge = a * 0.75f64.sqrt();
    let angle = (-1f64 / 3.0).acos().to_degrees();
    assert_close(&reduced_parameters(&body_centred(a)), &[edge, edge, edge, angle, angle, angle], 1e-6);
    assert_close(&reduced_parameters(&hexagonal(3.0, 2.0)), &[2.0, 3.0, 3.0, 120.0, 90.0, 90.0], 1e-12);
}

#[test]
fn reduced_cells_stay_as_they_are() {
    for lattice in [cubic(3.0), hexagonal(3.0, 5.0)] {
        let cell = niggli_reduce(&lattice, EPSILON).expect("reducible");
        assert_eq!(cell.lattice, lattice);
        assert_eq!(cell.transform, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
    }
}

#[test]
fn nearly_right_angles_do_not_depend_on_the_signs_of_the_basis() {
    let [a, b, c] = [[3.0, 0.0, 0.0], [2e-6, 4.0, 0.0], [-3e-6, 1e-6, 5.0]];
    let minus = |vector: [f64; 3]| vector.map(|x| -x);
    let expected = reduced_parameters(&[a, b, c]);
    for lattice in
        [[a, minus(b), minus(c)], [minus(a), b, minus(c)], [minus(a), minus(b), c], [a, b, minus(c)]]
    {
        assert_close(&reduced_parameters(&lattice), &expected, 1e-9);
    }
}

#[test]
fn the_conditions_are_told_apart() {
    assert!(is_niggli(&lattice_of([4.0, 9.0, 9.0, 9.0, 3.0, 4.0]), EPSILON));
    // Lengths out of order; a vector that another shortens; mixed signs; a special condition.
    assert!(!is_niggli(&lattice_of([9.0, 4.0, 9.0, 3.0, 9.0, 4.0]), EPSILON));
    assert!(!is_niggli(&lattice_of([4.0, 9.0, 9.0, 1.0, 5.0, 1.0]), EPSILON));
    assert!(!is_niggli(&lattice_of([4.0, 9.0, 9.0, -1.0, 1.0, 1.0]), EPSILON));
    assert!(!is_niggli(&lattice_of([4.0, 9.0, 10.0, 9.0, 1.0, 3.0]), EPSILON));
    assert!(!is_niggli(&lattice_of([4.0, 9.0, 10.0, -9.0, -1.0, -3.0]), EPSILON));
}

#[test]
fn lattices_without_volume_are_refused() {
    let singular = [
        [[0.0; 3]; 3],
        [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
        [[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [3.0 * 2f64.sqrt(), 1.0, 0.0]],
        [[3.0, 0.1, 0.2], [0.3, 2.7, 1.0], [3.3, 2.8, 1.2]],
        [[1e200, 0.0, 0.0], [0.0, 1e200, 0.0], [0.0, 0.0, 1e200]],
        [[1e-3, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 5.0]],
    ];
    for lattice in singular {
        let error = niggli_reduce(&lattice, EPSILON).expect_err("singular");
        assert_eq!(error.reason_code(), "degenerate_lattice", "{lattice:?}: {error}");
    }
    let error = niggli_reduce(&[[1.0, 0.0, 0.0], [0.0, f64::INFINITY, 0.0], [0.0, 0.0, 1.0]], EPSILON);
    assert_eq!(error, Err(NiggliError::NonFiniteLattice { row: 1, value: f64::INFINITY }));
}

#[test]
fn very_skewed_bases_of_slabs_are_reduced() {
    let slab = [[3.1, 0.0, 0.0], [-1.55, 2.684_678_751_731_76, 0.0], [0.0, 0.0, 26.5]];
    let expected = reduced_parameters(&slab);
    for n in [1, 7, 100, 3_001, 50_000, 2_000_000] {
        let skewed = change_basis(&[[1, 0, 0], [n, 1, 0], [-3 * n, 2, 1]], &slab);
        assert_close(&reduced_parameters(&skewed), &expected, 1e-5);
    }
}

proptest! {
    #![proptest_config(property_config(500))]

    #[test]
    fn any_basis_gives_the_same_cell(
        lattice in prop_oneof![
            random_lattice(2.0..30.0),
            any_crystal().prop_map(|crystal| crystal.lattice),
        ],
        basis in unimodular(9),
        turn in orthogonal(),
    ) {
        let other = product(&change_basis(&basis, &lattice), &turn);
        assert_close(&reduced_parameters(&lattice), &reduced_parameters(&other), 1e-6);
    }

    #[test]
    fn cells_distorted_by_the_tolerance_are_reduced(
        ideal in prop_oneof![Just(hexagonal(4.0, 6.0)), Just(face_centred(5.0)), Just(body_centred(4.0))],
        noise in uniform3(uniform3(-3e-5f64..3e-5)),
        basis in unimodular(3),
    ) {
        let mut distorted = ideal;
        for (row, noise) in distorted.iter_mut().zip(noise) {
            *row = [0, 1, 2].map(|axis| row[axis] + noise[axis]);
        }
        // Type I and type II cells border on each other here, so the lengths are all that stays.
        let (left, right) = (reduced_parameters(&ideal), reduced_parameters(&change_basis(&basis, &distorted)));
        for (left, right) in left.iter().zip(right).take(3) {
            prop_assert!((left - right).abs() < 1e-3, "{left} {right}");
        }
    }

    #[test]
    fn no_lattice_panics_or_hangs(lattice in uniform3(uniform3(prop::num::f64::ANY))) {
        if let Ok(cell) = niggli_reduce(&lattice, EPSILON) {
            prop_assert!(is_niggli(&cell.lattice, EPSILON));
        }
    }
}

/// Parses a test file of spglib. A lattice is three lines of three numbers, the lattice vectors as rows in Å. Comments
/// begin with `#`.
fn lattices(text: &str) -> Vec<Matrix3> {
    let rows: Vec<[f64; 3]> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let numbers: Vec<f64> =
                line.split_whitespace().map(|number| number.parse().expect("a number")).collect();
            numbers.try_into().expect("three numbers")
        })
        .collect();
    rows.chunks_exact(3).map(|rows| [rows[0], rows[1], rows[2]]).collect()
}

/// Returns the given and the reduced lattices of spglib's tests, if the archive is available.
fn spglib_lattices() -> Option<(Vec<Matrix3>, Vec<Matrix3>)> {
    let Ok(file) =
        fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cif-cases/cases.tar.zst"))
    else {
        println!("skipped: ../shared is not here");
        return None;
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).expect("zstd"));
    let (mut given, mut reduced) = (None, None);
    for entry in archive.entries().expect("a tar archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").into_owned();
        let slot = match path.file_name().and_then(|name| name.to_str()) {
            Some("lattices.dat") => &mut given,
            Some("niggli_lattices.dat") => &mut reduced,
            _ => continue,
        };
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        *slot = Some(lattices(&text));
    }
    Some((given.expect("lattices.dat"), reduced.expect("niggli_lattices.dat")))
}

#[test]
fn spglib_lattices_have_the_same_niggli_cells() {
    let Some((given, reduced)) = spglib_lattices() else { return };
    assert_eq!(given.len(), reduced.len());
    for (index, (given, expected)) in given.iter().zip(&reduced).enumerate() {
        let (ours, theirs) = (reduced_parameters(given), parameters(expected));
        let agree = ours.iter().zip(theirs).all(|(ours, theirs)| (ours - theirs).abs() < 1e-9);
        assert!(agree, "lattice {index}: {ours:?} {theirs:?}");
    }
}
