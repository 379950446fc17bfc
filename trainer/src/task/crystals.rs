//! Properties, splits and folds of the crystals in the shards. No features are read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, Float64Array, Int8Array, ListArray, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;
use schemas::StoreError;
use schemas::count::counted;
use schemas::hash::hex;
use schemas::reader::Shard;
use sha2::{Digest, Sha256};

use super::{Classification, TaskError};
use crate::data::Sources;
use crate::data::store::{FOLD_COLUMN, ShardSource};
use crate::data::subset::{IDENTIFIER_COLUMN, SplitPart};

/// Name of the column of structure hashes, 64 bits as hexadecimal digits. Stores of earlier versions lack it.
const HASH_COLUMN: &str = "structure_hash";
/// Name of the column with the number of sites.
const SITES_COLUMN: &str = "nsites";

/// A value of a property column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// A number, in the unit of the column.
    Number(f64),
    /// A text.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// Returns the text, or the number in its shortest form.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            // Adding nought turns -0 into 0.
            Self::Number(number) => (number + 0.0).to_string().into(),
            Self::Text(text) => text.into(),
        }
    }
}

/// The columns that are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Names of the property columns.
    pub(super) properties: &'a [&'a str],
    /// Classes of the first property, if it has some.
    pub(super) classification: Option<&'a Classification>,
    /// Name of the split column.
    pub(super) split_column: Option<&'a str>,
    /// Whether the only property is one of numbers of the sites.
    pub(super) per_site: bool,
}

/// A crystal of the shards.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Crystal {
    /// Identifier.
    pub(super) material_id: String,
    /// Value of every property, in the unit of its column; of classes their index, NaN for a value of none; of numbers of
    /// the sites the mean of their magnitudes, by which folds are made alike.
    pub(super) values: Vec<Option<f64>>,
    /// Numbers of the sites, `[nsites]`; empty for other properties, and without a value.
    pub(super) sites: Vec<f64>,
    /// The value that is of no class.
    pub(super) of_no_class: Option<String>,
    /// Part in the split column, if one was read.
    pub(super) part: Option<SplitPart>,
    /// Fold that tests the crystal.
    pub(super) fold: Option<usize>,
    /// Structure hash.
    pub(super) structure_hash: Option<u64>,
}

impl Crystal {
    /// Whether it has a value of any property.
    pub(super) fn has_value(&self) -> bool {
        self.values.iter().any(Option::is_some)
    }

    /// Returns the number of the first property with a value, and the value.
    pub(super) fn first_value(&self) -> Option<(usize, f64)> {
        self.values.iter().enumerate().find_map(|(property, value)| Some((property, (*value)?)))
    }
}

/// All crystals in the order of the shards, without duplicates.
#[derive(Debug)]
pub(super) struct Crystals {
    /// The crystals.
    pub(super) list: Vec<Crystal>,
    /// Index in the list by identifier.
    index: HashMap<String, usize>,
}

impl Crystals {
    /// Reads the properties and, if a split column decides, that column. The crystals of a shard without a column have
    /// no value of it.
    ///
    /// # Errors
    /// [`TaskError::Data`] if a shard cannot be read or a column has another type,
    /// [`TaskError::Duplicate`] for an identifier that occurs twice.
    pub(super) fn read(sources: &Sources, wanted: Wanted<'_>) -> Result<Self, TaskError> {
        let mut crystals = Self { list: Vec::new(), index: HashMap::new() };
        let mut shard_ends = Vec::with_capacity(sources.shards().len());
        for source in sources.shards() {
            let optional = wanted.properties.iter().copied().chain(wanted.split_column).chain([HASH_COLUMN]);
            let there = |name: &&str| source.schema.field_with_name(name).is_ok();
            let mut names = vec![IDENTIFIER_COLUMN, FOLD_COLUMN];
            names.extend(wanted.per_site.then_some(SITES_COLUMN));
            names.extend(optional.filter(there));
            let shard = Shard::open(&source.path, Some(sources.settings()))?;
            for batch in shard.batches(None, Some(&names))? {
                let batch = batch?;
                let mut crystals_of_batch = rows(&batch, &source.path, wanted)?;
                if wanted.per_site {
                    add_sites(&mut crystals_of_batch, &batch, &source.path, wanted.properties)?;
                }
                for crystal in crystals_of_batch {
                    let position = crystals.list.len();
                    if let Some(earlier) = crystals.index.insert(crystal.material_id.clone(), position) {
                        return Err(TaskError::Duplicate {
                            material_id: crystal.material_id,
                            first: shard_of(sources.shards(), &shard_ends, earlier, &source.path),
                            second: source.path.clone(),
                        });
                    }
                    crystals.list.push(crystal);
                }
            }
            shard_ends.push(crystals.list.len());
        }
        Ok(crystals)
    }

