//! Masking: hidden atoms are replaced by the trainable `[MASK]` token (Eq. 5).

use burn::module::Param;
use burn::prelude::*;

use crate::model::layers::Initialiser;
use crate::model::views::{Views, in_both_views};

/// Standard deviation of the initial `[MASK]` token.
const TOKEN_DEVIATION: f64 = 0.02;

/// Initialises the `[MASK]` token, shape `[width]`.
pub fn token(width: usize, initialiser: &mut Initialiser) -> Param<Tensor<1>> {
    initialiser.normal([width], TOKEN_DEVIATION)
}

/// Returns `g_i = [MASK]` for a hidden atom i of a view and `g_i = h_S^i` for any other (Eq. 5).
///
/// # Shapes
/// Structure `[N, width]`, token `[width]`, output `[2 N, width]`.
pub fn hide(structure: Tensor<2>, token: Tensor<1>, views: &Views) -> Tensor<2> {
    let rows = in_both_views(structure);
    let [atoms, width] = rows.dims();
    let hidden = views.hidden.clone().reshape([atoms, 1]).expand([atoms, width]);
    rows.mask_where(hidden, token.reshape([1, width]).expand([atoms, width]))
}
