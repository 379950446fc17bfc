//! Charts of counts in SVG. Their colours come from the style of the page.

use maud::{Markup, html};

use super::histogram::Histogram;
use super::number::{grouped, grouped_count, percent};
use super::periodic_table::{STEPS, colour_step, short};
use super::{DIRECTIONS, Tally};
use crate::chart::{Axis, Plot, Ticks, label, line, rectangle, round_step, text};

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

/// A bar: its position on the axis and its tooltip.
struct Bar {
    from: f64,
    to: f64,
    count: u64,
    title: String,
}

/// Returns a histogram of what is `counted` over a numeric axis, with an optional dashed line at a value.
pub fn histogram(
    histogram: &Histogram,
    size: (f64, f64),
    axis: &str,
    counted: &str,
    marked: Option<f64>,
) -> Markup {
    let bins = histogram.counts.len();
    let edge = |bin| label(histogram.edge(bin), histogram.width);
    let total = histogram.total();
    let bars = histogram.counts.iter().enumerate().map(|(bin, count)| Bar {
        from: histogram.edge(bin),
        to: histogram.edge(bin + 1),
        count: *count,
        title: format!(
            "{} to {}: {} ({})",
            edge(bin),
            edge(bin + 1),
            grouped(*count),
            percent(*count, total)
        ),
    });
    let x = Axis::new(histogram.start, histogram.edge(bins));
    let ticks = if bins > 0 { x.ticks(X_STEPS) } else { Ticks::new() };
    frame(&bars.collect::<Vec<_>>(), x, &ticks, size, axis, counted, marked)
}

/// Returns the numbers of crystals for each value of a tally, as bars.
pub(super) fn categories(tally: &Tally, axis: &str) -> Markup {
    let x = Axis::new(0.0, tally.len().max(1) as f64);
    // As a fraction of the space for a bar.
    let half = (WIDEST_BAR * x.high / (SIZE.0 - MARGINS[0] - MARGINS[2])).min(1.0) / 2.0;
    let total = tally.iter().map(|(_, count)| count).sum();
    let name = |label: &str| if label.is_empty() { "none".to_owned() } else { label.to_owned() };
    let centre = |position: usize| position as f64 + 0.5;
    let bars = tally.iter().enumerate().map(|(position, (label, count))| Bar {
        from: centre(position) - half,
        to: centre(position) + half,
        count: *count,
        title: format!("{}: {} ({})", name(label), grouped(*count), percent(*count, total)),
    });
    let ticks = tally.iter().enumerate().map(|(position, (label, _))| (centre(position), name(label)));
    frame(&bars.collect::<Vec<_>>(), x, &ticks.collect(), SIZE, axis, "crystals", None)
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
    let highest = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1) as f64;
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
                (rectangle("bar", (left + BAR_GAP / 2.0, plot.bottom - tall), (wide, tall), &bar.title))
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
    let (width, height) = (3 * layer_width, 3 * CLASS_CELL + CLASS_MARGIN + 18);
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
                    g class=(format!("cell h{}", colour_step(*count, greatest).min(STEPS))) {
                        title { "class " (9 * layer + position) ": " (grouped_count(*count, "edge")) }
                        rect x=(x) y=(y) width=(CLASS_CELL - 3) height=(CLASS_CELL - 3) rx="3" {}
                        text class="share" x=(x + CLASS_CELL / 2 - 1) y=(y + CLASS_CELL / 2 + 3) {
                            (percent(*count, total).trim_end_matches(" %"))
                        }
                    }
                }
            }
            text class="label middle" x=(width / 2) y=(height - 2) { "% of the edges, by the sign of the neighbour's cell" }
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
        let mut values = Histogram::covering(0.0, 5.0, true);
        [0.0, 3.0, 3.0, 5.0].into_iter().for_each(|value| values.add(value));
        let svg = histogram(&values, SIZE, "sites", "crystals", None).into_string();
        assert_eq!(svg.matches("class=\"bar\"").count(), 3);
        assert!(svg.contains("3 to 4: 2 (50.0 %)"), "{svg}");
        assert!(svg.contains(">sites<"), "{svg}");
    }

    #[test]
    fn bars_are_as_high_as_their_counts() {
        let svg = categories(&vec![("a".into(), 4), ("b".into(), 2)], "").into_string();
        let plot = SIZE.1 - MARGINS[1] - MARGINS[3];
        assert!(svg.contains(&format!("height=\"{plot}\"")), "{svg}");
        assert!(svg.contains(&format!("height=\"{}\"", plot / 2.0)), "{svg}");
    }

    #[test]
    fn empty_charts_have_no_bars() {
        let svg = histogram(&Histogram::new(0.0, 1.0, 0), SIZE, "", "", None).into_string();
        assert!(!svg.contains("class=\"bar\""), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
