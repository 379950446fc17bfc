//! Noise on crystals and its prediction: on what the draws depend, which edges remain, and how predictions turn.

use burn::prelude::*;
use burn::tensor::DType;

use super::*;
use crate::config::{Config, OptimiserConfig};
use crate::data::golden::OwnedInput;
use crate::data::test_crystal::{
    CUTOFF, Crystal, Matrix, OTHER_CELLS, copper, rotation, rutile, skewed, times, wurtzite,
};
use crate::data::{BatchBuilder, BatchFloat, BatchSettings, Graph, GraphBatch, Inputs, LatticeStatistics};
use crate::model::layers::Initialiser;
use crate::model::mask::DrawKey;
use crate::model::{Batch, Pass, names};
use crate::optimiser::Rates;
use crate::pretrain::Pretraining;
use crate::pretrain::mmpt::example::tiny_encoder;
use crate::ranks::alone;
use crate::run::step::{Learner, Objective};
use noise::NoisyBatch;

/// Key of the draws, but for the first crystal.
const KEY: DrawKey = DrawKey { seed: 7, epoch: 3, first_crystal: 0 };

fn graph<R: BatchFloat>(crystals: &[OwnedInput], inputs: Inputs) -> GraphBatch<R> {
    let settings =
        BatchSettings { cutoff_angstrom: CUTOFF, inputs, bases_on_device: false, graph: Graph::Multigraph };
    let mut builder = BatchBuilder::new(settings, &[]);
    for crystal in crystals {
        builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    builder.finish()
}

fn crystals() -> Vec<OwnedInput> {
    [copper(), rutile(), wurtzite(), skewed()].iter().map(Crystal::with_edges).collect()
}

fn config(settings: &[&str]) -> Config {
    let settings = [&["pretrain.method=denoise"], settings].concat();
    let mut config = Config::resolve(None, &settings).expect("known settings");
    config.model.mmpt = tiny_encoder();
    config
}

fn objective(config: &Config) -> DenoiseObjective {
    DenoiseObjective::new(config, &Default::default(), &Device::flex(), &alone())
}

fn noisy(settings: &[&str], crystals: &[OwnedInput], key: DrawKey) -> NoisyBatch<f64> {
    let objective = objective(&config(settings));
    objective.noisy(&graph::<f64>(crystals, objective.inputs()), key, Inputs::default())
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{what}: {found} instead of {expected}");
    }
}

#[test]
fn draws_depend_on_the_place_in_the_epoch_alone() {
    let all = crystals();
    let whole = noisy(&[], &all, KEY);
    let part = noisy(&[], &all[2..], DrawKey { first_crystal: 2, ..KEY });
    let first = whole.graph.atom_offsets[2];
    assert_eq!(part.displacements, whole.displacements[3 * first..]);
    assert_eq!(part.strains, whole.strains[12..]);
    let distances = whole.graph.incoming[first] as usize..;
    assert_eq!(part.graph.distance, whole.graph.distance[distances]);
    assert_eq!(noisy(&[], &all, KEY), whole);
    for key in [DrawKey { seed: 8, ..KEY }, DrawKey { epoch: 4, ..KEY }] {
        assert_ne!(noisy(&[], &all, key).displacements, whole.displacements);
    }
}

#[test]
fn edges_are_those_of_the_moved_atoms_in_the_strained_cell() {
    let deviations = (0.05, 0.02);
    for crystal in [rutile(), skewed()] {
        let NoisyBatch { graph, displacements, strains, .. } = noisy(&[], &[crystal.with_edges()], KEY);
        let [xx, yy, zz, yz, xz, xy] = strains[..] else { panic!("six elements") };
        let strain = |value: f64| deviations.1 * value;
        let deform: Matrix = [
            [1.0 + strain(xx), strain(xy), strain(xz)],
            [strain(xy), 1.0 + strain(yy), strain(yz)],
            [strain(xz), strain(yz), 1.0 + strain(zz)],
        ];
        let input = crystal.with_edges();
        let vectors = graph.vectors.as_ref().expect("they are asked for");
        assert_eq!(graph.edges(), input.source.len());
        for (edge, vector) in vectors.chunks(3).enumerate() {
            let (target, source) = (input.target[edge] as usize, input.source[edge] as usize);
            let fractional = std::array::from_fn(|axis| {
                crystal.fractional[source][axis] - crystal.fractional[target][axis]
                    + f64::from(input.image[axis][edge])
            });
            let strained = times(times(fractional, &crystal.lattice), &deform);
            let step = |atom: usize, axis: usize| deviations.0 * displacements[3 * atom + axis];
            let expected: [f64; 3] =
                std::array::from_fn(|axis| strained[axis] + step(source, axis) - step(target, axis));
            close(vector, &expected, 1e-12, &crystal.name);
            let length = expected.iter().map(|component| component * component).sum::<f64>().sqrt();
            close(&graph.distance[edge..=edge], &[length], 1e-12, &crystal.name);
        }
        let means: Vec<f64> =
            (0..3).map(|axis| displacements.iter().skip(axis).step_by(3).sum::<f64>()).collect();
        close(&means, &[0.0; 3], 1e-12, "the mean displacement");
    }
}

