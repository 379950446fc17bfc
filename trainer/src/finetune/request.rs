//! What is asked of a fine-tuning, and whether it fits together. The command line and Python both ask here.

use std::path::PathBuf;

use schemas::count::counted;

use crate::config::Override;
use crate::data::{DataError, Sources};
use crate::task::rule::{LEAST_FOLDS, MOST_FOLDS};
use crate::task::{Classes, Division, PropertyRequest, PropertyTask, Remark, Task, TaskError, Transform};

/// A fine-tuning is asked for things that do not fit together. No file is at fault.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Neither a task nor a property is named.
    #[error("a task or a property is required")]
    NoTarget,
    /// A setting of properties was given together with a task, which defines it.
    #[error(
        "{setting} = {value}: has no effect: the task '{task}' says what is learnt and how its crystals are \
         divided"
    )]
    OfTask {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// Name or file of the task.
        task: String,
    },
    /// Of two settings only one can be given.
    #[error("{setting} = {value}: cannot be used with {other}")]
    Together {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The other one, as `setting = value`.
        other: String,
    },
    /// The transforms are not as many as the properties.
    #[error(
        "transform gives {} for {}: name one for each, none for those without",
        counted(*transforms, "transform"),
        counted(*properties, "property")
    )]
    Transforms {
        /// Number of transforms.
        transforms: usize,
        /// Number of properties.
        properties: usize,
    },
    /// The number of folds is out of range.
    #[error("folds = {count}: must be {} to {}", LEAST_FOLDS, MOST_FOLDS)]
    Folds {
        /// The number.
        count: u64,
    },
    /// A setting has no effect on the task.
    #[error("{name}: {key} = {value}: has no effect: {reason}")]
    WithoutEffect {
        /// Name of the override, as its caller gave it.
        name: &'static str,
        /// The dotted key.
        key: String,
        /// The value as it was written.
        value: String,
        /// Why it has none.
        reason: &'static str,
    },
}

/// What is to be learnt, as a user asks for it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TargetRequest {
    /// Name or file of a task.
    pub task: Option<String>,
    /// Property columns in the place of a task.
    pub properties: Vec<String>,
    /// Transform of every property, in their order; empty if all are learnt as they are.
    pub transforms: Vec<Transform>,
    /// Whether each different whole number of the property is a class.
    pub classify: bool,
    /// Value, in the unit of the property, that divides it into two classes.
    pub above: Option<f64>,
    /// Number of folds to draw.
    pub folds: Option<u64>,
    /// File that lists the crystals of every part. Of properties also a split column of the store, or `hash`.
    pub split: Option<String>,
}

/// The task to fine-tune for, and what decides its recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The task.
    pub task: Task,
    /// File that lists the crystals of every part, if there is one.
    pub split_file: Option<PathBuf>,
    /// Number of crystals with a value; `None` for a task, whose recipe does not depend on it.
    pub labelled: Option<usize>,
    /// Remarks about the choice of the division that a user should see.
    pub remarks: Vec<Remark>,
}

impl TargetRequest {
    /// Loads the task, or makes that of the properties. `shards_and_seed` gives the shards of the properties, and the seed
    /// that draws the folds; a task needs neither.
    ///
    /// # Errors
    /// [`RequestError`] for what does not fit together, before anything is read. The errors of `shards_and_seed`,
    /// [`Task::load`], [`Sources::resolve`] and [`PropertyTask::new`].
    pub fn load<E>(
        &self,
        shards_and_seed: impl FnOnce() -> Result<(Vec<String>, u64), E>,
    ) -> Result<Target, E>
    where
        E: From<RequestError> + From<DataError> + From<TaskError>,
    {
        self.check()?;
        if let Some(name) = &self.task {
            let split_file = self.split.as_ref().map(PathBuf::from);
            return Ok(Target { task: Task::load(name)?, split_file, labelled: None, remarks: Vec::new() });
        }
        let (shards, seed) = shards_and_seed()?;
        let sources = Sources::resolve(&shards, None)?;
        let request = PropertyRequest {
            properties: self.properties.clone(),
            transforms: self.transforms.clone(),
            classes: match self.above {
                Some(value) => Some(Classes::Above(value)),
                None => self.classify.then_some(Classes::OfValues),
            },
            division: self.division()?,
            seed,
        };
        let PropertyTask { task, split_file, labelled, remarks } = PropertyTask::new(&sources, &request)?;
        Ok(Target { task, split_file, labelled: Some(labelled), remarks })
    }

