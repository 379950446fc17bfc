//! The periodic table with a value and a shade for each element.

use crystal::element::SYMBOLS;
use maud::{Markup, html};

use super::shade::{STEPS, shade};

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
/// Width of a shade in the legend.
const SHADE_WIDTH: usize = 26;

/// Atomic number of the noble gas that ends each period.
const NOBLE_GASES: [usize; 7] = [2, 10, 18, 36, 54, 86, 118];

/// Returns the row and column, both counted from 0, of the element with the atomic number `z` in the periodic table with
/// 18 groups. Lanthanoids are in row 7 and actinoids in row 8, below the others. `None` beyond element 118.
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

/// What the table shows of an element.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ElementCell {
    /// Step of its shade, 0 to 9.
    pub step: usize,
    /// Text below the symbol, of at most five characters; none if it is empty.
    pub value: String,
    /// Tooltip behind symbol and atomic number.
    pub about: String,
}

/// What the shades mean.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadeLegend {
    /// Name of the shaded quantity.
    pub name: String,
    /// Texts below the shade of nothing, the first shade and the last one.
    pub marks: [String; 3],
}

/// Returns the periodic table as an SVG element, which needs the style sheet [`super::SHADES`]. `cell` returns the content
/// of an element's cell, given the atomic number; `label` describes the picture to screen readers.
pub fn periodic_table(label: &str, legend: &ShadeLegend, cell: impl Fn(usize) -> ElementCell) -> Markup {
    let (width, height) = (GROUPS * CELL, ROWS * CELL + BLOCK_GAP);
    html! {
        svg class="table" viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(label) {
            @for (z, symbol) in SYMBOLS.iter().enumerate().skip(1) {
                @if let Some((row, column)) = place(z) {
                    @let (x, y) = (column * CELL, row * CELL + if row > 6 { BLOCK_GAP } else { 0 });
                    @let side = CELL - GAP;
                    @let ElementCell { step, value, about } = cell(z);
                    g class=(format!("cell {}", shade(step))) {
                        title { (symbol) " (" (z) "): " (about) }
                        rect x=(x) y=(y) width=(side) height=(side) rx="4" {}
                        text class="number" x=(x + 4) y=(y + 11) { (z) }
                        text class="symbol" x=(x + side / 2) y=(y + 28) { (symbol) }
                        @if !value.is_empty() { text class="value" x=(x + side / 2) y=(y + 41) { (value) } }
                    }
                }
            }
            (draw_legend(legend))
        }
    }
}

/// Draws the legend in the free space above the transition metals.
fn draw_legend(ShadeLegend { name, marks: [nothing, first, last] }: &ShadeLegend) -> Markup {
    let (left, top) = (3 * CELL + CELL / 2, CELL / 2);
    html! {
        text class="legend" x=(left) y=(top - 6) { (name) }
        @for step in 0..=STEPS {
            g class=(format!("cell {}", shade(step))) {
                rect x=(left + step * SHADE_WIDTH) y=(top) width=(SHADE_WIDTH - 2) height="14" rx="2" {}
            }
        }
        text class="legend" x=(left) y=(top + 30) { (nothing) }
        text class="legend" x=(left + SHADE_WIDTH) y=(top + 30) { (first) }
        text class="legend end" x=(left + (STEPS + 1) * SHADE_WIDTH) y=(top + 30) { (last) }
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
        let places: HashSet<_> = (1..SYMBOLS.len()).filter_map(place).collect();
        assert_eq!(places.len(), SYMBOLS.len() - 1);
    }

    #[test]
    fn every_element_has_a_cell() {
        let legend =
            ShadeLegend { name: "errors".to_owned(), marks: ["none", "0", "2 eV"].map(str::to_owned) };
        let table = periodic_table("Errors", &legend, |z| ElementCell {
            step: usize::from(z == 8),
            value: if z == 8 { "1.5".to_owned() } else { String::new() },
            about: format!("element {z}"),
        });
        let svg = table.into_string();
        assert_eq!(svg.matches("class=\"symbol\"").count(), SYMBOLS.len() - 1);
        assert_eq!(svg.matches("class=\"value\"").count(), 1);
        assert!(svg.contains("<title>O (8): element 8</title>") && svg.contains(">2 eV</text>"), "{svg}");
    }
}
