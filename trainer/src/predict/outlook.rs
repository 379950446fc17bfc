//! How many crystals an input has, as far as that can be told.

use std::sync::{Arc, Mutex, PoisonError};

/// Number of crystals of an input. Clones share what is known.
#[derive(Debug, Clone)]
pub(super) enum Outlook {
    /// The number of a store's crystals.
    Known(u64),
    /// Structures are counted while they are read.
    Counted(Arc<Count>),
}

/// Structures that are being read.
#[derive(Debug)]
pub(super) struct Count {
    total_bytes: u64,
    so_far: Mutex<SoFar>,
}

#[derive(Debug, Default, Clone, Copy)]
struct SoFar {
    crystals: u64,
    bytes: u64,
    is_all: bool,
}

impl Outlook {
    /// Creates the outlook on structures in files of so many bytes.
    pub(super) fn of_bytes(total_bytes: u64) -> Self {
        Self::Counted(Arc::new(Count { total_bytes, so_far: Mutex::default() }))
    }

    /// Counts the crystals of the first `bytes` bytes that were not counted before.
    pub(super) fn count(&self, crystals: u64, bytes: u64) {
        self.change(|so_far| {
            so_far.crystals += crystals;
            so_far.bytes = bytes;
        });
    }

    /// Notes that all crystals are counted.
    pub(super) fn end(&self) {
        self.change(|so_far| so_far.is_all = true);
    }

    fn change(&self, change: impl FnOnce(&mut SoFar)) {
        if let Self::Counted(count) = self {
            change(&mut count.so_far.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Returns the number of crystals, estimated by the share of the bytes that were read; `None` before the first.
    pub(super) fn crystals(&self) -> Option<u64> {
        let count = match self {
            Self::Known(crystals) => return Some(*crystals),
            Self::Counted(count) => count,
        };
        let SoFar { crystals, bytes, is_all } = *count.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        if is_all {
            return Some(crystals);
        }
        let rest = count.total_bytes as f64 / bytes as f64;
        (crystals > 0 && bytes > 0).then(|| (crystals as f64 * rest.max(1.0)).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_estimated_until_all_are_counted() {
        assert_eq!(Outlook::Known(7).crystals(), Some(7));
        let outlook = Outlook::of_bytes(1000);
        assert_eq!(outlook.crystals(), None);
        outlook.clone().count(3, 100);
        assert_eq!(outlook.crystals(), Some(30));
        outlook.count(1, 400);
        assert_eq!(outlook.crystals(), Some(10));
        // More than the files have, as of CIFs that a table names.
        outlook.count(2, 2000);
        assert_eq!(outlook.crystals(), Some(6));
        outlook.count(2, 800);
        outlook.end();
        assert_eq!(outlook.crystals(), Some(8));
    }
}
