//! Classes of crystals by the texts of a property.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Style classes of the texts with a colour of their own.
pub(super) const CLASS_STYLES: [&str; 8] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"];
/// Style class of all other texts.
pub(super) const OTHER: &str = "other";

/// The texts of a property. The commonest have a colour each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Classes {
    /// The text of every crystal, `[len]`; `None` without one.
    pub(super) texts: Vec<Option<String>>,
    /// The texts with a colour and their numbers of crystals: the commonest first, of equally common ones that of the first
    /// letters.
    pub(super) coloured: Vec<(String, usize)>,
    /// Number of the other texts.
    pub(super) other_texts: usize,
    /// Number of their crystals.
    pub(super) other_crystals: usize,
}

impl Classes {
    /// Counts the texts.
    pub(super) fn of(texts: Vec<Option<String>>) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in texts.iter().flatten() {
            *counts.entry(text.as_str()).or_default() += 1;
        }
        let mut counts: Vec<(String, usize)> =
            counts.into_iter().map(|(text, count)| (text.to_owned(), count)).collect();
        // A stable sort keeps the order of the letters.
        counts.sort_by_key(|(_, count)| Reverse(*count));
        let others = counts.split_off(counts.len().min(CLASS_STYLES.len()));
        Self {
            texts,
            coloured: counts,
            other_texts: others.len(),
            other_crystals: others.iter().map(|(_, count)| count).sum(),
        }
    }

    /// Returns the style class of a crystal; `None` without a text.
    pub(super) fn style(&self, row: usize) -> Option<&'static str> {
        let text = self.texts.get(row)?.as_ref()?;
        let place = self.coloured.iter().position(|(coloured, _)| coloured == text);
        Some(place.and_then(|place| CLASS_STYLES.get(place)).copied().unwrap_or(OTHER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_texts_have_colours() {
        let letters = "aabbbcdefghij";
        let mut texts: Vec<Option<String>> = letters.chars().map(|letter| Some(letter.to_string())).collect();
        texts.push(None);
        let classes = Classes::of(texts);
        let coloured: Vec<(&str, usize)> =
            classes.coloured.iter().map(|(text, count)| (text.as_str(), *count)).collect();
        let expected = [("b", 3), ("a", 2), ("c", 1), ("d", 1), ("e", 1), ("f", 1), ("g", 1), ("h", 1)];
        assert_eq!(coloured, expected);
        assert_eq!((classes.other_texts, classes.other_crystals), (2, 2));
        let styles = [0, 2, 10, 11, 13, 99].map(|row| classes.style(row));
        assert_eq!(styles, [Some("k1"), Some("k0"), Some("k7"), Some("other"), None, None]);
        let few = Classes::of(vec![Some("a".to_owned())]);
        assert_eq!((few.coloured.len(), few.other_texts, few.other_crystals), (1, 0, 0));
    }
}
