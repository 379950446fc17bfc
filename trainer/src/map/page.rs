//! The page of a map: HTML with an SVG, without external resources.

use std::path::Path;

use etl::chart::{Axis, Plot, circle, rectangle};
use etl::page::{self, tile};
use maud::{Markup, html};
use schemas::text;

use super::classes::{CLASS_STYLES, Classes, OTHER};
use super::colouring::{Colouring, SCALE_STYLES};
use super::scale::Scale;
use crate::report::number::{Format, grouped};
use crate::unit;

/// Generator in the metadata of the page.
const GENERATOR: &str = "trainer map";
/// Style sheet of the page, in addition to that of all pages.
const STYLE: &str = include_str!("style.css");
/// Size of the drawing, in the units of its view box.
const SIZE: (f64, f64) = (1060.0, 720.0);
/// Margins for the labels: left, above, right, below.
const MARGINS: [f64; 4] = [66.0, 14.0, 16.0, 48.0];
/// Distance of the left axis's name from the axis.
const NAME_DISTANCE: f64 = 48.0;
/// Radius of a point where there are few, and where there are many.
const RADIUS: f64 = 3.4;
const SMALL_RADIUS: f64 = 2.0;
/// Number of points from which on they are small.
const MANY: usize = 2000;
/// Maximum number of points, so that the page of a large store opens quickly.
const MOST_POINTS: usize = 10_000;
/// Approximate numbers of ticks of the axes.
const TICKS: (f64, f64) = (9.0, 7.0);
/// Free share of the range at both ends.
const HEADROOM: f64 = 0.03;
/// Style class of crystals without a value.
const WITHOUT: &str = "none";

/// What a map shows.
pub(super) struct Drawing<'a> {
    pub(super) material_ids: &'a [Box<str>],
    pub(super) formulas: &'a [Box<str>],
    /// Positions along the two axes, `[len]`.
    pub(super) places: Vec<(f64, f64)>,
    /// Share of the variance along each axis.
    pub(super) shares: [f64; 2],
    /// Column and unit of the property that colours.
    pub(super) property: Option<(&'a str, &'a str)>,
    /// Its values with their colours.
    pub(super) colouring: Option<Colouring>,
    /// Number of numbers of an embedding that vary, of how many.
    pub(super) varying: usize,
    pub(super) width: usize,
    /// Column of the vector.
    pub(super) vector: &'a str,
    /// Where the embeddings come from, by names.
    pub(super) origin: Vec<(&'static str, String)>,
}

/// Whether a file begins like this page.
pub(super) fn is_own(path: &Path) -> bool {
    page::is_page(path, GENERATOR)
}

