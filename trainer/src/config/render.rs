//! The configuration as commented TOML.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::keys;

/// Comments are wrapped at this column.
const COMMENT_COLUMNS: usize = 100;

/// Every section of the table with every key, in the order of [`keys::MEANINGS`], each below what it
/// means.
pub(super) fn render(table: &Table) -> String {
    let mut text = String::new();
    section(table, "", &mut text);
    text
}

/// Appends a section's own settings, then the sections inside it.
fn section(table: &Table, prefix: &str, text: &mut String) {
    let mut names: Vec<&String> = table.keys().collect();
    names.sort_by_key(|name| rank(&format!("{prefix}{name}")));
    for name in &names {
        let Some(value) = table.get(*name).filter(|value| !value.is_table()) else { continue };
        if let Some(meaning) = keys::meaning(&format!("{prefix}{name}")) {
            comment(meaning, text);
        }
        writeln!(text, "{name} = {}", written(value)).expect(INFALLIBLE);
    }
    for name in names {
        let Some(Value::Table(inner)) = table.get(name) else { continue };
        if inner.values().any(|value| !value.is_table()) {
            writeln!(text, "\n[{prefix}{name}]").expect(INFALLIBLE);
        }
        section(inner, &format!("{prefix}{name}."), text);
    }
}

/// A value as TOML; small and large numbers with an exponent, which the TOML writer spells out.
fn written(value: &Value) -> String {
    match value {
        Value::Float(number) if number.is_finite() => format!("{number:?}"),
        other => other.to_string(),
    }
}

/// Why writing cannot fail.
const INFALLIBLE: &str = "writing to a string never fails";

/// Place of a setting, or of a section's first setting, in the order of [`keys::MEANINGS`].
fn rank(key: &str) -> usize {
    let inside = |known: &str| known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
    keys::MEANINGS
        .iter()
        .position(|(known, _)| *known == key || inside(known))
        .unwrap_or(keys::MEANINGS.len())
}

/// Appends a comment, wrapped.
fn comment(meaning: &str, text: &mut String) {
    let mut columns = COMMENT_COLUMNS;
    for word in meaning.split(' ') {
        let length = word.chars().count() + 1;
        if columns + length > COMMENT_COLUMNS {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push('#');
            columns = 1;
        }
        text.push(' ');
        text.push_str(word);
        columns += length;
    }
    text.push('\n');
}
