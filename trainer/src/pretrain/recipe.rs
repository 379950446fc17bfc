//! Recipes: the default settings of each pre-training. `trainer/recipes/pretrain/METHOD.toml` holds those of a method;
//! those of MMPT are the defaults of the configuration.

use toml::Table;

use crate::config::data::Validation;
use crate::config::pretrain::MethodKind;
use crate::config::{self, Config};

/// Returns the recipe of the configured method, as keys of the configuration and TOML values. The validation set
/// selects the best weights of Crystal Twins and InfoGraph, if there is one.
///
/// # Panics
/// If a built-in recipe is not valid TOML.
pub fn recipe(config: &Config) -> Vec<(String, String)> {
    let text = match config.pretrain.method {
        MethodKind::Mmpt => return Vec::new(),
        MethodKind::CrystalTwins => include_str!("../../recipes/pretrain/crystal-twins.toml"),
        MethodKind::InfoGraph => include_str!("../../recipes/pretrain/infograph.toml"),
    };
    let recipe: Table = text.parse().expect("the program's recipes are TOML");
    let settings = config::settings(&recipe).into_iter().map(|(key, value)| (key, value.to_string()));
    let select = ("run.select".to_owned(), "validation".to_owned());
    settings.chain((config.data.validation != Validation::None).then_some(select)).collect()
}
