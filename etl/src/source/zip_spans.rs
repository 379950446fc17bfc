//! Assignment of the bytes of a zip archive to its members. No two members may share bytes.
//!
//! Otherwise an archive could list one content many times and expand far beyond any compression ratio.

use std::collections::BTreeMap;

/// The assigned byte ranges, 16 bytes for each member if the members are in the order of their bytes.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// Start and end of members in ascending order.
    ascending: Vec<(u64, u64)>,
    /// Starts and ends of the other members.
    others: BTreeMap<u64, u64>,
}

impl Spans {
    /// Assigns the bytes from `begin` to `end`. Returns `false` if any of them already belongs to a member.
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
