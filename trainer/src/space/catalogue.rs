//! What is known of the crystals of the shards beside their features: identifiers, formulas and columns of single values.

use std::fmt;

use arrow::array::{
    Array, ArrayRef, Float64Array, Int8Array, ListArray, StringArray, UInt8Array, UInt32Array,
};
use arrow::record_batch::RecordBatch;
use crystal::composition::conventional_formula;
use schemas::StoreError;
use schemas::reader::Shard;

use crate::data::Sources;
use crate::data::store::ShardSource;
use crate::data::subset::IDENTIFIER_COLUMN;

/// Name of the column of atomic numbers.
const ATOMS_COLUMN: &str = "atomic_numbers";

/// A single value of a crystal.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A text.
    Text(Box<str>),
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

/// The crystals of the shards in order of their identifiers; those with the same identifier in the order of the shards.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalogue {
    /// Identifiers, `[len]`.
    pub material_ids: Vec<Box<str>>,
    /// Conventional formulas, such as `NaCl`, `[len]`.
    pub formulas: Vec<Box<str>>,
    /// Values of the columns asked for, `[columns][len]`; `None` where a shard lacks the column or the crystal a value.
    pub columns: Vec<Vec<Option<Value>>>,
    /// Place among the identifiers of every crystal in the order of the shards, `[len]`.
    pub places: Vec<u32>,
}

impl Catalogue {
    /// Reads the crystals of the shards with some columns of single values. Features are not read.
    ///
    /// # Errors
    /// [`StoreError`] for a shard that cannot be read, and a column of another type than numbers and texts, such as lists.
    ///
    /// # Panics
    /// If there are 2³² crystals.
    pub fn read(sources: &Sources, columns: &[String]) -> Result<Self, StoreError> {
        let mut read = Self { columns: vec![Vec::new(); columns.len()], ..Self::default() };
        for source in sources.shards() {
            let mut names = vec![IDENTIFIER_COLUMN, ATOMS_COLUMN];
            let there = |name: &&str| source.schema.field_with_name(name).is_ok();
            names.extend(columns.iter().map(String::as_str).filter(there));
            let shard = Shard::open(&source.path, Some(sources.settings()))?;
            for batch in shard.batches(None, Some(&names))? {
                read.append(&batch?, source, columns)?;
            }
        }
        Ok(read.sorted())
    }

    /// Number of crystals.
    pub fn len(&self) -> usize {
        self.material_ids.len()
    }

    /// Whether there are no crystals.
    pub fn is_empty(&self) -> bool {
        self.material_ids.is_empty()
    }

    /// Returns the place of the first crystal with an identifier, if there is one.
    pub fn find(&self, material_id: &str) -> Option<usize> {
        let place = self.material_ids.partition_point(|other| **other < *material_id);
        (self.material_ids.get(place).map(|found| &**found) == Some(material_id)).then_some(place)
    }

    /// Appends the rows of a batch.
    fn append(
        &mut self,
        batch: &RecordBatch,
        source: &ShardSource,
        columns: &[String],
    ) -> Result<(), StoreError> {
        let refuse = |column: &str, problem: String| StoreError::Column {
            path: source.path.clone(),
            column: column.to_owned(),
            problem,
        };
        let empty = |column: &str| refuse(column, "has no value in a row".to_owned());
        let typed = |column: &'static str| batch.column_by_name(column).map(|array| array.as_any());
        let identifiers = typed(IDENTIFIER_COLUMN).and_then(|array| array.downcast_ref::<StringArray>());
        let atoms = typed(ATOMS_COLUMN).and_then(|array| array.downcast_ref::<ListArray>());
        let (Some(identifiers), Some(atoms)) = (identifiers, atoms) else {
            return Err(refuse(IDENTIFIER_COLUMN, "is missing or of another type".to_owned()));
        };
        for (row, identifier) in identifiers.iter().enumerate() {
            self.material_ids.push(identifier.ok_or_else(|| empty(IDENTIFIER_COLUMN))?.into());
            let list = atoms.is_valid(row).then(|| atoms.value(row)).ok_or_else(|| empty(ATOMS_COLUMN))?;
            let numbers = list.as_any().downcast_ref::<UInt8Array>();
            let numbers = numbers.ok_or_else(|| refuse(ATOMS_COLUMN, "is of another type".to_owned()))?;
            self.formulas.push(conventional_formula(numbers.values()).into());
        }
        for (values, name) in self.columns.iter_mut().zip(columns) {
            match batch.column_by_name(name) {
                None => values.resize(values.len() + batch.num_rows(), None),
                Some(array) => values.extend(read_values(array).ok_or_else(|| {
                    refuse(
                        name,
                        format!("is {} instead of a number or a text for every crystal", array.data_type()),
                    )
                })?),
            }
        }
        Ok(())
    }

    /// Sorts the crystals by their identifiers.
    fn sorted(self) -> Self {
        let mut order: Vec<u32> = (0..u32::try_from(self.len()).expect("an index of 32 bits")).collect();
        order.sort_by(|&a, &b| self.material_ids[a as usize].cmp(&self.material_ids[b as usize]));
        let mut places = vec![0; order.len()];
        for (place, &row) in (0..).zip(&order) {
            places[row as usize] = place;
        }
        fn arranged<T: Default>(mut values: Vec<T>, order: &[u32]) -> Vec<T> {
            order.iter().map(|&row| std::mem::take(&mut values[row as usize])).collect()
        }
        Self {
            material_ids: arranged(self.material_ids, &order),
            formulas: arranged(self.formulas, &order),
            columns: self.columns.into_iter().map(|values| arranged(values, &order)).collect(),
            places,
        }
    }
}

/// Returns the values of a column; `None` for a type without single values.
fn read_values(array: &ArrayRef) -> Option<Vec<Option<Value>>> {
    fn numbers<A, T: Into<f64>>(array: &A) -> Vec<Option<Value>>
    where
        for<'a> &'a A: IntoIterator<Item = Option<T>>,
    {
        array.into_iter().map(|value| value.map(|value| Value::Number(value.into()))).collect()
    }
    let any = array.as_any();
    None.or_else(|| any.downcast_ref::<Float64Array>().map(numbers))
        .or_else(|| any.downcast_ref::<UInt32Array>().map(numbers))
        .or_else(|| any.downcast_ref::<Int8Array>().map(numbers))
        .or_else(|| {
            let texts = any.downcast_ref::<StringArray>()?;
            Some(texts.iter().map(|text| text.map(|text| Value::Text(text.into()))).collect())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crystals_are_found_by_their_identifiers() {
        let read = Catalogue {
            material_ids: ["c", "a", "b", "a"].map(Into::into).into(),
            formulas: ["C", "A1", "B", "A2"].map(Into::into).into(),
            columns: vec![[3.0, 1.0, 2.0, 1.5].map(|value| Some(Value::Number(value))).into()],
            places: Vec::new(),
        };
        let sorted = read.sorted();
        assert_eq!(sorted.material_ids, ["a", "a", "b", "c"].map(Box::<str>::from));
        assert_eq!(sorted.formulas, ["A1", "A2", "B", "C"].map(Box::<str>::from));
        assert_eq!(sorted.places, [3, 0, 2, 1]);
        assert_eq!(sorted.columns[0][1], Some(Value::Number(1.5)));
        assert_eq!((sorted.find("a"), sorted.find("c"), sorted.find("d")), (Some(0), Some(3), None));
        assert_eq!((sorted.len(), Catalogue::default().is_empty()), (4, true));
    }
}
