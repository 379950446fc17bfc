use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::element::atomic_number;
use crate::feature::{Featuriser, Neighbours, Ties};
use crate::math::Matrix3;

fn cubic(a: f64) -> Matrix3 {
    [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]]
}

/// A crystal of some elements at fractional coordinates.
fn crystal(lattice: Matrix3, sites: &[(&str, [f64; 3])]) -> Structure {
    Structure {
        lattice,
        fractional: sites.iter().map(|(_, site)| *site).collect(),
        atomic_numbers: sites.iter().map(|(symbol, _)| atomic_number(symbol).expect("an element")).collect(),
    }
}

/// The checks of the volume and of the contacts, in the order of a build.
fn check(limit: ContactLimit, structure: &Structure) -> Result<(), ContactError> {
    limit.check_room(structure)?;
    let options = FeatureOptions::default();
    let mut featuriser = Featuriser::new(&options);
    let features = featuriser.featurise(structure).expect("features");
    limit.check(&structure.atomic_numbers, features, &options)
}

/// Two atoms at a distance in a box of 10 Å.
fn pair(first: &str, second: &str, distance: f64) -> Structure {
    crystal(cubic(10.0), &[(first, [0.2; 3]), (second, [0.2 + distance / 10.0, 0.2, 0.2])])
}

#[test]
fn bonds_are_possible_and_atoms_in_each_other_are_not() {
    let limit = ContactLimit::default();
    for (first, second, distance) in [
        ("H", "H", 0.74),
        ("N", "N", 1.10),
        ("C", "H", 1.06),
        ("O", "H", 0.95),
        ("F", "H", 0.92),
        ("C", "O", 1.13),
        ("O", "O", 1.21),
        ("Cs", "O", 2.40),
        ("Cs", "H", 2.50),
    ] {
        assert_eq!(check(limit, &pair(first, second, distance)), Ok(()), "{first} {second}");
    }
    for (first, second, distance) in [
        ("O", "O", 0.17),
        ("H", "H", 0.22),
        ("Si", "O", 0.43),
        ("C", "C", 0.15),
        ("C", "C", 0.30),
        ("Fe", "Fe", 0.5),
        ("Og", "Og", 1.0),
    ] {
        let error = check(limit, &pair(first, second, distance)).expect_err("atoms in each other");
        assert_eq!(error.reason_code(), "impossible_contact");
    }
}

#[test]
fn the_message_names_the_worst_contact() {
    let sites = [("O", [0.1; 3]), ("H", [0.15, 0.1, 0.1]), ("C", [0.5; 3]), ("C", [0.53, 0.5, 0.5])];
    let error = check(ContactLimit::default(), &crystal(cubic(10.0), &sites)).expect_err("two at once");
    assert_eq!(
        error.to_string(),
        "sites 2 (C) and 3 (C) are 0.3 Å apart, less than 0.4 of the sum of their covalent radii (0.608 Å): \
         rounded special positions, unmarked disorder, missing symmetry operations or a cell in another unit"
    );
}

#[test]
fn contacts_beyond_the_neighbours_kept_are_seen() {
    // Two caesium atoms 1.5 Å apart, each with a hydrogen atom that is nearer and at a possible distance.
    let sites = [("H", 0.3), ("Cs", 0.36), ("Cs", 0.435), ("H", 0.495)];
    let structure = crystal(cubic(20.0), &sites.map(|(symbol, x)| (symbol, [x, 0.5, 0.5])));
    let numbers = &structure.atomic_numbers;
    let limit = ContactLimit::default();
    let nearest = Neighbours::Nearest;
    for (neighbours, ties, are_edges) in [
        (nearest(0), Ties::Shell, false),
        (nearest(1), Ties::Shell, false),
        (nearest(1), Ties::Cut, false),
        (nearest(12), Ties::Shell, true),
        (Neighbours::All, Ties::Shell, true),
    ] {
        let options = FeatureOptions { neighbours, ties, ..FeatureOptions::default() };
        let mut featuriser = Featuriser::new(&options);
        let features = featuriser.featurise(&structure).expect("features");
        assert_eq!(limit.check_edges(numbers, &features.edges).is_err(), are_edges);
        let error = limit.check(numbers, features, &options).expect_err("caesium in caesium");
        assert!(error.to_string().starts_with("sites 1 (Cs) and 2 (Cs) are 1.5 Å apart"), "{error}");
        assert_eq!(ContactLimit::NONE.check(numbers, features, &options), Ok(()));
    }
}

