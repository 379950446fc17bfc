//! The symmetry operations of a block, from its list of operations or else from its space-group symbol or number.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::{CifErrorKind, SymmetryProblem};
use super::lexer::Span;
use super::magnetic::magnetic_operations;
use super::number::parse_number;
use super::operation_list::{MAX_OPERATIONS_LISTED, OperationList};
use super::reading::{BuildError, Reading, excerpt};
use super::statement::{Operations, Statement, Statements};
use super::tag::{ListTag, Tag};
use crate::symmetry::{
    Metric, SymmetryOperation, fits_cell, group_of, operations_of_hermann_mauguin_symbol,
    settings_of_hermann_mauguin_symbol, settings_of_number, without_duplicates,
};

/// Largest number of distinct lists of operations in the cache. Files of one source share few lists.
const KEPT_LISTS: usize = 1024;

/// Longest list of operations in the cache, in bytes.
const KEPT_BYTES: usize = 32 * 1024;

/// Lists of operations that are not magnetic, in order of preference.
const ORDINARY_LISTS: [ListTag; 3] = [ListTag::Operation, ListTag::OldOperation, ListTag::OtherOperation];

/// Error of a list that is not a space group: the operation to quote, and the problem.
type BadList = (String, SymmetryProblem);

/// The number of operations in the list, and the operations or the error.
type KnownList = (usize, Result<Operations, BadList>);

/// Reads the operations of blocks and caches lists.
#[derive(Debug, Default)]
pub(super) struct GroupReader {
    lists: HashMap<Box<[u8]>, KnownList>,
    statements: Statements,
}

/// The symmetry of a block, as far as it is known without the sites.
#[derive(Debug)]
pub(super) struct Found {
    /// Place of the symbol, the number or the last operation of the list. Without any of them it is that of the
    /// crystal system, or empty.
    pub(super) symbol: Span,
    /// All operations of the space group.
    pub(super) operations: Operations,
    /// The remaining ambiguity.
    pub(super) doubt: Doubt,
}

/// Ambiguity in the symmetry of a block.
#[derive(Debug)]
pub(super) enum Doubt {
    /// None.
    None,
    /// The symbol does not determine the origin choice. Holds the operations for the other origin.
    Origin(Operations),
    /// Only the number is given, and its space-group type has several settings that fit the cell. Holds the
    /// operations of all of them.
    Settings(Vec<Operations>),
    /// Another item of the block names a different space group.
    Statement(Statement),
    /// The operations are those of a magnetic space group, which other symbols of the block need not name.
    Magnetic,
    /// The block lists the identity as its only operation and names no space group.
    Bare,
    /// The block names no space group and lists no operation.
    Unnamed,
}

impl GroupReader {
    /// Returns the operations of the block's space group. It is an error if they do not fit the unit cell.
    ///
    /// The first of these that the block has is used: magnetic operations, a list of operations, the Hall symbol, the
    /// Hermann-Mauguin symbol, the space-group number. A Hermann-Mauguin symbol that cannot be read is an error even
    /// if there is a number, because the number does not determine the setting. If the block has none of them, its
    /// sites are assumed to be the complete unit cell.
    pub(super) fn operations(&mut self, reading: &Reading<'_>, metric: &Metric) -> Result<Found, BuildError> {
        check_modulation(reading)?;
        let found = self.find(reading, metric)?;
        if fits_cell(&found.operations, metric) {
            return Ok(found);
        }
        let symbol = excerpt(found.symbol.of(reading.bytes));
        Err(reading.error_at(CifErrorKind::SymmetryMisfit { symbol }, found.symbol))
    }

