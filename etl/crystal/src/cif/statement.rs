//! Space groups given by symbols and numbers, and their comparison with the operations that are used.

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

/// Largest number of distinct symbols of each kind in the cache.
const KEPT_SYMBOLS: usize = 1024;

/// Rhombohedral space-group types. They have three times as many operations in hexagonal axes as in rhombohedral
/// axes.
const RHOMBOHEDRAL: [u32; 7] = [146, 148, 155, 160, 161, 166, 167];

/// Operations of a space group, including centring translations.
pub(super) type Operations = Arc<[SymmetryOperation]>;

/// A symbol, number or list of operations that denotes a space group.
#[derive(Debug)]
pub(super) struct Statement {
    /// The symbol or number in quotes, or a description of the list, for messages.
    pub(super) text: String,
    /// Its place in the file.
    pub(super) at: Span,
    /// Operations of the space group.
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

    /// Whether the block names a space group, readable or not.
    pub(super) fn is_in(block: &RawBlock, bytes: &[u8]) -> bool {
        let tags = Self::HALL.into_iter().chain(Self::HERMANN_MAUGUIN).chain(Self::NUMBER);
        tags.into_iter().any(|tag| block.item(tag, bytes).is_some())
    }

    /// Reads the symbol or number of an item. Returns `None` if it is absent or cannot be read.
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

    /// Parses the number of a space-group type.
    pub(super) fn number(text: &[u8]) -> Option<u32> {
        std::str::from_utf8(text).ok()?.trim().parse().ok()
    }
}

/// Number of rotations and number of centring translations (including the identity) of a space group.
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

/// Compares the space groups that a block names with its operations. Caches the orders of the groups.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// Orders by text, for Hall symbols, Hermann-Mauguin symbols and numbers; `None` for a text that cannot be read.
    orders: [HashMap<Box<[u8]>, Option<Order>>; 3],
}

impl Statements {
    /// Returns the first item that names a space group other than that of the operations.
    ///
    /// Two groups differ if their numbers of rotations or of centring translations do. A space-group number does not
    /// determine the cell, so the operations may have more centring translations than its standard setting.
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

/// Whether the order of a group depends on the shape of the cell, which determines whether the axes are hexagonal or
/// rhombohedral.
fn depends_on_axes(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'r' | b'R' | b'h' | b'H'))
        || Statement::number(text).is_some_and(|number| RHOMBOHEDRAL.contains(&number))
}
