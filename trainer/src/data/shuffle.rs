//! The shuffle buffer, which holds a bounded number of items and releases random ones.

use rand::rngs::ChaCha8Rng;

use crate::data::random::below;

/// A buffer with a maximum number of items. Each item beyond it replaces a random one, which leaves the buffer. Items
/// leave earlier if their total weight exceeds a limit.
///
/// If everything fits into the buffer, the resulting order is uniformly random. Otherwise items move by about the
/// size of the buffer.
#[derive(Debug)]
pub(crate) struct ShuffleBuffer<T> {
    /// The items with their weights.
    items: Vec<(T, usize)>,
    capacity: usize,
    weight: usize,
    most_weight: usize,
    generator: ChaCha8Rng,
}

impl<T> ShuffleBuffer<T> {
    /// Creates a buffer for `capacity` items of the total weight `most_weight`. With a capacity of 0 every item
    /// leaves at once.
    pub(crate) fn new(capacity: usize, most_weight: usize, generator: ChaCha8Rng) -> Self {
        Self { items: Vec::new(), capacity, weight: 0, most_weight, generator }
    }

    /// Adds an item and returns a random one once the buffer is full. Call [`Self::pop_excess`] afterwards to respect
    /// the weight limit.
    pub(crate) fn push(&mut self, item: T, weight: usize) -> Option<T> {
        if self.capacity == 0 {
            return Some(item);
        }
        self.weight = self.weight.saturating_add(weight);
        if self.items.len() < self.capacity {
            self.items.push((item, weight));
            return None;
        }
        let drawn = below(&mut self.generator, self.items.len());
        let (drawn, weight) = std::mem::replace(&mut self.items[drawn], (item, weight));
        self.weight = self.weight.saturating_sub(weight);
        Some(drawn)
    }

    /// Returns a random item while the total weight exceeds the limit.
    pub(crate) fn pop_excess(&mut self) -> Option<T> {
        if self.weight > self.most_weight { self.pop() } else { None }
    }

    /// Returns a random one of the remaining items.
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.items.is_empty() {
            return None;
        }
        let drawn = below(&mut self.generator, self.items.len());
        let (drawn, weight) = self.items.swap_remove(drawn);
        self.weight = self.weight.saturating_sub(weight);
        Some(drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::random::{Purpose, keyed};
    use proptest::prelude::*;

    fn shuffled(items: std::ops::Range<usize>, capacity: usize, seed: u64) -> Vec<usize> {
        let mut buffer = ShuffleBuffer::new(capacity, usize::MAX, keyed(Purpose::ShuffleBuffer, seed, 0, 0));
        let mut out: Vec<usize> = items.filter_map(|item| buffer.push(item, item)).collect();
        out.extend(std::iter::from_fn(|| buffer.pop()));
        out
    }

    #[test]
    fn without_room_the_order_stays() {
        assert_eq!(shuffled(0..5, 0, 1), [0, 1, 2, 3, 4]);
        assert_eq!(shuffled(0..5, 1, 1), [0, 1, 2, 3, 4]);
    }

    proptest! {
        #[test]
        fn every_item_leaves_once(count in 0_usize..200, capacity in 0_usize..50, seed: u64) {
            let out = shuffled(0..count, capacity, seed);
            // An item leaves at the earliest when the buffer is full behind it.
            for (position, &item) in out.iter().enumerate() {
                prop_assert!(item <= position + capacity);
            }
            let mut sorted = out;
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..count).collect::<Vec<_>>());
        }

        #[test]
        fn heavy_items_leave_before_the_buffer_is_full(
            weights in proptest::collection::vec(0_usize..100, 0..60),
            capacity in 1_usize..50,
            most_weight in 0_usize..400,
        ) {
            let mut buffer = ShuffleBuffer::new(capacity, most_weight, keyed(Purpose::ShuffleBuffer, 1, 0, 0));
            let mut out = Vec::new();
            for (item, &weight) in weights.iter().enumerate() {
                out.extend(buffer.push(item, weight));
                out.extend(std::iter::from_fn(|| buffer.pop_excess()));
                let inside: usize = (0..=item).filter(|item| !out.contains(item)).map(|item| weights[item]).sum();
                prop_assert!(inside <= most_weight, "{} in a buffer for {}", inside, most_weight);
            }
            out.extend(std::iter::from_fn(|| buffer.pop()));
            out.sort_unstable();
            prop_assert_eq!(out, (0..weights.len()).collect::<Vec<_>>());
        }
    }
}
