//! Whether the files of a run's names are those of a run: a stranger may have a `config.toml`, too.

use std::path::Path;

use schemas::bounded;

use super::checkpoint::Checkpoint;
use super::metrics;
use crate::config::Config;
use crate::{text_file, weights};

/// The files of a run by which it is known.
pub(super) struct Marks<'a> {
    /// The resolved configuration.
    pub(super) config: &'a Path,
    /// The records.
    pub(super) metrics: &'a Path,
    /// The best weights.
    pub(super) best: &'a Path,
    /// The last checkpoint.
    pub(super) checkpoint: &'a Path,
}

impl Marks<'_> {
    /// Whether any of the files is what a run writes, in a run that was killed or is damaged in part.
    pub(super) fn any(&self) -> bool {
        is_config(self.config)
            || is_metrics(self.metrics)
            || is_weights(self.best)
            || matches!(Checkpoint::read(self.checkpoint), Ok(Some(_)))
    }
}

/// Whether a file is a configuration as a run writes it, with every key there is.
fn is_config(path: &Path) -> bool {
    let text = text_file::read(path);
    text.is_ok_and(|text| Config::load(path).is_ok_and(|config| config.to_toml() == text))
}

/// Whether a file holds records of a run, if only the beginning of the first, as on a disk that was full.
fn is_metrics(path: &Path) -> bool {
    bounded::begins_with(path, metrics::BEGINNING).unwrap_or(false)
}

/// Whether a file holds weights that say what they belong to.
fn is_weights(path: &Path) -> bool {
    weights::read(path).is_ok_and(|file| file.description().is_ok_and(|description| description.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_run_writes_is_known() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [config, records, best, checkpoint] =
            ["config.toml", "metrics.jsonl", "best.safetensors", "checkpoint.safetensors"]
                .map(|name| folder.path().join(name));
        let any = || Marks { config: &config, metrics: &records, best: &best, checkpoint: &checkpoint }.any();
        assert!(!any(), "nothing is there");
        for foreign in ["", "seed = 1\n", "[server]\nport = 80\n", "{\"step\": 1}\n"] {
            for path in [&config, &records, &best, &checkpoint] {
                std::fs::write(path, foreign).expect("it is writable");
            }
            assert!(!any(), "{foreign}");
        }
        std::fs::write(&records, &metrics::BEGINNING[..4]).expect("it is writable");
        assert!(!any(), "too short to tell");
        std::fs::write(&records, [metrics::BEGINNING, b"\"st"].concat()).expect("it is writable");
        assert!(any());
        std::fs::remove_file(&records).expect("it is there");
        assert!(!any());
        std::fs::write(&config, Config::default().to_toml()).expect("it is writable");
        assert!(any());
    }
}