#[test]
fn an_atom_is_a_neighbour_of_its_own_images() {
    let thin = [[0.5, 0.0, 0.0], [0.0, 20.0, 0.0], [0.0, 0.0, 20.0]];
    let error = check(ContactLimit::default(), &crystal(thin, &[("Fe", [0.3; 3])])).expect_err("no cell");
    assert!(error.to_string().starts_with("site 0 (Fe) and its own image are 0.5 Å apart"), "{error}");
    assert_eq!(error.reason_code(), "impossible_contact");
}

/// Halite with its conventional cell.
fn halite(a: f64) -> Structure {
    let faces = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];
    let sodium = faces.map(|site| ("Na", site));
    let chlorine = faces.map(|site| ("Cl", site.map(|x| x + 0.5)));
    crystal(cubic(a), &[sodium, chlorine].concat())
}

#[test]
fn a_cell_in_nm_has_no_room_for_its_atoms() {
    assert_eq!(check(ContactLimit::default(), &halite(5.64)), Ok(()));
    let error = ContactLimit::default().check_room(&halite(0.564)).expect_err("a cell in nm");
    assert_eq!(error.reason_code(), "degenerate_lattice");
    assert_eq!(
        error.to_string(),
        "8 atoms in a cell of 0.1794 Å³, 0.02243 Å³ an atom: even at 0.4 of their covalent radii they fill \
         6.043 Å³. Is the cell in nm, or its scale missing?"
    );
}

#[test]
fn volumes_that_are_none_are_left_to_the_features() {
    let limit = ContactLimit::default();
    for a in [0.0, f64::NAN, f64::INFINITY] {
        assert_eq!(limit.check_room(&halite(a)), Ok(()), "{a}");
    }
    assert_eq!(limit.check_room(&Structure::default()), Ok(()));
}

#[test]
fn the_limit_can_be_changed_and_switched_off() {
    let limit = |text: &str| text.parse::<ContactLimit>();
    let close = pair("C", "C", 0.5);
    assert!(check(limit("0.4").expect("a share"), &close).is_err());
    assert_eq!(check(limit("0.3").expect("a share"), &close), Ok(()));
    assert!(check(limit("1.1").expect("a share"), &pair("C", "C", 1.54)).is_err());
    for structure in [pair("C", "C", 1e-3), halite(0.564)] {
        assert_eq!(check(limit("0").expect("no limit"), &structure), Ok(()));
    }
    assert_eq!(limit("0"), Ok(ContactLimit::NONE));
    assert_eq!(ContactLimit::default().to_string().parse(), Ok(ContactLimit::default()));
    for text in ["", "-0.1", "nan", "inf", "half"] {
        assert_eq!(limit(text), Err(ShareError), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        rng_seed: RngSeed::Fixed(20_260),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Spheres that do not overlap have room.
    #[test]
    fn crystals_whose_contacts_are_possible_have_room(
        edge in 0.8f64..6.0,
        skew in [-0.5f64..0.5, -0.5f64..0.5, -0.5f64..0.5],
        sites in vec((1u8..=118, [0.0f64..1.0, 0.0f64..1.0, 0.0f64..1.0]), 1..5),
        share in 0.05f64..1.0,
    ) {
        let limit = ContactLimit { share };
        let lattice = [[edge, 0.0, 0.0], [skew[0] * edge, edge, 0.0], [skew[1] * edge, skew[2] * edge, edge]];
        let structure = Structure {
            lattice,
            fractional: sites.iter().map(|(_, site)| *site).collect(),
            atomic_numbers: sites.iter().map(|(number, _)| *number).collect(),
        };
        let mut featuriser = Featuriser::new(&FeatureOptions::default());
        let Ok(features) = featuriser.featurise(&structure) else { return Ok(()) };
        let edges = limit.check_edges(&structure.atomic_numbers, &features.edges);
        if edges.is_ok() {
            prop_assert_eq!(limit.check_room(&structure), Ok(()));
        }
        // The contact that is named is one of the edges, and below the limit.
        if let Err(ContactError::TooNear { contact, distance, limit, share: named }) = edges {
            prop_assert!(distance < limit && named == share);
            let [first, second] = contact.sites;
            let edges = &features.edges;
            let is_there = (0..edges.len()).any(|edge| {
                let ends = [edges.source[edge], edges.target[edge]];
                edges.distance[edge] == distance && (ends == [first, second] || ends == [second, first])
            });
            prop_assert!(is_there);
        }
    }
}
