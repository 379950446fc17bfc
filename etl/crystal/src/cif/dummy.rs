//! Sites of dummies that are left out of a structure, for a note.

use super::error::DUMMY_SITES;
use super::lexer::Span;
use super::reading::{Reading, Remark};

/// Number of sites that a note names.
const NAMED: usize = 5;

/// The sites without an atom that are not flagged so in their file. A flag says that no atom is meant. A symbol such as `X`
/// may also stand for an atom that a program does not know.
#[derive(Debug, Default)]
pub(super) struct Dummies {
    count: usize,
    /// Indices of the first of them, at most [`NAMED`].
    first: Vec<u32>,
}

impl Dummies {
    /// Forgets the sites.
    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.first.clear();
    }

    /// Adds a site by its index, unless it is flagged.
    pub(super) fn add(&mut self, index: u32, is_flagged: bool) {
        if is_flagged {
            return;
        }
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(index);
        }
    }

    /// Returns a remark if there are any.
    pub(super) fn remark(&self, reading: &Reading<'_>) -> Option<Remark> {
        let sites: Vec<_> =
            self.first.iter().filter_map(|index| reading.block.sites.get(*index as usize)).collect();
        let at = sites.first().map(|site| Span { start: site.offset, end: site.offset })?;
        let labels: Vec<String> = sites.iter().map(|site| format!("{:?}", reading.label(site))).collect();
        let more = match self.count - sites.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let count = match self.count {
            1 => "1 site has the symbol of a dummy and is left out".to_owned(),
            count => format!("{count} sites have the symbol of a dummy and are left out"),
        };
        Some(Remark { code: DUMMY_SITES, at, message: format!("{count}: {}{more}", labels.join(", ")) })
    }
}
