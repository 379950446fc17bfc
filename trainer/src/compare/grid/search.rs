//! Searches: lists and ranges of settings that a start is tried with.
//!
//! Every combination of the values is a candidate, or a number of random draws of them.

mod draw;
mod range;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use toml::{Table, Value};

use self::range::Range;
use super::fault::Fault;

/// Key of the number of draws.
pub(super) const RANDOM: &str = "random";
/// Maximum number of candidates of a start.
const MOST_CANDIDATES: usize = 10_000;
/// Maximum number of characters of a candidate's name, which is the name of a folder.
const LONGEST_NAME: usize = 200;
/// Magnitudes outside of which a number is written with an exponent.
const PLAIN: std::ops::Range<f64> = 0.01..1e6;

/// A combination of searched settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Short keys with the values, such as `learning_rate=3e-4`, in the order of the keys.
    parts: Vec<String>,
    /// Settings as `key=value`.
    pub assignments: Vec<String>,
}

impl Candidate {
    /// Returns the name, which is a valid file name: `hidden=64,learning_rate=3e-4`.
    pub fn name(&self) -> String {
        self.parts.join(",")
    }

    /// Returns the name for people: `hidden=64, learning_rate=3e-4`.
    pub fn label(&self) -> String {
        self.parts.join(", ")
    }
}

/// A search over settings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Search {
    /// Searched settings, ordered by key.
    dimensions: Vec<Dimension>,
    /// Number of draws; `None` for every combination.
    draws: Option<usize>,
}

/// A searched setting.
#[derive(Debug, Clone, PartialEq)]
struct Dimension {
    /// Dotted key of the setting.
    key: String,
    values: Values,
}

/// Values of a searched setting.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    /// Different values, in the order of the search.
    Listed(Vec<Value>),
    /// Any number of a range.
    Between(Range),
}

impl Search {
    /// Reads a search.
    ///
    /// # Errors
    /// The first fault; its key is relative to the search's section.
    pub(super) fn parse(section: &Table) -> Result<Self, Fault> {
        let mut rest = section.clone();
        let draws = rest.remove(RANDOM).map(|number| {
            let count = number.as_integer().and_then(|count| usize::try_from(count).ok());
            let count = count.filter(|count| (1..=MOST_CANDIDATES).contains(count));
            count.ok_or_else(|| {
                Fault::new(RANDOM, &number, format!("a whole number from 1 to {MOST_CANDIDATES}"))
            })
        });
        let mut search = Self { dimensions: Vec::new(), draws: draws.transpose()? };
        search.section(&rest, "")?;
        search.dimensions.sort_by(|left, right| left.key.cmp(&right.key));
        let twice = search.dimensions.windows(2).find(|pair| pair[0].key == pair[1].key);
        match (twice, search.dimensions.is_empty()) {
            (Some(pair), _) => Err(Fault::new(&pair[0].key, &pair[0].key, "there once")),
            (None, true) => Err(Fault::new("", "{}", "lists or ranges of settings")),
            (None, false) => Ok(search),
        }
    }

    /// Appends the settings of a section.
    fn section(&mut self, section: &Table, prefix: &str) -> Result<(), Fault> {
        for (name, value) in section {
            let key = format!("{prefix}{name}");
            let values = match value {
                Value::Array(values) => listed(&key, values)?,
                Value::Table(table) if Range::is_one(table) => {
                    let range = Range::parse(&key, table)?;
                    match (range.listed(&key)?, self.draws) {
                        (Some(values), _) => listed(&key, &values)?,
                        (None, Some(_)) => Values::Between(range),
                        (None, None) => {
                            return Err(Fault::new(
                                key,
                                value,
                                "a range with `values`, where nothing is drawn at random",
                            ));
                        }
                    }
                }
                Value::Table(table) => {
                    self.section(table, &format!("{key}."))?;
                    continue;
                }
                _ => {
                    return Err(Fault::new(
                        key,
                        value,
                        "a list, or a range as in { from = 1e-4, to = 1e-2, values = 3 }",
                    ));
                }
            };
            self.dimensions.push(Dimension { key, values });
        }
        Ok(())
    }

