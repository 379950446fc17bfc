//! Linear layers with bias, activation and residual.

use super::gaussian::NEGLIGIBLE;
use super::matrix::{self, Packed, padded};
use super::parallel;
use super::real::Real;
use super::rows::STRIP;
use crate::raw::fresh::{Block, Fresh};
use crate::raw::product::{Left, product};
use crate::vectorised::vectorised;

/// Rows per block. With 128 features, a block, its gradient and the weights take a quarter of a MiB. It is a multiple
/// of the 6 rows of a product's tiles.
const ROW_BLOCK: usize = 72;
/// Additional elements between two rows of dz: one cache line. Rows at a distance of a multiple of 8 lines, read down
/// a column, would all be in the same eighth of the first-level cache.
const ROW_GAP: usize = 16;
/// Maximum number of parts in which a weight gradient is summed.
const MOST_PARTS: usize = 16;
/// Minimum number of rows of such a part, since each part costs a pass over the whole gradient.
const LEAST_PART: usize = 3 * ROW_BLOCK;

/// Sizes of a layer: x \[rows, inputs\], weight \[outputs, inputs\], y \[rows, outputs\].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of rows.
    pub rows: usize,
    /// Number of input features.
    pub inputs: usize,
    /// Number of output features.
    pub outputs: usize,
}

/// Activation of a layer.
///
/// A sigmoid below [`NEGLIGIBLE`] counts as 0, in SiLU and in all slopes. Products with so small a slope are often subnormal
/// numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The identity, z.
    Identity,
    /// The rectifier max(z, 0), with slope 0 at 0.
    Relu,
    /// SiLU, z · sigmoid(z).
    Silu,
    /// Softplus, ln(1 + e^z).
    Softplus,
    /// Shifted softplus, ln(1 + e^z) − ln 2, which is 0 at 0.
    ShiftedSoftplus,
}

impl Activation {
    /// All activations.
    pub const ALL: [Self; 5] =
        [Self::Identity, Self::Relu, Self::Silu, Self::Softplus, Self::ShiftedSoftplus];
}

/// Gradients of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<R> {
    /// \[rows, inputs\] gradient of x, if requested.
    pub dx: Option<Vec<R>>,
    /// \[outputs, inputs\] gradient of the weight.
    pub dweight: Vec<R>,
    /// \[outputs\] gradient of the bias.
    pub dbias: Vec<R>,
}

/// Returns y = activation(z) + residual with z = x·weightᵀ + bias and, if `want_slope`, the slope activation'(z) for
/// [`backward`]. [`Activation::Identity`] has no slope. `residual`, y and the slope are \[rows, outputs\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn forward<R: Real>(
    shape: Shape,
    x: &[R],
    weight: &[R],
    bias: Option<&[R]>,
    residual: Option<&[R]>,
    activation: Activation,
    want_slope: bool,
) -> (Vec<R>, Option<Vec<R>>) {
    let Shape { rows, inputs, outputs } = shape;
    assert_eq!(x.len(), rows * inputs, "x has shape {shape:?}");
    assert!(bias.is_none_or(|bias| bias.len() == outputs), "bias has shape {shape:?}");
    assert!(residual.is_none_or(|residual| residual.len() == rows * outputs), "residual has shape {shape:?}");
    let weight = Packed::of_transpose(weight, inputs, outputs);
    let want_slope = want_slope && activation != Activation::Identity;

    let mut y = Fresh::new(rows * outputs);
    let mut slope = want_slope.then(|| Fresh::new(rows * outputs));
    let ranges = parallel::ranges(rows, ROW_BLOCK);
    let ends = ranges.clone().map(|range| range.end * outputs);
    let y_blocks = y.blocks(ends.clone());
    let slope_blocks = optional_blocks(slope.as_mut().map(|slope| slope.blocks(ends)), ranges.len());
    let items: Vec<_> = ranges.zip(y_blocks).zip(slope_blocks).collect();
    let scratch = || (vec![R::ZERO; ROW_BLOCK * padded(outputs)], Epilogue::new(activation, bias, outputs));
    parallel::map(items, scratch, |(z, epilogue), ((range, mut y), mut slope)| {
        let left = Left {
            values: &x[range.start * inputs..range.end * inputs],
            rows: range.len(),
            row_stride: inputs,
            depth_stride: 1,
        };
        let residual = residual.map(|residual| &residual[range.start * outputs..range.end * outputs]);
        product(left, weight.right(), z, false);
        epilogue.finish(z, residual, range.len(), &mut y, slope.as_mut());
    });
    (y.finish(), slope.map(Fresh::finish))
}

