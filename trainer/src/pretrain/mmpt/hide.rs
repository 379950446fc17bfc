//! Masking: hidden atoms are replaced by the trainable `[MASK]` token (Eq. 5).

use burn::module::Param;
use burn::prelude::*;

use crate::model::layers::Initialiser;
use crate::model::mask::View;

/// Standard deviation of the initial `[MASK]` token.
const TOKEN_DEVIATION: f64 = 0.02;

/// Initialises the `[MASK]` token, shape `[width]`.
pub fn token(width: usize, initialiser: &mut Initialiser) -> Param<Tensor<1>> {
    initialiser.normal([width], TOKEN_DEVIATION)
}

/// Returns `g_i = [MASK]` for a hidden atom i and `g_i = h_S^i` for any other (Eq. 5).
///
/// # Shapes
/// Structure `[N, width]`, token `[width]`, output `[N, width]`.
pub fn hide(structure: Tensor<2>, token: Tensor<1>, view: &View) -> Tensor<2> {
    let [atoms, width] = structure.dims();
    let hidden = view.hidden.clone().reshape([atoms, 1]).expand([atoms, width]);
    structure.mask_where(hidden, token.reshape([1, width]).expand([atoms, width]))
}
