//! Charts of the page, as SVG that takes its colours from the page's style.

use maud::{Markup, html};

use super::histogram::{Histogram, round_step};
use super::number::{grouped, grouped_count, in_steps, percent};
use super::periodic_table::{STEPS, colour_step, short};
use super::{DIRECTIONS, Tally};

/// Size of a chart in the units of its view box.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 210.0;
/// Space around the plot.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 42.0;
/// Steps of an axis, about.
const X_STEPS: f64 = 6.0;
const Y_STEPS: f64 = 4.0;
/// Gap between bars.
const BAR_GAP: f64 = 1.0;
/// Widest bar.
const WIDEST_BAR: f64 = 46.0;

/// A bar: where it stands and what it says.
struct Bar {
    left: f64,
    right: f64,
    count: u64,
    title: String,
}

/// A histogram of what is `counted` over an axis with numbers.
pub(super) fn histogram(histogram: &Histogram, axis: &str, counted: &str) -> Markup {
    let bins = histogram.counts.len();
    let (low, high) = (histogram.start, histogram.edge(bins));
    let place = |value: f64| LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT);
    let edge = |bin| in_steps(histogram.edge(bin), histogram.width);
    let total = histogram.total();
    let bars = histogram.counts.iter().enumerate().map(|(bin, count)| Bar {
        left: place(histogram.edge(bin)),
        right: place(histogram.edge(bin + 1)),
        count: *count,
        title: format!(
            "{} to {}: {} ({})",
            edge(bin),
            edge(bin + 1),
            grouped(*count),
            percent(*count, total)
        ),
    });
    let step = round_step((high - low) / X_STEPS).max(f64::MIN_POSITIVE);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    let ticks = (first..=last)
        .filter(|_| bins > 0)
        .map(|tick| tick as f64 * step)
        .map(|value| (place(value), in_steps(value, step)));
    frame(&bars.collect::<Vec<_>>(), &ticks.collect::<Vec<_>>(), axis, counted)
}

/// Crystals by different values, as bars side by side.
pub(super) fn categories(tally: &Tally, axis: &str) -> Markup {
    let pitch = (WIDTH - LEFT - RIGHT) / tally.len().max(1) as f64;
    let half = pitch.min(WIDEST_BAR) / 2.0 - BAR_GAP;
    let total = tally.iter().map(|(_, count)| count).sum();
    let name = |label: &str| if label.is_empty() { "none".to_owned() } else { label.to_owned() };
    let centre = |position: usize| LEFT + (position as f64 + 0.5) * pitch;
    let bars = tally.iter().enumerate().map(|(position, (label, count))| Bar {
        left: centre(position) - half,
        right: centre(position) + half,
        count: *count,
        title: format!("{}: {} ({})", name(label), grouped(*count), percent(*count, total)),
    });
    let ticks = tally.iter().enumerate().map(|(position, (label, _))| (centre(position), name(label)));
    frame(&bars.collect::<Vec<_>>(), &ticks.collect::<Vec<_>>(), axis, "crystals")
}

/// Axes, grid and bars.
fn frame(bars: &[Bar], ticks: &[(f64, String)], axis: &str, counted: &str) -> Markup {
    let highest = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1) as f64;
    let step = round_step(highest / Y_STEPS).max(1.0);
    let top = (highest / step).ceil() * step;
    let base = HEIGHT - BOTTOM;
    let height = |count: f64| count / top * (base - TOP);
    let lines = (0..=(top / step) as u64).map(|line| line as f64 * step);
    html! {
        svg class="chart" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(axis) {
            @for value in lines {
                @let y = number(base - height(value));
                line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                text class="tick end" x=(LEFT - 6.0) y=(number(base - height(value) + 3.5)) { (axis_number(value as u64)) }
            }
            text class="tick" x="2" y=(TOP - 8.0) { (counted) }
            @for bar in bars.iter().filter(|bar| bar.count > 0) {
                // A single crystal among thousands is still seen.
                @let tall = height(bar.count as f64).max(1.0);
                rect class="bar" x=(number(bar.left)) width=(number((bar.right - bar.left - BAR_GAP).max(0.5)))
                    y=(number(base - tall)) height=(number(tall)) { title { (bar.title) } }
            }
            line class="axis" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(base) y2=(base) {}
            @for (x, label) in ticks {
                line class="axis" x1=(number(*x)) x2=(number(*x)) y1=(base) y2=(base + 4.0) {}
                text class="tick middle" x=(number(*x)) y=(base + 16.0) { (label) }
            }
            text class="label middle" x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 8.0) { (axis) }
        }
    }
}

/// Side of a cell of the direction classes.
const CLASS_CELL: usize = 44;
/// Space beside and above the cells of the direction classes.
const CLASS_MARGIN: usize = 34;

/// The 27 direction classes as three layers of cells, one for each sign along l1.
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

/// A count at an axis: written out up to a million.
fn axis_number(count: u64) -> String {
    if count < 1_000_000 { grouped(count) } else { short(count) }
}

/// A coordinate with two decimals, enough for a pixel.
fn number(value: f64) -> String {
    format!("{value:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filled_bin_is_a_bar() {
        let mut values = Histogram::covering(0.0, 5.0, true);
        [0.0, 3.0, 3.0, 5.0].into_iter().for_each(|value| values.add(value));
        let svg = histogram(&values, "sites", "crystals").into_string();
        assert_eq!(svg.matches("class=\"bar\"").count(), 3);
        assert!(svg.contains("3 to 4: 2 (50.0 %)"), "{svg}");
        assert!(svg.contains(">sites<"), "{svg}");
    }

    #[test]
    fn bars_are_as_high_as_their_counts() {
        let svg = categories(&vec![("a".into(), 4), ("b".into(), 2)], "").into_string();
        let plot = HEIGHT - TOP - BOTTOM;
        assert!(svg.contains(&format!("height=\"{plot:.2}\"")), "{svg}");
        assert!(svg.contains(&format!("height=\"{:.2}\"", plot / 2.0)), "{svg}");
    }

    #[test]
    fn empty_charts_have_no_bars() {
        let svg = histogram(&Histogram::new(0.0, 1.0, 0), "", "").into_string();
        assert!(!svg.contains("class=\"bar\""), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
