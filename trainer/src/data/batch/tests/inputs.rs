//! Batches hold what their inputs ask for.

use std::path::PathBuf;

use arrow::array::AsArray;
use etl::pipeline::Bounds;
use etl::pipeline::featurise::{FeaturiseRequest, featurise};
use etl::source::InputKind;
use schemas::settings::FeatureSettings;
use schemas::view::CrystalBatch;

use super::*;
use crate::data::labels::PeriodicLabels;

/// Crystals of the sample, as a store holds them.
fn sample() -> Vec<CrystalBatch> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../data/sample"));
    let request = FeaturiseRequest {
        kind: InputKind::Structures,
        inputs: vec![folder],
        settings: FeatureSettings::default(),
        bounds: Bounds::default(),
        threads: 1,
    };
    let blocks = featurise(&request).expect("the sample");
    blocks.flat_map(|block| block.expect("readable structures").crystals).collect()
}

/// One crystal as a batch with these inputs.
fn alone(input: &GraphInput<'_>, inputs: Inputs) -> GraphBatch<f64> {
    let mut builder = BatchBuilder::new(settings(inputs), &[]);
    builder.push(input, &[]).expect("a valid crystal");
    builder.finish()
}

#[test]
fn without_inputs_there_are_edges_and_distances_alone() {
    let crystals = [OwnedInput::caesium_chloride(), OwnedInput::simple_cubic(3.0)];
    let mut plain = BatchBuilder::<f64>::new(settings(Inputs::default()), &[]);
    for crystal in &crystals {
        plain.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    let plain = plain.finish();
    assert!(plain.bases.is_none() && plain.line_graph.is_none() && plain.labels.is_none());
    assert!(plain.images.is_none() && plain.vectors.is_none() && plain.positions.is_none());
    assert_eq!((plain.pairs(), plain.triplets()), (0, 0));
    let all = batch::<f64>(&[&crystals[0], &crystals[1]]);
    assert!(all.pairs() > all.triplets() && all.triplets() > 0);
    let rest = GraphBatch {
        bases: None,
        line_graph: None,
        labels: None,
        images: None,
        vectors: None,
        positions: None,
        pairs: 0,
        triplets: 0,
        ..all
    };
    assert_eq!(plain, rest, "the rest is that of every batch");
}

#[test]
fn a_part_does_not_depend_on_the_others() {
    let crystal = OwnedInput::caesium_chloride();
    let all = alone(&crystal.borrow(), Inputs::ALL);
    let one = |inputs| alone(&crystal.borrow(), inputs);
    let none = Inputs::default();
    assert_eq!(one(Inputs { bases: true, ..none }).bases, all.bases);
    assert_eq!(one(Inputs { line_graph: true, ..none }).line_graph, all.line_graph);
    assert_eq!(one(Inputs { labels: true, ..none }).labels, all.labels);
    assert_eq!(one(Inputs { images: true, ..none }).images, all.images);
    assert_eq!(one(Inputs { vectors: true, ..none }).vectors, all.vectors);
    assert_eq!(one(Inputs { positions: true, ..none }).positions, all.positions);
}

#[test]
fn a_device_that_computes_the_bases_gets_vectors_and_reverses() {
    let crystal = OwnedInput::caesium_chloride();
    let asked = Inputs { bases: true, ..Inputs::default() };
    let on_host = alone(&crystal.borrow(), Inputs { vectors: true, ..asked });
    let settings = BatchSettings { bases_on_device: true, ..settings(asked) };
    let mut builder = BatchBuilder::new(settings, &[]);
    builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    let batch = builder.finish();
    assert!(batch.bases.is_none());
    assert_eq!((batch.pairs(), batch.triplets()), (2 * on_host.pairs(), 2 * on_host.triplets()));
    let vectors = on_host.vectors.expect("they were asked for");
    assert_eq!(batch.vectors, Some(vectors.repeat(2)));
    // Every edge of the first atom has its reverse among those of the second.
    let reverse = batch.reverse.expect("it goes with the vectors");
    for (edge, &reverse) in reverse.iter().enumerate() {
        let [there, back] = [edge, reverse as usize].map(|edge| &vectors[3 * (edge % 16)..][..3]);
        assert!(there.iter().zip(back).all(|(a, b)| *a == -*b) && edge / 16 == reverse as usize / 16);
    }
}

#[test]
fn the_line_graph_has_the_angles_of_the_angular_functions() {
    let crystals = [&OwnedInput::caesium_chloride(), &OwnedInput::simple_cubic(3.0)];
    let batch = batch::<f64>(&crystals);
    let line = line_graph(&batch);
    let basis = AngularBasis::default();
    let lists = lists(&batch);
    let mut seen = 0;
    for (&pair, (&kj, &ji)) in lists.pair.iter().zip(lists.kj.iter().zip(&lists.ji)) {
        let pairs = line.incoming[ji as usize] as usize..line.incoming[ji as usize + 1] as usize;
        let Some(found) = pairs.clone().find(|&pair| line.source[pair] == kj) else {
            assert_eq!(kj, ji, "only the edge itself is left out");
            continue;
        };
        let angular = &bases(&batch).angular[7 * pair as usize..7 * pair as usize + 7];
        assert_eq!(angular, basis.values(-line.cosine[found]));
        seen += 1;
    }
    // Every edge of the two crystals has its reverse, which is no triplet.
    let back = line.cosine.iter().filter(|&&cosine| (cosine - 1.0).abs() < 1e-12);
    assert_eq!(back.count(), batch.edges());
    assert_eq!(seen + batch.edges(), batch.line_pairs());
}

#[test]
fn positions_are_those_of_the_crystals() {
    let crystals = [OwnedInput::caesium_chloride(), OwnedInput::simple_cubic(4.0)];
    let batch = batch::<f32>(&[&crystals[0], &crystals[1]]);
    let positions = batch.positions.as_ref().expect("they were asked for");
    assert_eq!(positions.fractional, [[0.0; 3], [0.5; 3], [0.0; 3]]);
    assert_eq!(positions.lattice_vectors, crystals.map(|crystal| crystal.lattice));
}

#[test]
fn images_vectors_and_labels_are_those_of_the_store() {
    let mut edges = 0;
    for crystals in sample() {
        let flags = |name: &str, row: usize| -> Vec<i32> {
            let lists = crystals.column(name).expect("a column").as_list::<i32>().value(row);
            lists.as_boolean().iter().map(|flag| i32::from(flag.expect("no empty items"))).collect()
        };
        for row in 0..crystals.len() {
            let view = crystals.row(row).expect("a good row");
            let batch = alone(&GraphInput::from(&view), Inputs::ALL);
            let images = batch.images.as_ref().expect("they were asked for").as_chunks::<3>().0;
            let vectors = batch.vectors.as_ref().expect("they were asked for").as_chunks::<3>().0;
            assert_eq!([images.len(), vectors.len()], [view.edges.target.len(); 2]);
            let position = |site: u32, axis: usize| view.fractional_site_positions[3 * site as usize + axis];
            for (edge, (image, vector)) in images.iter().zip(vectors).enumerate() {
                assert_eq!(*image, view.edges.image.map(|axis| i32::from(axis[edge])));
                let length = vector.iter().map(|component| component * component).sum::<f64>().sqrt();
                assert_eq!(length, batch.distance[edge]);
                let stored = f64::from(view.edges.distance[edge]);
                assert!((length - stored).abs() < 1e-6 * stored, "{} {edge}", view.material_id);
                let (source, target) = (view.edges.source[edge], view.edges.target[edge]);
                for (axis, component) in vector.iter().enumerate() {
                    let expected: f64 = (0..3)
                        .map(|row| {
                            let step = position(source, row) - position(target, row) + f64::from(image[row]);
                            step * view.lattice_vectors[row][axis]
                        })
                        .sum();
                    assert!((component - expected).abs() < 1e-12);
                }
            }
            for (kind, column) in [
                (PeriodicLabels::Cell, "edge_same_cell"),
                (PeriodicLabels::Centred, "edge_same_cell_centred"),
            ] {
                let batch = alone(&GraphInput::from_view(&view, kind), Inputs::ALL);
                assert_eq!(labels(&batch).same_cell, flags(column, row), "{column}");
            }
            edges += images.len();
        }
    }
    assert!(edges > 10_000, "{edges} edges");
}
