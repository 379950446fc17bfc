//! Views as SVG figures: a panel for every task, with bars or curves.

use etl::chart::{self, Axis, Plot, SHORTEST, circle, colour, drawable, line, rectangle, text};
use maud::{Markup, html};

use super::grid::{ALL_LABELS, FigureKind};
use super::table::{PUBLISHED, score_text};
use super::view::{Column, Entry, Row, RowKind, View};
use crate::unit;

/// Identifier of the SVG element.
const ID: &str = "comparison";
/// Width of a panel, and height of a panel with curves, in pixels. The height of bars depends on their number.
const WIDTH: f64 = 620.0;
const CURVES_HEIGHT: f64 = 340.0;
/// Height of a bar with the space around it, in pixels.
const BAR_HEIGHT: f64 = 30.0;
/// Heights of a panel's title and of its axis, in pixels.
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// Height of the heading, in pixels.
const HEADING: f64 = 34.0;
/// Number of panels side by side.
const COLUMNS: usize = 2;
/// Margins of the bars for names and numbers, in pixels: left, above, right, below.
const BARS_MARGINS: [f64; 4] = [208.0, TOP, 120.0, BOTTOM];
/// Margins of the curves for numbers and legend, in pixels.
const CURVES_MARGINS: [f64; 4] = [68.0, TOP, 215.0, BOTTOM];
/// Distance of the left axis's name from the axis, in pixels.
const NAME_DISTANCE: f64 = 52.0;
/// Line height of the legend, and length of its samples, in pixels.
const LEGEND_LINE: f64 = 20.0;
const LEGEND_SAMPLE: f64 = 18.0;
/// Distance of a text from its object, and of its baseline from the middle of its letters, in pixels.
const TEXT_GAP: f64 = 7.0;
const BASELINE: f64 = 4.0;
/// Approximate numbers of ticks of an axis and of the axis of shares.
const TICKS: f64 = 6.0;
const SHARE_TICKS: f64 = 11.0;
/// Half the thickness of a bar, as a share of its space.
const BAR_HALF: f64 = 0.36;
/// Half the length of the line across the end of a deviation, as a share of the axis.
const WHISKER: f64 = 0.008;
/// Free share of the range beyond the largest value.
const HEADROOM: f64 = 0.08;

/// Class of the bar of the median.
const MEDIAN_BAR: &str = "bar median";

/// A bar of a panel.
struct Bar {
    label: String,
    value: f64,
    deviation: f64,
    text: String,
    class: &'static str,
}

/// A curve of a panel: share of the training crystals, error and deviation of each point.
struct Curve {
    label: String,
    points: Vec<(f64, f64, f64)>,
    measured: bool,
}

/// Returns the view as SVG. The same view gives the same bytes. Values that are not finite are left out, and a panel
/// without values is empty.
pub fn svg(view: &View, kind: FigureKind) -> String {
    let bars: Vec<Vec<Bar>> = (0..view.columns.len()).map(|index| bars(view, index)).collect();
    let height = match kind {
        FigureKind::Curves => CURVES_HEIGHT,
        FigureKind::Bars => TOP + BAR_HEIGHT * bars.iter().map(Vec::len).max().unwrap_or(0) as f64 + BOTTOM,
    };
    let across = view.columns.len().clamp(1, COLUMNS);
    let down = view.columns.len().div_ceil(COLUMNS).max(1);
    let size = (WIDTH * across as f64, HEADING + height * down as f64);
    let body = html! {
        (text("heading middle", (size.0 / 2.0, HEADING - 10.0), &view.title))
        @for (index, (column, bars)) in view.columns.iter().zip(&bars).enumerate() {
            @let corner = (WIDTH * (index % across) as f64, HEADING + height * (index / across) as f64);
            @match kind {
                FigureKind::Bars => (draw_bars(corner, column, bars)),
                FigureKind::Curves => (draw_curves(corner, column, &curves(view, index))),
            }
        }
    };
    schemas::text::page(&chart::picture(ID, size, &body)).into_owned()
}

