//! Progress of a run, or of several one after the other: a bar on a terminal, lines of text elsewhere, or calls of a
//! function.

mod course;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use schemas::text;

use self::course::Course;
pub use self::course::{Extent, Position, Standing};

/// Minimum time between two lines, so that the log of a long run stays short.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Template of the bar, which fits 80 columns.
const TEMPLATE: &str = "{bar:20} {percent:>3} % {msg} ETA {eta}";
/// Template of the bar of several runs. Its message is longer, and the bar takes what that leaves of a line.
const TEMPLATE_OF_SEVERAL: &str = "{wide_bar} {percent:>3} % {msg} ETA {eta}";

/// Reports the progress of runs that follow one another on standard error, or to a function. Times that are left are those
/// of all runs.
#[derive(Debug)]
pub struct Progress {
    course: Course,
    report: Report,
    start: Instant,
}

/// Kind of the report.
#[derive(Debug)]
enum Report {
    Silent,
    Bar(ProgressBar),
    Lines(Lines),
    Watched(Watch),
}

/// A function that is told how far the runs are.
struct Watch(Box<dyn FnMut(Standing)>);

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Watch")
    }
}

impl Progress {
    /// Creates a bar for these runs if standard error is a terminal, otherwise lines; nothing if `quiet`.
    pub fn new(runs: Vec<Extent>, quiet: bool) -> Self {
        let course = Course::new(runs);
        let report = if quiet {
            Report::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(course.total().max(1));
            let template = if course.runs.len() > 1 { TEMPLATE_OF_SEVERAL } else { TEMPLATE };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            Report::Bar(bar)
        } else {
            Report::Lines(Lines::default())
        };
        Self { course, report, start: Instant::now() }
    }

    /// Creates a report that calls a function after every step, and prints nothing.
    pub fn watched(runs: Vec<Extent>, watch: impl FnMut(Standing) + 'static) -> Self {
        let report = Report::Watched(Watch(Box::new(watch)));
        Self { course: Course::new(runs), report, start: Instant::now() }
    }

    /// Moves on to the run of an index and names it, with its number if there are several.
    pub fn announce(&mut self, index: usize, name: &str) {
        self.course.current = index;
        let number = self.course.number().map(|number| format!("{number}: ")).unwrap_or_default();
        self.say(&format!("{number}{name}"));
    }

    /// Begins the current run, of which `done` crystals of all epochs are done already. `unit` is that of its losses,
    /// `1` for none.
    pub fn begin(&mut self, done: u64, unit: &str) {
        let is_moved = self.course.begin(done, unit);
        match &mut self.report {
            Report::Silent | Report::Watched(_) => {}
            Report::Bar(bar) => {
                bar.set_position(self.course.reached);
                if is_moved {
                    bar.reset_eta();
                }
            }
            Report::Lines(lines) => lines.last = None,
        }
    }

    /// Reports a position of the current run.
    pub fn update(&mut self, position: Position) {
        self.course.reach(&position);
        match &mut self.report {
            Report::Silent => {}
            Report::Bar(bar) => {
                bar.set_position(self.course.reached);
                bar.set_message(self.course.message(&position, bar.per_sec()));
            }
            Report::Lines(lines) => print(lines.update(self.start.elapsed(), position, &self.course)),
            Report::Watched(Watch(watch)) => watch(self.course.standing(&position)),
        }
    }

    /// Prints a line above the bar, unless quiet.
    pub fn say(&mut self, text: &str) {
        match &mut self.report {
            Report::Silent | Report::Watched(_) => {}
            Report::Bar(bar) => bar.suspend(|| print(Some(text.to_owned()))),
            Report::Lines(lines) => {
                print(lines.finish(self.start.elapsed(), &self.course));
                print(Some(text.to_owned()));
            }
        }
    }

    /// Returns a loss as text, with its unit.
    pub fn loss(&self, loss: f64) -> String {
        self.course.loss(loss)
    }
}

impl Drop for Progress {
    /// Ends the report: clears the bar, or prints the last line.
    fn drop(&mut self) {
        match &mut self.report {
            Report::Silent | Report::Watched(_) => {}
            Report::Bar(bar) => bar.finish_and_clear(),
            Report::Lines(lines) => print(lines.finish(self.start.elapsed(), &self.course)),
        }
    }
}

/// Prints a line. A closed standard error does not stop a run.
fn print(line: Option<String>) {
    if let Some(line) = line {
        let _ = writeln!(std::io::stderr(), "{}", text::message(&line));
    }
}

/// A report as lines, at most one every [`LINE_INTERVAL`] of a run. Times count from the beginning of the report.
#[derive(Debug, Default)]
struct Lines {
    last: Option<Duration>,
    /// A position that is not reported yet.
    pending: Option<Position>,
}

