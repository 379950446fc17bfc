//! Arguments of pre-trainings and fine-tunings.

use std::path::Path;

use super::grid::TaskSection;
use super::job::{operand, text};

/// Returns numbers as one argument.
pub(super) fn joined(numbers: &[impl ToString]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Appends the arguments for the split of a task.
pub(super) fn push_division(arguments: &mut Vec<String>, section: &TaskSection) {
    if let Some(folds) = &section.folds {
        arguments.extend(["--fold".to_owned(), joined(folds)]);
    }
    if let Some(split) = &section.split {
        arguments.extend(["--split".to_owned(), text(split)]);
    }
    if section.allow_partial {
        arguments.push("--allow-partial".to_owned());
    }
}

/// Appends a configuration file and settings `key=value`.
pub(super) fn push_settings(arguments: &mut Vec<String>, config: Option<&Path>, settings: &[String]) {
    if let Some(config) = config {
        arguments.extend(["--config".to_owned(), text(config)]);
    }
    for setting in settings {
        // No key begins with a hyphen: unknown ones were refused.
        arguments.extend(["--set".to_owned(), setting.clone()]);
    }
}

/// Appends the shards, last of all arguments.
pub(super) fn push_shards(arguments: &mut Vec<String>, shards: &[String]) {
    arguments.push("--shards".to_owned());
    arguments.extend(shards.iter().map(|shard| operand(shard)));
}