    /// Returns the SHA-256 of the identifiers and values of all crystals with a value, whatever their order.
    pub(super) fn labels_sha256(&self) -> String {
        let mut valued: Vec<&Crystal> = self.list.iter().filter(|crystal| crystal.has_value()).collect();
        valued.sort_by_key(|crystal| &crystal.material_id);
        let mut hash = Sha256::new();
        for crystal in valued {
            hash.update((crystal.material_id.len() as u64).to_le_bytes());
            hash.update(&crystal.material_id);
            // An absent value is a number that no present one is.
            let bits = crystal.values.iter().map(|value| value.map_or(u64::MAX, f64::to_bits));
            let bits = bits.chain(crystal.sites.iter().map(|number| number.to_bits()));
            bits.for_each(|bits| hash.update(bits.to_le_bytes()));
        }
        hex(&hash.finalize())
    }

    /// Returns the index of a crystal in the list.
    pub(super) fn position(&self, material_id: &str) -> Option<usize> {
        self.index.get(material_id).copied()
    }
}

/// Returns the shard of a crystal. `current` is the shard that is being read.
fn shard_of(shards: &[ShardSource], ends: &[usize], position: usize, current: &Path) -> PathBuf {
    let shard = ends.iter().position(|&end| position < end).and_then(|index| shards.get(index));
    shard.map_or_else(|| current.to_owned(), |shard| shard.path.clone())
}

