//! Tasks without a file: a property of a store, and how its crystals are divided.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use arrow::datatypes::{DataType, Schema};
use schemas::property::{by_column, is_same_unit};

use super::crystals::{Crystals, Wanted, filled_splits};
use super::{
    Classification, GIVEN_STORE, Group, Metric, Remark, SplitRule, TargetColumn, Task, TaskError, Transform,
    plain_name,
};
use crate::data::Sources;
use crate::unit::PURE;

/// Number of labelled crystals from which a single split is the default. Below, five folds test every crystal once, and
/// their error says more than that of a tenth of a few crystals.
pub const SINGLE_SPLIT_FROM: usize = 5000;
/// Default number of folds.
pub const FOLDS: usize = 5;
/// Share of the crystals outside the test part for validation.
const VALIDATION: f64 = 0.1;
/// Share of all crystals for the test, of a single split.
const TEST: f64 = 0.1;
/// Word for a split by hash.
const HASH: &str = "hash";

/// How the crystals of a property are divided, as a user asks for it.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Division {
    /// By the folds of the store if it has some; otherwise by seeded folds, or by hash if there are many crystals.
    #[default]
    Default,
    /// By a number of seeded folds.
    Folds(usize),
    /// By `hash`, by a split column of the store, or by a file that lists the crystals of every part.
    Split(String),
}

/// How a property is divided into classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Classes {
    /// Each different text or whole number is a class.
    OfValues,
    /// The numbers at most and above a value, in the unit of the column.
    Above(f64),
}

/// Properties to learn, as a user asks for them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PropertyRequest {
    /// Names of the property columns, at least one.
    pub properties: Vec<String>,
    /// Transform of every property, in their order; [`Transform::None`] for those beyond the list.
    pub transforms: Vec<Transform>,
    /// Classes of the property; numbers if `None`, unless the column is one of texts or booleans.
    pub classes: Option<Classes>,
    /// How the crystals are divided.
    pub division: Division,
    /// Seed that draws the folds.
    pub seed: u64,
}

/// A task of a property, and what decides its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyTask {
    /// The task.
    pub task: Task,
    /// Number of crystals with a value.
    pub labelled: usize,
    /// The list of crystals, if the user named one.
    pub split_file: Option<PathBuf>,
    /// Remarks about the choice of the division that a user should see.
    pub remarks: Vec<Remark>,
}

