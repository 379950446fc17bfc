//! A configuration under construction: defaults, then the values of a file, then overrides. Each value is
//! checked when it is set, so that an error names its place.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::error::ConfigError;
use super::fault::Fault;
use super::file::{self, Names};
use super::place::Place;
use super::table::{to_table, unknown};
use super::{Config, choice, moved};

/// The settings so far, and the place of each.
pub(super) struct Draft {
    table: Table,
    config: Config,
    places: BTreeMap<String, Place>,
}

impl Draft {
    /// Returns the settings so far.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Creates a draft with the defaults.
    pub(super) fn new() -> Self {
        let config = Config::default();
        Self { table: to_table(&config), config, places: BTreeMap::new() }
    }

    /// Sets every value of a TOML text. `names` says which names the keys may have.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`], [`ConfigError::UnknownKey`] or [`ConfigError::Value`] with line and
    /// column in `path`.
    pub(super) fn read(
        &mut self,
        text: &str,
        path: &std::path::Path,
        names: Names,
    ) -> Result<(), ConfigError> {
        for entry in file::entries(text, path, &self.table, names)? {
            self.assign(&entry.key, entry.value, &entry.text, entry.place)?;
        }
        Ok(())
    }

    /// Sets a key to a value that does not come from a file. The text is TOML or a bare word.
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`] or [`ConfigError::Value`].
    pub(super) fn set(&mut self, key: &str, text: &str, place: &Place) -> Result<(), ConfigError> {
        let word = Value::String(text.to_owned());
        let parsed = toml::from_str::<Table>(&format!("value = {text}"))
            .ok()
            .filter(|table| table.len() == 1)
            .and_then(|mut table| table.remove("value"));
        let Some(value) = parsed else { return self.assign(key, word, text, place.clone()) };
        // A file may be called 2026 and be given without quotes; the first error is the telling one.
        let result = self.assign(key, value, text, place.clone());
        match result {
            Err(ConfigError::Value { .. }) => self.assign(key, word, text, place.clone()).or(result),
            other => other,
        }
    }

    /// Sets a key to the value of a recipe, as [`Draft::set`] does, unless the key was set before.
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`] or [`ConfigError::Value`].
    pub(super) fn set_default(&mut self, key: &str, text: &str) -> Result<(), ConfigError> {
        match self.places.get(key) {
            None | Some(Place::Preset) => self.set(key, text, &Place::Preset),
            Some(_) => Ok(()),
        }
    }

    /// Whether every setting was given, except for those that earlier versions did not have and those of kinds and
    /// methods that are not chosen.
    pub(super) fn is_complete(&self) -> bool {
        let settings = choice::active(self.config.settings());
        settings.iter().all(|(key, _)| self.places.contains_key(key) || moved::NEW.contains(&key.as_str()))
    }

    /// Returns the configuration after checking the ranges.
    ///
    /// # Errors
    /// [`ConfigError::Range`] with the place of the faulty key.
    pub(super) fn finish(self) -> Result<Config, ConfigError> {
        self.refuse(super::validate::check(&self.config))?;
        Ok(self.config)
    }

    /// Checks the range of each setting, but no conditions on several settings.
    ///
    /// # Errors
    /// [`ConfigError::Range`] with the place of the faulty key.
    pub(super) fn check_ranges(&self) -> Result<(), ConfigError> {
        self.refuse(super::validate::ranges(&self.config).0)
    }

    /// Returns the error of a fault, if there is one, at its place.
    fn refuse(&self, fault: Option<Fault>) -> Result<(), ConfigError> {
        fault.map_or(Ok(()), |fault| {
            let place = self.places.get(&fault.key).cloned().unwrap_or(Place::Program);
            Err(fault.at(place))
        })
    }

    /// Sets a known key to another value of the right type. `text` is the value as written.
    fn assign(&mut self, key: &str, value: Value, text: &str, place: Place) -> Result<(), ConfigError> {
        let wrong = |message: &str| ConfigError::Value {
            place: place.clone(),
            key: key.to_owned(),
            value: text.to_owned(),
            message: message.to_owned(),
        };
        let Some(slot) = lookup_mut(&mut self.table, key) else {
            return Err(unknown(&self.table, key, false, place));
        };
        match (slot.is_table(), value.is_table()) {
            (true, _) => return Err(wrong("is a section, not a setting")),
            (false, true) => return Err(wrong("is a setting, not a section")),
            (false, false) => {}
        }
        let is_text = value.is_str();
        let before = std::mem::replace(slot, value);
        match Config::deserialize(self.table.clone()) {
            Ok(config) => {
                self.config = config;
                self.places.insert(key.to_owned(), place);
                Ok(())
            }
            Err(error) => {
                let words = if is_text { None } else { self.unknown_word(key, text) };
                let message = words.unwrap_or_else(|| error.message().trim().to_owned());
                let error = wrong(&in_words(&message));
                if let Some(slot) = lookup_mut(&mut self.table, key) {
                    *slot = before;
                }
                Err(error)
            }
        }
    }

    /// Returns the message about a value that is none of the words that a key may have; `None` for a key of another
    /// type. Messages about numbers in place of a word do not name the words.
    fn unknown_word(&mut self, key: &str, text: &str) -> Option<String> {
        *lookup_mut(&mut self.table, key)? = Value::String(text.to_owned());
        let error = Config::deserialize(self.table.clone()).err()?;
        Some(error.message().trim().to_owned()).filter(|message| message.starts_with("unknown variant"))
    }
}

/// Rewords a message about a type without Rust's type names.
pub(crate) fn in_words(message: &str) -> String {
    const COUNT: &str = "a whole number that is not negative";
    let words = [
        ("usize", COUNT),
        ("u64", COUNT),
        ("f64", "a number"),
        ("a boolean", "true or false"),
        ("a sequence", "a list"),
    ];
    let word = words.iter().find_map(|(name, word)| Some(format!("{}{word}", message.strip_suffix(name)?)));
    word.unwrap_or_else(|| message.to_owned())
}

/// Returns the value at a dotted key.
fn lookup_mut<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    match key.split_once('.') {
        None => table.get_mut(key),
        Some((section, rest)) => lookup_mut(table.get_mut(section)?.as_table_mut()?, rest),
    }
}
