//! The loss of InfoGraph without the other crystals of a batch.

use burn::prelude::*;

use super::objective::PlacedBatch;
use super::*;
use crate::config::Config;
use crate::data::golden::OwnedInput;
use crate::data::{BatchBuilder, BatchSettings, Graph, Inputs};
use crate::model::{Batch, Pass};

#[test]
fn a_single_crystal_has_no_negatives() {
    let settings = BatchSettings {
        cutoff_angstrom: 8.0,
        inputs: Inputs::default(),
        bases_on_device: false,
        graph: Graph::Multigraph,
    };
    let mut builder = BatchBuilder::<f32>::new(settings, &[]);
    builder.push(&OwnedInput::caesium_chloride().borrow(), &[]).expect("a valid crystal");
    let device = Device::flex();
    let batch = PlacedBatch::new(Batch::new(builder.finish(), None, 8.0, &device));
    let config = Config::resolve(None, &["model.cgcnn.atom_width=4"]).expect("known settings");
    let model = InfoGraphModel::init(&config, &device);
    let information = model.information(&batch.batch, batch.place, &mut Pass::training());
    let number = |tensor: Tensor<1>| tensor.into_scalar::<f64>();
    assert_eq!(number(information.negative), 0.0);
    assert_eq!(number(information.loss), -number(information.positive));
}
