//! Every term against section 6 of the specification written out with loops, in all its forms.

use burn::prelude::*;

use super::*;
use crate::config::pretrain::Masking;
use crate::config::pretrain::loss::Samples;
use crate::data::golden::OwnedInput;
use crate::data::{BatchBuilder, BatchSettings, Graph, GraphBatch};
use crate::model;
use crate::model::mask::{DrawKey, Masks};
use crate::model::views::of_view;
use crate::optimiser::Gradients;
use crate::pretrain::mmpt;
use crate::pretrain::mmpt::MmptModel;
use crate::pretrain::mmpt::example::tiny;

/// Added to each column's sum of squares in L_BT.
const EPSILON: f64 = 1e-8;

/// Crystals, masks, the model's prediction: all that a loss is computed from.
struct Sample {
    model: MmptModel,
    graph: GraphBatch<f64>,
    masks: Masks,
    batch: Batch,
    prediction: Prediction,
}

/// Caesium chloride, simple cubic polonium and a lone atom.
fn crystals() -> Vec<OwnedInput> {
    let lone = OwnedInput::cubic(30.0, &[2], &[[0.0; 3]]);
    vec![OwnedInput::caesium_chloride(), OwnedInput::simple_cubic(3.4), lone]
}

/// The first batch of these crystals in a run of a fresh model.
fn sample(crystals: &[OwnedInput], masking: Masking) -> Sample {
    let model = tiny();
    let settings = BatchSettings {
        cutoff_angstrom: 8.0,
        inputs: model::mmpt::inputs() | mmpt::inputs(),
        bases_on_device: false,
        graph: Graph::Multigraph,
    };
    let mut builder = BatchBuilder::<f64>::new(settings, &[]);
    for crystal in crystals {
        builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    let graph = builder.finish();
    let key = DrawKey { seed: 1, epoch: 0, first_crystal: 0 };
    let masks = Masks::draw(masking, key, &graph.atom_offsets);
    let batch = Batch::new(graph.clone(), Some(&masks), 8.0, &Device::flex());
    let prediction = model.forward(&batch, &mut Trace::off());
    Sample { model, graph, masks, batch, prediction }
}

impl Sample {
    fn losses(&self, config: &LossConfig) -> Losses {
        Losses::new(config, &self.prediction, &self.batch, &mut Trace::off())
    }

    /// A term, or the sum; NaN where it is not computed.
    fn value(&self, config: &LossConfig, name: &str) -> f64 {
        let values = self.losses(config).values();
        values.iter().find(|(found, _)| *found == name).map_or(f64::NAN, |(_, value)| *value)
    }
}

/// The rows of a matrix.
fn rows(matrix: &Tensor<2>) -> Vec<Vec<f64>> {
    let width = matrix.dims()[1];
    numbers(matrix).chunks(width).map(<[f64]>::to_vec).collect()
}

fn numbers<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// Mean of what is selected, 0 of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        sum += value;
        count += 1;
    }
    sum / f64::from(count.max(1))
}

fn cross_entropy(scores: &[f64], label: i32) -> f64 {
    scores.iter().map(|score| score.exp()).sum::<f64>().ln() - scores[label as usize]
}

fn naive_error(kind: Error, difference: f64) -> f64 {
    match kind {
        Error::Absolute => difference.abs(),
        Error::Squared => difference * difference,
    }
}

fn naive_atom(sample: &Sample) -> f64 {
    let view = |index: usize, hidden: &[bool]| {
        let scores = rows(&of_view(&sample.prediction.views.types, index));
        let atoms = (0..hidden.len()).filter(|&atom| hidden[atom]);
        mean(atoms.map(|atom| cross_entropy(&scores[atom], sample.graph.atomic_numbers[atom])))
    };
    (view(0, &sample.masks.first) + view(1, &sample.masks.second)) / 2.0
}

fn naive_coordinate(sample: &Sample, kind: Error) -> f64 {
    let view = |index: usize, hidden: &[bool]| {
        let found = numbers(&of_view(&sample.prediction.views.centre_distances, index));
        let atoms = (0..hidden.len()).filter(|&atom| hidden[atom]);
        mean(atoms.map(|atom| naive_error(kind, found[atom] - sample.graph.centre_distances[atom])))
    };
    (view(0, &sample.masks.first) + view(1, &sample.masks.second)) / 2.0
}

fn naive_lattice(sample: &Sample, kind: Error) -> f64 {
    let (mean_of, std) = (
        numbers(&sample.model.encoder().lattice.mean.val()),
        numbers(&sample.model.encoder().lattice.std.val()),
    );
    let found = numbers(&sample.prediction.lattice);
    let targets = sample.graph.lattice_parameters.iter().enumerate();
    let targets = targets.map(|(index, value)| (value - mean_of[index % 6]) / std[index % 6]);
    mean(found.iter().zip(targets).map(|(found, target)| naive_error(kind, found - target)))
}

