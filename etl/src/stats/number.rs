//! Formatting of numbers for people.

use schemas::count::{counted, plural};

/// Formats a count with separated thousands: `1,234,567`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with its noun: `1 crystal`, `1,200 crystals`.
pub fn grouped_count(count: u64, noun: &str) -> String {
    format!("{} {}", grouped(count), plural(&count, noun))
}

/// Formats a value with as many decimals as its step has: `0.30` for steps of 0.05.
pub(super) fn in_steps(value: f64, step: f64) -> String {
    let decimals = (0..=12_usize).find(|decimals| {
        let scaled = step * 10f64.powi(i32::try_from(*decimals).unwrap_or(0));
        (scaled - scaled.round()).abs() < 1e-6 * scaled
    });
    let text = format!("{value:.*}", decimals.unwrap_or(0));
    // Rounding a small negative value leaves a sign on zero.
    if text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

/// Formats a size in the largest suitable unit.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return counted(bytes, "byte");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while value >= 1024.0 {
        let Some(larger) = units.next() else { break };
        unit = Some(larger);
        value /= 1024.0;
    }
    format!("{value:.1} {}", unit.unwrap_or(&"KiB"))
}

/// Formats a fraction in percent: `12.3 %`, or `<0.1 %` if it would be rounded to zero.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    if part > 0 && percent < 0.05 { "<0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(817_139), "817,139");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped_count(1, "crystal"), "1 crystal");
        assert_eq!(grouped_count(1200, "crystal"), "1,200 crystals");
    }

    #[test]
    fn steps_decide_about_decimals() {
        assert_eq!(in_steps(0.3, 0.05), "0.30");
        assert_eq!(in_steps(-5e-17, 0.5), "0.0");
        assert_eq!(in_steps(120.0, 20.0), "120");
        assert_eq!(in_steps(-1.5, 0.5), "-1.5");
    }

    #[test]
    fn sizes_and_shares() {
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(12), "12 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(60_405_960), "57.6 MiB");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(1, 100_000), "<0.1 %");
        assert_eq!(percent(0, 0), "0.0 %");
    }
}
