//! OQMD as published by JARVIS-Tools: `all_oqmd.json`, an array of entries with the keys `atoms`, `_oqmd_entry_id`,
//! `_oqmd_delta_e`, `_oqmd_band_gap`, `_oqmd_stability`.
//!
//! Element symbols have a trailing blank. Six entries of the complete file name two elements in parentheses; they are
//! ambiguous and are rejected. The identifier of entry 4061139 in a store is `oqmd-4061139`.

use super::definition::{Opening, SourceDefinition};
use super::entry::EntryLayout;

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: LAYOUT.source,
    has_files: false,
    id_key: Some(LAYOUT.id_key),
    default_filters: &DEFAULT_FILTERS,
    open: Opening::Own(|inputs, _, name| LAYOUT.open(inputs, name)),
};

/// The paper keeps 817,139 of 817,636 entries: those with a formation energy in [-5, 4] eV/atom, except one
/// unreadable entry (specification, section 7, row 34). An entry without the value is kept.
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
    // The keys already begin with the name of the source.
    column_prefix: "",
};
