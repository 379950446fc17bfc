//! Neighbours as a table.
//!
//! | column | content |
//! |---|---|
//! | `query`, `query_formula` | identifier and conventional formula of the crystal that was asked for |
//! | `rank` | 1 for the nearest |
//! | `material_id`, `formula` | identifier and conventional formula of the neighbour |
//! | `distance` | root mean square of the differences of the embeddings in standard deviations ([`crate::space`]) |

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Float64Array, StringArray, UInt32Array};
use serde::Serialize;

use crate::table::{Column, Record};

/// A neighbour of a crystal.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identifier of the crystal that was asked for.
    pub query: String,
    /// Its conventional formula.
    pub query_formula: String,
    /// Rank of the neighbour, from 1.
    pub rank: u32,
    /// Identifier of the neighbour.
    pub material_id: String,
    /// Its conventional formula.
    pub formula: String,
    /// Distance in the space of embeddings.
    pub distance: f64,
}

/// A row in CSV and JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    query: Cow<'a, str>,
    query_formula: Cow<'a, str>,
    rank: u32,
    material_id: Cow<'a, str>,
    formula: Cow<'a, str>,
    distance: f64,
}

impl Record for Row {
    fn line<'a>(&'a self, text: fn(&'a str) -> Cow<'a, str>) -> impl Serialize + 'a {
        Line {
            query: text(&self.query),
            query_formula: text(&self.query_formula),
            rank: self.rank,
            material_id: text(&self.material_id),
            formula: text(&self.formula),
            distance: self.distance,
        }
    }

    fn columns(rows: &[Self]) -> Vec<Column> {
        let text = |of: fn(&Self) -> &String| Arc::new(StringArray::from_iter_values(rows.iter().map(of)));
        vec![
            ("query", text(|row| &row.query), false),
            ("query_formula", text(|row| &row.query_formula), false),
            ("rank", Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.rank))), false),
            ("material_id", text(|row| &row.material_id), false),
            ("formula", text(|row| &row.formula), false),
            (
                "distance",
                Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.distance))),
                false,
            ),
        ]
    }
}
