//! The batches that are timed.

use crate::data::sample::draw;
use crate::data::stored::StoredCrystal;
use crate::data::{GraphBatch, Selection, Stream, StreamSettings};
use crate::error::TrainError;

/// Which batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Crystals drawn at random from the whole store, which stand for an epoch's.
    Drawn,
    /// The first batch in the order of the shards, again and again: another program can be given the same.
    First,
}

/// Batches without an end.
pub(super) enum Batches {
    /// Of crystals that begin anew after the last.
    Drawn { crystals: Vec<StoredCrystal>, cutoff: f64, settings: StreamSettings, stream: Stream<f32> },
    /// One and the same.
    First(Box<GraphBatch<f32>>),
}

impl Batches {
    /// So many different batches, or as many as the selection gives; `settings` are those of training.
    pub(super) fn choose(
        choice: Choice,
        selection: &Selection,
        settings: StreamSettings,
        count: usize,
    ) -> Result<Self, TrainError> {
        if choice == Choice::First {
            let settings = StreamSettings { shuffle_buffer: None, ..settings };
            let first = Stream::<f32>::open(selection, settings)?.next();
            let none = || TrainError::NoCrystals { subset: selection.subset().to_string(), crystals: 0 };
            let first = first.ok_or_else(none)??;
            return Ok(Self::First(Box::new(first)));
        }
        let count = count.saturating_mul(settings.limit.crystals);
        let crystals = draw(selection, count, settings.seed, settings.labels)?;
        let cutoff = selection.sources().settings().cutoff_angstrom;
        let stream = Stream::of_crystals(crystals.clone().into_iter(), cutoff, settings.clone())?;
        Ok(Self::Drawn { crystals, cutoff, settings, stream })
    }

    /// The next batch.
    pub(super) fn next(&mut self) -> Result<GraphBatch<f32>, TrainError> {
        let (crystals, cutoff, settings, stream) = match self {
            Self::First(batch) => return Ok(GraphBatch::clone(batch)),
            Self::Drawn { crystals, cutoff, settings, stream } => (crystals, *cutoff, settings, stream),
        };
        if let Some(batch) = stream.next() {
            return Ok(batch?);
        }
        *stream = Stream::of_crystals(crystals.clone().into_iter(), cutoff, settings.clone())?;
        let none = || TrainError::NoCrystals { subset: "those drawn".to_owned(), crystals: 0 };
        Ok(stream.next().ok_or_else(none)??)
    }
}
