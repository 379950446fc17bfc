//! Recipes: the default settings for fine-tuning an encoder on a task. `trainer/recipes/MODEL/GROUP.toml` holds those
//! for a group of tasks, and `tasks.toml` beside it the changes for single tasks. Encoders that Crystal Twins or
//! InfoGraph has pre-trained have folders of their own. The groups follow the two regimes of the paper (specification,
//! section 6).

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::config::{self, MethodKind, ModelKind};

/// A group of tasks with a common recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// The tasks of MatBench.
    Matbench,
    /// All other tasks.
    #[default]
    Other,
}

impl Group {
    /// Returns the recipe of an encoder and its pre-training for a task of this group, as keys of the configuration and
    /// TOML values.
    ///
    /// # Panics
    /// If a built-in recipe is not valid TOML.
    pub fn recipe(self, model: ModelKind, method: MethodKind, task: &str) -> Vec<(String, String)> {
        let recipes = Recipes::of(model, method);
        let group = match self {
            Self::Matbench => recipes.matbench,
            Self::Other => recipes.other,
        };
        let group: Table = group.parse().expect(VALID);
        let tasks: Table = recipes.tasks.parse().expect(VALID);
        let own = tasks.get(task).and_then(Value::as_table);
        let settings = config::settings(&group).into_iter().chain(own.into_iter().flat_map(config::settings));
        settings.map(|(key, value)| (key, value.to_string())).collect()
    }
}

/// The recipes of an encoder, as TOML.
struct Recipes {
    matbench: &'static str,
    other: &'static str,
    /// Changes for single tasks.
    tasks: &'static str,
}

/// Expands to the recipes of a folder in `trainer/recipes`.
macro_rules! recipes {
    ($folder:literal) => {
        Recipes {
            matbench: include_str!(concat!("../../recipes/", $folder, "/matbench.toml")),
            other: include_str!(concat!("../../recipes/", $folder, "/other.toml")),
            tasks: include_str!(concat!("../../recipes/", $folder, "/tasks.toml")),
        }
    };
}

impl Recipes {
    /// Returns the recipes of an encoder and its pre-training.
    fn of(model: ModelKind, method: MethodKind) -> Self {
        match method {
            MethodKind::CrystalTwins => return recipes!("crystal-twins"),
            MethodKind::InfoGraph => return recipes!("infograph"),
            MethodKind::Mmpt | MethodKind::Denoise | MethodKind::MmptDenoise => {}
        }
        match model {
            ModelKind::Mmpt => recipes!("mmpt"),
            ModelKind::Cgcnn => recipes!("cgcnn"),
            ModelKind::Schnet => recipes!("schnet"),
            ModelKind::Megnet => recipes!("megnet"),
            ModelKind::Alignn => recipes!("alignn"),
            ModelKind::Matformer => recipes!("matformer"),
        }
    }
}

/// Sizes of tasks, up to so many labelled crystals, and MMPT's crystals in a batch and epochs for them. Steps rather than
/// passes make a model good, so that small tasks take more of these. Half a cosine of the rate ends them, and the last
/// weights are kept: a choice of the epoch by few validation crystals is one by chance, and leaves none for intervals.
const BY_SIZE: [(usize, usize, u64); 3] = [(2_000, 32, 200), (20_000, 64, 100), (usize::MAX, 128, 50)];

