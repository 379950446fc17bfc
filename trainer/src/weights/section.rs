//! Sections in the metadata of a weights file: JSON objects whose settings are read one by one, so that an error
//! names the setting at fault.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::WeightsError;
use super::unique::Unique;
use crate::config::in_words;

/// Maximum number of characters of a value in an error.
const SHOWN_CHARACTERS: usize = 60;

/// A setting of a section.
pub(super) struct Setting {
    /// Metadata key of the section.
    section: &'static str,
    /// Names of the sections inside, then of the setting.
    path: Vec<String>,
    value: Value,
}

impl Setting {
    /// Returns the first name of the path.
    pub(super) fn first(&self) -> &str {
        first(&self.path)
    }

    /// Returns the error for this setting.
    pub(super) fn refuse(&self, reason: &str) -> WeightsError {
        unreadable(&named(self.section, &self.path), &self.value.to_string(), reason)
    }
}

/// Returns the text of a key.
///
/// # Errors
/// [`WeightsError::MissingMetadata`].
pub(super) fn text<'a>(
    metadata: &'a BTreeMap<String, String>,
    key: &str,
) -> Result<&'a String, WeightsError> {
    metadata.get(key).ok_or_else(|| WeightsError::MissingMetadata { key: key.to_owned() })
}

/// Returns the error for a value that cannot be parsed. Long values are cut.
pub(super) fn unreadable(key: &str, value: &str, reason: impl ToString) -> WeightsError {
    let value = match value.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    };
    WeightsError::Metadata { key: key.to_owned(), value, reason: reason.to_string() }
}

/// Returns the settings in the JSON object of a metadata key.
///
/// # Errors
/// [`WeightsError::MissingMetadata`], or [`WeightsError::Metadata`] for a text that is no JSON object or has a key
/// twice.
pub(super) fn settings(
    metadata: &BTreeMap<String, String>,
    section: &'static str,
) -> Result<Vec<Setting>, WeightsError> {
    let text = text(metadata, section)?;
    let Unique(value) = serde_json::from_str(text).map_err(|error| unreadable(section, text, error))?;
    let Value::Object(object) = value else { return Err(unreadable(section, text, "is no JSON object")) };
    let mut settings = Vec::new();
    collect(section, &[], object, &mut settings);
    Ok(settings)
}

/// Returns a section with these settings. `template` is any valid section. `home` returns the metadata key at which
/// a missing setting is expected, by the names of its path; `None` if it may be missing and is that of the template.
///
/// # Errors
/// [`WeightsError::Metadata`] for the first setting that is unknown or invalid, [`WeightsError::MissingMetadata`] for
/// the first one that is missing.
pub(super) fn fill<T: Serialize + DeserializeOwned>(
    template: &T,
    settings: &[Setting],
    home: impl Fn(&[String]) -> Option<&'static str>,
) -> Result<T, WeightsError> {
    let mut table = serde_json::to_value(template).expect("JSON holds every type of a description");
    let mut known = Vec::new();
    if let Value::Object(object) = table.clone() {
        collect("", &[], object, &mut known);
    }
    for setting in settings {
        let slot = setting.path.iter().try_fold(&mut table, |table, name| table.get_mut(name));
        match slot {
            None => return Err(setting.refuse("there is no such setting")),
            Some(Value::Object(_)) => return Err(setting.refuse("is a section, not a setting")),
            Some(slot) => slot.clone_from(&setting.value),
        }
        T::deserialize(&table).map_err(|error| setting.refuse(&in_words(&error.to_string())))?;
    }
    let is_given = |path: &[String]| settings.iter().any(|setting| setting.path == path);
    for Setting { path, .. } in known.iter().filter(|setting| !is_given(&setting.path)) {
        if let Some(section) = home(path) {
            return Err(WeightsError::MissingMetadata { key: named(section, path) });
        }
    }
    Ok(T::deserialize(&table).expect("every setting was checked"))
}

/// Returns the first name of a path.
pub(super) fn first(path: &[String]) -> &str {
    path.first().map_or("", String::as_str)
}

/// Returns the name of a setting in errors, such as `mmpt.config.hidden`.
fn named(section: &str, path: &[String]) -> String {
    format!("{section}.{}", path.join("."))
}

/// Appends the settings of an object and of the objects inside. An empty one inside is a setting, lest it be lost.
fn collect(section: &'static str, path: &[String], object: Map<String, Value>, settings: &mut Vec<Setting>) {
    for (name, value) in object {
        let path = [path, &[name]].concat();
        match value {
            Value::Object(inner) if !inner.is_empty() => collect(section, &path, inner, settings),
            value => settings.push(Setting { section, path, value }),
        }
    }
}
