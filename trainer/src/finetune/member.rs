//! A fine-tuning run: one fold and one seed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::prelude::*;

use super::criterion::Criterion;
use super::model::FinetuneModel;
use super::objective::{Finetuning, with_noise};
use super::standardisation::Standardisation;
use crate::config::{Config, MethodKind, PretrainConfig};
use crate::data::{LatticeStatistics, Selection, Sources, Subset};
use crate::error::TrainError;
use crate::model::cgcnn::CRYSTAL_LAYER;
use crate::model::layers::Initialiser;
use crate::model::{Head, PropertyModel};
use crate::pretrain::denoise::heads::NoiseHeads;
use crate::pretrain::load::require_whole;
use crate::ranks::Ranks;
use crate::run::begin::{Crystals, claim_run, require_whole_batch, restore, steps};
use crate::run::checkpoint::{NOISE_PREFIX, State};
use crate::run::folder::Existing;
use crate::run::interrupt::Interrupt;
use crate::run::progress::Progress;
use crate::run::snapshot;
use crate::run::step::{Learner, Objective, TOTAL};
use crate::run::training_run::{Ending, RunSetup, TrainingRun};
use crate::task::{Fold, Group, Labelled, Task};
use crate::weights::{self, Description, Target, TargetNumber, WeightsError};

/// Encoders from a weights file, to begin fine-tuning with.
#[derive(Debug, Clone)]
pub struct Encoders {
    path: PathBuf,
    /// Description of the weights; the default for a file without one.
    pub description: Description,
    /// Whether the file has a description.
    pub described: bool,
    tensors: BTreeMap<String, weights::Tensor>,
}

impl Encoders {
    /// Reads the encoders of a weights file or checkpoint, pre-trained or fine-tuned. Decoders and heads are left
    /// out, but must be there if the file has a description, so that it tells the truth.
    ///
    /// # Errors
    /// [`TrainError::Weights`] for a file that cannot be read or used, [`TrainError::Model`] for one that holds another
    /// model than it says.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let broken = |source| TrainError::Weights { path: path.to_owned(), source };
        let file = weights::read(path).map_err(broken)?;
        let description = file.description().map_err(broken)?;
        if let Some(description) = &description {
            require_whole(path, &file, description)?;
        }
        Ok(Self {
            path: path.to_owned(),
            described: description.is_some(),
            description: description.unwrap_or_default(),
            tensors: file.tensors,
        })
    }

    /// Returns the configuration with the sizes and labels of these encoders. It must have been resolved over their
    /// [recipe](Self::recipe).
    ///
    /// # Errors
    /// [`TrainError::Weights`] if the configuration sets them to other values.
    pub fn configure(&self, config: Config) -> Result<Config, TrainError> {
        configure(&self.description, config)
            .map_err(|source| TrainError::Weights { path: self.path.clone(), source })
    }

    /// Returns the recipe of these encoders for a task, with the settings that the weights decide.
    pub fn recipe(&self, group: Group, task: &str) -> Vec<(String, String)> {
        recipe_of(&self.description, group, task)
    }

    /// Returns a model with these encoders and its own head. A layer that embeds crystals is the model's own if the
    /// weights have none, and so are heads for noise.
    fn place_in(&self, model: FinetuneModel) -> Result<FinetuneModel, TrainError> {
        let own = snapshot::weights_of(&model);
        let has_noise = self.tensors.keys().any(|name| name.starts_with(NOISE_PREFIX));
        let is_own = |name: &str| {
            let of_crystals = is_of_atoms(&self.description) && name.starts_with(CRYSTAL_LAYER);
            let of_noise = !has_noise && name.starts_with(NOISE_PREFIX);
            of_crystals || of_noise || Head::has(self.description.model.kind, name)
        };
        let (own, encoder): (BTreeMap<_, _>, BTreeMap<_, _>) =
            own.into_iter().partition(|(name, _)| is_own(name));
        let given = self.tensors.iter().filter(|(name, _)| encoder.contains_key(*name));
        let given = given.map(|(name, tensor)| (name.clone(), tensor.clone()));
        snapshot::with_weights(model, given.chain(own).collect(), &[], &self.path)
    }
}

