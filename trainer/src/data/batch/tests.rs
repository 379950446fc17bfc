use super::*;
use crate::data::basis::{AngularBasis, envelope, spherical};
use crate::data::bessel::ORDERS;
use crate::data::golden::{OwnedInput, assert_close, golden_cases};

mod inputs;
mod lists;
mod undirected;

fn settings(inputs: Inputs) -> BatchSettings {
    BatchSettings { cutoff_angstrom: 8.0, inputs, bases_on_device: false, graph: Graph::Multigraph }
}

fn builder<R: BatchFloat>(properties: &[String]) -> BatchBuilder<R> {
    BatchBuilder::new(settings(Inputs::ALL), properties)
}

fn bases<R>(batch: &GraphBatch<R>) -> &Bases<R> {
    batch.bases.as_ref().expect("they were asked for")
}

fn line_graph<R>(batch: &GraphBatch<R>) -> &LineGraph<R> {
    batch.line_graph.as_ref().expect("it was asked for")
}

fn labels<R>(batch: &GraphBatch<R>) -> &EdgeLabels {
    batch.labels.as_ref().expect("they were asked for")
}

/// Edges kj and ji of every triplet, and its row among the angular functions, ordered by ji and then by kj.
#[derive(Default)]
struct TripletLists {
    kj: Vec<i32>,
    ji: Vec<i32>,
    pair: Vec<i32>,
}

fn lists(batch: &GraphBatch<f64>) -> TripletLists {
    let mut lists = TripletLists::default();
    for ji in 0..batch.edges() {
        let atom = batch.source[ji] as usize;
        let outgoing = &batch.outgoing_edges[batch.outgoing[atom] as usize..];
        let place = outgoing.iter().position(|&edge| edge as usize == ji).expect("it starts there") as i32;
        let incoming = batch.incoming[atom]..batch.incoming[atom + 1];
        for kj in incoming.clone() {
            let row = bases(batch).pair_offsets[atom] + place * incoming.len() as i32 + kj - incoming.start;
            // The first function is a constant, but zero for an edge and its exact reverse.
            if bases(batch).angular[ORDERS * row as usize] != 0.0 {
                lists.kj.push(kj);
                lists.ji.push(ji as i32);
                lists.pair.push(row);
            }
        }
    }
    lists
}