    /// Returns the operations as [`GroupReader::operations`] does, but does not compare them with the unit cell.
    pub(super) fn find(&mut self, reading: &Reading<'_>, metric: &Metric) -> Result<Found, BuildError> {
        if let Some((operations, last)) = magnetic_operations(reading)? {
            return Ok(Found { symbol: last, operations, doubt: Doubt::Magnetic });
        }
        let is_said = |tag: &&ListTag| reading.block.list(**tag).says_something(reading.bytes);
        let mut lists = ORDINARY_LISTS.iter().filter(is_said);
        let mut found = match lists.next() {
            Some(tag) => self.of_list(reading, reading.block.list(*tag))?,
            None => match named_group(reading, metric)? {
                Some(found) => found,
                None => return unnamed_group(reading),
            },
        };
        for tag in lists {
            let other = self.of_list(reading, reading.block.list(*tag))?;
            if !is_same_set(&found.operations, &other.operations) {
                let text = "another list of operations".to_owned();
                let (at, operations) = (other.symbol, other.operations);
                found.doubt = Doubt::Statement(Statement { text, at, operations });
                break;
            }
        }
        if matches!(found.doubt, Doubt::None)
            && let Some(statement) = self.statements.first_other(&found.operations, reading, metric)
        {
            found.doubt = Doubt::Statement(statement);
        }
        if matches!(found.doubt, Doubt::None)
            && found.operations.len() == 1
            && !Statement::is_in(reading.block, reading.bytes)
        {
            found.doubt = Doubt::Bare;
        }
        Ok(found)
    }

    fn of_list(&mut self, reading: &Reading<'_>, list: &OperationList) -> Result<Found, BuildError> {
        // Two lists are equal if they have the same number of operations and the same bytes from the first to the
        // last operation.
        let key = list.range.of(reading.bytes);
        let known = self.lists.get(key).filter(|(count, _)| *count == list.operations.len());
        let result = match known {
            Some((_, known)) => known.clone(),
            None => {
                let result = read_list(&list.operations, reading.bytes);
                if self.lists.len() >= KEPT_LISTS {
                    self.lists.clear();
                }
                if key.len() <= KEPT_BYTES {
                    self.lists.insert(key.into(), (list.operations.len(), result.clone()));
                }
                result
            }
        };
        let symbol = list.operations.last().copied().unwrap_or_default();
        match result {
            Ok(operations) => Ok(Found { symbol, operations, doubt: Doubt::None }),
            Err((operation, problem)) => {
                let first = list.operations.first().copied().unwrap_or_default();
                Err(reading.error_at(CifErrorKind::BadSymmetry { operation, problem }, first))
            }
        }
    }
}

/// Refuses modulated structures, which have no three-dimensional unit cell.
fn check_modulation(reading: &Reading<'_>) -> Result<(), BuildError> {
    let dimension = reading.block.item(Tag::ModulationDimension, reading.bytes);
    let dimension = dimension.filter(|value| parse_number(value.span.of(reading.bytes)) != Some(0.0));
    let superspace = reading.block.item(Tag::Superspace, reading.bytes);
    for (value, item) in [(superspace, "_space_group_ssg"), (dimension, "_cell_modulation_dimension")] {
        if let Some(value) = value {
            let kind = CifErrorKind::Modulated { item, value: excerpt(value.span.of(reading.bytes)) };
            return Err(reading.error_at(kind, value.span));
        }
    }
    Ok(())
}

/// Returns the space group that the block names by a symbol or number, or `None` if there is none.
fn named_group(reading: &Reading<'_>, metric: &Metric) -> Result<Option<Found>, BuildError> {
    let span = |tag: Tag| reading.block.item(tag, reading.bytes).map(|value| value.span);
    let unknown = |span: Span| {
        let kind = CifErrorKind::UnknownSpaceGroup { symbol: excerpt(span.of(reading.bytes)) };
        reading.error_at(kind, span)
    };
    let hall = Statement::HALL.into_iter().find_map(|tag| Some((tag, span(tag)?)));
    if let Some((tag, at)) = hall
        && let Some(statement) = Statement::read(tag, reading, metric)
    {
        check_once(tag, reading)?;
        let doubt = other_setting(&statement, reading, metric).map_or(Doubt::None, Doubt::Statement);
        return Ok(Some(Found { symbol: at, operations: statement.operations, doubt }));
    }
    if let Some((tag, at)) = Statement::HERMANN_MAUGUIN.into_iter().find_map(|tag| Some((tag, span(tag)?))) {
        check_once(tag, reading)?;
        let Some(statement) = Statement::read(tag, reading, metric) else { return Err(unknown(at)) };
        // A symbol that allows two origins is read with the first one, unless it already names one.
        let symbol = String::from_utf8_lossy(at.of(reading.bytes));
        let other = operations_of_hermann_mauguin_symbol(&format!("{symbol}:1"), metric);
        let doubt = other.map_or(Doubt::None, Doubt::Origin);
        return Ok(Some(Found { symbol: at, operations: statement.operations, doubt }));
    }
    if let Some((_, at)) = hall {
        return Err(unknown(at));
    }
    let Some((tag, at)) = Statement::NUMBER.into_iter().find_map(|tag| Some((tag, span(tag)?))) else {
        return Ok(None);
    };
    check_once(tag, reading)?;
    let number = Statement::number(at.of(reading.bytes));
    let code = reading.text(Tag::CoordinateSystem).and_then(|code| std::str::from_utf8(code).ok());
    let settings = number.map(|number| settings_of_number(number, code, metric)).unwrap_or_default();
    let Some(operations) = settings.first().cloned() else { return Err(unknown(at)) };
    let doubt = if settings.len() > 1 { Doubt::Settings(settings) } else { Doubt::None };
    Ok(Some(Found { symbol: at, operations, doubt }))
}

