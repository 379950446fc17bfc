//! Columns of a table of predictions, and the values of a row in them.

use std::borrow::Cow;

use serde::Serialize;

use super::row::{Answer, Row, Site};
use crate::predict::model::Quantity;
use crate::report::classes::{most_probable, probability_columns};
use crate::task::Transform;

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: CellKind,
    pub(super) is_nullable: bool,
}

/// Type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellKind {
    Text,
    Number,
    Count,
    Flag,
}

/// A value of the table.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Cell<'a> {
    Text(Option<Cow<'a, str>>),
    Number(Option<f64>),
    Count(u64),
    Flag(Option<bool>),
}

/// Whether a target of a quantity is transformed.
fn is_transformed(quantity: &Quantity) -> bool {
    quantity.targets.iter().any(|target| target.transform != Transform::None)
}

/// Returns the columns of a table.
pub(super) fn columns(quantity: &Quantity) -> Vec<Column> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind, is_nullable: false };
    let text = |name: &str| column(name, CellKind::Text);
    let number = |name: &str| column(name, CellKind::Number);
    let optional = |name: &str| Column { is_nullable: true, ..number(name) };
    let domain = [
        ("domain_distance", CellKind::Number),
        ("unseen_elements", CellKind::Text),
        ("out_of_domain", CellKind::Flag),
    ];
    let domain = domain.map(|(name, kind)| Column { is_nullable: true, ..column(name, kind) });
    let mut columns = vec![text("material_id"), text("formula"), text("property")];
    if quantity.per_site {
        columns.extend([column("site", CellKind::Count), text("element")]);
    }
    if !quantity.classes.is_empty() {
        columns.extend([text("prediction"), number("confidence"), optional("deviation")]);
        columns.extend(probability_columns(&quantity.classes).iter().map(|name| number(name)));
        columns.extend(domain);
        return columns;
    }
    columns.extend([text("unit"), number("prediction")]);
    columns.extend(["deviation", "lower_90", "upper_90"].map(optional));
    if is_transformed(quantity) {
        columns.push(optional("transformed"));
    }
    columns.extend(domain);
    columns
}

/// Returns the values of a row. `text` escapes a text for the format.
pub(super) fn cells<'a>(
    row: &'a Row,
    quantity: &'a Quantity,
    text: fn(&'a str) -> Cow<'a, str>,
) -> Vec<Cell<'a>> {
    let text = |content: &'a str| Cell::Text(Some(text(content)));
    let mut cells = vec![text(&row.material_id), text(&row.formula)];
    match &row.answer {
        Answer::Number(number) => {
            let target = quantity.targets.get(number.target);
            let property = target.map_or("", |target| &target.property);
            let unit = target.map_or("", |target| &target.unit);
            let [lower, upper] = [0, 1].map(|end| number.interval.map(|interval| interval[end]));
            cells.push(text(property));
            if let Some(Site { index, element }) = row.site {
                cells.extend([Cell::Count(index as u64), text(element)]);
            }
            cells.push(text(unit));
            cells.extend([Some(number.prediction), number.deviation, lower, upper].map(Cell::Number));
            if is_transformed(quantity) {
                cells.push(Cell::Number(number.transformed));
            }
        }
        Answer::Class { probabilities, deviation } => {
            let predicted = most_probable(probabilities);
            let property = quantity.targets.first().map_or("", |target| &target.property);
            let class = quantity.classes.get(predicted).map_or("", String::as_str);
            cells.extend([property, class].map(text));
            cells.extend([probabilities.get(predicted).copied(), *deviation].map(Cell::Number));
            cells.extend(probabilities.iter().map(|probability| Cell::Number(Some(*probability))));
        }
    }
    let domain = row.domain.as_ref();
    cells.push(Cell::Number(domain.map(|domain| domain.distance)));
    cells.push(domain.map_or(Cell::Text(None), |domain| text(&domain.unseen_elements)));
    cells.push(Cell::Flag(domain.map(|domain| domain.is_outside)));
    cells
}
