//! Choice between the origins and settings that a space-group symbol or number allows.
//!
//! Twenty-four space-group types are tabulated with two origins, and a symbol such as `F d -3 m` denotes both
//! (International Tables A). A number determines neither origin nor axes. The choice is made by the site
//! multiplicities, the sum formula or the density in the file.

use super::error::{CifErrorKind, SETTING_ASSUMED};
use super::evidence::{Contents, Verdict};
use super::expand::{Expander, Nearness};
use super::lexer::Span;
use super::reading::{BuildError, Reading, Remark, excerpt};
use super::statement::Operations;

/// A block, and what is needed to apply operations to it.
pub(super) struct Trial<'a, 'b> {
    /// The block.
    pub(super) reading: &'a Reading<'b>,
    /// Generates the images of the sites.
    pub(super) expander: &'a mut Expander,
    /// From [`Nearness::of_images`].
    pub(super) nearness: &'a Nearness,
    /// Volume of the unit cell in Å³.
    pub(super) volume: f64,
}

impl Trial<'_, '_> {
    /// Compares the atoms that the operations generate with the file. Returns `None` if an image is near its site but
    /// distinct from it.
    fn verdict(&mut self, operations: &Operations) -> Option<Verdict> {
        let contents = Contents::of_sites(operations, self.reading, self.expander, self.nearness)?;
        Some(contents.judge(self.reading, self.volume, true))
    }

    /// Whether the operations can be applied and the file does not contradict them.
    fn is_possible(&mut self, operations: &Operations) -> bool {
        self.verdict(operations).is_some_and(|verdict| verdict.is_possible())
    }

    /// Chooses between the operations for the two origins of a symbol.
    ///
    /// # Errors
    /// Returns [`CifErrorKind::AmbiguousOrigin`] unless exactly one of them is possible.
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

    /// Chooses between the operations of all settings of a space-group number, given with the standard setting first.
    /// The standard setting is used unless the file contradicts it, with a remark if others are possible too.
    ///
    /// # Errors
    /// Returns [`CifErrorKind::Contradiction`] if no setting is possible, or [`CifErrorKind::AmbiguousSetting`] if
    /// several are possible but not the standard one.
    pub(super) fn choose_setting(
        &mut self,
        number: Span,
        settings: Vec<Operations>,
    ) -> Result<(Operations, Option<Remark>), BuildError> {
        let standard = settings.first().cloned().unwrap_or_default();
        // Images that are near their site but distinct are reported later, when the sites are expanded.
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
