//! Record of the label rows whose crystals were found.

use std::sync::atomic::{AtomicU8, Ordering};

/// What happened to the crystal of a row. A row that was once kept stays kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The crystal was left out.
    LeftOut,
    /// The crystal is in the store.
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

/// The kind of name by which a crystal matched the row of a file in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MatchedBy {
    /// The stem of the file's name.
    Stem,
    /// The path of the file.
    Path,
}

impl MatchedBy {
    fn bit(self) -> u8 {
        match self {
            Self::Stem => 4,
            Self::Path => 8,
        }
    }
}

/// One byte per row, which any thread may set.
#[derive(Debug, Default)]
pub(super) struct Met(Vec<AtomicU8>);

impl Met {
    /// Creates a record of rows without crystals.
    pub(super) fn new(rows: usize) -> Self {
        Self((0..rows).map(|_| AtomicU8::new(0)).collect())
    }

    /// Marks a row.
    pub(super) fn mark(&self, row: u32, fate: Fate) {
        if let Some(met) = self.0.get(row as usize) {
            met.fetch_or(fate.bit(), Ordering::Relaxed);
        }
    }

    /// Records by which kind of name a crystal matched a row.
    pub(super) fn record_match(&self, row: u32, by: MatchedBy) {
        if let Some(met) = self.0.get(row as usize) {
            met.fetch_or(by.bit(), Ordering::Relaxed);
        }
    }

    /// Returns the first row that two crystals matched, one by its stem and one by its path.
    pub(super) fn first_of_two(&self) -> Option<u32> {
        let both = MatchedBy::Stem.bit() | MatchedBy::Path.bit();
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
