//! Epochs of batches, which threads read, shuffle and build ahead of the model.
//!
//! One thread reads row groups and decides which crystals make a batch; workers build the batches. For every batch
//! the reader puts a slot into a bounded queue, and the worker that builds the batch fills the slot. The order
//! therefore does not depend on the workers' speed. Memory holds the rows being decoded, the shuffle buffer and the
//! queue, whatever the size of the shards. Several processes draw the same batches, and each builds its [`Share`] of
//! them.

mod settings;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arrow::array::{Array, Float64Array};
use crystal::element::SYMBOLS;
use schemas::StoreError;
use schemas::view::CrystalBatch;

use crate::data::batch::{BatchBuilder, BatchFloat, BatchSettings, GraphBatch};
use crate::data::error::{DataError, GraphError};
use crate::data::input::GraphInput;
use crate::data::limit::{BatchLimit, BatchPlanner};
use crate::data::random::{Purpose, keyed, shuffle};
use crate::data::share::{Origin, Share};
use crate::data::shuffle::ShuffleBuffer;
use crate::data::stored::StoredCrystal;
use crate::data::subset::{RowGroup, Selection};
pub use settings::{DEFAULT_QUEUE, DEFAULT_SHUFFLE_BUFFER, DEFAULT_WORKERS, MAX_WORKERS, StreamSettings};

/// Maximum number of edges of the crystals in the shuffle buffer, 15 bytes each. With the default buffer it is
/// reached by crystals of 2,000 edges.
const BUFFERED_EDGES: usize = 1 << 24;

/// Result of building a batch.
type Built<R> = Result<GraphBatch<R>, DataError>;
/// A place in the queue. The worker's end is in [`Job`].
type Slot<R> = Receiver<Built<R>>;

/// A batch to build, or the error that ends the stream.
struct Job<R> {
    crystals: Result<Vec<StoredCrystal>, DataError>,
    origin: Origin,
    slot: Sender<Built<R>>,
}

/// The batches of one epoch, in order. Dropping the stream stops its threads.
#[derive(Debug)]
pub struct Stream<R = f32> {
    /// The queue of slots; `None` once the stream has ended.
    queue: Option<Receiver<Slot<R>>>,
    stopped: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    workers: Vec<JoinHandle<()>>,
    crystals: u64,
    limit: BatchLimit,
    share: Share,
    least_last: usize,
    waited: Duration,
}

impl<R: BatchFloat> Stream<R> {
    /// Starts to read an epoch of a selection.
    ///
    /// # Errors
    /// [`DataError`] if a setting is out of range, no shard has a requested property, or the system cannot start a
    /// thread. A later error is the last item of the stream.
    pub fn open(selection: &Selection, settings: StreamSettings) -> Result<Self, DataError> {
        selection.sources().require_properties(&settings.properties)?;
        let cutoff = selection.sources().settings().cutoff_angstrom;
        let shards = selection.clone();
        Self::start(settings, cutoff, selection.crystals(), move |reader| reader.read(&shards))
    }

    /// Starts to build batches of the given crystals in their order. `cutoff` is the radius of their neighbour search
    /// in Å. Nothing is shuffled. The crystals are not counted, so [`Stream::crystals`] is 0.
    ///
    /// # Errors
    /// Those of [`Stream::open`].
    pub(crate) fn of_crystals<I>(
        crystals: I,
        cutoff: f64,
        settings: StreamSettings,
    ) -> Result<Self, DataError>
    where
        I: Iterator<Item = StoredCrystal> + Send + 'static,
    {
        Self::start(settings, cutoff, 0, |reader| reader.pass_on(crystals))
    }

    /// Starts the threads. `read` runs on the reader's thread.
    fn start<F>(mut settings: StreamSettings, cutoff: f64, crystals: u64, read: F) -> Result<Self, DataError>
    where
        F: FnOnce(&mut Reader<R>) -> Result<(), Stop> + Send + 'static,
    {
        settings.check()?;
        if !settings.inputs.angles() {
            settings.limit.triplets = None;
        }
        let (slots, queue) = sync_channel(settings.queue);
        let (jobs, work) = channel();
        let work = Arc::new(Mutex::new(work));
        let stopped = Arc::new(AtomicBool::new(false));
        let mut stream = Self {
            queue: Some(queue),
            stopped: Arc::clone(&stopped),
            reader: None,
            workers: Vec::with_capacity(settings.workers),
            crystals,
            limit: settings.limit,
            share: settings.share,
            least_last: settings.least_last(),
            waited: Duration::ZERO,
        };
        let builder = BatchBuilder::new(
            BatchSettings {
                cutoff_angstrom: cutoff,
                inputs: settings.inputs,
                bases_on_device: settings.bases_on_device,
                graph: settings.graph,
            },
            &settings.properties,
        );
        let workers = settings.workers;
        // First the reader, whose end is what ends the workers should one of them not start.
        let stop = Arc::clone(&stopped);
        let reader = Reader { settings, slots, jobs, stopped: stop, next: 0, next_crystal: 0 };
        stream.reader = Some(spawn("shards".to_owned(), move || reader.run(read))?);
        for worker in 0..workers {
            let (builder, work, stopped) = (builder.clone(), Arc::clone(&work), Arc::clone(&stopped));
            stream.workers.push(spawn(format!("batches-{worker}"), move || build(builder, &work, &stopped))?);
        }
        Ok(stream)
    }

