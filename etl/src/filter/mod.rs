//! Filters: expressions over the columns of a store, evaluated on record batches.
//!
//! A comparison with an unknown value is unknown. AND, OR and NOT follow the three-valued logic of SQL.

mod compile;
mod parse;
mod rule;

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;

pub use parse::{Comparison, Has, Node, ParseError, Value};

use compile::Compiler;
use rule::{Columns, ELEMENTS, Rule};

/// Largest number of characters of a filter that a message quotes.
const QUOTED_CHARACTERS: usize = 200;

/// An error of a filter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// The filter cannot be parsed.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The filter uses a field that the store does not have.
    #[error(
        "filter '{text}': there is no field '{field}'{}; there are {known}",
        if similar.is_empty() { String::new() } else { format!(", but {}", similar.join(", ")) }
    )]
    UnknownField {
        /// The filter.
        text: String,
        /// The field.
        field: String,
        /// Known fields that may be meant.
        similar: Vec<String>,
        /// The known fields.
        known: String,
    },
    /// The filter compares a number with a text.
    #[error("filter '{text}': field '{field}' holds {holds}, '{value}' is not")]
    WrongType {
        /// The filter.
        text: String,
        /// The field.
        field: String,
        /// `numbers` or `true and false`.
        holds: &'static str,
        /// The constant.
        value: String,
    },
    /// The filter uses an unknown element symbol.
    #[error(
        "filter '{text}': '{symbol}' is no element{}",
        meant.map_or_else(String::new, |meant| format!(" (did you mean '{meant}'?)"))
    )]
    UnknownElement {
        /// The filter.
        text: String,
        /// The symbol.
        symbol: String,
        /// The symbol that may be meant.
        meant: Option<&'static str>,
    },
}

/// Shortens a filter for a message.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

/// A filter that was checked against the columns of a store.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    rule: Rule,
    /// The scalar columns that the rule uses.
    fields: Vec<String>,
}

impl Filter {
    /// Parses a filter and checks it against `schema`.
    ///
    /// # Errors
    /// Returns a [`FilterError`] if the filter is malformed, has an unknown field or element, or compares a number
    /// with a text.
    pub fn new(text: &str, schema: &Schema) -> Result<Self, FilterError> {
        let node = parse::parse(text)?;
        let mut compiler = Compiler::new(text, schema);
        let rule = compiler.compile(node)?;
        Ok(Self { text: text.to_owned(), rule, fields: compiler.fields() })
    }

    /// Returns the filter as given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the filter for a message. A long filter is shortened.
    pub fn quoted(&self) -> String {
        quoted(&self.text)
    }

