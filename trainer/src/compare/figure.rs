//! Views as SVG figures: a panel for every task, with bars or curves.

use etl::chart::{self, Axis, Plot, SHORTEST, circle, colour, drawable, line, rectangle, text};
use maud::{Markup, html};

use super::grid::FigureKind;
use super::table::{CHOSEN, PUBLISHED, is_marked, score_text};
use super::view::{Column, Entry, Row, RowKind, View};
use crate::report::part::Part;
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
/// End of the axis of shares, a little behind the share of all training crystals.
const SHARE_AXIS_END: f64 = 1.03;
/// Approximate numbers of ticks of an axis and of the axis of shares.
const TICKS: f64 = 6.0;
const SHARE_TICKS: f64 = 11.0;
/// Half the thickness of a bar, as a share of its space.
const BAR_HALF: f64 = 0.36;
/// Half the length of the line across the end of a deviation, as a share of the axis.
const WHISKER: f64 = 0.008;
/// Free share of the range beyond the largest value.
const HEADROOM: f64 = 0.08;

/// Largest left margin of bars, and width of a letter of their names, in pixels.
const LARGEST_MARGIN: f64 = 400.0;
const LETTER: f64 = 6.2;

/// Class of the bar of a dummy, such as the median.
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
    let margins = bars_margins(view, &bars);
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
                FigureKind::Bars => (draw_bars(corner, view, column, margins, bars)),
                FigureKind::Curves => (draw_curves(corner, view, column, &curves(view, index), dummy(view, index))),
            }
        }
    };
    schemas::text::page(&chart::picture(ID, size, &body)).into_owned()
}

/// Returns the bars of a task: measured ones, each followed by its published ones.
fn bars(view: &View, index: usize) -> Vec<Bar> {
    let mut bars = Vec::new();
    for row in &view.rows {
        let (Some(entry), Some(column)) = (row.entries.get(index), view.columns.get(index)) else { continue };
        let Entry { ours, published, .. } = entry;
        if let Some(score) = ours {
            let class = if row.kind.is_dummy() { MEDIAN_BAR } else { "bar" };
            let deviation = score.deviation();
            let (label, mut text) = (row.label.clone(), score_text(*score));
            if is_marked(entry, column) {
                text = format!("{text} {CHOSEN}");
            }
            bars.push(Bar { label, value: score.mean, deviation, text, class });
        }
        if let Some(cited) = published {
            bars.push(Bar {
                label: format!("{} {PUBLISHED}", cited.model),
                value: cited.score,
                deviation: 0.0,
                text: cited.score.to_string(),
                class: "bar published",
            });
        }
    }
    bars.retain(|bar| drawable(bar.value) && drawable(bar.deviation));
    bars
}

/// Returns the margins of bars. The names of searched settings are long.
fn bars_margins(view: &View, bars: &[Vec<Bar>]) -> [f64; 4] {
    let [mut left, above, right, below] = BARS_MARGINS;
    if view.is_search() {
        let longest = bars.iter().flatten().map(|bar| bar.label.chars().count()).max().unwrap_or(0);
        left = (longest as f64).mul_add(LETTER, TEXT_GAP).clamp(left, LARGEST_MARGIN);
    }
    [left, above, right, below]
}

/// Returns the name of a panel: the task, with the part where it is not the test part alone.
fn caption(view: &View, column: &Column) -> String {
    match view.ranking() {
        Part::Test => view.task_name(column),
        Part::Validation => format!("{}, {} parts", view.task_name(column), column.part),
    }
}

/// Draws the bars of a task from the upper left corner of its panel, the first one at the top.
fn draw_bars(corner: (f64, f64), view: &View, column: &Column, margins: [f64; 4], bars: &[Bar]) -> Markup {
    if bars.is_empty() {
        return html! {};
    }
    let longest = bars.iter().map(|bar| bar.value + bar.deviation).fold(SHORTEST, f64::max);
    let count = bars.len() as f64;
    let size = (WIDTH, TOP + BAR_HEIGHT * count + BOTTOM);
    let plot = Plot::new(corner, size, margins, Axis::new(0.0, longest), Axis::new(0.0, count));
    html! {
        (plot.caption(&caption(view, column)))
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

/// Returns the name of the axis of a task's scores.
fn quantity(column: &Column) -> String {
    format!("{}{}", column.metric.title(), unit::shown(" [", &column.unit, "]"))
}

/// Returns the name and the score of a task's dummy, such as the median.
fn dummy(view: &View, index: usize) -> Option<(&str, f64)> {
    view.rows.iter().filter(|row| row.kind.is_dummy()).find_map(|row| {
        let score = row.entries.get(index)?.ours?.mean;
        drawable(score).then_some((row.label.as_str(), score))
    })
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
            let deviation = score.deviation();
            add(label, true, (*fraction, score.mean, deviation));
        }
    }
    for Row { fraction, entries, .. } in &view.rows {
        if let Some(cited) = entries.get(index).and_then(|entry| entry.published.as_ref()) {
            add(&format!("{} {PUBLISHED}", cited.model), false, (*fraction, cited.score, 0.0));
        }
    }
    for curve in &mut curves {
        curve.points.sort_by(|left, right| left.0.total_cmp(&right.0));
    }
    curves
}

