//! Which bytes of a zip archive belong to which member: no two members may share any.
//!
//! A directory that lists one body again and again unpacks to many times what any compression could.

use std::collections::BTreeMap;

/// Bytes that are taken, 16 for each member where members come in the order of their bytes.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// Begin and end of members that came in order.
    ascending: Vec<(u64, u64)>,
    /// Begins and ends of the others.
    others: BTreeMap<u64, u64>,
}

impl Spans {
    /// Takes the bytes from `begin` to `end`; `false` if any of them belongs to a member already.
    pub(super) fn take(&mut self, begin: u64, end: u64) -> bool {
        if end <= begin {
            return true;
        }
        let before = self.ascending.partition_point(|(other, _)| *other < end);
        let last = before.checked_sub(1).and_then(|at| self.ascending.get(at));
        let other = self.others.range(..end).next_back();
        if last.is_some_and(|(_, end)| *end > begin) || other.is_some_and(|(_, end)| *end > begin) {
            return false;
        }
        match self.ascending.last() {
            Some((last, _)) if *last > begin => {
                self.others.insert(begin, end);
            }
            _ => self.ascending.push((begin, end)),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_are_taken_once(members in proptest::collection::vec((0_u64..60, 0_u64..12), 0..40)) {
            let mut spans = Spans::default();
            let mut taken = [false; 80];
            for (begin, length) in members {
                let bytes = begin as usize..(begin + length) as usize;
                let is_free = bytes.clone().all(|byte| !taken[byte]);
                prop_assert_eq!(spans.take(begin, begin + length), is_free);
                if is_free {
                    taken[bytes].fill(true);
                }
            }
        }
    }
}
