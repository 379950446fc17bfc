use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::compare::job::JobKind;

/// Jobs by what they need; their names are their positions.
fn jobs(after: &[&[usize]]) -> Vec<Job> {
    let job = |(index, after): (usize, &&[usize])| Job {
        kind: JobKind::Finetune,
        subject: index.to_string(),
        arguments: Vec::new(),
        inputs: Vec::new(),
        shards: Vec::new(),
        folder: PathBuf::new(),
        output: PathBuf::new(),
        log: PathBuf::new(),
        after: after.to_vec(),
        epochs: None,
        seeds: Vec::new(),
        folds: None,
        pretrained: None,
        anew: false,
    };
    after.iter().enumerate().map(job).collect()
}

/// What a fake runner has seen, in order.
type Seen = Rc<RefCell<Vec<String>>>;

/// Runs nothing; jobs end when they are looked at for the `length`th time.
#[derive(Default)]
struct Fake {
    seen: Seen,
    length: usize,
    failing: BTreeSet<String>,
    unstartable: BTreeSet<String>,
    /// Jobs that end only when they are stopped.
    endless: BTreeSet<String>,
}

struct FakeJob {
    subject: String,
    looks: usize,
    ended: Ended,
    endless: bool,
    seen: Seen,
}

impl Runner for Fake {
    type Running = FakeJob;

    fn start(&mut self, job: &Job, slot: &Slot) -> Result<FakeJob, String> {
        let subject = job.subject.clone();
        if self.unstartable.contains(&subject) {
            return Err("no memory".to_owned());
        }
        self.seen.borrow_mut().push(format!("{subject} on {}", slot.device));
        let failed = self.failing.contains(&subject);
        Ok(FakeJob {
            looks: self.length,
            ended: if failed { Ended::Failed("bad".to_owned()) } else { Ended::Done },
            endless: self.endless.contains(&subject),
            seen: Rc::clone(&self.seen),
            subject,
        })
    }
}

impl Running for FakeJob {
    fn poll(&mut self) -> Option<Ended> {
        self.looks = self.looks.saturating_sub(1);
        (self.looks == 0 && !self.endless).then(|| self.ended.clone())
    }

