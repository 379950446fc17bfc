//! Parts of a store that is built on several machines.
//!
//! A build of part `i/n` keeps the crystals of that part and leaves the others to the other runs. The part of a
//! crystal depends on its identifier alone. Entries with the same identifier are therefore in the same part, and the
//! parts together reject the same duplicates as a single build.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hash::leading_bits;

/// Separates the name of a file from the name of one of several structures in it. All structures of a file are in one
/// part.
const BLOCK_SEPARATOR: char = '#';

/// Part `index` of `count`, both counted from 1. Its text form is `3/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Part {
    index: u32,
    count: u32,
}

impl Part {
    /// Creates part `index` of `count`. Returns `None` unless `1 <= index <= count`.
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (1..=count).contains(&index).then_some(Self { index, count })
    }

    /// Index of the part, counted from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Number of parts.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether this part holds the crystal with this identifier. Everything after the first `#` is ignored, so that
    /// all structures of a file are in one part and the other parts need not read the file.
    pub fn holds(self, material_id: &str) -> bool {
        let name = material_id.split(BLOCK_SEPARATOR).next().unwrap_or_default();
        self.is_chosen_by(name.as_bytes())
    }

    /// Whether this part holds the entry at a position of its input, counted from 1. Used for entries whose
    /// identifier cannot be read.
    pub fn holds_record(self, record: u64) -> bool {
        self.is_chosen_by(&record.to_le_bytes())
    }

    fn is_chosen_by(self, key: &[u8]) -> bool {
        leading_bits(&Sha256::digest(key)) % u64::from(self.count) == u64::from(self.index - 1)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            let (index, count) = (index.parse().ok()?, count.parse().ok()?);
            Self::new(index, count)
        });
        numbers.ok_or_else(|| format!("'{text}' is no part: 3/8 is the third of eight"))
    }
}

impl TryFrom<String> for Part {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_read_and_written() {
        let part: Part = "3/8".parse().expect("a part");
        assert_eq!((part.index(), part.count(), part.to_string()), (3, 8, "3/8".to_owned()));
        for bad in ["0/8", "9/8", "8", "a/b", "1/0", "-1/2", "1/2/3", ""] {
            assert!(bad.parse::<Part>().is_err(), "{bad}");
        }
        assert_eq!(serde_json::to_string(&part).expect("plain data"), "\"3/8\"");
        assert!(serde_json::from_str::<Part>("\"9/8\"").is_err());
    }

    #[test]
    fn parts_are_alike_in_size() {
        let sizes = (1..=4).map(|index| {
            let part = Part::new(index, 4).expect("a part");
            (0..4000).filter(|number| part.holds(&format!("mp-{number}"))).count()
        });
        for size in sizes {
            // Four standard deviations of a binomial distribution about 1000.
            assert!((890..1110).contains(&size), "{size}");
        }
    }

    /// The choice is part of the contract: stores of two releases may be merged.
    #[test]
    fn the_choice_does_not_change() {
        let part = |id: &str| (1..=8).find(|index| Part::new(*index, 8).is_some_and(|part| part.holds(id)));
        assert_eq!([part("mp-149"), part("oqmd-4061139"), part("")], [Some(6), Some(7), Some(5)]);
    }

    proptest! {
        #[test]
        fn every_entry_is_in_one_part(id in "\\PC{0,12}", block in "\\PC{0,4}", record: u64, count in 1_u32..40) {
            let parts: Vec<Part> = (1..=count).filter_map(|index| Part::new(index, count)).collect();
            let holders = |holds: &dyn Fn(Part) -> bool| parts.iter().filter(|part| holds(**part)).count();
            prop_assert_eq!(holders(&|part| part.holds(&id)), 1);
            prop_assert_eq!(holders(&|part| part.holds_record(record)), 1);
            for part in parts {
                prop_assert_eq!(part.holds(&id), part.holds(&format!("{id}#{block}")));
            }
        }
    }
}
