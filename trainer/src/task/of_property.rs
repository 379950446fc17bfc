//! Tasks without a file: a property of a store, and how its crystals are divided.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemas::property::by_column;

use super::crystals::Crystals;
use super::{Group, Metric, SplitRule, Task, TaskError, Transform};
use crate::data::Sources;

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

/// A task of a property, and what decides its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyTask {
    /// The task.
    pub task: Task,
    /// Number of crystals with a value.
    pub labelled: usize,
    /// The list of crystals, if the user named one.
    pub split_file: Option<PathBuf>,
}

impl PropertyTask {
    /// Makes the task of a property column. `seed` draws the folds.
    ///
    /// # Errors
    /// [`TaskError::Data`] if no shard has the column or the split column, or a shard cannot be read;
    /// [`TaskError::Value`] for less than two folds.
    pub fn new(sources: &Sources, property: &str, division: &Division, seed: u64) -> Result<Self, TaskError> {
        sources.require_properties(&[property.to_owned()])?;
        let crystals = Crystals::read(sources, property, None)?;
        let with_value = crystals.list.iter().filter(|crystal| crystal.value.is_some());
        let labelled = with_value.clone().count();
        let folds: BTreeSet<usize> = with_value.filter_map(|crystal| crystal.fold).collect();
        let drawn = |folds| SplitRule::Drawn {
            folds,
            seed,
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
                    sources.require_split(name)?;
                    (SplitRule::Column { column: name.clone() }, None)
                }
            },
            Division::Default if folds.len() > 1 => {
                (SplitRule::Folds { validation_fraction: VALIDATION }, None)
            }
            Division::Default if labelled < SINGLE_SPLIT_FROM => (drawn(FOLDS), None),
            Division::Default => (by_hash, None),
        };
        let task = Task {
            name: name_of(property),
            description: format!("{property} of the crystals of a store."),
            store: "the store that was given".to_owned(),
            property: property.to_owned(),
            unit: unit_of(sources, property),
            transform: Transform::None,
            metric: Metric::default(),
            group: Group::Matbench,
            crystals: None,
            leaderboard: None,
            split,
            expected: None,
            published: None,
            literature: BTreeMap::new(),
        };
        task.check(property)?;
        Ok(Self { task, labelled, split_file })
    }
}

/// Returns the unit of a property column: that of its documentation in the shards, or of the property of that name.
fn unit_of(sources: &Sources, property: &str) -> String {
    let mut fields = sources.shards().iter().filter_map(|shard| shard.schema.field_with_name(property).ok());
    let documented = fields.find_map(|field| field.metadata().get("unit").cloned());
    documented
        .or_else(|| by_column(property).map(|known| known.unit.to_owned()))
        .unwrap_or_else(|| "1".to_owned())
}

/// Returns the name of a property's task: what is no lower-case letter or digit becomes an underscore.
fn name_of(property: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    property.chars().map(plain).collect()
}
