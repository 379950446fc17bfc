//! Periodic labels of edges as tensors.

use burn::prelude::*;

/// Periodic labels of the edges, the targets of L_Die and L_Unit (specification, section 2.4).
#[derive(Debug, Clone)]
pub struct EdgeLabels {
    /// Direction class of every edge, shape `[E]`.
    pub directions: Tensor<1, Int>,
    /// 1 for an edge within one cell, 0 for any other, shape `[E]`.
    pub same_cell: Tensor<1, Int>,
}
