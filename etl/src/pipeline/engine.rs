//! A pipeline of five stages on a fixed number of threads: read, process, arrange, encode, write.
//!
//! Reading, arranging and writing are sequential; processing and encoding run on all threads. No thread is bound to a
//! stage: each takes the most advanced work available. Two threads thus keep two cores busy whatever the cost of the
//! stages, and a single thread runs the same code. The number of pieces between the stages is bounded, and so is the
//! memory. A parsed piece may take many times the memory of its text, so a large piece is processed before the next
//! one is read, on any number of threads.
//!
//! ```text
//! read ─▶ process ─▶ arrange ─▶ encode ─▶ write
//! (order)  (any)     (order)    (any)     (order)
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The work of the stages. Each of the types `Reader`, `Arranger` and `Writer` is used by one thread at a time.
pub(super) trait Stages: Sync {
    /// State of reading: the position in the input.
    type Reader: Send;
    /// State of arranging.
    type Arranger: Send;
    /// State of writing: the open output.
    type Writer: Send;
    /// Buffers of a thread.
    type Worker;
    /// A piece of input after reading.
    type Raw: Send + Default;
    /// A piece of input after processing.
    type Processed: Send;
    /// A piece of output before encoding.
    type Arranged: Send;
    /// A piece of output after encoding.
    type Encoded: Send;
    /// An error that ends the run.
    type Error: Send;

    /// Returns the largest number of pieces of output between the stages.
    fn output_limit(&self, threads: usize) -> usize {
        default_limit(threads)
    }
    /// Creates the buffers of a thread.
    fn worker(&self) -> Self::Worker;
    /// Reads the next piece. Returns `false` if there is none.
    fn read(&self, reader: &mut Self::Reader, raw: &mut Self::Raw) -> Result<bool, Self::Error>;
    /// Whether a piece is so large that it is processed before the next one is read.
    fn is_large(&self, raw: &Self::Raw) -> bool;
    /// Processes a piece. `raw` is reused for a later one.
    fn process(&self, worker: &mut Self::Worker, raw: &mut Self::Raw)
    -> Result<Self::Processed, Self::Error>;
    /// Arranges the next processed piece in order, or the end of the input (`None`), and returns the pieces of
    /// output.
    fn arrange(
        &self,
        arranger: &mut Self::Arranger,
        piece: Option<Self::Processed>,
    ) -> Result<Vec<Self::Arranged>, Self::Error>;
    /// Encodes a piece of output.
    fn encode(&self, worker: &mut Self::Worker, piece: Self::Arranged) -> Result<Self::Encoded, Self::Error>;
    /// Writes the next piece of output.
    fn write(&self, writer: &mut Self::Writer, piece: Self::Encoded) -> Result<(), Self::Error>;
}

/// Largest number of pieces of input between the stages for each thread.
const INPUT_PIECES_PER_THREAD: usize = 2;
/// Largest number of pieces of output between the stages for each thread.
const OUTPUT_PIECES_PER_THREAD: usize = 2;

/// Returns the largest number of pieces of output between the stages, unless the stages have one of their own.
pub(super) fn default_limit(threads: usize) -> usize {
    OUTPUT_PIECES_PER_THREAD * threads
}

/// A unit of work that a thread has taken.
enum Work<S: Stages> {
    Read(S::Reader, S::Raw),
    Arrange(S::Arranger, Option<S::Processed>),
    Encode(u64, S::Arranged),
    Write(S::Writer, S::Encoded),
}

struct State<S: Stages> {
    reader: Option<S::Reader>,
    input_ended: bool,
    /// Sequence number of the next piece of input.
    next_read: u64,
    spare: Vec<S::Raw>,
    processed: BTreeMap<u64, S::Processed>,
    arranger: Option<S::Arranger>,
    next_arrange: u64,
    arranged_end: bool,
    to_encode: VecDeque<(u64, S::Arranged)>,
    /// Sequence number of the next piece of output.
    next_output: u64,
    encoded: BTreeMap<u64, S::Encoded>,
    writer: Option<S::Writer>,
    next_write: u64,
    error: Option<S::Error>,
    /// Whether a thread panicked. The others must not wait for the work it had taken.
    abandoned: bool,
}

impl<S: Stages> State<S> {
    fn finished(&self) -> bool {
        self.error.is_some() || self.abandoned || (self.arranged_end && self.next_write == self.next_output)
    }

