//! Undirected graphs and their line graphs.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::data::golden::{Golden, golden_folder};

/// Cutoff in Å that no edge of the random crystals reaches.
const FAR: f64 = 100.0;
const TWICE: Graph = Graph::Undirected { self_edges: SelfEdges::Twice };
const ONCE: Graph = Graph::Undirected { self_edges: SelfEdges::Once };

fn build(graph: Graph, cutoff_angstrom: f64, crystals: &[&OwnedInput]) -> Result<GraphBatch<f64>, DataError> {
    let inputs = Inputs { bases: false, ..Inputs::ALL };
    let settings = BatchSettings { cutoff_angstrom, graph, ..settings(inputs) };
    let mut builder = BatchBuilder::new(settings, &[]);
    for crystal in crystals {
        builder.push(&crystal.borrow(), &[])?;
    }
    Ok(builder.finish())
}

fn images(batch: &GraphBatch<f64>) -> &[[i32; 3]] {
    batch.images.as_ref().expect("they were asked for").as_chunks().0
}

/// Returns target, source and image of every edge.
fn edges(batch: &GraphBatch<f64>) -> Vec<(i32, i32, [i32; 3])> {
    let ends = batch.target.iter().zip(&batch.source).zip(images(batch));
    ends.map(|((&target, &source), &image)| (target, source, image)).collect()
}

/// Checks the line graph against all pairs of edges.
fn assert_line_graph(batch: &GraphBatch<f64>, with_itself: bool) {
    let line = line_graph(batch);
    let vectors: &[[f64; 3]] = batch.vectors.as_ref().expect("they were asked for").as_chunks().0;
    let (mut pairs, mut cosines) = (Vec::new(), Vec::new());
    for e2 in 0..batch.edges() {
        for e1 in 0..batch.edges() {
            if batch.target[e1] == batch.source[e2] && (with_itself || e1 != e2) {
                pairs.push((e1 as i32, e2 as i32));
                let product: f64 = (0..3).map(|axis| vectors[e1][axis] * vectors[e2][axis]).sum();
                cosines.push(-product / (batch.distance[e1] * batch.distance[e2]));
            }
        }
    }
    let found: Vec<(i32, i32)> = line.source.iter().copied().zip(line.target.iter().copied()).collect();
    assert_eq!((found, batch.line_pairs()), (pairs.clone(), pairs.len()));
    assert_close("cosine", &line.cosine, &cosines, 1e-12);
    assert!(line.cosine.iter().all(|cosine| cosine.abs() <= 1.0));
    assert_eq!([line.incoming.len(), line.outgoing.len()], [batch.edges() + 1; 2]);
    let mut by_source = Vec::new();
    for edge in 0..batch.edges() {
        let incoming = line.incoming[edge] as usize..line.incoming[edge + 1] as usize;
        assert!(line.target[incoming].iter().all(|&target| target as usize == edge));
        let outgoing = &line.outgoing_edges[line.outgoing[edge] as usize..line.outgoing[edge + 1] as usize];
        assert!(outgoing.is_sorted());
        assert!(outgoing.iter().all(|&pair| line.source[pair as usize] as usize == edge));
        by_source.extend_from_slice(outgoing);
    }
    by_source.sort_unstable();
    assert!(by_source.iter().copied().eq(0..pairs.len() as i32));
}

#[test]
fn golden_graphs() {
    let cases = golden_cases();
    let Some(folder) = golden_folder() else { return };
    let golden = Golden::read(&folder.join("../baselines/golden/graphs.safetensors"));
    let crystals: Vec<&OwnedInput> =
        cases.iter().filter(|case| case.prefix == "shell_").map(|case| &case.input).collect();
    for (graph, name) in [
        (Graph::Multigraph, "knn12+directed"),
        (TWICE, "knn12+undirected+line"),
        (Graph::UndirectedWithLattice, "knn12+undirected+lattice"),
    ] {
        let batch = build(graph, 8.0, &crystals).expect("valid crystals");
        let integers = |list: &str| golden.short_integers(&format!("{name}/{list}"));
        let doubles = |list: &str| golden.doubles(&format!("{name}/{list}"));
        assert_eq!(batch.target, integers("tgt"));
        assert_eq!(batch.source, integers("src"));
        assert_eq!(images(&batch).as_flattened(), integers("img"));
        assert_close(name, &batch.distance, &doubles("dist"), 1e-9);
        if graph == TWICE {
            let line = line_graph(&batch);
            assert_eq!(line.source, integers("lg_src"));
            assert_eq!(line.target, integers("lg_tgt"));
            assert_close("cos", &line.cosine, &doubles("cos"), 1e-9);
        }
    }
}