/// Returns the first Hermann-Mauguin symbol of the block that does not denote the group of the Hall symbol with its origin
/// and axes, in any of its settings.
fn other_setting(hall: &Statement, reading: &Reading<'_>, metric: &Metric) -> Option<Statement> {
    // A Hall symbol may state a shift of the origin, which a Hermann-Mauguin symbol cannot contradict.
    if hall.at.of(reading.bytes).contains(&b'(') {
        return None;
    }
    let is_meant = |operations: &Operations| {
        Arc::ptr_eq(operations, &hall.operations) || is_same_set(operations, &hall.operations)
    };
    // The reference symbol is that of the standard setting, whatever the axes of the file.
    let mut tags = Statement::HERMANN_MAUGUIN.into_iter().filter(|tag| *tag != Tag::HermannMauguinReference);
    tags.find_map(|tag| {
        let symbol = String::from_utf8_lossy(reading.text(tag)?);
        let settings = settings_of_hermann_mauguin_symbol(&symbol);
        if settings.is_empty() || settings.iter().any(is_meant) {
            return None;
        }
        Statement::read(tag, reading, metric)
    })
}

/// Checks that the item that determines the space group does not have two different values.
fn check_once(tag: Tag, reading: &Reading<'_>) -> Result<(), BuildError> {
    let Some(name) = reading.block.contradicted(tag) else { return Ok(()) };
    Err(reading.error_at(CifErrorKind::DuplicateItem { item: excerpt(name.of(reading.bytes)) }, name))
}

/// Returns the identity for a block that does not name a space group. It is an error if the block names one in an
/// unsupported form, such as a Schoenflies symbol.
fn unnamed_group(reading: &Reading<'_>) -> Result<Found, BuildError> {
    for tag in [Tag::OtherSymmetry, Tag::MagneticGroup] {
        let Some(value) = reading.block.item(tag, reading.bytes) else { continue };
        let symbol = excerpt(value.span.of(reading.bytes));
        if !matches!(symbol.trim(), "C1" | "C1^1" | "C1-1") {
            return Err(reading.error_at(CifErrorKind::UnknownSpaceGroup { symbol }, value.span));
        }
    }
    let system = reading.block.item(Tag::CrystalSystem, reading.bytes);
    let operations = Arc::from([SymmetryOperation::IDENTITY]);
    let symbol = system.map(|value| value.span).unwrap_or_default();
    Ok(Found { symbol, operations, doubt: Doubt::Unnamed })
}

/// Whether two lists hold the same operations in any order. The operations of each list must be distinct.
fn is_same_set(first: &[SymmetryOperation], second: &[SymmetryOperation]) -> bool {
    let mut all = [first, second].concat();
    without_duplicates(&mut all);
    first.len() == second.len() && all.len() == first.len()
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
    let group = group_of(&operations).ok_or_else(|| (last(), SymmetryProblem::NotAGroup))?;
    Ok(group.into())
}