/// Returns the bars of a task: measured ones, each followed by its published ones.
fn bars(view: &View, index: usize) -> Vec<Bar> {
    let mut bars = Vec::new();
    for row in &view.rows {
        let Some(Entry { ours, published }) = row.entries.get(index) else { continue };
        if let Some(score) = ours {
            let class = if row.kind == RowKind::Median { MEDIAN_BAR } else { "bar" };
            let deviation = score.std.unwrap_or(0.0);
            let (label, text) = (row.label.clone(), score_text(*score));
            bars.push(Bar { label, value: score.mean, deviation, text, class });
        }
        if let Some(cited) = published {
            bars.push(Bar {
                label: format!("{} {PUBLISHED}", cited.model),
                value: cited.mae,
                deviation: 0.0,
                text: cited.mae.to_string(),
                class: "bar published",
            });
        }
    }
    bars.retain(|bar| drawable(bar.value) && drawable(bar.deviation));
    bars
}

/// Draws the bars of a task from the upper left corner of its panel, the first one at the top.
fn draw_bars(corner: (f64, f64), column: &Column, bars: &[Bar]) -> Markup {
    if bars.is_empty() {
        return html! {};
    }
    let longest = bars.iter().map(|bar| bar.value + bar.deviation).fold(SHORTEST, f64::max);
    let count = bars.len() as f64;
    let size = (WIDTH, TOP + BAR_HEIGHT * count + BOTTOM);
    let plot = Plot::new(corner, size, BARS_MARGINS, Axis::new(0.0, longest), Axis::new(0.0, count));
    html! {
        (plot.caption(&column.task))
        (plot.x_axis(&plot.x.ticks(TICKS), &quantity(column), true))
        (line("axis", (plot.left, plot.top), (plot.left, plot.bottom)))
        @if let Some(median) = bars.iter().find(|bar| bar.class == MEDIAN_BAR) {
            (line("constant", plot.at((median.value, 0.0)), plot.at((median.value, count))))
        }
        @for (index, bar) in bars.iter().enumerate() {
            @let middle = count - index as f64 - 0.5;
            @let (corner, end) = (plot.at((0.0, middle + BAR_HALF)), plot.at((bar.value, middle - BAR_HALF)));
            (rectangle(bar.class, corner, (end.0 - corner.0, end.1 - corner.1), ""))
            @let high = plot.at((bar.value + bar.deviation, middle));
            @if bar.deviation > 0.0 { (line("whisker", plot.at((bar.value - bar.deviation, middle)), high)) }
            (text("label end", (plot.left - TEXT_GAP, high.1 + BASELINE), &bar.label))
            (text("label", (high.0 + TEXT_GAP, high.1 + BASELINE), &bar.text))
        }
    }
}

/// Returns the name of the axis of a task's errors.
fn quantity(column: &Column) -> String {
    format!("MAE{}", unit::shown(" [", &column.unit, "]"))
}

/// Returns the curves of a task: measured ones, then published ones.
fn curves(view: &View, index: usize) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    let mut add = |label: &str, measured: bool, point: (f64, f64, f64)| {
        if !(drawable(point.1) && drawable(point.2)) {
            return;
        }
        match curves.iter_mut().find(|curve| curve.measured == measured && curve.label == label) {
            Some(curve) => curve.points.push(point),
            None => curves.push(Curve { label: label.to_owned(), points: vec![point], measured }),
        }
    };
    for Row { label, fraction, entries, kind } in &view.rows {
        let score = entries.get(index).and_then(|entry| entry.ours).filter(|_| *kind == RowKind::Ours);
        if let Some(score) = score {
            let deviation = score.std.unwrap_or(0.0);
            add(label, true, (*fraction, score.mean, deviation));
        }
    }
    for Row { fraction, entries, .. } in &view.rows {
        if let Some(cited) = entries.get(index).and_then(|entry| entry.published.as_ref()) {
            add(&format!("{} {PUBLISHED}", cited.model), false, (*fraction, cited.mae, 0.0));
        }
    }
    for curve in &mut curves {
        curve.points.sort_by(|left, right| left.0.total_cmp(&right.0));
    }
    curves
}

