//! Whether a command has printed what a page shows.

/// Stands for any words of a line, or for any lines.
const ANYTHING: &str = "...";
/// By how much of itself an approximate number may differ.
const TOLERANCE: f64 = 0.5;

/// Whether printed lines are those that a page shows.
///
/// Lines are compared word by word; [`ANYTHING`] stands for any number of words, alone on its line for any number of lines,
/// and empty lines at the end do not count. If `about`, numbers with a decimal point may differ by half, and commas part
/// words as well.
pub(crate) fn fits(shown: &[String], printed: &str, about: bool) -> bool {
    let lines: Vec<&str> = printed.trim_end().lines().collect();
    glob(shown, &lines, &|shown| shown.trim() == ANYTHING, &|shown, printed| {
        let (shown, printed) = (words(shown, about), words(printed, about));
        glob(&shown, &printed, &|word| *word == ANYTHING, &|shown, printed| {
            shown == printed || (about && are_close(shown, printed))
        })
    })
}

fn words(line: &str, about: bool) -> Vec<&str> {
    let parts = line.split(|c: char| c.is_whitespace() || (about && c == ','));
    parts.filter(|word| !word.is_empty()).collect()
}

/// Whether two words are decimal numbers that differ by no more than [`TOLERANCE`].
fn are_close(shown: &str, printed: &str) -> bool {
    let decimal = |word: &str| word.contains('.').then(|| word.parse::<f64>().ok()).flatten();
    match (decimal(shown), decimal(printed)) {
        (Some(shown), Some(printed)) => (printed - shown).abs() <= TOLERANCE * shown.abs(),
        _ => false,
    }
}

/// Whether items are those of a pattern, in which whatever `is_any` holds for stands for any number of
/// items.
fn glob<P, T>(
    pattern: &[P],
    items: &[T],
    is_any: &dyn Fn(&P) -> bool,
    is_same: &dyn Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut item) = (0, 0);
    // The last wildcard, and the first item after those that it stands for.
    let mut wildcard: Option<(usize, usize)> = None;
    while item < items.len() {
        match pattern.get(at) {
            Some(part) if is_any(part) => {
                wildcard = Some((at, item));
                at += 1;
            }
            Some(part) if is_same(part, &items[item]) => {
                at += 1;
                item += 1;
            }
            _ => {
                let Some((place, taken)) = wildcard else { return false };
                wildcard = Some((place, taken + 1));
                (at, item) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(is_any)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn fits(shown: &str, printed: &str) -> bool {
        super::fits(&lines(shown), printed, false)
    }

    fn fits_about(shown: &str, printed: &str) -> bool {
        super::fits(&lines(shown), printed, true)
    }

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn words_count_and_not_the_space_between_them() {
        assert!(fits("a  b\nc", "a b\n  c\n\n"));
        for printed in ["a b\n", "a b\nc d\n", "a b\nc\nd\n", "a\nb c\n", ""] {
            assert!(!fits("a b\nc", printed), "{printed}");
        }
        assert!(fits("", "") && !fits("", "a\n"));
    }

    #[test]
    fn three_dots_stand_for_words_or_lines() {
        assert!(fits("a ... d", "a b c d\n") && fits("a ...", "a\n") && fits("... d", "d\n"));
        assert!(!fits("a ... d", "a b c\n") && !fits("a ... d", "a\nd\n"));
        assert!(fits("a\n...\nd", "a\nb\n\nc\nd\n") && fits("...", "") && fits("a\n...", "a\n"));
        assert!(!fits("a\n...\nd", "a\nd\ne\n"));
        assert!(fits("... b ... b", "a b c b\n") && !fits("... b ... b", "a b c\n"));
    }

    #[test]
    fn decimals_may_differ_by_half_where_the_page_says_so() {
        assert!(!fits("loss 1.0", "loss 1.1\n"));
        assert!(fits_about("loss 1.0 in 3", "loss 1.4 in 3\n") && fits_about("-1.0", "-0.6\n"));
        for printed in
            ["loss 1.6 in 3\n", "loss -1.0 in 3\n", "loss 1.0 in 4\n", "loss x in 3\n", "loss 1 in 3\n"]
        {
            assert!(!fits_about("loss 1.0 in 3", printed), "{printed}");
        }
        assert!(fits_about("a,1.0", "a,1.2\n") && !fits_about("a,1.0", "b,1.0\n"));
        assert!(fits_about("0.0", "0.0\n") && !fits_about("0.0", "0.1\n") && !fits_about("1.0", "nan\n"));
    }

    proptest! {
        #[test]
        fn any_stretch_of_lines_can_be_left_out(
            printed in proptest::collection::vec("[ab]{1,2}", 0..8),
            from in 0usize..8,
            length in 0usize..8,
        ) {
            let from = from.min(printed.len());
            let to = (from + length).min(printed.len());
            let mut shown = printed.clone();
            shown.splice(from..to, ["...".to_owned()]);
            let text: String = printed.iter().map(|line| format!("{line}\n")).collect();
            prop_assert!(super::fits(&shown, &text, false));
            shown.push("c".to_owned());
            prop_assert!(!super::fits(&shown, &text, false));
        }
    }
}
