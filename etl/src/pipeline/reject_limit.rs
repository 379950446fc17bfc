//! The end of a build in which almost all entries are rejected.
//!
//! An input of a few kilobytes can decompress to tens of millions of entries that are not crystals. Without a limit,
//! each of them would become a reject.

use super::block::ProcessedBlock;
use super::error::BuildError;
use crate::reject::{FILTERED, Reject};

/// Largest number of rejected entries that never ends a build, however few entries are kept.
const SURELY_REJECTED: u64 = 1 << 19;
/// Above that number, largest number of rejected entries for each one kept.
const REJECTED_FOR_EACH_KEPT: u64 = 1000;

/// Numbers of entries kept and rejected so far. Entries dropped by a filter count as kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RejectLimit {
    kept: u64,
    rejected: u64,
}

impl RejectLimit {
    /// Creates the counts of a run that is resumed.
    pub(super) fn new(kept: u64, rejected: u64) -> Self {
        Self { kept, rejected }
    }

    /// Counts the entries of the next block.
    ///
    /// # Errors
    /// Returns [`BuildError::NoCrystals`] if too many entries are rejected. Blocks are counted in the order of the
    /// input, so the result does not depend on the number of threads.
    pub(super) fn add(&mut self, block: &ProcessedBlock) -> Result<(), BuildError> {
        let rejects = || block.rejects.iter().filter(|reject| reject.reason != FILTERED);
        self.kept += block.rows() as u64 + (block.rejects.len() - rejects().count()) as u64;
        self.rejected += rejects().count() as u64;
        let may_be_rejected = SURELY_REJECTED.max(self.kept.saturating_mul(REJECTED_FOR_EACH_KEPT));
        match rejects().next_back() {
            Some(last) if self.rejected > may_be_rejected => Err(self.exceeded(last)),
            _ => Ok(()),
        }
    }

    /// Returns the error of an input whose last reject is one too many.
    fn exceeded(self, last: &Reject) -> BuildError {
        BuildError::NoCrystals {
            rejected: self.rejected,
            read: self.rejected + self.kept,
            file: last.origin.file.to_string(),
            record: last.origin.record,
            reason: last.reason,
            message: last.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reject::Origin;

    fn block(reason: &'static str, rejects: usize) -> ProcessedBlock {
        let origin = Origin { file: "a.json".into(), record: 7, line: None };
        let reject = Reject::new(None, origin, reason, "no sites".to_owned());
        ProcessedBlock { rejects: vec![reject; rejects], ..ProcessedBlock::default() }
    }

    #[test]
    fn an_input_of_rejects_alone_is_given_up() {
        let bad = block("no_sites", 1 << 18);
        let mut limit = RejectLimit::default();
        assert!((0..2).all(|_| limit.add(&bad).is_ok()));
        let error = limit.add(&bad).expect_err("more than half a million").to_string();
        let expected = "a.json: 786432 of the first 786432 entries are rejected, the last one (record 7) as \
                        no_sites: no sites; this is no set of crystals of the kind it is read as";
        assert_eq!(error, expected);
    }

    #[test]
    fn one_crystal_in_a_thousand_is_enough() {
        let bad = block("no_sites", 1 << 20);
        assert!(RejectLimit::new(1048, 0).add(&bad).is_err());
        assert!(RejectLimit::new(1049, 0).add(&bad).is_ok());
        assert!(RejectLimit::default().add(&block(FILTERED, 1 << 20)).is_ok());
    }
}
