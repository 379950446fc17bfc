//! Loss curves of a run as SVG, with one panel per term over the optimiser steps.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use etl::chart::{self, Axis, Plot, circle, drawable, rectangle};
use maud::{Markup, html};
use schemas::text;

use super::error::RunError;
use super::metrics::{Losses, Record};
use super::step::TOTAL;
use crate::{atomic, unit};

/// Identifier of the SVG element.
const ID: &str = "mmpt-losses";
/// Beginning of every file.
pub(super) const BEGINNING: &str = "<svg id=\"mmpt-losses\" ";

/// Width and height of a panel, in pixels.
const PANEL: (f64, f64) = (460.0, 300.0);
/// Number of panels side by side.
const COLUMNS: usize = 2;
/// Space around the plot of a panel, in pixels: left, above, right, below.
const MARGINS: [f64; 4] = [64.0, 54.0, 24.0, 44.0];
/// Height of the values' baseline above the plot, in pixels. The title is above them.
const VALUES_HEIGHT: f64 = 12.0;
const TITLE_HEIGHT: f64 = 32.0;
/// Line height of the legend, its width, and the length of its samples, in pixels.
const LEGEND_LINE: f64 = 18.0;
const LEGEND_WIDTH: f64 = 150.0;
const LEGEND_SAMPLE: f64 = 16.0;
/// Radius of a point, in pixels.
const RADIUS: f64 = 2.0;
/// Approximate number of ticks of an axis.
const TICKS: f64 = 6.0;
/// A term whose largest value is at least this many times its smallest one gets a logarithmic axis.
const LOG_RATIO: f64 = 10.0;
/// Maximum number of points per curve. Beyond it, groups of steps are averaged.
const MOST_POINTS: usize = 400;
/// Smallest value of a logarithmic axis.
const SMALLEST_LOG: f64 = 1e-30;
/// Share of the range that stays free above and below the curves.
const HEADROOM: f64 = 0.05;
/// Points of a curve: step and loss.
type Points = Vec<(f64, f64)>;

/// Content of a panel.
#[derive(Debug, Default, PartialEq)]
struct Panel {
    title: String,
    steps: Points,
    train: Points,
    validation: Points,
    constant: Option<f64>,
}

/// Draws the records of a run and replaces the file atomically. The same records give the same bytes.
///
/// `constants` are the losses of the constant predictor by term, drawn as dashed lines, `titles` say what the losses are,
/// and `unit` is that of the weighted sum, `1` for none. Values that are not finite, or beyond 10³⁰, are left out. Without
/// records the picture is empty. Memory grows by 16 bytes for every loss of a record.
///
/// # Errors
/// [`RunError::Io`], and the errors of the records.
pub fn write(
    path: &Path,
    records: impl IntoIterator<Item = Result<Record, RunError>>,
    constants: &Losses,
    titles: &BTreeMap<&'static str, String>,
    unit: &str,
) -> Result<(), RunError> {
    let mut panels = panels(records, constants)?;
    for (name, panel) in &mut panels {
        panel.title = titles.get(name.as_str()).unwrap_or(name).clone();
        if name == TOTAL {
            panel.title.push_str(&unit::shown(", ", unit, ""));
        }
    }
    let panels: Vec<Panel> = panels.into_iter().map(|(_, panel)| panel).collect();
    let svg = draw(&panels);
    atomic::write(path, |out| out.write_all(text::page(&svg).as_bytes())).map_err(RunError::io("write", path))
}

/// Returns the curves of every term: the sum first, then by name.
fn panels(
    records: impl IntoIterator<Item = Result<Record, RunError>>,
    constants: &Losses,
) -> Result<Vec<(String, Panel)>, RunError> {
    let mut panels: BTreeMap<String, Panel> = BTreeMap::new();
    for record in records {
        match record? {
            Record::Step(record) => extend(&mut panels, record.step, record.losses, |panel| &mut panel.steps),
            Record::Epoch(record) => {
                extend(&mut panels, record.step, record.train, |panel| &mut panel.train);
                if let Some(losses) = record.validation {
                    extend(&mut panels, record.step, losses, |panel| &mut panel.validation);
                }
            }
        }
    }
    for (name, panel) in &mut panels {
        panel.steps = average(std::mem::take(&mut panel.steps));
        panel.constant = constants.get(name).copied().filter(|&value| drawable(value));
    }
    let first = panels.remove_entry(TOTAL);
    Ok(first.into_iter().chain(panels).collect())
}

/// Appends the losses of a record to one curve of each panel.
fn extend(
    panels: &mut BTreeMap<String, Panel>,
    step: u64,
    losses: Losses,
    curve: fn(&mut Panel) -> &mut Points,
) {
    for (name, loss) in losses {
        let panel = panels.entry(name).or_default();
        if drawable(loss) {
            curve(panel).push((step as f64, loss));
        }
    }
}

