//! Comparison with the reference implementation for eight crystals.

use std::fs;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};

use super::{all_within, edges_of, featurise};
use crate::feature::{Edges, FeatureOptions, Neighbours, Ties};
use crate::math::{Matrix3, Vector3};
use crate::test_crystals::structure;

/// Returns the files of the test cases, if they are available.
fn cases() -> Option<Vec<PathBuf>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden/cases");
    let Ok(entries) = fs::read_dir(folder) else {
        println!("skipped: ../shared is not here");
        return None;
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable folder").path()).collect();
    paths.sort();
    Some(paths)
}

/// Returns a tensor of doubles as a flat vector.
fn doubles(file: &SafeTensors, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).expect(name);
    assert_eq!(tensor.dtype(), Dtype::F64, "{name}");
    tensor.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().expect("8"))).collect()
}

/// Returns a tensor of integers as a flat vector.
fn integers(file: &SafeTensors, name: &str) -> Vec<i64> {
    let tensor = file.tensor(name).expect(name);
    assert_eq!(tensor.dtype(), Dtype::I64, "{name}");
    tensor.data().chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().expect("8"))).collect()
}

/// Returns a tensor of 32-bit integers as a flat vector.
fn short_integers(file: &SafeTensors, name: &str) -> Vec<i32> {
    let tensor = file.tensor(name).expect(name);
    assert_eq!(tensor.dtype(), Dtype::I32, "{name}");
    tensor.data().chunks_exact(4).map(|bytes| i32::from_le_bytes(bytes.try_into().expect("4"))).collect()
}

/// Returns a tensor of shape `[n, 3]`.
fn rows(file: &SafeTensors, name: &str) -> Vec<Vector3> {
    doubles(file, name).chunks_exact(3).map(|row| [row[0], row[1], row[2]]).collect()
}

fn lattice(file: &SafeTensors, name: &str) -> Matrix3 {
    rows(file, name).try_into().expect("three rows")
}

fn assert_edges(file: &SafeTensors, prefix: &str, edges: &Edges, case: &str) {
    let name = |column: &str| format!("{prefix}{column}");
    let whole = |column: &str| integers(file, &name(column));
    let columns = |values: &[u32]| values.iter().map(|&x| i64::from(x)).collect::<Vec<_>>();
    assert_eq!(columns(&edges.target), whole("tgt"), "{case} targets");
    assert_eq!(columns(&edges.source), whole("src"), "{case} sources");
    let images: Vec<i64> =
        (0..edges.len()).flat_map(|edge| edges.image_of(edge).expect("an edge")).map(i64::from).collect();
    assert_eq!(images, whole("img"), "{case} images");
    assert_eq!(edges.direction.iter().map(|&x| i64::from(x)).collect::<Vec<_>>(), whole("dir27"), "{case}");
    assert_eq!(edges.same_cell.iter().map(|&x| i64::from(x)).collect::<Vec<_>>(), whole("unit2"), "{case}");
    for (distance, expected) in edges.distance.iter().zip(doubles(file, &name("dist"))) {
        assert!((distance - expected).abs() < 1e-9, "{case}: {distance} {expected}");
    }
}

#[test]
fn edges_of_the_fixtures_cells_are_the_fixtures() {
    let Some(paths) = cases() else { return };
    assert_eq!(paths.len(), 8);
    for path in paths {
        let bytes = fs::read(&path).expect("readable file");
        let file = SafeTensors::deserialize(&bytes).expect("safetensors");
        let case = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let (lattice, fractional) = (lattice(&file, "lattice"), rows(&file, "frac"));
        for (ties, prefix) in [(Ties::Cut, ""), (Ties::Shell, "shell_")] {
            let options = FeatureOptions { ties, ..Default::default() };
            let edges = edges_of(&lattice, &fractional, &options).expect("edges");
            assert_edges(&file, prefix, &edges, &format!("{case} {ties:?}"));
        }
    }
}