    /// Returns the number of crystals of the whole epoch, including those of skipped batches.
    pub fn crystals(&self) -> u64 {
        self.crystals
    }

    /// Returns the number of batches of the whole epoch, including skipped ones; `None` if it depends on a limit of
    /// triplets.
    pub fn batches(&self) -> Option<u64> {
        let whole = self.limit.times(self.share.count).crystals as u64;
        let last = self.crystals % whole >= self.least_last as u64;
        self.limit.triplets.is_none().then(|| self.crystals / whole + u64::from(last))
    }

    /// Returns the total time that [`Iterator::next`] has waited for batches.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl<R> Stream<R> {
    /// Stops the threads and waits for their end.
    fn stop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // The reader may be waiting for room in the queue, which now has no other end.
        self.queue = None;
        for thread in self.reader.take().into_iter().chain(self.workers.drain(..)) {
            // A panic has already been told by its message; there is nothing left to undo.
            let _ = thread.join();
        }
    }
}

impl<R: BatchFloat> Iterator for Stream<R> {
    type Item = Result<GraphBatch<R>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let began = Instant::now();
        let slot = self.queue.as_ref()?.recv();
        let item = slot.ok().map(|slot| slot.recv().unwrap_or(Err(DataError::ThreadLost)));
        self.waited += began.elapsed();
        // Without a slot the reader is gone: after its last batch, or because it panicked.
        let item = item.or_else(|| self.reader_panicked().then_some(Err(DataError::ThreadLost)));
        if !matches!(item, Some(Ok(_))) {
            self.stop();
        }
        item
    }
}

impl<R> Stream<R> {
    /// Whether the reader ended with a panic. It must have left the queue.
    fn reader_panicked(&mut self) -> bool {
        self.reader.take().is_some_and(|reader| reader.join().is_err())
    }
}

impl<R> Drop for Stream<R> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a named thread.
fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, DataError> {
    let spawned = std::thread::Builder::new().name(name).spawn(run);
    spawned.map_err(|error| DataError::Thread { message: error.to_string() })
}

/// Builds batches until there are no more, as a worker.
fn build<R: BatchFloat>(mut builder: BatchBuilder<R>, work: &Mutex<Receiver<Job<R>>>, stopped: &AtomicBool) {
    loop {
        let job = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { crystals, origin, slot }) = job else { return };
        if stopped.load(Ordering::Relaxed) {
            return;
        }
        let built = crystals.and_then(|crystals| {
            let mut crystals = crystals.iter();
            let pushed = crystals.try_for_each(|crystal| {
                let pushed = builder.push(&crystal.input(), crystal.properties());
                pushed.map_err(|error| crystal.locate(error))
            });
            // Finished even after a failure, so that the next batch begins empty.
            let mut batch = builder.finish();
            batch.origin = origin;
            pushed.map(|()| batch)
        });
        // A slot without another end belongs to a stream that was dropped.
        let _ = slot.send(built);
    }
}

/// Reason why reading stops early.
enum Stop {
    /// The stream was dropped.
    Dropped,
    /// Data cannot be read.
    Failed(DataError),
}

impl<E: Into<DataError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failed(error.into())
    }
}

/// The thread that reads.
struct Reader<R> {
    settings: StreamSettings,
    slots: SyncSender<Slot<R>>,
    jobs: Sender<Job<R>>,
    stopped: Arc<AtomicBool>,
    /// Index of the next batch.
    next: u64,
    /// Index in the epoch of that batch's first crystal.
    next_crystal: u64,
}

impl<R> Reader<R> {
    fn run(mut self, read: impl FnOnce(&mut Self) -> Result<(), Stop>) {
        if let Err(Stop::Failed(error)) = read(&mut self) {
            // Errors are never among the skipped batches.
            self.next = self.next.max(self.settings.skip);
            let _ = self.hand_over(Err(error));
        }
    }

    /// Returns a planner of batches for all processes.
    fn planner(&self) -> BatchPlanner {
        let StreamSettings { limit, share, .. } = &self.settings;
        BatchPlanner::new(limit.times(share.count), share.count)
    }

