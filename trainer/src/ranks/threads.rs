//! Ranks as threads of one process, for tests.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::Ranks;

/// Time that a rank waits for the others before it gives up.
const PATIENCE: Duration = Duration::from_secs(300);

/// Meeting point of the ranks: the values of the ranks, and their sum once all have arrived.
#[derive(Debug, Default)]
struct Meeting {
    brought: Vec<Option<Vec<f64>>>,
    sum: Vec<f64>,
    /// Number of ranks that have not taken the sum yet.
    waiting: usize,
}

#[derive(Debug, Default)]
struct Place {
    meeting: Mutex<Meeting>,
    changed: Condvar,
}

/// One of several threads that train together.
#[derive(Debug)]
pub(crate) struct Threads {
    place: Arc<Place>,
    rank: usize,
    count: usize,
}

impl Threads {
    /// Creates `count` ranks.
    pub(crate) fn of(count: usize) -> Vec<Arc<dyn Ranks>> {
        let place = Arc::new(Place::default());
        place.meeting.lock().unwrap_or_else(PoisonError::into_inner).brought.resize(count, None);
        let rank = |rank| Arc::new(Self { place: Arc::clone(&place), rank, count }) as Arc<dyn Ranks>;
        (0..count).map(rank).collect()
    }

    /// Adds up the values in the order of the ranks, with `add`.
    fn meet(&self, values: Vec<f64>, add: fn(f64, f64) -> f64) -> Vec<f64> {
        let Place { meeting, changed } = &*self.place;
        let wait = |guard, until: fn(&mut Meeting) -> bool| {
            let (guard, result) = changed
                .wait_timeout_while(guard, PATIENCE, |meeting| !until(meeting))
                .unwrap_or_else(PoisonError::into_inner);
            assert!(!result.timed_out(), "another rank has not come");
            guard
        };
        let mut guard = meeting.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of the meeting before must have left.
        guard = wait(guard, |meeting| meeting.waiting == 0);
        guard.brought[self.rank] = Some(values);
        if guard.brought.iter().all(Option::is_some) {
            let mut all = guard.brought.iter_mut().filter_map(Option::take);
            let first = all.next().unwrap_or_default();
            let sum = all.fold(first, |sum, values| {
                assert_eq!(sum.len(), values.len(), "every rank brings as many values");
                sum.into_iter().zip(values).map(|(sum, value)| add(sum, value)).collect()
            });
            guard.sum = sum;
            guard.waiting = self.count;
            changed.notify_all();
        }
        guard = wait(guard, |meeting| meeting.waiting > 0);
        guard.waiting -= 1;
        let sum = guard.sum.clone();
        changed.notify_all();
        sum
    }
}

impl Ranks for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.count
    }

    fn sum_f32(&self, values: &mut [f32]) {
        let brought = values.iter().copied().map(f64::from).collect();
        let sum = self.meet(brought, |sum, value| f64::from(sum as f32 + value as f32));
        for (value, sum) in values.iter_mut().zip(sum) {
            *value = sum as f32;
        }
    }

    fn sum_f64(&self, values: &mut [f64]) {
        let sum = self.meet(values.to_vec(), |sum, value| sum + value);
        values.copy_from_slice(&sum);
    }

    fn abort(&self, status: i32) {
        panic!("rank {} ends all with {status}", self.rank);
    }
}

/// Calls `run` on `count` ranks and returns the results in order.
pub(crate) fn on_ranks<T: Send>(count: usize, run: impl Fn(Arc<dyn Ranks>) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let run = &run;
        let threads = Threads::of(count).into_iter().map(|ranks| scope.spawn(move || run(ranks)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().expect("no rank fails")).collect()
    })
}
