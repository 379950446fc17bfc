//! Views as pictures: a panel for every task, with bars or curves.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use schemas::text;

use super::grid::{ALL_LABELS, FigureKind};
use super::table::{PUBLISHED, score_text};
use super::view::{Column, Entry, Row, RowKind, View};
use crate::unit;

/// Width and height of a panel, in pixels; bars take as much height as there are.
const PANEL: (u32, u32) = (620, 340);
/// Height of a bar with what is around it, and of a panel's title and axis, in pixels.
const BAR_HEIGHT: u32 = 30;
const AROUND_BARS: u32 = 90;
/// Height of the heading, in pixels.
const HEADING: u32 = 34;
/// Panels side by side.
const COLUMNS: usize = 2;
/// Width of the names beside the bars, and of the numbers behind them, in pixels.
const NAMES_WIDTH: u32 = 200;
const NUMBERS_WIDTH: u32 = 120;
/// Width of the legend beside the curves, height of its lines, and length of its samples, in pixels.
const LEGEND_WIDTH: u32 = 200;
const LEGEND_LINE: i32 = 20;
const LEGEND_SAMPLE: i32 = 18;
/// Distance between a text and what it belongs to, in pixels.
const TEXT_GAP: i32 = 7;
/// Half the thickness of a bar, of the place it has.
const BAR_HALF: f64 = 0.36;
/// Half the length of the line across the end of a deviation, of the axis's length.
const WHISKER: f64 = 0.008;
/// Share of the range that stays free beyond the largest value.
const HEADROOM: f64 = 0.08;
/// Larger values are not drawn: axes need lengths that are finite.
const LARGEST_DRAWN: f64 = 1e30;
/// Shortest axis.
const SHORTEST_AXIS: f64 = 1e-9;
const FONT: &str = "sans-serif";
const HEADING_SIZE: u32 = 18;
const CAPTION_SIZE: u32 = 15;
const LABEL_SIZE: u32 = 12;
const BAR_COLOUR: RGBColor = RGBColor(31, 89, 163);
const MEDIAN_COLOUR: RGBColor = RGBColor(150, 170, 195);
const PUBLISHED_COLOUR: RGBColor = RGBColor(165, 165, 165);
/// Colours of curves, told apart by most readers who do not see all colours (Okabe and Ito).
const CURVE_COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// Errors of the drawing library, all of them of the buffer written to.
type Drawn<T> = Result<T, Box<dyn std::error::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One bar.
struct Bar {
    label: String,
    value: f64,
    deviation: f64,
    text: String,
    colour: RGBColor,
}

/// One curve: share of the training crystals, error and deviation, by share.
struct Curve {
    label: String,
    points: Vec<(f64, f64, f64)>,
    colour: RGBColor,
    measured: bool,
}

/// The view as SVG text; the same view gives the same bytes. Values that are not finite are left out, and
/// a panel without any is empty.
///
/// # Errors
/// Those of the drawing library.
pub fn svg(view: &View, kind: FigureKind) -> Drawn<String> {
    let bars: Vec<Vec<Bar>> = (0..view.columns.len()).map(|index| bars(view, index)).collect();
    let height = match kind {
        FigureKind::Curves => PANEL.1,
        FigureKind::Bars => {
            let most = bars.iter().map(Vec::len).max().unwrap_or(0);
            AROUND_BARS + BAR_HEIGHT * u32::try_from(most).unwrap_or(0)
        }
    };
    let across = view.columns.len().clamp(1, COLUMNS);
    let down = view.columns.len().div_ceil(COLUMNS).max(1);
    let size = (PANEL.0 * u32::try_from(across)?, HEADING + height * u32::try_from(down)?);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        let body = root.titled(&view.title, (FONT, HEADING_SIZE))?;
        let panels = body.split_evenly((down, across));
        for (index, ((area, column), bars)) in panels.iter().zip(&view.columns).zip(&bars).enumerate() {
            match kind {
                FigureKind::Bars => draw_bars(area, column, bars)?,
                FigureKind::Curves => draw_curves(area, column, &curves(view, index))?,
            }
        }
        root.present()?;
    }
    Ok(text::page(&svg).into_owned())
}

/// Whether a value can be drawn.
fn drawn(value: f64) -> bool {
    value.abs() <= LARGEST_DRAWN
}

