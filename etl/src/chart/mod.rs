//! Charts in SVG.
//!
//! Shapes have CSS classes and get their colours from a style sheet: that of the page that contains them, or the one
//! that [`picture`] puts into a file. Coordinates are in units of the view box and increase to the right and
//! downwards.

mod axis;
mod periodic_table;
mod shade;

use maud::{Markup, PreEscaped, Render, html};

pub use axis::{Axis, SHORTEST, Ticks, drawable, label, round_step, signed};
pub use periodic_table::{ElementCell, ShadeLegend, periodic_table};
pub use shade::{STYLE as SHADES, least_of_scale, shade, step_of_count, step_of_share};

/// Style of charts in files of their own. The colours are those of Okabe and Ito, which most readers with colour
/// vision deficiency can distinguish.
const PICTURE_STYLE: &str = include_str!("picture.css");

/// Number of colours of curves and points, the classes `f0` to `f5`.
const COLOURS: usize = 6;

/// Returns the class of a curve's colour. The colours repeat after the last one.
pub fn colour(curve: usize) -> String {
    format!("f{}", curve % COLOURS)
}

/// Returns a chart as an SVG file that begins with `<svg id="` and its `id`.
pub fn picture(id: &str, (width, height): (f64, f64), body: &Markup) -> String {
    let picture = html! {
        svg id=(id) xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox=(format!("0 0 {width} {height}")) {
            style { (PreEscaped(PICTURE_STYLE)) }
            (rectangle("page", (0.0, 0.0), (width, height), ""))
            (body)
        }
    };
    picture.into_string() + "\n"
}

