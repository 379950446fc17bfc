//! Progress of a comparison: a bar with an estimated end on a terminal, and a line for every change.

use std::io::{IsTerminal, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use schemas::text;

use super::job::{Job, JobKind};
use super::journal::{Event, Record};
use super::schedule::{Change, State};
use crate::run::span::span;

/// Template of the bar, which fits 80 columns.
const TEMPLATE: &str = "{bar:20} {pos} of {len} jobs, {msg}, ETA {left}";
/// Interval at which the bar is drawn again, so that its estimate counts down.
const TICK: Duration = Duration::from_secs(1);

/// The estimated end of a comparison; `None` while it is unknown.
type End = Arc<Mutex<Option<Instant>>>;

/// Reports the jobs of a comparison on standard error.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    jobs: &'a [Job],
    quiet: bool,
    done: usize,
    estimate: Estimate,
    /// The bar and the end that it shows; `None` if there is no terminal.
    bar: Option<(ProgressBar, End)>,
}

impl<'a> Progress<'a> {
    /// Begins a report. `states` tells which jobs have ended already, and `records` how long they took. `slots` is the
    /// number of jobs at a time.
    pub(super) fn new(
        jobs: &'a [Job],
        states: &[State],
        records: &[Record],
        slots: usize,
        quiet: bool,
    ) -> Self {
        let done = states.iter().filter(|state| **state == State::Finished).count();
        let mut estimate = Estimate::new(jobs, states, slots);
        for Record { job, event } in records {
            if let (Event::Finished { seconds, .. }, Some(job)) =
                (event, jobs.iter().find(|known| known.name() == *job))
            {
                estimate.learn(job.kind, *seconds);
            }
        }
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| bar(jobs.len(), done));
        Self { jobs, quiet, done, estimate, bar }
    }

    /// Reports a change. A quiet report is one of failures alone.
    pub(super) fn change(&mut self, change: &Change<'_>) {
        self.done += usize::from(change.state == &State::Finished);
        self.estimate.change(change);
        if !is_told(self.quiet, change.state) {
            return;
        }
        let line = format!("[{}/{}] {}", self.done, self.jobs.len(), line(self.jobs, change));
        match &self.bar {
            None => print(&line),
            Some((bar, end)) => {
                bar.suspend(|| print(&line));
                let left = self.estimate.left().and_then(|left| Duration::try_from_secs_f64(left).ok());
                *end.lock().unwrap_or_else(PoisonError::into_inner) =
                    left.and_then(|left| Instant::now().checked_add(left));
                bar.set_position(self.done as u64);
                bar.set_message(format!("{} running", self.estimate.running()));
            }
        }
    }
}

impl Drop for Progress<'_> {
    /// Removes the bar.
    fn drop(&mut self) {
        if let Some((bar, _)) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Creates the bar.
fn bar(jobs: usize, done: usize) -> (ProgressBar, End) {
    let end = End::default();
    let shown = Arc::clone(&end);
    let left = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        let end = *shown.lock().unwrap_or_else(PoisonError::into_inner);
        let left = end.map(|end| span(end.saturating_duration_since(Instant::now()).as_secs_f64()));
        let _ = out.write_str(left.as_deref().unwrap_or("unknown"));
    };
    let bar = ProgressBar::new(jobs as u64).with_position(done as u64);
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.with_key("left", left));
    }
    bar.set_message("0 running");
    bar.enable_steady_tick(TICK);
    (bar, end)
}

/// Whether a report tells that a job is in this state.
fn is_told(quiet: bool, state: &State) -> bool {
    !quiet || matches!(state, State::Failed(_))
}

/// Prints a line. A closed standard error does not stop a comparison.
fn print(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", text::message(line));
}

/// Describes a change in words.
fn line(jobs: &[Job], change: &Change<'_>) -> String {
    let name = change.job.name();
    let place = change.slot.map(|slot| format!(" on {}", slot.device)).unwrap_or_default();
    let seconds = change.took.as_secs_f64();
    match change.state {
        State::Waiting => format!("{name} waits"),
        State::Running => format!("{name} runs{place}"),
        State::Finished => format!("{name} is done, {seconds:.1} s"),
        State::Interrupted => format!("{name} is stopped"),
        State::Failed(reason) => format!("{name} has failed: {reason} ({})", change.job.log.display()),
        State::Skipped(earlier) => {
            format!(
                "{name} is skipped: {} is not done",
                jobs.get(*earlier).map(Job::name).unwrap_or_default()
            )
        }
    }
}

/// Estimate of the time that is left: what jobs of the same command took so far, shared by the slots.
#[derive(Debug)]
struct Estimate {
    /// Command and state of every job.
    jobs: Vec<(JobKind, Stage)>,
    /// Durations of finished jobs in seconds, by command: their sum and number.
    took: [(f64, u32); JobKind::ALL.len()],
    slots: usize,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Waiting,
    Running(Instant),
    Ended,
}

impl Stage {
    /// Returns the stage of a job in this state from now on.
    fn of(state: &State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Running => Self::Running(Instant::now()),
            State::Finished | State::Interrupted | State::Failed(_) | State::Skipped(_) => Self::Ended,
        }
    }
}

impl Estimate {
    fn new(jobs: &[Job], states: &[State], slots: usize) -> Self {
        let stages = states.iter().map(Stage::of);
        let jobs = jobs.iter().map(|job| job.kind).zip(stages).collect();
        Self { jobs, took: Default::default(), slots: slots.max(1) }
    }

