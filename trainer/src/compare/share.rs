//! Shares of training crystals.

/// The share of all training crystals.
pub(super) const WHOLE: f64 = 1.0;
/// Number of digits behind the first one to which shares of shares are rounded.
const FURTHER_DIGITS: usize = 11;

/// Returns the share of all crystals that a part of a share of them is. With one of both the whole, it is the other to its
/// last digit.
pub(super) fn of(part: f64, share: f64) -> f64 {
    // Rounded, 0.1 of 0.7 is 0.07, not 0.06999999999999999.
    if part == WHOLE || share == WHOLE { part * share } else { rounded(part * share) }
}

/// Whether two shares are the same, up to rounding.
pub(super) fn same(left: f64, right: f64) -> bool {
    rounded(left) == rounded(right)
}

/// Formats a share as a percentage: `25 %`.
pub(super) fn percent(share: f64) -> String {
    // Eight digits: 0.07 times 100 is not quite 7.
    let percent = format!("{:.8}", share * 100.0);
    format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
}

fn rounded(share: f64) -> f64 {
    format!("{share:.FURTHER_DIGITS$e}").parse().unwrap_or(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_shares_have_no_noise() {
        for (part, share, expected) in [(0.1, 0.7, "0.07"), (0.7, 0.1, "0.07"), (0.2, 0.3, "0.06")] {
            assert_eq!(of(part, share).to_string(), expected);
            assert!(same(part * share, of(part, share)), "{part} of {share}");
        }
        let third = 1.0 / 3.0;
        assert_eq!((of(third, 1.0), of(1.0, third)), (third, third));
        assert!(
            same(0.1 * third, of(0.1, third)) && !same(0.07, 0.070_000_000_1) && !same(f64::NAN, f64::NAN)
        );
        assert_eq!((percent(0.07), percent(1.0)), ("7 %".to_owned(), "100 %".to_owned()));
    }
}