/// Calls a function with every value of a property column, or of a split column, until it breaks off.
///
/// # Errors
/// [`TaskError::Data`] if a shard cannot be read or the column has another type.
pub(super) fn for_each_value(
    sources: &Sources,
    property: &str,
    mut see: impl FnMut(Value<'_>) -> ControlFlow<()>,
) -> Result<(), TaskError> {
    for source in sources.shards().iter().filter(|source| source.schema.field_with_name(property).is_ok()) {
        let shard = Shard::open(&source.path, Some(sources.settings()))?;
        for batch in shard.batches(None, Some(&[property]))? {
            let batch = batch?;
            if let Some(column) = PropertyColumn::of(&batch, &source.path, property)? {
                let mut values = (0..batch.num_rows()).filter_map(|row| column.value(row));
                if values.try_for_each(&mut see).is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Returns the names of the split columns that name the part of some crystal, in order.
///
/// # Errors
/// [`TaskError::Data`] if a shard cannot be read.
pub(super) fn filled_splits(sources: &Sources) -> Result<Vec<String>, TaskError> {
    let mut filled = Vec::new();
    for column in sources.split_columns() {
        let mut names_part = false;
        for_each_value(sources, &column, |value| match value {
            Value::Text(text) if SplitPart::parse(text).is_some() => {
                names_part = true;
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })?;
        filled.extend(names_part.then_some(column));
    }
    Ok(filled)
}

/// A property column of a batch.
enum PropertyColumn<'a> {
    Numbers(&'a Float64Array),
    Texts(&'a StringArray),
}

impl<'a> PropertyColumn<'a> {
    /// Returns a column of the batch; `None` if it lacks the column.
    fn of(batch: &'a RecordBatch, path: &Path, name: &str) -> Result<Option<Self>, StoreError> {
        let data_type = batch.column_by_name(name).map(|column| column.data_type());
        if matches!(data_type, Some(DataType::List(_))) {
            let (path, column) = (path.to_owned(), name.to_owned());
            let problem = "is a list, one number a site, which a task with per_site = true learns".to_owned();
            return Err(StoreError::Column { path, column, problem });
        }
        match data_type == Some(&DataType::Utf8) {
            true => Ok(typed(batch, path, name, "text")?.map(Self::Texts)),
            false => Ok(typed(batch, path, name, "Float64")?.map(Self::Numbers)),
        }
    }

    fn value(&self, row: usize) -> Option<Value<'a>> {
        match self {
            Self::Numbers(numbers) => numbers.is_valid(row).then(|| Value::Number(numbers.value(row))),
            Self::Texts(texts) => texts.is_valid(row).then(|| Value::Text(texts.value(row))),
        }
    }
}

/// Returns the crystals of a batch of columns.
fn rows(batch: &RecordBatch, path: &Path, wanted: Wanted<'_>) -> Result<Vec<Crystal>, StoreError> {
    let Wanted { properties, classification, split_column, .. } = wanted;
    let identifiers = typed::<StringArray>(batch, path, IDENTIFIER_COLUMN, "text")?;
    // Lists are added by `add_sites`.
    let properties = if wanted.per_site { &[] } else { properties };
    let columns = properties.iter().map(|name| PropertyColumn::of(batch, path, name));
    let columns: Vec<Option<PropertyColumn<'_>>> = columns.collect::<Result<_, _>>()?;
    let without_classes = columns
        .iter()
        .zip(properties)
        .find(|(column, _)| classification.is_none() && matches!(column, Some(PropertyColumn::Texts(_))));
    if let Some((_, name)) = without_classes {
        let (path, column) = (path.to_owned(), (*name).to_owned());
        let problem = "is text instead of Float64, and the task has no classes".to_owned();
        return Err(StoreError::Column { path, column, problem });
    }
    if classification.is_some_and(|classification| classification.above.is_some())
        && let (Some(Some(PropertyColumn::Texts(_))), Some(name)) = (columns.first(), properties.first())
    {
        let (path, column) = (path.to_owned(), (*name).to_owned());
        let problem = "is text, and classification.above divides numbers".to_owned();
        return Err(StoreError::Column { path, column, problem });
    }
    let folds = typed::<Int8Array>(batch, path, FOLD_COLUMN, "Int8")?;
    let parts = match split_column {
        Some(column) => typed::<StringArray>(batch, path, column, "text")?,
        None => None,
    };
    let hashes = typed::<StringArray>(batch, path, HASH_COLUMN, "text")?;
    let identifiers = identifiers.into_iter().flat_map(StringArray::iter).enumerate();
    identifiers
        .map(|(row, identifier)| {
            let material_id = identifier.ok_or_else(|| StoreError::Column {
                path: path.to_owned(),
                column: IDENTIFIER_COLUMN.to_owned(),
                problem: "has no value in a row".to_owned(),
            })?;
            let part = parts.filter(|column| column.is_valid(row)).map(|column| column.value(row));
            let fold = folds.filter(|column| column.is_valid(row)).map(|column| column.value(row));
            let hash = hashes.filter(|column| column.is_valid(row)).map(|column| column.value(row));
            let mut of_no_class = None;
            let mut number = |value: Value<'_>| match (classification, value) {
                (None, Value::Number(number)) => number,
                (None, Value::Text(_)) => f64::NAN,
                (Some(classification), value) => classification.index(value).map_or_else(
                    || {
                        of_no_class = Some(value.text().into_owned());
                        f64::NAN
                    },
                    |index| index as f64,
                ),
            };
            let values = columns.iter().map(|column| column.as_ref()?.value(row).map(&mut number)).collect();
            Ok(Crystal {
                material_id: material_id.to_owned(),
                values,
                sites: Vec::new(),
                of_no_class,
                part: part.and_then(SplitPart::parse),
                fold: fold.and_then(|fold| usize::try_from(fold).ok()),
                structure_hash: hash.and_then(|hash| u64::from_str_radix(hash, 16).ok()),
            })
        })
        .collect()
}

/// Adds the numbers of the sites to the crystals of a batch.
fn add_sites(
    crystals: &mut [Crystal],
    batch: &RecordBatch,
    path: &Path,
    properties: &[&str],
) -> Result<(), StoreError> {
    let column = |name: &str| typed::<ListArray>(batch, path, name, "a list of numbers, one a site");
    let lists = properties.first().map_or(Ok(None), |name| column(name))?;
    let nsites = typed::<UInt32Array>(batch, path, SITES_COLUMN, "UInt32")?;
    for (row, crystal) in crystals.iter_mut().enumerate() {
        let list = lists.filter(|lists| lists.is_valid(row)).map(|lists| lists.value(row));
        let Some(list) = list else {
            crystal.values = vec![None];
            continue;
        };
        let numbers = list.as_primitive_opt::<Float64Type>().into_iter().flatten().flatten();
        crystal.sites = numbers.filter(|number| number.is_finite()).collect();
        let nsites = nsites.map_or(0, |nsites| nsites.value(row)) as usize;
        if crystal.sites.len() != nsites || nsites == 0 {
            let found = counted(crystal.sites.len(), "finite number");
            let (column, sites) = (properties.join(", "), counted(nsites, "site"));
            return Err(StoreError::Row {
                path: path.to_owned(),
                material_id: crystal.material_id.clone(),
                problem: format!("{found} of {column} for {sites}"),
            });
        }
        let magnitudes: f64 = crystal.sites.iter().map(|number| number.abs()).sum();
        crystal.values = vec![Some(magnitudes / nsites as f64)];
    }
    Ok(())
}

/// Returns a column as an array of its type; `None` if the batch lacks it.
fn typed<'a, A: Array + 'static>(
    batch: &'a RecordBatch,
    path: &Path,
    name: &str,
    expected: &str,
) -> Result<Option<&'a A>, StoreError> {
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    let array = column.as_any().downcast_ref::<A>().ok_or_else(|| StoreError::Column {
        path: path.to_owned(),
        column: name.to_owned(),
        problem: format!("is {} instead of {expected}", column.data_type()),
    })?;
    Ok(Some(array))
}
