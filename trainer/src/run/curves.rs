//! The losses of a run as a picture: one panel a term, over the optimiser's steps.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;
use schemas::text;

use super::error::RunError;
use super::metrics::{Losses, Record};
use crate::atomic;

/// Name of the weighted sum, whose panel comes first.
pub const TOTAL: &str = "loss";

/// How the pictures begin, by which they are known.
pub(super) const BEGINNING: &str = "<svg id=\"mmpt-losses\" ";
/// How the drawing library begins them.
const LIBRARY_BEGINNING: &str = "<svg ";

/// Width and height of a panel, in pixels.
const PANEL: (u32, u32) = (460, 280);
/// Panels side by side.
const COLUMNS: usize = 2;
/// A term whose largest value is at least so many times its smallest one gets a logarithmic axis.
const LOG_RATIO: f64 = 10.0;
/// Steps are averaged in groups so that no more points than this are drawn in a panel.
const MOST_POINTS: usize = 400;
/// Larger values are not drawn: a diverged run should not flatten all that came before, and axes need
/// ratios that are finite.
const LARGEST_DRAWN: f64 = 1e30;
/// Smallest value of a logarithmic axis.
const SMALLEST_LOG: f64 = 1e-30;
/// Share of the range that stays free above and below the curves.
const HEADROOM: f64 = 0.05;
const FONT: &str = "sans-serif";
const CAPTION_SIZE: u32 = 15;
const LABEL_SIZE: u32 = 12;
const STEP_COLOUR: RGBColor = RGBColor(170, 190, 215);
const TRAIN_COLOUR: RGBColor = RGBColor(31, 89, 163);
const VALIDATION_COLOUR: RGBColor = RGBColor(204, 85, 0);
const CONSTANT_COLOUR: RGBColor = RGBColor(110, 110, 110);

/// A curve: step and loss.
type Points = Vec<(f64, f64)>;

/// What a panel shows.
#[derive(Debug, Default, PartialEq)]
struct Panel {
    steps: Points,
    train: Points,
    validation: Points,
    constant: Option<f64>,
}

/// Draws the records of a run; the file is replaced as a whole. The same records give the same bytes.
///
/// `constants` are the losses of a predictor that always says the same, by term: dashed lines.
/// Values that are not finite, or beyond 10³⁰, are left out. Without any records the picture is empty.
///
/// # Errors
/// [`RunError::Curves`] or [`RunError::Io`].
pub fn write(path: &Path, records: &[Record], constants: &Losses) -> Result<(), RunError> {
    let svg = draw(&panels(records, constants))
        .map_err(|error| RunError::Curves { path: path.to_owned(), reason: error.to_string() })?;
    atomic::write(path, |out| out.write_all(text::page(&svg).as_bytes())).map_err(RunError::io("write", path))
}

/// The curves of every term, the sum first, then by name.
fn panels(records: &[Record], constants: &Losses) -> Vec<(String, Panel)> {
    let mut panels: BTreeMap<&str, Panel> = BTreeMap::new();
    for record in records {
        match record {
            Record::Step(record) => {
                extend(&mut panels, record.step, &record.losses, |panel| &mut panel.steps)
            }
            Record::Epoch(record) => {
                extend(&mut panels, record.step, &record.train, |panel| &mut panel.train);
                if let Some(losses) = &record.validation {
                    extend(&mut panels, record.step, losses, |panel| &mut panel.validation);
                }
            }
        }
    }
    for (name, panel) in &mut panels {
        panel.steps = average(std::mem::take(&mut panel.steps));
        panel.constant = constants.get(*name).copied().filter(|&value| drawn(value));
    }
    let first = panels.remove_entry(TOTAL);
    first.into_iter().chain(panels).map(|(name, panel)| (name.to_owned(), panel)).collect()
}

/// Whether a value can be drawn.
fn drawn(loss: f64) -> bool {
    loss.abs() <= LARGEST_DRAWN
}

