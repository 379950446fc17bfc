//! Conversion of the settings and limits of a store to those of [`crystal`].

use crystal::feature::{FeatureOptions, Neighbours, Ties};
use schemas::limits::{self, LimitError};
use schemas::settings::{self, FeatureSettings};

use crate::reject::{TOO_MANY_EDGES, TOO_MANY_SITES, TOO_MANY_TRIPLETS};

const _: () = assert!(crystal::feature::MAX_EDGES == limits::MAX_EDGES);
const _: () = assert!(crystal::feature::MAX_NEIGHBOURS == settings::MAX_NEIGHBOURS);
const _: () = assert!(crystal::feature::MAX_CUTOFF_ANGSTROM == settings::MAX_CUTOFF_ANGSTROM);

/// Returns the feature options for the settings of a store.
pub fn options(settings: &FeatureSettings) -> FeatureOptions {
    let FeatureSettings {
        cutoff_angstrom,
        neighbours,
        ties,
        tie_tolerance_angstrom,
        wrap_tolerance,
        niggli_epsilon,
        centred_tolerance,
    } = *settings;
    let neighbours = match neighbours {
        settings::Neighbours::Nearest(number) => Neighbours::Nearest(number),
        settings::Neighbours::All => Neighbours::All,
    };
    let ties = match ties {
        settings::Ties::Shell => Ties::Shell,
        settings::Ties::Cut => Ties::Cut,
    };
    FeatureOptions {
        cutoff_angstrom,
        neighbours,
        ties,
        tie_tolerance_angstrom,
        wrap_tolerance,
        niggli_epsilon,
        centred_tolerance,
    }
}

/// Returns the reason code of a crystal that exceeds the limits of a store.
pub(crate) fn limit_code(error: &LimitError) -> &'static str {
    match error {
        LimitError::Sites { .. } => TOO_MANY_SITES,
        LimitError::Edges { .. } => TOO_MANY_EDGES,
        LimitError::Pairs { .. } => TOO_MANY_TRIPLETS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_settings_are_the_default_options() {
        assert_eq!(options(&FeatureSettings::default()), FeatureOptions::default());
        let settings = |neighbours, ties| FeatureSettings { neighbours, ties, ..FeatureSettings::default() };
        let expected = |neighbours, ties| FeatureOptions { neighbours, ties, ..FeatureOptions::default() };
        let cut = settings(settings::Neighbours::Nearest(3), settings::Ties::Cut);
        assert_eq!(options(&cut), expected(Neighbours::Nearest(3), Ties::Cut));
        let all = settings(settings::Neighbours::All, settings::Ties::Shell);
        assert_eq!(options(&all), expected(Neighbours::All, Ties::Shell));
    }
}
