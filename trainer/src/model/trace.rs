//! Intermediate tensors by name, for comparing two implementations step by step.

use std::collections::BTreeMap;

use burn::prelude::*;

/// Records tensors if it was made to.
#[derive(Debug, Default)]
pub struct Trace {
    tensors: Option<BTreeMap<String, TensorData>>,
}

impl Trace {
    /// A trace that records nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// A trace that records.
    pub fn on() -> Self {
        Self { tensors: Some(BTreeMap::new()) }
    }

    /// Records a tensor; `tensor` is not called by a trace that is off.
    pub fn record<const D: usize>(&mut self, name: &str, tensor: impl FnOnce() -> Tensor<D>) {
        if let Some(tensors) = &mut self.tensors {
            tensors.insert(name.to_owned(), tensor().into_data());
        }
    }

    /// What was recorded.
    pub fn into_tensors(self) -> BTreeMap<String, TensorData> {
        self.tensors.unwrap_or_default()
    }
}
