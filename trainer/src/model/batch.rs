//! A batch of crystals as tensors on a device.

use std::sync::Arc;

use burn::prelude::*;
use burn::tensor::Element;

use super::bases::{Bases, Geometry, lengths};
use super::edge_labels::EdgeLabels;
use super::mask::Masks;
use super::upload::{EdgeEnds, Floats, Upload, UploadedEdges};
use super::views::{Single, Views};
use crate::data::basis::SPHERICAL;
use crate::data::bessel::ORDERS;
use crate::data::labels::HOME_DIRECTION;
use crate::data::{BatchFloat, GraphBatch};
use crate::device;
use crate::ops::{Angles, Edges};
use crate::ranks::{GlobalSizes, Ranks, Sizes};

/// The tensors of a batch of B crystals with N atoms and E edges.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Number of crystals, B.
    pub crystals: usize,
    /// Number of atoms, N.
    pub atoms: usize,
    /// Number of edges, E.
    pub edge_count: usize,
    /// Number of bytes that were copied to the device; 0 on the host.
    pub uploaded_bytes: usize,
    /// Indices of the edges' atoms, the edges of every atom, and the angles between edges.
    pub edges: Edges,
    /// Atomic number of every atom, shape `[N]`.
    pub atomic_numbers: Tensor<1, Int>,
    /// Index of the crystal of every atom, shape `[N]`.
    pub crystal_of_atom: Tensor<1, Int>,
    /// Number of atoms of every crystal, shape `[B, 1]`.
    pub atom_counts: Tensor<2>,
    /// Lattice parameters a, b, c in Å and α, β, γ in degrees, shape `[B, 6]`.
    pub lattice_parameters: Tensor<2>,
    /// Distance of every atom from the centre of its crystal in Å, shape `[N]`.
    pub centre_distances: Tensor<1>,
    /// Length of every edge in Å, shape `[E]`.
    pub distances: Tensor<1>,
    /// In-degree of every atom: the number of edges that end at it, shape `[N, 1]`.
    pub degrees: Tensor<2>,
    /// Sizes of the batch over all ranks. Means over the batch are taken with them.
    pub global: GlobalSizes,
    bases: Option<Bases>,
    line_graph: Option<LineGraph>,
    labels: Option<EdgeLabels>,
    images: Option<Tensor<2, Int>>,
    vectors: Option<Tensor<2>>,
    views: Option<Views>,
}

/// Line graph of E edges: each of its L pairs joins an edge e1 with an edge e2 that starts where e1 ends.
#[derive(Debug, Clone)]
pub struct LineGraph {
    /// Indices of the pairs' edges: e1 is the source of a pair and e2 its target, of E edges as they are of N atoms in
    /// [`Batch::edges`]. There are no angles.
    pub edges: Edges,
    /// Cosine of the angle between the two edges at the atom they share, shape `[L]`. It is 1 for an edge and its
    /// reverse, and -1 for a straight path.
    pub cosine: Tensor<1>,
}

impl Batch {
    /// Moves a whole batch to a device. With `masks`, the batch gets the two masked views.
    ///
    /// The tensors are data without gradients: `device` must be one without automatic differentiation.
    pub fn new<R: Element + BatchFloat>(
        batch: GraphBatch<R>,
        masks: Option<&Masks>,
        cutoff_angstrom: f64,
        device: &Device,
    ) -> Self {
        let global = GlobalSizes::alone(sizes(&batch, masks));
        Self::of_sizes(batch, masks, cutoff_angstrom, global, device)
    }

    /// Moves this rank's share of a batch to a device, as [`Batch::new`] does for a whole batch. The sizes of the
    /// shares are summed over the ranks, so every rank must call this function for every batch.
    pub fn shared<R: Element + BatchFloat>(
        batch: GraphBatch<R>,
        masks: Option<&Masks>,
        cutoff_angstrom: f64,
        ranks: &Arc<dyn Ranks>,
        device: &Device,
    ) -> Self {
        let global = GlobalSizes::of(sizes(&batch, masks), ranks);
        Self::of_sizes(batch, masks, cutoff_angstrom, global, device)
    }

