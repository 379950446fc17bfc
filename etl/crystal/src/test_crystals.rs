//! Crystals for property tests: known structures with many equal distances, and random ones.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::math::{IntegerMatrix3, Matrix3, Vector3, norm, product, to_real};
use crate::structure::Structure;

const HALF: f64 = 0.5;
const THIRD: f64 = 1.0 / 3.0;

/// Returns a configuration that runs the same cases each time.
pub(crate) fn property_config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_260),
        failure_persistence: None,
        ..Default::default()
    }
}

/// Creates a structure of one element.
pub(crate) fn structure(lattice: Matrix3, fractional: Vec<Vector3>) -> Structure {
    let atomic_numbers = vec![14; fractional.len()];
    Structure { lattice, fractional, atomic_numbers }
}

/// Creates a cubic lattice.
pub(crate) fn cubic(a: f64) -> Matrix3 {
    [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]]
}

/// Creates a hexagonal lattice.
pub(crate) fn hexagonal(a: f64, c: f64) -> Matrix3 {
    [[a, 0.0, 0.0], [-a / 2.0, a * 0.75f64.sqrt(), 0.0], [0.0, 0.0, c]]
}

/// Creates the primitive lattice of a face-centred cubic lattice with edge `a`.
pub(crate) fn face_centred(a: f64) -> Matrix3 {
    let half = a / 2.0;
    [[0.0, half, half], [half, 0.0, half], [half, half, 0.0]]
}

/// Creates the primitive lattice of a body-centred cubic lattice with edge `a`.
pub(crate) fn body_centred(a: f64) -> Matrix3 {
    let half = a / 2.0;
    [[-half, half, half], [half, -half, half], [half, half, -half]]
}

/// Creates known structures, scaled to an edge of about `a` Å.
fn textbook(a: f64) -> Vec<Structure> {
    let faces = [[0.0, 0.0, 0.0], [0.0, HALF, HALF], [HALF, 0.0, HALF], [HALF, HALF, 0.0]];
    let with_shift =
        |shift: f64| faces.iter().flat_map(|f| [*f, f.map(|x| x + shift)]).collect::<Vec<Vector3>>();
    let perovskite = vec![[0.0; 3], [HALF; 3], [HALF, HALF, 0.0], [HALF, 0.0, HALF], [0.0, HALF, HALF]];
    let close_packed = vec![[THIRD, 2.0 * THIRD, 0.25], [2.0 * THIRD, THIRD, 0.75]];
    vec![
        structure(cubic(a * 0.7), vec![[0.0; 3]]),
        structure(face_centred(a), vec![[0.0; 3]]),
        structure(body_centred(a), vec![[0.0; 3]]),
        structure(cubic(a), faces.to_vec()),
        structure(cubic(a), with_shift(0.25)),
        structure(cubic(a), with_shift(HALF)),
        structure(cubic(a), vec![[0.0; 3], [HALF; 3]]),
        structure(cubic(a), perovskite),
        structure(face_centred(a), vec![[0.0; 3], [HALF; 3]]),
        structure(hexagonal(a * 0.7, a * 0.7 * (8f64 / 3.0).sqrt()), close_packed.clone()),
        structure(hexagonal(a * 0.7, a * 1.3), close_packed),
        // A layer of two atoms with vacuum.
        structure(hexagonal(a * 0.6, 26.0), vec![[THIRD, 2.0 * THIRD, HALF], [2.0 * THIRD, THIRD, HALF]]),
    ]
}

/// A known structure of random size.
pub(crate) fn textbook_crystal() -> impl Strategy<Value = Structure> {
    (3.6f64..6.5, any::<prop::sample::Index>()).prop_map(|(a, index)| {
        let all = textbook(a);
        all[index.index(all.len())].clone()
    })
}

