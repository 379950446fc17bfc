//! Which of several readings of its symmetry a file means that leaves it open.
//!
//! Twenty-four groups are tabulated from two origins, and a symbol such as `F d -3 m` belongs to both; a number says
//! neither origin nor axes. Readers take one or the other; here the file has to show which: by the multiplicities of
//! its sites, its sum formula or its density.

use super::error::{CifErrorKind, SETTING_ASSUMED};
use super::evidence::{Contents, Verdict};
use super::expand::{Expander, Nearness};
use super::lexer::Span;
use super::reading::{BuildError, Reading, Remark, excerpt};
use super::statement::Operations;

/// What it takes to try a reading.
pub(super) struct Trial<'a, 'b> {
    /// The block.
    pub(super) reading: &'a Reading<'b>,
    /// Makes the images of the sites.
    pub(super) expander: &'a mut Expander,
    /// For images.
    pub(super) nearness: &'a Nearness,
    /// Of the cell, Å³.
    pub(super) volume: f64,
}

impl Trial<'_, '_> {
    /// What speaks for or against operations; `None` where images of a site are neither together nor apart.
    fn verdict(&mut self, operations: &Operations) -> Option<Verdict> {
        let contents = Contents::of_sites(operations, self.reading, self.expander, self.nearness)?;
        Some(contents.judge(self.reading, self.volume, true))
    }

    fn is_possible(&mut self, operations: &Operations) -> bool {
        self.verdict(operations).is_some_and(|verdict| verdict.is_possible())
    }

    /// The operations from the origin that is meant, of the two a symbol has.
    pub(super) fn choose_origin(
        &mut self,
        symbol: Span,
        first: Operations,
        other: Operations,
    ) -> Result<Operations, BuildError> {
        match (self.is_possible(&first), self.is_possible(&other)) {
            (true, false) => Ok(first),
            (false, true) => Ok(other),
            _ => {
                let text = excerpt(symbol.of(self.reading.bytes));
                Err(self.reading.error_at(CifErrorKind::AmbiguousOrigin { symbol: text }, symbol))
            }
        }
    }

    /// The operations of the setting that is meant, of those a number leaves open. The first, the standard one, is
    /// taken where nothing speaks against it; a remark says so where others are as good.
    pub(super) fn choose_setting(
        &mut self,
        number: Span,
        settings: Vec<Operations>,
    ) -> Result<(Operations, Option<Remark>), BuildError> {
        let standard = settings.first().cloned().unwrap_or_default();
        // What is wrong with images of a site shows when they are made.
        let against = self.verdict(&standard).filter(|verdict| !verdict.is_possible());
        let others: Vec<Operations> =
            settings.into_iter().skip(1).filter(|setting| self.is_possible(setting)).collect();
        let text = excerpt(number.of(self.reading.bytes));
        match (against, others.as_slice()) {
            (None, []) => Ok((standard, None)),
            (None, others) => {
                let message = format!(
                    "number {text} alone leaves {} settings open: the standard one is taken",
                    others.len() + 1
                );
                Ok((standard, Some(Remark { code: SETTING_ASSUMED, at: number, message })))
            }
            (Some(_), [other]) => Ok((other.clone(), None)),
            (Some(Verdict::Contradicts { evidence, .. }), []) => {
                let stated = format!("no setting of number {text} agrees");
                Err(self.reading.error_at(CifErrorKind::Contradiction { evidence, stated }, number))
            }
            _ => Err(self.reading.error_at(CifErrorKind::AmbiguousSetting { number: text }, number)),
        }
    }
}
