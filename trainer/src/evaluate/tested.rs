//! Predictions of all members of a fine-tuning for the scored parts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use burn::prelude::*;
use crystal::composition::conventional_formula;

use super::{Request, other_features};
use crate::config::finetune::Loss;
use crate::config::{Config, ModelKind};
use crate::data::Sources;
use crate::error::TrainError;
use crate::finetune::Predictor;
use crate::finetune::calibration::Calibration;
use crate::finetune::domain::ModelDomain;
use crate::finetune::ensemble::member_folder;
use crate::finetune::ensemble_record::EnsembleRecord;
use crate::finetune::member;
use crate::finetune::predictions::{PredictedCrystal, predict_selection};
use crate::finetune::validated::ValidatedPart;
use crate::report::part::Part;
use crate::report::{LearningCurve, Points};
use crate::run::folder::{BEST_FILE, CONFIG_FILE, METRICS_FILE};
use crate::run::metrics::{self, EpochRecord, Losses, Record};
use crate::run::step::TOTAL;
use crate::task::{Fold, Labelled, Task};

/// Settings in the report page.
const SHOWN_SETTINGS: [&str; 26] = [
    "run.epochs",
    "run.early_stop",
    "data.batch_crystals",
    "optimiser.kind",
    "optimiser.learning_rate",
    "finetune.head_learning_rate",
    "optimiser.weight_decay",
    "optimiser.clip_norm",
    "schedule.kind",
    "schedule.cosine.cycles",
    "average.kind",
    "average.decay",
    "noise.displacement",
    "noise.strain",
    "noise.weights",
    "noise.gradient",
    "noise.gradient_decay",
    "finetune.fraction",
    "finetune.layer_decay",
    "finetune.noise_weight",
    "finetune.snapshots",
    "finetune.loss",
    "finetune.huber_delta",
    "finetune.quantile",
    "finetune.validation",
    "finetune.class_weights",
];

/// A crystal of the scored part with the predictions of every seed.
#[derive(Debug, Clone)]
pub(super) struct TestedCrystal {
    pub(super) material_id: String,
    /// Conventional formula.
    pub(super) formula: String,
    /// Atomic numbers of its sites.
    pub(super) atomic_numbers: Vec<u8>,
    /// Targets as those of [`Labelled`], `[T]`, or `[nsites]` of numbers of the sites.
    pub(super) targets: Vec<f64>,
    /// Predictions of every seed, `[S][K]`, or `[S][nsites]`.
    pub(super) predictions: Vec<Vec<f64>>,
    /// Domain distances of every seed; none without records of the training crystals.
    pub(super) distances: Vec<f64>,
    /// Atomic numbers of its elements that no training crystal of any seed holds; none without records of the training
    /// crystals.
    pub(super) unseen: BTreeSet<u8>,
}

impl TestedCrystal {
    /// Returns the index of its class. Without one it is an index that no class has, which the report refuses.
    pub(super) fn class(&self) -> usize {
        self.targets.first().filter(|class| !class.is_nan()).map_or(usize::MAX, |class| *class as usize)
    }
}

/// A fold with the crystals of the scored part.
#[derive(Debug, Clone)]
pub(super) struct TestedFold {
    /// Name of the fold.
    pub(super) name: String,
    /// Seeds of its members.
    pub(super) seeds: Vec<u64>,
    /// Crystals for training, of the first seed.
    pub(super) train: Vec<Labelled>,
    /// Crystals for training of any seed, for the yardsticks. A share of the training crystals is drawn anew by every seed.
    pub(super) trained: Vec<Labelled>,
    /// Crystals for validation.
    pub(super) validation: Vec<Labelled>,
    /// The crystals of the scored part, in the order of the shards.
    pub(super) crystals: Vec<TestedCrystal>,
}

impl TestedFold {
    /// Adds the training crystals of a further seed.
    pub(super) fn add_trained(&mut self, train: Vec<Labelled>) {
        let known = self.trained.iter().map(|crystal| crystal.material_id.clone());
        let known: HashSet<String> = known.collect();
        self.trained.extend(train.into_iter().filter(|crystal| !known.contains(&crystal.material_id)));
    }
}

