//! Losses and gradients of a batch that ranks share are those of the whole batch, in double precision.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use burn::module::Module;
use burn::prelude::*;
use burn::tensor::DType;
use schemas::settings::FeatureSettings;

use crate::config::pretrain::Masking;
use crate::config::pretrain::loss::{LossConfig, Samples};
use crate::config::{Config, ModelKind};
use crate::data::golden::OwnedInput;
use crate::data::random::Purpose;
use crate::data::{BatchBuilder, BatchSettings, Graph, GraphBatch, Inputs, Share};
use crate::model::mask::{DrawKey, Masks};
use crate::model::{self, Batch, Pass, Trace, names};
use crate::ops;
use crate::optimiser::Gradients;
use crate::pretrain::crystal_twins::{CrystalTwinsModel, CrystalTwinsObjective};
use crate::pretrain::denoise::DenoiseObjective;
use crate::pretrain::infograph::objective::PlacedBatch;
use crate::pretrain::infograph::{InfoGraphModel, InfoGraphObjective};
use crate::pretrain::mmpt::example::{tiny, tiny_encoder};
use crate::pretrain::mmpt::loss::Losses;
use crate::pretrain::mmpt_denoise::MmptDenoiseObjective;
use crate::pretrain::{Pretraining, mmpt};
use crate::ranks::threads::on_ranks;
use crate::ranks::{Ranks, alone};
use crate::run::step::Objective;

/// Radius of the neighbour search in Å.
pub(super) const CUTOFF: f64 = 8.0;
/// Relative agreement, of the greatest gradient of a parameter.
const TOLERANCE: f64 = 1e-11;

/// Crystals of very different numbers of atoms and edges, lone atoms among them.
pub(super) fn crystals() -> Vec<OwnedInput> {
    let lone = |number| OwnedInput::cubic(30.0, &[number], &[[0.0; 3]]);
    vec![
        OwnedInput::caesium_chloride(),
        lone(2),
        OwnedInput::simple_cubic(3.4),
        OwnedInput::caesium_chloride(),
        lone(10),
        OwnedInput::simple_cubic(4.1),
        OwnedInput::caesium_chloride(),
    ]
}

/// Some of the crystals, and the key of their draws in the epoch.
fn graph(part: Range<usize>, inputs: Inputs) -> (GraphBatch<f64>, DrawKey) {
    let key = DrawKey { seed: 1, epoch: 0, first_crystal: part.start as u64 };
    (graph_of(part, inputs, Graph::Multigraph), key)
}