/// Averages groups of neighbouring points.
fn average(points: Points) -> Points {
    let group = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |group: &[(f64, f64)]| {
        let (step, loss) = group.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (step / group.len() as f64, loss / group.len() as f64)
    };
    points.chunks(group).map(mean).collect()
}

/// Draws the panels as SVG text.
fn draw(panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(COLUMNS).max(1);
    // The legend of the first panel is that of all.
    let has_constant = panels.iter().any(|panel| panel.constant.is_some());
    let body = html! {
        @for (index, panel) in panels.iter().enumerate() {
            @let corner = (PANEL.0 * (index % COLUMNS) as f64, PANEL.1 * (index / COLUMNS) as f64);
            (draw_panel(corner, panel, (index == 0).then_some(has_constant)))
        }
    };
    chart::picture(ID, (PANEL.0 * COLUMNS as f64, PANEL.1 * rows as f64), &body)
}

/// Draws a panel from its upper left corner. The legend is the same for all panels and hides a part of the curves, so
/// that only one panel has it; `legend` says whether it names the constant predictor.
fn draw_panel(corner: (f64, f64), panel: &Panel, legend: Option<bool>) -> Markup {
    let Panel { title, steps, train, validation, constant } = panel;
    let points = || [steps, train, validation].into_iter().flatten();
    let losses = || points().map(|point| point.1).chain(*constant);
    let lowest = losses().fold(f64::INFINITY, f64::min);
    let highest = losses().fold(f64::NEG_INFINITY, f64::max);
    if lowest > highest {
        return html! {};
    }
    let last = points().map(|point| point.0).fold(1.0, f64::max);
    let plot = Plot::new(corner, PANEL, MARGINS, Axis::new(0.0, last), axis(lowest, highest));
    let middle = (plot.left + plot.right) / 2.0;
    html! {
        (chart::text("caption middle", (middle, plot.top - TITLE_HEIGHT), title))
        (chart::text("values middle", (middle, plot.top - VALUES_HEIGHT), values(panel)))
        (plot.y_axis(&plot.y.ticks(TICKS)))
        (plot.x_axis(&plot.x.whole_ticks(TICKS), "optimiser step", true))
        @if let Some(constant) = *constant { (plot.curve("constant", [(0.0, constant), (last, constant)])) }
        (plot.curve("f5 line thin", steps.iter().copied()))
        @for (class, points) in [("f0", train), ("f1", validation)] {
            (plot.curve(&format!("{class} line"), points.iter().copied()))
            @for point in points { (circle(class, plot.at(*point), RADIUS, "")) }
        }
        @if let Some(has_constant) = legend { (draw_legend(panel, has_constant, (plot.right, plot.top))) }
    }
}

/// Returns the axis for losses in a range.
fn axis(lowest: f64, highest: f64) -> Axis {
    if lowest >= SMALLEST_LOG && highest / lowest >= LOG_RATIO {
        let factor = (highest / lowest).powf(HEADROOM);
        return Axis::logarithmic(lowest / factor, highest * factor);
    }
    Axis::around(lowest, highest, HEADROOM)
}

/// Draws the legend to the left of and below a corner.
fn draw_legend(panel: &Panel, has_constant: bool, (right, top): (f64, f64)) -> Markup {
    let curves = [
        (!panel.steps.is_empty(), "f5 line", "steps"),
        (!panel.train.is_empty(), "f0 line", "epochs, training"),
        (!panel.validation.is_empty(), "f1 line", "epochs, validation"),
        (has_constant, "constant", "constant predictor"),
    ];
    let named: Vec<_> = curves.into_iter().filter(|(is_drawn, ..)| *is_drawn).collect();
    let left = right - LEGEND_WIDTH;
    html! {
        (rectangle("legend", (left, top), (LEGEND_WIDTH, LEGEND_LINE * (named.len() as f64 + 0.5)), ""))
        @for (line, (_, class, name)) in named.into_iter().enumerate() {
            @let y = top + LEGEND_LINE * (line as f64 + 0.75);
            (chart::line(class, (left + 4.0, y), (left + 4.0 + LEGEND_SAMPLE, y)))
            (chart::text("label", (left + LEGEND_SAMPLE + 12.0, y + 4.0), name))
        }
    }
}