impl Lines {
    /// Returns the line to print now, if one is due.
    fn update(&mut self, now: Duration, position: Position, course: &Course) -> Option<String> {
        self.pending = Some(position);
        let due = self.last.is_none_or(|last| now.saturating_sub(last) >= LINE_INTERVAL);
        if due { self.finish(now, course) } else { None }
    }

    /// Returns the line of the last position, if it was not printed yet.
    fn finish(&mut self, now: Duration, course: &Course) -> Option<String> {
        let position = self.pending.take()?;
        self.last = Some(now);
        Some(course.line(&position, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { epochs: 2, crystals: 1000 };

    fn position(epoch: u64, crystals: u64) -> Position {
        Position { epoch, crystals, loss: 1.5 }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Lines about some runs.
    struct Reported {
        course: Course,
        lines: Lines,
    }

    impl Reported {
        fn new(runs: &[Extent]) -> Self {
            Self { course: Course::new(runs.to_vec()), lines: Lines::default() }
        }

        fn update(&mut self, now: Duration, position: Position) -> Option<String> {
            self.course.reach(&position);
            self.lines.update(now, position, &self.course)
        }

        fn finish(&mut self, now: Duration) -> Option<String> {
            self.lines.finish(now, &self.course)
        }
    }

    #[test]
    fn lines_come_at_intervals_and_at_the_end() {
        let mut lines = Reported::new(&[EXTENT]);
        assert_eq!(
            lines.update(seconds(1), position(1, 100)).as_deref(),
            Some("epoch 1/2 loss 1.5000 100 crystals/s, 100 of 1000 crystals, 19 s left")
        );
        assert_eq!(lines.update(seconds(2), position(1, 200)), None);
        assert_eq!(lines.update(seconds(10), position(1, 900)), None);
        let line = lines.update(seconds(11), position(2, 100)).expect("ten seconds have passed");
        assert!(line.ends_with("100 crystals/s, 100 of 1000 crystals, 9 s left"), "{line}");
        assert_eq!(lines.finish(seconds(12)), None, "nothing new");
        assert_eq!(lines.update(seconds(13), position(2, 1000)), None);
        let line = lines.finish(seconds(20)).expect("the last position was not printed");
        assert!(line.ends_with("1000 of 1000 crystals, 0 s left"), "{line}");
    }

    #[test]
    fn a_resumed_run_is_as_fast_as_it_is() {
        let resumed = || {
            let mut lines = Reported::new(&[EXTENT]);
            assert!(lines.course.begin(1500, "1"));
            lines
        };
        let line = resumed().update(seconds(10), position(2, 600)).expect("the first");
        assert!(line.contains(" 10 crystals/s") && line.ends_with("40 s left"), "{line}");
        let line = resumed().update(seconds(0), position(2, 500)).expect("the first");
        assert!(line.ends_with("unknown left"), "{line}");
    }

    #[test]
    fn times_are_those_of_all_members_and_losses_have_units() {
        let mut lines = Reported::new(&[EXTENT, Extent { epochs: 1, crystals: 500 }, EXTENT]);
        // The first was finished by an earlier process.
        assert!(lines.course.begin(2000, "eV"));
        lines.course.current = 1;
        assert!(!lines.course.begin(0, "eV"));
        assert_eq!(
            lines.update(seconds(10), position(1, 250)).as_deref(),
            Some(
                "member 2 of 3 epoch 1/1 loss 1.5000 eV 25 crystals/s, 250 of 500 crystals, 1 min 30 s left for \
                 all members"
            )
        );
        // It stops early; what it left out is nobody's work.
        lines.course.current = 2;
        assert!(lines.course.begin(0, "1"));
        let line = lines.update(seconds(20), position(1, 250)).expect("ten seconds have passed");
        assert!(line.starts_with("member 3 of 3 epoch 1/2 loss 1.5000 25 crystals/s, "), "{line}");
        assert!(line.ends_with(" 1 min 10 s left for all members"), "{line}");
    }

    #[test]
    fn a_function_is_told_of_every_step() {
        let (sender, told) = std::sync::mpsc::channel();
        let watch = move |standing| sender.send(standing).expect("somebody listens");
        let mut progress = Progress::watched(vec![EXTENT, EXTENT], watch);
        progress.announce(1, "the second");
        progress.begin(0, "eV");
        progress.update(position(2, 500));
        drop(progress);
        let all: Vec<Standing> = told.iter().collect();
        let expected = Standing { run: 1, runs: 2, epoch: 2, epochs: 2, loss: 1.5, done: 3500, total: 4000 };
        assert_eq!(all, [expected]);
    }
}
