//! Arguments about structures that are no crystals of a store.

use clap::Args;
use crystal::contact::ContactLimit;
use etl::pipeline::{Bounds, DEFAULT_MAX_SITES};
use etl::source::SourceKind;

use super::suggestions;

/// How structures are read, and which are not accepted.
#[derive(Debug, Args)]
pub(super) struct StructureArguments {
    #[arg(
        long,
        help = format!("How structures are read: {}; found out unless given", SourceKind::names()),
        value_parser = suggestions::source_kinds(),
        hide_possible_values = true
    )]
    pub(super) kind: Option<SourceKind>,
    /// Accept no structure of more sites
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_SITES, help_heading = "Filters")]
    max_sites: usize,
    /// Accept no structure with two sites nearer than this share of the sum of their covalent radii; 0 accepts all
    #[arg(long, value_name = "SHARE", default_value_t = ContactLimit::default(), help_heading = "Filters")]
    min_contact: ContactLimit,
    /// Accept no structure with an atom that has no neighbour within the cutoff
    #[arg(long, help_heading = "Filters")]
    reject_isolated: bool,
}

impl StructureArguments {
    /// Returns the bounds of accepted structures.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            max_sites: self.max_sites,
            min_contact: self.min_contact,
            reject_isolated: self.reject_isolated,
            ..Bounds::default()
        }
    }
}
