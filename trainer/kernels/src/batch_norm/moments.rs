//! Means and deviations of columns.

use super::drain;
use crate::dense::add_rows;
use crate::parallel;
use crate::real::Real;
use crate::rows::{self, TASK_ROWS, elements};
use crate::vectorised::vectorised;

/// Moments of the columns of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// \[channels\] means.
    pub mean: Vec<f64>,
    /// \[channels\] sums of the squared deviations from the mean.
    pub squares: Vec<f64>,
}

/// Returns the moments of the columns of x \[rows, channels\]; zeros without rows.
///
/// # Panics
/// If the rows of x are not whole.
pub fn moments<R: Real>(x: &[R], channels: usize) -> Moments {
    let tasks = parallel::ranges(rows::count("x", x, channels), TASK_ROWS).collect();
    let scratch = || [vec![R::ZERO; channels], vec![R::ZERO; channels], vec![R::ZERO; channels]];
    let parts = parallel::map(tasks, scratch, |[centre, first, second], task| {
        // Deviations from a number close to the mean lose no digits: the mean of the first strip.
        let beginning = rows::strips(task.clone(), channels).next().unwrap_or_default();
        let share = R::from_f64(1.0 / beginning.len().max(1) as f64);
        centre.fill(R::ZERO);
        add_rows(&x[elements(&beginning, channels)], centre);
        centre.iter_mut().for_each(|sum| *sum = *sum * share);
        let (mut firsts, mut seconds) = (vec![0.0; channels], vec![0.0; channels]);
        let count = task.len() as f64;
        for rows in rows::strips(task, channels) {
            add_deviations(&x[elements(&rows, channels)], centre, first, second);
            drain(first, &mut firsts);
            drain(second, &mut seconds);
        }
        for ((first, second), centre) in firsts.iter_mut().zip(&mut seconds).zip(centre) {
            let shift = *first / count;
            *second = (*second - shift * *first).max(0.0);
            *first = centre.to_f64() + shift;
        }
        (count, Moments { mean: firsts, squares: seconds })
    });
    let mut parts = parts.into_iter();
    let none = || (0.0, Moments { mean: vec![0.0; channels], squares: vec![0.0; channels] });
    let (mut rows, mut total) = parts.next().unwrap_or_else(none);
    for (count, part) in parts {
        total.merge(rows, &part, count);
        rows += count;
    }
    total
}

impl Moments {
    /// Adds the moments of `more` rows to those of `rows` rows.
    fn merge(&mut self, rows: f64, part: &Moments, more: f64) {
        let share = more / (rows + more);
        let columns = self.mean.iter_mut().zip(&mut self.squares).zip(part.mean.iter().zip(&part.squares));
        for ((mean, squares), (part_mean, part_squares)) in columns {
            let distance = part_mean - *mean;
            *mean += distance * share;
            *squares += part_squares + distance * distance * rows * share;
        }
    }
}

vectorised! {
    /// first += Σ_rows (x − centre), second += Σ_rows (x − centre)².
    fn add_deviations<'a>(x: &'a [R], centre: &'a [R], first: &'a mut [R], second: &'a mut [R]) {
        for x in x.chunks_exact(centre.len().max(1)) {
            let sums = first.iter_mut().zip(&mut *second);
            for ((x, centre), (first, second)) in x.iter().zip(centre).zip(sums) {
                let deviation = *x - *centre;
                *first += deviation;
                *second = deviation.multiply_add::<FUSED>(deviation, *second);
            }
        }
    }
}
