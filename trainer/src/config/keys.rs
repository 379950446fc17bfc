//! Every key of the configuration, in the order in which they are printed.

use std::sync::LazyLock;

use super::Config;
use super::section::{Key, Setting};

/// The sections and settings; each section before what it holds.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    Config::describe("", "", &mut keys);
    keys.retain(|key| !key.name.is_empty());
    keys
});

/// Keys that change a run's speed or its files, but never its weights.
pub(super) const WITHOUT_EFFECT: &[&str] =
    &["data.workers", "data.queue", "run.checkpoint_minutes", "run.checkpoint_steps"];

/// Sections of which one setting chooses the part that counts: the setting, and the section whose other parts are
/// without effect.
const CHOICES: &[(&str, &str)] = &[("model.kind", "model."), ("pretrain.method", "pretrain.")];

/// The settings, given by key with values as text, without those of kinds and methods that are not chosen.
pub(crate) fn active(mut settings: Vec<(String, String)>) -> Vec<(String, String)> {
    for (choice, section) in CHOICES {
        let chosen = settings.iter().find(|(key, _)| key == choice).map(|(_, value)| value.clone());
        let Some(chosen) = chosen else { continue };
        let chosen = format!("{section}{}.", chosen.trim_matches('"'));
        settings.retain(|(key, _)| key == choice || !key.starts_with(section) || key.starts_with(&chosen));
    }
    settings
}

/// Whether a key chooses among sections.
pub(crate) fn chooses(key: &str) -> bool {
    CHOICES.iter().any(|(choice, _)| *choice == key)
}