    /// Plans batches of crystals as they come.
    fn pass_on(&mut self, crystals: impl Iterator<Item = StoredCrystal>) -> Result<(), Stop> {
        let mut planner = self.planner();
        for crystal in crystals {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Stop::Dropped);
            }
            self.plan(&mut planner, crystal)?;
        }
        self.end(planner)
    }

    /// Queues the last batch, if it has a crystal for every process and as many as it must have.
    fn end(&mut self, mut planner: BatchPlanner) -> Result<(), Stop> {
        match planner.finish() {
            Some(last) if last.len() >= self.settings.least_last() => self.hand_over(Ok(last)),
            _ => Ok(()),
        }
    }

    /// Reads the shards of a selection.
    fn read(&mut self, selection: &Selection) -> Result<(), Stop> {
        let (seed, epoch) = (self.settings.seed, self.settings.epoch);
        let mut row_groups = selection.row_groups().to_vec();
        if self.settings.shuffle_buffer.is_some() {
            shuffle(&mut keyed(Purpose::RowGroupOrder, seed, epoch, 0), &mut row_groups);
        }
        let mut buffer = ShuffleBuffer::new(
            self.settings.shuffle_buffer.unwrap_or(0),
            BUFFERED_EDGES,
            keyed(Purpose::ShuffleBuffer, seed, epoch, 0),
        );
        let mut planner = self.planner();
        for row_group in &row_groups {
            self.read_row_group(selection, row_group, &mut buffer, &mut planner)?;
        }
        while let Some(crystal) = buffer.pop() {
            self.plan(&mut planner, crystal)?;
        }
        self.end(planner)
    }

    fn read_row_group(
        &mut self,
        selection: &Selection,
        row_group: &RowGroup,
        buffer: &mut ShuffleBuffer<StoredCrystal>,
        planner: &mut BatchPlanner,
    ) -> Result<(), Stop> {
        let path: Arc<Path> = Arc::from(selection.path(row_group));
        for batch in selection.crystal_batches(row_group)? {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Stop::Dropped);
            }
            let (batch, members) = batch?;
            let columns = property_columns(&path, &batch, &self.settings.properties)?;
            for (row, _) in members.into_iter().enumerate().filter(|(_, member)| *member) {
                let properties = columns.iter().map(|column| property(*column, row)).collect();
                let crystal =
                    StoredCrystal::copy(&batch.row(row)?, self.settings.labels, properties).of_shard(&path);
                require_features(&crystal, self.settings.inputs.last_element)?;
                let edges = crystal.input().target.len();
                let drawn = buffer.push(crystal, edges).into_iter();
                for crystal in drawn.chain(std::iter::from_fn(|| buffer.pop_excess())) {
                    self.plan(planner, crystal)?;
                }
            }
        }
        Ok(())
    }

    /// Adds a crystal to the next batch, and queues the batch if it is complete.
    fn plan(&mut self, planner: &mut BatchPlanner, crystal: StoredCrystal) -> Result<(), Stop> {
        match planner.push(crystal)? {
            Some(complete) => self.hand_over(Ok(complete)),
            None => Ok(()),
        }
    }

    /// Queues this process's share of a batch for the workers, once the queue has room.
    fn hand_over(&mut self, mut crystals: Result<Vec<StoredCrystal>, DataError>) -> Result<(), Stop> {
        let index = self.next;
        let mut origin = Origin { first_crystal: self.next_crystal, whole: Vec::new() };
        self.next += 1;
        self.next_crystal += crystals.as_ref().map_or(0, |crystals| crystals.len() as u64);
        if index < self.settings.skip {
            return Ok(());
        }
        if let Ok(crystals) = &mut crystals {
            let share = self.settings.share.of(crystals.len());
            origin.first_crystal += share.start as u64;
            origin.whole = crystals.iter().map(|crystal| crystal.input().material_id.to_owned()).collect();
            crystals.truncate(share.end);
            crystals.drain(..share.start);
        }
        let (slot, place) = channel();
        self.slots.send(place).map_err(|_| Stop::Dropped)?;
        self.jobs.send(Job { crystals, origin, slot }).map_err(|_| Stop::Dropped)
    }
}

/// Checks that a model has features of all elements of a crystal.
fn require_features(crystal: &StoredCrystal, last: Option<u8>) -> Result<(), DataError> {
    let Some(last) = last else { return Ok(()) };
    let GraphInput { material_id, atomic_numbers, .. } = crystal.input();
    let Some(site) = atomic_numbers.iter().position(|&number| number > last) else { return Ok(()) };
    let value = atomic_numbers[site];
    let symbol = SYMBOLS.get(usize::from(value)).copied().unwrap_or("?");
    Err(crystal.locate(GraphError::NoFeatures { site, symbol, value, last }.of(material_id)))
}

/// Returns the requested property columns of a batch; `None` for those that this shard lacks.
fn property_columns<'a>(
    path: &Path,
    batch: &'a CrystalBatch,
    names: &[String],
) -> Result<Vec<Option<&'a Float64Array>>, DataError> {
    let column = |name: &String| {
        let Some(column) = batch.column(name) else { return Ok(None) };
        let values = column.as_any().downcast_ref::<Float64Array>();
        values.map(Some).ok_or_else(|| {
            let problem = format!("is {} instead of numbers", column.data_type());
            StoreError::Column { path: path.to_owned(), column: name.clone(), problem }.into()
        })
    };
    names.iter().map(column).collect()
}

/// Returns a crystal's value of a property, NaN if missing.
fn property(column: Option<&Float64Array>, row: usize) -> f64 {
    column.filter(|column| column.is_valid(row)).map_or(f64::NAN, |column| column.value(row))
}

#[cfg(test)]
mod tests;