#[test]
fn no_noise_changes_nothing() {
    let only_strain = noisy(&["pretrain.denoise.displacement=0"], &crystals(), KEY);
    assert!(only_strain.displacements.iter().all(|step| *step == 0.0));
    let only_steps = noisy(&["pretrain.denoise.strain=0"], &crystals(), KEY);
    assert!(only_steps.strains.iter().all(|strain| *strain == 0.0));
    let clean = graph::<f64>(&crystals(), Inputs::default());
    close(&only_steps.graph.lattice_parameters, &clean.lattice_parameters, 1e-9, "the cells");
    assert_ne!(only_steps.graph.distance, clean.distance);
    let refused = Config::resolve(
        None,
        &["pretrain.method=denoise", "pretrain.denoise.displacement=0", "pretrain.denoise.strain=0"],
    );
    assert!(refused.expect_err("there is no noise").to_string().contains("there is no noise"));
}

#[test]
fn edges_beyond_the_cutoff_are_left_out() {
    // Half of the edges of this cell end at the cutoff, and half of these become longer.
    let mut crystal = OwnedInput::cubic(CUTOFF, &[3, 4], &[[0.0; 3], [0.5, 0.5, 0.0]]);
    for (target, step) in [(0, -1), (1, 1)] {
        crystal.edge(target, 1 - target, [0, 0, 0]);
        crystal.edge(target, target, [step, 0, 0]);
        crystal.edge(target, target, [-step, 0, 0]);
    }
    let mut lost = 0;
    for epoch in 0..20 {
        let NoisyBatch { graph, .. } = noisy(&[], &[crystal.clone()], DrawKey { epoch, ..KEY });
        assert!(graph.distance.iter().all(|distance| *distance <= CUTOFF));
        assert!(graph.edges() == 6 || graph.edges() == 2, "both atoms of a cell move alike");
        lost += usize::from(graph.edges() == 2);
    }
    assert!((3..18).contains(&lost), "{lost} of 20");
}

#[test]
fn the_statistics_of_cells_are_those_with_strain() {
    let side = 4.0;
    let cells: Vec<OwnedInput> = (0..2000).map(|_| OwnedInput::simple_cubic(side)).collect();
    let NoisyBatch { graph, displacements, .. } = noisy(&[], &cells, KEY);
    assert!(displacements.iter().all(|step| *step == 0.0), "a lone atom does not move in its cell");
    let of_store = LatticeStatistics { mean: [side, side, side, 90.0, 90.0, 90.0], std: [1e-3; 6] };
    let expected = noise::with_strain(of_store, 0.02);
    assert_eq!(expected.mean, of_store.mean);
    for parameter in 0..6 {
        let values = graph.lattice_parameters.iter().skip(parameter).step_by(6);
        let mean = of_store.mean[parameter];
        let std = (values.map(|value| (value - mean).powi(2)).sum::<f64>() / 2000.0).sqrt();
        assert!((std / expected.std[parameter] - 1.0).abs() < 0.06, "{parameter}: {std} of {expected:?}");
    }
    assert_eq!(noise::with_strain(of_store, 0.0), of_store);
}