/// Some of the crystals with the edges that a model sees.
pub(super) fn graph_of(part: Range<usize>, inputs: Inputs, graph: Graph) -> GraphBatch<f64> {
    let settings = BatchSettings { cutoff_angstrom: CUTOFF, inputs, bases_on_device: false, graph };
    let mut builder = BatchBuilder::<f64>::new(settings, &[]);
    for crystal in &crystals()[part] {
        builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    builder.finish()
}

/// Some of the crystals with the masks that they have in the epoch.
fn batch(part: Range<usize>, ranks: &Arc<dyn Ranks>) -> Batch {
    let (graph, key) = graph(part, model::mmpt::inputs() | mmpt::inputs());
    let masks = Masks::draw(Masking::Mutex, key, &graph.atom_offsets);
    Batch::shared(graph, Some(&masks), CUTOFF, ranks, &Device::flex())
}

/// Numbers by the name of a loss or parameter.
pub(super) type Numbers = BTreeMap<String, Vec<f64>>;

/// Losses and gradients, both averaged over the ranks.
fn learn(config: &LossConfig, ranks: &Arc<dyn Ranks>) -> (Numbers, Numbers) {
    let model = tiny();
    let share = Share { index: ranks.rank(), count: ranks.count() };
    let batch = batch(share.of(crystals().len()), ranks);
    let losses = Losses::new(config, &model.forward(&batch, &mut Trace::off()), &batch, &mut Trace::off());
    averaged(&model, &losses.values(), &losses.total, ranks)
}

/// Averages losses and gradients over the ranks.
pub(super) fn averaged<M: Module>(
    model: &M,
    losses: &[(&str, f64)],
    total: &Tensor<1>,
    ranks: &Arc<dyn Ranks>,
) -> (Numbers, Numbers) {
    let values = losses.iter().map(|&(name, value)| {
        let mut value = vec![value];
        ranks.average(&mut value);
        (name.to_owned(), value)
    });
    let values = values.collect();
    let mut gradients = Gradients::collect(model, total.backward());
    gradients.average(&**ranks);
    let numbers = |tensor: &Tensor<1>| tensor.to_data().iter::<f64>().collect();
    let gradients = gradients.tensors().into_iter().map(|(name, tensor)| (name, numbers(&tensor)));
    (values, gradients.collect())
}

/// A small CGCNN with the settings of its pre-trainings.
fn small_cgcnn(perturb: f64) -> Config {
    let mut config = Config::default();
    config.model.kind = ModelKind::Cgcnn;
    (config.model.cgcnn.atom_width, config.model.cgcnn.crystal_width) = (6, 8);
    config.pretrain.crystal_twins.output_width = 5;
    config.pretrain.crystal_twins.perturb = perturb;
    config
}

/// Losses and gradients of Crystal Twins, both averaged over the ranks.
fn learn_twins(perturb: f64, ranks: &Arc<dyn Ranks>) -> (Numbers, Numbers) {
    let (config, device) = (small_cgcnn(perturb), Device::flex());
    let model = names::with_dtype(CrystalTwinsModel::init(&config, &device.clone().autodiff()), DType::F64);
    let share = Share { index: ranks.rank(), count: ranks.count() };
    let (graph, key) = graph(share.of(crystals().len()), Inputs { positions: true, ..Inputs::default() });
    let objective = CrystalTwinsObjective::new(&config, &FeatureSettings::default(), &device, ranks);
    let views = [Purpose::FirstView, Purpose::SecondView]
        .map(|purpose| objective.view(graph.clone(), purpose, key))
        .map(|view| Batch::shared(view, None, CUTOFF, ranks, &device));
    let (loss, terms) = objective.losses(&model, &views, &mut Pass::training());
    averaged(&model, &terms.values(), &loss, ranks)
}

/// Losses and gradients of InfoGraph, both averaged over the ranks.
fn learn_information(ranks: &Arc<dyn Ranks>) -> (Numbers, Numbers) {
    let (config, device) = (small_cgcnn(0.0), Device::flex());
    let model = names::with_dtype(InfoGraphModel::init(&config, &device.clone().autodiff()), DType::F64);
    let share = Share { index: ranks.rank(), count: ranks.count() };
    let (graph, _) = graph(share.of(crystals().len()), Inputs::default());
    let batch = PlacedBatch::new(Batch::shared(graph, None, CUTOFF, ranks, &device));
    let objective = InfoGraphObjective::new(&config, &FeatureSettings::default(), &device, ranks);
    let (loss, terms) = objective.losses(&model, &batch, &mut Pass::training());
    averaged(&model, &terms.values(), &loss, ranks)
}

/// Losses and gradients of denoising, both averaged over the ranks.
fn learn_noise(ranks: &Arc<dyn Ranks>) -> (Numbers, Numbers) {
    let (mut config, device) = (Config::default(), Device::flex());
    config.model.mmpt = tiny_encoder();
    config.pretrain.denoise.hidden_types = 0.4;
    let model = DenoiseObjective::init(&config, &Default::default(), &device.clone().autodiff());
    let model = names::with_dtype(model, DType::F64);
    let share = Share { index: ranks.rank(), count: ranks.count() };
    let objective = DenoiseObjective::new(&config, &FeatureSettings::default(), &device, ranks);
    let (graph, key) = graph(share.of(crystals().len()), objective.inputs());
    let batch = objective.on_device(objective.noisy(&graph, key, Inputs::default()), None);
    let (loss, terms) = objective.losses(&model, &batch, &mut Pass::training());
    averaged(&model, &terms.values(), &loss, ranks)
}

/// Losses and gradients of MMPT with denoising, both averaged over the ranks.
fn learn_both(ranks: &Arc<dyn Ranks>) -> (Numbers, Numbers) {
    let (mut config, device) = (Config::default(), Device::flex());
    config.model.mmpt = tiny_encoder();
    let model = MmptDenoiseObjective::init(&config, &Default::default(), &device.clone().autodiff());
    let model = names::with_dtype(model, DType::F64);
    let share = Share { index: ranks.rank(), count: ranks.count() };
    let denoise = DenoiseObjective::new(&config, &FeatureSettings::default(), &device, ranks);
    let both = MmptDenoiseObjective::new(&config, &FeatureSettings::default(), &device, ranks);
    let (graph, key) = graph(share.of(crystals().len()), both.inputs());
    let masks = Masks::draw(Masking::Mutex, key, &graph.atom_offsets);
    let batch = denoise.on_device(denoise.noisy(&graph, key, mmpt::inputs()), Some(&masks));
    let (loss, terms) = both.losses(&model, &batch, &mut Pass::training());
    averaged(&model, &terms.values(), &loss, ranks)
}

pub(super) fn assert_close(found: &Numbers, expected: &Numbers, what: &str) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let greatest_of = |numbers: &[f64]| numbers.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    // A gradient that vanishes is compared with the others: its own size is that of rounding.
    let overall = expected.values().map(|numbers| greatest_of(numbers)).fold(0.0, f64::max);
    for (name, expected) in expected {
        let scale = greatest_of(expected).max(1e-2 * overall);
        for (found, expected) in found[name].iter().zip(expected) {
            assert!((found - expected).abs() <= TOLERANCE * scale, "{what}, {name}: {found}, {expected}");
        }
    }
}

