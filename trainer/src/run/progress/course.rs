//! How far runs are that follow one another: their lengths, the position in the current one, and both as text.

use std::time::Duration;

use schemas::count::counted;

use crate::run::span::span;
use crate::unit;

/// Length of a run, for the share that is done.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Number of epochs.
    pub epochs: u64,
    /// Number of crystals in an epoch.
    pub crystals: u64,
}

/// Position of a run after a step.
#[derive(Debug, Clone, Copy)]
pub struct Position {
    /// Current epoch, from 1.
    pub epoch: u64,
    /// Number of crystals done in the current epoch.
    pub crystals: u64,
    /// Weighted sum of the losses at the last step.
    pub loss: f64,
}

impl Extent {
    /// Returns the number of crystals of the whole run.
    fn total(&self) -> u64 {
        self.epochs.saturating_mul(self.crystals)
    }

    /// Returns the number of crystals of the whole run that are done.
    fn done(&self, position: &Position) -> u64 {
        let epochs = position.epoch.saturating_sub(1).saturating_mul(self.crystals);
        epochs.saturating_add(position.crystals.min(self.crystals)).min(self.total())
    }
}

/// How far runs are that follow one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Index of the current run.
    pub run: usize,
    /// Number of runs.
    pub runs: usize,
    /// Current epoch of the run, from 1.
    pub epoch: u64,
    /// Number of epochs of the run.
    pub epochs: u64,
    /// Weighted sum of the losses at the last step.
    pub loss: f64,
    /// Number of crystals done in all runs, each counted once per epoch.
    pub done: u64,
    /// Number of crystals to do in all runs, each counted once per epoch.
    pub total: u64,
}

/// Runs one after the other, and how far they are. Their work is counted in crystals of all epochs.
#[derive(Debug)]
pub(super) struct Course {
    /// Lengths of all runs, in order.
    pub(super) runs: Vec<Extent>,
    /// Index of the current run.
    pub(super) current: usize,
    /// Unit of the losses; `1` for none.
    unit: String,
    /// Work of all runs that is done.
    pub(super) reached: u64,
    /// Work that this process has not done: it was done earlier, or a run stopped early. It does not count for the
    /// speed.
    passed_over: u64,
}

impl Course {
    pub(super) fn new(runs: Vec<Extent>) -> Self {
        Self { runs, current: 0, unit: unit::PURE.to_owned(), reached: 0, passed_over: 0 }
    }

    /// Returns the work of all runs.
    pub(super) fn total(&self) -> u64 {
        self.runs.iter().map(Extent::total).fold(0, u64::saturating_add)
    }

    /// Returns the work of the runs before the current one.
    fn before(&self) -> u64 {
        self.runs.iter().take(self.current).map(Extent::total).fold(0, u64::saturating_add)
    }

    fn extent(&self) -> Extent {
        self.runs.get(self.current).copied().unwrap_or(Extent { epochs: 0, crystals: 0 })
    }

    /// Begins the current run. Returns whether work was passed over.
    pub(super) fn begin(&mut self, done: u64, unit: &str) -> bool {
        unit.clone_into(&mut self.unit);
        let start = self.before().saturating_add(done.min(self.extent().total()));
        let passed_over = start.saturating_sub(self.reached);
        self.passed_over += passed_over;
        self.reached = start;
        passed_over > 0
    }

    pub(super) fn reach(&mut self, position: &Position) {
        self.reached = self.before().saturating_add(self.extent().done(position));
    }

    /// Returns how far the runs are after a step.
    pub(super) fn standing(&self, position: &Position) -> Standing {
        Standing {
            run: self.current,
            runs: self.runs.len(),
            epoch: position.epoch,
            epochs: self.extent().epochs,
            loss: position.loss,
            done: self.reached,
            total: self.total(),
        }
    }

    /// Returns which of the runs is the current one, such as `member 2 of 15`; `None` for a single run.
    pub(super) fn number(&self) -> Option<String> {
        let count = self.runs.len();
        (count > 1).then(|| format!("member {} of {count}", self.current + 1))
    }

    pub(super) fn loss(&self, loss: f64) -> String {
        format!("{loss:.4}{}", unit::shown(" ", &self.unit, ""))
    }

    /// Returns member, epoch, loss and speed as text.
    pub(super) fn message(&self, position: &Position, rate: f64) -> String {
        let Position { epoch, loss, .. } = position;
        let member = self.number().map(|number| format!("{number} ")).unwrap_or_default();
        format!(
            "{member}epoch {epoch}/{} loss {} {rate:.0} crystals/s",
            self.extent().epochs,
            self.loss(*loss)
        )
    }

    /// Returns a line of progress: epoch, loss, speed, crystals done and time left. `now` is the time since the first run began.
    pub(super) fn line(&self, position: &Position, now: Duration) -> String {
        let rate = self.reached.saturating_sub(self.passed_over) as f64 / now.as_secs_f64().max(1e-3);
        let left = self.total().saturating_sub(self.reached) as f64;
        let left = if rate > 0.0 { span(left / rate) } else { "unknown".to_owned() };
        let all = if self.runs.len() > 1 { " for all members" } else { "" };
        let crystals = counted(self.extent().crystals, "crystal");
        format!("{}, {} of {crystals}, {left} left{all}", self.message(position, rate), position.crystals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { epochs: 2, crystals: 1000 };

    fn position(epoch: u64, crystals: u64) -> Position {
        Position { epoch, crystals, loss: 1.5 }
    }

    #[test]
    fn more_crystals_than_expected_are_no_harm() {
        assert_eq!(EXTENT.done(&position(1, 5000)), 1000);
        assert_eq!(EXTENT.done(&position(9, 5000)), 2000);
        let nothing = Extent { epochs: 0, crystals: 0 };
        assert_eq!(nothing.done(&position(0, 1)), 0);
    }
}
