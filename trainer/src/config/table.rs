//! The configuration as a TOML table, and lookups by key.

use toml::{Table, Value};

use super::Config;
use super::error::ConfigError;
use super::moved::moved;
use super::place::Place;
use super::similar::nearest;

/// Returns the configuration as a TOML table with all keys.
pub(super) fn to_table(config: &Config) -> Table {
    Table::try_from(config).expect("TOML holds every type of the configuration, and the seed is checked")
}

/// Returns the settings of a table as pairs of dotted key and value, in the order of the table.
pub(crate) fn settings(table: &Table) -> Vec<(String, &Value)> {
    let mut settings = Vec::new();
    collect(table, "", &mut settings);
    settings
}

/// Appends the settings of a section.
fn collect<'a>(table: &'a Table, prefix: &str, settings: &mut Vec<(String, &'a Value)>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(section) => collect(section, &format!("{key}."), settings),
            value => settings.push((key, value)),
        }
    }
}

/// Returns the value or section at a dotted key.
pub(super) fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, rest)) => lookup(table.get(section)?.as_table()?, rest),
    }
}

/// Returns the current name of a key of earlier versions, and its value in `known`.
pub(super) fn successor<'a>(known: &'a Table, key: &str) -> Option<(String, &'a Value)> {
    let now = moved(key)?;
    lookup(known, &now).map(|value| (now, value))
}

/// Returns the error for an unknown key or, if `is_section`, an unknown section.
pub(super) fn unknown(known: &Table, key: &str, is_section: bool, place: Place) -> ConfigError {
    if let Some((now, _)) = successor(known, key) {
        return ConfigError::Moved { place, key: key.to_owned(), now };
    }
    let settings = settings(known);
    let keys = settings.iter().map(|(key, _)| key.as_str());
    let names: Vec<&str> = match is_section {
        true => keys.filter_map(|key| key.rsplit_once('.')).map(|(section, _)| section).collect(),
        false => keys.collect(),
    };
    let suggestion = nearest(key, names).map(str::to_owned);
    ConfigError::UnknownKey { place, key: key.to_owned(), suggestion }
}