/// The graphs of other models, of all crystals as one batch.
#[test]
fn graphs_of_the_fixtures_crystals_are_those_of_the_baselines() {
    let graphs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/baselines/golden/graphs.safetensors");
    let (Some(paths), Ok(bytes)) = (cases(), fs::read(graphs)) else {
        println!("skipped: ../shared/baselines is not here");
        return;
    };
    let graphs = SafeTensors::deserialize(&bytes).expect("safetensors");
    let nearest =
        |number| FeatureOptions { neighbours: Neighbours::Nearest(number), ..FeatureOptions::default() };
    for (kind, options) in
        [("knn12", nearest(12)), ("knn32", nearest(32)), ("r5", all_within(5.0)), ("r4", all_within(4.0))]
    {
        let (mut ends, mut images, mut distances) = ([const { Vec::new() }; 2], Vec::new(), Vec::new());
        let (mut edges_per_crystal, mut atoms) = (Vec::new(), 0);
        for path in &paths {
            let bytes = fs::read(path).expect("readable file");
            let file = SafeTensors::deserialize(&bytes).expect("safetensors");
            let fractional = rows(&file, "frac");
            let edges = edges_of(&lattice(&file, "lattice"), &fractional, &options).expect("edges");
            for (ends, sites) in ends.iter_mut().zip([&edges.target, &edges.source]) {
                ends.extend(sites.iter().map(|&site| site as i32 + atoms));
            }
            let image = |edge| edges.image_of(edge).expect("an edge").map(i32::from);
            images.extend((0..edges.len()).flat_map(image));
            distances.extend_from_slice(&edges.distance);
            edges_per_crystal.push(edges.len() as i32);
            atoms += fractional.len() as i32;
        }
        let expected = |field: &str| short_integers(&graphs, &format!("{kind}+directed/{field}"));
        assert_eq!(edges_per_crystal, expected("edges_per_crystal"), "{kind}");
        let [targets, sources] = ends;
        assert_eq!(targets, expected("tgt"), "{kind} targets");
        assert_eq!(sources, expected("src"), "{kind} sources");
        assert_eq!(images, expected("img"), "{kind} images");
        for (distance, expected) in distances.iter().zip(doubles(&graphs, &format!("{kind}+directed/dist"))) {
            assert!((distance - expected).abs() < 1e-9, "{kind}: {distance} {expected}");
        }
    }
}

#[test]
fn features_of_the_fixtures_crystals_have_the_same_cell_and_distances() {
    let Some(paths) = cases() else { return };
    for path in paths {
        let bytes = fs::read(&path).expect("readable file");
        let file = SafeTensors::deserialize(&bytes).expect("safetensors");
        let features = featurise(&structure(lattice(&file, "cif_lattice"), rows(&file, "cif_frac")));
        // The files' cells are rounded to 8 decimals, so vectors and angles that symmetry makes
        // equal differ by that; which of them is taken is free within the Niggli tolerance.
        for (value, expected) in features.parameters.iter().zip(doubles(&file, "lat6")) {
            assert!((value - expected).abs() < 1e-5, "{path:?}: {value} {expected}");
        }
        // Another choice of cell numbers the images differently, but keeps the distances.
        let mut distances: Vec<_> = features.edges.target.iter().zip(&features.edges.distance).collect();
        let (targets, lengths) = (integers(&file, "shell_tgt"), doubles(&file, "shell_dist"));
        let targets: Vec<u32> = targets.iter().map(|&target| target as u32).collect();
        let mut expected: Vec<_> = targets.iter().zip(&lengths).collect();
        for list in [&mut distances, &mut expected] {
            list.sort_by(|a, b| a.0.cmp(b.0).then(a.1.total_cmp(b.1)));
        }
        assert_eq!(distances.len(), expected.len(), "{path:?}");
        for (value, expected) in distances.iter().zip(&expected) {
            assert_eq!(value.0, expected.0, "{path:?}");
            assert!((value.1 - expected.1).abs() < 1e-9, "{path:?}");
        }
    }
}
