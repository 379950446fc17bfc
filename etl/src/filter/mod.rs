//! `--filter`: expressions over the property table, evaluated by polars a batch at a time.

mod parse;

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int8Type, Schema, UInt32Type};
use arrow::record_batch::RecordBatch;
use polars::prelude::{Column, DataFrame, Expr, IntoLazy, NamedFrom, PolarsError, Series, col, lit};

pub use parse::{Comparison, Has, Node, ParseError, Value};

use crate::element::atomic_number;

/// A filter that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// It cannot be understood.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It names a field that the store does not have.
    #[error("filter '{text}': there is no field '{field}'; there are {known}")]
    UnknownField {
        /// The filter.
        text: String,
        /// The field.
        field: String,
        /// The fields there are.
        known: String,
    },
    /// It compares a number with a text.
    #[error("filter '{text}': field '{field}' holds {holds}, '{value}' is not")]
    WrongType {
        /// The filter.
        text: String,
        /// The field.
        field: String,
        /// `numbers` or `text`.
        holds: &'static str,
        /// The constant.
        value: String,
    },
    /// It names an element that does not exist.
    #[error("filter '{text}': '{symbol}' is no element")]
    UnknownElement {
        /// The filter.
        text: String,
        /// The symbol.
        symbol: String,
    },
    /// It could not be evaluated.
    #[error("filter '{text}': {source}")]
    Evaluation {
        /// The filter.
        text: String,
        /// What polars said.
        source: PolarsError,
    },
}

/// Prefix of the helper columns that tell whether an element occurs.
const HAS_PREFIX: &str = "has ";

/// A filter that was checked against the columns of a store.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    expression: Expr,
    fields: BTreeSet<String>,
    elements: BTreeSet<String>,
}

impl Filter {
    /// Reads a filter on rows of `schema`.
    ///
    /// # Errors
    /// [`FilterError`]: malformed, an unknown field or element, a number compared with a text.
    pub fn new(text: &str, schema: &Schema) -> Result<Self, FilterError> {
        let node = parse::parse(text)?;
        let mut compiler = Compiler { text, schema, fields: BTreeSet::new(), elements: BTreeSet::new() };
        let expression = compiler.compile(&node)?;
        let Compiler { fields, elements, .. } = compiler;
        Ok(Self { text: text.to_owned(), expression, fields, elements })
    }

    /// The filter as given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether each row passes.
    ///
    /// # Errors
    /// [`FilterError::Evaluation`] if polars cannot evaluate it.
    pub fn matches(&self, batch: &RecordBatch) -> Result<Vec<bool>, FilterError> {
        let evaluate = || {
            let frame = DataFrame::new_infer_height(self.columns(batch))?;
            let result = frame.lazy().select([self.expression.clone().alias("keep")]).collect()?;
            let keep = result.column("keep")?.bool()?.iter().map(|keep| keep.unwrap_or(false)).collect();
            Ok(keep)
        };
        evaluate().map_err(|source| FilterError::Evaluation { text: self.text.clone(), source })
    }

    /// The columns that the filter looks at; the number of rows in any case.
    fn columns(&self, batch: &RecordBatch) -> Vec<Column> {
        let mut columns = Vec::with_capacity(self.fields.len() + self.elements.len());
        for field in &self.fields {
            if let Some(array) = batch.column_by_name(field) {
                columns.push(column(field, array));
            }
        }
        if let Some(lists) = batch.column_by_name("elements").and_then(|array| array.as_list_opt::<i32>()) {
            for element in &self.elements {
                let has: Vec<bool> = (0..lists.len())
                    .map(|row| {
                        lists.value(row).as_string_opt::<i32>().is_some_and(|symbols| {
                            symbols.iter().any(|symbol| symbol == Some(element.as_str()))
                        })
                    })
                    .collect();
                columns.push(Series::new(format!("{HAS_PREFIX}{element}").into(), has).into());
            }
        }
        columns
    }
}

/// A scalar Arrow column as a polars one.
fn column(name: &str, array: &dyn Array) -> Column {
    let series = match array.data_type() {
        DataType::Utf8 => {
            let values: Vec<Option<&str>> =
                array.as_string_opt::<i32>().map(|texts| texts.iter().collect()).unwrap_or_default();
            Series::new(name.into(), values)
        }
        _ => Series::new(name.into(), numbers(array)),
    };
    series.into()
}