#[test]
fn a_model_without_a_prediction_has_the_loss_of_the_noise() {
    let crystals: Vec<OwnedInput> = (0..400).map(|_| rutile().with_edges()).collect();
    let NoisyBatch { displacements, strains, .. } = noisy(&[], &crystals, KEY);
    let squares = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
    // Six atoms, the mean of whose noise is taken away.
    let noise = squares(&displacements) / displacements.len() as f64;
    assert!((noise - 5.0 / 6.0).abs() < 0.05, "{noise}");
    let of_cell = |strain: &[f64]| (squares(&strain[..3]) + 2.0 * squares(&strain[3..])) / 6.0;
    let strain = strains.chunks(6).map(of_cell).sum::<f64>() / 400.0;
    assert!((strain - 1.0).abs() < 0.1, "{strain}");
}

/// Returns a model whose last output layers are no zeros, as they are at first.
fn lively(config: &Config) -> DenoiseModel {
    let device = Device::flex().autodiff();
    let model = DenoiseModel::build(config, &LatticeStatistics::default(), &mut Initialiser::new(4, &device));
    let parameters =
        names::parameters(&model).into_iter().filter(|tensor| tensor.name.ends_with(".lin.weight"));
    let values = |count: usize| (0..count).map(|index| 0.05 * ((index * index % 17) as f64 - 8.0) / 8.0);
    let parameters = parameters.map(|tensor| {
        let values: Vec<f64> = values(tensor.data.num_elements()).collect();
        (tensor.name, TensorData::new(values, tensor.shape))
    });
    names::with_dtype(
        names::with_parameters(names::with_dtype(model, DType::F64), parameters.collect()),
        DType::F64,
    )
}

/// Returns the predicted displacements of a crystal's atoms and its strain.
fn predicted(model: &DenoiseModel, crystal: &Crystal) -> (Vec<[f64; 3]>, [f64; 6]) {
    let inputs = Inputs { bases: true, vectors: true, ..Inputs::default() };
    let batch = Batch::new(graph::<f64>(&[crystal.with_edges()], inputs), None, CUTOFF, &Device::flex());
    let prediction = model.forward(&batch, &mut Pass::evaluation());
    let numbers = |tensor: Tensor<2>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
    let displacements = numbers(prediction.displacements).as_chunks().0.to_vec();
    (displacements, numbers(prediction.strains).try_into().expect("one cell"))
}

/// Returns `Mᵀ S M` for a symmetric tensor by its six elements.
fn turned([xx, yy, zz, yz, xz, xy]: [f64; 6], map: &Matrix) -> [f64; 6] {
    let rows = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]].map(|row| times(row, map));
    let element = |row: usize, column: usize| (0..3).map(|inner| map[inner][row] * rows[inner][column]).sum();
    [element(0, 0), element(1, 1), element(2, 2), element(1, 2), element(0, 2), element(0, 1)]
}

#[test]
fn predictions_turn_with_the_crystal() {
    let model = lively(&config(&[]));
    let one = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let mirror = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]];
    for mut crystal in [rutile(), skewed()] {
        // Atoms of rutile are at rest by symmetry.
        crystal.fractional[0][1] += 0.01;
        let (displacements, strain) = predicted(&model, &crystal);
        assert!(displacements.as_flattened().iter().any(|step| step.abs() > 1e-3), "{displacements:?}");
        assert!(strain.iter().any(|element| element.abs() > 1e-3), "{strain:?}");
        for (form, other, atoms) in crystal.other_forms() {
            let map = match form {
                "rotation" => rotation(),
                "reflection" => mirror,
                _ => one,
            };
            let (found, found_strain) = predicted(&model, &other);
            let expected: Vec<[f64; 3]> =
                atoms.iter().map(|&atom| times(displacements[atom], &map)).collect();
            let what = format!("{form} of {}", crystal.name);
            close(found.as_flattened(), expected.as_flattened(), 1e-10, &what);
            // The head of the strain sees h_L, which sees the cell.
            if !OTHER_CELLS.contains(&form) {
                close(&found_strain, &turned(strain, &map), 1e-10, &what);
            }
        }
    }
}

