//! Cross entropy of class scores (specification, section 6).

use super::parallel;
use super::real::Real;
use super::topology::check_indices;
use crate::raw::fresh::Fresh;
use crate::vectorised::vectorised;

/// Rows per task.
const ROW_BLOCK: usize = 64;

/// Returns the loss Σ_r w_r·(−log softmax(logits_r)\[label_r\]) and its gradient w_r·(softmax(logits_r) −
/// onehot(label_r)).
///
/// `logits` and the gradient are \[rows, classes\], `labels` and `weights` \[rows\]. Each weight is 1 if there are
/// none. The loss is summed in double precision.
///
/// # Panics
/// If a slice does not have the length of its shape or a label is not a class.
pub fn forward<R: Real>(
    logits: &[R],
    classes: usize,
    labels: &[i32],
    weights: Option<&[R]>,
) -> (f64, Vec<R>) {
    let rows = labels.len();
    assert_eq!(logits.len(), rows * classes, "scores of {rows} rows and {classes} classes");
    assert!(weights.is_none_or(|weights| weights.len() == rows), "a weight for each of {rows} rows");
    check_indices("labels", labels, rows, classes);
    let mut gradient = Fresh::new(logits.len());
    let tasks = parallel::ranges(rows, ROW_BLOCK);
    let items: Vec<_> = tasks.clone().zip(gradient.blocks(tasks.map(|task| task.end * classes))).collect();
    let scratch = || (vec![R::ZERO; ROW_BLOCK * classes], vec![R::ZERO; ROW_BLOCK * classes]);
    let losses = parallel::map(items, scratch, |(shifted, strip), (task, mut gradient)| {
        let count = task.len() * classes;
        let (shifted, strip) = (&mut shifted[..count], &mut strip[..count]);
        subtract_largest(&logits[task.start * classes..task.end * classes], classes, shifted);
        exponentials(shifted, strip);
        let mut loss = 0.0;
        for ((row, shifted), index) in
            strip.chunks_exact_mut(classes).zip(shifted.chunks_exact(classes)).zip(task)
        {
            let label = labels[index] as usize;
            let weight = weights.map_or(R::ONE, |weights| weights[index]);
            let sum: f64 = row.iter().map(|value| value.to_f64()).sum();
            loss += weight.to_f64() * (sum.ln() - shifted[label].to_f64());
            let factor = R::from_f64(weight.to_f64() / sum);
            row.iter_mut().for_each(|value| *value = *value * factor);
            row[label] = row[label] - weight;
        }
        gradient.append(strip);
        loss
    });
    (losses.into_iter().sum(), gradient.finish())
}

/// shifted = logits − the largest value of the row.
fn subtract_largest<R: Real>(logits: &[R], classes: usize, shifted: &mut [R]) {
    for (logits, shifted) in logits.chunks_exact(classes).zip(shifted.chunks_exact_mut(classes)) {
        let largest = logits.iter().fold(logits[0], |largest, logit| largest.larger(*logit));
        for (shifted, logit) in shifted.iter_mut().zip(logits) {
            *shifted = *logit - largest;
        }
    }
}

vectorised! {
    /// out = e^x.
    fn exponentials<'a>(x: &'a [R], out: &'a mut [R]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = x.exp::<FUSED>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_gradient, close, double, numbers, same_on_two_threads};
    use proptest::prelude::*;

    fn labels(rows: usize, classes: usize) -> Vec<i32> {
        (0..rows).map(|row| (row * 7 % classes) as i32).collect()
    }

    proptest! {
        #[test]
        fn loss_by_its_definition(rows in 0usize..200, classes in 1usize..40, weighted: bool, seed in 0u64..1000) {
            let logits: Vec<f32> = numbers::<f32>(rows * classes, seed).iter().map(|x| 20.0 * x).collect();
            let labels = labels(rows, classes);
            let weights = weighted.then(|| numbers::<f32>(rows, seed + 1));
            let (loss, gradient) = same_on_two_threads(|| forward(&logits, classes, &labels, weights.as_deref()));
            let (mut expected, mut expected_gradient) = (0.0, Vec::new());
            for row in 0..rows {
                let weight = weights.as_ref().map_or(1.0, |weights| f64::from(weights[row]));
                let scores = double(&logits[row * classes..(row + 1) * classes]);
                let sum: f64 = scores.iter().map(|x| x.exp()).sum();
                let label = labels[row] as usize;
                expected += weight * (sum.ln() - scores[label]);
                expected_gradient.extend(scores.iter().enumerate().map(|(class, x)| {
                    weight * (x.exp() / sum - f64::from(u8::from(class == label)))
                }));
            }
            // Every row's scores, up to 20, are rounded to 1e-6.
            close(&[loss], &[expected], 1e-6 * (1 + rows) as f64);
            close(&double(&gradient), &expected_gradient, 1e-6);
        }
    }

    #[test]
    fn gradient_by_differences() {
        let logits = numbers::<f64>(5 * 3, 1);
        let (labels, weights) = (labels(5, 3), numbers::<f64>(5, 2));
        let loss = |logits: &[f64]| forward(logits, 3, &labels, Some(&weights)).0;
        check_gradient(&logits, &forward(&logits, 3, &labels, Some(&weights)).1, loss);
    }

    #[test]
    fn nan_is_not_hidden() {
        let (loss, gradient) = forward(&[0.0f32, f32::NAN, 1.0, 2.0], 2, &[0, 1], None);
        assert!(loss.is_nan() && gradient[0].is_nan() && gradient[1].is_nan() && !gradient[2].is_nan());
    }

    #[test]
    #[should_panic(expected = "labels: index 3 of 3")]
    fn a_label_past_the_classes() {
        forward(&[0.0f32; 3], 3, &[3], None);
    }
}
