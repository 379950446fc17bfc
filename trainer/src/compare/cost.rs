//! Cost of a fine-tuning: time of its training runs, and size of its model.

use std::collections::BTreeMap;
use std::path::Path;

use super::journal::{Event, Record as JournalRecord};
use crate::error::TrainError;
use crate::finetune::ensemble::member_folder;
use crate::finetune::ensemble_record::EnsembleRecord;
use crate::model::names::is_trained;
use crate::run::cycle_ends::SNAPSHOT_PREFIX;
use crate::run::folder::{BEST_FILE, METRICS_FILE};
use crate::run::metrics::{self, Record};
use crate::weights;

/// Seconds of a minute.
const MINUTE: f64 = 60.0;

/// Beginning of the names of GPUs.
const GPU: &str = "cuda";

/// Cost of the training runs of all folds and seeds of a fine-tuning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Duration of the training runs together in minutes, validation included. The beginning of an epoch that was continued
    /// after an interruption is not counted.
    pub minutes: f64,
    /// Number of crystals trained on per second.
    pub crystals_per_second: f64,
    /// Number of trained numbers of the model.
    pub parameters: u64,
    /// Whether the last job of the fine-tuning ran on a GPU.
    pub on_gpu: bool,
}

impl Cost {
    /// Reads the cost of the fine-tuning in a folder; `None` if there is no record of a finished epoch. `device` is the
    /// name of the device of its last job.
    ///
    /// # Errors
    /// [`TrainError`] for files that cannot be read.
    pub fn read(folder: &Path, device: Option<&str>) -> Result<Option<Self>, TrainError> {
        let Some(record) = EnsembleRecord::read(folder)? else { return Ok(None) };
        let (mut seconds, mut crystals, mut parameters) = (0.0, 0.0, None);
        let folds = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut folds: Vec<_> = folds.map(|fold| fold.file_name().to_string_lossy().into_owned()).collect();
        // Sums of seconds depend on their order.
        folds.sort_unstable();
        for fold in &folds {
            for &seed in &record.seeds {
                let member = member_folder(folder, fold, seed);
                let log = member.join(METRICS_FILE);
                if !log.is_file() {
                    continue;
                }
                for record in metrics::read(&log)? {
                    if let Record::Epoch(epoch) = record? {
                        // Of an epoch that was continued, what the last process did.
                        seconds += epoch.cost.seconds;
                        crystals += epoch.cost.crystals_per_second * epoch.cost.seconds;
                    }
                }
                if parameters.is_none() {
                    parameters = Some(values(&member.join(BEST_FILE))?);
                }
            }
        }
        Ok(parameters.filter(|_| crystals > 0.0).map(|parameters| Self {
            minutes: seconds / MINUTE,
            crystals_per_second: crystals / seconds.max(f64::MIN_POSITIVE),
            parameters,
            on_gpu: device.is_some_and(|name| name.starts_with(GPU)),
        }))
    }
}

/// Returns the number of trained numbers of a weights file.
fn values(path: &Path) -> Result<u64, TrainError> {
    let broken = |source| TrainError::Weights { path: path.to_owned(), source };
    let file = weights::read(path).map_err(broken)?;
    // Snapshots are further weights of the same model.
    let is_counted = |name: &str| is_trained(name) && !name.starts_with(SNAPSHOT_PREFIX);
    let trained = file.tensors.iter().filter(|(name, _)| is_counted(name));
    Ok(trained.map(|(_, tensor)| tensor.values.len() as u64).sum())
}

/// Returns the device on which each job was started last, by the job's name.
pub fn devices(records: &[JournalRecord]) -> BTreeMap<String, String> {
    let started = records.iter().filter_map(|record| match &record.event {
        Event::Started { device, .. } => Some((record.job.clone(), device.clone())),
        _ => None,
    });
    started.collect()
}