/// Returns the page.
pub(super) fn page(drawing: &Drawing<'_>) -> Markup {
    let main = html! {
        section {
            figure {
                figcaption { (caption(drawing)) }
                (plot(drawing))
                (legend(drawing))
            }
        }
        section {
            h2 { "What is drawn" }
            p {
                "A point is a crystal, placed by its embedding " code { (drawing.vector) } ". Its " (drawing.width)
                " numbers were divided by their standard deviations over these crystals"
                @if drawing.varying < drawing.width {
                    "; the " (drawing.width - drawing.varying) " that do not vary were left out"
                }
                ". The axes are the two directions of the largest variance (principal components), on one scale: "
                (percent(drawing.shares[0] + drawing.shares[1]))
                " of the variance lies in the map, the rest across it, so that crystals that are far apart here are far apart, "
                "but those that are near each other here need not be. Crystals drawn at random are 1.4 apart."
            }
            table class="settings" {
                tbody { @for (name, value) in &drawing.origin { tr { td { (name) } td { (text::line(value)) } } } }
            }
        }
    };
    let header = html! {
        h1 { "Map of embeddings" }
        div class="tiles" {
            (tile(&grouped(drawing.places.len()), "crystals"))
            @if let (Some((column, _)), Some(colouring)) = (drawing.property, &drawing.colouring) {
                (tile(&grouped(colouring.coloured()), &format!("have {}", text::line(column))))
            }
            (tile(&percent(drawing.shares[0]), "of the variance along the first axis"))
            (tile(&percent(drawing.shares[1]), "along the second"))
        }
    };
    page::page(GENERATOR, "Map of embeddings", STYLE, &header, &main)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn caption(drawing: &Drawing<'_>) -> String {
    match drawing.property {
        None => "Crystals by their embeddings".to_owned(),
        Some((column, unit)) => {
            format!(
                "Crystals by their embeddings, coloured by {}{}",
                text::line(column),
                unit::shown(", ", unit, "")
            )
        }
    }
}

/// Returns plots of one scale on both axes that hold all points.
fn frame(places: &[(f64, f64)]) -> Plot {
    let extent = |of: fn(&(f64, f64)) -> f64| {
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        places.iter().map(of).fold((low, high), |(low, high), value| (low.min(value), high.max(value)))
    };
    let ((left, right), (bottom, top)) = (extent(|place| place.0), extent(|place| place.1));
    let [before, above, behind, below] = MARGINS;
    let (width, height) = (SIZE.0 - before - behind, SIZE.1 - above - below);
    let room = 1.0 + 2.0 * HEADROOM;
    // One unit is as long on both axes, and at least a point has a place.
    let unit = (room * (right - left) / width).max(room * (top - bottom) / height).max(f64::MIN_POSITIVE);
    let axis = |low: f64, high: f64, length: f64| {
        let (middle, half) = (f64::midpoint(low, high), unit * length / 2.0);
        Axis::new(middle - half, middle + half)
    };
    Plot::new((0.0, 0.0), SIZE, MARGINS, axis(left, right, width), axis(bottom, top, height))
}

/// Draws the points, those of each colour together, the ones without a value or a colour of its own below all others.
fn plot(drawing: &Drawing<'_>) -> Markup {
    let plot = frame(&drawing.places);
    let count = drawing.places.len();
    let stride = count.div_ceil(MOST_POINTS).max(1);
    let radius = if count > MANY { SMALL_RADIUS } else { RADIUS };
    let colouring = drawing.colouring.as_ref();
    let style = |row: usize| {
        colouring.and_then(|colouring| colouring.style(row)).unwrap_or_else(|| no_value(drawing))
    };
    let drawn: Vec<(&str, usize)> = (0..count).step_by(stride).map(|row| (style(row), row)).collect();
    let unit = drawing.property.map_or(unit::PURE, |(_, unit)| unit);
    let title = |row: usize| {
        let (identifier, formula) = (text::line(&drawing.material_ids[row]), &drawing.formulas[row]);
        match colouring.and_then(|colouring| colouring.shown(row, unit)) {
            Some(value) => format!("{identifier}, {formula}: {}", text::line(&value)),
            None => format!("{identifier}, {formula}"),
        }
    };
    let point = |row: usize| circle("", plot.at(drawing.places[row]), radius, &title(row));
    let styles = [no_value(drawing), OTHER].into_iter().chain(SCALE_STYLES).chain(CLASS_STYLES);
    html! {
        svg class="chart" viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) role="img" aria-label=(caption(drawing)) {
            (plot.x_axis(&plot.x.ticks(TICKS.0), &format!("first principal component, {} of the variance", percent(drawing.shares[0])), true))
            (plot.y_axis(&plot.y.ticks(TICKS.1)))
            (plot.y_name(&format!("second principal component, {} of the variance", percent(drawing.shares[1])), NAME_DISTANCE))
            (rectangle("box", (plot.left, plot.top), (plot.right - plot.left, plot.bottom - plot.top), ""))
            @for style in styles {
                @if drawn.iter().any(|(of, _)| *of == style) {
                    g class=(format!("points {style}")) {
                        @for (_, row) in drawn.iter().filter(|(of, _)| *of == style) { (point(*row)) }
                    }
                }
            }
        }
    }
}

