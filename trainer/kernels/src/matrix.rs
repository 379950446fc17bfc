//! Right factors of products, packed in panels.

use super::real::Real;
use crate::raw::product::{COLUMNS, PANEL, Right};

/// Rounds `columns` up to the row stride of a product's output.
#[inline]
pub(super) fn padded(columns: usize) -> usize {
    columns.next_multiple_of(COLUMNS)
}

/// A right factor with its columns in panels of [`PANEL`], so that a product reads it sequentially. The columns
/// beyond the matrix may hold any values: they only affect the same columns of the output.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed<R> {
    values: Vec<R>,
    depth: usize,
    columns: usize,
}

impl<R: Real> Packed<R> {
    /// Packs the row-major matrix \[depth, columns\].
    pub(super) fn of_rows(matrix: &[R], depth: usize, columns: usize) -> Self {
        let mut packed = Packed::default();
        packed.set_rows(matrix, depth, columns);
        packed
    }

    /// Packs the transpose of the row-major matrix \[columns, depth\].
    pub(super) fn of_transpose(matrix: &[R], depth: usize, columns: usize) -> Self {
        assert_eq!(matrix.len(), depth * columns, "a matrix of [{columns}, {depth}]");
        let mut packed = Packed::default();
        packed.resize(depth, columns);
        if depth > 0 {
            let panels = packed.values.chunks_exact_mut(depth * PANEL);
            for (panel, rows) in panels.zip(matrix.chunks(PANEL * depth)) {
                for (k, line) in panel.chunks_exact_mut(PANEL).enumerate() {
                    for (slot, row) in line.iter_mut().zip(rows.chunks_exact(depth)) {
                        *slot = row[k];
                    }
                }
            }
        }
        packed
    }

    /// Packs the row-major matrix \[depth, columns\] into the same memory.
    pub(super) fn set_rows(&mut self, matrix: &[R], depth: usize, columns: usize) {
        assert_eq!(matrix.len(), depth * columns, "a matrix of [{depth}, {columns}]");
        self.resize(depth, columns);
        for start in (0..columns).step_by(PANEL) {
            let width = PANEL.min(columns - start);
            let panel = &mut self.values[start * depth..];
            for (line, row) in panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(matrix.chunks_exact(columns)) {
                // A whole line is copied in place; a part of one by a call of the C library.
                match row[start..].first_chunk::<PANEL>() {
                    Some(whole) => *line = *whole,
                    None => line[..width].copy_from_slice(&row[start..start + width]),
                }
            }
        }
    }

    fn resize(&mut self, depth: usize, columns: usize) {
        (self.depth, self.columns) = (depth, columns);
        self.values.resize(depth * columns.next_multiple_of(PANEL), R::ZERO);
    }

    /// Returns the factor with padded columns.
    pub(super) fn right(&self) -> Right<'_, R> {
        Right {
            values: &self.values,
            depth: self.depth,
            columns: padded(self.columns),
            row_stride: PANEL,
            panel_stride: self.depth * PANEL,
        }
    }
}

/// Returns the row-major matrix \[depth, columns\] as a factor without packing.
///
/// # Panics
/// If `columns` is not padded.
pub(super) fn rows<R>(matrix: &[R], depth: usize, columns: usize) -> Right<'_, R> {
    assert_eq!(columns, padded(columns), "whole vectors of columns");
    Right { values: matrix, depth, columns, row_stride: columns, panel_stride: PANEL }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::level::Level;
    use crate::raw::product::{Left, Product};
    use crate::testing::{close, numbers};
    use proptest::prelude::*;

    /// Returns left\[m, k\] · right\[k, n\] in double precision.
    fn naive(left: &[f32], right: &[f32], (m, k, n): (usize, usize, usize)) -> Vec<f64> {
        let element = |i: usize| -> f64 {
            (0..k).map(|q| f64::from(left[i / n * k + q]) * f64::from(right[q * n + i % n])).sum()
        };
        (0..m * n).map(element).collect()
    }

    fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns).map(|i| matrix[i % rows * columns + i / rows]).collect()
    }

    proptest! {
        #[test]
        fn products_of_every_level(m in 0usize..40, k in 0usize..300, n in 0usize..150, seed in 0u64..1000) {
            let (a, b) = (numbers::<f32>(m * k, seed), numbers::<f32>(k * n, seed + 1));
            let (at, bt) = (transpose(&a, m, k), transpose(&b, k, n));
            let expected = naive(&a, &b, (m, k, n));
            let stride = padded(n);
            for level in [Level::Baseline, Level::Avx2, Level::Avx512] {
                let lefts = [
                    Left { values: &a, rows: m, row_stride: k, depth_stride: 1 },
                    Left { values: &at, rows: m, row_stride: 1, depth_stride: m },
                ];
                for left in lefts {
                    for packed in [Packed::of_rows(&b, k, n), Packed::of_transpose(&bt, k, n)] {
                        let mut out = vec![0.5f32; m * stride];
                        f32::product(level, left, packed.right(), &mut out, true);
                        let sums: Vec<f64> = (0..m * n).map(|i| f64::from(out[i / n * stride + i % n]) - 0.5).collect();
                        close(&sums, &expected, 1e-5);
                        f32::product(level, left, packed.right(), &mut out, false);
                        let sums: Vec<f64> = (0..m * n).map(|i| f64::from(out[i / n * stride + i % n])).collect();
                        close(&sums, &expected, 1e-5);
                    }
                }
            }
        }

        #[test]
        fn rows_need_no_packing(m in 1usize..30, k in 1usize..20, panels in 1usize..5, seed in 0u64..1000) {
            let n = panels * COLUMNS;
            let (a, b) = (numbers::<f32>(m * k, seed), numbers::<f32>(k * n, seed + 1));
            for level in [Level::Baseline, Level::Avx2, Level::Avx512] {
                let mut out = vec![0.0; m * n];
                let left = Left { values: &a, rows: m, row_stride: k, depth_stride: 1 };
                f32::product(level, left, rows(&b, k, n), &mut out, false);
                let sums: Vec<f64> = out.iter().map(|x| f64::from(*x)).collect();
                close(&sums, &naive(&a, &b, (m, k, n)), 1e-5);
            }
        }
    }

    #[test]
    fn packed_memory_is_used_again() {
        let mut packed = Packed::default();
        for depth in [5, 3, 0, 4] {
            let b = numbers::<f32>(depth * 37, 7);
            packed.set_rows(&b, depth, 37);
            let mut out = vec![0.0; 2 * padded(37)];
            let a = numbers::<f32>(2 * depth, 8);
            let left = Left { values: &a, rows: 2, row_stride: depth, depth_stride: 1 };
            f32::product(Level::of_machine(), left, packed.right(), &mut out, false);
            let sums: Vec<f64> = (0..74).map(|i| f64::from(out[i / 37 * 48 + i % 37])).collect();
            close(&sums, &naive(&a, &b, (2, depth, 37)), 1e-5);
        }
    }

    #[test]
    #[should_panic(expected = "left factor is complete")]
    fn a_short_factor_is_refused() {
        let left = Left { values: &[1.0f32; 5], rows: 2, row_stride: 3, depth_stride: 1 };
        f32::product(Level::of_machine(), left, rows(&[0.0; 48], 3, 16), &mut [0.0; 32], false);
    }
}