impl PropertyTask {
    /// Makes the task of property columns.
    ///
    /// # Errors
    /// [`TaskError::Data`] if no shard has a column, or a shard cannot be read; [`TaskError::NoSplit`] for a split that is
    /// neither a file nor a column; [`TaskError::NoClasses`] for a column that does not consist of classes;
    /// [`TaskError::OfClasses`] for classes with other properties or a transform; [`TaskError::TextAbove`] for texts that a
    /// value is to divide, [`TaskError::TextAmongNumbers`] for texts beside numbers; [`TaskError::OfSites`] for numbers of the
    /// sites with other properties, classes or a transform; [`TaskError::Value`] for folds out of range and a property twice.
    pub fn new(sources: &Sources, request: &PropertyRequest) -> Result<Self, TaskError> {
        let PropertyRequest { properties, division, seed, .. } = request;
        sources.require_properties(properties)?;
        let per_site = require_alone(sources, request)?;
        let classification = classification(sources, request)?;
        let names: Vec<&str> = properties.iter().map(String::as_str).collect();
        let wanted = Wanted {
            properties: &names,
            classification: classification.as_ref(),
            split_column: None,
            per_site,
        };
        let crystals = Crystals::read(sources, wanted)?;
        let with_value = crystals.list.iter().filter(|crystal| crystal.has_value());
        let labelled = with_value.clone().count();
        let folds: BTreeSet<usize> = with_value.filter_map(|crystal| crystal.fold).collect();
        let drawn = |folds| SplitRule::Drawn {
            folds,
            seed: *seed,
            validation_fraction: VALIDATION,
            labels_sha256: Some(crystals.labels_sha256()),
        };
        let by_hash = SplitRule::Hash { validation_fraction: VALIDATION, test_fraction: TEST };
        let (split, split_file) = match division {
            Division::Folds(count) => (drawn(*count), None),
            Division::Split(name) if name == HASH => (by_hash, None),
            Division::Split(name) => match PathBuf::from(name) {
                path if path.is_file() => (SplitRule::File { name: "the split".to_owned() }, Some(path)),
                _ => {
                    let columns = sources.split_columns();
                    if !columns.contains(name) {
                        return Err(TaskError::NoSplit { split: name.clone(), columns });
                    }
                    (SplitRule::Column { column: name.clone() }, None)
                }
            },
            Division::Default if folds.len() > 1 => {
                (SplitRule::Folds { validation_fraction: VALIDATION }, None)
            }
            Division::Default if labelled < SINGLE_SPLIT_FROM => (drawn(FOLDS), None),
            Division::Default => (by_hash, None),
        };
        // Whoever has divided the crystals may take it for granted that the division counts.
        let unused = match (division, &split) {
            (Division::Default, SplitRule::Drawn { .. } | SplitRule::Hash { .. }) => filled_splits(sources)?,
            _ => Vec::new(),
        };
        let remarks = match unused.is_empty() {
            true => Vec::new(),
            false => vec![Remark::UnusedSplit { columns: unused }],
        };
        let mut targets = properties.iter().enumerate().map(|(index, property)| TargetColumn {
            property: property.clone(),
            unit: unit_of(sources, property),
            transform: request.transforms.get(index).copied().unwrap_or_default(),
        });
        let first = targets.next();
        let TargetColumn { property, unit, transform } = first.unwrap_or_else(|| TargetColumn {
            property: String::new(),
            unit: String::new(),
            transform: Transform::None,
        });
        let task = Task {
            name: plain_name(&properties.join("_")),
            description: match per_site {
                true => format!("{} of the sites of the crystals of a store.", properties.join(", ")),
                false => format!("{} of the crystals of a store.", properties.join(", ")),
            },
            store: GIVEN_STORE.to_owned(),
            property,
            unit,
            transform,
            metric: if classification.is_some() { Metric::RocAuc } else { Metric::Mae },
            group: Group::Matbench,
            crystals: None,
            leaderboard: None,
            split,
            per_site,
            further: targets.collect(),
            classification,
            expected: None,
            published: None,
            literature: BTreeMap::new(),
        };
        task.check(&properties.join(", "))?;
        Ok(Self { task, labelled, split_file, remarks })
    }
}

/// Whether the property is one of numbers of the sites.
///
/// # Errors
/// [`TaskError::OfSites`] if one is, and other things are asked for than a model of it alone.
fn require_alone(sources: &Sources, request: &PropertyRequest) -> Result<bool, TaskError> {
    let of_sites = request.properties.iter().find(|property| sources.has_site_numbers(property));
    let Some(property) = of_sites else { return Ok(false) };
    let is_transformed = request.transforms.iter().any(|transform| *transform != Transform::None);
    let problem = match request {
        PropertyRequest { properties, .. } if properties.len() > 1 => {
            "a model learns it alone, without others"
        }
        PropertyRequest { classes: Some(_), .. } => "sites have no classes",
        _ if is_transformed => "it is learnt without a transform",
        _ => return Ok(true),
    };
    Err(TaskError::OfSites { property: property.clone(), problem })
}

/// Returns the classes of the first property, if the user asks for some or it is a column of texts or booleans.
///
/// # Errors
/// [`TaskError::OfClasses`], [`TaskError::TextAbove`] or [`TaskError::TextAmongNumbers`] if other things are asked for than
/// fit, [`TaskError::NoClasses`] and [`TaskError::Data`] as for [`Classification::of_column`].
fn classification(sources: &Sources, request: &PropertyRequest) -> Result<Option<Classification>, TaskError> {
    let Some(property) = request.properties.first() else { return Ok(None) };
    let has_classes = request.classes.is_some() || sources.has_classes(property);
    let is_alone = request.properties.len() == 1;
    let is_transformed = request.transforms.iter().any(|transform| *transform != Transform::None);
    let of_classes = |problem| Err(TaskError::OfClasses { property: property.clone(), problem });
    match request.classes {
        _ if has_classes && !is_alone => {
            return of_classes("a model learns them alone, without other properties");
        }
        _ if has_classes && is_transformed => return of_classes("they have no transform"),
        Some(Classes::Above(_)) if is_text(sources, property) => {
            return Err(TaskError::TextAbove { property: property.clone() });
        }
        _ => {}
    }
    let mut others = request.properties.iter().filter(|other| *other != property);
    if let Some(text) = others.find(|other| is_text(sources, other)) {
        return Err(TaskError::TextAmongNumbers { property: text.clone() });
    }
    match request.classes {
        Some(Classes::Above(value)) => Ok(Some(Classification::above(value))),
        None if !sources.has_classes(property) => Ok(None),
        None | Some(Classes::OfValues) => Classification::of_column(sources, property).map(Some),
    }
}

