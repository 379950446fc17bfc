//! Matrix products.
//!
//! Unsafe because the tiles of a product are compiled for instruction sets that not every machine has, and because
//! they read and write through pointers. Every function for other modules checks the instruction set and the slices
//! before it takes pointers.

use super::level::Level;

/// Columns per panel of a right factor: four vectors of AVX-512.
pub(crate) const PANEL: usize = 64;
/// The number of columns of a right factor is a multiple of this: one vector of AVX-512, two of AVX2.
pub(crate) const COLUMNS: usize = 16;

/// Summands per pass of a product. With a panel's columns they stay in the first-level cache.
#[cfg(target_arch = "x86_64")]
const DEPTH: usize = 128;

/// Left factor of a product. Element (m, k) is `values[m * row_stride + k * depth_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Left<'a, R> {
    /// The elements.
    pub(crate) values: &'a [R],
    /// Number of rows of the product.
    pub(crate) rows: usize,
    /// Distance of two rows.
    pub(crate) row_stride: usize,
    /// Distance of two summands.
    pub(crate) depth_stride: usize,
}

/// Right factor of a product. Element (k, c) is `values[c / PANEL * panel_stride + k * row_stride + c % PANEL]`.
#[derive(Clone, Copy, Debug)]
pub struct Right<'a, R> {
    /// The elements.
    pub(crate) values: &'a [R],
    /// Number of summands of the product.
    pub(crate) depth: usize,
    /// Number of columns of the product, a multiple of [`COLUMNS`].
    pub(crate) columns: usize,
    /// Distance of two summands.
    pub(crate) row_stride: usize,
    /// Distance of two panels.
    pub(crate) panel_stride: usize,
}

/// A number type with a matrix product.
pub trait Product: Sized {
    /// Computes `out[rows, columns] = left · right`, or `+=` if `accumulate`; `out` is row-major without gaps.
    /// Instruction sets above `level` are not used, for tests.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    fn product(
        level: Level,
        left: Left<'_, Self>,
        right: Right<'_, Self>,
        out: &mut [Self],
        accumulate: bool,
    );
}

impl Product for f64 {
    #[inline]
    fn product(_: Level, left: Left<'_, Self>, right: Right<'_, Self>, out: &mut [Self], accumulate: bool) {
        product_portable(1.0, left, right, out, accumulate);
    }
}

impl Product for f32 {
    #[inline]
    fn product(
        level: Level,
        left: Left<'_, Self>,
        right: Right<'_, Self>,
        out: &mut [Self],
        accumulate: bool,
    ) {
        product_f32(level, left, right, out, accumulate);
    }
}

/// Computes [`Product::product`] with the widest instruction set of this machine.
///
/// # Panics
/// If a slice is shorter than its shape.
#[inline]
pub(crate) fn product<R: Product>(left: Left<'_, R>, right: Right<'_, R>, out: &mut [R], accumulate: bool) {
    R::product(Level::of_machine(), left, right, out, accumulate);
}

/// Checks all indices of a product. Returns false if there is nothing to compute.
fn check<R>(left: &Left<'_, R>, right: &Right<'_, R>, out: &[R]) -> bool {
    let Right { depth, columns, row_stride, panel_stride, .. } = *right;
    assert!(columns.is_multiple_of(COLUMNS), "whole vectors of columns");
    let room = left.rows.checked_mul(columns).is_some_and(|places| places <= out.len());
    assert!(room, "room for the product");
    if left.rows == 0 || columns == 0 {
        return false;
    }
    if depth > 0 {
        let last = last_index([(left.rows - 1, left.row_stride), (depth - 1, left.depth_stride)], 0);
        assert!(last.is_some_and(|last| last < left.values.len()), "left factor is complete");
        let panel = (columns - 1) / PANEL;
        let last_in = |panel, column| last_index([(panel, panel_stride), (depth - 1, row_stride)], column);
        let last = last_in(panel, (columns - 1) % PANEL);
        let before = if panel > 0 { last_in(panel - 1, PANEL - 1) } else { Some(0) };
        let last = last.zip(before).map(|(last, before)| last.max(before));
        assert!(last.is_some_and(|last| last < right.values.len()), "right factor is complete");
    }
    true
}

/// Returns `Σ count · stride + offset`, or `None` on overflow.
fn last_index(steps: [(usize, usize); 2], offset: usize) -> Option<usize> {
    steps.into_iter().try_fold(offset, |index, (count, stride)| index.checked_add(count.checked_mul(stride)?))
}

