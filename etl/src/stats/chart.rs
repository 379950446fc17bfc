//! Charts of counts in SVG. Their colours come from the style of the page.

use maud::{Markup, html};

use super::elements::short;
use super::histogram::Histogram;
use super::number::{grouped, grouped_count, percent};
use super::{DIRECTIONS, Tally};
use crate::chart::{Axis, Plot, Ticks, label, line, rectangle, round_step, shade, step_of_count, text};

/// Width and height of a chart on the page, in pixels.
pub(super) const SIZE: (f64, f64) = (420.0, 210.0);
/// Margins between the plot and the edges of the chart, in pixels: left, top, right, bottom.
const MARGINS: [f64; 4] = [58.0, 22.0, 14.0, 42.0];
/// Approximate number of steps on an axis.
const X_STEPS: f64 = 6.0;
const Y_STEPS: f64 = 4.0;
/// Gap between bars, and smallest width of a bar.
const BAR_GAP: f64 = 1.0;
const THINNEST_BAR: f64 = 0.5;
/// Largest width of a bar, including half of the gap on each side.
const WIDEST_BAR: f64 = 46.0;

/// Number of bars' widths that the bar of zeros and the gaps beside it take, of all in the width of the plot.
const ZEROS_SPACE: (f64, f64) = (4.0, 24.0);
/// The bar of zeros is cut where it is higher than the highest other one by more than this factor.
const ZEROS_HEIGHT: f64 = 1.25;
/// Height of a row of a chart with a row for each class, and the width of its labels, in pixels.
const ROW: f64 = 20.0;
const LABELS: f64 = 170.0;
/// Approximate width of a character of a label, in pixels.
const CHARACTER: f64 = 6.4;
/// Largest number of rows. More classes are summed up in the last one.
const MOST_ROWS: usize = 24;

/// A bar: its class in the style, its position on the axis and its tooltip.
struct Bar {
    class: &'static str,
    from: f64,
    to: f64,
    count: u64,
    title: String,
}

/// What a histogram shows beside its bins.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Marks {
    /// Number of values of exactly 0 that no bin holds. They have a bar of their own.
    pub zeros: u64,
    /// Value with a dashed line.
    pub line: Option<f64>,
}

/// Returns a histogram of what is `counted` over a numeric axis.
pub fn histogram(
    histogram: &Histogram,
    size: (f64, f64),
    axis: &str,
    counted: &str,
    Marks { zeros, line: marked }: Marks,
) -> Markup {
    let bins = histogram.counts.len();
    let edge = |bin| label(histogram.edge(bin), histogram.width);
    let total = histogram.total() + zeros;
    let share = |count| format!("{} ({})", grouped(count), percent(count, total));
    let bars = histogram.counts.iter().enumerate().map(|(bin, count)| Bar {
        class: "bar",
        from: histogram.edge(bin),
        to: histogram.edge(bin + 1),
        count: *count,
        title: format!("{} to {}: {}", edge(bin), edge(bin + 1), share(*count)),
    });
    let mut bars: Vec<Bar> = bars.collect();
    let mut x = Axis::new(histogram.start, histogram.edge(bins));
    let mut ticks = if bins > 0 { x.ticks(X_STEPS) } else { Ticks::new() };
    if zeros > 0 {
        let width = (x.high - x.low) / (ZEROS_SPACE.1 - ZEROS_SPACE.0);
        let end = x.low - 2.0 * width;
        bars.push(Bar {
            class: "bar zero",
            from: end - width,
            to: end,
            count: zeros,
            title: format!("exactly 0: {}", share(zeros)),
        });
        ticks.push((end - width / 2.0, "= 0".to_owned()));
        x = Axis::new(x.low - ZEROS_SPACE.0 * width, x.high);
    }
    frame(&bars, x, &ticks, size, axis, counted, marked)
}

/// Returns the numbers of crystals for each value of a tally, as bars side by side if their labels fit below, or else in
/// rows.
pub(super) fn categories(tally: &Tally, axis: &str) -> Markup {
    let space = (SIZE.0 - MARGINS[0] - MARGINS[2]) / tally.len().max(1) as f64;
    let longest = tally.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    if longest as f64 * CHARACTER > space {
        return rows(tally, axis);
    }
    let x = Axis::new(0.0, tally.len().max(1) as f64);
    // As a fraction of the space for a bar.
    let half = (WIDEST_BAR / space).min(1.0) / 2.0;
    let total = tally.iter().map(|(_, count)| count).sum();
    let centre = |position: usize| position as f64 + 0.5;
    let bars = tally.iter().enumerate().map(|(position, (label, count))| Bar {
        class: "bar",
        from: centre(position) - half,
        to: centre(position) + half,
        count: *count,
        title: format!("{}: {} ({})", name(label), grouped(*count), percent(*count, total)),
    });
    let ticks =
        tally.iter().enumerate().map(|(position, (label, _))| (centre(position), name(label).to_owned()));
    frame(&bars.collect::<Vec<_>>(), x, &ticks.collect(), SIZE, axis, "crystals", None)
}

