//! Durations as text.

/// Duration in seconds below which [`about`] shows tenths.
const SHORT: f64 = 10.0;

/// Formats a duration in its two largest units: `2 h 3 min`.
pub fn span(seconds: f64) -> String {
    // Beyond any run's length the cast saturates.
    let seconds = seconds.round() as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Formats an estimated duration like [`span`], with a tenth of a second below ten seconds.
pub fn about(seconds: f64) -> String {
    if seconds < SHORT { format!("{seconds:.1} s") } else { span(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        for (number, text) in [
            (0.4, "0 s"),
            (61.0, "1 min 1 s"),
            (7380.0, "2 h 3 min"),
            (200_000.0, "2 d 7 h"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(span(number), text);
        }
        assert!(span(f64::INFINITY).ends_with(" h"));
    }

    #[test]
    fn short_times_have_tenths() {
        assert_eq!(
            [about(0.04), about(9.87), about(10.0), about(90.0)],
            ["0.0 s", "9.9 s", "10 s", "1 min 30 s"]
        );
    }
}