    /// Returns the columns that a batch must have: the scalar columns that the filter uses, and the elements.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str).chain([ELEMENTS])
    }

    /// Returns for each row whether it passes the filter.
    pub fn matches(&self, batch: &RecordBatch) -> Vec<bool> {
        let columns = Columns::of(batch, &self.fields);
        (0..batch.num_rows()).map(|row| self.rule.holds(&columns, row) == Some(true)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Columns, RowLabels};
    use crystal::feature::{FeatureOptions, Featuriser};
    use crystal::structure::Structure;
    use schemas::property::{PropertyColumn, PropertyKind};
    use schemas::store::shard_schema;

    /// NaCl with a gap of 8.5 eV, LiF without one, and iron with a gap of 0, each of one phase but LiF.
    fn batch() -> RecordBatch {
        let phase = PropertyColumn { kind: PropertyKind::Class, ..PropertyColumn::number("phase", "phase") };
        let metal =
            PropertyColumn { kind: PropertyKind::Boolean, ..PropertyColumn::number("metal", "metal") };
        let schema = shard_schema(&[], &[PropertyColumn::number("band_gap_ev", "gap"), phase, metal]);
        let mut columns = Columns::new(schema, "test", &FeatureOptions::default());
        let mut featuriser = Featuriser::new(&FeatureOptions::default());
        let crystals =
            [("nacl", vec![11, 17], Some(8.5)), ("lif", vec![3, 9], None), ("fe", vec![26], Some(0.0))];
        for (id, atomic_numbers, gap) in crystals {
            let structure = Structure {
                lattice: [[0.0, 2.8, 2.8], [2.8, 0.0, 2.8], [2.8, 2.8, 0.0]],
                fractional: (0..atomic_numbers.len()).map(|site| [0.5 * site as f64; 3]).collect(),
                atomic_numbers: atomic_numbers.clone(),
            };
            let features = featuriser.featurise(&structure).expect("a plain crystal");
            let metal = gap.map(|gap| f64::from(u8::from(gap == 0.0)));
            let phase = gap.map(|gap| if gap == 0.0 { "1" } else { "rock salt" });
            let labels = RowLabels { numbers: &[gap, metal], text: &|_| phase, ..RowLabels::default() };
            columns.push(id, &atomic_numbers, features, labels);
        }
        columns.take().expect("the columns make up the schema")
    }

    fn kept(filter: &str) -> Vec<bool> {
        let batch = batch();
        Filter::new(filter, &batch.schema()).expect("a good filter").matches(&batch)
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
    fn booleans_are_compared_by_word_or_number() {
        assert_eq!(kept("metal = true"), [false, false, true]);
        assert_eq!(kept("metal = 0 OR metal IS UNKNOWN"), [true, true, false]);
        assert_eq!(kept("metal IN (false)"), [true, false, false]);
        let fault = Filter::new("metal = yes", &batch().schema()).expect_err("no truth value").to_string();
        assert_eq!(fault, "filter 'metal = yes': field 'metal' holds true and false, 'yes' is not");
    }

    #[test]
    fn classes_are_compared_as_texts() {
        assert_eq!(kept("phase = \"rock salt\""), [true, false, false]);
        assert_eq!(kept("phase != \"rock salt\" OR phase IS UNKNOWN"), [false, true, true]);
        assert_eq!(kept("phase IN (1, fcc)"), [false, false, true]);
    }

    #[test]
    fn texts_are_compared_with_numbers_as_they_are_written() {
        assert_eq!(kept("phase = 1"), [false, false, true]);
        for other in ["01", "1.0", "1e0", "+1"] {
            assert_eq!(kept(&format!("phase = {other}")), [false; 3], "{other}");
            assert_eq!(kept(&format!("phase != {other}")), [true, false, true], "{other}");
            assert_eq!(kept(&format!("phase IN ({other}, 7)")), [false; 3], "{other}");
            assert_eq!(kept(&format!("nsites = {other}")), [false, false, true], "{other}");
        }
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
        assert!(
            fault("bandgap > 1")
                .contains("there is no field 'bandgap', but band_gap_ev; there are material_id, ")
        );
        assert!(fault("nsite > 1").contains("there is no field 'nsite', but nsites; there are "));
        assert!(fault("edge_distance > 1").contains("there is no field 'edge_distance'; there are "));
        assert_eq!(
            fault("nsites > few"),
            "filter 'nsites > few': field 'nsites' holds numbers, 'few' is not"
        );
        assert!(fault("elements HAS Xx").ends_with("'Xx' is no element"));
        for (written, meant) in [("cu", "Cu"), ("CU", "Cu"), ("D", "H")] {
            for has in ["HAS", "HAS ONLY", "HAS ANY"] {
                let text = format!("elements {has} Li, {written}");
                let expected = format!("'{written}' is no element (did you mean '{meant}'?)");
                assert!(fault(&text).ends_with(&expected), "{text}");
            }
        }
    }

    #[test]
    fn unknown_is_neither_true_nor_false_in_larger_expressions() {
        assert_eq!(kept("band_gap_ev > 1 OR nsites = 2"), [true, true, false]);
        assert_eq!(kept("NOT (band_gap_ev > 1 AND nsites = 2)"), [false, false, true]);
        assert_eq!(kept("NOT (band_gap_ev > 1 AND nsites = 1)"), [true, true, true]);
        assert_eq!(kept("NOT (band_gap_ev IN (0, 3))"), [true, false, false]);
        assert_eq!(kept("NOT (band_gap_ev IN (-0, 8.5))"), [false, false, false]);
        assert_eq!(kept("nsites IN (1, 2) AND band_gap_ev IS UNKNOWN"), [false, true, false]);
        assert_eq!(kept("material_id < \"m\" OR material_id = 12"), [false, true, true]);
    }

    #[test]
    fn long_lists_and_chains_take_linear_time() {
        let numbers: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
        assert_eq!(kept(&format!("nsites IN ({})", numbers.join(", "))), [true; 3]);
        assert_eq!(kept(&format!("material_id NOT IN ({})", numbers.join(", "))), [true; 3]);
        let ids = numbers.iter().map(|number| format!("material_id = oqmd-{number}"));
        let chain = ids.chain(["material_id = fe".to_owned()]).collect::<Vec<_>>().join(" OR ");
        assert_eq!(kept(&chain), [false, false, true]);
        let chain = vec!["nsites != 2"; 100_000].join(" AND ");
        assert_eq!(kept(&chain), [false, false, true]);
    }

    #[test]
    fn messages_quote_the_beginning_of_a_long_filter() {
        let batch = batch();
        let list = vec!["x"; 10_000].join(", ");
        for text in [format!("material_id IN ({list}) AND gap = 1"), format!("nsites IN ({list})"), list] {
            let error = Filter::new(&text, &batch.schema()).expect_err("misuse").to_string();
            assert!(error.len() < 1000 && error.starts_with("filter '"), "{error}");
        }
    }
}
