//! Pre-training: an encoder learns from crystals without a property. Each method has a folder.
//!
//! * [`mmpt`]: masked views and periodic attributes
//! * [`crystal_twins`]: two augmented views; [`infograph`]: atoms and their crystal; [`denoise`]: noise on a crystal
//! * [`mmpt_denoise`]: `mmpt` and `denoise` together
//! * [`barlow_twins`]: a loss for the agreement of two views
//! * [`recipe`]: default settings of each method
//! * `begin`: setup of a run; [`load`]: reading of encoders from weights files

pub mod barlow_twins;
mod begin;
pub mod crystal_twins;
pub mod denoise;
pub mod infograph;
pub mod load;
pub mod mmpt;
pub mod mmpt_denoise;
pub mod recipe;

use std::path::PathBuf;
use std::sync::Arc;

use burn::prelude::*;
use schemas::settings::FeatureSettings;

use crate::config::Config;
use crate::config::pretrain::MethodKind;
use crate::data::{LatticeStatistics, Selection};
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::model::Encoder;
use crate::model::layers::Initialiser;
use crate::ranks::Ranks;
use crate::run::checkpoint::State;
use crate::run::folder::Existing;
use crate::run::interrupt::Interrupt;
use crate::run::metrics::{self, Record};
use crate::run::progress::Progress;
use crate::run::step::{Objective, Values};
use crate::run::training_run::{Ending, TrainingRun};
use begin::begin;
pub(crate) use begin::load_initial;

/// A pre-training method. A new method is a folder beside [`mmpt`] that implements this trait, and an arm of
/// `for_method` and of each `match` on the configured method.
pub trait Pretraining: Objective + Sized {
    /// Creates the objective of a configuration for crystals with these features. Batches are made on `device`, which
    /// must be one without automatic differentiation, and are shared by `ranks`.
    fn new(config: &Config, features: &FeatureSettings, device: &Device, ranks: &Arc<dyn Ranks>) -> Self;

    /// Makes a model by an initialiser. `statistics` are the lattice statistics of the training set.
    fn build(config: &Config, statistics: &LatticeStatistics, initialiser: &mut Initialiser) -> Self::Model;

    /// Initialises a model by the seed of a configuration. `statistics` are the lattice statistics of the training set.
    /// Parameters are made on `device`, which must be one with automatic differentiation.
    fn init(config: &Config, statistics: &LatticeStatistics, device: &Device) -> Self::Model {
        Self::build(config, statistics, &mut Initialiser::new(config.seed, device))
    }

    /// Returns how many numbers a model has, statistics included, without making it.
    fn numbers(config: &Config) -> f64 {
        let mut initialiser = Initialiser::counting();
        Self::build(config, &LatticeStatistics::default(), &mut initialiser);
        initialiser.numbers()
    }

    /// Returns the lattice statistics of the crystals that the encoder sees, from those of the crystals of the store.
    fn lattice(_config: &Config, of_store: LatticeStatistics) -> LatticeStatistics {
        of_store
    }

    /// Returns the encoder of a model, for fine-tuning.
    fn into_encoder(model: Self::Model) -> Encoder;

    /// Returns the loss terms of the constant predictor by name; none for a method that predicts nothing of a crystal.
    ///
    /// # Errors
    /// [`TrainError::Data`] if the crystals cannot be read.
    fn constant_losses(config: &Config, selection: &Selection) -> Result<Values, TrainError>;
}

/// `for_method!(method, P => expression)` is the expression with `P` for the [`Pretraining`] of a [`MethodKind`].
macro_rules! for_method {
    ($method:expr, $pretraining:ident => $expression:expr) => {
        match $method {
            $crate::config::pretrain::MethodKind::Mmpt => {
                type $pretraining = $crate::pretrain::mmpt::MmptObjective;
                $expression
            }
            $crate::config::pretrain::MethodKind::CrystalTwins => {
                type $pretraining = $crate::pretrain::crystal_twins::CrystalTwinsObjective;
                $expression
            }
            $crate::config::pretrain::MethodKind::InfoGraph => {
                type $pretraining = $crate::pretrain::infograph::InfoGraphObjective;
                $expression
            }
            $crate::config::pretrain::MethodKind::Denoise => {
                type $pretraining = $crate::pretrain::denoise::DenoiseObjective;
                $expression
            }
            $crate::config::pretrain::MethodKind::MmptDenoise => {
                type $pretraining = $crate::pretrain::mmpt_denoise::MmptDenoiseObjective;
                $expression
            }
        }
    };
}
pub(crate) use for_method;

