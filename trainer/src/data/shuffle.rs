//! The shuffle buffer: a bounded number of items from which the next is drawn at random.

use rand::rngs::ChaCha8Rng;

use crate::data::random::below;

/// Holds up to a number of items; each item beyond it takes the place of a random one, which leaves.
///
/// With room for everything the order that comes out is uniformly random; with less, items move
/// over about the buffer's size.
#[derive(Debug)]
pub(crate) struct ShuffleBuffer<T> {
    items: Vec<T>,
    capacity: usize,
    generator: ChaCha8Rng,
}

impl<T> ShuffleBuffer<T> {
    /// A buffer for `capacity` items; with 0 every item leaves at once.
    pub(crate) fn new(capacity: usize, generator: ChaCha8Rng) -> Self {
        Self { items: Vec::new(), capacity, generator }
    }

    /// Takes an item in, and lets one out once the buffer is full.
    pub(crate) fn push(&mut self, item: T) -> Option<T> {
        if self.capacity == 0 {
            return Some(item);
        }
        if self.items.len() < self.capacity {
            self.items.push(item);
            return None;
        }
        let drawn = below(&mut self.generator, self.items.len());
        Some(std::mem::replace(&mut self.items[drawn], item))
    }

    /// Lets out a random one of the items that are left.
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.items.is_empty() {
            return None;
        }
        let drawn = below(&mut self.generator, self.items.len());
        Some(self.items.swap_remove(drawn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::random::{Purpose, keyed};
    use proptest::prelude::*;

    fn shuffled(items: std::ops::Range<usize>, capacity: usize, seed: u64) -> Vec<usize> {
        let mut buffer = ShuffleBuffer::new(capacity, keyed(Purpose::ShuffleBuffer, seed, 0, 0));
        let mut out: Vec<usize> = items.filter_map(|item| buffer.push(item)).collect();
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
    }
}