/// Returns MMPT's settings for a property with so many labelled crystals, over the recipe of the group.
pub fn by_size(model: ModelKind, labelled: usize) -> Vec<(String, String)> {
    if model != ModelKind::Mmpt {
        return Vec::new();
    }
    let of_size = BY_SIZE.iter().find(|(most, ..)| labelled <= *most);
    let Some((_, batch, epochs)) = of_size else { return Vec::new() };
    [
        ("data.batch_crystals", batch.to_string()),
        ("run.epochs", epochs.to_string()),
        ("optimiser.clip_norm", "1.0".to_owned()),
        ("schedule.kind", "\"cosine\"".to_owned()),
        ("finetune.select", "\"last\"".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// Reason why parsing a recipe cannot fail.
const VALID: &str = "the program's recipes are TOML";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::finetune::{FinetuneSelect, Loss, Standardise};
    use crate::config::model::CgcnnOutput;
    use crate::config::optimiser::OptimiserKind;
    use crate::config::schedule::ScheduleKind;
    use crate::task::Task;

    const GROUPS: [Group; 2] = [Group::Matbench, Group::Other];

    fn resolved(group: Group, task: &str) -> Config {
        resolved_for(MethodKind::Mmpt, group, task)
    }

    fn resolved_for(method: MethodKind, group: Group, task: &str) -> Config {
        let recipe = |config: &Config| group.recipe(config.model.kind, method, task);
        Config::resolve_over(recipe, None, &[] as &[&str]).expect(task)
    }

    #[test]
    fn recipes_are_of_known_settings() {
        for group in GROUPS {
            for task in Task::names() {
                for method in [MethodKind::Mmpt, MethodKind::CrystalTwins, MethodKind::InfoGraph] {
                    resolved_for(method, group, task);
                }
            }
        }
    }

    #[test]
    fn small_properties_take_more_epochs() {
        for (labelled, batch, epochs) in
            [(10, 32, 200), (2_000, 32, 200), (5_000, 64, 100), (50_000, 128, 50)]
        {
            let recipe = |config: &Config| {
                let group = Group::Matbench.recipe(config.model.kind, config.pretrain.method, "mine");
                group.into_iter().chain(by_size(config.model.kind, labelled)).collect()
            };
            let config = Config::resolve_over(recipe, None, &[] as &[&str]).expect("a valid recipe");
            assert_eq!((config.data.batch_crystals, config.run.epochs), (batch, epochs));
            assert_eq!((config.schedule.kind, config.optimiser.clip_norm), (ScheduleKind::Cosine, Some(1.0)));
            assert_eq!(config.finetune.select, FinetuneSelect::Last);
        }
        assert!(by_size(ModelKind::Cgcnn, 10).is_empty());
    }

    #[test]
    fn recipes_of_single_tasks_are_of_tasks_there_are() {
        let tasks: Table = Recipes::of(ModelKind::Mmpt, MethodKind::Mmpt).tasks.parse().expect("TOML");
        for name in tasks.keys() {
            assert!(Task::names().contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn encoders_of_other_pretrainings_have_their_own_recipes() {
        for (method, batch, output) in [
            (MethodKind::CrystalTwins, 128, CgcnnOutput::Perceptron),
            (MethodKind::InfoGraph, 256, CgcnnOutput::Linear),
        ] {
            for (task, epochs) in [("mp_gap", 300), ("jarvis_ehull", 500)] {
                let Config { model, data, optimiser, run, .. } = resolved_for(method, Group::Other, task);
                assert_eq!((model.kind, model.cgcnn.crystal_width), (ModelKind::Cgcnn, 128));
                assert_eq!((model.cgcnn.output, data.batch_crystals, run.epochs), (output, batch, epochs));
                assert_eq!((optimiser.kind, optimiser.weight_decay), (OptimiserKind::Adam, 1e-6));
            }
        }
    }

    #[test]
    fn the_paper_s_groups_have_its_optimisers() {
        let rates = |group| {
            let Config { optimiser, schedule, finetune, run, .. } = resolved(group, "mine");
            assert_eq!((optimiser.kind, optimiser.weight_decay), (OptimiserKind::AdamW, 1e-5));
            assert_eq!((optimiser.clip_norm, run.epochs), (None, 50));
            (optimiser.learning_rate, finetune.head_learning_rate, schedule.kind)
        };
        assert_eq!(rates(Group::Matbench), (1e-3, Some(5e-3), ScheduleKind::Constant));
        assert_eq!(rates(Group::Other), (0.01, Some(0.01), ScheduleKind::OneCycle));
        for group in GROUPS {
            let config = resolved(group, "matbench_jdft2d");
            assert_eq!((config.run.epochs, config.data.batch_crystals), (60, 32));
            assert_eq!(config.optimiser.clip_norm, Some(1.0));
        }
    }

    #[test]
    fn cgcnn_is_trained_by_its_authors_script() {
        for (group, rate, epoch, batch) in [(Group::Matbench, 0.02, 800, 128), (Group::Other, 0.01, 100, 256)]
        {
            let recipe = |config: &Config| group.recipe(config.model.kind, config.pretrain.method, "mine");
            let config = Config::resolve_over(recipe, None, &["model.kind=cgcnn"]).expect("a valid recipe");
            let Config { optimiser, schedule, finetune, run, data, .. } = config;
            assert_eq!((optimiser.kind, optimiser.momentum), (OptimiserKind::Sgd, 0.9));
            assert_eq!((optimiser.learning_rate, optimiser.weight_decay), (rate, 0.0));
            assert_eq!(
                (schedule.kind, schedule.steps.epochs.as_slice()),
                (ScheduleKind::Steps, &[epoch][..])
            );
            assert_eq!((finetune.loss, finetune.standardise), (Loss::Mse, Standardise::Sample));
            assert_eq!((run.epochs, data.batch_crystals), (1000, batch));
        }
    }
}
