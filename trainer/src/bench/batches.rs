//! Batches for timed steps.

use crate::data::sample::draw;
use crate::data::stored::StoredCrystal;
use crate::data::{GraphBatch, Selection, Stream, StreamSettings};
use crate::error::TrainError;

/// Choice of the timed batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Batches of crystals drawn at random from the whole store, which are typical of an epoch.
    Drawn,
    /// The first batch in the order of the shards for every step, so that another program can be timed on the same
    /// crystals.
    First,
}

/// An endless sequence of batches.
pub(super) enum Batches {
    /// Drawn crystals, again from the first one after the last.
    Drawn(Box<Drawn>),
    /// The same batch every time.
    First(Box<GraphBatch<f32>>),
}

/// Batches of the drawn crystals, in the order in which they were drawn.
pub(super) struct Drawn {
    crystals: Vec<StoredCrystal>,
    cutoff_angstrom: f64,
    settings: StreamSettings,
    stream: Stream<f32>,
}

impl Drawn {
    fn new(
        crystals: Vec<StoredCrystal>,
        cutoff_angstrom: f64,
        settings: StreamSettings,
    ) -> Result<Self, TrainError> {
        let stream = Stream::of_crystals(crystals.clone().into_iter(), cutoff_angstrom, settings.clone())?;
        Ok(Self { crystals, cutoff_angstrom, settings, stream })
    }

    fn next(&mut self) -> Result<GraphBatch<f32>, TrainError> {
        if let Some(batch) = self.stream.next() {
            return Ok(batch?);
        }
        let again = self.crystals.clone().into_iter();
        self.stream = Stream::of_crystals(again, self.cutoff_angstrom, self.settings.clone())?;
        let none = || TrainError::NoCrystals { subset: "those drawn".to_owned(), crystals: 0 };
        Ok(self.stream.next().ok_or_else(none)??)
    }
}

impl Batches {
    /// Draws the crystals of `count` different batches, or all of the selection if it has fewer; or takes its first
    /// batch. `settings` are those of the training stream.
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
        Ok(Self::Drawn(Box::new(Drawn::new(crystals, cutoff, settings)?)))
    }

    /// Returns the next batch.
    ///
    /// # Errors
    /// [`TrainError`] if a crystal is not a valid graph.
    pub(super) fn next(&mut self) -> Result<GraphBatch<f32>, TrainError> {
        match self {
            Self::First(batch) => Ok(GraphBatch::clone(batch)),
            Self::Drawn(drawn) => drawn.next(),
        }
    }
}
