//! The configuration as TOML with comments.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::keys::KEYS;
use super::table::lookup;

/// Column at which comments are wrapped.
const COMMENT_COLUMNS: usize = 100;

/// Writes all settings and sections in the order of [`KEYS`], each below its meaning.
pub(super) fn render(table: &Table) -> String {
    let mut text = String::new();
    for (index, key) in KEYS.iter().enumerate() {
        if key.is_section {
            // A section's settings stand before the sections inside it.
            let has_settings = KEYS.get(index + 1).is_some_and(|first| !first.is_section);
            if has_settings {
                text.push('\n');
                comment(key.meaning, &mut text);
                writeln!(text, "[{}]", key.name).expect(INFALLIBLE);
            }
        } else if let Some(value) = lookup(table, &key.name) {
            let name = key.name.rsplit('.').next().unwrap_or(&key.name);
            comment(key.meaning, &mut text);
            writeln!(text, "{name} = {}", written(value)).expect(INFALLIBLE);
        }
    }
    text
}

/// Returns a value as TOML. Small and large numbers get an exponent, which the TOML writer does not use.
fn written(value: &Value) -> String {
    match value {
        Value::Float(number) if number.is_finite() => format!("{number:?}"),
        other => other.to_string(),
    }
}

/// Reason why writing cannot fail.
const INFALLIBLE: &str = "writing to a string never fails";

/// Appends a wrapped comment.
fn comment(meaning: &str, text: &mut String) {
    let mut columns = COMMENT_COLUMNS;
    for word in meaning.split_whitespace() {
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