/// The bars of a task: what was measured, and below it what was published.
fn bars(view: &View, index: usize) -> Vec<Bar> {
    let mut bars = Vec::new();
    for row in &view.rows {
        let Some(Entry { ours, published }) = row.entries.get(index) else { continue };
        if let Some(score) = ours {
            let colour = if row.kind == RowKind::Median { MEDIAN_COLOUR } else { BAR_COLOUR };
            let deviation = score.std.unwrap_or(0.0);
            let (label, text) = (row.label.clone(), score_text(*score));
            bars.push(Bar { label, value: score.mean, deviation, text, colour });
        }
        if let Some(cited) = published {
            bars.push(Bar {
                label: format!("{} {PUBLISHED}", cited.model),
                value: cited.mae,
                deviation: 0.0,
                text: cited.mae.to_string(),
                colour: PUBLISHED_COLOUR,
            });
        }
    }
    bars.retain(|bar| drawn(bar.value) && drawn(bar.deviation));
    bars
}

/// Draws the bars of a task, the first one at the top.
fn draw_bars(area: &Area<'_>, column: &Column, bars: &[Bar]) -> Drawn<()> {
    if bars.is_empty() {
        return Ok(());
    }
    let longest = bars.iter().map(|bar| bar.value + bar.deviation).fold(SHORTEST_AXIS, f64::max);
    let count = bars.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .caption(&column.task, (FONT, CAPTION_SIZE))
        .margin(8)
        .margin_right(NUMBERS_WIDTH)
        .x_label_area_size(40)
        .y_label_area_size(NAMES_WIDTH)
        .build_cartesian_2d(0.0..longest, 0.0..count)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_desc(format!("MAE{}", unit::shown(" [", &column.unit, "]")))
        .x_labels(5)
        .x_label_formatter(&|value| number(*value))
        .label_style((FONT, LABEL_SIZE))
        .light_line_style(WHITE)
        .draw()?;
    for (index, bar) in bars.iter().enumerate() {
        let middle = count - index as f64 - 0.5;
        let body = [(0.0, middle - BAR_HALF), (bar.value, middle + BAR_HALF)];
        chart.draw_series([Rectangle::new(body, bar.colour.filled())])?;
        let (low, high) = ((bar.value - bar.deviation).max(0.0), bar.value + bar.deviation);
        if bar.deviation > 0.0 {
            let whisker = vec![(low, middle), (high, middle)];
            chart.draw_series([PathElement::new(whisker, BLACK.stroke_width(1))])?;
        }
        for (text, at, side, gap) in
            [(&bar.label, 0.0, HPos::Right, -TEXT_GAP), (&bar.text, high, HPos::Left, TEXT_GAP)]
        {
            let (x, y) = local(area, chart.backend_coord(&(at, middle)));
            let style = (FONT, LABEL_SIZE).into_text_style(area).pos(Pos::new(side, VPos::Center));
            area.draw(&Text::new(text.clone(), (x + gap, y), style))?;
        }
    }
    Ok(())
}

/// A pixel of the picture as one of an area of it.
fn local(area: &Area<'_>, (x, y): (i32, i32)) -> (i32, i32) {
    let (left, top) = area.get_base_pixel();
    (x - left, y - top)
}