/// Formats a coordinate or length with two decimals.
pub fn length(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns a straight line.
pub fn line(class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> Markup {
    html! { line class=(class) x1=(length(x1)) y1=(length(y1)) x2=(length(x2)) y2=(length(y2)) {} }
}

/// Returns a text. The classes `middle` and `end` set which part of it is at the point; otherwise it is the start.
pub fn text(class: &str, (x, y): (f64, f64), content: impl Render) -> Markup {
    html! { text class=(class) x=(length(x)) y=(length(y)) { (content) } }
}

/// Returns a circle. The class and the tooltip are left out if they are empty.
pub fn circle(class: &str, (x, y): (f64, f64), radius: f64, title: &str) -> Markup {
    html! { circle class=[(!class.is_empty()).then_some(class)] cx=(length(x)) cy=(length(y)) r=(radius) { (tooltip(title)) } }
}

/// Returns a rectangle, given its upper left corner. The class and the tooltip are left out if they are empty.
pub fn rectangle(class: &str, (x, y): (f64, f64), (width, height): (f64, f64), title: &str) -> Markup {
    html! {
        rect class=[(!class.is_empty()).then_some(class)] x=(length(x)) y=(length(y)) width=(length(width)) height=(length(height)) {
            (tooltip(title))
        }
    }
}

fn tooltip(title: &str) -> Markup {
    html! { @if !title.is_empty() { title { (title) } } }
}

/// The rectangle of a plot with its two axes.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
    /// The horizontal axis, from left to right.
    pub x: Axis,
    /// The vertical axis, from bottom to top.
    pub y: Axis,
}

impl Plot {
    /// Creates a plot within the margins (left, top, right, bottom) of a chart.
    pub const fn new(
        (left, top): (f64, f64),
        (width, height): (f64, f64),
        margins: [f64; 4],
        x: Axis,
        y: Axis,
    ) -> Self {
        let [before, above, behind, below] = margins;
        let (right, bottom) = (left + width - behind, top + height - below);
        Self { left: left + before, top: top + above, right, bottom, x, y }
    }

    /// Returns the name of the plot, placed above it.
    pub fn caption(&self, name: &str) -> Markup {
        text("caption middle", ((self.left + self.right) / 2.0, self.top - 14.0), name)
    }

    /// Returns the coordinates of a data point. A point beyond the range of an axis is placed at the edge.
    pub fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (x, y) = (self.x.share(x).clamp(0.0, 1.0), self.y.share(y).clamp(0.0, 1.0));
        (self.left + (self.right - self.left) * x, self.bottom - (self.bottom - self.top) * y)
    }

    /// Returns the horizontal axis with its ticks and name. With `grid`, lines cross the plot at the ticks.
    pub fn x_axis(&self, ticks: &Ticks, name: &str, grid: bool) -> Markup {
        html! {
            @for (value, label) in ticks {
                @let (x, _) = self.at((*value, 0.0));
                @if grid { (line("grid", (x, self.top), (x, self.bottom))) }
                (line("axis", (x, self.bottom), (x, self.bottom + 4.0)))
                (text("tick middle", (x, self.bottom + 16.0), label))
            }
            (line("axis", (self.left, self.bottom), (self.right, self.bottom)))
            (text("label middle", ((self.left + self.right) / 2.0, self.bottom + 34.0), name))
        }
    }

    /// Returns the ticks of the vertical axis with lines across the plot, without a name.
    pub fn y_axis(&self, ticks: &Ticks) -> Markup {
        html! {
            @for (value, label) in ticks {
                @let (_, y) = self.at((0.0, *value));
                (line("grid", (self.left, y), (self.right, y)))
                (text("tick end", (self.left - 6.0, y + 4.0), label))
            }
        }
    }

    /// Returns the name of the vertical axis, rotated. `distance` is from the axis to the baseline.
    pub fn y_name(&self, name: &str, distance: f64) -> Markup {
        let (x, y) = (length(self.left - distance), length((self.top + self.bottom) / 2.0));
        html! { text class="label middle" x=(x) y=(y) transform=(format!("rotate(-90 {x} {y})")) { (name) } }
    }

    /// Returns straight lines that connect the data points in order.
    pub fn curve(&self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Markup {
        let points = points.into_iter().map(|point| self.at(point));
        let points: Vec<String> = points.map(|(x, y)| format!("{},{}", length(x), length(y))).collect();
        html! { polyline class=(class) points=(points.join(" ")) {} }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLOT: Plot = Plot::new(
        (4.0, 5.0),
        (110.0, 75.0),
        [6.0, 15.0, 4.0, 10.0],
        Axis::new(-1.0, 3.0),
        Axis::new(0.0, 1.0),
    );

    #[test]
    fn points_lie_between_the_edges() {
        assert_eq!(PLOT.at((-1.0, 0.0)), (10.0, 70.0));
        assert_eq!(PLOT.at((3.0, 1.0)), (110.0, 20.0));
        assert_eq!(PLOT.at((1.0, 0.5)), (60.0, 45.0));
        assert_eq!(PLOT.at((1e60, -1e60)), (110.0, 70.0), "beyond both axes");
        let curve = PLOT.curve("f0", [(-1.0, 0.0), (1.0, 0.005)]).into_string();
        assert_eq!(curve, r#"<polyline class="f0" points="10,70 60,69.75"></polyline>"#);
    }

    #[test]
    fn ticks_have_labels_and_the_axis_a_name() {
        let axis = PLOT.x_axis(&PLOT.x.ticks(4.0), "a & b", true).into_string();
        assert_eq!(axis.matches("class=\"grid\"").count(), 5, "{axis}");
        assert!(axis.contains(">\u{2212}1</text>") && axis.contains(">a &amp; b</text>"), "{axis}");
    }

    #[test]
    fn a_picture_brings_its_style_and_is_known_by_its_id() {
        let picture = picture("some-chart", (4.0, 3.0), &circle("f0", (1.0, 2.0), 0.5, "<here>"));
        assert!(picture.starts_with("<svg id=\"some-chart\" "), "{picture}");
        assert!(picture.contains("viewBox=\"0 0 4 3\"") && picture.contains(".f0 { stroke:"), "{picture}");
        assert!(picture.contains("@media (prefers-color-scheme: dark)"), "{picture}");
        assert!(picture.ends_with("<title>&lt;here&gt;</title></circle></svg>\n"), "{picture}");
    }
}
