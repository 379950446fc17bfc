//! Shades of one colour for counts and sizes: step 0 for nothing, then steps of the same width up to the largest value.

/// Number of shades of values above nothing.
pub(super) const STEPS: usize = 9;
/// Style of the shades, the classes `h0` to `h9` of a group of rectangles, and of the cells of [`super::periodic_table()`].
/// A page that uses them includes it.
pub const STYLE: &str = include_str!("shade.css");

/// Ratio of the largest to the smallest count on the logarithmic scale.
const RANGE: u64 = 1000;

/// Returns the class of a shade.
pub fn shade(step: usize) -> String {
    format!("h{}", step.min(STEPS))
}

/// Returns the smallest count of the first shade above nothing. Smaller counts share it.
pub fn least_of_scale(greatest: u64) -> u64 {
    (greatest / RANGE).max(1)
}

/// Returns the step of a count on a logarithmic scale: 0 for none, 9 for the largest count, and 1 for counts
/// smaller by a factor of a thousand or more.
pub fn step_of_count(count: u64, greatest: u64) -> usize {
    if count == 0 {
        return 0;
    }
    let least = least_of_scale(greatest) as f64;
    let range = (greatest as f64 / least).max(2.0);
    let share = (count as f64 / least).max(1.0).ln() / range.ln();
    step_of_share(share)
}

/// Returns the step of a share of the largest value, 0 to 1, on a linear scale: 1 for 0 and 9 for 1.
pub fn step_of_share(share: f64) -> usize {
    // A share that is not a number becomes the first step.
    1 + (share.clamp(0.0, 1.0) * (STEPS - 1) as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_of_counts_is_used_whole() {
        assert_eq!(step_of_count(0, 1000), 0);
        assert_eq!(step_of_count(1, 1000), 1);
        assert_eq!(step_of_count(1000, 1000), STEPS);
        assert_eq!(step_of_count(32, 1000), STEPS.div_ceil(2));
        assert_eq!(step_of_count(1, 1_000_000), 1);
        assert_eq!(step_of_count(1, 1), 1);
    }

    #[test]
    fn shares_have_equal_steps() {
        assert_eq!([0.0, 0.5, 1.0, 7.0, -1.0, f64::NAN].map(step_of_share), [1, 5, 9, 9, 1, 1]);
        assert_eq!(shade(step_of_share(1.0)), "h9");
    }

    #[test]
    fn every_shade_has_a_colour() {
        for step in 0..=STEPS {
            let class = shade(step);
            assert!(STYLE.contains(&format!(".{class} rect {{ fill: var(--{class}); }}")), "{class}");
        }
    }
}
