//! All keys of the configuration, in the order in which they are printed.

use std::sync::LazyLock;

use super::Config;
use super::section::{Key, Setting};

/// Sections and settings; each section precedes its settings.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    Config::describe("", "", &mut keys);
    keys.retain(|key| !key.name.is_empty());
    keys
});

/// Keys that affect the speed or the files of a run, but not its weights.
pub(super) const WITHOUT_EFFECT: &[&str] =
    &["data.workers", "data.queue", "run.checkpoint_minutes", "run.checkpoint_steps"];