/// A random lattice that is not too flat, with lengths in the given range.
pub(crate) fn random_lattice(lengths: std::ops::Range<f64>) -> impl Strategy<Value = Matrix3> {
    let direction = || [-1.0f64..1.0, -1.0f64..1.0, -1.0f64..1.0];
    ([direction(), direction(), direction()], [lengths.clone(), lengths.clone(), lengths]).prop_filter_map(
        "too flat",
        |(directions, lengths)| {
            let lattice = [0, 1, 2].map(|row| {
                let scale = lengths[row] / norm(&directions[row]);
                directions[row].map(|component| component * scale)
            });
            let volume = crate::math::determinant(&lattice).abs();
            (volume > 0.3 * lengths.iter().product::<f64>()).then_some(lattice)
        },
    )
}

fn coordinates() -> [std::ops::Range<f64>; 3] {
    [-1.5f64..1.5, -1.5f64..1.5, -1.5f64..1.5]
}

/// Crystals of all kinds: known structures, random ones, slabs with vacuum, and long cells.
pub(crate) fn any_crystal() -> impl Strategy<Value = Structure> {
    let random = (random_lattice(2.5..7.0), vec(coordinates(), 1..8));
    let slab =
        (2.5f64..5.0, 2.5f64..5.0, 18.0f64..28.0, vec(coordinates(), 1..6)).prop_map(|(a, b, c, sites)| {
            let sites = sites.into_iter().map(|[x, y, z]| [x, y, 0.4 + 0.08 * z]).collect::<Vec<_>>();
            ([[a, 0.0, 0.0], [0.2 * a, b, 0.0], [0.0, 0.0, c]], sites)
        });
    let long = (2.5f64..4.0, 2.5f64..4.0, 30.0f64..70.0, vec(coordinates(), 4..16))
        .prop_map(|(a, b, c, sites)| ([[a, 0.0, 0.0], [0.1, b, 0.0], [0.3, 1.0, c]], sites));
    prop_oneof![
        2 => textbook_crystal(),
        2 => random.prop_map(|(lattice, sites)| structure(lattice, sites)),
        1 => slab.prop_map(|(lattice, sites)| structure(lattice, sites)),
        1 => long.prop_map(|(lattice, sites)| structure(lattice, sites)),
    ]
}

/// Unit cells of several hundred atoms, dense or clustered in a part of the cell.
pub(crate) fn crowded_cell() -> impl Strategy<Value = Structure> {
    (random_lattice(9.0..40.0), vec([0.0f64..1.0, 0.0f64..1.0, 0.0f64..1.0], 150..400), 0.3f64..1.0).prop_map(
        |(lattice, sites, part)| {
            structure(lattice, sites.into_iter().map(|[x, y, z]| [x, y * part, z]).collect())
        },
    )
}

/// A random change of basis with determinant +1, as a product of elementary ones.
pub(crate) fn unimodular(largest: i32) -> impl Strategy<Value = IntegerMatrix3> {
    vec((0usize..3, 1usize..3, -largest..=largest), 1..6).prop_map(|steps| {
        let mut matrix = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
        for (row, offset, factor) in steps {
            let other: [i32; 3] = matrix[(row + offset) % 3];
            for (entry, other) in matrix[row].iter_mut().zip(other) {
                *entry += factor * other;
            }
        }
        matrix
    })
}

/// A rotation, or with `reflect` a rotation and a reflection, as an orthogonal matrix `Q` for `x · Q`, from three
/// angles.
pub(crate) fn orthogonal() -> impl Strategy<Value = Matrix3> {
    ([0.0f64..6.3, 0.0f64..6.3, 0.0f64..6.3], any::<bool>()).prop_map(|(angles, reflect)| {
        let turn = |axis: usize, angle: f64| {
            let mut matrix = cubic(1.0);
            let (first, second) = ((axis + 1) % 3, (axis + 2) % 3);
            matrix[first][first] = angle.cos();
            matrix[first][second] = angle.sin();
            matrix[second][first] = -angle.sin();
            matrix[second][second] = angle.cos();
            matrix
        };
        let rotation = product(&product(&turn(0, angles[0]), &turn(1, angles[1])), &turn(2, angles[2]));
        if reflect { rotation.map(|row| row.map(|x| -x)) } else { rotation }
    })
}

/// Returns `matrix · lattice`.
pub(crate) fn change_basis(matrix: &IntegerMatrix3, lattice: &Matrix3) -> Matrix3 {
    product(&to_real(matrix), lattice)
}
