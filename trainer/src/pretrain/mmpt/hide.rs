//! Hidden atoms: the learnable `[MASK]` in the place of their encodings (Eq. 5).

use burn::module::Param;
use burn::prelude::*;

use crate::model::layers::Initialiser;
use crate::model::mask::View;

/// Standard deviation of the initial `[MASK]` token.
const TOKEN_DEVIATION: f64 = 0.02;

/// The learnable token that stands for a hidden atom (Eq. 5).
pub fn token(width: usize, initialiser: &mut Initialiser) -> Param<Tensor<1>> {
    initialiser.normal([width], TOKEN_DEVIATION)
}

/// `g_i = [MASK]` where the view hides atom i, else `h_S^i`; shape `[N, width]`.
pub fn hide(structure: Tensor<2>, token: Tensor<1>, view: &View) -> Tensor<2> {
    let [atoms, width] = structure.dims();
    let hidden = view.hidden.clone().reshape([atoms, 1]).expand([atoms, width]);
    structure.mask_where(hidden, token.reshape([1, width]).expand([atoms, width]))
}
