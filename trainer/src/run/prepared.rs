//! The batches of an epoch on the device of the model.
//!
//! On a device with its own memory, a thread draws masks and uploads a batch while the model learns from the one before.
//! On the host that would take a core from the model, and moves nothing.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use burn::prelude::*;

use crate::data::{DataError, GraphBatch, Origin, Selection, Stream, StreamSettings};
use crate::device;
use crate::error::TrainError;
use crate::model::mask::DrawKey;
use crate::run::step::Objective;

/// Number of batches on the device that wait for the model. Another one is being uploaded meanwhile.
const WAITING: usize = 1;

/// A batch on the device.
#[derive(Debug)]
pub(super) struct Prepared<B> {
    /// Place of the batch in its epoch.
    pub(super) origin: Origin,
    /// The batch as its objective prepares it.
    pub(super) batch: B,
    /// Seconds of the model's thread for it.
    pub(super) seconds: f64,
}

/// The batches of an epoch.
pub(super) enum Batches<O: Objective> {
    /// Prepared when they are asked for.
    OnDemand(OnDemand<O>),
    /// Prepared by a thread.
    Ahead(Ahead<O::Batch>),
}

/// Batches that are prepared when they are asked for.
pub(super) struct OnDemand<O> {
    stream: Stream<f32>,
    preparation: Preparation<O>,
}

/// How batches are prepared.
struct Preparation<O> {
    objective: Arc<O>,
    seed: u64,
    epoch: u64,
}

impl<O: Objective> Preparation<O> {
    fn prepare(&self, graph: GraphBatch<f32>) -> Prepared<O::Batch> {
        let begun = Instant::now();
        let origin = graph.origin.clone();
        let key = DrawKey { seed: self.seed, epoch: self.epoch, first_crystal: origin.first_crystal };
        let batch = self.objective.prepare(graph, key);
        Prepared { origin, batch, seconds: begun.elapsed().as_secs_f64() }
    }
}

/// Batches that a thread prepares.
pub(super) struct Ahead<B> {
    /// The prepared batches; `None` only while the thread is being ended.
    batches: Option<Receiver<Result<Prepared<B>, DataError>>>,
    thread: Option<JoinHandle<()>>,
    waited: Duration,
}

impl<B> Drop for Ahead<B> {
    fn drop(&mut self) {
        // The thread may be waiting for room in the queue, which now has no other end.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // A panic has already been told by its message.
            let _ = thread.join();
        }
    }
}

impl<O: Objective> Batches<O> {
    /// Opens the stream of an epoch, and begins to prepare its batches if they are prepared ahead for a device.
    ///
    /// # Errors
    /// [`TrainError::Data`] if the shards cannot be read or a thread cannot be started.
    pub(super) fn open(
        selection: &Selection,
        settings: StreamSettings,
        objective: &Arc<O>,
        ahead: Option<&Device>,
    ) -> Result<Self, TrainError> {
        let (seed, epoch) = (settings.seed, settings.epoch);
        let preparation = Preparation { objective: Arc::clone(objective), seed, epoch };
        let stream = Stream::<f32>::open(selection, settings)?;
        let Some(device) = ahead.cloned() else {
            return Ok(Self::OnDemand(OnDemand { stream, preparation }));
        };
        let (sender, batches) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("upload".to_owned())
            .spawn(move || {
                device::enter_thread(&device);
                upload(stream, &preparation, &sender);
            })
            .map_err(|error| DataError::Thread { message: error.to_string() })?;
        Ok(Self::Ahead(Ahead { batches: Some(batches), thread: Some(thread), waited: Duration::ZERO }))
    }

    /// Returns the next batch. `check` looks at those that are prepared on demand before that.
    ///
    /// # Errors
    /// [`TrainError::Data`] if the batch cannot be built, and the errors of `check`.
    pub(super) fn next(
        &mut self,
        check: impl FnOnce(&GraphBatch<f32>) -> Result<(), TrainError>,
    ) -> Result<Option<Prepared<O::Batch>>, TrainError> {
        match self {
            Self::OnDemand(OnDemand { stream, preparation }) => {
                let Some(graph) = stream.next() else { return Ok(None) };
                let graph = graph?;
                check(&graph)?;
                Ok(Some(preparation.prepare(graph)))
            }
            Self::Ahead(ahead) => {
                let begun = Instant::now();
                let batch = ahead.batches.as_ref().and_then(|batches| batches.recv().ok());
                ahead.waited += begun.elapsed();
                match batch {
                    Some(batch) => Ok(Some(Prepared { seconds: 0.0, ..batch? })),
                    // The thread ends after the last batch, or by a panic.
                    None => match ahead.thread.take().map(JoinHandle::join) {
                        Some(Err(_)) => Err(DataError::ThreadLost.into()),
                        _ => Ok(None),
                    },
                }
            }
        }
    }

    /// Returns the total time that [`Batches::next`] has waited for batches.
    pub(super) fn waited(&self) -> Duration {
        match self {
            Self::OnDemand(OnDemand { stream, .. }) => stream.waited(),
            Self::Ahead(ahead) => ahead.waited,
        }
    }
}

/// Prepares the batches of a stream until its end, the first error or the end of the receiver.
fn upload<O: Objective>(
    stream: Stream<f32>,
    preparation: &Preparation<O>,
    batches: &SyncSender<Result<Prepared<O::Batch>, DataError>>,
) {
    for graph in stream {
        let prepared = graph.map(|graph| preparation.prepare(graph));
        let failed = prepared.is_err();
        if batches.send(prepared).is_err() || failed {
            return;
        }
    }
}
