//! Symmetry operations of magnetic space groups, with the data names of the magCIF dictionary. Only the spatial part
//! is used, because time reversal does not move atoms.

use super::error::{CifErrorKind, SymmetryProblem};
use super::lexer::{Span, says_nothing};
use super::operation_list::MAX_OPERATIONS_LISTED;
use super::reading::{BuildError, Reading, excerpt};
use super::statement::Operations;
use super::tag::ListTag;
use crate::symmetry::{SymmetryOperation, group_of, without_duplicates};

/// Returns the spatial parts of a block's magnetic operations, combined with its centring operations, and the place
/// of the last one. Returns `None` if the block lists neither.
pub(super) fn magnetic_operations(reading: &Reading<'_>) -> Result<Option<(Operations, Span)>, BuildError> {
    let operations = read_list(reading, ListTag::MagneticOperation)?;
    let centrings = read_list(reading, ListTag::MagneticCentring)?;
    let Some(last) = operations.iter().chain(&centrings).map(|(_, span)| *span).next_back() else {
        return Ok(None);
    };
    let bad = |problem: SymmetryProblem| {
        let operation = excerpt(last.of(reading.bytes));
        Err(reading.error_at(CifErrorKind::BadSymmetry { operation, problem }, last))
    };
    let identity = [(SymmetryOperation::IDENTITY, last)];
    let or_identity =
        |list: &[(SymmetryOperation, Span)]| if list.is_empty() { identity.to_vec() } else { list.to_vec() };
    let (operations, centrings) = (or_identity(&operations), or_identity(&centrings));
    if operations.len() * centrings.len() > MAX_OPERATIONS_LISTED {
        return bad(SymmetryProblem::TooMany);
    }
    let mut all = Vec::with_capacity(operations.len() * centrings.len());
    for (centring, _) in &centrings {
        for (operation, _) in &operations {
            match centring.after(operation) {
                Some(product) => all.push(product),
                None => return bad(SymmetryProblem::NotAGroup),
            }
        }
    }
    // An operation with and without time reversal has the same spatial part.
    without_duplicates(&mut all);
    match group_of(&all) {
        Some(group) => Ok(Some((group.into(), last))),
        None => bad(SymmetryProblem::NotAGroup),
    }
}

/// Reads the spatial parts of a list of operations, with the place of each.
fn read_list(reading: &Reading<'_>, tag: ListTag) -> Result<Vec<(SymmetryOperation, Span)>, BuildError> {
    let mut list = Vec::new();
    for &span in &reading.block.list(tag).operations {
        let text = span.of(reading.bytes);
        if says_nothing(text) {
            continue;
        }
        let operation = SymmetryOperation::parse(without_time(text));
        let operation = operation.map_err(|problem| {
            let kind = CifErrorKind::BadSymmetry { operation: excerpt(text), problem: problem.into() };
            reading.error_at(kind, span)
        })?;
        list.push((operation, span));
    }
    Ok(list)
}

/// Removes the time reversal of an operation: `x,y,z,+1` becomes `x,y,z`.
fn without_time(operation: &[u8]) -> &[u8] {
    match operation.iter().rposition(|&byte| byte == b',') {
        Some(comma) if matches!(operation[comma + 1..].trim_ascii(), b"1" | b"+1" | b"-1" | b"m" | b"-m") => {
            &operation[..comma]
        }
        _ => operation,
    }
}
