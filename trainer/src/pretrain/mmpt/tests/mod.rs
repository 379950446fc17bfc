//! The model as a whole: what it must not depend on, how it starts, small crystals, variants, and that
//! it learns.

mod ablation;
mod invariance;
mod isolated;
mod overfit;
mod small;
mod start;

use std::collections::BTreeMap;

use burn::prelude::*;
use burn::tensor::{DType, Element};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{MmptModel, inputs};
use crate::config::MmptModelConfig;
use crate::data::golden::OwnedInput;
use crate::data::test_crystal::{self as crystal, CUTOFF, small_fixture};
use crate::data::{BatchBuilder, BatchFloat, BatchSettings, Graph, GraphBatch, LatticeStatistics};
use crate::device::DeviceName;
use crate::model::mask::Masks;
use crate::model::{Batch, Encoding, Pass, mmpt, names};

/// Greatest magnitude of the weights that stand in for the zeros of a fresh model.
const LIVELY: f64 = 0.05;

/// Standardisation of the lattice parameters, as in the reference.
fn statistics() -> LatticeStatistics {
    LatticeStatistics::default()
}

/// Width of the decoders' hidden layers.
const DECODER_WIDTH: usize = 8;

/// A model of small widths, three blocks deep.
fn small_config() -> MmptModelConfig {
    MmptModelConfig {
        hidden: 16,
        structure_width: 8,
        interaction_blocks: 2,
        interaction_width: 8,
        output_width: 16,
        output_layers: 2,
        ..MmptModelConfig::default()
    }
}

/// A fresh model without the zeros it starts with, of the last output layers for instance: its `h_S`
/// says something.
fn lively(config: &MmptModelConfig, dtype: DType) -> MmptModel {
    lively_on(config, dtype, &Device::flex())
}

/// As [`lively`], on a device given without automatic differentiation.
fn lively_on(config: &MmptModelConfig, dtype: DType, device: &Device) -> MmptModel {
    let model = MmptModel::init(config, DECODER_WIDTH, &statistics(), 4, &device.clone().autodiff());
    let mut generator = ChaCha8Rng::seed_from_u64(11);
    let mut values = |count: usize| -> Vec<f64> {
        (0..count).map(|_| LIVELY * (2.0 * generator.random::<f64>() - 1.0)).collect()
    };
    let parameters = names::parameters(&model).into_iter().map(|tensor| {
        let last_of_output =
            tensor.name.starts_with("structure.out.") && tensor.name.ends_with(".lin.weight");
        let data = match last_of_output {
            true => TensorData::new(values(tensor.data.num_elements()), tensor.shape),
            false => tensor.data,
        };
        (tensor.name, data.convert_dtype(dtype))
    });
    let parameters = parameters.collect::<BTreeMap<_, _>>();
    names::with_parameters(model, parameters)
}

/// Crystals as one batch on the host.
fn graph<R: BatchFloat>(crystals: &[OwnedInput]) -> GraphBatch<R> {
    let settings = BatchSettings {
        cutoff_angstrom: CUTOFF,
        inputs: mmpt::inputs() | inputs(),
        bases_on_device: false,
        graph: Graph::Multigraph,
    };
    let mut builder = BatchBuilder::new(settings, &[]);
    for crystal in crystals {
        builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    builder.finish()
}

/// Crystals as one batch, with masks or without.
fn masked<'a, R: Element + BatchFloat>(
    crystals: &[OwnedInput],
    masks: impl Into<Option<&'a Masks>>,
) -> Batch {
    masked_on::<R>(crystals, masks, &Device::flex())
}

/// As [`masked`], on a device.
fn masked_on<'a, R: Element + BatchFloat>(
    crystals: &[OwnedInput],
    masks: impl Into<Option<&'a Masks>>,
    device: &Device,
) -> Batch {
    Batch::new(graph::<R>(crystals), masks.into(), CUTOFF, device)
}

/// The devices of the CPU that the program was built for.
fn devices() -> impl Iterator<Item = Device> {
    let names = [DeviceName::Cpu, DeviceName::Libtorch];
    let count = if cfg!(feature = "tch") { 2 } else { 1 };
    names.into_iter().take(count).map(|name| name.open().expect("it was built for it"))
}

/// The encodings of crystals, as one batch.
fn encode<R: Element + BatchFloat>(model: &MmptModel, crystals: &[OwnedInput]) -> Encoding {
    model.encoder.encode(&masked::<R>(crystals, None), &mut Pass::evaluation())
}

/// `h_L` of every crystal.
fn h_l(encoding: &Encoding) -> Tensor<2> {
    encoding.crystals.clone().expect("an encoder of lattices")
}

/// A matrix as rows of numbers.
fn rows(matrix: &Tensor<2>) -> Vec<Vec<f64>> {
    let width = matrix.dims()[1];
    let values: Vec<f64> = matrix.clone().into_data().iter::<f64>().collect();
    values.chunks(width).map(<[f64]>::to_vec).collect()
}

/// Largest difference between two lists of rows over the largest magnitude of the second.
fn deviation(found: &[Vec<f64>], expected: &[Vec<f64>]) -> f64 {
    assert_eq!(found.len(), expected.len(), "rows");
    let greatest = expected.iter().flatten().fold(0.0, |greatest: f64, value| greatest.max(value.abs()));
    let differences = found.iter().flatten().zip(expected.iter().flatten());
    differences.fold(0.0, |worst: f64, (found, expected)| {
        let difference = (found - expected).abs();
        assert!(difference.is_finite(), "{found} and {expected}");
        worst.max(difference)
    }) / greatest.max(f64::MIN_POSITIVE)
}