#[test]
fn ranks_find_the_gradients_of_the_whole_batch() {
    for samples in [Samples::Atoms, Samples::Crystals] {
        for centred in [true, false] {
            let mut config = LossConfig::default();
            (config.contrast.samples, config.contrast.centred) = (samples, centred);
            config.contrast.off_diagonal = 0.3;
            let (losses, gradients) = learn(&config, &alone());
            for count in [2, 3, 7] {
                for (rank, found) in on_ranks(count, |ranks| learn(&config, &ranks)).iter().enumerate() {
                    let what = format!("{samples:?}, centred {centred}, rank {rank} of {count}");
                    assert_close(&found.0, &losses, &what);
                    assert_close(&found.1, &gradients, &what);
                }
            }
        }
    }
}

#[test]
fn ranks_find_the_gradients_of_other_pretrainings() {
    type Learn = dyn Fn(&Arc<dyn Ranks>) -> (Numbers, Numbers) + Sync;
    let learns: [&Learn; 5] = [
        &|ranks| learn_twins(0.0, ranks),
        &|ranks| learn_twins(0.05, ranks),
        &learn_information,
        &learn_noise,
        &learn_both,
    ];
    for (index, learn) in learns.into_iter().enumerate() {
        let (losses, gradients) = learn(&alone());
        for count in [2, 3, 7] {
            for (rank, found) in on_ranks(count, |ranks| learn(&ranks)).iter().enumerate() {
                let what = format!("{index}, rank {rank} of {count}");
                assert_close(&found.0, &losses, &what);
                assert_close(&found.1, &gradients, &what);
            }
        }
    }
}

#[test]
fn every_rank_has_the_same_bits() {
    let found = on_ranks(3, |ranks| learn(&LossConfig::default(), &ranks));
    assert!(found.iter().all(|rank| *rank == found[0]));
}

#[test]
fn the_gradient_of_a_sum_is_the_sum_of_the_gradients() {
    // L_r = Σ_c w_rc S_c² with S = Σ_r x_r: ∂(Σ_q L_q)/∂x_rc = 2 S_c Σ_q w_qc.
    let x = |rank: usize| [1.0 + rank as f64, -2.0, 0.5 * rank as f64];
    let w = |rank: usize| [0.25, rank as f64, 3.0 - rank as f64];
    let row = |values: [f64; 3], device: &Device| {
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), [1, 3]), (device, DType::F64))
    };
    let found = on_ranks(2, |ranks| {
        let device = Device::flex().autodiff();
        let own = row(x(ranks.rank()), &device).require_grad();
        let sum = ops::all_reduce(own.clone(), &ranks);
        let loss = (sum.powi_scalar(2) * row(w(ranks.rank()), &device)).sum();
        let gradient = own.grad(&loss.backward()).expect("it was asked for");
        gradient.into_data().iter::<f64>().collect::<Vec<_>>()
    });
    let expected: Vec<f64> = (0..3).map(|c| 2.0 * (x(0)[c] + x(1)[c]) * (w(0)[c] + w(1)[c])).collect();
    assert_eq!(found, [expected.clone(), expected]);
}