/// Returns the configuration of a fine-tuning with the sizes and labels of the weights that it begins with. It must
/// have been resolved over [`recipe_of`] these weights.
///
/// # Errors
/// [`WeightsError::Other`] if the configuration sets them to other values.
pub(crate) fn configure(description: &Description, config: Config) -> Result<Config, WeightsError> {
    let Description { model, pretrain, features, .. } = description;
    // Which labels were predicted does not matter to the encoders.
    let comparable = |section: &PretrainConfig| {
        let mut section = section.of_weights();
        section.mmpt.labels = pretrain.mmpt.labels;
        section
    };
    let open = open_settings(description);
    let asked = config.model.with_settings_of(model, &open);
    description.require(&asked, &comparable(&config.pretrain), features)?;
    let mut taken = pretrain.clone();
    taken.mmpt.loss = config.pretrain.mmpt.loss.clone();
    let model = model.with_settings_of(&config.model, &open);
    Ok(Config { model, pretrain: taken, ..config })
}

/// Returns the recipe of the weights that a fine-tuning begins with, for a task. Settings that the weights decide have
/// their values, so that others must have been given.
pub(crate) fn recipe_of(description: &Description, group: Group, task: &str) -> Vec<(String, String)> {
    let open = open_settings(description);
    let mut recipe = group.recipe(description.model.kind, description.pretrain.method, task);
    let is_decided = |key: &str| key.strip_prefix("model.").is_some_and(|key| !open.contains(&key));
    recipe.retain(|(key, _)| !is_decided(key));
    let (model, pretrain) = (description.model.clone(), description.pretrain.of_weights());
    let decided = Config { model, pretrain, ..Config::default() }.chosen_settings().into_iter();
    recipe.extend(decided.filter(|(key, _)| is_decided(key) || key.starts_with("pretrain.")));
    recipe
}

/// Returns the settings of the model that weights leave open, as keys inside its section.
fn open_settings(description: &Description) -> Vec<&'static str> {
    let mut open = description.model.head_settings().to_vec();
    if is_of_atoms(description) {
        open.push("cgcnn.crystal_width");
    }
    open
}

/// Whether weights embed atoms alone, as those of InfoGraph do.
fn is_of_atoms(description: &Description) -> bool {
    description.pretrain.method == MethodKind::InfoGraph && description.target.is_none()
}

/// The arguments of [`run_member`].
#[derive(Debug)]
pub struct MemberRequest<'a> {
    /// The task.
    pub task: &'a Task,
    /// Shards of the crystals.
    pub sources: &'a Arc<Sources>,
    /// Parts of the fold.
    pub fold: &'a Fold,
    /// The resolved configuration with the seed of the member.
    pub config: Config,
    /// Folder of the run.
    pub folder: PathBuf,
    /// How to treat an existing run in the folder.
    pub existing: Existing,
    /// The device of the model, without automatic differentiation.
    pub device: Device,
    /// Encoders to begin with; fresh ones if `None`.
    pub encoders: Option<&'a Encoders>,
    /// The processes that train together.
    pub ranks: &'a Arc<dyn Ranks>,
    /// Folder of the run's event files, if there are to be any.
    pub events: Option<PathBuf>,
}

/// Runs a member, or continues it. It is the current run of `progress`.
///
/// # Errors
/// [`TrainError`]. The last checkpoint is complete in any case.
pub fn run_member(
    request: MemberRequest<'_>,
    progress: &mut Progress,
    interrupt: &Interrupt,
) -> Result<(Ending, State), TrainError> {
    TrainingRun::begin(begin(request)?, progress, interrupt)?.run()
}

