//! The default settings of a fine-tuning, which depend on the encoder, the task and the number of crystals.

use super::member::Encoders;
use crate::config::Config;
use crate::task::{self, Group, Task};

/// Returns the recipe for a task, for [`Config::resolve_named`]. `group` chooses another recipe than that of the
/// task's group, `encoders` are those to begin with, and `labelled` is the number of crystals with a value, for a
/// property without a task of its own.
pub fn recipe(
    task: &Task,
    group: Option<Group>,
    encoders: Option<&Encoders>,
    labelled: Option<usize>,
) -> impl FnOnce(&Config) -> Vec<(String, String)> {
    let group = group.unwrap_or(task.group);
    move |config| {
        let (mut recipe, model) = match encoders {
            Some(encoders) => (encoders.recipe(group, &task.name), encoders.description.model.kind),
            None => {
                let model = config.model.kind;
                (group.recipe(model, config.pretrain.method, &task.name), model)
            }
        };
        recipe.extend(labelled.into_iter().flat_map(|labelled| task::by_size(model, labelled)));
        recipe
    }
}
