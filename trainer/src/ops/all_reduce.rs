//! Sums over the ranks of a run, as a differentiable operation.
//!
//! With the tensor x_r of rank r, the result on every rank is `S = Σ_r x_r`. Let `T = Σ_q L_q` be the sum of the
//! ranks' losses, each a function of S. Then `∂T/∂x_r = Σ_q ∂L_q/∂S` for every r: the gradient of the sum is the sum
//! of the gradients. Averaged over the R ranks, the gradients are those of `T/R`. For a loss that every rank computes
//! alike, `T/R` is that loss.
//!
//! The values are exchanged through the host's memory, in one implementation for all backends.
#![allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]

use std::sync::Arc;

#[cfg(feature = "tch")]
use burn::backend::LibTorch;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::prelude::*;
use burn::tensor::{DType, read_sync};

use super::differentiable::{Operation, differentiable};
use crate::ranks::Ranks;

/// Returns `S = Σ_r x_r` over the ranks, and `x` itself on a single rank. Every rank must call it with a tensor of
/// the same shape.
///
/// # Shapes
/// Input and output `[rows, columns]`.
pub fn all_reduce(x: Tensor<2>, ranks: &Arc<dyn Ranks>) -> Tensor<2> {
    if ranks.is_alone() {
        return x;
    }
    Tensor::from_dispatch(Dispatch::summed_over_ranks(x.into_dispatch(), Arc::clone(ranks)))
}

/// Sums the values over the ranks.
///
/// # Panics
/// If the values are neither `f32` nor `f64`.
pub(crate) fn sum_data(mut data: TensorData, ranks: &dyn Ranks) -> TensorData {
    const ROW: &str = "fresh data are a row of numbers of their own type";
    match data.dtype() {
        DType::F32 => ranks.sum_f32(data.as_mut_slice().expect(ROW)),
        DType::F64 => ranks.sum_f64(data.as_mut_slice().expect(ROW)),
        other => panic!("models compute in f32 and f64, not in {other:?}"),
    }
    data
}

/// The operation as a backend extension.
#[backend_extension(Autodiff, Flex, LibTorch: cfg(feature = "tch"))]
pub trait RankOperations: Backend {
    /// See [`all_reduce`].
    fn summed_over_ranks(x: FloatTensor<Self>, ranks: Arc<dyn Ranks>) -> FloatTensor<Self>;
}

impl RankOperations for Flex {
    fn summed_over_ranks(x: FloatTensor<Self>, ranks: Arc<dyn Ranks>) -> FloatTensor<Self> {
        sum::<Self>(x, &*ranks)
    }
}

#[cfg(feature = "tch")]
impl RankOperations for LibTorch {
    fn summed_over_ranks(x: FloatTensor<Self>, ranks: Arc<dyn Ranks>) -> FloatTensor<Self> {
        sum::<Self>(x, &*ranks)
    }
}

impl<B: Backend, C: CheckpointStrategy> RankOperations for Autodiff<B, C> {
    fn summed_over_ranks(x: FloatTensor<Self>, ranks: Arc<dyn Ranks>) -> FloatTensor<Self> {
        differentiable::<B, _, C, 1>(AllReduce(ranks), [x])
    }
}

/// The operation on `[x]`.
#[derive(Debug, Clone)]
struct AllReduce(Arc<dyn Ranks>);

impl<B: Backend> Operation<B, 1> for AllReduce {
    type Saved = ();

    fn forward(&self, [x]: [FloatTensor<B>; 1]) -> (FloatTensor<B>, ()) {
        (sum::<B>(x, &*self.0), ())
    }

    fn backward(&self, (): (), grad: FloatTensor<B>, _: [bool; 1]) -> [Option<FloatTensor<B>>; 1] {
        [Some(sum::<B>(grad, &*self.0))]
    }
}

/// Sums a backend's tensor over the ranks.
fn sum<B: Backend>(x: FloatTensor<B>, ranks: &dyn Ranks) -> FloatTensor<B> {
    let device = x.device();
    let data = read_sync(B::float_into_data(x)).expect("a device gives back what it has computed");
    B::float_from_data(sum_data(data, ranks), &device)
}
