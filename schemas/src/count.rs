//! Counts with their nouns, as messages say them.

use std::fmt;

/// `1 shard`, `2 shards`, `0 entries`: a count and what is counted, given in the singular.
///
/// The noun follows the rules for regular nouns; only its last word changes (`row group`).
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    format!("{count} {}", plural(&count, noun))
}

/// The noun alone in the number that the count asks for, where the count is written in another way.
pub fn plural<N: PartialEq + From<u8>>(count: &N, noun: &str) -> String {
    if *count == N::from(1) {
        return noun.to_owned();
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        // Not "ch": an epoch is none of them.
        _ if ["s", "x", "z", "tch", "sh"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// The word for one, or the word for several: `is` and `are`, `was` and `were`.
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