/// Returns the name of a class; crystals without one have an empty label.
fn name(label: &str) -> &str {
    if label.is_empty() { "none" } else { label }
}

/// Returns the numbers of crystals for each value of a tally, as a bar in a row each. Of many, the commonest have rows.
fn rows(tally: &Tally, axis: &str) -> Markup {
    let total: u64 = tally.iter().map(|(_, count)| count).sum();
    let mut shown: Vec<(String, u64)> =
        tally.iter().map(|(label, count)| (name(label).to_owned(), *count)).collect();
    if shown.len() > MOST_ROWS {
        shown.sort_by(|(left, a), (right, b)| b.cmp(a).then_with(|| left.cmp(right)));
        let others = shown.split_off(MOST_ROWS - 1);
        let sum = others.iter().map(|(_, count)| count).sum();
        shown.push((format!("{} others", others.len()), sum));
    }
    let greatest = shown.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1) as f64;
    // The longest bar leaves room for its number.
    let longest = SIZE.0 - LABELS - CHARACTER * (grouped(greatest as u64).len() + 2) as f64;
    let height = ROW * shown.len() as f64;
    html! {
        svg class="chart" viewBox=(format!("0 0 {} {height}", SIZE.0)) role="img" aria-label=(axis) {
            @for (row, (label, count)) in shown.iter().enumerate() {
                @let top = ROW * row as f64;
                @let title = format!("{label}: {} ({})", grouped(*count), percent(*count, total));
                @let length = (longest * *count as f64 / greatest).max(THINNEST_BAR);
                (text("tick end", (LABELS - 6.0, top + 14.0), shortened(label)))
                (rectangle("bar", (LABELS, top + 3.0), (length, ROW - 6.0), &title))
                (text("tick", (LABELS + length + 5.0, top + 14.0), grouped(*count)))
            }
        }
    }
}

/// Returns a label that fits before its row.
fn shortened(label: &str) -> String {
    let most = (LABELS / CHARACTER) as usize - 1;
    if label.chars().count() <= most {
        return label.to_owned();
    }
    label.chars().take(most - 1).chain(['…']).collect()
}

/// Returns the axes, the grid and the bars.
fn frame(
    bars: &[Bar],
    x: Axis,
    ticks: &Ticks,
    (width, height): (f64, f64),
    axis: &str,
    counted: &str,
    marked: Option<f64>,
) -> Markup {
    let highest = |class: &str| bars.iter().filter(|bar| bar.class == class).map(|bar| bar.count).max();
    let highest = match (highest("bar").unwrap_or(0), highest("bar zero").unwrap_or(0)) {
        (0, zeros) => zeros.max(1) as f64,
        (others, zeros) => (zeros as f64).min(ZEROS_HEIGHT * others as f64).max(others as f64),
    };
    let step = round_step(highest / Y_STEPS).max(1.0);
    let lines = (highest / step).ceil();
    let counts: Ticks = (0..=lines as u64)
        .map(|line| line as f64 * step)
        .map(|count| (count, axis_number(count as u64)))
        .collect();
    let plot = Plot::new((0.0, 0.0), (width, height), MARGINS, x, Axis::new(0.0, lines * step));
    html! {
        svg class="chart" viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(axis) {
            (plot.y_axis(&counts))
            (text("tick", (2.0, plot.top - 8.0), counted))
            @for bar in bars.iter().filter(|bar| bar.count > 0) {
                @let ((left, top), (right, _)) = (plot.at((bar.from, bar.count as f64)), plot.at((bar.to, 0.0)));
                // A bar for a single crystal among thousands remains visible.
                @let tall = (plot.bottom - top).max(1.0);
                @let wide = (right - left - BAR_GAP).max(THINNEST_BAR);
                (rectangle(bar.class, (left + BAR_GAP / 2.0, plot.bottom - tall), (wide, tall), &bar.title))
                // The bar of zeros may be cut at the top, and says how many they are.
                @if bar.class != "bar" {
                    (text("tick middle", ((left + right) / 2.0, plot.bottom - tall - 4.0), axis_number(bar.count)))
                }
            }
            (plot.x_axis(ticks, axis, false))
            @if let Some(value) = marked { (line("diagonal", plot.at((value, 0.0)), plot.at((value, plot.y.high)))) }
        }
    }
}

/// Side of a cell in the chart of direction labels.
const CLASS_CELL: usize = 44;
/// Margin to the left of the cells and above them.
const CLASS_MARGIN: usize = 34;

