//! Pairs of crystals as a table.
//!
//! | column | content |
//! |---|---|
//! | `first`, `first_formula`, `second`, `second_formula` | identifiers and conventional formulas; `first` comes first in the order of the identifiers |
//! | `same_structure` | whether the structures are the same ([`crate::duplicates`]) |
//! | `distance` | distance of the embeddings ([`crate::space`]), if there are any |
//! | `leak` | columns of splits and folds in which the two lie in different parts, such as `split: train, test`; empty if there are none |

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{BooleanArray, Float64Array, StringArray};
use serde::Serialize;

use crate::table::{Column, Record};

/// Two crystals that are the same structure or have embeddings near each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identifier of the first crystal.
    pub first: String,
    /// Its conventional formula.
    pub first_formula: String,
    /// Identifier of the second crystal.
    pub second: String,
    /// Its conventional formula.
    pub second_formula: String,
    /// Whether the structures are the same.
    pub same_structure: bool,
    /// Distance between the two embeddings: the root mean square of their differences, in standard deviations over the
    /// shards' crystals. `None` if no embeddings were given.
    pub distance: Option<f64>,
    /// Splits and folds that put the two into different parts, such as `split: train, test`; `None` if there are none.
    pub leak: Option<String>,
}

/// A row in CSV and JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    first: Cow<'a, str>,
    first_formula: Cow<'a, str>,
    second: Cow<'a, str>,
    second_formula: Cow<'a, str>,
    same_structure: bool,
    distance: Option<f64>,
    leak: Option<Cow<'a, str>>,
}

impl Record for Row {
    fn line<'a>(&'a self, text: fn(&'a str) -> Cow<'a, str>) -> impl Serialize + 'a {
        Line {
            first: text(&self.first),
            first_formula: text(&self.first_formula),
            second: text(&self.second),
            second_formula: text(&self.second_formula),
            same_structure: self.same_structure,
            distance: self.distance,
            leak: self.leak.as_deref().map(text),
        }
    }

    fn columns(rows: &[Self]) -> Vec<Column> {
        let text = |of: fn(&Self) -> &String| Arc::new(StringArray::from_iter_values(rows.iter().map(of)));
        let same = rows.iter().map(|row| Some(row.same_structure)).collect::<BooleanArray>();
        vec![
            ("first", text(|row| &row.first), false),
            ("first_formula", text(|row| &row.first_formula), false),
            ("second", text(|row| &row.second), false),
            ("second_formula", text(|row| &row.second_formula), false),
            ("same_structure", Arc::new(same), false),
            ("distance", Arc::new(rows.iter().map(|row| row.distance).collect::<Float64Array>()), true),
            ("leak", Arc::new(rows.iter().map(|row| row.leak.as_deref()).collect::<StringArray>()), true),
        ]
    }
}
