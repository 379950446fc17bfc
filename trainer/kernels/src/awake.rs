//! Keeps the threads of a pool looking for work between two operations.
//!
//! A step is some three hundred operations of a fraction of a millisecond each. A thread that falls asleep
//! between two of them wakes late, on a virtual machine by as much as a small operation takes: on two threads
//! that was a tenth of a step.

use rayon::Yield;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for work after the last operation: on two threads 100 µs and 2 ms were as fast.
const PATIENCE: Duration = Duration::from_micros(200);
/// Looks in vain before the core is offered to other programs.
const LOOKS: u32 = 200;

/// When the clock of [`Awake::last_call`] began.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Who looks for work, and since when there was none.
#[derive(Debug)]
pub(super) struct Awake {
    /// Microseconds from [`BEGINNING`] to the end of the last operation.
    last_call: AtomicU64,
    /// Threads that look for work or have yet to hear that they shall.
    looking: AtomicUsize,
}

impl Awake {
    pub(super) const fn new() -> Self {
        Self { last_call: AtomicU64::new(0), looking: AtomicUsize::new(0) }
    }

    /// Tells the other threads of the current pool that more work is to come. Does nothing on a thread that
    /// belongs to no pool.
    pub(super) fn expect_more(&'static self) {
        let Some(caller) = rayon::current_thread_index() else { return };
        self.last_call.store(now(), Ordering::Relaxed);
        let threads = rayon::current_num_threads();
        if self.looking.compare_exchange(0, threads, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        rayon::spawn_broadcast(move |context| {
            // The caller comes by while it waits for the others: it must not wait for work of its own.
            if context.index() != caller {
                self.look();
            }
            self.looking.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Does what work there is until there was none for [`PATIENCE`].
    fn look(&self) {
        let patience = micros(PATIENCE);
        let mut looks = 0;
        loop {
            match rayon::yield_now() {
                Some(Yield::Executed) => looks = 0,
                _ if looks < LOOKS => {
                    looks += 1;
                    std::hint::spin_loop();
                }
                _ if now().saturating_sub(self.last_call.load(Ordering::Relaxed)) > patience => return,
                _ => std::thread::yield_now(),
            }
        }
    }
}

/// Microseconds since [`BEGINNING`].
fn now() -> u64 {
    micros(BEGINNING.elapsed())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn threads_look_for_work_and_then_go_to_sleep() {
        static AWAKE: Awake = Awake::new();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("a pool");
        for round in 0..3 {
            let total: u64 = pool.install(|| {
                (0..200u64)
                    .map(|_| {
                        let sum = (0..64u64).into_par_iter().sum::<u64>();
                        AWAKE.expect_more();
                        sum
                    })
                    .sum()
            });
            assert_eq!(total, 200 * 63 * 32, "round {round}");
            let begun = Instant::now();
            while AWAKE.looking.load(Ordering::Relaxed) > 0 {
                assert!(begun.elapsed() < Duration::from_secs(20), "a thread looks for ever");
                std::thread::sleep(PATIENCE);
            }
        }
    }

    #[test]
    fn a_thread_of_no_pool_calls_nobody() {
        static AWAKE: Awake = Awake::new();
        AWAKE.expect_more();
        assert_eq!(AWAKE.looking.load(Ordering::Relaxed), 0);
    }
}
