//! Targets of a fine-tuned model, as metadata of its weights.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::error::WeightsError;
use super::key::TARGET_KEY;
use super::section::{self, unreadable};
use crate::exact;
use crate::model::HeadSize;
use crate::task::MAX_TARGETS;
use crate::task::Transform;
use crate::task::classification::MAX_CLASSES;

/// Keys that files of earlier versions lack.
const LATER_KEYS: [&str; 3] = ["classes", "further", "per_site"];

/// A target that a fine-tuned model predicts as a number. The output is standardised: `target = mean + std · output`, in
/// [`TargetNumber::unit`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetNumber {
    /// Name of the property column.
    pub property: String,
    /// Unit of the target, such as `log10(GPa)`.
    pub unit: String,
    /// Transform from the property to the target.
    pub transform: Transform,
    /// Mean of the training targets.
    #[serde(with = "exact::number")]
    pub mean: f64,
    /// Standard deviation of the training targets.
    #[serde(with = "exact::number")]
    pub std: f64,
}

/// Targets of a fine-tuned model, and the size of its head. A model has one output a class, or one a number: that of
/// the fields `property` to `std`, which are those of [`TargetNumber`], and those of [`Target::further`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name of the task.
    pub task: String,
    /// Name of the property column.
    pub property: String,
    /// Unit of the target, such as `log10(GPa)`.
    pub unit: String,
    /// Transform from the property to the target.
    pub transform: Transform,
    /// Mean of the training targets.
    #[serde(with = "exact::number")]
    pub mean: f64,
    /// Standard deviation of the training targets.
    #[serde(with = "exact::number")]
    pub std: f64,
    /// Width of the head's hidden layers.
    pub head_width: usize,
    /// Names of the classes in the order of the outputs; none if the model predicts numbers. Mean and standard deviation
    /// are 0 and 1 then. Files of earlier versions lack the key.
    pub classes: Vec<String>,
    /// Further numbers. Files of earlier versions lack the key.
    pub further: Vec<TargetNumber>,
    /// Whether the model predicts the only number of every site instead of every crystal. Files of earlier versions lack
    /// the key.
    pub per_site: bool,
}

impl Target {
    /// Creates the targets of a task's model. `numbers` are those it predicts, one at least; with `classes`, which are the
    /// names of its classes, only the property of the first one counts.
    ///
    /// # Panics
    /// Without a property.
    pub fn new(task: &str, numbers: Vec<TargetNumber>, classes: &[String], head_width: usize) -> Self {
        let mut numbers = numbers.into_iter();
        let first = numbers.next().expect("a task has a property");
        let TargetNumber { property, unit, transform, mean, std } = first;
        let (task, classes, further) = (task.to_owned(), classes.to_vec(), numbers.collect());
        Self { task, property, unit, transform, mean, std, head_width, classes, further, per_site: false }
    }

    /// Returns the size of the head that predicts it.
    pub fn head_size(&self) -> HeadSize {
        HeadSize { width: self.head_width, outputs: self.outputs(), per_site: self.per_site }
    }

    /// Returns the number of outputs of a crystal, or of a site.
    pub fn outputs(&self) -> usize {
        if self.classes.is_empty() { 1 + self.further.len() } else { self.classes.len() }
    }

    /// Returns the numbers in the order of the outputs; of classes the property alone.
    pub fn numbers(&self) -> Vec<TargetNumber> {
        let Self { property, unit, transform, mean, std, .. } = self.clone();
        let first = TargetNumber { property, unit, transform, mean, std };
        std::iter::once(first).chain(self.further.iter().cloned()).collect()
    }

    /// Returns the target with the units of now: earlier versions wrote `log10()` for the logarithm of an unknown unit.
    fn with_present_units(mut self) -> Self {
        let first = std::iter::once((self.transform, &mut self.unit));
        let further = self.further.iter_mut().map(|number| (number.transform, &mut number.unit));
        for (transform, unit) in first.chain(further) {
            if *unit == format!("{}()", transform.name()) {
                *unit = transform.name().to_owned();
            }
        }
        self
    }

    /// Reads the target from the metadata of a weights file; `None` if there is none.
    ///
    /// # Errors
    /// [`WeightsError::Metadata`] or the other errors of a section, with the setting.
    pub(super) fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Option<Self>, WeightsError> {
        if !metadata.contains_key(TARGET_KEY) {
            return Ok(None);
        }
        let template = Self {
            task: String::new(),
            property: String::new(),
            unit: String::new(),
            transform: Transform::None,
            mean: 0.0,
            std: 1.0,
            head_width: 1,
            classes: Vec::new(),
            further: Vec::new(),
            per_site: false,
        };
        let settings = section::settings(metadata, TARGET_KEY)?;
        let target: Self = section::fill(&template, &settings, |path| {
            (!LATER_KEYS.contains(&section::first(path))).then_some(TARGET_KEY)
        })?;
        let target = target.with_present_units();
        let refuse = |name: &str, value: String, reason: &str| {
            Err(unreadable(&format!("{TARGET_KEY}.{name}"), &value, reason))
        };
        for (index, TargetNumber { mean, std, .. }) in target.numbers().into_iter().enumerate() {
            let key = |name: &str| match index.checked_sub(1) {
                None => name.to_owned(),
                Some(index) => format!("further.{index}.{name}"),
            };
            if !mean.is_finite() {
                return refuse(&key("mean"), mean.to_string(), "is not finite");
            }
            if !(std.is_finite() && std > 0.0) {
                return refuse(&key("std"), std.to_string(), "is not positive and finite");
            }
        }
        if target.head_width == 0 {
            return refuse("head_width", "0".to_owned(), "must be at least 1");
        }
        let different: BTreeSet<&String> = target.classes.iter().collect();
        let is_list = different.len() == target.classes.len() && (2..=MAX_CLASSES).contains(&different.len());
        if !target.classes.is_empty() && !is_list {
            let reason = format!("must be 2 to {MAX_CLASSES} different names, or none");
            return refuse("classes", format!("{:?}", target.classes), &reason);
        }
        if target.per_site && target.outputs() > 1 {
            return refuse(
                "per_site",
                "true".to_owned(),
                "must be false with classes and with further numbers",
            );
        }
        let count = target.further.len();
        match target.classes.is_empty() {
            true if count < MAX_TARGETS => Ok(Some(target)),
            false if count == 0 => Ok(Some(target)),
            true => {
                let reason = format!("must be at most {}", MAX_TARGETS - 1);
                refuse("further", format!("{count} numbers"), &reason)
            }
            false => refuse("further", format!("{count} numbers"), "must be none with classes"),
        }
    }
}
