//! Options that several commands share.

use clap::Args;
use clap::builder::TypedValueParser;
use crystal::contact::ContactLimit;
use etl::pipeline::{Bounds, DEFAULT_MAX_SITES, DEFAULT_ROW_GROUP_ROWS, DEFAULT_SHARD_ROWS};
use etl::source::SourceKind;
use manual::suggesting;
use schemas::settings::{
    DEFAULT_CUTOFF_ANGSTROM, DEFAULT_NEIGHBOURS, FeatureSettings, MAX_CUTOFF_ANGSTROM, MAX_NEIGHBOURS,
    Neighbours, Ties,
};

/// Returns a parser of source kinds that also lists their names for shell completion.
pub(super) fn source_kind() -> impl TypedValueParser<Value = SourceKind> {
    suggesting(str::parse::<SourceKind>, SourceKind::ALL.map(SourceKind::name))
}

/// Settings of the features.
#[derive(Debug, Args)]
pub(super) struct FeatureOptions {
    /// Radius of the neighbour search, in Å
    #[arg(
        long,
        value_name = "Å",
        default_value_t = DEFAULT_CUTOFF_ANGSTROM,
        value_parser = cutoff,
        help_heading = "Features"
    )]
    cutoff: f64,
    /// Nearest neighbours of each atom, or all within the cutoff
    #[arg(
        long,
        value_name = "N|all",
        default_value_t = Neighbours::Nearest(DEFAULT_NEIGHBOURS),
        value_parser = neighbours,
        help_heading = "Features"
    )]
    neighbours: Neighbours,
    /// Neighbours that tie with the last one: keep the whole shell, or cut
    #[arg(long, value_name = "shell|cut", default_value_t = Ties::Shell, help_heading = "Features")]
    ties: Ties,
    /// Look for the space group of every crystal of up to 200 sites, half a millisecond each on average
    #[arg(long, help_heading = "Features")]
    pub(super) space_groups: bool,
}

impl FeatureOptions {
    /// Returns the settings.
    pub(super) fn settings(&self) -> FeatureSettings {
        FeatureSettings {
            cutoff_angstrom: self.cutoff,
            neighbours: self.neighbours,
            ties: self.ties,
            ..FeatureSettings::default()
        }
    }
}

/// Parses a cutoff.
fn cutoff(text: &str) -> Result<f64, String> {
    let length = text.parse::<f64>().ok().filter(|length| *length > 0.0 && *length <= MAX_CUTOFF_ANGSTROM);
    length.ok_or_else(|| format!("not a positive number of at most {MAX_CUTOFF_ANGSTROM}"))
}

/// Parses a number of neighbours, which must be at least 1, or `all`.
fn neighbours(text: &str) -> Result<Neighbours, String> {
    match text.parse() {
        Ok(neighbours @ (Neighbours::Nearest(1..=MAX_NEIGHBOURS) | Neighbours::All)) => Ok(neighbours),
        _ => Err(format!(
            "not a whole number of at least 1 and at most {MAX_NEIGHBOURS}, nor '{}'",
            Neighbours::All
        )),
    }
}

/// Parses a minimum volume or distance, which must not be negative.
pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite());
    number.ok_or_else(|| "neither 0 nor a positive number".to_owned())
}

/// Bounds on single crystals.
#[derive(Debug, Args)]
pub(super) struct BoundOptions {
    /// Reject crystals of more sites
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_SITES, help_heading = "Filters")]
    max_sites: usize,
    /// Reject crystals with two sites nearer than this share of the sum of their covalent radii; 0 keeps all
    #[arg(long, value_name = "SHARE", default_value_t = ContactLimit::default(), help_heading = "Filters")]
    min_contact: ContactLimit,
    /// Reject crystals with an atom that has no neighbour within the cutoff
    #[arg(long, help_heading = "Filters")]
    reject_isolated: bool,
}

impl BoundOptions {
    /// Returns the limits.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            max_sites: self.max_sites,
            min_contact: self.min_contact,
            reject_isolated: self.reject_isolated,
            ..Bounds::default()
        }
    }
}

/// Sizes of a store's files.
#[derive(Debug, Args)]
pub(super) struct SizeOptions {
    /// Most rows of a shard
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SHARD_ROWS, help_heading = "Output")]
    pub(super) shard_rows: usize,
    /// Most rows of a row group
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ROW_GROUP_ROWS, help_heading = "Output")]
    pub(super) row_group_rows: usize,
}