/// Opens the data, the model and the run folder of a request.
fn begin(request: MemberRequest<'_>) -> Result<RunSetup<Finetuning>, TrainError> {
    let MemberRequest { task, sources, fold, config, device, encoders, ranks, .. } = request;
    let crystals = Crystals {
        train: part(task, fold, "train", sources, &fold.train)?,
        validation: Some(part(task, fold, "validation", sources, &fold.validation)?),
    };
    require_whole_batch(&config.data, &crystals.train, &**ranks)?;
    let criterion = match task.classes().len() {
        _ if task.per_site => Criterion::of_sites(&fold.train, &config.finetune),
        0 => Criterion::of_numbers(&fold.train, &config.finetune).with_validation(&fold.validation),
        classes => Criterion::of_classes(&fold.train, classes, &config.finetune),
    };
    let is_finite = |Standardisation { mean, std }: &Standardisation| mean.is_finite() && std.is_finite();
    if let Some(index) = criterion.standardisation().iter().position(|found| !is_finite(found)) {
        let property = task.targets().into_iter().nth(index).map(|target| target.property);
        return Err(TrainError::LargeTargets { property: property.unwrap_or_default() });
    }
    let target = target(task, criterion.standardisation(), config.finetune.head_width);
    let constant = criterion.constant();
    let head = target.head_size();
    let features = sources.settings();
    let objective = Finetuning::new(
        fold.train.iter().chain(&fold.validation),
        criterion,
        &config,
        features.cutoff_angstrom,
        &device,
        ranks,
    )
    .with_fresh_crystals(encoders.is_some_and(|encoders| is_of_atoms(&encoders.description)));
    let (folder, checkpoint) = claim_run(&request.folder, request.existing, &config, &**ranks)?;
    let init = |lattice: &LatticeStatistics| {
        let autodiff = device.clone().autodiff();
        let property = PropertyModel::init(&config.model, head, lattice, config.seed, &autodiff);
        let noise = config.learns_noise().then(|| {
            // Draws of their own, so that the property's model begins alike with them and without.
            NoiseHeads::build(&with_noise(&config), &mut Initialiser::new(config.seed, &autodiff))
        });
        FinetuneModel { property, noise }
    };
    let (learner, description, state) = match checkpoint {
        Some(checkpoint) => {
            require_target(folder.path(), checkpoint.description.target.as_ref(), &target)?;
            let path = folder.checkpoint();
            restore(checkpoint, init, objective, &config, features, &path, &device)?
        }
        None => {
            let lattice = match encoders {
                Some(encoders) => encoders.description.lattice,
                None => LatticeStatistics::of(&crystals.train)?,
            };
            let model = init(&lattice);
            let model = encoders.map_or(Ok(model.clone()), |encoders| encoders.place_in(model))?;
            let description = Description {
                model: config.model.clone(),
                pretrain: config.pretrain.clone(),
                features: features.clone(),
                lattice,
                target: Some(target),
            };
            let learner = Learner::of_run(model, objective, &config);
            (learner, description, State::default())
        }
    };
    Ok(RunSetup {
        steps: steps(&config, &crystals.train, learner.objective.inputs(), &**ranks, &device)?,
        constants: constant.map(|loss| (TOTAL.to_owned(), loss)).into_iter().collect(),
        select: config.finetune.select.into(),
        config,
        device,
        crystals,
        description,
        learner,
        state,
        folder,
        events: request.events,
    })
}

/// Returns the description of a task's targets.
fn target(task: &Task, standardisation: &[Standardisation], head_width: usize) -> Target {
    let numbers = task.targets().into_iter().enumerate().map(|(index, column)| {
        let Standardisation { mean, std } =
            standardisation.get(index).copied().unwrap_or(Standardisation::NONE);
        TargetNumber {
            unit: column.target_unit(),
            property: column.property,
            transform: column.transform,
            mean,
            std,
        }
    });
    let target = Target::new(&task.name, numbers.collect(), task.classes(), head_width);
    Target { per_site: task.per_site, ..target }
}

/// Returns the crystals of a part of a fold.
pub(crate) fn part(
    task: &Task,
    fold: &Fold,
    name: &'static str,
    sources: &Arc<Sources>,
    crystals: &[Labelled],
) -> Result<Selection, TrainError> {
    if crystals.is_empty() {
        let (task, fold) = (task.name.clone(), fold.name.clone());
        return Err(TrainError::EmptyPart { task, fold, part: name });
    }
    let material_ids = Arc::new(crystals.iter().map(|crystal| crystal.material_id.clone()).collect());
    let name = format!("{name} of {} of {}", fold.name, task.name);
    Ok(Selection::new(sources, Subset::Listed { name, material_ids })?)
}

/// Checks that a checkpoint belongs to these crystals and this task.
fn require_target(folder: &Path, found: Option<&Target>, asked: &Target) -> Result<(), TrainError> {
    if found == Some(asked) {
        return Ok(());
    }
    let shown = |target: &Target| {
        let number = |TargetNumber { property, unit, mean, std, .. }: TargetNumber| {
            format!("{property}, mean {mean} and deviation {std} {unit}")
        };
        let targets = match target.classes.as_slice() {
            [] => target.numbers().into_iter().map(number).collect::<Vec<_>>().join("; "),
            classes => format!("{}, classes {}", target.property, classes.join(", ")),
        };
        format!("{} ({targets})", target.task)
    };
    Err(TrainError::OtherConfiguration {
        path: folder.to_owned(),
        key: "task".to_owned(),
        found: found.map_or_else(|| "none, a pre-training".to_owned(), shown),
        asked: shown(asked),
    })
}

#[cfg(test)]
mod tests;
