//! What symbols and numbers say of the symmetry, beside the operations that are used.

use std::collections::HashMap;
use std::sync::Arc;

use super::lexer::Span;
use super::reading::{Reading, excerpt};
use super::tag::Tag;
use crate::symmetry::{
    Metric, SymmetryOperation, operations_of_hall_symbol, operations_of_hermann_mauguin_symbol,
    settings_of_number,
};

/// Distinct symbols kept of each kind.
const KEPT_SYMBOLS: usize = 1024;

/// Types whose cell has three times as many operations in hexagonal axes as in rhombohedral ones.
const RHOMBOHEDRAL: [u32; 7] = [146, 148, 155, 160, 161, 166, 167];

/// Operations of a space group, centring included.
pub(super) type Operations = Arc<[SymmetryOperation]>;

/// A symbol, number or list that says what the symmetry is.
#[derive(Debug)]
pub(super) struct Statement {
    /// The statement, to be quoted.
    pub(super) text: String,
    /// Where it stands.
    pub(super) at: Span,
    /// What it says.
    pub(super) operations: Operations,
}

impl Statement {
    /// Items with a Hall symbol, the one to use first.
    pub(super) const HALL: [Tag; 3] = [Tag::Hall, Tag::OldHall, Tag::OtherHall];

    /// Items with a Hermann-Mauguin symbol, the one to use first.
    pub(super) const HERMANN_MAUGUIN: [Tag; 5] = [
        Tag::HermannMauguin,
        Tag::OldHermannMauguin,
        Tag::HermannMauguinFull,
        Tag::HermannMauguinReference,
        Tag::OtherHermannMauguin,
    ];

    /// Items with the group's number, the one to use first.
    pub(super) const NUMBER: [Tag; 3] = [Tag::GroupNumber, Tag::OldGroupNumber, Tag::OtherGroupNumber];

    /// What an item says; `None` where it says nothing that can be read.
    pub(super) fn read(tag: Tag, reading: &Reading<'_>, metric: &Metric) -> Option<Self> {
        let at = reading.block.item(tag, reading.bytes)?.span;
        let bytes = at.of(reading.bytes);
        let symbol = String::from_utf8_lossy(bytes);
        let operations = if Self::HALL.contains(&tag) {
            operations_of_hall_symbol(&symbol)?
        } else if Self::NUMBER.contains(&tag) {
            settings_of_number(Self::number(bytes)?, None, metric).into_iter().next()?
        } else {
            operations_of_hermann_mauguin_symbol(&symbol, metric)?
        };
        Some(Self { text: format!("{:?}", excerpt(bytes)), at, operations })
    }

    /// Number of a space-group type.
    pub(super) fn number(text: &[u8]) -> Option<u32> {
        std::str::from_utf8(text).ok()?.trim().parse().ok()
    }
}

/// How many rotations and centrings a group has.
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

/// Reads statements; keeps the orders of the groups it has met.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// By text, for Hall symbols, Hermann-Mauguin symbols and numbers; `None` for what cannot be read.
    orders: [HashMap<Box<[u8]>, Option<Order>>; 3],
}

impl Statements {
    /// The first statement of another group than that of these operations, if there is one.
    ///
    /// Groups are told apart by their numbers of rotations and centrings. A number says nothing of the cell: a
    /// list may have more centrings.
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

/// Whether the order of a group depends on the shape of the cell.
fn depends_on_axes(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'r' | b'R' | b'h' | b'H'))
        || Statement::number(text).is_some_and(|number| RHOMBOHEDRAL.contains(&number))
}