    /// Checks that the parts of the request fit together. Nothing is read for it.
    ///
    /// # Errors
    /// [`RequestError`] for the first part that does not.
    pub fn check(&self) -> Result<(), RequestError> {
        let list = |names: Vec<&str>| (!names.is_empty()).then(|| names.join(","));
        let properties = list(self.properties.iter().map(String::as_str).collect());
        let transform = list(self.transforms.iter().map(|transform| transform.name()).collect());
        let classify = self.classify.then(|| true.to_string());
        let above = self.above.map(|value| value.to_string());
        let folds = self.folds.map(|count| count.to_string());
        if let Some(task) = &self.task {
            let of_properties = [
                ("property", properties),
                ("transform", transform),
                ("classify", classify),
                ("above", above),
                ("folds", folds),
            ];
            let given = of_properties.into_iter().find_map(|(setting, value)| Some((setting, value?)));
            return match given {
                None => Ok(()),
                Some((setting, value)) => Err(RequestError::OfTask { setting, value, task: task.clone() }),
            };
        }
        if self.properties.is_empty() {
            return Err(RequestError::NoTarget);
        }
        let excluding = [
            ("classify", &classify, "transform", &transform),
            ("above", &above, "transform", &transform),
            ("above", &above, "classify", &classify),
            ("folds", &folds, "split", &self.split),
        ];
        for (setting, value, other, of_other) in excluding {
            if let (Some(value), Some(of_other)) = (value, of_other) {
                let (value, other) = (value.clone(), format!("{other} = {of_other}"));
                return Err(RequestError::Together { setting, value, other });
            }
        }
        let (transforms, properties) = (self.transforms.len(), self.properties.len());
        if transforms > 0 && transforms != properties {
            return Err(RequestError::Transforms { transforms, properties });
        }
        self.division().map(drop)
    }

    /// Returns how the crystals of properties are divided.
    fn division(&self) -> Result<Division, RequestError> {
        match (self.folds, &self.split) {
            (Some(count), _) => match usize::try_from(count) {
                Ok(folds) if (LEAST_FOLDS..=MOST_FOLDS).contains(&count) => Ok(Division::Folds(folds)),
                _ => Err(RequestError::Folds { count }),
            },
            (None, Some(split)) => Ok(Division::Split(split.clone())),
            (None, None) => Ok(Division::Default),
        }
    }
}

/// Checks that every override of the settings has an effect on the fine-tuning of a task.
/// [`Purpose::require_effect`](crate::config::Purpose::require_effect) finds those that have none on any.
///
/// # Errors
/// [`RequestError::WithoutEffect`] for the first override without one.
pub fn require_effect(task: &Task, overrides: &[Override]) -> Result<(), RequestError> {
    for Override { name, key, value } in overrides {
        if let Some(reason) = hindrance(task, key) {
            let (name, key, value) = (*name, key.clone(), value.clone());
            return Err(RequestError::WithoutEffect { name, key, value, reason });
        }
    }
    Ok(())
}

