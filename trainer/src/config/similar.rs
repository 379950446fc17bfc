//! The known key that a mistyped one probably stands for.

/// Of the known dotted keys, the one most similar to `key`; none if nothing is similar.
///
/// A key given without its section (`learning_rate`), or in the wrong one, finds the key whose last
/// part is most similar; otherwise the whole keys are compared. At most one third of the characters
/// may differ.
pub(crate) fn nearest<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = last_part(key);
    known
        .into_iter()
        .filter_map(|candidate| {
            let whole = distance(key, candidate);
            let part = distance(name, last_part(candidate));
            let similar = whole * 3 <= key.chars().count() || part * 3 <= name.chars().count();
            similar.then_some((whole.min(part), whole, candidate))
        })
        .min()
        .map(|(_, _, candidate)| candidate)
}

/// What follows the last dot.
fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Levenshtein distance: insertions, deletions and substitutions of characters that turn `left`
/// into `right`.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (removed, from) in left.chars().enumerate() {
        let mut diagonal = removed;
        row[0] = removed + 1;
        for (index, &to) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[index + 1];
            row[index + 1] = substituted.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KNOWN: [&str; 4] = ["seed", "optimiser.learning_rate", "run.epochs", "loss.atom.weight"];

    #[test]
    fn typing_errors_and_missing_sections_are_understood() {
        assert_eq!(nearest("sed", KNOWN), Some("seed"));
        assert_eq!(nearest("optimizer.learning_rate", KNOWN), Some("optimiser.learning_rate"));
        assert_eq!(nearest("learning_rat", KNOWN), Some("optimiser.learning_rate"));
        assert_eq!(nearest("schedule.epochs", KNOWN), Some("run.epochs"));
        assert_eq!(nearest("loss.atoms.weight", KNOWN), Some("loss.atom.weight"));
        assert_eq!(nearest("zzz", KNOWN), None);
    }

    proptest! {
        #[test]
        fn the_distance_is_a_metric(a in "[abc.]{0,6}", b in "[abc.]{0,6}", c in "[abc.]{0,6}") {
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
            prop_assert!(distance(&a, &c) <= distance(&a, &b) + distance(&b, &c));
        }
    }
}
