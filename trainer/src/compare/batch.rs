//! Jobs with what the journal needs to know of them.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::CompareError;
use super::job::Job;
use super::journal::{Event, Finished, FinishedJob};
use super::schedule::{Change, State};
use crate::data::fingerprint::fingerprint_of;

/// Jobs with their fingerprints.
#[derive(Debug)]
pub(super) struct Batch {
    /// The jobs. Each follows those that it needs.
    pub(super) jobs: Vec<Job>,
    fingerprints: Vec<String>,
    /// Fingerprints of the shards of each job; none of a job that reads no shards, or whose shards cannot be read. They may have
    /// been removed after the job, and a job that needs them says itself what is wrong.
    shards: Vec<Option<String>>,
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
        let mut of_shards: BTreeMap<&[String], Option<String>> = BTreeMap::new();
        let shards = jobs.iter().map(|Job { shards, .. }| match shards.as_slice() {
            [] => None,
            shards => of_shards.entry(shards).or_insert_with(|| fingerprint_of(shards).ok()).clone(),
        });
        let shards = shards.collect();
        Ok(Self { jobs, fingerprints, shards })
    }

    /// Returns the batch with the jobs that replace what they did before, since their shards have changed.
    pub(super) fn anew(&self, known: &Finished) -> Self {
        let job = |(job, now): (&Job, &Option<String>)| {
            let anew = known.get(&job.name()).is_some_and(|found| has_other_shards(found, now));
            Job { anew, ..job.clone() }
        };
        Self {
            jobs: self.jobs.iter().zip(&self.shards).map(job).collect(),
            fingerprints: self.fingerprints.clone(),
            shards: self.shards.clone(),
        }
    }

    /// Returns the state of each job before the comparison goes on: finished or waiting. A job waits again after its arguments,
    /// inputs or shards have changed.
    pub(super) fn states(&self, known: &Finished) -> Vec<State> {
        let mut states: Vec<State> = Vec::with_capacity(self.jobs.len());
        for ((job, fingerprint), shards) in self.jobs.iter().zip(&self.fingerprints).zip(&self.shards) {
            let recorded = known.get(&job.name()).filter(|found| found.fingerprint == *fingerprint);
            let recorded = recorded.filter(|found| !has_other_shards(found, shards));
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
                shards_sha256: self.shards.get(change.index).cloned().flatten(),
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

/// Whether a finished job has read other shards than there are now, as far as both are known.
fn has_other_shards(found: &FinishedJob, now: &Option<String>) -> bool {
    found.shards_sha256.as_ref().zip(now.as_ref()).is_some_and(|(found, now)| found != now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::job::JobKind;
    use crate::compare::journal::{Record, finished};
    use crate::data::test_store::{chains, write_store};

    #[test]
    fn a_job_waits_again_after_its_shards_have_changed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (store, log) = (folder.path().join("store"), folder.path().join("log"));
        let job = Job {
            kind: JobKind::Pretrain,
            subject: "mmpt".to_owned(),
            arguments: Vec::new(),
            inputs: Vec::new(),
            shards: vec![store.display().to_string()],
            folder: folder.path().to_owned(),
            output: folder.path().to_owned(),
            log,
            after: Vec::new(),
            epochs: None,
            seeds: Vec::new(),
            folds: None,
            pretrained: None,
            anew: false,
        };
        let batch = || Batch::new(vec![job.clone()], Path::new("grid.toml")).expect("no inputs");
        let write = |crystals| write_store(&store, "s", &chains(crystals), crystals, 2);
        write(3);
        let event = |shards_sha256| Event::Finished {
            fingerprint: job.fingerprint().expect("no inputs"),
            shards_sha256,
            seconds: 1.0,
        };
        let known = |event| finished(&[Record { job: job.name(), event }]);
        let recorded = known(event(batch().shards[0].clone()));
        assert_eq!(batch().states(&recorded), [State::Finished]);
        std::fs::remove_dir_all(&store).expect("a folder");
        assert_eq!(batch().states(&recorded), [State::Finished], "a store that is no longer needed");
        write(4);
        assert_eq!(batch().states(&recorded), [State::Waiting]);
        let anew = |known: Finished| batch().anew(&known).jobs[0].anew;
        assert!(anew(recorded) && !anew(known(event(None))));
        assert!(!anew(known(event(batch().shards[0].clone()))));
        assert_eq!(batch().states(&known(event(None))), [State::Finished], "of an earlier version");
    }
}
