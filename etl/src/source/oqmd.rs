//! OQMD as JARVIS-Tools publishes it: `all_oqmd.json`, an array of entries with the keys `atoms`,
//! `_oqmd_entry_id`, `_oqmd_delta_e`, `_oqmd_band_gap`, `_oqmd_stability`.
//!
//! Element strings carry a trailing blank; six entries of the full file name two elements in
//! parentheses, which no one can resolve, and are rejected. Entry 4061139 is `oqmd-4061139` in a
//! store.

use super::definition::SourceDefinition;
use super::entry::EntryLayout;

/// The source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: LAYOUT.source,
    has_files: false,
    id_key: Some(LAYOUT.id_key),
    default_filters: &DEFAULT_FILTERS,
    open: |inputs, _, name| LAYOUT.open(inputs, name),
};

/// The paper keeps 817,139 of 817,636 entries, those with a formation energy in [-5, 4] eV/atom, without one unreadable
/// entry (specification, section 7, row 34). An entry without the value is kept.
const DEFAULT_FILTERS: [&str; 2] = [
    "formation_energy_ev_per_atom IS UNKNOWN OR formation_energy_ev_per_atom BETWEEN -5 AND 4",
    "material_id != \"oqmd-1339536\"",
];

/// The layout of OQMD's entries.
pub(super) const LAYOUT: EntryLayout = EntryLayout {
    source: "oqmd",
    id_key: "_oqmd_entry_id",
    id_prefix: "oqmd-",
    property_prefix: "_oqmd_",
    // Keys start with the source's name already.
    column_prefix: "",
};