/// Draws the curves of a task from the upper left corner of its panel, with a line at the score of the dummy, and names
/// them beside the plot.
fn draw_curves(
    corner: (f64, f64),
    view: &View,
    column: &Column,
    curves: &[Curve],
    dummy: Option<(&str, f64)>,
) -> Markup {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    if points().next().is_none() {
        return html! {};
    }
    let level = || dummy.map(|(_, score)| score);
    let lowest = points().map(|point| point.1 - point.2).chain(level()).fold(f64::INFINITY, f64::min);
    let highest = points().map(|point| point.1 + point.2).chain(level()).fold(f64::NEG_INFINITY, f64::max);
    let (x, y) = (Axis::new(0.0, SHARE_AXIS_END), Axis::around(lowest, highest, HEADROOM));
    let plot = Plot::new(corner, (WIDTH, CURVES_HEIGHT), CURVES_MARGINS, x, y);
    let shares =
        plot.x.ticks(SHARE_TICKS).into_iter().map(|(share, _)| (share, format!("{:.0}", share * 100.0)));
    html! {
        (plot.caption(&caption(view, column)))
        (plot.x_axis(&shares.collect(), "share of the training crystals [%]", true))
        (plot.y_axis(&plot.y.ticks(TICKS)))
        (plot.y_name(&quantity(column), NAME_DISTANCE))
        @if let Some((name, score)) = dummy {
            @let y = plot.top + LEGEND_LINE * curves.len() as f64;
            @let sample = plot.right + TEXT_GAP;
            (line("constant", plot.at((plot.x.low, score)), plot.at((plot.x.high, score))))
            (line("constant", (sample, y), (sample + LEGEND_SAMPLE, y)))
            (text("label", (sample + LEGEND_SAMPLE + TEXT_GAP, y + BASELINE), name))
        }
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
    use crate::compare::example::{labels, models, search};
    use crate::compare::results::Score;

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
    fn a_search_has_panels_of_both_parts_with_their_dummies() {
        let svg = picture(&search(), FigureKind::Bars);
        for text in [
            "gap, validation parts",
            "gap, test parts",
            "metal, validation parts",
            "metal, test parts",
            "0.2500 (chosen)",
            "0.9000 (chosen)",
            "MAE [eV]",
        ] {
            assert!(svg.contains(&format!(">{text}<")), "{text}: {svg}");
        }
        assert_eq!(svg.matches(">ROC-AUC<").count(), 2, "a score of classes has no unit");
        assert_eq!(svg.matches("class=\"constant\"").count(), 4, "a dummy in each panel");
    }

    #[test]
    fn one_fold_has_the_spread_of_its_seeds() {
        let whiskers = |view: &View| picture(view, FigureKind::Bars).matches("class=\"whisker\"").count();
        let mut view = search();
        assert_eq!(whiskers(&view), 0);
        for entry in view.rows[..2].iter_mut().flat_map(|row| &mut row.entries) {
            entry.ours = entry.ours.map(|score| Score { seed_std: Some(0.1), ..score });
        }
        assert_eq!(whiskers(&view), 6);
    }

    #[test]
    fn curves_have_a_line_at_the_median() {
        let mut view = labels();
        assert!(!picture(&view, FigureKind::Curves).contains("class=\"constant\""));
        let median = models().rows.swap_remove(2);
        view.rows.push(Row { entries: median.entries[..1].to_vec(), ..median });
        let svg = picture(&view, FigureKind::Curves);
        assert_eq!(svg.matches("class=\"constant\"").count(), 2, "in the plot and in the legend");
        assert!(svg.contains(">Median of the training part<"), "{svg}");
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
                    entry.ours = entry.ours.map(|score| Score { mean: value, ..score });
                }
                picture(&view, kind);
            }
            let empty = View { rows: Vec::new(), columns: Vec::new(), ..labels() };
            picture(&empty, kind);
            picture(&View { rows: Vec::new(), ..labels() }, kind);
        }
    }
}