/// Returns an optional writer for each block.
pub(super) fn optional_blocks<'a, R>(
    blocks: Option<Vec<Block<'a, R>>>,
    count: usize,
) -> Vec<Option<Block<'a, R>>> {
    match blocks {
        Some(blocks) => blocks.into_iter().map(Some).collect(),
        None => (0..count).map(|_| None).collect(),
    }
}

/// The computation of y from z with its strips.
struct Epilogue<R> {
    activation: Activation,
    /// The bias; zeros if the layer has none.
    bias: Vec<R>,
    outputs: usize,
    strip_rows: usize,
    y: Vec<R>,
    slope: Vec<R>,
}

impl<R: Real> Epilogue<R> {
    fn new(activation: Activation, bias: Option<&[R]>, outputs: usize) -> Self {
        let bias = bias.map_or_else(|| vec![R::ZERO; outputs], <[R]>::to_vec);
        let strip_rows = (STRIP / outputs.max(1)).clamp(1, ROW_BLOCK);
        let strip = vec![R::ZERO; strip_rows * outputs];
        Epilogue { activation, bias, outputs, strip_rows, y: strip.clone(), slope: strip }
    }

    /// Writes y, and the slope, of a block of `rows` rows of z.
    fn finish(
        &mut self,
        z: &[R],
        residual: Option<&[R]>,
        rows: usize,
        y_out: &mut Block<'_, R>,
        mut slope_out: Option<&mut Block<'_, R>>,
    ) {
        let (outputs, stride) = (self.outputs, padded(self.outputs));
        for range in parallel::ranges(rows, self.strip_rows) {
            let count = range.len() * outputs;
            let y = &mut self.y[..count];
            add_bias(&z[range.start * stride..range.end * stride], &self.bias, y);
            activate(self.activation, y, slope_out.as_ref().map(|_| &mut self.slope[..count]));
            if let Some(residual) = residual {
                parallel::add(y, &residual[range.start * outputs..range.end * outputs]);
            }
            y_out.append(y);
            if let Some(out) = slope_out.as_mut() {
                out.append(&self.slope[..count]);
            }
        }
    }
}

/// Applies the activation in place and writes its slope, if requested.
pub(super) fn activate<R: Real>(activation: Activation, z: &mut [R], slope: Option<&mut [R]>) {
    match (activation, slope) {
        (Activation::Identity, _) => {}
        (Activation::Relu, None) => relu(z),
        (Activation::Relu, Some(slope)) => relu_with_slope(z, slope),
        (Activation::Silu, None) => silu(z),
        (Activation::Silu, Some(slope)) => silu_with_slope(z, slope),
        (Activation::Softplus, slope) => softplus(z, slope, R::ZERO),
        (Activation::ShiftedSoftplus, slope) => softplus(z, slope, R::from_f64(std::f64::consts::LN_2)),
    }
}

/// Returns σ, or 0 where it is below [`NEGLIGIBLE`]. A NaN stays.
#[inline]
fn kept<R: Real>(sigmoid: R) -> R {
    if sigmoid < R::from_f64(NEGLIGIBLE) { R::ZERO } else { sigmoid }
}

/// z ← ln(1 + e^z) − shift, and the slope, if requested.
fn softplus<R: Real>(z: &mut [R], slope: Option<&mut [R]>, shift: R) {
    match slope {
        None => softplus_alone(z, shift),
        Some(slope) => softplus_with_slope(z, slope, shift),
    }
}

vectorised! {
    /// z ← ln(1 + e^z) − shift.
    fn softplus_alone<'a>(z: &'a mut [R], shift: R) {
        for z in z {
            *z = z.softplus_and_sigmoid::<FUSED>().0 - shift;
        }
    }
}