/// The members of a fine-tuning under evaluation.
pub(super) struct Members<'a> {
    pub(super) request: &'a Request,
    pub(super) device: Device,
    pub(super) record: EnsembleRecord,
    pub(super) task: Task,
    pub(super) sources: Arc<Sources>,
    /// Settings for the report page.
    pub(super) settings: Vec<(String, String)>,
    /// Kind of the models.
    pub(super) kind: ModelKind,
    /// Loss that they were trained with.
    pub(super) loss: Loss,
    /// Predictions for the validation parts; `None` of members without them.
    pub(super) calibrations: Vec<Option<ValidatedPart>>,
    /// Losses of the members over their epochs.
    pub(super) curves: Vec<LearningCurve>,
}

impl Members<'_> {
    /// Returns the predictions of all members for their validation parts; none unless every member has them.
    pub(super) fn complete_calibrations(&self) -> Vec<ValidatedPart> {
        self.calibrations.iter().cloned().collect::<Option<_>>().unwrap_or_default()
    }

    /// Predicts the scored part of every fold with the weights of every seed.
    ///
    /// # Errors
    /// [`TrainError`] for a crystal to show that is not tested, a missing member, weights that cannot be read, shards that do
    /// not fit the task, and an interruption.
    pub(super) fn folds(&mut self) -> Result<Vec<TestedFold>, TrainError> {
        let mut folds: Vec<TestedFold> = Vec::new();
        for seed in self.record.seeds.clone() {
            let partition = self.task.partition(&self.sources, &self.record.options(seed))?;
            // Before the first prediction. The test parts are the same for every seed.
            if folds.is_empty() {
                require_tested(&self.request.show, &partition.folds)?;
            }
            for fold in partition.folds {
                if self.request.interrupt.requested() {
                    return Err(TrainError::Interrupted);
                }
                let crystals = self.member(&fold, seed)?;
                match folds.iter_mut().find(|known| known.name == fold.name) {
                    Some(known) => {
                        known.seeds.push(seed);
                        known.add_trained(fold.train);
                        for (known, crystal) in known.crystals.iter_mut().zip(crystals) {
                            known.predictions.extend(crystal.predictions);
                            known.distances.extend(crystal.distances);
                            known.unseen.retain(|number| crystal.unseen.contains(number));
                        }
                    }
                    None => folds.push(TestedFold {
                        name: fold.name,
                        seeds: vec![seed],
                        trained: fold.train.clone(),
                        train: fold.train,
                        validation: fold.validation,
                        crystals,
                    }),
                }
            }
        }
        Ok(folds)
    }

    /// Returns a member's predictions of the scored part.
    fn member(&mut self, fold: &Fold, seed: u64) -> Result<Vec<TestedCrystal>, TrainError> {
        let folder = member_folder(&self.request.folder, &fold.name, seed);
        self.record.require_crystals(fold, seed, &self.request.folder)?;
        let weights = folder.join(BEST_FILE);
        if !weights.exists() {
            return Err(TrainError::NoMember { path: weights });
        }
        let config = Config::load_recorded(&folder.join(CONFIG_FILE))?;
        let sources = &self.sources;
        let predictor = Predictor::load(&weights, &self.device)?;
        let part = self.request.part;
        let crystals = match part {
            Part::Test => &fold.test,
            Part::Validation => &fold.validation,
        };
        // Intervals and temperatures of the crystals that they are made of would be too good.
        if part == Part::Test {
            let part =
                |found: Calibration| ValidatedPart { fold: fold.name.clone(), crystals: found.crystals };
            self.calibrations.push(Calibration::read(&weights)?.map(part));
        }
        predictor.features().require(sources.settings()).map_err(|source| other_features(sources, source))?;
        self.curves.extend(learning_curve(&folder, &fold.name)?);
        let selection = member::part(&self.task, fold, part.name(), sources, crystals)?;
        let targets: HashMap<&str, &[f64]> =
            crystals.iter().map(|crystal| (crystal.material_id.as_str(), &*crystal.targets)).collect();
        (self.kind, self.loss) = (config.model.kind, config.finetune.loss);
        if self.settings.is_empty() {
            let known = config.settings().into_iter();
            self.settings = known.filter(|(key, _)| SHOWN_SETTINGS.contains(&key.as_str())).collect();
        }
        let domain = match part {
            Part::Test => ModelDomain::read(&weights)?,
            Part::Validation => None,
        };
        let (mut embeddings, mut width) = (Vec::new(), 0);
        let tested = predict_selection(&predictor, &selection, &config.data, &self.device, |crystal| {
            let PredictedCrystal { material_id, targets: predictions, embedding, atomic_numbers } = crystal;
            if domain.is_some() {
                width = embedding.len();
                embeddings.extend_from_slice(embedding);
            }
            let unseen = |domain: &ModelDomain| {
                atomic_numbers.iter().copied().filter(|number| !domain.elements().contains(number)).collect()
            };
            TestedCrystal {
                targets: targets
                    .get(material_id.as_str())
                    .map(|targets| targets.to_vec())
                    .unwrap_or_default(),
                material_id,
                formula: conventional_formula(atomic_numbers),
                atomic_numbers: atomic_numbers.to_vec(),
                predictions: vec![predictions],
                distances: Vec::new(),
                unseen: domain.as_ref().map(unseen).unwrap_or_default(),
            }
        });
        let mut tested = tested?;
        // Many are compared with the training crystals at once, which takes a quarter of the time.
        if let Some(domain) = domain {
            let atomic_numbers = tested.iter().map(|crystal| &*crystal.atomic_numbers);
            let distances = domain.distances(&embeddings, width, atomic_numbers);
            for (crystal, distance) in tested.iter_mut().zip(distances) {
                crystal.distances.extend(distance);
            }
        }
        Ok(tested)
    }
}