fn batch<R: BatchFloat>(crystals: &[&OwnedInput]) -> GraphBatch<R> {
    let mut builder = builder(&[]);
    for crystal in crystals {
        builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    builder.finish()
}

/// Checks that every derived list agrees with the edges.
fn assert_consistent(batch: &GraphBatch<f64>) {
    let (atoms, edges) = (batch.atoms(), batch.edges());
    assert_eq!(bases(batch).spherical.len(), 42 * edges);
    for atom in 0..atoms {
        let incoming = batch.incoming[atom] as usize..batch.incoming[atom + 1] as usize;
        assert!(batch.target[incoming.clone()].iter().all(|&target| target as usize == atom));
        let outgoing =
            &batch.outgoing_edges[batch.outgoing[atom] as usize..batch.outgoing[atom + 1] as usize];
        assert!(outgoing.is_sorted());
        assert!(outgoing.iter().all(|&edge| batch.source[edge as usize] as usize == atom));
        let pairs = bases(batch).pair_offsets[atom + 1] - bases(batch).pair_offsets[atom];
        assert_eq!(pairs as usize, outgoing.len() * incoming.len());
    }
    assert_eq!(batch.incoming[atoms] as usize, edges);
    assert_eq!(batch.outgoing[atoms] as usize, edges);
    assert_eq!(bases(batch).pair_offsets[atoms] as usize, batch.pairs());
    let lists = lists(batch);
    assert_eq!(batch.triplets(), lists.kj.len());
    let image = |edge: i32| -> [i32; 3] {
        let images = batch.images.as_ref().expect("they were asked for");
        std::array::from_fn(|axis| images[3 * edge as usize + axis])
    };
    let listed: std::collections::BTreeSet<_> = lists.ji.iter().zip(&lists.kj).collect();
    for ji in 0..edges as i32 {
        let atom = batch.source[ji as usize] as usize;
        for kj in batch.incoming[atom]..batch.incoming[atom + 1] {
            let back = batch.source[kj as usize] == batch.target[ji as usize];
            let is_reverse = back && image(kj) == image(ji).map(|component| -component);
            assert_eq!(listed.contains(&(&ji, &kj)), !is_reverse, "edges {kj} and {ji}");
        }
    }
}

#[test]
fn crystals_follow_each_other() {
    let (cubic, chloride) = (OwnedInput::simple_cubic(3.0), OwnedInput::caesium_chloride());
    let isolated = OwnedInput::cubic(30.0, &[2], &[[0.0; 3]]);
    let batch: GraphBatch<f64> = batch(&[&chloride, &isolated, &cubic]);
    assert_consistent(&batch);
    assert_eq!(batch.material_ids, ["cubic-2", "cubic-1", "cubic-1"]);
    assert_eq!((batch.crystals(), batch.atoms(), batch.edges()), (3, 4, 22));
    assert_eq!((batch.pairs(), batch.triplets()), (128 + 36, 112 + 30));
    assert_eq!(batch.atom_offsets, [0, 2, 3, 4]);
    assert_eq!(batch.atomic_numbers, [55, 17, 2, 84]);
    assert_eq!(batch.crystal_of_atom, [0, 0, 1, 2]);
    assert_eq!(batch.incoming, [0, 8, 16, 16, 22]);
    assert_eq!(batch.target[16..], [3; 6]);
    assert_eq!(batch.source[16..], [3; 6]);
    assert_eq!(batch.lattice_parameters[12..], [3.0, 3.0, 3.0, 90.0, 90.0, 90.0]);
    assert_eq!(labels(&batch).direction[16..], [4, 10, 12, 14, 16, 22]);
    assert_eq!(labels(&batch).same_cell[..2], [1, 0]);
}

#[test]
fn bases_are_those_of_the_edges() {
    let batch: GraphBatch<f64> = batch(&[&OwnedInput::simple_cubic(3.0)]);
    let x = 3.0 / 8.0;
    for edge in 0..6 {
        assert_eq!(bases(&batch).envelope[edge], envelope(x));
        assert_eq!(bases(&batch).spherical[42 * edge..42 * (edge + 1)], spherical(x, envelope(x)));
    }
    let (basis, lists) = (AngularBasis::default(), lists(&batch));
    for (&pair, (&kj, &ji)) in lists.pair.iter().zip(lists.kj.iter().zip(&lists.ji)) {
        let cosine = if kj == ji { 1.0 } else { 0.0 };
        assert_eq!(bases(&batch).angular[7 * pair as usize..7 * (pair as usize + 1)], basis.values(cosine));
    }
}

#[test]
fn single_precision_is_the_cast_of_double_precision() {
    let crystal = OwnedInput::caesium_chloride();
    let (single, double): (GraphBatch<f32>, GraphBatch<f64>) = (batch(&[&crystal]), batch(&[&crystal]));
    let cast = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<_>>();
    assert_eq!(bases(&single).spherical, cast(&bases(&double).spherical));
    assert_eq!(bases(&single).angular, cast(&bases(&double).angular));
    assert_eq!(single.distance, cast(&double.distance));
    assert_eq!(single.centre_distances, cast(&double.centre_distances));
}

#[test]
fn a_refused_crystal_leaves_the_batch_as_it_was() {
    let good = OwnedInput::caesium_chloride();
    let mut bad = good.clone();
    bad.material_id = "bad".to_owned();
    bad.atomic_numbers[0] = 0;
    let mut builder = builder::<f64>(&["band_gap_ev".to_owned()]);
    builder.push(&good.borrow(), &[1.5]).expect("a valid crystal");
    let error = builder.push(&bad.borrow(), &[2.5]).expect_err("an invalid crystal");
    assert_eq!(error.to_string(), "crystal 'bad': site 0 has the atomic number 0");
    builder.push(&good.borrow(), &[]).expect("a valid crystal");
    let batch = builder.finish();
    assert_consistent(&batch);
    let gaps = &batch.properties["band_gap_ev"];
    assert_eq!(gaps.len(), 2);
    assert_eq!(gaps[0], 1.5);
    assert!(gaps[1].is_nan());
}

#[test]
fn a_reused_builder_gives_the_same_batch() {
    let (cubic, chloride) = (OwnedInput::simple_cubic(3.0), OwnedInput::caesium_chloride());
    let mut builder = builder::<f64>(&[]);
    builder.push(&cubic.borrow(), &[]).expect("a valid crystal");
    builder.finish();
    builder.push(&chloride.borrow(), &[]).expect("a valid crystal");
    assert_eq!(builder.finish(), batch(&[&chloride]));
    assert_eq!(builder.finish(), batch(&[]));
}

#[test]
fn golden_batch() {
    let cases = golden_cases();
    for prefix in ["", "shell_"] {
        let cases: Vec<_> = cases.iter().filter(|case| case.prefix == prefix).collect();
        let batch: GraphBatch<f64> = batch(&cases.iter().map(|case| &case.input).collect::<Vec<_>>());
        assert_consistent(&batch);
        let lists = lists(&batch);
        let (mut first_edge, mut first_triplet) = (0, 0);
        for (crystal, case) in cases.iter().enumerate() {
            let (kj, ji) = (case.integers("idx_kj"), case.integers("idx_ji"));
            let triplets = first_triplet..first_triplet + kj.len();
            let shifted =
                |indices: Vec<i64>| indices.iter().map(|&edge| edge as i32 + first_edge).collect::<Vec<_>>();
            assert_eq!(lists.kj[triplets.clone()], shifted(kj));
            assert_eq!(lists.ji[triplets.clone()], shifted(ji));
            if prefix.is_empty() {
                let rows = lists.pair[triplets.clone()].iter().map(|&pair| 7 * pair as usize);
                let angular: Vec<f64> =
                    rows.flat_map(|row| bases(&batch).angular[row..row + 7].to_vec()).collect();
                assert_close("sbf_ang", &angular, &case.doubles("sbf_ang"), 1e-9);
                let edges = first_edge as usize..first_edge as usize + case.input.target.len();
                let radial = &bases(&batch).spherical[42 * edges.start..42 * edges.end];
                assert_close("sbf_rad", radial, &case.doubles("sbf_rad"), 1e-9);
            }
            let unit: Vec<i64> = case.integers("unit2");
            let edges = first_edge as usize..first_edge as usize + unit.len();
            assert_eq!(
                labels(&batch).same_cell[edges].iter().map(|&v| i64::from(v)).collect::<Vec<_>>(),
                unit
            );
            let atoms = batch.atom_offsets[crystal]..batch.atom_offsets[crystal + 1];
            assert_close("dcenter", &batch.centre_distances[atoms], &case.file.doubles("dcenter"), 1e-9);
            first_edge += unit.len() as i32;
            first_triplet = triplets.end;
        }
        assert_eq!(first_triplet, batch.triplets());
    }
}

#[test]
fn a_simple_graph_has_one_edge_between_two_atoms() {
    let settings = BatchSettings { graph: Graph::Simple, ..settings(Inputs::ALL) };
    let mut builder = BatchBuilder::<f64>::new(settings, &[]);
    let (cubic, chloride) = (OwnedInput::simple_cubic(3.0), OwnedInput::caesium_chloride());
    for crystal in [&cubic, &chloride] {
        builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    let batch = builder.finish();
    assert_consistent(&batch);
    assert_eq!((batch.atoms(), batch.edges(), batch.triplets()), (3, 2, 0));
    assert_eq!((&*batch.source, &*batch.target), (&[2, 1][..], &[1, 2][..]));
    assert_eq!(labels(&batch).same_cell, [1, 1]);
    let mut bad = chloride.clone();
    bad.source[3] = 2;
    let error = builder.push(&bad.borrow(), &[]).expect_err("no such atom");
    assert!(error.to_string().contains("site 2"), "{error}");
}

#[test]
fn a_batch_is_bounded_whatever_its_crystals() {
    assert!(check_size(64_000, MAX_BATCH_EDGES, MAX_BATCH_PAIRS, "last").is_ok());
    for (edges, pairs, message) in [
        (
            MAX_BATCH_EDGES + 1,
            0,
            "a batch of 4194305 edges up to crystal 'last' is too large, 4194304 at most",
        ),
        (0, MAX_BATCH_PAIRS + 1, "a batch of 33554433 triplets up to crystal 'last' is too large"),
    ] {
        let error = check_size(1, edges, pairs, "last").expect_err("too large").to_string();
        assert!(error.starts_with(message) && error.contains("crystals or of triplets"), "{error}");
    }
}
