//! JARVIS-DFT: `jdft_3d.json`, `jdft_2d.json` and similar files, which are arrays of entries with the key `jid`, an
//! `atoms` dictionary (fractional or Cartesian coordinates) and dozens of properties.
//!
//! The value of a property is a number, a number in quotes, or `na`. A key with such values only is a property; texts
//! and nested values are not.

use super::definition::{Opening, SourceDefinition};
use super::entry::EntryLayout;

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: LAYOUT.source,
    has_files: false,
    id_key: Some(LAYOUT.id_key),
    default_filters: &[],
    open: Opening::Own(|inputs, _, name| LAYOUT.open(inputs, name)),
};

/// The layout of JARVIS's entries.
pub(super) const LAYOUT: EntryLayout = EntryLayout {
    source: "jarvis",
    id_key: "jid",
    id_prefix: "",
    property_prefix: "",
    column_prefix: "jarvis",
};