/// A numeric Arrow column as doubles.
fn numbers(array: &dyn Array) -> Vec<Option<f64>> {
    if let Some(values) = array.as_primitive_opt::<Float64Type>() {
        values.iter().collect()
    } else if let Some(values) = array.as_primitive_opt::<UInt32Type>() {
        values.iter().map(|value| value.map(f64::from)).collect()
    } else if let Some(values) = array.as_primitive_opt::<Int8Type>() {
        values.iter().map(|value| value.map(f64::from)).collect()
    } else {
        vec![None; array.len()]
    }
}

/// Turns the tree into a polars expression and collects what it needs.
struct Compiler<'a> {
    text: &'a str,
    schema: &'a Schema,
    fields: BTreeSet<String>,
    elements: BTreeSet<String>,
}

impl Compiler<'_> {
    fn compile(&mut self, node: &Node) -> Result<Expr, FilterError> {
        Ok(match node {
            Node::And(left, right) => self.compile(left)?.and(self.compile(right)?),
            Node::Or(left, right) => self.compile(left)?.or(self.compile(right)?),
            Node::Not(inner) => self.compile(inner)?.not(),
            Node::Known(field) => {
                self.holds_text(field)?;
                col(field.as_str()).is_not_null()
            }
            Node::Compare(field, comparison, value) => {
                let (field, value) = (col(field.as_str()), self.constant(field, value)?);
                match comparison {
                    Comparison::Equal => field.eq(value),
                    Comparison::NotEqual => field.neq(value),
                    Comparison::Less => field.lt(value),
                    Comparison::LessOrEqual => field.lt_eq(value),
                    Comparison::Greater => field.gt(value),
                    Comparison::GreaterOrEqual => field.gt_eq(value),
                }
            }
            Node::Between(field, low, high) => {
                let (low, high) = (self.constant(field, low)?, self.constant(field, high)?);
                col(field.as_str()).gt_eq(low).and(col(field.as_str()).lt_eq(high))
            }
            Node::In(field, values) => {
                let mut any = lit(false);
                for value in values {
                    any = any.or(col(field.as_str()).eq(self.constant(field, value)?));
                }
                any
            }
            Node::Elements(has, symbols) => self.elements(*has, symbols)?,
        })
    }

    /// Whether a field holds text rather than numbers; it is noted as needed.
    fn holds_text(&mut self, field: &str) -> Result<bool, FilterError> {
        let is_scalar = |data_type: &DataType| {
            matches!(data_type, DataType::Utf8 | DataType::Float64 | DataType::UInt32 | DataType::Int8)
        };
        match self.schema.field_with_name(field) {
            Ok(found) if is_scalar(found.data_type()) => {
                self.fields.insert(field.to_owned());
                Ok(*found.data_type() == DataType::Utf8)
            }
            _ => {
                let known = self.schema.fields().iter().filter(|field| is_scalar(field.data_type()));
                let mut known: Vec<&str> = known.map(|field| field.name().as_str()).collect();
                known.push("elements (with HAS)");
                Err(FilterError::UnknownField {
                    text: self.text.to_owned(),
                    field: field.to_owned(),
                    known: known.join(", "),
                })
            }
        }
    }

    fn constant(&mut self, field: &str, value: &Value) -> Result<Expr, FilterError> {
        match (self.holds_text(field)?, value) {
            (true, Value::Text(text)) => Ok(lit(text.clone())),
            // An identifier may look like a number.
            (true, Value::Number(number)) => Ok(lit(number.to_string())),
            (false, Value::Number(number)) => Ok(lit(*number)),
            (false, Value::Text(text)) => Err(FilterError::WrongType {
                text: self.text.to_owned(),
                field: field.to_owned(),
                holds: "numbers",
                value: text.clone(),
            }),
        }
    }

    fn elements(&mut self, has: Has, symbols: &[String]) -> Result<Expr, FilterError> {
        if let Some(symbol) = symbols.iter().find(|symbol| atomic_number(symbol).is_none()) {
            return Err(FilterError::UnknownElement { text: self.text.to_owned(), symbol: symbol.clone() });
        }
        let distinct: BTreeSet<&String> = symbols.iter().collect();
        self.elements.extend(symbols.iter().cloned());
        let mut occurs = distinct.iter().map(|symbol| col(format!("{HAS_PREFIX}{symbol}")));
        let first = occurs.next().unwrap_or_else(|| lit(false));
        Ok(match has {
            Has::All => occurs.fold(first, Expr::and),
            Has::Any => occurs.fold(first, Expr::or),
            // Nothing else occurs if the listed elements that occur are as many as all elements.
            Has::Only => {
                self.fields.insert("nelements".to_owned());
                let as_number =
                    |occurs: Expr| polars::prelude::when(occurs).then(lit(1.0)).otherwise(lit(0.0));
                occurs.map(as_number).fold(as_number(first), |sum, one| sum + one).eq(col("nelements"))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Columns, RowLabels};
    use crate::feature::Featurizer;
    use crate::structure::Structure;
    use schemas::settings::FeatureSettings;
    use schemas::store::shard_schema;

    /// NaCl with a gap of 8.5 eV, LiF without one, and iron with a gap of 0.
    fn batch() -> RecordBatch {
        let schema = shard_schema(&[], &[("band_gap_ev".into(), "gap".into())]);
        let mut columns = Columns::new(schema, "test", 0, 1);
        let mut featurizer = Featurizer::new(&FeatureSettings::default());
        let crystals =
            [("nacl", vec![11, 17], Some(8.5)), ("lif", vec![3, 9], None), ("fe", vec![26], Some(0.0))];
        for (id, atomic_numbers, gap) in crystals {
            let structure = Structure {
                lattice: [[0.0, 2.8, 2.8], [2.8, 0.0, 2.8], [2.8, 2.8, 0.0]],
                fractional: (0..atomic_numbers.len()).map(|site| [0.5 * site as f64; 3]).collect(),
                atomic_numbers: atomic_numbers.clone(),
            };
            let features = featurizer.featurize(&structure).expect("a plain crystal");
            let labels = RowLabels { properties: &[gap], split: &|_| None, fold: None };
            columns.push(id, &atomic_numbers, features, labels);
        }
        columns.take().expect("the columns make up the schema")
    }

    fn kept(filter: &str) -> Vec<bool> {
        let batch = batch();
        Filter::new(filter, &batch.schema()).expect("a good filter").matches(&batch).expect("it evaluates")
    }

    #[test]
    fn unknown_values_neither_match_nor_fail_to() {
        assert_eq!(kept("band_gap_ev > 1"), [true, false, false]);
        assert_eq!(kept("NOT band_gap_ev > 1"), [false, false, true]);
        assert_eq!(kept("band_gap_ev IS UNKNOWN OR band_gap_ev BETWEEN -1 AND 1"), [false, true, true]);
        assert_eq!(kept("band_gap_ev IS KNOWN"), [true, false, true]);
    }

    #[test]
    fn sets_texts_and_counts() {
        assert_eq!(kept("material_id IN (nacl, \"fe\")"), [true, false, true]);
        assert_eq!(kept("material_id NOT IN (nacl)"), [false, true, true]);
        assert_eq!(kept("material_id != lif"), [true, false, true]);
        assert_eq!(kept("nsites >= 2 AND nelements = 2 AND volume < 44"), [true, true, false]);
    }

    #[test]
    fn elements_have() {
        assert_eq!(kept("elements HAS Cl"), [true, false, false]);
        assert_eq!(kept("elements HAS ALL Na, Cl"), [true, false, false]);
        assert_eq!(kept("elements HAS ANY Li, Fe"), [false, true, true]);
        assert_eq!(kept("elements HAS ONLY Na, Cl, Fe, Fe"), [true, false, true]);
    }

    #[test]
    fn misuse_is_explained() {
        let batch = batch();
        let fault = |text: &str| Filter::new(text, &batch.schema()).expect_err("misuse").to_string();
        assert!(fault("bandgap > 1").contains("there is no field 'bandgap'; there are material_id, "));
        assert!(fault("edge_distance > 1").contains("there is no field"));
        assert_eq!(
            fault("nsites > few"),
            "filter 'nsites > few': field 'nsites' holds numbers, 'few' is not"
        );
        assert!(fault("elements HAS Xx").contains("'Xx' is no element"));
    }
}