    fn stop(&mut self) {
        self.seen.borrow_mut().push(format!("stop {}", self.subject));
        (self.endless, self.ended) = (false, Ended::Interrupted);
    }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// States of jobs that have not begun.
fn waiting(jobs: usize) -> Vec<State> {
    vec![State::Waiting; jobs]
}

/// Runs all with as many slots.
fn run_all(jobs: &[Job], fake: &mut Fake, places: usize) -> Vec<State> {
    let slots = slots(&[DeviceName::Cpu], places, places);
    run(jobs, waiting(jobs.len()), &slots, fake, &|| false, &mut |_| Ok(())).expect("nothing fails")
}

#[test]
fn devices_give_slots_that_share_the_threads() {
    let of = |devices: &[DeviceName], jobs, threads| slots(devices, jobs, threads);
    assert_eq!(of(&[DeviceName::Cpu], 3, 8), vec![Slot { device: DeviceName::Cpu, threads: 2 }; 3]);
    let cuda = of(&[DeviceName::Cuda(0), DeviceName::Cuda(1)], 3, 8);
    assert_eq!(cuda, [0, 1].map(|index| Slot { device: DeviceName::Cuda(index), threads: 4 }));
    assert_eq!(of(&[DeviceName::Cpu], 4, 2)[3].threads, 1);
}

#[test]
fn jobs_run_in_order_after_those_they_need() {
    let jobs = jobs(&[&[], &[], &[1], &[2], &[0]]);
    let mut fake = Fake { length: 1, ..Fake::default() };
    assert_eq!(run_all(&jobs, &mut fake, 1), vec![State::Finished; 5]);
    assert_eq!(*fake.seen.borrow(), ["0", "1", "2", "3", "4"].map(|name| format!("{name} on cpu")));
}

#[test]
fn what_is_finished_is_not_run_again() {
    let jobs = jobs(&[&[], &[0], &[1]]);
    let mut fake = Fake { length: 1, ..Fake::default() };
    let slots = slots(&[DeviceName::Cpu], 1, 1);
    let before = vec![State::Finished, State::Finished, State::Waiting];
    let states = run(&jobs, before, &slots, &mut fake, &|| false, &mut |_| Ok(()));
    assert_eq!(states.expect("nothing fails"), vec![State::Finished; 3]);
    assert_eq!(*fake.seen.borrow(), ["2 on cpu"]);
}

#[test]
fn what_has_failed_before_is_not_run_again_and_takes_its_dependants_with_it() {
    let jobs = jobs(&[&[], &[], &[0], &[1]]);
    let mut fake = Fake { length: 1, ..Fake::default() };
    let slots = slots(&[DeviceName::Cpu], 1, 1);
    let failed = State::Failed("bad".to_owned());
    let before = vec![failed.clone(), State::Finished, State::Waiting, State::Waiting];
    let states = run(&jobs, before, &slots, &mut fake, &|| false, &mut |_| Ok(()));
    let after = [failed, State::Finished, State::Skipped(0), State::Finished];
    assert_eq!(states.expect("nothing fails"), after);
    assert_eq!(*fake.seen.borrow(), ["3 on cpu"]);
}

#[test]
fn every_device_takes_the_next_job() {
    let jobs = jobs(&[&[], &[], &[]]);
    let mut fake = Fake { length: 2, ..Fake::default() };
    let slots = slots(&[DeviceName::Cuda(0), DeviceName::Cuda(1)], 1, 2);
    run(&jobs, waiting(3), &slots, &mut fake, &|| false, &mut |_| Ok(())).expect("nothing fails");
    assert_eq!(*fake.seen.borrow(), ["0 on cuda:0", "1 on cuda:1", "2 on cuda:0"]);
}

#[test]
fn after_a_failure_its_dependants_are_skipped_and_the_others_go_on() {
    let jobs = jobs(&[&[], &[0], &[1], &[], &[3]]);
    for fake in [
        Fake { length: 1, failing: names(&["0"]), ..Fake::default() },
        Fake { length: 1, unstartable: names(&["0"]), ..Fake::default() },
    ] {
        let mut fake = fake;
        let states = run_all(&jobs, &mut fake, 1);
        assert!(matches!(&states[0], State::Failed(why) if why == "bad" || why == "no memory"), "{states:?}");
        assert_eq!(states[1..], [State::Skipped(0), State::Skipped(1), State::Finished, State::Finished]);
    }
}

#[test]
fn stopping_asks_every_running_job_and_begins_none() {
    let jobs = jobs(&[&[], &[], &[]]);
    let mut fake = Fake { length: 1, endless: names(&["0", "1"]), ..Fake::default() };
    let seen = Rc::clone(&fake.seen);
    let stop = || seen.borrow().len() >= 2;
    let slots = slots(&[DeviceName::Cpu], 2, 2);
    let states = run(&jobs, waiting(3), &slots, &mut fake, &stop, &mut |_| Ok(())).expect("nothing fails");
    assert_eq!(states, [State::Interrupted, State::Interrupted, State::Waiting]);
    assert_eq!(*seen.borrow(), ["0 on cpu", "1 on cpu", "stop 0", "stop 1"]);
}

#[test]
fn a_job_that_another_has_stopped_has_failed() {
    struct Stopped;
    impl Running for Stopped {
        fn poll(&mut self) -> Option<Ended> {
            Some(Ended::Interrupted)
        }
        fn stop(&mut self) {}
    }
    impl Runner for Stopped {
        type Running = Stopped;
        fn start(&mut self, _: &Job, _: &Slot) -> Result<Stopped, String> {
            Ok(Stopped)
        }
    }
    let slots = slots(&[DeviceName::Cpu], 1, 1);
    let states = run(&jobs(&[&[], &[0]]), waiting(2), &slots, &mut Stopped, &|| false, &mut |_| Ok(()));
    let states = states.expect("nothing fails");
    assert_eq!(states, [State::Failed("it was interrupted".to_owned()), State::Skipped(0)]);
}

#[test]
fn without_a_journal_everything_stops() {
    let jobs = jobs(&[&[], &[]]);
    let mut fake = Fake { length: 1, endless: names(&["0"]), ..Fake::default() };
    let slots = slots(&[DeviceName::Cpu], 2, 2);
    let mut changes = 0;
    let mut changed = |_: Change<'_>| {
        changes += 1;
        let full = || std::io::Error::other("no space left");
        if changes < 2 { Ok(()) } else { Err(CompareError::io("write", "jobs.jsonl".as_ref())(full())) }
    };
    let error = run(&jobs, waiting(2), &slots, &mut fake, &|| false, &mut changed).expect_err("it is full");
    assert_eq!(error.to_string(), "cannot write jobs.jsonl: no space left");
    assert!(fake.seen.borrow().contains(&"stop 0".to_owned()), "{:?}", fake.seen.borrow());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever needs what and fails: a job runs once, after all it needs, or is skipped for a reason.
    #[test]
    fn no_job_is_forgotten_or_early(
        needs in proptest::collection::vec(proptest::collection::vec(0..100_usize, 0..3), 1..10),
        failing in proptest::collection::btree_set(0..10_usize, 0..3),
        places in 1..4_usize,
    ) {
        let after: Vec<Vec<usize>> = needs
            .iter()
            .enumerate()
            .map(|(index, needs)| needs.iter().filter(|_| index > 0).map(|need| need % index.max(1)).collect())
            .collect();
        let after: Vec<&[usize]> = after.iter().map(Vec::as_slice).collect();
        let jobs = jobs(&after);
        let failing: BTreeSet<String> = failing.iter().map(usize::to_string).collect();
        let mut fake = Fake { length: 1, failing, ..Fake::default() };
        let states = run_all(&jobs, &mut fake, places);
        let order: Vec<String> = fake.seen.borrow().clone();
        let begun = |index: usize| order.iter().position(|seen| *seen == format!("{index} on cpu"));
        for (index, state) in states.iter().enumerate() {
            let lost = after[index].iter().any(|&earlier| states[earlier] != State::Finished);
            match state {
                State::Skipped(earlier) => prop_assert!(lost && after[index].contains(earlier)),
                State::Finished | State::Failed(_) => {
                    prop_assert!(!lost);
                    prop_assert!(after[index].iter().all(|&earlier| begun(earlier) < begun(index)));
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        let once: BTreeSet<&String> = order.iter().collect();
        prop_assert_eq!(once.len(), order.len());
    }
}