    /// Takes the duration of a finished job into account.
    fn learn(&mut self, kind: JobKind, seconds: f64) {
        let (sum, count) = &mut self.took[kind as usize];
        *sum += seconds;
        *count += 1;
    }

    fn change(&mut self, change: &Change<'_>) {
        if change.state == &State::Finished {
            self.learn(change.job.kind, change.took.as_secs_f64());
        }
        if let Some((_, stage)) = self.jobs.get_mut(change.index) {
            *stage = Stage::of(change.state);
        }
    }

    fn running(&self) -> usize {
        self.jobs.iter().filter(|(_, stage)| matches!(stage, Stage::Running(_))).count()
    }

    /// Returns the seconds that are left; `None` before a job of every command that is left has finished.
    fn left(&self) -> Option<f64> {
        let mut left = 0.0;
        for (kind, stage) in &self.jobs {
            let (sum, count) = self.took[*kind as usize];
            let mean = (count > 0).then(|| sum / f64::from(count));
            left += match stage {
                Stage::Ended => 0.0,
                Stage::Waiting => mean?,
                Stage::Running(since) => (mean? - since.elapsed().as_secs_f64()).max(0.0),
            };
        }
        Some(left / self.slots as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::schedule::Slot;
    use crate::device::DeviceName;

    const FINISHED: State = State::Finished;
    const WAITING: State = State::Waiting;

    fn job(kind: JobKind, subject: &str) -> Job {
        Job {
            kind,
            subject: subject.to_owned(),
            arguments: Vec::new(),
            inputs: Vec::new(),
            shards: Vec::new(),
            folder: "cell".into(),
            output: "cell".into(),
            log: "log".into(),
            after: Vec::new(),
            epochs: None,
            seeds: Vec::new(),
            folds: None,
            pretrained: None,
            anew: false,
        }
    }

    fn jobs() -> [Job; 5] {
        [
            job(JobKind::Pretrain, "a"),
            job(JobKind::Finetune, "b"),
            job(JobKind::Finetune, "c"),
            job(JobKind::Finetune, "d"),
            job(JobKind::Evaluate, "d"),
        ]
    }

    fn changed<'a>(jobs: &'a [Job], index: usize, state: &'a State, seconds: u64) -> Change<'a> {
        Change { job: &jobs[index], index, state, slot: None, took: Duration::from_secs(seconds) }
    }

    #[test]
    fn what_is_left_is_estimated_by_jobs_of_the_same_command() {
        let jobs = jobs();
        let mut estimate = Estimate::new(&jobs, &[FINISHED, WAITING, WAITING, WAITING, WAITING], 2);
        estimate.change(&changed(&jobs, 1, &State::Running, 0));
        assert_eq!((estimate.left(), estimate.running()), (None, 1));
        estimate.change(&changed(&jobs, 1, &State::Finished, 30));
        assert_eq!(estimate.left(), None, "no evaluation has finished");
        estimate.learn(JobKind::Evaluate, 10.0);
        assert_eq!(estimate.left(), Some((30.0 + 30.0 + 10.0) / 2.0));
        estimate.change(&changed(&jobs, 2, &State::Failed(String::new()), 1));
        assert_eq!(estimate.left(), Some((30.0 + 10.0) / 2.0));
        estimate.change(&changed(&jobs, 3, &State::Running, 0));
        let left = estimate.left().expect("known");
        assert!((15.0..=20.0).contains(&left), "{left}");
        estimate.change(&changed(&jobs, 3, &State::Finished, 90));
        estimate.change(&changed(&jobs, 4, &State::Finished, 20));
        assert_eq!((estimate.left(), estimate.running()), (Some(0.0), 0));
    }

    #[test]
    fn the_journal_says_how_long_jobs_take() {
        let jobs = jobs();
        let finished = |job: &str, seconds| Record {
            job: job.to_owned(),
            event: Event::Finished { fingerprint: String::new(), shards_sha256: None, seconds },
        };
        let records =
            [finished("finetune b", 10.0), finished("finetune c", 20.0), finished("evaluate gone", 7.0)];
        let progress = Progress::new(&jobs[..4], &[FINISHED, FINISHED, FINISHED, WAITING], &records, 1, true);
        assert_eq!((progress.estimate.left(), progress.done), (Some(15.0), 3));
    }

    #[test]
    fn failures_are_told_even_if_quiet() {
        for state in [WAITING, State::Running, FINISHED, State::Interrupted, State::Skipped(0)] {
            assert!(is_told(false, &state) && !is_told(true, &state), "{state:?}");
        }
        let failed = State::Failed("no shards".to_owned());
        assert!(is_told(false, &failed) && is_told(true, &failed));
    }

    #[test]
    fn changes_are_told_in_words() {
        let jobs = jobs();
        let slot = Slot { device: DeviceName::Cpu, threads: 1 };
        let runs = Change { slot: Some(&slot), ..changed(&jobs, 1, &State::Running, 0) };
        assert_eq!(line(&jobs, &runs), "finetune b runs on cpu");
        for (state, expected) in [
            (State::Finished, "finetune b is done, 3.0 s"),
            (State::Interrupted, "finetune b is stopped"),
            (State::Failed("no shards".to_owned()), "finetune b has failed: no shards (log)"),
            (State::Skipped(0), "finetune b is skipped: pretrain a is not done"),
        ] {
            assert_eq!(line(&jobs, &changed(&jobs, 1, &state, 3)), expected);
        }
    }
}