/// Returns the style class of points without a value.
fn no_value(drawing: &Drawing<'_>) -> &'static str {
    if drawing.property.is_some() { WITHOUT } else { "plain" }
}

/// Returns what the colours mean.
fn legend(drawing: &Drawing<'_>) -> Markup {
    let count = drawing.places.len();
    let stride = count.div_ceil(MOST_POINTS).max(1);
    let without = drawing.colouring.as_ref().map_or(0, Colouring::without);
    let colours = match &drawing.colouring {
        Some(Colouring::Numbers { scale: Some(scale), .. }) => scale_legend(drawing, *scale),
        Some(Colouring::Texts(classes)) => class_legend(classes),
        _ => html! {},
    };
    html! {
        p class="legend" {
            (colours)
            @if without > 0 { span class="dots" { i class=(WITHOUT) {} (grouped(without)) " without a value" } }
            @if stride > 1 { span { "one of " (stride) " crystals is drawn" } }
        }
    }
}

/// Returns the colours of a scale with the values at its ends.
fn scale_legend(drawing: &Drawing<'_>, scale: Scale) -> Markup {
    let format = Format::of(scale.low.abs().max(scale.high.abs()));
    html! {
        span class="scale" {
            (format.write(scale.low)) " "
            @for style in SCALE_STYLES { i class=(style) {} }
            " " (format.write(scale.high))
            @if let Some((_, unit)) = drawing.property { (unit::shown(" ", unit, "")) }
        }
        span { "the ends are the 1st and the 99th percentile; beyond them the colour stays" }
    }
}

/// Returns the colours of texts with their numbers of crystals.
fn class_legend(classes: &Classes) -> Markup {
    html! {
        @for ((name, count), style) in classes.coloured.iter().zip(CLASS_STYLES) {
            span class="dots" { i class=(style) {} (text::line(name)) " (" (grouped(*count)) ")" }
        }
        @if classes.other_texts > 0 {
            span class="dots" {
                i class=(OTHER) {} "other: " (grouped(classes.other_texts)) " rarer ("
                (grouped(classes.other_crystals)) ")"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::catalogue::Value;

    fn drawing(count: usize, values: Option<Vec<Option<f64>>>) -> Markup {
        let value = |value: Option<f64>| value.map(Value::Number);
        coloured(count, values.map(|values| values.into_iter().map(value).collect()))
    }

    fn coloured(count: usize, values: Option<Vec<Option<Value>>>) -> Markup {
        let material_ids: Vec<Box<str>> = (0..count).map(|row| format!("id<{row}>").into()).collect();
        let formulas: Vec<Box<str>> = vec!["NaCl".into(); count];
        page(&Drawing {
            material_ids: &material_ids,
            formulas: &formulas,
            places: (0..count).map(|row| (row as f64, (row % 7) as f64)).collect(),
            shares: [0.5, 0.25],
            property: values.is_some().then_some(("band_gap_ev", "eV")),
            colouring: values.as_deref().map(Colouring::of),
            varying: 3,
            width: 4,
            vector: "h_s_mean",
            origin: vec![("weights", "a<b".to_owned())],
        })
    }

    #[test]
    fn every_crystal_is_a_point_with_its_name() {
        let text = drawing(3, Some(vec![Some(0.0), None, Some(2.0)])).into_string();
        assert!(text.starts_with(
            "<!DOCTYPE html><html lang=\"en\"><head><meta name=\"generator\" content=\"trainer map\">"
        ));
        assert_eq!(text.matches("<circle").count(), 3);
        for part in [
            "<title>id&lt;0&gt;, NaCl: 0.000 eV</title>",
            "<g class=\"points c0\">",
            "<g class=\"points none\">",
            "<g class=\"points c8\">",
            "1 without a value",
            "75.0 %",
            "a&lt;b",
            "the 1 that do not vary",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("http://") && !text.contains("https://"), "nothing is loaded");
    }

    #[test]
    fn texts_are_classes_with_their_numbers() {
        let text = |name: String| Some(Value::Text(name.into()));
        let mut values: Vec<Option<Value>> = (0..11).map(|row| text(format!("class {row:02}"))).collect();
        values.extend([text("oxide <a>".to_owned()), text("oxide <a>".to_owned()), None]);
        let page = coloured(values.len(), Some(values)).into_string();
        for part in [
            "<g class=\"points k0\">",
            "<g class=\"points k7\">",
            "<g class=\"points other\">",
            "<g class=\"points none\">",
            "<title>id&lt;11&gt;, NaCl: oxide &lt;a&gt;</title>",
            "<i class=\"k0\"></i>oxide &lt;a&gt; (2)",
            "<i class=\"k7\"></i>class 06 (1)",
            "<i class=\"other\"></i>other: 4 rarer (4)",
            "1 without a value",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("percentile") && !page.contains("points c0"), "no scale: {page}");
    }

    #[test]
    fn crystals_without_a_property_have_one_colour() {
        let text = drawing(2, None).into_string();
        assert!(text.contains("<g class=\"points plain\">") && !text.contains("without a value"), "{text}");
    }

    #[test]
    fn one_crystal_and_many_can_be_drawn() {
        for (count, points) in [(1, 1), (30_000, MOST_POINTS)] {
            let text = drawing(count, None).into_string();
            assert_eq!(text.matches("<circle").count(), points);
            assert!(!text.contains("NaN") && !text.contains("inf\""), "{count}");
        }
    }
}
