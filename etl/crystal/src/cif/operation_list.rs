//! Lists of symmetry operations as a data block gives them.

use super::lexer::{Span, says_nothing};

/// Largest number of operations in a list. It allows for space groups in multiple cells.
pub(super) const MAX_OPERATIONS_LISTED: usize = 1024;

/// A list of symmetry operations.
#[derive(Debug, Default)]
pub(super) struct OperationList {
    /// The operations: the first [`MAX_OPERATIONS_LISTED`], and one more if there are more.
    pub(super) operations: Vec<Span>,
    /// Bytes of the file from the start of the first operation to the end of the last one; empty if none is listed.
    pub(super) range: Span,
}

impl OperationList {
    /// Appends an operation, unless there are too many.
    pub(super) fn push(&mut self, operation: Span) {
        if self.operations.is_empty() {
            self.range = operation;
        }
        if self.operations.len() <= MAX_OPERATIONS_LISTED {
            self.operations.push(operation);
            self.range.end = operation.end;
        }
    }

    /// Removes the operations and keeps the allocated memory.
    pub(super) fn clear(&mut self) {
        self.operations.clear();
        self.range = Span::default();
    }

    /// Whether the list has an operation other than `?`, `.` and empty values.
    pub(super) fn says_something(&self, bytes: &[u8]) -> bool {
        self.operations.iter().any(|operation| !says_nothing(operation.of(bytes)))
    }
}
