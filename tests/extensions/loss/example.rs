//! A made-up term: how far the rebuilt lattices are from the mean lattice.

use burn::prelude::*;

use super::{Term, error};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term =
    Term { name: "L_Example", title: "An example", unit: |_| "1", value, constant: |_, _| Some(0.0) };

/// Mean error over crystals and parameters, shape `[1]`.
fn value(config: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    batch.global.of_crystals(error(config.example.error, prediction.lattice.clone()).mean())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::pretrain::mmpt::loss::Losses;

    #[test]
    fn an_extension_is_a_loss_term() {
        let terms = |settings: &[&str]| {
            let config = Config::resolve(None, settings).expect("known settings in their ranges");
            Losses::names(&config.pretrain.mmpt.loss)
        };
        assert!(!terms(&[]).contains(&"L_Example"), "it is off by default");
        assert_eq!(terms(&["pretrain.mmpt.loss.example.weight=2"]).last(), Some(&"L_Example"));
        let printed = Config::default().to_toml();
        assert!(
            printed.contains("\n# L_Example, size of the rebuilt lattice.\n[pretrain.mmpt.loss.example]\n")
        );
    }
}
