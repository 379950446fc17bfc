//! Evaluation of a filter on rows.

use std::collections::{BTreeSet, HashSet};

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use arrow::datatypes::{Float64Type, Int8Type, UInt32Type};
use arrow::record_batch::RecordBatch;

use super::parse::{Comparison, Has};

/// Name of the column with a crystal's elements.
pub(super) const ELEMENTS: &str = "elements";

/// A condition on a row. Fields are indices into [`Columns`].
#[derive(Debug, Clone)]
pub(super) enum Rule {
    /// All rules hold.
    All(Vec<Rule>),
    /// At least one rule holds.
    Any(Vec<Rule>),
    /// The rule does not hold.
    Not(Box<Rule>),
    /// The field has a value.
    Known(usize),
    /// Comparison of the field with a constant of its type.
    Compare(usize, Comparison, Constant),
    /// Membership of the field in a set of constants.
    In(usize, Set),
    /// A test of the crystal's elements.
    Elements(Has, BTreeSet<String>),
}

/// A constant with the type of its field.
#[derive(Debug, Clone)]
pub(super) enum Constant {
    Number(f64),
    Text(String),
}

/// A set of constants with the type of their field.
#[derive(Debug, Clone)]
pub(super) enum Set {
    /// Numbers by their bit patterns.
    Numbers(HashSet<u64>),
    Texts(HashSet<String>),
}

/// Returns the bit pattern of a number. It is the same for both zeros.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

impl Set {
    /// Creates an empty set of texts or numbers.
    pub(super) fn new(is_text: bool) -> Self {
        if is_text { Self::Texts(HashSet::new()) } else { Self::Numbers(HashSet::new()) }
    }

    /// Adds a constant of the set's type.
    pub(super) fn insert(&mut self, constant: Constant) {
        match (self, constant) {
            (Self::Numbers(numbers), Constant::Number(number)) => {
                numbers.insert(bits(number));
            }
            (Self::Texts(texts), Constant::Text(text)) => {
                texts.insert(text);
            }
            (Self::Numbers(_), Constant::Text(_)) | (Self::Texts(_), Constant::Number(_)) => {}
        }
    }
}

/// A scalar column of a batch.
enum Column<'a> {
    Texts(&'a StringArray),
    Numbers(Vec<Option<f64>>),
}

impl<'a> Column<'a> {
    fn of(array: &'a ArrayRef) -> Self {
        if let Some(texts) = array.as_string_opt() {
            Self::Texts(texts)
        } else if let Some(values) = array.as_primitive_opt::<Float64Type>() {
            Self::Numbers(values.iter().collect())
        } else if let Some(values) = array.as_primitive_opt::<UInt32Type>() {
            Self::Numbers(values.iter().map(|value| value.map(f64::from)).collect())
        } else if let Some(values) = array.as_primitive_opt::<Int8Type>() {
            Self::Numbers(values.iter().map(|value| value.map(f64::from)).collect())
        } else {
            Self::Numbers(Vec::new())
        }
    }
}

/// The value of a column in a row.
enum Cell<'a> {
    Number(f64),
    Text(&'a str),
}

/// The columns of a batch that a filter uses.
pub(super) struct Columns<'a> {
    fields: Vec<Column<'a>>,
    elements: Option<(&'a ListArray, &'a StringArray)>,
}

impl<'a> Columns<'a> {
    /// Selects the columns with these names. A column that does not exist has no values.
    pub(super) fn of(batch: &'a RecordBatch, fields: &[String]) -> Self {
        let column = |field: &String| batch.column_by_name(field).map(Column::of);
        let fields =
            fields.iter().map(|field| column(field).unwrap_or(Column::Numbers(Vec::new()))).collect();
        let lists = batch.column_by_name(ELEMENTS).and_then(|array| array.as_list_opt::<i32>());
        let elements = lists.and_then(|lists| Some((lists, lists.values().as_string_opt::<i32>()?)));
        Self { fields, elements }
    }

    fn cell(&self, field: usize, row: usize) -> Option<Cell<'_>> {
        match self.fields.get(field)? {
            Column::Texts(texts) => texts.is_valid(row).then(|| Cell::Text(texts.value(row))),
            Column::Numbers(numbers) => numbers.get(row).copied().flatten().map(Cell::Number),
        }
    }

    /// Returns the elements of a row.
    fn symbols(&self, row: usize) -> Option<impl Iterator<Item = &str> + Clone> {
        let (lists, symbols) = self.elements?;
        let bounds = lists.value_offsets().get(row..row + 2)?;
        let range = usize::try_from(bounds[0]).ok()?..usize::try_from(bounds[1]).ok()?;
        Some(range.map(move |at| symbols.value(at)))
    }
}

impl Rule {
    /// Whether the rule holds for a row. Returns `None` if that depends on an unknown value.
    pub(super) fn holds(&self, columns: &Columns<'_>, row: usize) -> Option<bool> {
        match self {
            Self::All(rules) => decided(rules, columns, row, false),
            Self::Any(rules) => decided(rules, columns, row, true),
            Self::Not(rule) => rule.holds(columns, row).map(|holds| !holds),
            Self::Known(field) => Some(columns.cell(*field, row).is_some()),
            Self::Compare(field, comparison, constant) => match (columns.cell(*field, row)?, constant) {
                (Cell::Number(number), Constant::Number(constant)) => {
                    Some(comparison.holds(&number, constant))
                }
                (Cell::Text(text), Constant::Text(constant)) => Some(comparison.holds(text, constant)),
                _ => None,
            },
            Self::In(field, set) => match (columns.cell(*field, row)?, set) {
                (Cell::Number(number), Set::Numbers(numbers)) => Some(numbers.contains(&bits(number))),
                (Cell::Text(text), Set::Texts(texts)) => Some(texts.contains(text)),
                _ => None,
            },
            Self::Elements(has, wanted) => {
                let mut symbols = columns.symbols(row)?;
                Some(match has {
                    Has::All => wanted.iter().all(|wanted| symbols.clone().any(|symbol| symbol == wanted)),
                    Has::Any => symbols.any(|symbol| wanted.contains(symbol)),
                    Has::Only => symbols.all(|symbol| wanted.contains(symbol)),
                })
            }
        }
    }
}

/// Combines rules: the result is `decisive` if any of them is, otherwise unknown if any of them is unknown, otherwise
/// the negation of `decisive`.
fn decided(rules: &[Rule], columns: &Columns<'_>, row: usize, decisive: bool) -> Option<bool> {
    let mut result = Some(!decisive);
    for rule in rules {
        match rule.holds(columns, row) {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

impl Comparison {
    /// Whether the comparison holds for two values.
    fn holds<T: PartialOrd + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}
