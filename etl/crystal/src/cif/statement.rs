//! Space groups named by symbols and numbers, and their comparison with the operations that are used.

use std::collections::HashMap;
use std::sync::Arc;

use super::block::RawBlock;
use super::lexer::Span;
use super::reading::{Reading, excerpt};
use super::tag::Tag;
use crate::symmetry::{
    Metric, SymmetryOperation, operations_of_hall_symbol, operations_of_hermann_mauguin_symbol,
    operations_of_number,
};

/// Distinct symbols kept of each kind.
const KEPT_SYMBOLS: usize = 1024;

/// Rhombohedral space-group types, which have three times as many operations in hexagonal axes as in rhombohedral
/// ones.
const RHOMBOHEDRAL: [u32; 7] = [146, 148, 155, 160, 161, 166, 167];

/// Operations of a space group, centring included.
pub(super) type Operations = Arc<[SymmetryOperation]>;

/// A symbol, number or list of operations that names a space group.
#[derive(Debug)]
pub(super) struct Statement {
    /// The symbol or number in quotes, or a description of the list, for messages.
    pub(super) text: String,
    /// Its place in the file.
    pub(super) at: Span,
    /// Operations of the group it names.
    pub(super) operations: Operations,
}

impl Statement {
    /// Items with a Hall symbol, in order of preference.
    pub(super) const HALL: [Tag; 3] = [Tag::Hall, Tag::OldHall, Tag::OtherHall];

    /// Items with a Hermann-Mauguin symbol, in order of preference.
    pub(super) const HERMANN_MAUGUIN: [Tag; 5] = [
        Tag::HermannMauguin,
        Tag::OldHermannMauguin,
        Tag::HermannMauguinFull,
        Tag::HermannMauguinReference,
        Tag::OtherHermannMauguin,
    ];

    /// Items with the number of the space-group type, in order of preference.
    pub(super) const NUMBER: [Tag; 3] = [Tag::GroupNumber, Tag::OldGroupNumber, Tag::OtherGroupNumber];

    /// Returns whether the block names a space group, in a form that can be read or not.
    pub(super) fn is_in(block: &RawBlock, bytes: &[u8]) -> bool {
        let tags = Self::HALL.into_iter().chain(Self::HERMANN_MAUGUIN).chain(Self::NUMBER);
        tags.into_iter().any(|tag| block.item(tag, bytes).is_some())
    }

    /// Reads the symbol or number of an item; `None` where there is none that can be read.
    pub(super) fn read(tag: Tag, reading: &Reading<'_>, metric: &Metric) -> Option<Self> {
        let at = reading.block.item(tag, reading.bytes)?.span;
        let bytes = at.of(reading.bytes);
        let symbol = String::from_utf8_lossy(bytes);
        let operations = if Self::HALL.contains(&tag) {
            operations_of_hall_symbol(&symbol)?
        } else if Self::NUMBER.contains(&tag) {
            operations_of_number(Self::number(bytes)?, metric)?
        } else {
            operations_of_hermann_mauguin_symbol(&symbol, metric)?
        };
        Some(Self { text: format!("{:?}", excerpt(bytes)), at, operations })
    }

    /// Reads the number of a space-group type.
    pub(super) fn number(text: &[u8]) -> Option<u32> {
        std::str::from_utf8(text).ok()?.trim().parse().ok()
    }
}

/// Numbers of rotations and of centring translations (the identity included) of a space group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    rotations: usize,
    centrings: usize,
}

impl Order {
    fn of(operations: &[SymmetryOperation]) -> Self {
        let is_centring =
            |operation: &&SymmetryOperation| operation.rotation == SymmetryOperation::IDENTITY.rotation;
        let centrings = operations.iter().filter(is_centring).count().max(1);
        Self { rotations: operations.len() / centrings, centrings }
    }
}

/// Compares the statements of blocks with their operations. Keeps the orders of the groups that it has met.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// Orders by text, of Hall symbols, Hermann-Mauguin symbols and numbers; `None` for a text that cannot be read.
    orders: [HashMap<Box<[u8]>, Option<Order>>; 3],
}

impl Statements {
    /// Returns the first statement that names another group than that of the operations.
    ///
    /// Two groups are different if their numbers of rotations or centrings are. A space-group number does not tell
    /// the cell, so that the operations may have more centrings than its standard setting.
    pub(super) fn first_other(
        &mut self,
        operations: &[SymmetryOperation],
        reading: &Reading<'_>,
        metric: &Metric,
    ) -> Option<Statement> {
        let order = Order::of(operations);
        let kinds = [Statement::HALL.as_slice(), &Statement::HERMANN_MAUGUIN, &Statement::NUMBER];
        for (kind, (tags, known)) in kinds.into_iter().zip(&mut self.orders).enumerate() {
            let is_number = kind == 2;
            for &tag in tags {
                let Some(text) = reading.text(tag) else { continue };
                if operations.len() == 1 && matches!(text, b"P 1" | b"P1" | b"1") {
                    continue;
                }
                let stated = match known.get(text) {
                    Some(stated) => *stated,
                    None => {
                        let stated = Statement::read(tag, reading, metric);
                        let stated = stated.map(|stated| Order::of(&stated.operations));
                        if !depends_on_axes(text) {
                            if known.len() >= KEPT_SYMBOLS {
                                known.clear();
                            }
                            known.insert(text.into(), stated);
                        }
                        stated
                    }
                };
                let agrees = |stated: Order| {
                    stated == order
                        || (is_number
                            && stated.rotations == order.rotations
                            && stated.centrings < order.centrings)
                };
                if stated.is_some_and(|stated| !agrees(stated)) {
                    return Statement::read(tag, reading, metric);
                }
            }
        }
        None
    }
}

/// Returns whether the order of a group depends on the shape of the cell, which decides between hexagonal and
/// rhombohedral axes.
fn depends_on_axes(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'r' | b'R' | b'h' | b'H'))
        || Statement::number(text).is_some_and(|number| RHOMBOHEDRAL.contains(&number))
}