    /// Returns the keys of the searched settings.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.dimensions.iter().map(|dimension| dimension.key.as_str())
    }

    /// Returns all combinations of the values, the first key's changing slowest, or the draws from a seed. More draws
    /// from the same seed begin with the same ones.
    ///
    /// # Errors
    /// A fault if there are too many combinations, or fewer than are to be drawn, or names that are too long.
    pub(super) fn candidates(&self, seed: u64) -> Result<Vec<Candidate>, Fault> {
        let short: Vec<&str> = self.dimensions.iter().map(|dimension| self.short(&dimension.key)).collect();
        let candidates: Vec<Candidate> = match self.draws {
            None => self.combinations()?.iter().map(|values| self.candidate(&short, values)).collect(),
            Some(count) => self.draw(&short, count, seed)?,
        };
        match candidates.iter().map(Candidate::name).find(|name| name.len() > LONGEST_NAME) {
            Some(name) => Err(Fault::new(
                "",
                name,
                format!("of fewer settings: names have at most {LONGEST_NAME} characters"),
            )),
            None => Ok(candidates),
        }
    }

    /// Returns the last word of a key, or all of it if another key has the same.
    fn short<'a>(&'a self, key: &'a str) -> &'a str {
        let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
        let same = self.keys().filter(|other| last(other) == last(key)).count();
        if same > 1 { key } else { last(key) }
    }

    /// Returns the number of combinations; `None` if a range is drawn from.
    fn count(&self) -> Option<usize> {
        self.dimensions.iter().try_fold(1_usize, |count, dimension| match &dimension.values {
            Values::Listed(values) => Some(count.saturating_mul(values.len())),
            Values::Between(range) => Some(count.saturating_mul(range.count()?)),
        })
    }

    /// Returns all combinations of listed values.
    fn combinations(&self) -> Result<Vec<Vec<Value>>, Fault> {
        let count = self.count().unwrap_or(usize::MAX);
        if count > MOST_CANDIDATES {
            let needed = format!("of at most {MOST_CANDIDATES} combinations, or have random = N of them");
            return Err(Fault::new("", format!("{count} combinations"), needed));
        }
        let mut combinations = vec![Vec::new()];
        for Dimension { values, .. } in &self.dimensions {
            let Values::Listed(values) = values else { continue };
            let longer = |known: &Vec<Value>| {
                let known = known.clone();
                values
                    .iter()
                    .map(move |value| known.iter().chain([value]).cloned().collect())
                    .collect::<Vec<_>>()
            };
            combinations = combinations.iter().flat_map(longer).collect();
        }
        Ok(combinations)
    }

    /// Draws different candidates.
    fn draw(&self, short: &[&str], count: usize, seed: u64) -> Result<Vec<Candidate>, Fault> {
        if let Some(all) = self.count().filter(|all| *all < count) {
            return Err(Fault::new(RANDOM, count, format!("at most {all}, the number of combinations")));
        }
        let (mut seen, mut candidates) = (BTreeSet::new(), Vec::with_capacity(count));
        for values in draw::Draws::new(&self.dimensions, seed).take(draw::most_draws(count)) {
            let candidate = self.candidate(short, &values);
            if seen.insert(candidate.name()) {
                candidates.push(candidate);
            }
            if candidates.len() == count {
                return Ok(candidates);
            }
        }
        Err(Fault::new(
            RANDOM,
            count,
            format!("about {} at most, the number of combinations", candidates.len()),
        ))
    }

    /// Returns a candidate with these values of all keys.
    fn candidate(&self, short: &[&str], values: &[Value]) -> Candidate {
        let parts = short.iter().zip(values).map(|(key, value)| format!("{key}={}", word(value)));
        let keys = self.keys().zip(values);
        Candidate {
            parts: parts.collect(),
            assignments: keys.map(|(key, value)| format!("{key}={value}")).collect(),
        }
    }
}

/// Returns the values of a list.
fn listed(key: &str, values: &[Value]) -> Result<Values, Fault> {
    if values.is_empty() {
        return Err(Fault::new(key, "[]", "a list with at least one value"));
    }
    if let Some(table) = values.iter().find(|value| value.is_table()) {
        return Err(Fault::new(key, table, "a list of values, not of sections"));
    }
    let words: Vec<String> = values.iter().map(word).collect();
    match words.iter().enumerate().find(|(index, word)| words[..*index].contains(word)) {
        Some((_, word)) => Err(Fault::new(key, word, "there once")),
        None => Ok(Values::Listed(values.to_vec())),
    }
}

/// Returns a value as a part of a file name.
fn word(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Float(number) if *number == 0.0 || PLAIN.contains(&number.abs()) => number.to_string(),
        Value::Float(number) => format!("{number:e}"),
        Value::Array(values) => values.iter().map(word).collect::<Vec<_>>().join("-"),
        other => other.to_string(),
    };
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.+".contains(c) { c } else { '_' };
    text.chars().map(safe).collect()
}
