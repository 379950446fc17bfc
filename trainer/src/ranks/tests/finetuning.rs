//! Losses, gradients and running statistics of a model of a property on a batch that ranks share are those of the whole
//! batch, in double precision.

use std::ops::Range;
use std::sync::Arc;

use burn::prelude::*;
use burn::tensor::DType;

use super::gradients::{CUTOFF, Numbers, assert_close, averaged, crystals, graph_of};
use crate::config::finetune::Standardise;
use crate::config::{Config, FinetuneConfig, ModelKind};
use crate::data::{Graph, Inputs, LatticeStatistics, Share};
use crate::finetune::criterion::{Criterion, Targets};
use crate::finetune::model::FinetuneModel;
use crate::finetune::objective::{Finetuning, PropertyBatch};
use crate::model::{Batch, Encoder, HeadSize, Pass, PropertyModel, names};
use crate::ranks::threads::on_ranks;
use crate::ranks::{Ranks, alone};
use crate::run::step::Objective;

/// Small sizes of the encoders.
const SMALL: [&str; 19] = [
    "model.cgcnn.atom_width=6",
    "model.cgcnn.crystal_width=5",
    "model.schnet.embedding_width=6",
    "model.schnet.atom_width=6",
    "model.schnet.filter_width=5",
    "model.schnet.interactions=2",
    "model.schnet.head_widths=[4]",
    "model.megnet.embedding_width=6",
    "model.megnet.width=5",
    "model.megnet.block_widths=[6, 5]",
    "model.megnet.blocks=2",
    "model.alignn.width=6",
    "model.alignn.embedding_width=5",
    "model.alignn.alignn_layers=2",
    "model.alignn.gcn_layers=1",
    "model.matformer.width=5",
    "model.matformer.heads=2",
    "model.matformer.layers=2",
    "model.matformer.head_width=4",
];

/// Losses, gradients averaged over the ranks, and running statistics after the batch. The property is one of crystals or,
/// with `per_site`, of sites.
fn learn(config: &Config, per_site: bool, ranks: &Arc<dyn Ranks>) -> [Numbers; 3] {
    let (device, model) = (Device::flex(), &config.model);
    let own_part = Share { index: ranks.rank(), count: ranks.count() }.of(crystals().len());
    let atoms = |crystals: Range<usize>| graph_of(crystals, Inputs::default(), Graph::Multigraph).atoms();
    let rows = match per_site {
        true => atoms(0..own_part.start)..atoms(0..own_part.end),
        false => own_part.clone(),
    };
    let targets: Vec<f64> = rows.map(|row| (1.0 + row as f64).sin()).collect();
    let count = targets.len();
    let values = Tensor::from_data(TensorData::new(targets, [count, 1]), (&device, DType::F64));
    let targets = Targets { values, weights: None };
    let graph = graph_of(own_part, Encoder::inputs(model), model.graph());
    let batch =
        PropertyBatch { batch: Batch::shared(graph, None, CUTOFF, ranks, &device), targets, noise: None };

    let finetune = FinetuneConfig { standardise: Standardise::None, ..config.finetune.clone() };
    let criterion = match per_site {
        true => Criterion::of_sites(&[], &finetune),
        false => Criterion::of_numbers(&[], &finetune),
    };
    let objective = Finetuning::new([], criterion, config, CUTOFF, &device, ranks);
    let lattice = LatticeStatistics::default();
    let head = HeadSize { width: 4, outputs: 1, per_site };
    let model = PropertyModel::init(model, head, &lattice, 3, &device.clone().autodiff());
    let model = names::with_dtype(FinetuneModel::from(model), DType::F64);
    let mut pass = Pass::training();
    let (loss, terms) = objective.losses(&model, &batch, &mut pass);
    let (losses, gradients) = averaged(&model, &terms.values(), &loss, ranks);
    let parameters = names::parameters(&pass.running().update(model)).into_iter();
    let statistics = parameters.filter(|parameter| !names::is_trained(&parameter.name));
    let statistics = statistics.map(|statistic| (statistic.name, statistic.data.iter::<f64>().collect()));
    [losses, gradients, statistics.collect()]
}

#[test]
fn ranks_learn_a_property_as_one_process_with_the_whole_batch() {
    for kind in ModelKind::ALL.into_iter().filter(|kind| *kind != ModelKind::Mmpt) {
        for loss in ["l1", "mse"] {
            let chosen = [format!("model.kind={}", kind.word()), format!("finetune.loss={loss}")];
            let settings = SMALL.into_iter().chain(chosen.iter().map(String::as_str)).collect::<Vec<_>>();
            let config = Config::resolve(None, &settings).expect("known settings");
            let is_normalised = [ModelKind::Cgcnn, ModelKind::Alignn, ModelKind::Matformer].contains(&kind);
            for per_site in [false, true] {
                let expected = learn(&config, per_site, &alone());
                assert_eq!(!expected[2].is_empty(), is_normalised, "{kind:?}");
                for count in [2, 3, 7] {
                    let found = on_ranks(count, |ranks| learn(&config, per_site, &ranks));
                    for (rank, found) in found.iter().enumerate() {
                        let what = format!("{kind:?}, {loss}, {per_site}, rank {rank} of {count}");
                        found.iter().zip(&expected).for_each(|(found, expected)| {
                            assert_close(found, expected, &what);
                        });
                    }
                }
            }
        }
    }
}
