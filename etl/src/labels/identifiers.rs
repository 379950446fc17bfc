//! Identifiers of crystals, numbered in the order in which they are met.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Slot of the index that no identifier has.
const EMPTY: u32 = u32::MAX;
/// The index grows when more than this part of it (in eighths) is taken.
const FULL_EIGHTHS: usize = 5;
/// Slots of the smallest index.
const FIRST_SLOTS: usize = 64;
/// Most identifiers: their numbers and offsets have 32 bits.
pub(super) const MAX_IDENTIFIERS: usize = 1 << 30;

/// A set of names, each with a number.
///
/// One text holds all names and a table of slots finds them: about 20 bytes for an identifier,
/// where a map of strings takes 80.
#[derive(Debug, Default)]
pub(super) struct Identifiers {
    text: String,
    /// End of each name in `text`.
    ends: Vec<u32>,
    /// Numbers by hash, open addressing with steps of one; a power of two of them, or none.
    slots: Vec<u32>,
    hasher: BuildHasherDefault<DefaultHasher>,
}

impl Identifiers {
    /// Number of names.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Name of a number, empty where there is none.
    pub(super) fn name(&self, number: usize) -> &str {
        let start = match number.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(number).copied().unwrap_or_default();
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Number of a name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        match self.slot(name) {
            Some((_, EMPTY)) | None => None,
            Some((_, number)) => Some(number as usize),
        }
    }

    /// Number of a name, a new one if need be; `None` where there are too many.
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

    /// Slot of a name, or the empty one where it would go, and what stands there.
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