#[test]
fn a_chain_and_a_single_atom() {
    let mut chain = OwnedInput::cubic(6.0, &[3, 9], &[[0.0; 3], [0.5, 0.0, 0.0]]);
    chain.edge(0, 1, [0, 0, 0]);
    chain.edge(0, 1, [-1, 0, 0]);
    let mut single = OwnedInput::cubic(3.0, &[84], &[[0.0; 3]]);
    single.edge(0, 0, [-1, 0, 0]);
    single.edge(0, 0, [1, 0, 0]);
    for (graph, single_edges, single_pairs) in [(TWICE, 4, 12), (ONCE, 2, 4)] {
        let batch = build(graph, 8.0, &[&chain, &single]).expect("valid crystals");
        let (edges, line) = (edges(&batch), line_graph(&batch));
        let (left, right) = ([-1, 0, 0], [1, 0, 0]);
        let expected = [(0, 1, left), (0, 1, [0; 3]), (1, 0, [0; 3]), (1, 0, right)];
        assert_eq!((&edges[..4], edges.len()), (&expected[..], 4 + single_edges));
        assert_eq!(batch.distance, vec![3.0; edges.len()]);
        // An edge meets the two of the other atom: its reverse, and the one that goes on.
        assert_eq!(line.source[..8], [2, 3, 2, 3, 0, 1, 0, 1]);
        assert_eq!(line.target[..8], [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(line.cosine[..8], [-1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0]);
        assert_eq!(batch.line_pairs(), 8 + single_pairs);
        assert_line_graph(&batch, graph == ONCE);
        let sum: f64 = line.cosine[8..].iter().sum();
        assert_eq!(sum, if graph == ONCE { 0.0 } else { 4.0 }, "an edge is no straight path of itself");
    }
}

#[test]
fn lattice_edges_may_exceed_the_cutoff() {
    let mut crystal = OwnedInput::cubic(30.0, &[2, 2], &[[0.0; 3], [0.1, 0.0, 0.0]]);
    assert_eq!(build(TWICE, 8.0, &[&crystal]).expect("a valid crystal").edges(), 0);
    let lattice = Graph::UndirectedWithLattice;
    let batch = build(lattice, 8.0, &[&crystal]).expect("a valid crystal");
    assert_eq!((batch.edges(), batch.incoming[1]), (24, 12));
    assert_eq!(batch.distance.iter().filter(|&&distance| (distance - 30.0).abs() < 1e-12).count(), 12);
    crystal.edge(0, 1, [0, 0, 0]);
    assert_eq!(build(lattice, 8.0, &[&crystal]).expect("a valid crystal").edges(), 26);
    crystal.edge(0, 1, [-1, 0, 0]);
    let error = build(lattice, 8.0, &[&crystal]).expect_err("a stored edge of 27 Å").to_string();
    assert!(error.contains("edge 1 is 27") && error.contains("within 0 and 8 Å"), "{error}");
    crystal.lattice[2] = [0.0; 3];
    crystal.image.iter_mut().for_each(|axis| axis[1] = 0);
    let error = build(lattice, 8.0, &[&crystal]).expect_err("no third dimension").to_string();
    assert!(error.contains("edge 5 is 0 Å long"), "{error}");
}

#[test]
fn edges_along_the_lattice_count_for_the_limit() {
    let sites = schemas::limits::MAX_EDGES / 12 + 1;
    let crystal = OwnedInput::cubic(30.0, &vec![1; sites], &vec![[0.5; 3]; sites]);
    let error = build(Graph::UndirectedWithLattice, 8.0, &[&crystal]).expect_err("too many").to_string();
    assert!(error.contains("more than 1048576 edges"), "{error}");
}

/// Crystals of one to three atoms with random edges.
fn crystals() -> impl Strategy<Value = OwnedInput> {
    let edge = |sites: u32| (0..sites, 0..sites, prop::array::uniform3(-1_i16..=1));
    let edges =
        (1_u32..4).prop_flat_map(move |sites| (Just(sites), prop::collection::vec(edge(sites), 0..12)));
    edges.prop_map(|(sites, edges)| {
        let positions: Vec<[f64; 3]> =
            (0..sites).map(|site| [0.1, 0.3, 0.2].map(|step| f64::from(site) * step)).collect();
        let numbers: Vec<u8> = (0..sites).map(|site| site as u8 + 1).collect();
        let mut crystal = OwnedInput::cubic(5.0, &numbers, &positions);
        for (target, source, image) in edges.into_iter().collect::<BTreeSet<_>>() {
            if target != source || image != [0; 3] {
                crystal.edge(target, source, image);
            }
        }
        crystal
    })
}

/// Returns the crystal repeated along the three lattice vectors, with the edges of every copy.
fn supercell(crystal: &OwnedInput, counts: [usize; 3]) -> OwnedInput {
    let cells: Vec<[usize; 3]> = (0..counts.iter().product())
        .map(|cell| [cell / counts[2] / counts[1], cell / counts[2] % counts[1], cell % counts[2]])
        .collect();
    let sites = crystal.atomic_numbers.len();
    let mut repeated = OwnedInput {
        lattice: std::array::from_fn(|row| crystal.lattice[row].map(|value| value * counts[row] as f64)),
        atomic_numbers: crystal.atomic_numbers.repeat(cells.len()),
        ..OwnedInput::cubic(1.0, &[], &[])
    };
    for cell in &cells {
        for position in crystal.fractional.chunks_exact(3) {
            let place = |axis: usize| (position[axis] + cell[axis] as f64) / counts[axis] as f64;
            repeated.fractional.extend((0..3).map(place));
        }
    }
    for (index, cell) in cells.iter().enumerate() {
        for edge in 0..crystal.target.len() {
            let reached: [i16; 3] = std::array::from_fn(|axis| cell[axis] as i16 + crystal.image[axis][edge]);
            let [a, b, c] =
                std::array::from_fn(|axis| reached[axis].rem_euclid(counts[axis] as i16) as usize);
            let neighbour = (a * counts[1] + b) * counts[2] + c;
            repeated.edge(
                (index * sites) as u32 + crystal.target[edge],
                (neighbour * sites) as u32 + crystal.source[edge],
                std::array::from_fn(|axis| reached[axis].div_euclid(counts[axis] as i16)),
            );
        }
    }
    repeated
}

/// Returns the values in ascending order, each of them `copies` times.
fn sorted(values: &[f64], copies: usize) -> Vec<f64> {
    let mut values = values.repeat(copies);
    values.sort_by(f64::total_cmp);
    values
}

proptest! {
    #[test]
    fn every_edge_has_its_reverse(crystal in crystals()) {
        let stored = build(Graph::Multigraph, FAR, &[&crystal]).expect("a valid crystal");
        for graph in [TWICE, ONCE, Graph::UndirectedWithLattice] {
            let batch = build(graph, FAR, &[&crystal]).expect("a valid crystal");
            let forward = edges(&batch);
            prop_assert!(forward.is_sorted());
            let mut backward: Vec<_> = forward
                .iter()
                .map(|&(target, source, image)| (source, target, image.map(|component| -component)))
                .collect();
            backward.sort_unstable();
            prop_assert_eq!(&forward, &backward);
            for edge in edges(&stored) {
                prop_assert!(forward.contains(&edge));
            }
            if graph == ONCE {
                prop_assert!(forward.is_sorted_by(|a, b| a < b), "each is there once");
            }
            assert_line_graph(&batch, graph == ONCE);
        }
    }

    #[test]
    fn with_self_edges_once_a_supercell_has_the_repeated_graph(
        crystal in crystals(),
        counts in prop::array::uniform3(1_usize..3),
    ) {
        let copies = counts.iter().product();
        let cell = build(ONCE, FAR, &[&crystal]).expect("a valid crystal");
        let whole = build(ONCE, FAR, &[&supercell(&crystal, counts)]).expect("a valid crystal");
        assert_close("distance", &sorted(&whole.distance, 1), &sorted(&cell.distance, copies), 1e-12);
        let cosines = |batch, copies| sorted(&line_graph(batch).cosine, copies);
        assert_close("cosine", &cosines(&whole, 1), &cosines(&cell, copies), 1e-12);
    }
}

#[test]
fn with_self_edges_twice_a_supercell_has_another_graph() {
    let cubic = OwnedInput::simple_cubic(3.0);
    let edges = |graph, crystal: &OwnedInput| build(graph, 8.0, &[crystal]).expect("a valid crystal").edges();
    let double = supercell(&cubic, [2, 1, 1]);
    assert_eq!((edges(TWICE, &cubic), edges(TWICE, &double)), (12, 2 * 10));
    assert_eq!((edges(ONCE, &cubic), edges(ONCE, &double)), (6, 2 * 6));
}
