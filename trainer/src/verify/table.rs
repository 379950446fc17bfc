//! Deviations by tensor.

use std::fmt;

use burn::prelude::*;

/// Kind of a compared quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An intermediate tensor.
    Tensor,
    /// A loss term.
    Loss,
    /// A running statistic after one batch.
    Running,
    /// The norm of a parameter's gradient.
    GradientNorm,
    /// A parameter's gradient.
    Gradient,
    /// A parameter after one optimiser step.
    Step,
    /// A tensor or number of the fine-tuned model.
    Finetuning,
}

/// Deviation of a tensor or number.
#[derive(Debug, Clone, PartialEq)]
pub struct Deviation {
    /// Kind of the quantity.
    pub kind: Kind,
    /// The name.
    pub name: String,
    /// Relative deviation `max |computed − expected| / max |expected|`; infinite if there is nothing to compare.
    pub relative: f64,
    /// The magnitude to which the deviation is relative, by default `max |expected|`.
    pub greatest: f64,
}

/// All comparisons of a run, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    deviations: Vec<Deviation>,
}

impl Table {
    /// Compares two tensors. Tensors of different sizes deviate infinitely.
    pub(super) fn add(&mut self, kind: Kind, name: &str, computed: &TensorData, expected: &TensorData) {
        let greatest = expected.iter::<f64>().fold(0.0, |greatest: f64, value| greatest.max(value.abs()));
        self.add_on_scale(kind, name, computed, expected, greatest);
    }

    /// Compares two tensors relative to a magnitude. Tensors of different sizes deviate infinitely.
    pub(super) fn add_on_scale(
        &mut self,
        kind: Kind,
        name: &str,
        computed: &TensorData,
        expected: &TensorData,
        greatest: f64,
    ) {
        let relative = if computed.num_elements() == expected.num_elements() {
            let pairs = computed.iter::<f64>().zip(expected.iter::<f64>());
            // `max` would drop a NaN.
            let worst = pairs.fold(0.0, |worst: f64, (computed, expected)| {
                let difference = (computed - expected).abs();
                if worst.is_nan() || difference <= worst { worst } else { difference }
            });
            worst / greatest.max(f64::MIN_POSITIVE)
        } else {
            f64::INFINITY
        };
        self.deviations.push(Deviation { kind, name: name.to_owned(), relative, greatest });
    }

    /// Compares two numbers.
    pub(super) fn add_number(&mut self, kind: Kind, name: &str, computed: f64, expected: f64) {
        let data = |value: f64| TensorData::new(vec![value], [1]);
        self.add(kind, name, &data(computed), &data(expected));
    }

    /// Records that this implementation lacks the tensor.
    pub(super) fn miss(&mut self, kind: Kind, name: &str) {
        let (name, relative, greatest) = (name.to_owned(), f64::INFINITY, f64::NAN);
        self.deviations.push(Deviation { kind, name, relative, greatest });
    }

    /// Returns the comparisons of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Deviation> {
        self.deviations.iter().filter(move |deviation| deviation.kind == kind)
    }

    /// Returns the worst comparison of a kind.
    pub fn worst(&self, kind: Kind) -> Option<&Deviation> {
        self.of(kind).max_by(|a, b| a.relative.total_cmp(&b.relative))
    }

    /// Returns the comparisons above the limit of their kind.
    pub fn beyond(&self, limit: impl Fn(Kind) -> f64) -> Vec<&Deviation> {
        let deviations = self.deviations.iter();
        deviations
            .filter(|deviation| deviation.relative.is_nan() || deviation.relative > limit(deviation.kind))
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<14} {:<52} {:>12} {:>12}", "kind", "tensor", "deviation", "max")?;
        let mut sorted: Vec<_> = self.deviations.iter().collect();
        sorted.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.relative.total_cmp(&a.relative)));
        for Deviation { kind, name, relative, greatest } in sorted {
            writeln!(f, "{:<14} {name:<52} {relative:>12.2e} {greatest:>12.4e}", format!("{kind:?}"))?;
        }
        Ok(())
    }
}
