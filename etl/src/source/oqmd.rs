//! OQMD as JARVIS-Tools publishes it: `all_oqmd.json`, an array of entries with the keys `atoms`,
//! `_oqmd_entry_id`, `_oqmd_delta_e`, `_oqmd_band_gap`, `_oqmd_stability`.
//!
//! Element strings carry a trailing blank; six entries of the full file name two elements in
//! parentheses, which no one can resolve, and are rejected. Entry 4061139 is `oqmd-4061139` in a
//! store.

use super::entry::EntryLayout;

/// The layout of OQMD's entries.
pub(super) const LAYOUT: EntryLayout = EntryLayout {
    source: "oqmd",
    id_key: "_oqmd_entry_id",
    id_prefix: "oqmd-",
    property_prefix: "_oqmd_",
    // Keys start with the source's name already.
    column_prefix: "",
};