    /// Takes the most advanced work available, so that pieces leave the pipeline before more are read.
    fn take(&mut self, threads: usize, output_limit: usize) -> Option<Work<S>> {
        if self.writer.is_some()
            && let Some(piece) = self.encoded.remove(&self.next_write)
        {
            return self.writer.take().map(|writer| Work::Write(writer, piece));
        }
        if let Some((sequence, piece)) = self.to_encode.pop_front() {
            return Some(Work::Encode(sequence, piece));
        }
        let outputs = usize::try_from(self.next_output - self.next_write).unwrap_or(usize::MAX);
        if outputs < output_limit && self.arranger.is_some() && !self.arranged_end {
            if let Some(piece) = self.processed.remove(&self.next_arrange) {
                return self.arranger.take().map(|arranger| Work::Arrange(arranger, Some(piece)));
            }
            if self.input_ended && self.next_arrange == self.next_read {
                return self.arranger.take().map(|arranger| Work::Arrange(arranger, None));
            }
        }
        let inputs = usize::try_from(self.next_read - self.next_arrange).unwrap_or(usize::MAX);
        if inputs < INPUT_PIECES_PER_THREAD * threads && !self.input_ended {
            let raw = self.spare.pop().unwrap_or_default();
            return self.reader.take().map(|reader| Work::Read(reader, raw));
        }
        None
    }
}

struct Pipeline<'a, S: Stages> {
    stages: &'a S,
    threads: usize,
    state: Mutex<State<S>>,
    changed: Condvar,
}

impl<S: Stages> Pipeline<'_, S> {
    /// Locks the state. A panic of another thread left it between two steps, so it is still consistent.
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes all waiting threads.
    fn update(&self, change: impl FnOnce(&mut State<S>)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn work(&self) {
        let _guard = AbandonOnPanic(self);
        let mut worker = self.stages.worker();
        loop {
            let work = {
                let mut state = self.lock();
                loop {
                    if state.finished() {
                        return;
                    }
                    if let Some(work) = state.take(self.threads, self.stages.output_limit(self.threads)) {
                        break work;
                    }
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            };
            if let Err(error) = self.perform(&mut worker, work) {
                self.update(|state| {
                    state.error.get_or_insert(error);
                });
                return;
            }
        }
    }

    fn perform(&self, worker: &mut S::Worker, work: Work<S>) -> Result<(), S::Error> {
        match work {
            Work::Read(mut reader, mut raw) => {
                let more = self.stages.read(&mut reader, &mut raw)?;
                // No other thread reads in the meantime, so there is no second large piece.
                let is_large = more && self.stages.is_large(&raw);
                let early = if is_large { Some(self.stages.process(worker, &mut raw)?) } else { None };
                let mut sequence = 0;
                self.update(|state| {
                    state.reader = Some(reader);
                    sequence = state.next_read;
                    if more {
                        state.next_read += 1;
                    } else {
                        state.input_ended = true;
                    }
                });
                if more {
                    let piece = match early {
                        Some(piece) => piece,
                        None => self.stages.process(worker, &mut raw)?,
                    };
                    self.update(|state| {
                        state.spare.push(raw);
                        state.processed.insert(sequence, piece);
                    });
                }
            }
            Work::Arrange(mut arranger, piece) => {
                let end = piece.is_none();
                let outputs = self.stages.arrange(&mut arranger, piece)?;
                self.update(|state| {
                    state.arranger = Some(arranger);
                    if end {
                        state.arranged_end = true;
                    } else {
                        state.next_arrange += 1;
                    }
                    for output in outputs {
                        state.to_encode.push_back((state.next_output, output));
                        state.next_output += 1;
                    }
                });
            }
            Work::Encode(sequence, piece) => {
                let piece = self.stages.encode(worker, piece)?;
                self.update(|state| {
                    state.encoded.insert(sequence, piece);
                });
            }
            Work::Write(mut writer, piece) => {
                self.stages.write(&mut writer, piece)?;
                self.update(|state| {
                    state.writer = Some(writer);
                    state.next_write += 1;
                });
            }
        }
        Ok(())
    }
}

/// Stops the other threads if its own thread panics, so that the panic reaches the caller.
struct AbandonOnPanic<'p, 'a, S: Stages>(&'p Pipeline<'a, S>);

impl<S: Stages> Drop for AbandonOnPanic<'_, '_, S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.update(|state| state.abandoned = true);
        }
    }
}

/// The final states of the sequential stages.
type Ended<S> = (<S as Stages>::Reader, <S as Stages>::Arranger, <S as Stages>::Writer);

