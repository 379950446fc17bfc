//! Identifiers that a user may have meant.

/// Identifiers suggested at most.
const SUGGESTIONS: usize = 5;

/// One suggestion for every so many characters may differ, two at least.
const CHARACTERS_PER_DIFFERENCE: usize = 4;

/// Keeps the identifiers nearest to the one asked for by their edit distance.
pub(crate) struct Similar<'a> {
    wanted: &'a str,
    limit: usize,
    nearest: Vec<(usize, String)>,
    row: Vec<usize>,
}

impl<'a> Similar<'a> {
    /// Starts without any identifier.
    pub(crate) fn new(wanted: &'a str) -> Self {
        let limit = (wanted.chars().count() / CHARACTERS_PER_DIFFERENCE).max(2);
        Self { wanted, limit, nearest: Vec::new(), row: Vec::new() }
    }

    /// Considers an identifier. One that ends in the text asked for (`1000` of `mp-1000`) is nearest.
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
            1 + edit_distance(self.wanted, &identifier, &mut self.row)
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

    /// The nearest identifiers, the very nearest first.
    pub(crate) fn into_identifiers(self) -> Vec<String> {
        self.nearest.into_iter().map(|(_, identifier)| identifier).collect()
    }
}

/// Number of characters to insert, remove or replace to get from one text to the other, upper and
/// lower case being alike (Wagner and Fischer, J. ACM 21, 168 (1974)).
///
/// `row` is overwritten: distances of the part of `a` so far to the parts of `b`.
fn edit_distance(a: &str, b: &str, row: &mut Vec<usize>) -> usize {
    row.clear();
    row.extend(0..=b.chars().count());
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (above, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let replaced = diagonal + usize::from(!x.eq_ignore_ascii_case(&y));
            diagonal = *above;
            left = replaced.min(diagonal + 1).min(left + 1);
            *above = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn distance(a: &str, b: &str) -> usize {
        edit_distance(a, b, &mut Vec::new())
    }

    #[test]
    fn well_known_distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("MP-149", "mp-149"), 0);
    }

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
        assert_eq!(suggest("149"), ["mp-149", "mvc-149"]);
        assert_eq!(suggest("quartz"), [""; 0]);
    }

    proptest! {
        #[test]
        fn distance_is_a_metric(a in "[a-d]{0,8}", b in "[a-d]{0,8}", c in "[a-d]{0,8}") {
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert!(distance(&a, &c) <= distance(&a, &b) + distance(&b, &c));
        }
    }
}