/// Appends the losses of a record to one curve of their panels.
fn extend<'a>(
    panels: &mut BTreeMap<&'a str, Panel>,
    step: u64,
    losses: &'a Losses,
    curve: fn(&mut Panel) -> &mut Points,
) {
    for (name, &loss) in losses {
        let panel = panels.entry(name).or_default();
        if drawn(loss) {
            curve(panel).push((step as f64, loss));
        }
    }
}

/// Means of groups of neighbouring points.
fn average(points: Points) -> Points {
    let group = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |group: &[(f64, f64)]| {
        let (step, loss) = group.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (step / group.len() as f64, loss / group.len() as f64)
    };
    points.chunks(group).map(mean).collect()
}

/// Errors of the drawing library, all of them of the buffer written to.
type Drawn<T> = Result<T, Box<dyn std::error::Error>>;

/// Draws the panels as SVG text.
fn draw(panels: &[(String, Panel)]) -> Drawn<String> {
    let rows = panels.len().div_ceil(COLUMNS).max(1);
    let size = (PANEL.0 * COLUMNS as u32, PANEL.1 * rows as u32);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        for (index, (area, (name, panel))) in
            root.split_evenly((rows, COLUMNS)).iter().zip(panels).enumerate()
        {
            draw_panel(area, name, panel, index == 0)?;
        }
        root.present()?;
    }
    Ok(svg.replacen(LIBRARY_BEGINNING, BEGINNING, 1))
}

/// Draws one panel with the axis that suits its values.
fn draw_panel<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    name: &str,
    panel: &Panel,
    legend: bool,
) -> Drawn<()> {
    let curves = [&panel.steps, &panel.train, &panel.validation];
    let losses = || curves.iter().flat_map(|curve| curve.iter().map(|point| point.1)).chain(panel.constant);
    let lowest = losses().fold(f64::INFINITY, f64::min);
    let highest = losses().fold(f64::NEG_INFINITY, f64::max);
    if lowest > highest {
        return Ok(());
    }
    let steps = curves.iter().flat_map(|curve| curve.iter().map(|point| point.0));
    let last = steps.fold(1.0, f64::max);
    if lowest >= SMALLEST_LOG && highest / lowest >= LOG_RATIO {
        let factor = (highest / lowest).powf(HEADROOM);
        let axis = (lowest / factor..highest * factor).log_scale();
        draw_chart(area, name, panel, legend, last, axis)
    } else {
        // Equal values, zero among them, still need an axis of some length.
        let room = ((highest - lowest) * HEADROOM).max(highest.abs() * 1e-3).max(1e-9);
        draw_chart(area, name, panel, legend, last, lowest - room..highest + room)
    }
}

/// Draws the curves of a panel; the legend, the same for all, hides a part of them and so is in one
/// alone.
fn draw_chart<'a, Y, A>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    name: &str,
    panel: &Panel,
    legend: bool,
    last: f64,
    axis: A,
) -> Drawn<()>
where
    A: AsRangedCoord<CoordDescType = Y, Value = f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(caption(name, panel), (FONT, CAPTION_SIZE))
        .margin(8)
        .margin_right(24)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..last, axis)?;
    chart
        .configure_mesh()
        .x_desc("optimiser step")
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|loss| label(*loss))
        .label_style((FONT, LABEL_SIZE))
        .light_line_style(WHITE)
        .draw()?;
    if let Some(constant) = panel.constant {
        let ends = [(0.0, constant), (last, constant)];
        chart.draw_series(DashedLineSeries::new(ends, 6, 4, CONSTANT_COLOUR.stroke_width(1)))?;
    }
    for (points, colour, width, what) in [
        (&panel.steps, STEP_COLOUR, 1, "steps"),
        (&panel.train, TRAIN_COLOUR, 2, "epochs, training"),
        (&panel.validation, VALIDATION_COLOUR, 2, "epochs, validation"),
    ] {
        if points.is_empty() {
            continue;
        }
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(width)))?
            .label(what)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        if width > 1 {
            chart.draw_series(points.iter().map(|&point| Circle::new(point, 2, colour.filled())))?;
        }
    }
    if legend {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .label_font((FONT, LABEL_SIZE))
            .background_style(WHITE.mix(0.8))
            .draw()?;
    }
    Ok(())
}