/// The curves of a task: ours, then what was published.
fn curves(view: &View, index: usize) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    let mut add = |label: &str, measured: bool, point: (f64, f64, f64)| {
        if !(drawn(point.1) && drawn(point.2)) {
            return;
        }
        match curves.iter_mut().find(|curve| curve.measured == measured && curve.label == label) {
            Some(curve) => curve.points.push(point),
            None => {
                let colour = CURVE_COLOURS[curves.len() % CURVE_COLOURS.len()];
                curves.push(Curve { label: label.to_owned(), points: vec![point], colour, measured });
            }
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

/// Draws the curves of a task.
fn draw_curves(area: &Area<'_>, column: &Column, curves: &[Curve]) -> Drawn<()> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    if points().next().is_none() {
        return Ok(());
    }
    let lowest = points().map(|point| point.1 - point.2).fold(f64::INFINITY, f64::min);
    let highest = points().map(|point| point.1 + point.2).fold(f64::NEG_INFINITY, f64::max);
    let room = ((highest - lowest) * HEADROOM).max(highest.abs() * 1e-3).max(SHORTEST_AXIS);
    let (plot, legend) = area.split_horizontally(PANEL.0 - LEGEND_WIDTH);
    let mut chart = ChartBuilder::on(&plot)
        .caption(&column.task, (FONT, CAPTION_SIZE))
        .margin(8)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..ALL_LABELS * 1.03, lowest - room..highest + room)?;
    chart
        .configure_mesh()
        .x_desc("share of the training crystals [%]")
        .y_desc(format!("MAE{}", unit::shown(" [", &column.unit, "]")))
        .x_labels(11)
        .y_labels(6)
        .x_label_formatter(&|share| format!("{:.0}", share * 100.0))
        .y_label_formatter(&|value| number(*value))
        .label_style((FONT, LABEL_SIZE))
        .light_line_style(WHITE)
        .draw()?;
    for &Curve { ref points, colour, measured, .. } in curves {
        let line: Vec<(f64, f64)> = points.iter().map(|&(share, error, _)| (share, error)).collect();
        if measured {
            chart.draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)))?;
        }
        let (size, style) = marker(colour, measured);
        chart.draw_series(line.iter().map(|&point| Circle::new(point, size, style)))?;
        for &(share, error, deviation) in points.iter().filter(|point| point.2 > 0.0) {
            let (low, high) = (error - deviation, error + deviation);
            let across = |at: f64| vec![(share - WHISKER, at), (share + WHISKER, at)];
            let strokes = [vec![(share, low), (share, high)], across(low), across(high)];
            chart.draw_series(strokes.map(|stroke| PathElement::new(stroke, colour.stroke_width(1))))?;
        }
    }
    draw_legend(&legend, curves)
}

/// Size and style of a curve's points: filled ones were measured.
fn marker(colour: RGBColor, measured: bool) -> (i32, ShapeStyle) {
    if measured { (3, colour.filled()) } else { (4, colour.stroke_width(1)) }
}

/// Names the curves beside them, where the legend hides none.
fn draw_legend(area: &Area<'_>, curves: &[Curve]) -> Drawn<()> {
    let style = (FONT, LABEL_SIZE).into_text_style(area).pos(Pos::new(HPos::Left, VPos::Center));
    for (line, curve) in (2..).zip(curves) {
        let y = LEGEND_LINE * line;
        if curve.measured {
            let sample = [(0, y), (LEGEND_SAMPLE, y)];
            area.draw(&PathElement::new(sample, curve.colour.stroke_width(2)))?;
        }
        let (size, filling) = marker(curve.colour, curve.measured);
        area.draw(&Circle::new((LEGEND_SAMPLE / 2, y), size, filling))?;
        area.draw(&Text::new(curve.label.clone(), (LEGEND_SAMPLE + TEXT_GAP, y), style.clone()))?;
    }
    Ok(())
}

/// A number of an axis with up to four decimals.
fn number(value: f64) -> String {
    let size = value.abs();
    if size > SHORTEST_AXIS && !(1e-3..1e5).contains(&size) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::example::{labels, models};

    fn picture(view: &View, kind: FigureKind) -> String {
        let svg = svg(view, kind).expect("memory takes it");
        assert!(svg.trim_end().ends_with("</svg>"));
        svg
    }

    #[test]
    fn bars_name_every_model_and_mark_what_is_published() {
        let svg = picture(&models(), FigureKind::Bars);
        for text in
            ["Two tasks | test", "fresh", "MMPT (published)", "coGN (published)", "48.96 ± 9.50", "38.21"]
        {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}: {svg}");
        }
        assert_eq!(svg.matches("\nMAE [").count(), 2, "a panel for each task");
        let filled = |colour: &str| svg.matches(&format!("fill=\"{colour}\"")).count();
        assert_eq!((filled("#1F59A3"), filled("#A5A5A5")), (3, 4));
        assert_eq!(svg, picture(&models(), FigureKind::Bars), "the same bytes again");
    }

    #[test]
    fn curves_have_a_legend() {
        let svg = picture(&labels(), FigureKind::Curves);
        for text in ["fresh", "MMPT", "other (published)", "share of the training crystals [%]"] {
            assert_eq!(svg.matches(&format!("\n{text}\n")).count(), 1, "{text}: {svg}");
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