/// Runs the stages on all threads of the pool until the input ends.
///
/// # Errors
/// Returns the first error of any stage. The other stages stop at their next step.
pub(super) fn run<S: Stages>(
    pool: &rayon::ThreadPool,
    stages: &S,
    reader: S::Reader,
    arranger: S::Arranger,
    writer: S::Writer,
) -> Result<Ended<S>, S::Error> {
    let threads = pool.current_num_threads();
    let pipeline = Pipeline {
        stages,
        threads,
        state: Mutex::new(State {
            reader: Some(reader),
            input_ended: false,
            next_read: 0,
            spare: Vec::new(),
            processed: BTreeMap::new(),
            arranger: Some(arranger),
            next_arrange: 0,
            arranged_end: false,
            to_encode: VecDeque::new(),
            next_output: 0,
            encoded: BTreeMap::new(),
            writer: Some(writer),
            next_write: 0,
            error: None,
            abandoned: false,
        }),
        changed: Condvar::new(),
    };
    pool.broadcast(|_| pipeline.work());
    let state = pipeline.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match state {
        State { error: Some(error), .. } => Err(error),
        State { reader: Some(reader), arranger: Some(arranger), writer: Some(writer), .. } => {
            Ok((reader, arranger, writer))
        }
        // Every stage returns its state unless it failed, and then there is an error.
        _ => unreachable!("a stage kept its state without failing"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A number at which processing panics, beyond the limits of the other tests.
    const UNLUCKY: u64 = 5_000;

    /// Every number divisible by this is a large piece.
    const LARGE: u64 = 7;

    /// Counts up to a limit, doubles, groups in threes, sums, and writes the sums.
    struct Sums {
        limit: u64,
        fail_at: Option<u64>,
        /// Large pieces being processed, and the most there were at once.
        large: AtomicUsize,
        most_large: AtomicUsize,
    }

    impl Stages for Sums {
        type Reader = u64;
        type Arranger = Vec<u64>;
        type Writer = Vec<u64>;
        type Worker = ();
        type Raw = u64;
        type Processed = u64;
        type Arranged = Vec<u64>;
        type Encoded = u64;
        type Error = String;

        fn worker(&self) {}

        fn read(&self, reader: &mut u64, raw: &mut u64) -> Result<bool, String> {
            *raw = *reader;
            *reader += 1;
            Ok(*raw < self.limit)
        }

        fn is_large(&self, raw: &u64) -> bool {
            raw.is_multiple_of(LARGE)
        }

        fn process(&self, (): &mut (), raw: &mut u64) -> Result<u64, String> {
            if raw.is_multiple_of(LARGE) {
                let large = self.large.fetch_add(1, Ordering::SeqCst) + 1;
                self.most_large.fetch_max(large, Ordering::SeqCst);
                std::thread::yield_now();
                self.large.fetch_sub(1, Ordering::SeqCst);
            }
            assert!(*raw != UNLUCKY, "an unlucky number");
            if self.fail_at == Some(*raw) {
                return Err(format!("cannot process {raw}"));
            }
            Ok(2 * *raw)
        }

        fn arrange(&self, waiting: &mut Vec<u64>, piece: Option<u64>) -> Result<Vec<Vec<u64>>, String> {
            waiting.extend(piece);
            let full = waiting.len() == 3 || (piece.is_none() && !waiting.is_empty());
            Ok(if full { vec![std::mem::take(waiting)] } else { vec![] })
        }

        fn encode(&self, (): &mut (), piece: Vec<u64>) -> Result<u64, String> {
            Ok(piece.iter().sum())
        }

        fn write(&self, writer: &mut Vec<u64>, piece: u64) -> Result<(), String> {
            writer.push(piece);
            Ok(())
        }
    }

    fn sums(threads: usize, limit: u64, fail_at: Option<u64>) -> Result<Vec<u64>, String> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
        let stages = Sums { limit, fail_at, large: AtomicUsize::new(0), most_large: AtomicUsize::new(0) };
        let sums = run(&pool, &stages, 0, vec![], vec![]).map(|(_, _, sums)| sums);
        assert!(stages.most_large.into_inner() <= 1, "{threads} threads");
        sums
    }

    #[test]
    fn output_is_in_order_on_any_number_of_threads() {
        let expected: Vec<u64> = (0..1000_u64)
            .collect::<Vec<_>>()
            .chunks(3)
            .map(|three| three.iter().map(|n| 2 * n).sum())
            .collect();
        for threads in [1, 2, 3, 8] {
            assert_eq!(sums(threads, 1000, None).as_ref(), Ok(&expected), "{threads} threads");
        }
        assert_eq!(sums(2, 0, None), Ok(vec![]));
    }

    #[test]
    fn an_error_stops_every_thread() {
        for threads in [1, 2, 8] {
            assert_eq!(sums(threads, 1000, Some(500)), Err("cannot process 500".to_owned()));
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_no_thread_waiting() {
        for threads in [1, 2, 8] {
            let outcome = std::panic::catch_unwind(|| sums(threads, 10_000, None));
            assert!(outcome.is_err(), "{threads} threads");
        }
    }
}