vectorised! {
    /// z ← ln(1 + e^z) − shift, slope = σ(z), and 0 where that is below [`NEGLIGIBLE`].
    fn softplus_with_slope<'a>(z: &'a mut [R], slope: &'a mut [R], shift: R) {
        for (z, slope) in z.iter_mut().zip(slope) {
            let (softplus, sigmoid) = z.softplus_and_sigmoid::<FUSED>();
            *slope = kept(sigmoid);
            *z = softplus - shift;
        }
    }
}

vectorised! {
    /// y = z + bias, row by row. The rows of z are padded.
    fn add_bias<'a>(z: &'a [R], bias: &'a [R], y: &'a mut [R]) {
        let width = bias.len().max(1);
        for (z, y) in z.chunks_exact(padded(width)).zip(y.chunks_exact_mut(width)) {
            for ((z, bias), y) in z.iter().zip(bias).zip(y) {
                *y = *z + *bias;
            }
        }
    }
}

vectorised! {
    /// z ← max(z, 0). NaN is kept.
    fn relu<'a>(z: &'a mut [R]) {
        for z in z {
            *z = if *z < R::ZERO { R::ZERO } else { *z };
        }
    }
}

vectorised! {
    /// z ← max(z, 0), slope = 1 where z > 0, else 0. NaN is kept.
    fn relu_with_slope<'a>(z: &'a mut [R], slope: &'a mut [R]) {
        for (z, slope) in z.iter_mut().zip(slope) {
            *slope = if *z > R::ZERO { R::ONE } else { R::ZERO };
            *z = if *z < R::ZERO { R::ZERO } else { *z };
        }
    }
}

vectorised! {
    /// z ← z·σ(z), and 0 where σ(z) is below [`NEGLIGIBLE`].
    fn silu<'a>(z: &'a mut [R]) {
        for z in z {
            *z = *z * kept(z.sigmoid::<FUSED>());
        }
    }
}

vectorised! {
    /// z ← z·σ(z), slope = σ(z)·(1 + z·(1 − σ(z))). Both are 0 where σ(z) is below [`NEGLIGIBLE`].
    fn silu_with_slope<'a>(z: &'a mut [R], slope: &'a mut [R]) {
        for (z, slope) in z.iter_mut().zip(slope) {
            let sigmoid = kept(z.sigmoid::<FUSED>());
            let y = *z * sigmoid;
            *slope = y.multiply_add::<FUSED>(R::ONE - sigmoid, sigmoid);
            *z = y;
        }
    }
}

