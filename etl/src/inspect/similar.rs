//! Suggestions of similar identifiers.

use strsim::levenshtein;

/// Largest number of suggestions.
const SUGGESTIONS: usize = 5;

/// One edit is allowed for each of this many characters, and always two.
const CHARACTERS_PER_DIFFERENCE: usize = 4;

/// Collects the identifiers with the smallest edit distance to the wanted one. Case is ignored.
pub(crate) struct Similar<'a> {
    wanted: &'a str,
    /// `wanted` in lower case.
    lower: String,
    limit: usize,
    nearest: Vec<(usize, String)>,
}

impl<'a> Similar<'a> {
    /// Creates an empty collection.
    pub(crate) fn new(wanted: &'a str) -> Self {
        let limit = (wanted.chars().count() / CHARACTERS_PER_DIFFERENCE).max(2);
        Self { wanted, lower: wanted.to_ascii_lowercase(), limit, nearest: Vec::new() }
    }

    /// Considers an identifier. One that ends with the wanted text (`mp-1000` for `1000`) counts as nearest.
    pub(crate) fn offer(&mut self, identifier: String) {
        let is_ending = !self.wanted.is_empty()
            && identifier
                .strip_suffix(self.wanted)
                .is_some_and(|front| front.ends_with(|c: char| !c.is_alphanumeric()));
        let distance = if is_ending {
            0
        } else if identifier.len().abs_diff(self.wanted.len()) > 4 * self.limit {
            return;
        } else {
            1 + levenshtein(&self.lower, &identifier.to_ascii_lowercase())
        };
        if distance > 1 + self.limit {
            return;
        }
        let place = self.nearest.partition_point(|(other, name)| (*other, name) <= (distance, &identifier));
        if place < SUGGESTIONS {
            self.nearest.insert(place, (distance, identifier));
            self.nearest.truncate(SUGGESTIONS);
        }
    }

    /// Returns the most similar identifiers, the best first.
    pub(crate) fn into_identifiers(self) -> Vec<String> {
        self.nearest.into_iter().map(|(_, identifier)| identifier).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first() {
        let suggest = |wanted: &str| {
            let mut similar = Similar::new(wanted);
            for id in ["mp-14", "mp-149", "mp-1490", "JVASP-1002", "mp-22862", "mvc-149"] {
                similar.offer(id.to_owned());
            }
            similar.into_identifiers()
        };
        assert_eq!(suggest("mp149"), ["mp-149", "mp-14", "mp-1490"]);
        assert_eq!(suggest("MP149"), suggest("mp149"));
        assert_eq!(suggest("149"), ["mp-149", "mvc-149"]);
        assert_eq!(suggest("quartz"), [""; 0]);
    }
}
