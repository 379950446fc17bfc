//! One pass of a batch through a model: for training or for evaluation.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::prelude::*;

use super::Trace;

/// Share of the batch's moments in the running statistics of a batch normalisation, as in PyTorch.
const MOMENTUM: f64 = 0.1;

/// A pass of a batch through a model.
///
/// Layers that differ between training and evaluation ask the pass which one it is. In training, batch normalisations
/// hand it the moments of the batch. [`Pass::running`] returns them for the running statistics, which a model keeps
/// as parameters without a gradient.
#[derive(Debug, Default)]
pub struct Pass {
    is_training: bool,
    /// Record of intermediate tensors.
    pub trace: Trace,
    running: Running,
}

/// Moments of the batches that passed through the batch normalisations of a model, in the order of the passes.
#[derive(Debug, Default)]
pub struct Running {
    moments: HashMap<ParamId, Vec<Tensor<1>>>,
}

impl Pass {
    /// Creates a pass for evaluation: batch normalisations use their running statistics.
    pub fn evaluation() -> Self {
        Self::default()
    }

    /// Creates a pass for training: batch normalisations use the moments of the batch.
    pub fn training() -> Self {
        Self { is_training: true, ..Self::default() }
    }

    /// Returns the pass with a record of all intermediate tensors.
    pub fn traced(self) -> Self {
        Self { trace: Trace::on(), ..self }
    }

    /// Whether the pass is for training.
    pub fn is_training(&self) -> bool {
        self.is_training
    }

    /// Adds a moment of the batch to a running statistic. The moment is flat and has no gradient.
    pub(super) fn observe(&mut self, statistic: &Param<Tensor<1>>, moment: Tensor<1>) {
        self.running.moments.entry(statistic.id).or_default().push(moment);
    }

    /// Returns the observed moments, and forgets them.
    pub fn running(&mut self) -> Running {
        std::mem::take(&mut self.running)
    }
}

impl Running {
    /// Updates the running statistics of a model: `s ← 0.9 s + 0.1 m` for each observed moment m in turn.
    pub fn update<M: Module>(self, model: M) -> M {
        if self.moments.is_empty() { model } else { model.map(&mut Update(self.moments)) }
    }
}

struct Update(HashMap<ParamId, Vec<Tensor<1>>>);

impl ModuleMapper for Update {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(moments) = self.0.remove(&param.id) else { return param };
        param.map(|statistic| {
            let (shape, device) = (statistic.dims(), statistic.device());
            let is_tracked = statistic.is_require_grad();
            let value = if device.is_autodiff() { statistic.inner() } else { statistic };
            let value = moments
                .into_iter()
                .fold(value, |value, moment| value * (1.0 - MOMENTUM) + moment.reshape(shape) * MOMENTUM);
            if !device.is_autodiff() {
                return value;
            }
            let value = Tensor::from_inner(value).to_device(&device);
            if is_tracked { value.require_grad() } else { value }
        })
    }
}
