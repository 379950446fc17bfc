//! Random draws from the values of searched settings.

use rand::Rng;
use rand::rngs::ChaCha8Rng;
use toml::Value;

use super::{Dimension, Values};
use crate::data::random::{Purpose, below, keyed};

/// Number of draws for each different one that is wanted.
const DRAWS_EACH: usize = 1000;
/// Number of bits of a uniform share.
const SHARE_BITS: u32 = f64::MANTISSA_DIGITS;

/// Returns the number of draws after which no more different ones are expected.
pub(super) fn most_draws(wanted: usize) -> usize {
    wanted.saturating_mul(DRAWS_EACH)
}

/// An endless sequence of draws, which may repeat. Each is a value of every dimension.
pub(super) struct Draws<'a> {
    dimensions: &'a [Dimension],
    generator: ChaCha8Rng,
}

impl<'a> Draws<'a> {
    pub(super) fn new(dimensions: &'a [Dimension], seed: u64) -> Self {
        Self { dimensions, generator: keyed(Purpose::Search, seed, 0, 0) }
    }

    /// Draws a value.
    fn value(&mut self, values: &Values) -> Value {
        match values {
            Values::Listed(values) => values[below(&mut self.generator, values.len())].clone(),
            Values::Between(range) => {
                let bits = self.generator.next_u64() >> (u64::BITS - SHARE_BITS);
                range.drawn(bits as f64 / (1_u64 << SHARE_BITS) as f64)
            }
        }
    }
}

impl Iterator for Draws<'_> {
    type Item = Vec<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        let dimensions = self.dimensions;
        Some(dimensions.iter().map(|dimension| self.value(&dimension.values)).collect())
    }
}
