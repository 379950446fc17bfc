//! Records of intermediate tensors, for comparing two implementations step by step.

use std::collections::BTreeMap;

use burn::prelude::*;

/// A recorder of intermediate tensors, which is either on or off.
#[derive(Debug, Default)]
pub struct Trace {
    prefix: &'static str,
    tensors: Option<BTreeMap<String, TensorData>>,
}

impl Trace {
    /// Creates a trace that records nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// Creates a trace that records every tensor.
    pub fn on() -> Self {
        Self { tensors: Some(BTreeMap::new()), ..Self::default() }
    }

    /// Sets the beginning of the names that are recorded from now on.
    pub fn set_prefix(&mut self, prefix: &'static str) {
        self.prefix = prefix;
    }

    /// Records a tensor under a name. `tensor` is not called if the trace is off.
    pub fn record<const D: usize>(&mut self, name: &str, tensor: impl FnOnce() -> Tensor<D>) {
        if let Some(tensors) = &mut self.tensors {
            tensors.insert(format!("{}{name}", self.prefix), tensor().into_data());
        }
    }

    /// Returns the recorded tensors by name.
    pub fn into_tensors(self) -> BTreeMap<String, TensorData> {
        self.tensors.unwrap_or_default()
    }
}
