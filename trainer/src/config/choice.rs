//! Sections with alternatives, of which one setting chooses the active one.

use super::Config;

/// Settings that choose, each with the prefix of the sections among which it chooses. A section has the name of its
/// choice, with `_` for `-`. A choice `a+b` has the sections of a and of b.
const CHOICES: &[(&str, &str)] = &[("model.kind", "model."), ("pretrain.method", "pretrain.")];

/// Removes the settings of kinds and methods that are not chosen. Settings are pairs of key and value as text.
pub(super) fn active(mut settings: Vec<(String, String)>) -> Vec<(String, String)> {
    for (choice, section) in CHOICES {
        let chosen = settings.iter().find(|(key, _)| key == choice).map(|(_, value)| value.clone());
        let Some(chosen) = chosen else { continue };
        let sections = chosen.trim_matches('"').split('+');
        let sections: Vec<String> =
            sections.map(|name| format!("{section}{}.", name.replace('-', "_"))).collect();
        let is_chosen = |key: &str| sections.iter().any(|chosen| key.starts_with(chosen));
        settings.retain(|(key, _)| key == choice || !key.starts_with(section) || is_chosen(key));
    }
    settings
}

/// Returns the setting that has chosen another section than that of a key; `None` for a key of none or of the chosen
/// one.
pub(super) fn hindrance(config: &Config, key: &str) -> Option<&'static str> {
    let is_chosen = active(config.settings()).iter().any(|(chosen, _)| chosen == key);
    let choice = CHOICES.iter().find(|(_, section)| key.starts_with(section));
    choice.filter(|_| !is_chosen).map(|(choice, _)| *choice)
}

/// Whether a key chooses among sections.
pub(super) fn chooses(key: &str) -> bool {
    CHOICES.iter().any(|(choice, _)| *choice == key)
}
