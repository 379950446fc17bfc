//! Compilation of the syntax tree of a filter into a rule on the columns of a store.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Schema};
use crystal::element::{atomic_number, symbol};
use schemas::property::PropertyKind;
use schemas::store::{LabelKind, label_kind};
use strsim::levenshtein;

use super::parse::{Comparison, Node, Value};
use super::rule::{Constant, Rule, Set};
use super::{FilterError, quoted};

/// Checks a filter against a schema and collects the columns that it uses.
pub(super) struct Compiler<'a> {
    text: &'a str,
    schema: &'a Schema,
    /// Indices of the fields, in the order of their first occurrence.
    fields: BTreeMap<String, usize>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(text: &'a str, schema: &'a Schema) -> Self {
        Self { text, schema, fields: BTreeMap::new() }
    }

    /// Returns the fields in the order of their indices.
    pub(super) fn fields(self) -> Vec<String> {
        let mut fields: Vec<(String, usize)> = self.fields.into_iter().collect();
        fields.sort_by_key(|(_, place)| *place);
        fields.into_iter().map(|(field, _)| field).collect()
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// Returns a [`FilterError`] for an unknown field or element, or a comparison of a number with a text.
    pub(super) fn compile(&mut self, node: Node) -> Result<Rule, FilterError> {
        Ok(match node {
            Node::And(parts) => {
                let rules = parts.into_iter().map(|part| self.compile(part));
                Rule::All(rules.collect::<Result<_, _>>()?)
            }
            Node::Or(parts) => self.any(parts)?,
            Node::Not(inner) => Rule::Not(Box::new(self.compile(*inner)?)),
            Node::Known(field) => Rule::Known(self.place(&field)?.0),
            Node::Compare(field, comparison, value) => {
                let (place, constant) = self.constant(&field, value)?;
                Rule::Compare(place, comparison, constant)
            }
            Node::Between(field, low, high) => {
                let (place, low) = self.constant(&field, low)?;
                let (_, high) = self.constant(&field, high)?;
                Rule::All(vec![
                    Rule::Compare(place, Comparison::GreaterOrEqual, low),
                    Rule::Compare(place, Comparison::LessOrEqual, high),
                ])
            }
            Node::In(field, values) => {
                let (place, is_text) = self.place(&field)?;
                let mut set = Set::new(is_text);
                for value in values {
                    set.insert(self.constant(&field, value)?.1);
                }
                Rule::In(place, set)
            }
            Node::Elements(has, symbols) => {
                let symbols: BTreeSet<String> = symbols.into_iter().collect();
                for written in &symbols {
                    // The column holds the symbols in their usual writing, and hydrogen for its isotopes.
                    let meant = atomic_number(written).map(symbol);
                    if meant != Some(written.as_str()) {
                        let (text, symbol) = (quoted(self.text), written.clone());
                        return Err(FilterError::UnknownElement { text, symbol, meant });
                    }
                }
                Rule::Elements(has, symbols)
            }
        })
    }

    /// Compiles a disjunction. Tests of a field for single values are combined into one set.
    fn any(&mut self, parts: Vec<Node>) -> Result<Rule, FilterError> {
        let mut rules = Vec::new();
        let mut sets: BTreeMap<usize, Set> = BTreeMap::new();
        for part in parts {
            match part {
                Node::Compare(field, Comparison::Equal, value) => {
                    let (_, is_text) = self.place(&field)?;
                    let (place, constant) = self.constant(&field, value)?;
                    sets.entry(place).or_insert_with(|| Set::new(is_text)).insert(constant);
                }
                other => rules.push(self.compile(other)?),
            }
        }
        rules.extend(sets.into_iter().map(|(place, set)| Rule::In(place, set)));
        Ok(Rule::Any(rules))
    }

    /// Returns the index of a field, and whether it holds text rather than numbers.
    fn place(&mut self, field: &str) -> Result<(usize, bool), FilterError> {
        let is_scalar = |data_type: &DataType| {
            matches!(data_type, DataType::Utf8 | DataType::Float64 | DataType::UInt32 | DataType::Int8)
        };
        match self.schema.field_with_name(field) {
            Ok(found) if is_scalar(found.data_type()) => {
                let next = self.fields.len();
                let place = match self.fields.get(field) {
                    Some(place) => *place,
                    None => *self.fields.entry(field.to_owned()).or_insert(next),
                };
                Ok((place, *found.data_type() == DataType::Utf8))
            }
            _ => {
                let known = self.schema.fields().iter().filter(|field| is_scalar(field.data_type()));
                let mut known: Vec<&str> = known.map(|field| field.name().as_str()).collect();
                let similar = similar(field, &known);
                known.push("elements (with HAS)");
                Err(FilterError::UnknownField {
                    text: quoted(self.text),
                    field: field.to_owned(),
                    similar,
                    known: known.join(", "),
                })
            }
        }
    }

    /// Whether a field holds truth values.
    fn is_boolean(&self, field: &str) -> bool {
        let kind = self.schema.field_with_name(field).ok().and_then(label_kind);
        kind == Some(LabelKind::Property(PropertyKind::Boolean))
    }

    /// Returns the index of a field, and a constant to compare it with.
    fn constant(&mut self, field: &str, value: Value) -> Result<(usize, Constant), FilterError> {
        let (place, is_text) = self.place(field)?;
        let constant = match (is_text, value) {
            (true, Value::Text(text)) => Constant::Text(text),
            // An identifier may look like a number.
            (true, Value::Number(_, word)) => Constant::Text(word),
            (false, Value::Number(number, _)) => Constant::Number(number),
            (false, Value::Text(value)) => match (self.is_boolean(field), value.parse::<bool>()) {
                (true, Ok(truth)) => Constant::Number(f64::from(u8::from(truth))),
                (is_boolean, _) => {
                    return Err(FilterError::WrongType {
                        text: quoted(self.text),
                        field: field.to_owned(),
                        holds: if is_boolean { "true and false" } else { "numbers" },
                        value,
                    });
                }
            },
        };
        Ok((place, constant))
    }
}

/// Largest number of fields that a message suggests.
const SUGGESTIONS: usize = 3;
/// Largest number of edits between an unknown field and one that is suggested.
const EDITS: usize = 2;

/// Returns the known fields that differ from an unknown one in two letters at most, or that contain its letters and
/// digits, such as `band_gap_ev` for `bandgap`.
fn similar(field: &str, known: &[&str]) -> Vec<String> {
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let wanted = plain(field);
    let is_similar = |name: &&&str| {
        let name = plain(name);
        wanted.len() > EDITS && (name.contains(&wanted) || levenshtein(&wanted, &name) <= EDITS)
    };
    known.iter().filter(is_similar).take(SUGGESTIONS).map(|name| (*name).to_owned()).collect()
}