#[test]
fn a_share_of_the_types_is_hidden() {
    let all: Vec<OwnedInput> = (0..200).map(|_| rutile().with_edges()).collect();
    let share = 0.3;
    let hidden = noisy(&["pretrain.denoise.hidden_types=0.3"], &all, KEY);
    let clean = noisy(&[], &all, KEY);
    assert_eq!((&hidden.displacements, &clean.hidden), (&clean.displacements, &None), "the same noise");
    let numbers = hidden.hidden.expect("they are asked for");
    assert_eq!(numbers.len(), clean.graph.atomic_numbers.len());
    let pairs = numbers.iter().zip(&hidden.graph.atomic_numbers);
    for ((number, seen), whole) in pairs.zip(&clean.graph.atomic_numbers) {
        assert!(
            (*seen, *number) == (*whole, 0) || (*seen, *number) == (0, *whole),
            "{seen}, {number} of {whole}"
        );
    }
    let count = numbers.iter().filter(|&&number| number > 0).count();
    let found = count as f64 / numbers.len() as f64;
    assert!((found - share).abs() < 0.06, "{found}");
    let place = DrawKey { first_crystal: 150, ..KEY };
    let part = noisy(&["pretrain.denoise.hidden_types=0.3"], &all[150..], place).hidden;
    assert_eq!(part.as_deref(), Some(&numbers[6 * 150..]));
}

#[test]
fn the_loss_of_types_is_their_cross_entropy() {
    let config = config(&["pretrain.denoise.hidden_types=0.5", "pretrain.denoise.type_weight=2"]);
    let objective = objective(&config);
    let crystals: Vec<OwnedInput> = (0..50).map(|_| rutile().with_edges()).collect();
    let noisy = objective.noisy(&graph::<f64>(&crystals, objective.inputs()), KEY, Inputs::default());
    let hidden =
        noisy.hidden.clone().expect("they are asked for").iter().filter(|&&number| number > 0).count();
    let batch = objective.on_device(noisy, None);
    let zeros = |columns| Tensor::<2>::zeros([300, columns], (&Device::flex(), DType::F64));
    let types = Some(zeros(119));
    let strains = Tensor::<2>::zeros([50, 6], (&Device::flex(), DType::F64));
    let predicted = heads::PredictedNoise { displacements: zeros(3), strains, types };
    let losses = objective.losses_of(predicted, &batch.noise, &batch.batch);
    let value = |loss: Tensor<1>| loss.into_scalar::<f64>();
    let parts: Vec<f64> = losses.parts.into_iter().map(|(_, loss)| value(loss)).collect();
    // Every type is equally likely.
    let expected = 119.0_f64.ln() * hidden as f64 / 150.0;
    close(&[parts[2]], &[expected], 1e-9, "L_type");
    close(&[value(losses.total)], &[parts[0] + parts[1] + 2.0 * parts[2]], 1e-9, "the sum");
}

#[test]
fn types_alone_may_be_learnt() {
    let still = ["pretrain.method=denoise", "pretrain.denoise.displacement=0", "pretrain.denoise.strain=0"];
    let with =
        |more: &[&str]| Config::resolve(None, &[&still, more].concat()).map_err(|error| error.to_string());
    with(&["pretrain.denoise.hidden_types=0.2"]).expect("types are learnt");
    let line = with(&["pretrain.denoise.hidden_types=0.2", "pretrain.denoise.type_weight=0"]);
    assert!(line.expect_err("nothing is learnt").contains("there is nothing to learn"));
    let both = ["pretrain.method=mmpt+denoise", "pretrain.denoise.hidden_types=0.2"];
    let line = Config::resolve(None, &both).expect_err("its masks hide types").to_string();
    assert!(line.contains("pretrain.denoise.hidden_types = 0.2: must be 0 with"), "{line}");
}

#[test]
fn the_noise_of_a_crystal_is_learnt() {
    let config = config(&["optimiser.learning_rate=3e-3", "pretrain.denoise.hidden_types=0.3"]);
    let device = Device::flex();
    let model = DenoiseObjective::init(&config, &LatticeStatistics::default(), &device.autodiff());
    let objective = objective(&config);
    let all: Vec<OwnedInput> = [rutile(), skewed(), wurtzite()].iter().map(Crystal::with_edges).collect();
    let batch = objective
        .on_device(objective.noisy(&graph::<f32>(&all, objective.inputs()), KEY, Inputs::default()), None);
    let mut learner =
        Learner::new(model, objective, &OptimiserConfig { learning_rate: 3e-3, ..config.optimiser });
    let rates = Rates { learning_rate: 3e-3, beta1: 0.9 };
    let mut losses = Vec::new();
    for _ in 0..300 {
        losses.push(learner.learn(&batch).read()["loss"]);
        let norm = learner.gradient_norm();
        learner.step(&norm, rates);
    }
    assert!(losses[299] < 0.2 * losses[0], "{} of {}", losses[299], losses[0]);
}
