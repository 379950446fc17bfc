//! The elements of a store.

use maud::Markup;

use super::ATOMIC_NUMBERS;
use super::number::{grouped, grouped_count, percent};
use crate::chart::{ElementCell, ShadeLegend, least_of_scale, periodic_table, step_of_count};

/// Formats a count in at most four characters: `950`, `1.2k`, `36k`.
pub(super) fn short(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..9_950 => format!("{:.1}k", count as f64 / 1e3),
        9_950..999_500 => format!("{:.0}k", count as f64 / 1e3),
        999_500..9_950_000 => format!("{:.1}M", count as f64 / 1e6),
        _ => format!("{:.0}M", count as f64 / 1e6),
    }
}

/// Returns the periodic table with the number of crystals that contain each element.
pub(super) fn heat_map(crystals_with: &[u64; ATOMIC_NUMBERS], crystals: u64) -> Markup {
    let greatest = crystals_with.iter().copied().max().unwrap_or(0);
    let legend = ShadeLegend {
        name: "crystals with the element (logarithmic)".to_owned(),
        marks: ["0".to_owned(), format!("≤ {}", grouped(least_of_scale(greatest))), grouped(greatest)],
    };
    periodic_table("Periodic table: crystals with each element", &legend, |z| {
        let count = crystals_with.get(z).copied().unwrap_or(0);
        ElementCell {
            step: step_of_count(count, greatest),
            value: if count > 0 { short(count) } else { String::new() },
            about: format!("{}, {}", grouped_count(count, "crystal"), percent(count, crystals)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_fit_into_a_cell() {
        for (count, text) in [
            (7, "7"),
            (999, "999"),
            (1234, "1.2k"),
            (9_960, "10k"),
            (36_002, "36k"),
            (1_234_567, "1.2M"),
            (23_400_000, "23M"),
        ] {
            assert_eq!(short(count), text);
        }
    }
}