/// Returns the gradients of [`forward`]. `grad` is the gradient of y, \[rows, outputs\], and also the gradient of the
/// residual. With dz = grad ∘ slope, or dz = grad without a slope:
///
/// * dx = dz·weight
/// * dweight = dzᵀ·x
/// * dbias = Σ_rows dz
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward<R: Real>(
    shape: Shape,
    grad: &[R],
    slope: Option<&[R]>,
    x: &[R],
    weight: &[R],
    want_dx: bool,
) -> Gradients<R> {
    let Shape { rows, inputs, outputs } = shape;
    assert_eq!(x.len(), rows * inputs, "x has shape {shape:?}");
    assert_eq!(grad.len(), rows * outputs, "the gradient has shape {shape:?}");
    assert_eq!(weight.len(), outputs * inputs, "weight has shape {shape:?}");
    assert!(slope.is_none_or(|slope| slope.len() == rows * outputs), "the slope has shape {shape:?}");
    let packed = if want_dx { Packed::of_rows(weight, outputs, inputs) } else { Packed::default() };

    let part_rows = rows.div_ceil(MOST_PARTS).next_multiple_of(ROW_BLOCK).max(LEAST_PART);
    let mut dx = want_dx.then(|| Fresh::new(rows * inputs));
    let ranges = parallel::ranges(rows, part_rows);
    let ends = ranges.clone().map(|range| range.end * inputs);
    let dx_blocks = optional_blocks(dx.as_mut().map(|dx| dx.blocks(ends)), ranges.len());
    let items: Vec<_> = ranges.zip(dx_blocks).collect();
    let (stride, dz_stride) = (padded(inputs), outputs + ROW_GAP);
    let scratch = || {
        let dz = vec![R::ZERO; ROW_BLOCK * dz_stride];
        let z = vec![R::ZERO; if want_dx { ROW_BLOCK * stride } else { 0 }];
        (dz, z, Packed::default())
    };
    let parts = parallel::map(items, scratch, |(dz, z, packed_x), (part, mut dx)| {
        let mut dweight = vec![R::ZERO; outputs * stride];
        let mut dbias = vec![R::ZERO; outputs];
        for block in parallel::ranges(part.len(), ROW_BLOCK) {
            let count = block.len();
            let block = part.start + block.start..part.start + block.end;
            let x_block = &x[block.start * inputs..block.end * inputs];
            let grad_block = &grad[block.start * outputs..block.end * outputs];
            let slope_block = slope.map(|slope| &slope[block.start * outputs..block.end * outputs]);
            match slope_block {
                Some(slope) => multiply_rows(grad_block, slope, dz, &mut dbias),
                None => copy_rows(grad_block, dz, &mut dbias),
            }
            if let Some(dx) = dx.as_mut() {
                let left = Left { values: dz, rows: count, row_stride: dz_stride, depth_stride: 1 };
                product(left, packed.right(), z, false);
                dx.append_rows(&z[..count * stride], inputs, stride);
            }
            let left = Left { values: dz, rows: outputs, row_stride: 1, depth_stride: dz_stride };
            if inputs == stride {
                product(left, matrix::rows(x_block, count, inputs), &mut dweight, true);
            } else {
                packed_x.set_rows(x_block, count, inputs);
                product(left, packed_x.right(), &mut dweight, true);
            }
        }
        (dweight, dbias)
    });
    let (dweights, dbiases): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let dweight = parallel::sum(dweights, outputs * stride);
    Gradients {
        dx: dx.map(Fresh::finish),
        dweight: compact(dweight, inputs, stride),
        dbias: parallel::sum(dbiases, outputs),
    }
}

/// Copies rows of `width` elements out of rows of `stride` elements.
pub(super) fn compact<R: Real>(matrix: Vec<R>, width: usize, stride: usize) -> Vec<R> {
    if width == stride {
        return matrix;
    }
    matrix.chunks_exact(stride.max(1)).flat_map(|row| &row[..width]).copied().collect()
}

vectorised! {
    /// out = a ∘ b.
    pub(super) fn multiply<'a>(a: &'a [R], b: &'a [R], out: &'a mut [R]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = *a * *b;
        }
    }
}

vectorised! {
    /// dz = grad ∘ slope in rows that are [`ROW_GAP`] longer than those of `grad`; sums += Σ_rows dz.
    fn multiply_rows<'a>(grad: &'a [R], slope: &'a [R], dz: &'a mut [R], sums: &'a mut [R]) {
        let width = sums.len().max(1);
        let rows = grad.chunks_exact(width).zip(slope.chunks_exact(width));
        for ((grad, slope), dz) in rows.zip(dz.chunks_exact_mut(width + ROW_GAP)) {
            for (((grad, slope), dz), sum) in grad.iter().zip(slope).zip(dz).zip(&mut *sums) {
                *dz = *grad * *slope;
                *sum += *dz;
            }
        }
    }
}

vectorised! {
    /// Does the same as [`multiply_rows`] for a slope of 1.
    fn copy_rows<'a>(grad: &'a [R], dz: &'a mut [R], sums: &'a mut [R]) {
        let width = sums.len().max(1);
        for (grad, dz) in grad.chunks_exact(width).zip(dz.chunks_exact_mut(width + ROW_GAP)) {
            for ((grad, dz), sum) in grad.iter().zip(dz).zip(&mut *sums) {
                *dz = *grad;
                *sum += *grad;
            }
        }
    }
}

vectorised! {
    /// Adds the rows of `matrix` to `sums` in order.
    pub(super) fn add_rows<'a>(matrix: &'a [R], sums: &'a mut [R]) {
        for row in matrix.chunks_exact(sums.len().max(1)) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += *value;
            }
        }
    }
}

#[cfg(test)]
mod tests;