/// Returns the counts of the 27 direction labels as three layers of cells, one for each sign along l1.
pub(super) fn directions(counts: &[u64; DIRECTIONS]) -> Markup {
    let total: u64 = counts.iter().sum();
    let greatest = counts.iter().copied().max().unwrap_or(0);
    let layer_width = 3 * CLASS_CELL + CLASS_MARGIN;
    let (width, height) = (3 * layer_width, 3 * CLASS_CELL + CLASS_MARGIN + 24);
    let signs = ["−", "0", "+"];
    html! {
        svg class="chart" viewBox=(format!("0 0 {width} {height}")) role="img" aria-label="Edges by direction class" {
            @for (layer, sign) in signs.iter().enumerate() {
                @let left = layer * layer_width + CLASS_MARGIN;
                text class="label middle" x=(left + 3 * CLASS_CELL / 2) y="12" { "l1 " (sign) }
                @for (position, sign) in signs.iter().enumerate() {
                    text class="tick middle" x=(left + position * CLASS_CELL + CLASS_CELL / 2) y=(CLASS_MARGIN - 4) {
                        @if position == 1 { "l3 " } (sign)
                    }
                    text class="tick end" x=(left - 5) y=(CLASS_MARGIN + position * CLASS_CELL + CLASS_CELL / 2 + 3) {
                        @if position == 1 { "l2 " } (sign)
                    }
                }
                @for (position, count) in counts.iter().skip(9 * layer).take(9).enumerate() {
                    @let (row, column) = (position / 3, position % 3);
                    @let (x, y) = (left + column * CLASS_CELL, CLASS_MARGIN + row * CLASS_CELL);
                    g class=(format!("cell {}", shade(step_of_count(*count, greatest)))) {
                        title { "class " (9 * layer + position) ": " (grouped_count(*count, "edge")) }
                        rect x=(x) y=(y) width=(CLASS_CELL - 3) height=(CLASS_CELL - 3) rx="3" {}
                        text class="value" x=(x + CLASS_CELL / 2 - 1) y=(y + CLASS_CELL / 2 + 3) {
                            (percent(*count, total).trim_end_matches(" %"))
                        }
                    }
                }
            }
            text class="label middle" x=(width / 2) y=(height - 7) { "% of the edges, by the sign of the neighbour's cell" }
        }
    }
}

/// Formats a count at an axis. Counts up to a million are written in full.
fn axis_number(count: u64) -> String {
    if count < 1_000_000 { grouped(count) } else { short(count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filled_bin_is_a_bar() {
        let mut values = Histogram::covering(0.0, 5.0, 0.0, true);
        [0.0, 3.0, 3.0, 5.0].into_iter().for_each(|value| values.add(value));
        let svg = histogram(&values, SIZE, "sites", "crystals", Marks::default()).into_string();
        assert_eq!(svg.matches("class=\"bar\"").count(), 3);
        assert!(svg.contains("3 to 4: 2 (50.0 %)"), "{svg}");
        assert!(svg.contains(">sites<"), "{svg}");
    }

    #[test]
    fn zeros_have_a_bar_with_their_number() {
        let values = Histogram { counts: vec![2, 3], ..Histogram::new(0.0, 0.5, 0) };
        let marks = Marks { zeros: 95, line: None };
        let svg = histogram(&values, SIZE, "eV", "crystals", marks).into_string();
        assert!(svg.contains("exactly 0: 95 (95.0 %)") && svg.contains(">= 0</text>"), "{svg}");
        assert!(svg.contains(">95</text>"), "{svg}");
        // The axis ends near the other bars, so that they are seen.
        assert!(!svg.contains(">50</text>"), "{svg}");
    }

    #[test]
    fn bars_are_as_high_as_their_counts() {
        let svg = categories(&vec![("a".into(), 4), ("b".into(), 2)], "").into_string();
        let plot = SIZE.1 - MARGINS[1] - MARGINS[3];
        assert!(svg.contains(&format!("height=\"{plot}\"")), "{svg}");
        assert!(svg.contains(&format!("height=\"{}\"", plot / 2.0)), "{svg}");
    }

    #[test]
    fn long_labels_have_rows_and_many_are_summed_up() {
        let long = "a name that is longer than its place";
        let svg =
            categories(&(0..3).map(|n| (format!("{long} {n}"), n + 1)).collect(), "class").into_string();
        assert_eq!(svg.matches("class=\"bar\"").count(), 3);
        assert!(svg.contains("<title>a name that is longer than its place 2: 3 (50.0 %)</title>"), "{svg}");
        assert!(svg.contains(">a name that is longer th…</text>"), "{svg}");
        let many: Tally = (0..100).map(|n| (format!("class {n:03}"), 1000 - n)).collect();
        let svg = categories(&many, "class").into_string();
        assert_eq!(svg.matches("class=\"bar\"").count(), MOST_ROWS);
        assert!(svg.contains(">class 000</text>") && svg.contains(">77 others</text>"), "{svg}");
        assert!(!svg.contains("class 050"), "{svg}");
    }

    #[test]
    fn empty_charts_have_no_bars() {
        let svg = histogram(&Histogram::new(0.0, 1.0, 0), SIZE, "", "", Marks::default()).into_string();
        assert!(!svg.contains("class=\"bar\""), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
