use super::*;
use crate::data::golden::{OwnedInput, assert_close, golden_cases};
use proptest::prelude::*;

/// Cutoff of the tests' crystals in Å.
const CUTOFF: f64 = 8.0;

/// A triplet k→j→i: a pair of edges that is not an edge and its reverse.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Triplet {
    /// Index of the edge kj, which ends where the other starts.
    kj: usize,
    /// Index of the edge ji, which receives the message.
    ji: usize,
    /// `cos θ` between `r_j - r_i` and `r_k - r_j`; 1 for a straight path.
    cosine: f64,
}

impl CrystalGraph {
    /// Returns the triplets, ordered by ji and then by kj (specification, section 2.5).
    fn triplets(&self) -> impl Iterator<Item = Triplet> + '_ {
        (0..self.adjacency.edges()).flat_map(move |ji| {
            let reverse = self.adjacency.reverse(ji);
            self.adjacency
                .incoming(self.adjacency.source(ji))
                .filter(move |&kj| reverse != Some(kj))
                .map(move |kj| Triplet { kj, ji, cosine: self.cosine(kj, ji) })
        })
    }
}

fn graph(crystal: &OwnedInput) -> CrystalGraph {
    let mut graph = CrystalGraph::default();
    graph.rebuild(&crystal.borrow(), CUTOFF).expect("a valid crystal");
    graph
}

#[test]
fn cubic_lattice() {
    let graph = graph(&OwnedInput::simple_cubic(3.5));
    assert_close("distance", graph.distance(), &[3.5; 6], 0.0);
    assert_close("centre distance", graph.centre_distance(), &[0.0], 0.0);
    let triplets: Vec<Triplet> = graph.triplets().collect();
    assert_eq!(triplets.len(), graph.adjacency().triplets());
    assert!(triplets.is_sorted_by_key(|triplet| (triplet.ji, triplet.kj)));
    for triplet in triplets {
        let expected = if triplet.kj == triplet.ji { 1.0 } else { 0.0 };
        assert_eq!(triplet.cosine, expected, "{triplet:?}");
    }
}

#[test]
fn caesium_chloride() {
    let graph = graph(&OwnedInput::caesium_chloride());
    let body_diagonal = 3.0 * 3.0_f64.sqrt();
    assert_close("distance", graph.distance(), &[body_diagonal / 2.0; 16], 1e-15);
    // The mean position is (1/4, 1/4, 1/4): both atoms are a quarter of the diagonal away.
    assert_close("centre distance", graph.centre_distance(), &[body_diagonal / 4.0; 2], 1e-15);
    let mut cosines: Vec<f64> = graph.triplets().map(|triplet| triplet.cosine).collect();
    cosines.sort_by(f64::total_cmp);
    let expected = [vec![-1.0 / 3.0; 48], vec![1.0 / 3.0; 48], vec![1.0; 16]].concat();
    assert_close("cosines", &cosines, &expected, 1e-15);
}

#[test]
fn centre_distance_takes_the_nearest_image_of_a_skewed_cell() {
    let mut crystal = OwnedInput::cubic(1.0, &[1, 1], &[[0.0; 3], [0.9, 0.0, 0.0]]);
    crystal.lattice = [[1.0, 0.0, 0.0], [0.9, 0.5, 0.0], [0.0, 0.0, 9.0]];
    let brute_force = |fractional: f64| {
        let cells =
            (-3..=3).flat_map(|first| (-3..=3).map(move |second| (f64::from(first), f64::from(second))));
        cells
            .map(|(first, second)| (fractional + first + 0.9 * second).hypot(0.5 * second))
            .fold(9.0, f64::min)
    };
    let expected = [brute_force(-0.45), brute_force(0.45)];
    assert_close("centre distance", graph(&crystal).centre_distance(), &expected, 1e-15);
}

#[test]
fn golden_geometry() {
    for case in golden_cases() {
        let graph = graph(&case.input);
        assert_close("dist", graph.distance(), &case.doubles("dist"), 1e-9);
        let triplets: Vec<Triplet> = graph.triplets().collect();
        let indices =
            |edge: fn(&Triplet) -> usize| triplets.iter().map(|t| edge(t) as i64).collect::<Vec<_>>();
        assert_eq!(indices(|triplet| triplet.kj), case.integers("idx_kj"));
        assert_eq!(indices(|triplet| triplet.ji), case.integers("idx_ji"));
        assert_eq!(graph.adjacency().triplets(), triplets.len());
        let cosines: Vec<f64> = triplets.iter().map(|triplet| triplet.cosine).collect();
        assert_close("cosang", &cosines, &case.doubles("cosang"), 1e-9);
        assert_close("dcenter", graph.centre_distance(), &case.file.doubles("dcenter"), 1e-9);
    }
}

/// What makes a good crystal bad.
type Change = fn(&mut OwnedInput);

#[test]
fn unfit_values_are_refused() {
    let refusal = |change: Change| {
        let mut crystal = OwnedInput::caesium_chloride();
        change(&mut crystal);
        let error =
            CrystalGraph::default().rebuild(&crystal.borrow(), CUTOFF).expect_err("an invalid crystal");
        error.of("x-1").to_string()
    };
    let cases: [(Change, &str); 8] = [
        (|crystal| crystal.atomic_numbers[1] = 0, "site 1 has the atomic number 0"),
        (|crystal| crystal.atomic_numbers[0] = 119, "site 0 has the atomic number 119"),
        (|crystal| crystal.fractional[4] = f64::NAN, "a coordinate of site 1 is not finite"),
        (|crystal| crystal.lattice[2][2] = f64::INFINITY, "a component of the lattice is not finite"),
        (|crystal| crystal.direction[5] = 27, "edge 5 has the direction label 27"),
        (|crystal| crystal.fractional.truncate(5), "5 values of fractional_site_positions instead of 6"),
        (|crystal| crystal.lattice = [[0.0; 3]; 3], "edge 0 is 0 Å long, which is not within 0 and 8 Å"),
        (|crystal| crystal.image[2][0] = 5, "edge 0 is 16.6358"),
    ];
    for (change, expected) in cases {
        let message = refusal(change);
        assert!(message.starts_with("crystal 'x-1': ") && message.contains(expected), "{message}");
    }
}

proptest! {
    /// Turning and mirroring the lattice changes no distance and no angle.
    #[test]
    fn geometry_is_invariant_under_rotation_and_reflection(angle in 0.0..6.3_f64, mirror in prop::bool::ANY) {
        let crystal = OwnedInput::caesium_chloride();
        let (sine, cosine) = angle.sin_cos();
        let sign = if mirror { -1.0 } else { 1.0 };
        let mut turned = crystal.clone();
        for row in &mut turned.lattice {
            let [x, y, z] = *row;
            *row = [cosine * x - sine * y, sine * x + cosine * y, sign * z];
        }
        let (before, after) = (graph(&crystal), graph(&turned));
        assert_close("distance", after.distance(), before.distance(), 1e-14);
        assert_close("centre distance", after.centre_distance(), before.centre_distance(), 1e-14);
        let cosines = |graph: &CrystalGraph| graph.triplets().map(|triplet| triplet.cosine).collect::<Vec<_>>();
        assert_close("cosine", &cosines(&after), &cosines(&before), 1e-14);
    }
}