/// Returns why a setting has no effect on the fine-tuning of a task; `None` if it has one.
fn hindrance(task: &Task, key: &str) -> Option<&'static str> {
    let of_classes = !task.classes().is_empty();
    match key {
        "finetune.validation" if !task.split.has_folds() => Some("the task has no folds"),
        "finetune.loss" | "finetune.huber_delta" | "finetune.quantile" | "finetune.standardise"
            if of_classes =>
        {
            Some("the task predicts classes")
        }
        "finetune.class_weights" if !of_classes => Some("the task predicts numbers"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_properties(properties: &[&str]) -> TargetRequest {
        let properties = properties.iter().map(|&name| name.to_owned()).collect();
        TargetRequest { properties, ..TargetRequest::default() }
    }

    fn refused(request: &TargetRequest) -> String {
        request.check().expect_err("it does not fit together").to_string()
    }

    #[test]
    fn a_task_leaves_nothing_to_say_about_properties() {
        let task = || TargetRequest { task: Some("mp_gap".to_owned()), ..TargetRequest::default() };
        assert_eq!(task().check(), Ok(()));
        assert_eq!(TargetRequest { split: Some("parts.csv".to_owned()), ..task() }.check(), Ok(()));
        for (request, given) in [
            (TargetRequest { properties: vec!["gap".to_owned()], ..task() }, "property = gap"),
            (TargetRequest { transforms: vec![Transform::Log1p], ..task() }, "transform = log1p"),
            (TargetRequest { classify: true, ..task() }, "classify = true"),
            (TargetRequest { above: Some(0.5), ..task() }, "above = 0.5"),
            (TargetRequest { folds: Some(3), ..task() }, "folds = 3"),
        ] {
            let reason = "the task 'mp_gap' says what is learnt and how its crystals are divided";
            assert_eq!(refused(&request), format!("{given}: has no effect: {reason}"));
        }
        assert_eq!(refused(&TargetRequest::default()), "a task or a property is required");
    }

    #[test]
    fn nothing_that_is_asked_of_properties_is_dropped() {
        let (one, two) = (|| of_properties(&["gap"]), || of_properties(&["gap", "bulk"]));
        let (log, split) = (Transform::Log10, Some("split".to_owned()));
        for request in [
            one(),
            TargetRequest { transforms: vec![log], split: split.clone(), ..one() },
            TargetRequest { transforms: vec![Transform::None, log], folds: Some(2), ..two() },
            TargetRequest { classify: true, folds: Some(100), ..one() },
        ] {
            assert_eq!(request.check(), Ok(()), "{request:?}");
        }
        for (request, message) in [
            (
                TargetRequest { folds: Some(3), split, ..one() },
                "folds = 3: cannot be used with split = split",
            ),
            (
                TargetRequest { classify: true, transforms: vec![log], ..one() },
                "classify = true: cannot be used with transform = log10",
            ),
            (
                TargetRequest { above: Some(1.5), transforms: vec![log], ..one() },
                "above = 1.5: cannot be used with transform = log10",
            ),
            (
                TargetRequest { above: Some(1.5), classify: true, ..one() },
                "above = 1.5: cannot be used with classify = true",
            ),
            (
                TargetRequest { transforms: vec![log], ..two() },
                "transform gives 1 transform for 2 properties: name one for each, none for those without",
            ),
            (
                TargetRequest { transforms: vec![log, log], ..one() },
                "transform gives 2 transforms for 1 property: name one for each, none for those without",
            ),
            (TargetRequest { folds: Some(1), ..one() }, "folds = 1: must be 2 to 100"),
            (TargetRequest { folds: Some(101), ..one() }, "folds = 101: must be 2 to 100"),
        ] {
            assert_eq!(refused(&request), message);
        }
    }

    #[test]
    fn settings_have_an_effect_on_the_task() {
        let (folds, split) = ("matbench_jdft2d", "textbook_band_gap");
        for (name, setting, reason) in [
            (folds, "finetune.validation=per-fold", None),
            (split, "finetune.validation=per-fold", Some("the task has no folds")),
            (folds, "finetune.class_weights=balanced", Some("the task predicts numbers")),
            ("matbench_mp_is_metal", "finetune.class_weights=balanced", None),
        ] {
            let task = Task::load(name).expect("built in");
            let given = [Override::parse("settings", setting).expect("key=value")];
            let found = require_effect(&task, &given).map_err(|error| error.to_string());
            let shown = setting.replace('=', " = ");
            let expected = reason.map(|reason| format!("settings: {shown}: has no effect: {reason}"));
            assert_eq!(found.err(), expected, "{name}");
        }
    }

    #[test]
    fn settings_of_folds_classes_and_numbers_need_them() {
        let folds = Task::load("matbench_jdft2d").expect("built in");
        let split = Task::load("textbook_band_gap").expect("built in");
        let classes = Task::load("matbench_mp_is_metal").expect("built in");
        assert_eq!(hindrance(&folds, "finetune.validation"), None);
        assert_eq!(hindrance(&split, "finetune.validation"), Some("the task has no folds"));
        for key in ["finetune.loss", "finetune.quantile"] {
            assert_eq!(hindrance(&folds, key), None);
            assert_eq!(hindrance(&classes, key), Some("the task predicts classes"));
        }
        assert_eq!(hindrance(&classes, "finetune.class_weights"), None);
        assert_eq!(hindrance(&folds, "finetune.class_weights"), Some("the task predicts numbers"));
        assert_eq!(hindrance(&classes, "run.epochs"), None);
    }
}
