//! Comparison of two configurations, key by key.

use std::collections::BTreeMap;

use super::choice;

/// A setting with different values in two configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Dotted key.
    pub key: String,
    /// Value in the first configuration, as TOML.
    pub left: String,
    /// Value in the second configuration, as TOML.
    pub right: String,
}

/// Stands for the value of a setting that one side lacks.
const ABSENT: &str = "none";

/// Returns the settings in which two lists differ. Settings that choose a kind or a method come first; settings of
/// kinds and methods that are not chosen are ignored.
pub(crate) fn differences(left: Vec<(String, String)>, right: Vec<(String, String)>) -> Vec<Difference> {
    let mut pairs: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for (side, settings) in [left, right].into_iter().enumerate() {
        for (key, value) in choice::active(settings) {
            pairs.entry(key).or_default()[side] = Some(value);
        }
    }
    let mut differences: Vec<Difference> = pairs
        .into_iter()
        .filter(|(_, [left, right])| left != right)
        .map(|(key, sides)| {
            let [left, right] = sides.map(|value| value.unwrap_or_else(|| ABSENT.to_owned()));
            Difference { key, left, right }
        })
        .collect();
    differences.sort_by_key(|difference| !choice::chooses(&difference.key));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// Returns the keys in which two lists differ, with both values.
    fn compared(left: &[(&str, &str)], right: &[(&str, &str)]) -> Vec<(String, String, String)> {
        let found = differences(settings(left), settings(right)).into_iter();
        found.map(|Difference { key, left, right }| (key, left, right)).collect()
    }

    fn owned(key: &str, left: &str, right: &str) -> (String, String, String) {
        (key.to_owned(), left.to_owned(), right.to_owned())
    }

    #[test]
    fn settings_are_compared_by_key_whatever_their_order() {
        let left = [("seed", "1"), ("run.epochs", "5")];
        let right = [("run.epochs", "5"), ("seed", "2")];
        assert_eq!(compared(&left, &right), [owned("seed", "1", "2")]);
    }

    #[test]
    fn a_setting_of_one_side_alone_is_a_difference() {
        let (left, right) = ([("a", "1"), ("b", "2")], [("b", "2"), ("c", "3")]);
        assert_eq!(compared(&left, &right), [owned("a", "1", "none"), owned("c", "none", "3")]);
    }

    #[test]
    fn the_kind_comes_first_and_sections_of_others_do_not_count() {
        let left = [
            ("data.queue", "1"),
            ("model.kind", "\"one\""),
            ("model.one.width", "8"),
            ("model.two.width", "9"),
            ("pretrain.method", "\"m\""),
            ("pretrain.m.rate", "1"),
        ];
        let mut right = left;
        right[3].1 = "10";
        assert!(compared(&left, &right).is_empty(), "model.two is not chosen");
        right[1].1 = "\"two\"";
        right[0].1 = "2";
        let keys: Vec<String> = compared(&left, &right).into_iter().map(|(key, ..)| key).collect();
        assert_eq!(keys, ["model.kind", "data.queue", "model.one.width", "model.two.width"]);
        right = left;
        right[2].1 = "7";
        assert_eq!(compared(&left, &right), [owned("model.one.width", "8", "7")]);
    }
}
