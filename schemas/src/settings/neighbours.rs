//! The number of neighbours that the atoms of a store keep, or all.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The word for [`Neighbours::All`].
const ALL: &str = "all";

/// Which of the neighbours within the cutoff are kept (specification, section 2.3). In JSON and TOML it is a number
/// or the word `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Neighbours {
    /// This number of nearest ones, and those that the rule for ties adds.
    Nearest(usize),
    /// All of them.
    All,
}

/// An error of a text that is neither a number of neighbours nor `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a whole number nor '{ALL}'")]
pub struct NeighboursError;

impl fmt::Display for Neighbours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nearest(number) => number.fmt(f),
            Self::All => f.write_str(ALL),
        }
    }
}

impl FromStr for Neighbours {
    type Err = NeighboursError;

    fn from_str(text: &str) -> Result<Self, NeighboursError> {
        if text == ALL {
            return Ok(Self::All);
        }
        text.parse().map(Self::Nearest).map_err(|_| NeighboursError)
    }
}

impl Serialize for Neighbours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nearest(number) => number.serialize(serializer),
            Self::All => ALL.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Neighbours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrAll)
    }
}

/// Reads a number or the word.
struct NumberOrAll;

impl Visitor<'_> for NumberOrAll {
    type Value = Neighbours;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number or '{ALL}'")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Neighbours, E> {
        let refuse = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
        usize::try_from(number).map(Neighbours::Nearest).map_err(refuse)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Neighbours, E> {
        let refuse = |_| E::invalid_value(Unexpected::Signed(number), &self);
        usize::try_from(number).map(Neighbours::Nearest).map_err(refuse)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Neighbours, E> {
        if word == ALL { Ok(Neighbours::All) } else { Err(E::invalid_value(Unexpected::Str(word), &self)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for neighbours in [Neighbours::Nearest(12), Neighbours::Nearest(usize::MAX), Neighbours::All] {
            assert_eq!(neighbours.to_string().parse(), Ok(neighbours));
            let text = serde_json::to_string(&neighbours).expect("plain data");
            assert_eq!(serde_json::from_str::<Neighbours>(&text).expect("as it was written"), neighbours);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "All", "twelve", "-1", "1.5", "18446744073709551616"] {
            let error = text.parse::<Neighbours>().expect_err(text);
            assert_eq!(error.to_string(), "neither a whole number nor 'all'");
        }
        for json in ["-1", "1.5", "\"ALL\"", "\"12\"", "null", "[12]", "18446744073709551616"] {
            let error = serde_json::from_str::<Neighbours>(json).expect_err(json).to_string();
            assert!(error.contains("expected a whole number or 'all'"), "{json}: {error}");
        }
    }
}
