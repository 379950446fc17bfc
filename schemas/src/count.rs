//! Counts and their nouns in messages: `1 shard`, `2 shards`.

use std::fmt;

/// Formats a count with its noun, given in the singular: `1 shard`, `2 shards`, `0 entries`.
///
/// Only regular nouns are supported. In a phrase the last word changes: `2 row groups`.
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    format!("{count} {}", plural(&count, noun))
}

/// Returns the noun alone, in the number that agrees with the count.
pub fn plural<N: PartialEq + From<u8>>(count: &N, noun: &str) -> String {
    if *count == N::from(1) {
        return noun.to_owned();
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        // Not every noun in "ch" takes "es": epochs, but batches.
        _ if ["s", "x", "z", "tch", "sh"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// Returns the verb that agrees with a count, such as `is` or `are`.
pub fn agree<'a, N: PartialEq + From<u8>>(count: &N, one: &'a str, several: &'a str) -> &'a str {
    if *count == N::from(1) { one } else { several }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_the_only_singular() {
        assert_eq!(counted(0_usize, "shard"), "0 shards");
        assert_eq!(counted(1_usize, "shard"), "1 shard");
        assert_eq!(counted(2_u64, "row group"), "2 row groups");
        assert_eq!(counted(1.5_f64, "second"), "1.5 seconds");
    }

    #[test]
    fn endings_follow_the_rules() {
        for (noun, several) in [
            ("entry", "entries"),
            ("property", "properties"),
            ("day", "days"),
            ("batch", "batches"),
            ("epoch", "epochs"),
            ("process", "processes"),
            ("byte", "bytes"),
            ("part", "parts"),
        ] {
            assert_eq!(plural(&2_u32, noun), several);
            assert_eq!(plural(&1_u32, noun), noun);
        }
    }

    #[test]
    fn verbs_agree() {
        assert_eq!(agree(&1_u64, "is", "are"), "is");
        assert_eq!(agree(&0_u64, "is", "are"), "are");
    }
}