/// The name of a term with its last values and that of the dashed line, the constant predictor's.
fn caption(name: &str, panel: &Panel) -> String {
    let last = |points: &Points, what: &str| points.last().map(|point| format!("{what} {}", label(point.1)));
    let train = last(&panel.train, "training").or_else(|| last(&panel.steps, "steps"));
    let constant = panel.constant.map(|constant| format!("constant {}", label(constant)));
    let values: Vec<String> =
        [train, last(&panel.validation, "validation"), constant].into_iter().flatten().collect();
    if values.is_empty() { name.to_owned() } else { format!("{name}: {}", values.join(", ")) }
}

/// A loss with up to four decimals.
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

    fn step(step: u64, losses: Losses) -> Record {
        Record::Step(StepRecord {
            step,
            epoch: 1,
            crystals: 64,
            losses,
            learning_rate: 1e-5,
            gradient_norm: 1.0,
            cost: Cost::default(),
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

    fn picture(records: &[Record], constants: &Losses) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("curves.svg");
        write(&path, records, constants).expect("it is writable");
        std::fs::read_to_string(&path).expect("it is text")
    }

    #[test]
    fn every_term_has_a_panel_and_the_sum_comes_first() {
        let svg = picture(&run(), &BTreeMap::from([("atom".to_owned(), 3.845)]));
        let (sum, atom) = (svg.find("\nloss: training 3, validation 3.1667"), svg.find("\natom: training"));
        assert!(sum.is_some() && sum < atom, "{svg}");
        assert_eq!(svg.matches("\noptimiser step").count(), 2);
        assert!(svg.contains("\natom: training 1.5, validation 1.5833, constant 3.845\n"), "{svg}");
        assert_eq!(svg.matches("\nepochs, validation").count(), 1, "one legend");
        assert!(svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn the_same_records_give_the_same_bytes() {
        assert_eq!(picture(&run(), &Losses::new()), picture(&run(), &Losses::new()));
    }

    #[test]
    fn odd_values_do_no_harm() {
        let constant: Vec<Record> = (1..5).map(|number| step(number, losses(0.0))).collect();
        assert!(picture(&constant, &Losses::new()).contains("loss: steps 0\n"));
        let broken = [step(1, losses(f64::NAN)), step(2, losses(f64::INFINITY))];
        assert!(picture(&broken, &Losses::new()).contains("</svg>"));
        assert!(picture(&[], &losses(1.0)).contains("</svg>"));
        for (left, right) in [(1e300, 1e-300), (1e30, 1e-30), (1e30, -1e30), (1e-300, 2e-300), (-1e-9, 1e-30)]
        {
            let extreme = [step(1, losses(left)), step(2, losses(right)), step(1 << 60, losses(left))];
            assert!(picture(&extreme, &losses(right)).contains("</svg>"), "{left} {right}");
        }
    }

    #[test]
    fn names_are_escaped() {
        let svg = picture(&[step(1, BTreeMap::from([("<&>".to_owned(), 1.0)]))], &Losses::new());
        assert!(svg.contains("&lt;&amp;&gt;"), "{svg}");
    }

    #[test]
    fn many_steps_become_few_points() {
        let records: Vec<Record> = (1..=10_001).map(|number| step(number, losses(1.0))).collect();
        let panels = panels(&records, &Losses::new());
        let points = &panels[0].1.steps;
        assert_eq!(points.len(), 10_001_usize.div_ceil(26));
        assert_eq!(points[0], (13.5, 1.0));
    }
}
