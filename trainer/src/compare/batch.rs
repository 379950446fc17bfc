//! Jobs with what the journal needs to know of them.

use std::path::Path;

use super::error::CompareError;
use super::job::Job;
use super::journal::{Event, Finished};
use super::schedule::{Change, State};

/// Jobs with their fingerprints.
#[derive(Debug)]
pub(super) struct Batch {
    /// The jobs. Each follows those that it needs.
    pub(super) jobs: Vec<Job>,
    fingerprints: Vec<String>,
}

impl Batch {
    /// Reads the inputs of jobs. `grid` is the file of the grid for error messages.
    ///
    /// # Errors
    /// [`CompareError::Input`] for an input that cannot be read.
    pub(super) fn new(jobs: Vec<Job>, grid: &Path) -> Result<Self, CompareError> {
        let fingerprint = |job: &Job| {
            job.fingerprint().map_err(|source| CompareError::Input {
                path: grid.to_owned(),
                job: job.name(),
                source: Box::new(source),
            })
        };
        let fingerprints = jobs.iter().map(fingerprint).collect::<Result<_, _>>()?;
        Ok(Self { jobs, fingerprints })
    }

    /// Returns the state of each job before the comparison goes on: finished or waiting.
    pub(super) fn states(&self, known: &Finished) -> Vec<State> {
        let mut states: Vec<State> = Vec::with_capacity(self.jobs.len());
        for (job, fingerprint) in self.jobs.iter().zip(&self.fingerprints) {
            let recorded = known.get(&job.name()).filter(|found| found.fingerprint == *fingerprint);
            let recorded = recorded.filter(|_| job.output.exists());
            let follows = |earlier: &usize| {
                let earlier_job = self.jobs.get(*earlier).and_then(|earlier| known.get(&earlier.name()));
                states.get(*earlier) == Some(&State::Finished)
                    && earlier_job.zip(recorded).is_some_and(|(earlier, job)| earlier.line < job.line)
            };
            let is_finished = recorded.is_some() && job.after.iter().all(follows);
            states.push(if is_finished { State::Finished } else { State::Waiting });
        }
        states
    }

    /// Returns the event of a state change for the journal.
    pub(super) fn event(&self, change: &Change<'_>) -> Option<Event> {
        match change.state {
            State::Waiting => None,
            State::Running => change.slot.map(|slot| Event::Started {
                device: slot.device.to_string(),
                arguments: change.job.arguments.clone(),
            }),
            State::Finished => self.fingerprints.get(change.index).map(|fingerprint| Event::Finished {
                fingerprint: fingerprint.clone(),
                seconds: change.took.as_secs_f64(),
            }),
            State::Interrupted => Some(Event::Interrupted),
            State::Failed(reason) => Some(Event::Failed { reason: reason.clone() }),
            State::Skipped(earlier) => {
                Some(Event::Skipped { after: self.jobs.get(*earlier).map(Job::name).unwrap_or_default() })
            }
        }
    }
}
