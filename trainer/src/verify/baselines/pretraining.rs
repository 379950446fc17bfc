//! Comparison of the pre-trainings: losses with their terms, intermediates, gradients and running statistics.

use burn::module::Module;
use burn::prelude::*;
use burn::tensor::Element;

use super::{CUTOFF, Numbers, SystemsFixture, filled};
use crate::config::Config;
use crate::config::pretrain::MethodKind;
use crate::data::BatchFloat;
use crate::model::{Batch, Pass};
use crate::optimiser::Gradients;
use crate::pretrain::crystal_twins::CrystalTwinsModel;
use crate::pretrain::infograph::InfoGraphModel;
use crate::pretrain::infograph::objective::PlacedBatch;
use crate::verify::{Table, VerifyError};

/// Loss of a pass, and its terms by name.
type Losses = (Tensor<1>, [(&'static str, Tensor<1>); 2]);

/// Runs a pre-training of a fixture on a device in the precision of `R` and compares its numbers.
pub(super) fn compare<R: Element + BatchFloat>(
    fixture: &SystemsFixture,
    system: &str,
    config: &Config,
    device: &Device,
) -> Result<Table, VerifyError> {
    let expected = fixture.numbers(system)?;
    let mut computed = Numbers::of(system);
    let autodiff = device.clone().autodiff();
    if config.pretrain.method == MethodKind::InfoGraph {
        let model = filled(InfoGraphModel::init(config, &autodiff), system, &expected, R::dtype());
        let batch = PlacedBatch::new(Batch::new(fixture.batch::<R>(system)?, None, CUTOFF, device));
        computed.passes("", &model, |pass| {
            let information = model.information(&batch.batch, batch.place, pass);
            (information.loss, [("e_neg", information.negative), ("e_pos", information.positive)])
        });
        return Ok(computed.compare(&expected));
    }
    let model = filled(CrystalTwinsModel::init(config, &autodiff), system, &expected, R::dtype());
    for variant in ["mask", "perturb"] {
        let views = fixture.views::<R>(system, variant)?;
        let views = views.map(|view| Batch::new(view, None, CUTOFF, device));
        computed.passes(&format!("{variant}/"), &model, |pass| {
            let off_diagonal = config.pretrain.crystal_twins.off_diagonal;
            let agreement = model.agreement(&views, off_diagonal, pass);
            (agreement.loss, [("on", agreement.on), ("off", agreement.off)])
        });
    }
    Ok(computed.compare(&expected))
}

impl Numbers<'_> {
    /// Adds the numbers of a pass for training and of one for evaluation.
    fn passes<M: Module>(&mut self, prefix: &str, model: &M, losses: impl Fn(&mut Pass) -> Losses) {
        let mut pass = Pass::training().traced();
        let (loss, terms) = losses(&mut pass);
        self.losses(prefix, "train", &loss, terms);
        self.trace(&format!("{prefix}t/"), &mut pass);
        self.gradients(&format!("{prefix}g/"), model, &Gradients::collect(model, loss.backward()));
        self.running(&format!("{prefix}b/"), &pass.running().update(model.clone()));
        let mut pass = Pass::evaluation().traced();
        let (loss, terms) = losses(&mut pass);
        self.losses(prefix, "eval", &loss, terms);
        self.trace(&format!("{prefix}e/"), &mut pass);
    }

    fn losses(&mut self, prefix: &str, mode: &str, loss: &Tensor<1>, terms: [(&'static str, Tensor<1>); 2]) {
        self.add(&format!("{prefix}loss_{mode}"), loss.clone().into_data());
        for (name, term) in terms {
            self.add(&format!("{prefix}{name}_{mode}"), term.into_data());
        }
    }
}
