//! Validation of names that become file names: the name of a store's source and the files that a manifest lists.
//!
//! A name that is joined to a folder must stay inside it. A separator, `..` or an absolute path would lead out of the
//! store.

use serde::{Deserialize, Deserializer};

use crate::layout::FORMER_REJECTS;

/// Largest length of a source's name in bytes. It leaves room for a number and an extension within the 255 bytes that
/// file systems allow.
const MAX_SOURCE_BYTES: usize = 200;
/// Minimum number of digits in the name of a shard.
const SHARD_DIGITS: usize = 5;
/// Extension of a shard's name.
const SHARD_ENDING: &str = ".parquet";

/// An error of a name that must not be joined to a folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} {problem}")]
pub struct UnsafeName {
    /// The name.
    pub name: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Returns what is wrong with a file name, or `None` if it is valid.
fn file_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() || name == "." || name == ".." {
        Some("names no file")
    } else if name.contains(['/', '\\']) {
        Some("is no plain file name: it has a separator")
    } else if name.chars().any(char::is_control) {
        Some("has a control character")
    } else {
        None
    }
}

/// Returns an error if a name has a problem.
fn refuse(name: &str, problem: Option<&'static str>) -> Result<(), UnsafeName> {
    problem.map_or(Ok(()), |problem| Err(UnsafeName { name: name.to_owned(), problem }))
}

/// Checks that a name is that of a file directly in a folder.
fn require_file(name: &str) -> Result<(), UnsafeName> {
    refuse(name, file_problem(name))
}

/// Checks the name of a source, as given for a build and by `source` in a manifest.
///
/// # Errors
/// Returns [`UnsafeName`] for a name that is empty, has a separator or a control character, starts with a dot or a
/// hyphen, or is longer than 200 bytes.
pub fn require_source(name: &str) -> Result<(), UnsafeName> {
    let problem = file_problem(name).or_else(|| {
        if name.starts_with(['.', '-']) {
            Some("begins with '.' or '-'")
        } else if name.len() > MAX_SOURCE_BYTES {
            Some("is too long for a file's name")
        } else {
            None
        }
    });
    refuse(name, problem)
}

/// Parses the name of a source.
///
/// # Errors
/// Returns [`UnsafeName`] as [`require_source`] does.
pub fn parse_source(text: &str) -> Result<String, UnsafeName> {
    require_source(text).map(|()| text.to_owned())
}

/// Returns the name of a shard of a source.
pub fn shard_name(source: &str, number: usize) -> String {
    format!("{source}-{number:0SHARD_DIGITS$}{SHARD_ENDING}")
}

/// Returns the number of a shard from its name, or `None` if the name is not that of a shard of the source.
pub fn shard_number(name: &str, source: &str) -> Option<usize> {
    let digits = name.strip_prefix(source)?.strip_prefix('-')?.strip_suffix(SHARD_ENDING)?;
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    (shard_name(source, number) == name).then_some(number)
}

/// Deserialises and validates the name of a source.
pub(crate) fn deserialize_source<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    parse_source(&String::deserialize(input)?).map_err(serde::de::Error::custom)
}

/// Deserialises and validates the name of a store's file: a file directly in its folder, or the rejects table of
/// format version 1.
pub(crate) fn deserialize_file<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let name = String::deserialize(input)?;
    if name != FORMER_REJECTS {
        require_file(&name).map_err(serde::de::Error::custom)?;
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "../x", "/etc/x", "a/b", "a\\b", "x/..", "a\0b", "a\nb"] {
            assert!(require_file(name).is_err() && require_source(name).is_err(), "{name:?}");
        }
        for name in [".x", "-x", &"x".repeat(MAX_SOURCE_BYTES + 1)] {
            assert!(require_file(name).is_ok() && require_source(name).is_err(), "{name:?}");
        }
        for name in
            ["oqmd", "matbench_jdft2d", "my crystals (2024)", "Kristalle-Bögen", "x".repeat(200).as_str()]
        {
            assert!(require_file(name).is_ok() && require_source(name).is_ok(), "{name:?}");
        }
        let line = require_source("../x").expect_err("it leads elsewhere").to_string();
        assert_eq!(line, "\"../x\" is no plain file name: it has a separator");
    }

    #[test]
    fn shard_names_are_recognised() {
        assert_eq!(shard_number("oqmd-00012.parquet", "oqmd"), Some(12));
        assert_eq!(shard_number("oqmd-123456.parquet", "oqmd"), Some(123_456));
        for name in [
            "oqmd-extra.parquet",
            "oqmd-2024.parquet",
            "oqmd-.parquet",
            "oqmd-+0012.parquet",
            "oqmd-012345.parquet",
            "jarvis-00000.parquet",
            "oqmd-00000.parquet.bak",
            "oqmd-99999999999999999999999.parquet",
        ] {
            assert_eq!(shard_number(name, "oqmd"), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_stays_in_its_folder(name in "\\PC{0,12}|[./\\\\a-]{0,8}") {
            if require_file(&name).is_ok() {
                let folder = Path::new("store");
                let joined = folder.join(&name);
                prop_assert_eq!(joined.parent(), Some(folder));
                prop_assert_eq!(joined.file_name().and_then(|name| name.to_str()), Some(name.as_str()));
            }
        }

        #[test]
        fn shards_have_their_numbers(source in "[a-z0-9-]{1,6}", number in 0_usize..2_000_000) {
            prop_assert_eq!(shard_number(&shard_name(&source, number), &source), Some(number));
        }
    }
}
