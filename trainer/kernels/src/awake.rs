//! Keeps the threads of a pool awake between two operations.
//!
//! A training step is about three hundred operations of a fraction of a millisecond each. A thread that sleeps
//! between two of them wakes late, on a virtual machine by as much as a small operation takes. On two threads this
//! was a tenth of a step.

use rayon::Yield;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Time that a thread looks for work after the last operation. On two threads, 100 µs and 2 ms were as fast.
const PATIENCE: Duration = Duration::from_micros(200);
/// Number of unsuccessful looks before the core is yielded to other programs.
const LOOKS: u32 = 200;

/// Time origin of [`Awake::last_call`].
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// State of the threads that look for work.
#[derive(Debug)]
pub(super) struct Awake {
    /// End of the last operation, in microseconds since [`BEGINNING`].
    last_call: AtomicU64,
    /// Number of threads that look for work or were asked to.
    looking: AtomicUsize,
}

impl Awake {
    pub(super) const fn new() -> Self {
        Self { last_call: AtomicU64::new(0), looking: AtomicUsize::new(0) }
    }

    /// Tells the other threads of the current pool that more work is to come. Does nothing on a thread outside a
    /// pool.
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

    /// Works until there was no work for [`PATIENCE`].
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

/// Returns the microseconds since [`BEGINNING`].
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