/// Draws the curves of a task from the upper left corner of its panel, and names them beside the plot.
fn draw_curves(corner: (f64, f64), column: &Column, curves: &[Curve]) -> Markup {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    if points().next().is_none() {
        return html! {};
    }
    let lowest = points().map(|point| point.1 - point.2).fold(f64::INFINITY, f64::min);
    let highest = points().map(|point| point.1 + point.2).fold(f64::NEG_INFINITY, f64::max);
    let (x, y) = (Axis::new(0.0, ALL_LABELS * 1.03), Axis::around(lowest, highest, HEADROOM));
    let plot = Plot::new(corner, (WIDTH, CURVES_HEIGHT), CURVES_MARGINS, x, y);
    let shares =
        plot.x.ticks(SHARE_TICKS).into_iter().map(|(share, _)| (share, format!("{:.0}", share * 100.0)));
    html! {
        (plot.caption(&column.task))
        (plot.x_axis(&shares.collect(), "share of the training crystals [%]", true))
        (plot.y_axis(&plot.y.ticks(TICKS)))
        (plot.y_name(&quantity(column), NAME_DISTANCE))
        @for (index, curve) in curves.iter().enumerate() {
            @let (colour, y) = (colour(index), plot.top + LEGEND_LINE * index as f64);
            @let line_class = format!("{colour} line");
            @let sample = plot.right + TEXT_GAP;
            @if curve.measured {
                (plot.curve(&line_class, curve.points.iter().map(|point| (point.0, point.1))))
                (line(&line_class, (sample, y), (sample + LEGEND_SAMPLE, y)))
            }
            @for &(share, error, deviation) in &curve.points {
                (marker(&colour, curve.measured, plot.at((share, error))))
                @if deviation > 0.0 { (whisker(&plot, &format!("{line_class} thin"), share, error, deviation)) }
            }
            (marker(&colour, curve.measured, (sample + LEGEND_SAMPLE / 2.0, y)))
            (text("label", (sample + LEGEND_SAMPLE + TEXT_GAP, y + BASELINE), &curve.label))
        }
    }
}

/// Draws a point of a curve, filled if it was measured.
fn marker(colour: &str, measured: bool, at: (f64, f64)) -> Markup {
    if measured { circle(colour, at, 3.0, "") } else { circle(&format!("{colour} hollow"), at, 4.0, "") }
}

/// Draws the deviation of an error, with a line across both ends.
fn whisker(plot: &Plot, class: &str, share: f64, error: f64, deviation: f64) -> Markup {
    let (low, high) = (error - deviation, error + deviation);
    html! {
        (plot.curve(class, [(share, low), (share, high)]))
        @for end in [low, high] { (plot.curve(class, [(share - WHISKER, end), (share + WHISKER, end)])) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::example::{labels, models};

    fn picture(view: &View, kind: FigureKind) -> String {
        let svg = svg(view, kind);
        assert!(svg.trim_end().ends_with("</svg>") && !svg.contains("NaN"), "{svg}");
        svg
    }

    #[test]
    fn bars_name_every_model_and_mark_what_is_published() {
        let svg = picture(&models(), FigureKind::Bars);
        for text in
            ["Two tasks | test", "fresh", "MMPT (published)", "coGN (published)", "48.96 ± 9.50", "38.21"]
        {
            assert!(svg.contains(&format!(">{text}<")), "{text}: {svg}");
        }
        assert_eq!(svg.matches(">MAE [").count(), 2, "a panel for each task");
        let bars = |class: &str| svg.matches(&format!("<rect class=\"{class}\"")).count();
        assert_eq!((bars("bar"), bars("bar published")), (3, 4));
        assert_eq!(svg, picture(&models(), FigureKind::Bars), "the same bytes again");
    }

    #[test]
    fn curves_have_a_legend() {
        let svg = picture(&labels(), FigureKind::Curves);
        for text in ["fresh", "MMPT", "other (published)", "share of the training crystals [%]"] {
            assert_eq!(svg.matches(&format!(">{text}<")).count(), 1, "{text}: {svg}");
        }
    }

    #[test]
    fn nothing_is_hidden_in_labels() {
        let mut view = models();
        view.rows[0].label = "a\u{202e}b\u{1}<b>".to_owned();
        let svg = picture(&view, FigureKind::Bars);
        assert!(svg.contains("a\\u{202e}b\\u{1}&lt;b&gt;"), "{svg}");
    }

    #[test]
    fn odd_values_do_no_harm() {
        for kind in [FigureKind::Bars, FigureKind::Curves] {
            for value in [f64::NAN, f64::INFINITY, 0.0, 1e-300, 1e300, 1e30] {
                let mut view = labels();
                for entry in view.rows.iter_mut().flat_map(|row| &mut row.entries) {
                    entry.ours = entry.ours.map(|score| super::super::view::Score { mean: value, ..score });
                }
                picture(&view, kind);
            }
            let empty = View { rows: Vec::new(), columns: Vec::new(), ..labels() };
            picture(&empty, kind);
            picture(&View { rows: Vec::new(), ..labels() }, kind);
        }
    }
}
