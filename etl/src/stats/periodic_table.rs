//! The periodic table as a heat map.

use crystal::element::SYMBOLS;
use maud::{Markup, html};

use super::ATOMIC_NUMBERS;
use super::number::{grouped, grouped_count, percent};

/// Side of a cell, including the gap.
const CELL: usize = 50;
/// Gap between cells.
const GAP: usize = 3;
/// Additional space above the lanthanoids.
const BLOCK_GAP: usize = 14;
/// Number of groups.
const GROUPS: usize = 18;
/// Number of periods, plus the two rows of the lanthanoids and actinoids.
const ROWS: usize = 9;
/// Number of steps of the colour scale for elements that occur.
pub(super) const STEPS: usize = 9;

/// Atomic number of the noble gas that ends each period.
const NOBLE_GASES: [usize; 7] = [2, 10, 18, 36, 54, 86, 118];

/// Returns the row and column of an element, counted from 0, in the form with 18 groups. The lanthanoids and
/// actinoids are in rows 7 and 8.
fn place(z: usize) -> Option<(usize, usize)> {
    let period = NOBLE_GASES.iter().position(|last| z <= *last)?;
    let last = NOBLE_GASES.get(period)?;
    let first = if period == 0 { 1 } else { NOBLE_GASES.get(period - 1)? + 1 };
    let position = z.checked_sub(first)?;
    let from_end = last - z;
    // The s block is on the left, the p block (and helium) on the right, and the d block between them.
    let s_block = if period == 0 { 1 } else { 2 };
    match (period, position) {
        (_, position) if position < s_block => Some((period, position)),
        // La to Yb and Ac to No are placed below the table. Lu and Lr are in group 3.
        (5 | 6, position) if (2..16).contains(&position) => Some((period + 2, position)),
        _ => Some((period, GROUPS - 1 - from_end)),
    }
}

/// Ratio of the largest to the smallest count on the colour scale.
const COLOUR_RANGE: u64 = 1000;

/// Returns the count of the first colour. Smaller counts share it.
fn least_of_scale(greatest: u64) -> u64 {
    (greatest / COLOUR_RANGE).max(1)
}

/// Returns the step of a count on the logarithmic colour scale: 0 for no crystals, [`STEPS`] for the largest count,
/// and 1 for counts smaller by a factor of [`COLOUR_RANGE`] or more.
pub(super) fn colour_step(count: u64, greatest: u64) -> usize {
    if count == 0 {
        return 0;
    }
    let least = least_of_scale(greatest) as f64;
    let range = (greatest as f64 / least).max(2.0);
    let share = (count as f64 / least).max(1.0).ln() / range.ln();
    1 + (share * (STEPS - 1) as f64).round() as usize
}

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
    let (width, height) = (GROUPS * CELL, ROWS * CELL + BLOCK_GAP);
    html! {
        svg class="table" viewBox=(format!("0 0 {width} {height}")) role="img"
            aria-label="Periodic table: crystals with each element" {
            @for (z, count) in crystals_with.iter().enumerate().skip(1) {
                @if let Some((row, column)) = place(z) {
                    @let (x, y) = (column * CELL, row * CELL + if row > 6 { BLOCK_GAP } else { 0 });
                    @let side = CELL - GAP;
                    @let symbol = SYMBOLS.get(z).copied().unwrap_or("?");
                    g class=(format!("cell h{}", colour_step(*count, greatest))) {
                        title { (symbol) " (" (z) "): " (grouped_count(*count, "crystal")) ", " (percent(*count, crystals)) }
                        rect x=(x) y=(y) width=(side) height=(side) rx="4" {}
                        text class="number" x=(x + 4) y=(y + 11) { (z) }
                        text class="symbol" x=(x + side / 2) y=(y + 28) { (symbol) }
                        @if *count > 0 { text class="count" x=(x + side / 2) y=(y + 41) { (short(*count)) } }
                    }
                }
            }
            (legend(greatest))
        }
    }
}

/// Returns the legend of the colour scale, in the free space above the transition metals.
fn legend(greatest: u64) -> Markup {
    let (left, top, width) = (3 * CELL + CELL / 2, CELL / 2, 26);
    html! {
        text class="legend" x=(left) y=(top - 6) { "crystals with the element (logarithmic)" }
        @for step in 0..=STEPS {
            g class=(format!("cell h{step}")) {
                rect x=(left + step * width) y=(top) width=(width - 2) height="14" rx="2" {}
            }
        }
        text class="legend" x=(left) y=(top + 30) { "0" }
        text class="legend" x=(left + width) y=(top + 30) { "≤ " (grouped(least_of_scale(greatest))) }
        text class="legend end" x=(left + (STEPS + 1) * width) y=(top + 30) { (grouped(greatest)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crystal::element::atomic_number;
    use std::collections::HashSet;

    #[test]
    fn elements_are_where_they_belong() {
        // Group and period as in the IUPAC table, counted from 0.
        for (symbol, row, column) in [
            ("H", 0, 0),
            ("He", 0, 17),
            ("Li", 1, 0),
            ("B", 1, 12),
            ("Ne", 1, 17),
            ("Mg", 2, 1),
            ("Sc", 3, 2),
            ("Fe", 3, 7),
            ("Xe", 4, 17),
            ("Ba", 5, 1),
            ("La", 7, 2),
            ("Yb", 7, 15),
            ("Lu", 5, 2),
            ("Hf", 5, 3),
            ("U", 8, 5),
            ("Lr", 6, 2),
            ("Og", 6, 17),
        ] {
            let z = usize::from(atomic_number(symbol).expect("an element"));
            assert_eq!(place(z), Some((row, column)), "{symbol}");
        }
        assert_eq!(place(0), None);
        assert_eq!(place(119), None);
    }

    #[test]
    fn no_two_elements_share_a_place() {
        let places: HashSet<_> = (1..ATOMIC_NUMBERS).filter_map(place).collect();
        assert_eq!(places.len(), ATOMIC_NUMBERS - 1);
    }

    #[test]
    fn the_colour_scale_is_used_whole() {
        assert_eq!(colour_step(0, 1000), 0);
        assert_eq!(colour_step(1, 1000), 1);
        assert_eq!(colour_step(1000, 1000), STEPS);
        assert_eq!(colour_step(32, 1000), STEPS.div_ceil(2));
        assert_eq!(colour_step(1, 1_000_000), 1);
        assert_eq!(colour_step(1, 1), 1);
    }

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
