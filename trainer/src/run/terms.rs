//! Loss terms of a batch as numbers, which stay on the device until they are read.

use std::sync::Arc;

use burn::prelude::*;

use crate::ranks::Ranks;
use crate::run::step::Values;

/// The loss terms of a batch.
///
/// Numbers that are read at once make the host wait until the device has computed them, and then the device until the
/// host has prepared its next work. Terms are therefore read after further work has been given to the device.
#[derive(Debug, Clone)]
pub struct Terms {
    names: Vec<&'static str>,
    /// Values of the terms, shape `[terms]`.
    values: Tensor<1>,
    /// Factor of the first term's value.
    factor: f64,
    /// Ranks over which the values are averaged.
    ranks: Option<Arc<dyn Ranks>>,
}

impl Terms {
    /// Creates terms from their names and values, shape `[1]` each.
    ///
    /// # Panics
    /// If there are no terms.
    pub fn new(names: &[&'static str], values: &[Tensor<1>]) -> Self {
        let values = values.iter().map(|value| value.clone().detach()).collect();
        Self { names: names.to_vec(), values: Tensor::cat(values, 0), factor: 1.0, ranks: None }
    }

    /// Multiplies the value of the first term by a factor when it is read, in double precision.
    pub fn with_first_times(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// Averages the values over ranks when they are read. All ranks must then read them.
    pub fn averaged_over(self, ranks: &Arc<dyn Ranks>) -> Self {
        Self { ranks: Some(Arc::clone(ranks)), ..self }
    }

    /// Returns the names and values in order, without factor and ranks. Waits for the device.
    pub fn values(&self) -> Vec<(&'static str, f64)> {
        self.names.iter().copied().zip(self.values.to_data().iter::<f64>()).collect()
    }

    /// Returns the values by name. Waits for the device.
    pub fn read(self) -> Values {
        let (names, mut values): (Vec<_>, Vec<_>) = self.values().into_iter().unzip();
        if let Some(ranks) = self.ranks {
            ranks.average(&mut values);
        }
        if let Some(first) = values.first_mut() {
            *first *= self.factor;
        }
        names.into_iter().map(str::to_owned).zip(values).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::alone;

    #[test]
    fn terms_are_read_by_name_with_the_factor_of_the_first() {
        let device = Device::flex().autodiff();
        let value = |number: f32| Tensor::<1>::from_floats([number], &device);
        let terms = Terms::new(&["loss", "mse"], &[value(0.5), value(3.0)]);
        let read = terms.with_first_times(4.0).averaged_over(&alone()).read();
        assert_eq!(read, Values::from([("loss".to_owned(), 2.0), ("mse".to_owned(), 3.0)]));
    }
}