/// Returns the last values of a panel and the loss of the constant predictor.
fn values(panel: &Panel) -> String {
    let last = |points: &Points, what: &str| points.last().map(|point| format!("{what} {}", label(point.1)));
    let train = last(&panel.train, "training").or_else(|| last(&panel.steps, "steps"));
    let constant = panel.constant.map(|constant| format!("constant predictor {}", label(constant)));
    let values = [train, last(&panel.validation, "validation"), constant];
    values.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Formats a loss with up to four decimals.
fn label(loss: f64) -> String {
    let size = loss.abs();
    if size != 0.0 && !(1e-3..1e4).contains(&size) {
        return format!("{loss:.2e}");
    }
    format!("{loss:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::metrics::{Cost, EpochRecord, StepRecord};
    use crate::run::seconds::HostSeconds;

    fn step(step: u64, losses: Losses) -> Record {
        Record::Step(StepRecord {
            step,
            epoch: 1,
            crystals: 64,
            losses,
            learning_rate: 1e-5,
            gradient_norm: 1.0,
            cost: Cost::default(),
            host_seconds: HostSeconds::default(),
            uploaded_bytes: 0,
            gpu_busy: None,
        })
    }

    fn epoch(step: u64, train: Losses, validation: Option<Losses>) -> Record {
        let cost = Cost::default();
        Record::Epoch(EpochRecord {
            step,
            epoch: step / 10,
            crystals: 640,
            train,
            validation,
            best: false,
            cost,
        })
    }

    fn losses(loss: f64) -> Losses {
        BTreeMap::from([(TOTAL.to_owned(), loss), ("atom".to_owned(), loss / 2.0)])
    }

    fn run() -> Vec<Record> {
        let mut records = Vec::new();
        for number in 1..=30 {
            records.push(step(number, losses(100.0 / number as f64)));
            if number % 10 == 0 {
                records.push(epoch(number, losses(90.0 / number as f64), Some(losses(95.0 / number as f64))));
            }
        }
        records
    }

    fn titles() -> BTreeMap<&'static str, String> {
        BTreeMap::from([(TOTAL, "Weighted sum of the terms".to_owned())])
    }

    fn picture(records: &[Record], constants: &Losses) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("curves.svg");
        write(&path, records.iter().cloned().map(Ok), constants, &titles(), unit::PURE)
            .expect("it is writable");
        std::fs::read_to_string(&path).expect("it is text")
    }

    #[test]
    fn every_term_has_a_panel_and_the_sum_comes_first() {
        let svg = picture(&run(), &BTreeMap::from([("atom".to_owned(), 3.845)]));
        let (sum, atom) = (svg.find(">Weighted sum of the terms<"), svg.find(">atom<"));
        assert!(sum.is_some() && sum < atom, "{svg}");
        assert!(svg.contains(">training 3, validation 3.1667<"), "{svg}");
        assert_eq!(svg.matches(">optimiser step<").count(), 2);
        assert!(svg.contains(">training 1.5, validation 1.5833, constant predictor 3.845<"), "{svg}");
        assert_eq!(svg.matches(">constant predictor<").count(), 1, "in the legend");
        assert_eq!(svg.matches(">epochs, validation<").count(), 1, "one legend");
        assert!(svg.starts_with(BEGINNING) && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn the_sum_has_its_unit() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("curves.svg");
        write(&path, run().into_iter().map(Ok), &Losses::new(), &titles(), "eV").expect("it is writable");
        let svg = std::fs::read_to_string(&path).expect("it is text");
        assert!(svg.contains(">Weighted sum of the terms, eV<") && svg.contains(">atom<"), "{svg}");
        assert!(!svg.contains("constant predictor"), "there is none: {svg}");
    }

    #[test]
    fn the_same_records_give_the_same_bytes() {
        assert_eq!(picture(&run(), &Losses::new()), picture(&run(), &Losses::new()));
    }

    #[test]
    fn odd_values_do_no_harm() {
        let constant: Vec<Record> = (1..5).map(|number| step(number, losses(0.0))).collect();
        assert!(picture(&constant, &Losses::new()).contains(">steps 0<"));
        let broken = [step(1, losses(f64::NAN)), step(2, losses(f64::INFINITY))];
        assert!(picture(&broken, &Losses::new()).contains("</svg>"));
        assert!(picture(&[], &losses(1.0)).contains("</svg>"));
        for (left, right) in [(1e300, 1e-300), (1e30, 1e-30), (1e30, -1e30), (1e-300, 2e-300), (-1e-9, 1e-30)]
        {
            let extreme = [step(1, losses(left)), step(2, losses(right)), step(1 << 60, losses(left))];
            assert!(picture(&extreme, &losses(right)).contains("</svg>"), "{left} {right}");
            assert!(!picture(&extreme, &losses(right)).contains("NaN"), "{left} {right}");
        }
    }

    #[test]
    fn names_are_escaped() {
        let svg = picture(&[step(1, BTreeMap::from([("<&>".to_owned(), 1.0)]))], &Losses::new());
        assert!(svg.contains("&lt;&amp;&gt;"), "{svg}");
    }

    #[test]
    fn a_run_of_one_step_has_whole_ticks() {
        let svg = picture(&[step(1, losses(1.0))], &Losses::new());
        assert!(
            svg.contains(">0</text>") && svg.contains(">1</text>") && !svg.contains(">0.2</text>"),
            "{svg}"
        );
    }

    #[test]
    fn many_steps_become_few_points() {
        let records: Vec<Record> = (1..=10_001).map(|number| step(number, losses(1.0))).collect();
        let panels = panels(records.into_iter().map(Ok), &Losses::new()).expect("they are records");
        let points = &panels[0].1.steps;
        assert_eq!(points.len(), 10_001_usize.div_ceil(26));
        assert_eq!(points[0], (13.5, 1.0));
    }
}