    fn of_sizes<R: Element + BatchFloat>(
        batch: GraphBatch<R>,
        masks: Option<&Masks>,
        cutoff_angstrom: f64,
        global: GlobalSizes,
        device: &Device,
    ) -> Self {
        let (crystals, atoms, edge_count) = (batch.crystals(), batch.atoms(), batch.edges());
        let pairs = batch.pairs();
        let on_host = device::computes_on_host(device);
        let reals = |values: Vec<f64>| values.into_iter().map(R::from_f64).collect::<Vec<_>>();
        let mut upload = Upload::<R>::new();

        let atomic_numbers = upload.integers(batch.atomic_numbers);
        let crystal_of_atom = upload.integers(batch.crystal_of_atom);
        let counts = batch.atom_offsets.windows(2).map(|pair| (pair[1] - pair[0]) as f64);
        let atom_counts = upload.floats(reals(counts.collect()));
        let lattice_parameters = upload.floats(batch.lattice_parameters);
        let centre_distances = upload.floats(batch.centre_distances);
        let degrees = batch.incoming.windows(2).map(|pair| f64::from(pair[1] - pair[0]));
        let degrees = upload.floats(reals(degrees.collect()));
        let ends = EdgeEnds { target: batch.target, source: batch.source, incoming: batch.incoming };
        let edges = UploadedEdges::new(&mut upload, ends, [batch.outgoing, batch.outgoing_edges], on_host);
        let has_vectors = batch.vectors.is_some();
        let vectors = batch.vectors.map(|vectors| upload.floats(vectors));
        let distances = (on_host || !has_vectors).then(|| upload.floats(batch.distance));
        let reverse = batch.reverse.map(|reverse| upload.integers(reverse));
        let bases = batch.bases.map(|bases| {
            let angles = (upload.integers(bases.pair_offsets), upload.floats(bases.angular));
            (upload.floats(bases.envelope), upload.floats(bases.spherical), angles)
        });
        let labels = batch.labels.map(|labels| {
            (upload.integers(labels.direction), on_host.then(|| upload.integers(labels.same_cell)))
        });
        let images = batch.images.map(|images| upload.integers(images));
        let line_graph = batch.line_graph.map(|pairs| {
            let ends = EdgeEnds { target: pairs.target, source: pairs.source, incoming: pairs.incoming };
            let by_source = [pairs.outgoing, pairs.outgoing_edges];
            let edges = UploadedEdges::new(&mut upload, ends, by_source, on_host);
            (edges, upload.floats(pairs.cosine))
        });
        let views = masks.map(|masks| {
            let views = [(&masks.first, global.per_hidden(0)), (&masks.second, global.per_hidden(1))];
            let weigh = |&(hidden, weight): &(&Vec<bool>, f64)| -> Vec<f64> {
                hidden.iter().map(|&hidden| if hidden { weight } else { 0.0 }).collect()
            };
            let hidden = masks.first.iter().chain(&masks.second).map(|&hidden| i32::from(hidden));
            let hidden = upload.integers(hidden.collect());
            (hidden, upload.floats(reals(views.iter().flat_map(weigh).collect())))
        });

        let uploaded_bytes = if on_host { 0 } else { upload.bytes() };
        let lists = upload.to(device, !on_host);
        let column = |list: Floats| -> Tensor<2> { lists.floats(list).unsqueeze_dim(1) };
        let edges = edges.edges(&lists);
        let vectors = vectors.map(|vectors| lists.floats(vectors).reshape([edge_count, 3]));
        let geometry = reverse
            .zip(vectors.clone())
            .map(|(reverse, vectors)| Geometry { vectors, reverse: lists.integers(reverse) });
        let distances = match (distances, &vectors) {
            (Some(distances), _) => lists.floats(distances),
            (None, Some(vectors)) => lengths(vectors),
            (None, None) => unreachable!("distances are left out only where there are vectors"),
        };
        let (bases, angles) = bases
            .map(|(envelope, spherical, (pair_offsets, angular))| {
                let radial = Bases {
                    scaled_distances: distances.clone().reshape([edge_count, 1]) / cutoff_angstrom,
                    envelope: column(envelope),
                    spherical: lists.floats(spherical).reshape([edge_count, SPHERICAL]),
                };
                let angular = lists.floats(angular).reshape([pairs, ORDERS]);
                (radial, Angles { pair_offsets: lists.integers(pair_offsets), angular })
            })
            .unzip();
        let batch = Self {
            crystals,
            atoms,
            edge_count,
            uploaded_bytes,
            edges: Edges {
                triplets: geometry.as_ref().map(|geometry| geometry.triplets(&edges, pairs)),
                angles,
                ..edges
            },
            atomic_numbers: lists.integers(atomic_numbers),
            crystal_of_atom: lists.integers(crystal_of_atom),
            atom_counts: column(atom_counts),
            lattice_parameters: lists.floats(lattice_parameters).reshape([crystals, 6]),
            centre_distances: lists.floats(centre_distances),
            distances,
            degrees: column(degrees),
            global,
            bases: bases.or_else(|| geometry.map(|geometry| geometry.bases(cutoff_angstrom))),
            line_graph: line_graph.map(|(pairs, cosine)| LineGraph {
                edges: pairs.edges(&lists),
                cosine: lists.floats(cosine),
            }),
            labels: labels.map(|(directions, same_cell)| {
                let directions = lists.integers(directions);
                let same_cell = match same_cell {
                    Some(same_cell) => lists.integers(same_cell),
                    None => directions.clone().equal_elem(i64::from(HOME_DIRECTION)).int(),
                };
                EdgeLabels { directions, same_cell }
            }),
            images: images.map(|images| lists.integers(images).reshape([edge_count, 3])),
            vectors,
            views: None,
        };
        let single = Single {
            edges: &batch.edges,
            edge_count,
            atomic_numbers: &batch.atomic_numbers,
            centre_distances: &batch.centre_distances,
            degrees: &batch.degrees,
            distances: &batch.distances,
            labels: batch.labels.as_ref(),
        };
        let views = views.map(|(hidden, weights)| {
            let hidden = lists.integers(hidden).not_equal_elem(0);
            Views::new(&single, hidden, lists.floats(weights))
        });
        Self { views, ..batch }
    }

