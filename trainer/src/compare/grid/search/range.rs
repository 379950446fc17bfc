//! Ranges of numbers.

use toml::{Table, Value};

use super::{Fault, MOST_CANDIDATES};

const FROM: &str = "from";
const TO: &str = "to";
const SCALE: &str = "scale";
const VALUES: &str = "values";
/// Keys of a range.
pub(super) const KEYS: [&str; 4] = [FROM, TO, SCALE, VALUES];

/// Digits behind the first one of numbers within a range, so that a name can hold them. The ends have all of theirs.
const DECIMALS: usize = 3;
/// Largest magnitude of the ends of a range of whole numbers: doubles hold all of them.
const LARGEST_WHOLE: i64 = 1 << f64::MANTISSA_DIGITS;

/// A range of numbers with both ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Range {
    from: f64,
    to: f64,
    scale: Scale,
    /// Whether the numbers are whole, as both ends are.
    is_whole: bool,
    /// Number of values; `None` for all numbers of the range.
    values: Option<usize>,
}

/// Scale on which the values of a range have equal distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Logarithmic,
}

impl Range {
    /// Whether a table is meant for a range. No setting has the name of one of its keys.
    pub(super) fn is_one(table: &Table) -> bool {
        KEYS.iter().any(|key| table.contains_key(*key))
    }

    /// Reads the range of a setting.
    pub(super) fn parse(key: &str, table: &Table) -> Result<Self, Fault> {
        if let Some((name, value)) = table.iter().find(|(name, _)| !KEYS.contains(&name.as_str())) {
            let needed = format!("left out: a range has the keys {}", KEYS.join(", "));
            return Err(Fault::new(format!("{key}.{name}"), value, needed));
        }
        let is_whole = [FROM, TO].iter().all(|end| table.get(*end).is_some_and(Value::is_integer));
        let end = |name: &str| {
            let Some(value) = table.get(name) else {
                return Err(Fault::new(key, Value::Table(table.clone()), format!("a range with `{name}`")));
            };
            let number = match value {
                Value::Integer(number) if number.unsigned_abs() <= LARGEST_WHOLE.unsigned_abs() => {
                    *number as f64
                }
                Value::Float(number) if number.is_finite() => *number,
                _ => return Err(Fault::new(format!("{key}.{name}"), value, "a finite number")),
            };
            Ok(number)
        };
        let (from, to) = (end(FROM)?, end(TO)?);
        let scale = match table.get(SCALE).map(|scale| (scale, scale.as_str())) {
            None | Some((_, Some("linear"))) => Scale::Linear,
            Some((_, Some("log"))) => Scale::Logarithmic,
            Some((scale, _)) => {
                return Err(Fault::new(format!("{key}.{SCALE}"), scale, "\"linear\" or \"log\""));
            }
        };
        let shown = |end: f64| Value::Float(end);
        if from >= to {
            return Err(Fault::new(
                format!("{key}.{FROM}"),
                shown(from),
                format!("less than `{TO}`, {}", shown(to)),
            ));
        }
        if scale == Scale::Logarithmic && from <= 0.0 {
            return Err(Fault::new(format!("{key}.{FROM}"), shown(from), "above 0 on the scale \"log\""));
        }
        let values = table.get(VALUES).map(|value| {
            let count = value.as_integer().and_then(|count| usize::try_from(count).ok());
            let count = count.filter(|count| (2..=MOST_CANDIDATES).contains(count));
            count.ok_or_else(|| {
                let needed = format!("a whole number from 2 to {MOST_CANDIDATES}");
                Fault::new(format!("{key}.{VALUES}"), value, needed)
            })
        });
        Ok(Self { from, to, scale, is_whole, values: values.transpose()? })
    }

    /// Returns the values at equal distances, both ends among them; `None` for a range without a number of them.
    pub(super) fn listed(&self, key: &str) -> Result<Option<Vec<Value>>, Fault> {
        let Some(count) = self.values else { return Ok(None) };
        let last = count - 1;
        let values: Vec<Value> = (0..count)
            .map(|index| match index {
                0 => self.value(self.from),
                index if index == last => self.value(self.to),
                index => self.rounded(index as f64 / last as f64),
            })
            .collect();
        if values.windows(2).any(|pair| pair[0] == pair[1]) {
            let needed = "few enough for values that differ in four digits, or as whole numbers";
            return Err(Fault::new(format!("{key}.{VALUES}"), count, needed));
        }
        Ok(Some(values))
    }

    /// Returns the number of different values; `None` if they are not counted.
    pub(super) fn count(&self) -> Option<usize> {
        self.is_whole.then_some((self.to - self.from) as usize + 1)
    }

    /// Returns the value at a share of the range, 0 to 1, as it is drawn.
    pub(super) fn drawn(&self, share: f64) -> Value {
        if self.is_whole && self.scale == Scale::Linear {
            // Every number has the same part of the range, the ends too.
            let below = (self.from + share * (self.to - self.from + 1.0)).floor();
            return self.value(below.min(self.to));
        }
        self.rounded(share)
    }

    /// Returns the number at a share of the range, 0 to 1, whole or of four digits.
    fn rounded(&self, share: f64) -> Value {
        let number = match self.scale {
            Scale::Linear => self.from + share * (self.to - self.from),
            Scale::Logarithmic => (self.from.ln() + share * (self.to.ln() - self.from.ln())).exp(),
        };
        let number = if self.is_whole {
            number.round()
        } else {
            format!("{number:.DECIMALS$e}").parse().unwrap_or(number)
        };
        self.value(number.clamp(self.from, self.to))
    }

    fn value(&self, number: f64) -> Value {
        if self.is_whole { Value::Integer(number as i64) } else { Value::Float(number) }
    }
}
