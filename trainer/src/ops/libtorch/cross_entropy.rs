//! Weighted sum of cross entropies; see [`crate::ops::cross_entropy`].

use burn::backend::LibTorch;
use burn_tch::TchTensor;

use super::is_present;
use crate::ops::differentiable::Operation;

/// The operation `Σ_r w_r · −log softmax(logits_r)[label_r]` on `[logits]`.
#[derive(Debug, Clone)]
pub(super) struct CrossEntropy {
    /// Labels, shape `[rows]`.
    pub(super) labels: TchTensor,
    /// Weights, shape `[rows]`, 1 where absent.
    pub(super) weights: TchTensor,
}

impl Operation<LibTorch, 1> for CrossEntropy {
    /// `log softmax(logits)`, shape `[rows, classes]`.
    type Saved = TchTensor;

    fn forward(&self, [logits]: [TchTensor; 1]) -> (TchTensor, TchTensor) {
        let kind = logits.tensor.kind();
        let logarithms = logits.tensor.log_softmax(1, kind);
        let chosen = logarithms.gather(1, &self.labels.tensor.unsqueeze(1), false).squeeze_dim(1);
        let weighted = match is_present(&self.weights) {
            true => chosen * &self.weights.tensor,
            false => chosen,
        };
        (TchTensor::new(weighted.sum(kind).neg().unsqueeze(0)), TchTensor::new(logarithms))
    }

    fn backward(&self, saved: TchTensor, grad: TchTensor, _: [bool; 1]) -> [Option<TchTensor>; 1] {
        // softmax − one-hot, times the row's weight.
        let mut dlogits = saved.tensor.exp();
        let labels = self.labels.tensor.unsqueeze(1);
        let minus_one = grad.tensor.full_like(-1.0).unsqueeze(0).expand_as(&labels);
        let _ = dlogits.scatter_add_(1, &labels, &minus_one);
        let _ = match is_present(&self.weights) {
            true => dlogits.g_mul_(&(self.weights.tensor.unsqueeze(1) * &grad.tensor)),
            false => dlogits.g_mul_(&grad.tensor),
        };
        [Some(TchTensor::new(dlogits))]
    }
}
