//! JARVIS-DFT: `jdft_3d.json`, `jdft_2d.json` and their kin, an array of entries with the key
//! `jid`, an `atoms` dictionary (positions fractional or Cartesian) and dozens of properties.
//!
//! A property's value is a number, a number in quotes, or `na`. A key whose values are all of that
//! sort is a property; texts and nested values are not.

use super::definition::SourceDefinition;
use super::entry::EntryLayout;

/// The source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: LAYOUT.source,
    has_files: false,
    id_key: Some(LAYOUT.id_key),
    default_filters: &[],
    open: |inputs, _, name| LAYOUT.open(inputs, name),
};

/// The layout of JARVIS's entries.
pub(super) const LAYOUT: EntryLayout = EntryLayout {
    source: "jarvis",
    id_key: "jid",
    id_prefix: "",
    property_prefix: "",
    column_prefix: "jarvis",
};