fn naive_contrast(sample: &Sample, config: &LossConfig) -> f64 {
    let samples = |index: usize| {
        let mut samples = rows(&of_view(&sample.prediction.views.atom, index));
        if config.contrast.samples == Samples::Crystals {
            let atoms = sample.graph.atom_offsets.windows(2).map(|pair| &samples[pair[0]..pair[1]]);
            let mean_atom =
                |atoms: &[Vec<f64>]| (0..6).map(|a| mean(atoms.iter().map(|atom| atom[a]))).collect();
            samples = atoms.map(mean_atom).collect();
        }
        let mut columns: Vec<Vec<f64>> =
            (0..6).map(|a| samples.iter().map(|sample| sample[a]).collect()).collect();
        for column in &mut columns {
            let shift = if config.contrast.centred { mean(column.iter().copied()) } else { 0.0 };
            column.iter_mut().for_each(|value| *value -= shift);
        }
        columns
    };
    let product = |p: &[f64], q: &[f64]| p.iter().zip(q).map(|(p, q)| p * q).sum::<f64>();
    let (p, q) = (samples(0), samples(1));
    let mut loss = 0.0;
    for (a, p) in p.iter().enumerate() {
        for (c, q) in q.iter().enumerate() {
            let norms = (product(p, p) + EPSILON).sqrt() * (product(q, q) + EPSILON).sqrt();
            let correlation = product(p, q) / norms;
            loss += if a == c {
                (1.0 - correlation).powi(2)
            } else {
                config.contrast.off_diagonal * correlation.powi(2)
            };
        }
    }
    loss
}

/// Mean over edges and both views of a value of an edge.
fn over_edges(sample: &Sample, value: impl Fn(usize, usize) -> f64) -> f64 {
    let edges = sample.graph.edges();
    (0..2).map(|view| mean((0..edges).map(|edge| value(view, edge)))).sum::<f64>() / 2.0
}

fn naive_classes(sample: &Sample, scores: impl Fn(usize) -> Tensor<2>, labels: &[i32]) -> f64 {
    let scores = [0, 1].map(|view| rows(&scores(view)));
    over_edges(sample, |view, edge| cross_entropy(&scores[view][edge], labels[edge]))
}

/// All terms of a configuration without their weights.
fn naive(sample: &Sample, config: &LossConfig) -> [(&'static str, f64, f64); 7] {
    let views = &sample.prediction.views;
    let labels = sample.graph.labels.as_ref().expect("the losses take them");
    let directions = naive_classes(sample, |view| of_view(&views.directions, view), &labels.direction);
    let same_cell = naive_classes(sample, |view| of_view(&views.same_cell, view), &labels.same_cell);
    let lengths = [0, 1].map(|view| numbers(&of_view(&views.distances, view)));
    let distance = over_edges(sample, |view, edge| {
        naive_error(config.distance.error, lengths[view][edge] - sample.graph.distance[edge])
    });
    [
        ("L_A", config.atom.weight, naive_atom(sample)),
        ("L_X", config.coordinate.weight, naive_coordinate(sample, config.coordinate.error)),
        ("L_L", config.lattice.weight, naive_lattice(sample, config.lattice.error)),
        ("L_BT", config.contrast.weight, naive_contrast(sample, config)),
        ("L_Die", config.direction.weight, directions),
        ("L_Unit", config.same_cell.weight, same_cell),
        ("L_Dis", config.distance.weight, distance),
    ]
}

/// Fails unless the terms that are on, and their sum, are those computed with loops.
fn assert_naive(sample: &Sample, config: &LossConfig) {
    let expected: Vec<_> =
        naive(sample, config).into_iter().filter(|(_, weight, _)| *weight != 0.0).collect();
    let values = sample.losses(config).values();
    let names: Vec<_> = values.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Losses::names(config));
    assert_eq!(names[0], TOTAL);
    assert_eq!(values.len(), 1 + expected.len());
    let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-12 * expected.abs().max(1.0);
    for ((name, found), (term, _, expected)) in values[1..].iter().zip(&expected) {
        assert_eq!(name, term);
        assert!(close(*found, *expected), "{name} = {found} and not {expected}");
    }
    let total: f64 = expected.iter().map(|(_, weight, value)| weight * value).sum();
    assert!(close(values[0].1, total), "{TOTAL} = {} and not {total}", values[0].1);
}

#[test]
fn terms_are_those_of_the_specification() {
    for masking in [Masking::Mutex, Masking::Independent] {
        assert_naive(&sample(&crystals(), masking), &LossConfig::default());
    }
}

#[test]
fn the_default_weights_are_those_of_the_specification() {
    let names = ["loss", "L_A", "L_X", "L_L", "L_BT", "L_Die", "L_Unit", "L_Dis"];
    assert_eq!(Losses::names(&LossConfig::default()), names);
    let weights: Vec<f64> = switched_on(&LossConfig::default()).map(|(_, weight)| weight).collect();
    assert_eq!(weights, [5.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0]);
}