    /// Returns the radial bases of DimeNet++.
    ///
    /// # Panics
    /// If the batch was built without them. The [`Inputs`](crate::data::Inputs) of a model or method say which parts
    /// a batch is built with.
    pub fn bases(&self) -> &Bases {
        self.bases.as_ref().expect("`Inputs::bases` must ask for them")
    }

    /// Returns the line graph.
    ///
    /// # Panics
    /// If the batch was built without it.
    pub fn line_graph(&self) -> &LineGraph {
        self.line_graph.as_ref().expect("`Inputs::line_graph` must ask for it")
    }

    /// Returns the periodic labels of the edges.
    ///
    /// # Panics
    /// If the batch was built without them.
    pub fn labels(&self) -> &EdgeLabels {
        self.labels.as_ref().expect("`Inputs::labels` must ask for them")
    }

    /// Returns the cell image k of every edge's neighbour, shape `[E, 3]`.
    ///
    /// # Panics
    /// If the batch was built without them.
    pub fn images(&self) -> &Tensor<2, Int> {
        self.images.as_ref().expect("`Inputs::images` must ask for them")
    }

    /// Returns the displacement v of every edge from its centre atom to its neighbour in Å (specification,
    /// section 2.2), shape `[E, 3]`.
    ///
    /// # Panics
    /// If the batch was built without them.
    pub fn vectors(&self) -> &Tensor<2> {
        self.vectors.as_ref().expect("`Inputs::vectors` must ask for them")
    }

