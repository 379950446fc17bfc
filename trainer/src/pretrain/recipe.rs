//! Recipes: the default settings of each pre-training. `trainer/recipes/pretrain/METHOD.toml` holds those of a method;
//! those of MMPT are the defaults of the configuration.

use toml::Table;

use crate::config::pretrain::MethodKind;
use crate::config::{self, Config};

/// Returns the recipe of the configured method, as keys of the configuration and TOML values.
///
/// # Panics
/// If a built-in recipe is not valid TOML.
pub fn recipe(config: &Config) -> Vec<(String, String)> {
    let text = match config.pretrain.method {
        MethodKind::Mmpt => return Vec::new(),
        MethodKind::CrystalTwins => include_str!("../../recipes/pretrain/crystal-twins.toml"),
        MethodKind::InfoGraph => include_str!("../../recipes/pretrain/infograph.toml"),
        MethodKind::Denoise | MethodKind::MmptDenoise => {
            include_str!("../../recipes/pretrain/denoise.toml")
        }
    };
    let recipe: Table = text.parse().expect("the program's recipes are TOML");
    config::settings(&recipe).into_iter().map(|(key, value)| (key, value.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use burn::prelude::Device;

    use super::*;
    use crate::config::data::Validation;
    use crate::config::run::Select;
    use crate::data::LatticeStatistics;
    use crate::model::names;
    use crate::pretrain::crystal_twins::CrystalTwinsObjective;
    use crate::pretrain::infograph::InfoGraphObjective;
    use crate::pretrain::{Pretraining, require_kind};

    fn resolved(settings: &[&str]) -> Config {
        Config::resolve_over(recipe, None, settings).expect("known settings")
    }

    fn trained<P: Pretraining>(config: &Config) -> usize {
        names::trained(&P::init(config, &LatticeStatistics::default(), &Device::flex().autodiff()))
    }

    #[test]
    fn every_method_has_a_recipe_for_its_encoder() {
        assert_eq!(resolved(&[]), Config::default());
        let [twins, information] = ["crystal-twins", "infograph"].map(|method| {
            let config = resolved(&[&format!("pretrain.method={method}")]);
            assert!(require_kind(&config).is_ok());
            assert_eq!((config.optimiser.learning_rate, config.optimiser.weight_decay), (1e-5, 1e-6));
            assert_eq!((config.run.epochs, config.run.select), (20, Select::Validation));
            assert_eq!((config.data.validation, config.data.validation_fraction), (Validation::Hash, 0.2));
            config
        });
        assert_eq!((twins.data.batch_crystals, information.data.batch_crystals), (64, 128));
        assert!(twins.data.drop_incomplete && !information.data.drop_incomplete);
        // The numbers of parameters of the published models.
        assert_eq!(trained::<CrystalTwinsObjective>(&twins), 130_240);
        assert_eq!(trained::<InfoGraphObjective>(&information), 368_832);
    }

    #[test]
    fn a_recipe_gives_way_to_settings() {
        let all = ["pretrain.method=crystal-twins", "data.validation=none", "run.select=train"];
        assert_eq!(resolved(&all).run.select, Select::Train);
        assert!(require_kind(&resolved(&["pretrain.method=infograph", "model.kind=mmpt"])).is_err());
    }
}