#[test]
fn replaced_terms_are_what_they_say() {
    let sample = sample(&crystals(), Masking::Mutex);
    let mut config = LossConfig::default();
    config.coordinate.error = Error::Squared;
    config.lattice.error = Error::Absolute;
    config.distance.error = Error::Squared;
    assert_naive(&sample, &config);
    for samples in [Samples::Atoms, Samples::Crystals] {
        for centred in [true, false] {
            config.contrast.samples = samples;
            config.contrast.centred = centred;
            config.contrast.off_diagonal = 0.3;
            assert_naive(&sample, &config);
        }
    }
    let by_crystal = sample.value(&config, "L_BT");
    assert_ne!(by_crystal, sample.value(&LossConfig::default(), "L_BT"));
}

/// A switch of each term, and the parameters that only this term reaches.
type Switch = (fn(&mut LossConfig) -> &mut f64, &'static [&'static str]);

const SWITCHES: [Switch; 7] = [
    (|config| &mut config.atom.weight, &["atom_mlp.0.weight", "atom_mlp.8.bias"]),
    (|config| &mut config.coordinate.weight, &["coord_out.weight", "coord_gin.e_self"]),
    (|config| &mut config.lattice.weight, &["lattice_dec.0.weight", "lattice.len_emb.weight"]),
    (|config| &mut config.contrast.weight, &[]),
    (|config| &mut config.direction.weight, &["pal_dir.0.weight", "pal_dir.2.bias"]),
    (|config| &mut config.same_cell.weight, &["pal_unit.0.weight", "pal_unit.2.bias"]),
    (|config| &mut config.distance.weight, &["pal_dist.0.weight", "pal_dist.2.bias"]),
];

/// Names of the parameters that have a gradient which is not zero.
fn reached(sample: &Sample, config: &LossConfig) -> Vec<String> {
    let gradients = Gradients::collect(&sample.model, sample.losses(config).total.backward());
    let moved = |gradient: &Tensor<1>| numbers(gradient).iter().any(|value| *value != 0.0);
    let tensors = gradients.tensors().into_iter();
    tensors.filter(|(_, gradient)| moved(gradient)).map(|(name, _)| name).collect()
}

#[test]
fn a_term_of_weight_zero_is_off() {
    for (index, (weight, own)) in SWITCHES.iter().enumerate() {
        // A fresh sample each time: a backward pass uses its graph up.
        let mut config = LossConfig::default();
        let with = reached(&sample(&crystals(), Masking::Mutex), &config);
        *weight(&mut config) = 0.0;
        let sample = sample(&crystals(), Masking::Mutex);
        assert_naive(&sample, &config);
        let name = TERMS[index].name;
        assert!(sample.value(&config, name).is_nan(), "{name} is still computed");
        let without = reached(&sample, &config);
        for parameter in *own {
            assert!(with.iter().any(|found| found == parameter), "{parameter} with {name}");
            assert!(!without.iter().any(|found| found == parameter), "{parameter} without {name}");
        }
    }
}

#[test]
fn a_lone_term_reaches_its_own_decoder() {
    for (index, (weight, own)) in SWITCHES.iter().enumerate() {
        let mut config = LossConfig::default();
        for (other, _) in &SWITCHES {
            *other(&mut config) = 0.0;
        }
        *weight(&mut config) = 2.5;
        let sample = sample(&crystals(), Masking::Mutex);
        assert_naive(&sample, &config);
        let reached = reached(&sample, &config);
        assert!(own.iter().all(|parameter| reached.iter().any(|found| found == parameter)));
        for (other, (_, others)) in SWITCHES.iter().enumerate() {
            let foreign =
                |parameter: &&&str| other != index && reached.iter().any(|found| found == **parameter);
            assert_eq!(others.iter().find(foreign), None, "of {}", TERMS[index].name);
        }
    }
}

#[test]
fn labels_matter_to_their_own_terms_alone() {
    let before = sample(&crystals(), Masking::Mutex);
    let mut other = crystals();
    // Another direction, then the same cell.
    other[0].direction[1] = 26;
    let directed = sample(&other, Masking::Mutex);
    other[0].direction[1] = 13;
    let at_home = sample(&other, Masking::Mutex);
    let changed = |after: &Sample| -> Vec<&'static str> {
        let (before, after) = (default_values(&before), default_values(after));
        let pairs = before.into_iter().zip(after);
        pairs.filter(|(before, after)| before.1 != after.1).map(|(before, _)| before.0).collect()
    };
    assert_eq!(changed(&directed), ["loss", "L_Die"]);
    assert_eq!(changed(&at_home), ["loss", "L_Die", "L_Unit"]);
}

/// All terms of the default configuration.
fn default_values(sample: &Sample) -> Vec<(&'static str, f64)> {
    sample.losses(&LossConfig::default()).values()
}

#[test]
fn every_term_is_named_in_words_with_its_unit() {
    let mut config = LossConfig::default();
    let named = titles(&config);
    assert_eq!(named.len(), TERMS.len() + 1);
    assert_eq!(named["L_Die"], "Directions, 27 classes (L_Die), nats");
    assert_eq!(named["L_Dis"], "Edge lengths (L_Dis), Å");
    assert_eq!(named["L_BT"], "Agreement of the views (L_BT)");
    config.distance.error = Error::Squared;
    assert_eq!(titles(&config)["L_Dis"], "Edge lengths (L_Dis), Å²");
}