/// The arguments of [`pretrain`].
#[derive(Debug, Clone)]
pub struct Request {
    /// The resolved configuration.
    pub config: Config,
    /// Folder of the run.
    pub folder: PathBuf,
    /// How to treat an existing run in the folder.
    pub existing: Existing,
    /// The device of the model.
    pub device: DeviceName,
    /// The ranks that train together.
    pub ranks: Arc<dyn Ranks>,
    /// Weights file to begin with; fresh weights if `None`.
    pub weights: Option<PathBuf>,
    /// Folder of the event files of runs, if this run is to write some; see [`tensorboard`](crate::run::tensorboard).
    pub tensorboard: Option<PathBuf>,
    /// Whether to suppress progress reports.
    pub quiet: bool,
}

/// The result of [`pretrain`].
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How the run ended.
    pub ending: Ending,
    /// State of the run at its end.
    pub state: State,
    /// Losses of the last complete epoch; `None` on all ranks but the first.
    pub last: Option<Values>,
    /// Losses of the constant predictor, by term.
    pub constants: Values,
}

/// Runs a pre-training, or continues one.
///
/// # Errors
/// [`TrainError`]. The last checkpoint is complete in any case.
pub fn pretrain(request: Request, interrupt: &Interrupt) -> Result<Summary, TrainError> {
    // A caller may have changed it since it was resolved.
    request.config.validate()?;
    require_kind(&request.config)?;
    for_method!(request.config.pretrain.method, P => run::<P>(request, interrupt))
}

/// Checks that the method can train the configured encoder on the configured batches.
///
/// # Errors
/// [`TrainError::MethodKind`] for an encoder of another kind, [`TrainError::MethodSetting`] for a setting with which the
/// method has nothing to learn from.
pub(crate) fn require_kind(config: &Config) -> Result<(), TrainError> {
    let (method, found) = (config.pretrain.method, config.model.kind);
    if method.model() != found {
        return Err(TrainError::MethodKind {
            method: method.word(),
            needed: method.model().word(),
            found: found.word(),
        });
    }
    let (key, value, least) = match method {
        MethodKind::Mmpt | MethodKind::Denoise | MethodKind::MmptDenoise => return Ok(()),
        // The columns of a single crystal have no variance.
        MethodKind::CrystalTwins => ("data.batch_crystals", config.data.batch_crystals, 2),
        // The atoms' vectors are those after the convolutions.
        MethodKind::InfoGraph => ("model.cgcnn.convolutions", config.model.cgcnn.convolutions, 1),
    };
    match value < least {
        false => Ok(()),
        true => Err(TrainError::MethodSetting { method: method.word(), key, value, least }),
    }
}

fn run<P: Pretraining>(request: Request, interrupt: &Interrupt) -> Result<Summary, TrainError> {
    let (leads, quiet) = (request.ranks.leads(), request.quiet);
    let setup = begin::<P>(request)?;
    let mut progress = Progress::new(vec![setup.extent()], quiet || !leads);
    let (metrics, constants) = (setup.folder.metrics(), setup.constants.clone());
    let (ending, state) = TrainingRun::begin(setup, &mut progress, interrupt)?.run()?;
    drop(progress);
    let mut last = None;
    for record in leads.then(|| metrics::read(&metrics)).transpose()?.into_iter().flatten() {
        if let Record::Epoch(epoch) = record? {
            last = Some(epoch.train);
        }
    }
    Ok(Summary { ending, state, last, constants })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::alone;

    #[test]
    fn a_configuration_that_was_changed_in_code_is_checked() {
        let mut config = Config::default();
        config.optimiser.beta1 = 1.0;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let request = Request {
            config,
            folder: folder.path().join("run"),
            existing: Existing::Refuse,
            device: DeviceName::Cpu,
            ranks: alone(),
            weights: None,
            tensorboard: None,
            quiet: true,
        };
        let error = pretrain(request, &Interrupt::default()).expect_err("out of range").to_string();
        assert!(error.starts_with("configuration: optimiser.beta1 = 1: must be"), "{error}");
        assert!(!folder.path().join("run").exists());
    }
}
