//! The table: what, times, outcome, worst time, peak memory, and what came of it without a bound.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::program::Ran;

/// Bytes in a mebibyte.
pub(crate) const MEBIBYTE: u64 = 1 << 20;
/// Characters of the first column.
const WHAT_WIDTH: usize = 58;
/// Characters of the outcomes.
const OUTCOME_WIDTH: usize = 46;
/// Faults of a row that are told.
const FAULTS_TOLD: usize = 5;

/// One kind of fault and everything that came of it.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    /// What came of it before there was a bound; empty where nothing is known.
    before: &'static str,
    times: usize,
    outcomes: BTreeMap<String, usize>,
    worst: Duration,
    peak: u64,
    faults: Vec<String>,
}

impl Row {
    /// A row without anything yet.
    pub(crate) fn new(what: String, before: &'static str) -> Self {
        Self {
            what,
            before,
            times: 0,
            outcomes: BTreeMap::new(),
            worst: Duration::ZERO,
            peak: 0,
            faults: Vec::new(),
        }
    }

    /// Counts what became of one time.
    pub(crate) fn outcome(&mut self, outcome: &str) {
        self.times += 1;
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    /// Notes the time and memory of a run, and what is a fault in every run.
    pub(crate) fn ran(&mut self, ran: &Ran) {
        self.worst = self.worst.max(ran.took);
        self.peak = self.peak.max(ran.peak);
        if let Some(fault) = ran.fault() {
            self.fault(fault);
        }
    }

    /// Notes a fault.
    pub(crate) fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// Notes a run that must be refused in one line about something.
    pub(crate) fn refused(&mut self, ran: &Ran, about: &str, outcome: &str) {
        self.ran(ran);
        self.outcome(outcome);
        if let Err(fault) = ran.refusal(about) {
            self.fault(fault);
        }
    }

    /// The row as a line, with its faults below.
    fn line(&self) -> String {
        let outcomes: Vec<String> =
            self.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        let outcome = match (self.faults.len(), outcomes.is_empty()) {
            (0, true) => "nothing happened".to_owned(),
            (0, false) => outcomes.join(", "),
            (faults, _) => format!("{faults} FAULTS; {}", outcomes.join(", ")),
        };
        let peak = if self.peak == 0 { "-".to_owned() } else { (self.peak / MEBIBYTE).to_string() };
        let mut line = format!(
            "{:<WHAT_WIDTH$} {:>5}  {outcome:<OUTCOME_WIDTH$} {:>7.2} {peak:>6}",
            self.what,
            self.times,
            self.worst.as_secs_f64()
        );
        if !self.before.is_empty() {
            line += &format!("  {}", self.before);
        }
        for fault in self.faults.iter().take(FAULTS_TOLD) {
            line += &format!("\n    {}", fault.trim_end().replace('\n', "\n    "));
        }
        line
    }
}

/// The rows so far.
pub(crate) struct Table {
    rows: Mutex<(usize, usize)>,
}

impl Table {
    /// Prints the heading.
    pub(crate) fn new() -> Self {
        let (what, times, outcome, worst, peak) = ("what", "times", "outcome", "worst s", "MiB");
        println!("{what:<WHAT_WIDTH$} {times:>5}  {outcome:<OUTCOME_WIDTH$} {worst:>7} {peak:>6}  before");
        Self { rows: Mutex::new((0, 0)) }
    }

    /// Prints a row.
    pub(crate) fn add(&self, row: Row) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{}", row.line());
        rows.0 += 1;
        rows.1 += usize::from(!row.faults.is_empty());
    }

    /// Says how many rows have faults.
    pub(crate) fn end(self) -> ExitCode {
        let (rows, faulty) = self.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        println!("{rows} rows, {faulty} with faults");
        if faulty == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