    /// Returns the two masked views.
    ///
    /// # Panics
    /// If the batch was made without masks.
    pub fn views(&self) -> &Views {
        self.views.as_ref().expect("a batch with views is made with masks")
    }
}

/// Returns the sizes of a batch.
fn sizes<R>(batch: &GraphBatch<R>, masks: Option<&Masks>) -> Sizes {
    let count = |view: &[bool]| view.iter().filter(|&&hidden| hidden).count();
    let hidden = masks.map_or([0; 2], |masks| [count(&masks.first), count(&masks.second)]);
    Sizes {
        crystals: batch.crystals(),
        atoms: batch.atoms(),
        edges: batch.edges(),
        line_pairs: batch.line_pairs(),
        hidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::golden::OwnedInput;
    use crate::data::{BatchBuilder, BatchSettings, Graph, Inputs};

    fn batch(inputs: Inputs, masks: Option<&Masks>) -> Batch {
        let settings =
            BatchSettings { cutoff_angstrom: 8.0, inputs, bases_on_device: false, graph: Graph::Multigraph };
        let mut builder = BatchBuilder::<f64>::new(settings, &[]);
        builder.push(&OwnedInput::caesium_chloride().borrow(), &[]).expect("a valid crystal");
        Batch::new(builder.finish(), masks, 8.0, &Device::flex())
    }

    #[test]
    fn a_batch_has_what_was_asked_for() {
        let plain = batch(Inputs::default(), None);
        assert_eq!((plain.atoms, plain.edge_count, plain.distances.dims()), (2, 16, [16]));
        assert!(plain.edges.angles.is_none() && plain.bases.is_none() && plain.line_graph.is_none());
        assert!(plain.labels.is_none() && plain.images.is_none() && plain.vectors.is_none());
        assert!(plain.views.is_none());

        let masks = Masks { first: vec![true, false], second: vec![false, true] };
        let all = batch(Inputs::ALL, Some(&masks));
        assert_eq!(all.bases().spherical.dims(), [16, SPHERICAL]);
        assert_eq!(all.edges.angles().angular.dims(), [128, ORDERS]);
        assert!(all.edges.triplets.is_none());
        // Of the 128 pairs none is of an edge with itself.
        let line = all.line_graph();
        assert_eq!([&line.cosine.dims(), &line.edges.source.dims(), &line.edges.target.dims()], [&[128]; 3]);
        assert_eq!([line.edges.incoming.dims(), line.edges.by_source().offsets.dims()], [[17]; 2]);
        assert_eq!((line.edges.by_source().edges.dims(), all.global.line_pairs()), ([128], 128));
        assert_eq!([all.labels().directions.dims(), all.labels().same_cell.dims()], [[16]; 2]);
        assert_eq!(all.images().dims(), [16, 3]);
        // Row-major: the first edge's vector as a row.
        let vectors: Vec<f64> = all.vectors().clone().into_data().iter::<f64>().collect();
        assert_eq!(vectors[..3], [1.5; 3]);
        let views = all.views();
        assert_eq!(views.weights.to_data().iter::<f64>().collect::<Vec<_>>(), [1.0, 0.0, 0.0, 1.0]);
        let integers = |tensor: &Tensor<1, Int>| tensor.to_data().iter::<i64>().collect::<Vec<_>>();
        assert_eq!(integers(&views.edges.incoming), [0, 8, 16, 24, 32]);
        for ends in [&views.edges.target, &views.edges.source] {
            let ends = integers(ends);
            assert!(ends.iter().zip(&ends[16..]).all(|(first, second)| first + 2 == *second), "{ends:?}");
        }
        let outgoing = integers(&views.edges.by_source().edges);
        assert!(outgoing[..16].iter().zip(&outgoing[16..]).all(|(first, second)| first + 16 == *second));
    }

    #[test]
    #[should_panic(expected = "`Inputs::labels` must ask for them")]
    fn a_part_that_was_not_asked_for_is_an_error_of_the_program() {
        batch(Inputs::default(), None).labels();
    }
}
