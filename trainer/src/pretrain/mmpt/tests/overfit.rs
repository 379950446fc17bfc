//! A few crystals learnt by heart: whether every part of the model can follow its gradient.

use std::path::Path;

use burn::prelude::*;

use super::{CUTOFF, small_config, small_fixture};
use crate::config::{LossConfig, MmptModelConfig, OptimiserConfig};
use crate::model::mask::Masks;
use crate::model::{Batch, Trace};
use crate::optimiser::{Gradients, Optimiser, Rates};
use crate::pretrain::mmpt::MmptModel;
use crate::pretrain::mmpt::loss::Losses;
use crate::verify::{Fixture, TieRule};

/// Learning rate of the larger model.
const RATE: f64 = 1e-3;
/// Greatest norm of all gradients.
const CLIP: f64 = 10.0;

/// The loss of a fixture's crystals before and after some steps from fresh weights, over the first.
fn learn(
    folder: &Path,
    config: &MmptModelConfig,
    decoder_width: usize,
    steps: usize,
    learning_rate: f64,
) -> f64 {
    let fixture = Fixture::open(folder).expect("a fixture");
    let device = Device::flex();
    let first = fixture.mask();
    let masks = Masks { second: first.iter().map(|&hidden| !hidden).collect(), first };
    let graph = fixture.batch::<f32>(TieRule::Cut, &device).expect("a complete fixture");
    let batch = Batch::new(graph, Some(&masks), CUTOFF, &device);
    let mut model =
        MmptModel::init(config, decoder_width, &fixture.lattice(), 123, &device.clone().autodiff());
    let optimiser = OptimiserConfig { learning_rate, ..OptimiserConfig::default() };
    let rates = Rates::of(&optimiser);
    let mut adam = Optimiser::new(&optimiser);
    let losses = |model: &MmptModel| {
        let prediction = model.forward(&batch, &mut Trace::off());
        Losses::new(&LossConfig::default(), &prediction, &batch, &mut Trace::off())
    };
    let value = |losses: &Losses| losses.values()[0].1;
    let before = value(&losses(&model));
    for _ in 0..steps {
        let mut gradients = Gradients::collect(&model, losses(&model).total.backward());
        let norm = gradients.norm();
        gradients.clip(&norm, CLIP);
        model = adam.step(model, gradients, rates);
    }
    assert_eq!(adam.steps() as usize, steps);
    let share = value(&losses(&model)) / before;
    println!("{steps} steps: {:.1} % of {before:.2}", 100.0 * share);
    share
}

#[test]
fn golden_crystals_are_learnt_by_heart() {
    let Some(folder) = crate::data::golden::golden_folder() else { return };
    let share = learn(&folder, &MmptModelConfig::default(), 64, 300, RATE);
    assert!(share < 0.16, "the loss is still {share:.3} of what it was");
}

#[test]
fn small_crystals_are_learnt_by_heart() {
    let share = learn(&small_fixture(), &small_config(), 8, 300, 10.0 * RATE);
    assert!(share < 0.16, "the loss is still {share:.3} of what it was");
}