/// Returns the unit of a property column: that of its documentation in the shards, or of the property of that name. Classes
/// are pure numbers. The unit of another column is not known, and empty.
fn unit_of(sources: &Sources, property: &str) -> String {
    let documented = schemas_of(sources).find_map(|schema| documented_unit(schema, property));
    let known = documented.or_else(|| by_column(property).map(|known| known.unit));
    known.unwrap_or(if sources.has_classes(property) { PURE } else { "" }).to_owned()
}

/// Whether a column holds texts in some shard.
fn is_text(sources: &Sources, column: &str) -> bool {
    let mut fields = schemas_of(sources).filter_map(|schema| schema.field_with_name(column).ok());
    fields.any(|field| *field.data_type() == DataType::Utf8)
}

/// Returns the schemas of the shards.
fn schemas_of(sources: &Sources) -> impl Iterator<Item = &Schema> {
    sources.shards().iter().map(|shard| &*shard.schema)
}

/// Returns the unit of a property column in its documentation, if it says one.
fn documented_unit<'a>(schema: &'a Schema, property: &str) -> Option<&'a str> {
    schema.field_with_name(property).ok()?.metadata().get("unit").map(String::as_str)
}

/// Checks that the unit of every target is the one that the shards document for its column, where they do.
///
/// # Errors
/// [`TaskError::Unit`] for the first target with another unit.
pub(super) fn require_units(task: &Task, sources: &Sources) -> Result<(), TaskError> {
    let targets = task.targets();
    let Some((TargetColumn { property, unit, .. }, documented)) = other_unit(&targets, schemas_of(sources))
    else {
        return Ok(());
    };
    Err(TaskError::Unit {
        task: task.name.clone(),
        unit: unit.clone(),
        property: property.clone(),
        expected: documented.to_owned(),
    })
}

/// Returns the first target with another unit than a schema documents for its column, and that unit. One without a unit, as
/// tasks of earlier versions have, does not contradict.
fn other_unit<'a>(
    targets: &'a [TargetColumn],
    mut schemas: impl Iterator<Item = &'a Schema>,
) -> Option<(&'a TargetColumn, &'a str)> {
    schemas.find_map(|schema| {
        let documented =
            |target: &'a TargetColumn| Some((target, documented_unit(schema, &target.property)?));
        targets
            .iter()
            .filter_map(documented)
            .find(|(target, unit)| !target.unit.is_empty() && !is_same_unit(unit, &target.unit))
    })
}

#[cfg(test)]
mod tests {
    use schemas::property::PropertyColumn;
    use schemas::store::shard_schema;

    use super::*;

    #[test]
    fn documented_units_are_those_of_the_targets() {
        let properties = [
            PropertyColumn::number("e_coh_ev_atom", "E_coh (eV/atom)"),
            PropertyColumn::number("refractive_index", "n"),
            PropertyColumn::number("hardness", "hardness"),
        ];
        let schema = shard_schema(&[], &properties);
        let units = properties.each_ref().map(|property| documented_unit(&schema, &property.column));
        assert_eq!(units, [Some("eV/atom"), Some("1"), None]);
        let other = |property: &str, unit: &str| {
            let (property, unit) = (property.to_owned(), unit.to_owned());
            let targets = [TargetColumn { property, unit, transform: Transform::None }];
            let earlier = shard_schema(&[], &[]);
            let found = other_unit(&targets, [&*earlier, &*schema].into_iter());
            found.map(|(target, unit)| (target.unit.clone(), unit.to_owned()))
        };
        assert_eq!(other("e_coh_ev_atom", "meV/atom"), Some(("meV/atom".to_owned(), "eV/atom".to_owned())));
        for (property, unit) in [
            ("e_coh_ev_atom", "eV per atom"),
            ("e_coh_ev_atom", ""),
            ("refractive_index", "1"),
            ("hardness", "furlong"),
            ("hardness", ""),
            ("not_there", "eV"),
        ] {
            assert_eq!(other(property, unit), None, "{property} in {unit}");
        }
    }
}
