//! Scheduling of jobs: each starts after those it needs, one at a time on every slot, in a fixed order.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use super::error::CompareError;
use super::job::Job;
use crate::device::DeviceName;

/// Interval of the checks whether a job has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Reason for a job that was stopped from outside.
const FROM_OUTSIDE: &str = "it was interrupted";

/// A place for one job at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Device of the model.
    pub device: DeviceName,
    /// Number of threads.
    pub threads: usize,
}

/// Returns the slots of devices: one for every CUDA device, `jobs` for every other, with equal shares of the threads,
/// at least one each.
pub fn slots(devices: &[DeviceName], jobs: usize, threads: usize) -> Vec<Slot> {
    let at_a_time = |device: DeviceName| match device {
        DeviceName::Cuda(_) => 1,
        DeviceName::Cpu | DeviceName::Libtorch | DeviceName::LibtorchAsCuda => jobs.max(1),
    };
    let places: Vec<DeviceName> =
        devices.iter().flat_map(|&device| std::iter::repeat_n(device, at_a_time(device))).collect();
    let threads = (threads / places.len().max(1)).max(1);
    places.into_iter().map(|device| Slot { device, threads }).collect()
}

/// Result of a job's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The job is finished.
    Done,
    /// The job was stopped by a signal such as Ctrl-C.
    Interrupted,
    /// The job failed; the last line of its output.
    Failed(String),
}

/// Starts jobs.
pub trait Runner {
    /// Type of a started job.
    type Running: Running;

    /// Starts a job on a slot.
    ///
    /// # Errors
    /// The reason why the job cannot be started, in one line.
    fn start(&mut self, job: &Job, slot: &Slot) -> Result<Self::Running, String>;
}

/// A job that was started.
pub trait Running {
    /// Returns the result once the job has ended.
    fn poll(&mut self) -> Option<Ended>;

    /// Asks the job to save and stop. It is called at most once.
    fn stop(&mut self);
}

/// State of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The job has not begun.
    Waiting,
    /// It is being run.
    Running,
    /// The job is finished, now or earlier.
    Finished,
    /// The job was stopped.
    Interrupted,
    /// The job failed, with a reason.
    Failed(String),
    /// The job was skipped, because the job at this index failed or was skipped.
    Skipped(usize),
}

/// A change of a job's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'a> {
    /// The job.
    pub job: &'a Job,
    /// Index of the job.
    pub index: usize,
    /// The new state.
    pub state: &'a State,
    /// Slot of the job; `None` for a job that was skipped.
    pub slot: Option<&'a Slot>,
    /// Running time so far.
    pub took: Duration,
}

/// Runs all jobs whose state is [`State::Waiting`], each as soon as a slot is free and the jobs it needs are finished.
/// Of several such jobs the first one begins, on the first free slot. Returns the states of all jobs afterwards.
///
/// Jobs after a failed one are skipped; all others continue. If `stop` returns true, the running jobs are asked to
/// stop and no more are begun. `changed` is called for every change of a state; if it fails, the running jobs are
/// stopped too.
///
/// # Errors
/// Those of `changed`.
pub fn run<R: Runner>(
    jobs: &[Job],
    states: Vec<State>,
    slots: &[Slot],
    runner: &mut R,
    stop: &dyn Fn() -> bool,
    changed: &mut dyn FnMut(Change<'_>) -> Result<(), CompareError>,
) -> Result<Vec<State>, CompareError> {
    let free = slots.iter().map(|_| None).collect();
    let mut schedule = Schedule { jobs, slots, states, places: free, runner, changed };
    let outcome = schedule.work(stop);
    if outcome.is_err() {
        schedule.abandon();
    }
    outcome.map(|()| schedule.states)
}

/// A running job.
struct Active<P> {
    index: usize,
    running: P,
    began: Instant,
}

struct Schedule<'a, R: Runner> {
    jobs: &'a [Job],
    slots: &'a [Slot],
    states: Vec<State>,
    /// The job on each slot.
    places: Vec<Option<Active<R::Running>>>,
    runner: &'a mut R,
    changed: &'a mut dyn FnMut(Change<'_>) -> Result<(), CompareError>,
}

impl<R: Runner> Schedule<'_, R> {
    fn work(&mut self, stop: &dyn Fn() -> bool) -> Result<(), CompareError> {
        let mut stopping = false;
        loop {
            if !stopping && stop() {
                stopping = true;
                self.places.iter_mut().flatten().for_each(|active| active.running.stop());
            }
            self.collect(stopping)?;
            if !stopping {
                self.begin()?;
            }
            if self.places.iter().all(Option::is_none) {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Records the jobs that have ended.
    fn collect(&mut self, stopping: bool) -> Result<(), CompareError> {
        for place in 0..self.places.len() {
            let Some(active) = &mut self.places[place] else { continue };
            let Some(ended) = active.running.poll() else { continue };
            let (index, took) = (active.index, active.began.elapsed());
            self.places[place] = None;
            let state = match ended {
                Ended::Done => State::Finished,
                Ended::Interrupted if stopping => State::Interrupted,
                Ended::Interrupted => State::Failed(FROM_OUTSIDE.to_owned()),
                Ended::Failed(reason) => State::Failed(reason),
            };
            self.change(index, state, Some(place), took)?;
        }
        self.skip()
    }

    /// Starts jobs on the free slots.
    fn begin(&mut self) -> Result<(), CompareError> {
        for place in 0..self.places.len() {
            while self.places[place].is_none() {
                let Some(index) = self.next() else { return Ok(()) };
                match self.runner.start(&self.jobs[index], &self.slots[place]) {
                    Ok(running) => {
                        self.places[place] = Some(Active { index, running, began: Instant::now() });
                        self.change(index, State::Running, Some(place), Duration::ZERO)?;
                    }
                    Err(reason) => {
                        self.change(index, State::Failed(reason), Some(place), Duration::ZERO)?;
                        self.skip()?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the first job that can begin.
    fn next(&self) -> Option<usize> {
        let ready = |job: &Job| job.after.iter().all(|&earlier| self.states[earlier] == State::Finished);
        let mut waiting = self.jobs.iter().zip(&self.states);
        waiting.position(|(job, state)| *state == State::Waiting && ready(job))
    }

    /// Skips every job after a failed one. A single pass is enough, since jobs follow those they need.
    fn skip(&mut self) -> Result<(), CompareError> {
        for (index, job) in self.jobs.iter().enumerate() {
            if self.states[index] != State::Waiting {
                continue;
            }
            let lost = |state: &State| matches!(state, State::Failed(_) | State::Skipped(_));
            if let Some(&earlier) = job.after.iter().find(|&&earlier| lost(&self.states[earlier])) {
                self.change(index, State::Skipped(earlier), None, Duration::ZERO)?;
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        index: usize,
        state: State,
        place: Option<usize>,
        took: Duration,
    ) -> Result<(), CompareError> {
        let slot = place.map(|place| &self.slots[place]);
        let change = Change { job: &self.jobs[index], index, state: &state, slot, took };
        let told = (self.changed)(change);
        self.states[index] = state;
        told
    }

    /// Stops the running jobs and waits for them, without reporting changes.
    fn abandon(&mut self) {
        self.places.iter_mut().flatten().for_each(|active| active.running.stop());
        for active in self.places.iter_mut().filter_map(Option::take) {
            let mut running = active.running;
            while running.poll().is_none() {
                std::thread::sleep(LOOK_EVERY);
            }
        }
    }
}
