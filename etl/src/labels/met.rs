//! Which rows of the labels crystals were met for.

use std::sync::atomic::{AtomicU8, Ordering};

/// What became of the crystal of a row; a later one never makes less of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was left out.
    LeftOut,
    /// It is in the store.
    Kept,
}

impl Fate {
    fn bit(self) -> u8 {
        match self {
            Self::LeftOut => 1,
            Self::Kept => 2,
        }
    }
}

/// By what name a crystal led to the row of a file in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By the file's stem.
    Stem,
    /// By its path.
    Path,
}

impl Way {
    fn bit(self) -> u8 {
        match self {
            Self::Stem => 4,
            Self::Path => 8,
        }
    }
}

/// A byte for each row, which every thread may set.
#[derive(Debug, Default)]
pub(super) struct Met(Vec<AtomicU8>);

impl Met {
    /// So many rows that nobody was met for.
    pub(super) fn new(rows: usize) -> Self {
        Self((0..rows).map(|_| AtomicU8::new(0)).collect())
    }

    /// Marks a row.
    pub(super) fn mark(&self, row: u32, fate: Fate) {
        if let Some(met) = self.0.get(row as usize) {
            met.fetch_or(fate.bit(), Ordering::Relaxed);
        }
    }

    /// Notes by what name a crystal led to a row.
    pub(super) fn lead(&self, row: u32, way: Way) {
        if let Some(met) = self.0.get(row as usize) {
            met.fetch_or(way.bit(), Ordering::Relaxed);
        }
    }

    /// The first row to which two crystals led, one by its stem and one by its path.
    pub(super) fn first_of_two(&self) -> Option<u32> {
        let both = Way::Stem.bit() | Way::Path.bit();
        let row = self.0.iter().position(|met| met.load(Ordering::Relaxed) & both == both)?;
        u32::try_from(row).ok()
    }

    /// Whether the row's crystal is in the store.
    pub(super) fn is_kept(&self, row: u32) -> bool {
        self.bits(row) & Fate::Kept.bit() != 0
    }

    /// Whether any entry has the row's identifier.
    pub(super) fn is_met(&self, row: u32) -> bool {
        self.bits(row) & (Fate::Kept.bit() | Fate::LeftOut.bit()) != 0
    }

    fn bits(&self, row: u32) -> u8 {
        self.0.get(row as usize).map_or(0, |met| met.load(Ordering::Relaxed))
    }
}
