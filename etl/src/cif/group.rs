//! The symmetry operations of a block: those listed, else those its space-group symbols mean.

use std::collections::HashMap;
use std::sync::Arc;

use super::block::MAX_OPERATIONS_LISTED;
use super::error::{CifErrorKind, SymmetryProblem};
use super::lexer::Span;
use super::reading::{BuildError, Reading, excerpt};
use super::tag::Tag;
use crate::symmetry::{
    Metric, SymmetryOperation, fits_cell, is_group, operations_of_hall_symbol,
    operations_of_hermann_mauguin_symbol, operations_of_number, without_duplicates,
};

/// Distinct lists of operations kept; files of one source share few.
const KEPT_LISTS: usize = 1024;

/// Longest list of operations kept, bytes.
const KEPT_BYTES: usize = 32 * 1024;

/// Operations of a space group, centring included.
pub(super) type Operations = Arc<[SymmetryOperation]>;

/// A list of operations that are not a space group: the operation to name and what is wrong.
type BadList = (String, SymmetryProblem);

/// Number of operations of a list and what it holds.
type KnownList = (usize, Result<Operations, BadList>);

/// Reads the operations of blocks; keeps the lists it has met.
#[derive(Debug, Default)]
pub(super) struct GroupReader {
    lists: HashMap<Box<[u8]>, KnownList>,
}

impl GroupReader {
    /// Operations of the block's group; `None` where it has the identity alone.
    ///
    /// In this order: the operations listed, the Hall symbol, the Hermann-Mauguin symbol, the group's number. A
    /// Hermann-Mauguin symbol that cannot be read is an error even where a number follows: the number says nothing
    /// of the setting. A block that names no symmetry at all is given whole.
    pub(super) fn operations(
        &mut self,
        reading: &Reading<'_>,
        metric: &Metric,
    ) -> Result<Option<Found>, BuildError> {
        let Some(found) = self.find(reading, metric)? else { return Ok(None) };
        if fits_cell(&found.operations, metric) {
            return Ok(Some(found));
        }
        let symbol = excerpt(found.symbol.of(reading.bytes));
        Err(reading.error_at(CifErrorKind::SymmetryMisfit { symbol }, found.symbol))
    }

    /// The group the block means, whether or not its cell has this symmetry.
    pub(super) fn find(
        &mut self,
        reading: &Reading<'_>,
        metric: &Metric,
    ) -> Result<Option<Found>, BuildError> {
        match reading.block.operations.as_slice() {
            [] => {}
            [only] if matches!(only.of(reading.bytes), b"?" | b".") => {}
            [only] if is_identity(only.of(reading.bytes)) => return Ok(None),
            list => return self.listed(reading, list).map(Some),
        }
        match named_group(reading, metric) {
            None => Ok(None),
            Some(Ok(found)) => Ok(Some(found)),
            Some(Err(symbol)) => {
                let kind = CifErrorKind::UnknownSpaceGroup { symbol: excerpt(symbol.of(reading.bytes)) };
                Err(reading.error_at(kind, symbol))
            }
        }
    }

    fn listed(&mut self, reading: &Reading<'_>, list: &[Span]) -> Result<Found, BuildError> {
        // The bytes from the first to the last operation and their number tell lists apart: what stands between
        // two operations is then given as well.
        let key = reading.block.operation_list.of(reading.bytes);
        let known = self.lists.get(key).filter(|(count, _)| *count == list.len());
        let result = match known {
            Some((_, known)) => known.clone(),
            None => {
                let result = read_list(list, reading.bytes);
                if self.lists.len() >= KEPT_LISTS {
                    self.lists.clear();
                }
                if key.len() <= KEPT_BYTES {
                    self.lists.insert(key.into(), (list.len(), result.clone()));
                }
                result
            }
        };
        let first = list.first().copied().unwrap_or_default();
        match result {
            Ok(operations) => Ok(Found::new(list.last().copied().unwrap_or_default(), operations)),
            Err((operation, problem)) => {
                Err(reading.error_at(CifErrorKind::BadSymmetry { operation, problem }, first))
            }
        }
    }
}

/// The symmetry of a block.
#[derive(Debug)]
pub(super) struct Found {
    /// What named it: a symbol, a number, or the last operation of a list.
    pub(super) symbol: Span,
    /// All operations.
    pub(super) operations: Operations,
    /// The operations from the group's other origin, where the symbol leaves open which of two is meant.
    pub(super) other_origin: Option<Operations>,
}

impl Found {
    fn new(symbol: Span, operations: Operations) -> Self {
        Self { symbol, operations, other_origin: None }
    }
}

/// The group that the block names, or where the symbol or number stands that names none; `None` without any.
fn named_group(reading: &Reading<'_>, metric: &Metric) -> Option<Result<Found, Span>> {
    let text = |tag: Tag| {
        let span = reading.block.item(tag, reading.bytes)?.span;
        Some((String::from_utf8_lossy(span.of(reading.bytes)), span))
    };
    let hall = text(Tag::Hall).or_else(|| text(Tag::OldHall));
    if let Some((symbol, span)) = &hall
        && let Some(operations) = operations_of_hall_symbol(symbol)
    {
        return Some(Ok(Found::new(*span, operations)));
    }
    let hermann_mauguin =
        [Tag::HermannMauguin, Tag::OldHermannMauguin, Tag::HermannMauguinFull, Tag::HermannMauguinReference];
    if let Some((symbol, span)) = hermann_mauguin.into_iter().find_map(text) {
        let Some(operations) = operations_of_hermann_mauguin_symbol(&symbol, metric) else {
            return Some(Err(span));
        };
        // A symbol with two origins can be read with the first one named, unless it names one already.
        let other_origin = operations_of_hermann_mauguin_symbol(&format!("{symbol}:1"), metric);
        return Some(Ok(Found { symbol: span, operations, other_origin }));
    }
    if let Some((_, span)) = hall {
        return Some(Err(span));
    }
    let (number, span) = text(Tag::GroupNumber).or_else(|| text(Tag::OldGroupNumber))?;
    let operations = number.trim().parse().ok().and_then(|number| operations_of_number(number, metric));
    Some(operations.map(|operations| Found::new(span, operations)).ok_or(span))
}

fn read_list(list: &[Span], bytes: &[u8]) -> Result<Operations, BadList> {
    let last = || list.last().map(|span| excerpt(span.of(bytes))).unwrap_or_default();
    if list.len() > MAX_OPERATIONS_LISTED {
        return Err((last(), SymmetryProblem::TooMany));
    }
    let mut operations = Vec::with_capacity(list.len());
    for span in list {
        let text = span.of(bytes);
        let operation = SymmetryOperation::parse(text);
        operations.push(operation.map_err(|problem| (excerpt(text), problem.into()))?);
    }
    without_duplicates(&mut operations);
    if is_group(&operations) { Ok(operations.into()) } else { Err((last(), SymmetryProblem::NotAGroup)) }
}

/// Whether an operation is `x,y,z`, which most lists with one operation hold.
fn is_identity(text: &[u8]) -> bool {
    let mut letters = text.iter().filter(|byte| **byte > b' ');
    b"x,y,z".iter().all(|expected| letters.next().is_some_and(|byte| byte.eq_ignore_ascii_case(expected)))
        && letters.next().is_none()
}
