//! Runs that were interrupted and have not been continued.

use std::fmt;
use std::path::{Path, PathBuf};

use super::folder::{CONFIG_FILE, METRICS_FILE};
use super::metrics::{self, Record};
use crate::config::Config;

/// A run that has not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Folder of the run.
    pub folder: PathBuf,
    /// Number of epochs done.
    pub done: u64,
    /// Number of epochs of the whole run.
    pub epochs: u64,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, done, epochs } = self;
        write!(
            formatter,
            "{} has done {done} of {epochs} epochs: --resume of its training goes on",
            folder.display()
        )
    }
}

impl Unfinished {
    /// Returns the run in a folder if it has not come to its end. `None` for one that has done all epochs or stopped early,
    /// and for a folder without readable records, of which nothing is known.
    pub fn of(folder: &Path) -> Option<Self> {
        let config = Config::load_recorded(&folder.join(CONFIG_FILE)).ok()?;
        let (mut done, mut best) = (0, 0);
        for record in metrics::read(&folder.join(METRICS_FILE)).ok()? {
            if let Record::Epoch(epoch) = record.ok()? {
                done = epoch.epoch;
                best = if epoch.best { done } else { best };
            }
        }
        let is_stuck = config.run.early_stop.is_some_and(|patience| done - best >= patience);
        let is_unfinished = done < config.run.epochs && !is_stuck;
        is_unfinished.then(|| Self { folder: folder.to_owned(), done, epochs: config.run.epochs })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::run::metrics::{Cost, EpochRecord, MetricsLog};

    #[test]
    fn a_run_ends_by_its_epochs_or_by_patience() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let of = || Unfinished::of(folder.path()).map(|Unfinished { done, epochs, .. }| (done, epochs));
        let begin = |settings: &[&str]| {
            let config = Config::resolve(None, settings).expect("known settings");
            std::fs::write(folder.path().join(CONFIG_FILE), config.to_toml()).expect("it is writable");
        };
        let epoch = |epoch: u64, best| {
            let train = BTreeMap::from([("loss".to_owned(), 1.0)]);
            let record = EpochRecord {
                step: epoch,
                epoch,
                crystals: 1,
                train,
                validation: None,
                best,
                cost: Cost::default(),
            };
            let mut log =
                MetricsLog::open(&folder.path().join(METRICS_FILE), u64::MAX).expect("it is writable");
            log.append(&Record::Epoch(record)).expect("it is writable");
        };
        begin(&["run.epochs=4", "run.early_stop=2"]);
        assert_eq!(of(), None, "nothing is known");
        epoch(1, true);
        epoch(2, false);
        assert_eq!(of(), Some((2, 4)));
        epoch(3, false);
        assert_eq!(of(), None, "it stopped early");
        begin(&["run.epochs=4", "run.early_stop=none"]);
        assert_eq!(of(), Some((3, 4)));
        epoch(4, false);
        assert_eq!(of(), None, "all epochs are done");
    }
}