/// Computes [`product`] with the crate `gemm`, one panel at a time, for any machine and number type. `one` is the
/// number 1.
fn product_portable<R: Copy + 'static>(
    one: R,
    left: Left<'_, R>,
    right: Right<'_, R>,
    out: &mut [R],
    accumulate: bool,
) {
    if !check(&left, &right, out) {
        return;
    }
    for start in (0..right.columns).step_by(PANEL) {
        let width = PANEL.min(right.columns - start);
        // SAFETY: `check` made sure of every index below; `out` is borrowed exclusively, so the factors
        // cannot overlap it.
        unsafe {
            gemm::gemm(
                left.rows,
                width,
                right.depth,
                out.as_mut_ptr().add(start),
                1,
                right.columns as isize,
                accumulate,
                left.values.as_ptr(),
                left.depth_stride as isize,
                left.row_stride as isize,
                right.values.as_ptr().add(if right.depth > 0 {
                    start / PANEL * right.panel_stride
                } else {
                    0
                }),
                1,
                right.row_stride as isize,
                one,
                one,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

/// Computes [`product`] in single precision, with tiles for AVX-512 and AVX2 and with `gemm` on other machines.
fn product_f32(level: Level, left: Left<'_, f32>, right: Right<'_, f32>, out: &mut [f32], accumulate: bool) {
    #[cfg(target_arch = "x86_64")]
    {
        let level = level.min(Level::of_machine());
        if level > Level::Baseline {
            if !check(&left, &right, out) {
                return;
            }
            // At least one pass, so that an empty sum is written, too.
            for pass in 0..right.depth.div_ceil(DEPTH).max(1) {
                let start = pass * DEPTH;
                let left = Left { values: &left.values[start * left.depth_stride..], ..left };
                let values = &right.values[start * right.row_stride..];
                let right = Right { values, depth: (right.depth - start).min(DEPTH), ..right };
                let accumulate = accumulate || pass > 0;
                if level == Level::Avx512 {
                    // SAFETY: the machine has the instructions, and `check` made sure of every index.
                    unsafe { x86::product_avx512(left, right, out, accumulate) };
                } else {
                    // SAFETY: as above.
                    unsafe { x86::product_avx2(left, right, out, accumulate) };
                }
            }
            return;
        }
    }
    let _ = level;
    product_portable(1.0, left, right, out, accumulate);
}

/// Tiles of a product in registers, for the two vector widths of x86.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Left, PANEL, Right};
    use std::arch::x86_64::*;

    /// A tile: pointers and strides of its operands.
    #[derive(Clone, Copy)]
    struct Tile {
        left: *const f32,
        row_stride: usize,
        depth_stride: usize,
        right: *const f32,
        right_stride: usize,
        depth: usize,
        out: *mut f32,
        out_stride: usize,
        accumulate: bool,
    }

    /// Number of a tile's rows per base pointer.
    const ROWS_OF_BASE: usize = 4;
    /// Number of base pointers, for the 6 rows of the highest tile.
    const BASES: usize = 2;

    /// Returns pointers to every fourth row of a tile of `M` rows; further ones are null. If the compiler knew their
    /// constant distance, it would derive the address of each row from the row before, a chain of additions that
    /// takes longer than the tile's arithmetic. The empty assembly hides the distance.
    #[inline(always)]
    fn bases<const M: usize>(left: *const f32, row_stride: usize) -> [*const f32; BASES] {
        let mut bases = [std::ptr::null(); BASES];
        for (k, slot) in bases.iter_mut().enumerate().take(M.div_ceil(ROWS_OF_BASE)) {
            let mut base = left.wrapping_add(k * ROWS_OF_BASE * row_stride);
            // SAFETY: no instruction is executed.
            unsafe { std::arch::asm!("/* {0} */", inout(reg) base, options(nostack, preserves_flags)) };
            *slot = base;
        }
        bases
    }

    macro_rules! tiles {
        ($features:literal, $lanes:literal, $height:literal, $zero:ident, $load:ident, $store:ident,
         $spread:ident, $add:ident, $fused:ident, $tile:ident, $rows:ident, $product:ident,
         [$($partial:literal)*], [$($vectors:literal)*]) => {
            /// Computes a tile of `M` rows and `V` vectors.
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn $tile<const M: usize, const V: usize>(tile: Tile) {
                // SAFETY: the caller's pointers and strides stay inside the slices that `check` has seen.
                unsafe {
                    let mut sums = [[$zero(); V]; M];
                    let mut left = bases::<M>(tile.left, tile.row_stride);
                    let mut right = tile.right;
                    for _ in 0..tile.depth {
                        let mut columns = [$zero(); V];
                        for v in 0..V {
                            columns[v] = $load(right.add($lanes * v));
                        }
                        for m in 0..M {
                            let element = $spread(*left[m / ROWS_OF_BASE].add(m % ROWS_OF_BASE * tile.row_stride));
                            for v in 0..V {
                                sums[m][v] = $fused(element, columns[v], sums[m][v]);
                            }
                        }
                        for base in &mut left {
                            *base = base.wrapping_add(tile.depth_stride);
                        }
                        right = right.wrapping_add(tile.right_stride);
                    }
                    for m in 0..M {
                        for v in 0..V {
                            let out = tile.out.add(m * tile.out_stride + $lanes * v);
                            let sum = if tile.accumulate { $add($load(out), sums[m][v]) } else { sums[m][v] };
                            $store(out, sum);
                        }
                    }
                }
            }

            /// Computes all rows of `V` vectors of columns.
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn $rows<const V: usize>(rows: usize, mut tile: Tile) {
                // SAFETY: rows advance by their strides, at most to `rows`.
                unsafe {
                    let mut left_rows = rows;
                    while left_rows >= $height {
                        $tile::<$height, V>(tile);
                        tile.left = tile.left.wrapping_add($height * tile.row_stride);
                        tile.out = tile.out.wrapping_add($height * tile.out_stride);
                        left_rows -= $height;
                    }
                    match left_rows {
                        $($partial => $tile::<$partial, V>(tile),)*
                        _ => {}
                    }
                }
            }

            /// Computes the product. The caller must have checked the shapes and the instruction set of the machine.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn $product(
                left: Left<'_, f32>,
                right: Right<'_, f32>,
                out: &mut [f32],
                accumulate: bool,
            ) {
                let mut start = 0;
                while start < right.columns {
                    let vectors = ((right.columns - start) / $lanes).min([$($vectors),*][0]);
                    let panel = start / PANEL * right.panel_stride + start % PANEL;
                    // SAFETY: `start` is a column of the right factor and of the output.
                    unsafe {
                        let tile = Tile {
                            left: left.values.as_ptr(),
                            row_stride: left.row_stride,
                            depth_stride: left.depth_stride,
                            right: right.values.as_ptr().wrapping_add(panel),
                            right_stride: right.row_stride,
                            depth: right.depth,
                            out: out.as_mut_ptr().add(start),
                            out_stride: right.columns,
                            accumulate,
                        };
                        match vectors {
                            $($vectors => $rows::<$vectors>(left.rows, tile),)*
                            _ => {}
                        }
                    }
                    start += vectors * $lanes;
                }
            }
        };
    }

    tiles!(
        "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma", 16, 6, _mm512_setzero_ps, _mm512_loadu_ps,
        _mm512_storeu_ps, _mm512_set1_ps, _mm512_add_ps, _mm512_fmadd_ps, tile_avx512, rows_avx512, product_avx512,
        [1 2 3 4 5], [4 3 2 1]
    );
    tiles!(
        "avx2,fma", 8, 6, _mm256_setzero_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps,
        _mm256_add_ps, _mm256_fmadd_ps, tile_avx2, rows_avx2, product_avx2, [1 2 3 4 5], [2 1]
    );
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    /// Checks that strides whose products overflow are not taken for small ones.
    #[test]
    fn factors_beyond_their_slices_are_refused() {
        let fits = |rows, row_stride, depth, right_stride, panel_stride, columns| {
            catch_unwind(|| {
                let (values, mut out) = ([1.0_f32; 64], [0.0; 64]);
                let left = Left { values: &values, rows, row_stride, depth_stride: 1 };
                let right = Right { values: &values, depth, columns, row_stride: right_stride, panel_stride };
                product(left, right, &mut out, false);
            })
            .is_ok()
        };
        assert!(fits(2, 4, 4, 16, 0, 16));
        assert!(!fits(2, 61, 4, 16, 0, 16), "the second row ends behind the left factor");
        assert!(!fits(2, usize::MAX, 4, 16, 0, 16), "a stride that wraps");
        assert!(!fits(2, 4, 5, 16, 0, 16), "a row too many of the right factor");
        assert!(!fits(2, 4, 3, usize::MAX / 2 + 1, 0, 16), "rows that wrap");
        assert!(!fits(5, 4, 4, 16, 0, 16), "no room for the fifth row");
        assert!(!fits(usize::MAX / 8, 0, 1, 16, 0, 16), "a product whose size wraps");
        assert!(!fits(1, 1, 1, 0, usize::MAX, 80), "panels that wrap");
    }
}
