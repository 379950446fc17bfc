//! A set of identifiers, numbered in the order of insertion.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Marks an empty slot of the index.
const EMPTY: u32 = u32::MAX;
/// The index grows when more than this many eighths of its slots are used.
const FULL_EIGHTHS: usize = 5;
/// Number of slots of the smallest index.
const FIRST_SLOTS: usize = 64;
/// Largest number of identifiers. Their numbers and offsets have 32 bits.
pub(super) const MAX_IDENTIFIERS: usize = 1 << 30;

/// A set of names, each with a number.
///
/// All names are stored in one text, and a hash table refers to them. That takes about 20 bytes per identifier,
/// whereas a map of strings takes 80.
#[derive(Debug, Default)]
pub(super) struct Identifiers {
    text: String,
    /// End of each name in `text`.
    ends: Vec<u32>,
    /// Hash table of numbers, with open addressing and linear probing. Its size is a power of two, or zero.
    slots: Vec<u32>,
    hasher: BuildHasherDefault<DefaultHasher>,
}

impl Identifiers {
    /// Returns the number of names.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the name with this number, or an empty text if there is none.
    pub(super) fn name(&self, number: usize) -> &str {
        let start = match number.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(number).copied().unwrap_or_default();
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Returns the number of a name, or `None` if it is not in the set.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        match self.slot(name) {
            Some((_, EMPTY)) | None => None,
            Some((_, number)) => Some(number as usize),
        }
    }

    /// Returns the number of a name, and adds the name if it is new. Returns `None` if the set is full.
    pub(super) fn number(&mut self, name: &str) -> Option<u32> {
        if self.slots.len() * FULL_EIGHTHS <= self.len() * 8 {
            self.grow();
        }
        let (slot, number) = self.slot(name)?;
        if number != EMPTY {
            return Some(number);
        }
        let end = u32::try_from(self.text.len() + name.len()).ok()?;
        let number = u32::try_from(self.len()).ok().filter(|_| self.len() < MAX_IDENTIFIERS)?;
        self.text.push_str(name);
        self.ends.push(end);
        *self.slots.get_mut(slot)? = number;
        Some(number)
    }

    /// Returns the slot of a name and its content. If the name is not in the set, it is the empty slot where it
    /// belongs.
    fn slot(&self, name: &str) -> Option<(usize, u32)> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = self.hasher.hash_one(name) as usize & mask;
        loop {
            let number = *self.slots.get(at)?;
            if number == EMPTY || self.name(number as usize) == name {
                return Some((at, number));
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(FIRST_SLOTS);
        self.slots = vec![EMPTY; slots];
        for number in 0..self.len() {
            let mut at = self.hasher.hash_one(self.name(number)) as usize & (slots - 1);
            while self.slots.get(at).is_some_and(|&taken| taken != EMPTY) {
                at = (at + 1) & (slots - 1);
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = number as u32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn names_have_the_numbers_a_map_gives(names in proptest::collection::vec("[a-e]{0,4}|mp-[0-9]{1,7}", 0..400)) {
            let mut identifiers = Identifiers::default();
            let mut map = HashMap::new();
            for name in &names {
                let next = map.len() as u32;
                let expected = *map.entry(name.as_str()).or_insert(next);
                prop_assert_eq!(identifiers.number(name), Some(expected));
            }
            prop_assert_eq!(identifiers.len(), map.len());
            for (name, &number) in &map {
                prop_assert_eq!(identifiers.find(name), Some(number as usize));
                prop_assert_eq!(identifiers.name(number as usize), *name);
            }
            prop_assert_eq!(identifiers.find("no such name"), None);
        }
    }
}
