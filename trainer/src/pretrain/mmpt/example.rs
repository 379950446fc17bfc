//! A small model for the tests of other modules.

use burn::prelude::*;
use burn::tensor::DType;

use super::MmptModel;
use crate::config::MmptModelConfig;
use crate::data::LatticeStatistics;
use crate::model::names;

/// Returns the sizes of a very small encoder.
pub(crate) fn tiny_encoder() -> MmptModelConfig {
    MmptModelConfig {
        hidden: 8,
        structure_width: 6,
        interaction_blocks: 1,
        interaction_width: 8,
        output_width: 8,
        output_layers: 1,
        ..MmptModelConfig::default()
    }
}

/// Returns a freshly initialised, very small model in double precision on the CPU.
pub(crate) fn tiny() -> MmptModel {
    let statistics = LatticeStatistics { mean: [5.0, 5.0, 5.0, 80.0, 80.0, 80.0], std: [2.0; 6] };
    names::with_dtype(
        MmptModel::init(&tiny_encoder(), 5, &statistics, 9, &Device::flex().autodiff()),
        DType::F64,
    )
}