/// Checks that crystals are among the test crystals of the folds.
fn require_tested(chosen: &[String], folds: &[Fold]) -> Result<(), TrainError> {
    let tested: HashSet<&str> =
        folds.iter().flat_map(|fold| &fold.test).map(|crystal| crystal.material_id.as_str()).collect();
    match chosen.iter().find(|id| !tested.contains(id.as_str())) {
        Some(material_id) => Err(TrainError::NoTestCrystal { material_id: material_id.clone() }),
        None => Ok(()),
    }
}

/// Returns the losses of a member over its epochs; `None` if its records are not there.
fn learning_curve(folder: &Path, fold: &str) -> Result<Option<LearningCurve>, TrainError> {
    let path = folder.join(METRICS_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let mut curve = LearningCurve { fold: fold.to_owned(), train: Points::new(), validation: Points::new() };
    for record in metrics::read(&path)? {
        let Record::Epoch(EpochRecord { epoch, train, validation, .. }) = record? else { continue };
        let point = |losses: &Losses| losses.get(TOTAL).map(|&loss| (epoch as f64, loss));
        curve.train.extend(point(&train));
        curve.validation.extend(validation.as_ref().and_then(point));
    }
    Ok(Some(curve))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yardsticks_know_the_crystals_of_every_seed() {
        let crystals = |ids: &[&str]| {
            let crystal = |id: &&str| Labelled { material_id: id.to_string(), targets: vec![1.0] };
            ids.iter().map(crystal).collect::<Vec<_>>()
        };
        let mut fold = TestedFold {
            name: "split".to_owned(),
            seeds: vec![0, 1],
            train: Vec::new(),
            trained: Vec::new(),
            validation: Vec::new(),
            crystals: Vec::new(),
        };
        fold.add_trained(crystals(&["a", "b"]));
        fold.add_trained(crystals(&["b", "c"]));
        assert_eq!(fold.trained, crystals(&["a", "b", "c"]));
    }
}
