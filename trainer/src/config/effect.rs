//! Settings that have no effect: on a use, or because of the value of another setting, such as `optimiser.momentum` with
//! Adam.

use super::average::AverageKind;
use super::choice;
use super::data::Validation;
use super::error::ConfigError;
use super::finetune::Loss;
use super::model::{MegnetStyle, ModelKind};
use super::optimiser::OptimiserKind;
use super::place::Place;
use super::pretrain::MethodKind;
use super::purpose::Purpose;
use super::schedule::ScheduleKind;
use super::{Config, Override};

impl Purpose {
    /// Checks that every override of a configuration has an effect. The settings of a file may have none, since one file
    /// may serve several commands. The keys must be known.
    ///
    /// # Errors
    /// [`ConfigError::WithoutEffect`] or [`ConfigError::Hindered`] for the first setting without an effect.
    pub fn require_effect(self, config: &Config, overrides: &[Override]) -> Result<(), ConfigError> {
        for Override { name, key, value } in overrides {
            let (place, key, value) = (Place::Override(name), key.clone(), value.clone());
            if !self.uses(&key) {
                return Err(ConfigError::WithoutEffect { place, key, value, purpose: self });
            }
            if let Some(other) = self.hindrance(config, &key) {
                let other = format!("{other} = {}", config.value(other).unwrap_or_default());
                return Err(ConfigError::Hindered { place, key, value, other });
            }
        }
        Ok(())
    }

    /// Returns the setting beside which another one has no effect; `None` if it has one.
    pub(crate) fn hindrance(self, config: &Config, key: &str) -> Option<&'static str> {
        let is_finetuning = matches!(self, Self::Finetuning | Self::FinetuningBySeeds);
        if is_finetuning && key == "pretrain.method" && config.pretrain.method.model() != config.model.kind {
            // The recipe is the encoder's own.
            return Some("model.kind");
        }
        hindrance(config, key)
    }
}

/// Returns the setting whose value makes `key` useless; `None` if `key` has an effect.
fn hindrance(config: &Config, key: &str) -> Option<&'static str> {
    let Config { model, data, optimiser, schedule, average, finetune, .. } = config;
    let is_sgd = optimiser.kind == OptimiserKind::Sgd;
    let has_cycle = schedule.kind == ScheduleKind::OneCycle;
    let moves_momentum = has_cycle && schedule.onecycle.cycle_momentum;
    let unless = |holds: bool, key: &'static str| (!holds).then_some(key);
    let section = key.rsplit_once('.').map_or("", |(section, _)| section);
    match key {
        "optimiser.momentum" => unless(is_sgd, "optimiser.kind").or(moved(moves_momentum)),
        "optimiser.beta1" => unless(!is_sgd, "optimiser.kind").or(moved(moves_momentum)),
        "optimiser.beta2" | "optimiser.epsilon" => unless(!is_sgd, "optimiser.kind"),
        "schedule.minimum_factor" => {
            let falls = [ScheduleKind::Cosine, ScheduleKind::Linear, ScheduleKind::Plateau];
            unless(falls.contains(&schedule.kind), "schedule.kind")
        }
        "schedule.onecycle.base_momentum" | "schedule.onecycle.max_momentum" if has_cycle => {
            unless(moves_momentum, "schedule.onecycle.cycle_momentum")
        }
        "data.validation_fraction" => unless(data.validation == Validation::Hash, "data.validation"),
        "pretrain.denoise.weight" if config.pretrain.method == MethodKind::Denoise => Some("pretrain.method"),
        "pretrain.denoise.strain_weight" if config.pretrain.denoise.strain == 0.0 => {
            Some("pretrain.denoise.strain")
        }
        "pretrain.denoise.type_weight"
            if matches!(config.pretrain.method, MethodKind::Denoise | MethodKind::MmptDenoise) =>
        {
            unless(config.pretrain.denoise.hides_types(), "pretrain.denoise.hidden_types")
        }
        "average.decay" => unless(average.kind == AverageKind::Ema, "average.kind"),
        "average.first_epoch" => unless(average.kind == AverageKind::Swa, "average.kind"),
        "noise.gradient_decay" => unless(config.noise.gradient > 0.0, "noise.gradient"),
        "finetune.huber_delta" => unless(finetune.loss == Loss::Huber, "finetune.loss"),
        "finetune.quantile" => unless(finetune.loss == Loss::Quantile, "finetune.loss"),
        "finetune.layer_decay" => unless(!finetune.freeze_encoder, "finetune.freeze_encoder"),
        "finetune.noise_weight" => unless(model.kind == ModelKind::Mmpt, "model.kind")
            .or(unless(!finetune.freeze_encoder, "finetune.freeze_encoder")),
        "finetune.head_width" => unless(model.kind == ModelKind::Mmpt, "model.kind"),
        "model.mmpt.attention_values" if model.kind == ModelKind::Mmpt => {
            unless(model.mmpt.attention, "model.mmpt.attention")
        }
        "model.megnet.gaussians_end" if model.kind == ModelKind::Megnet => {
            unless(model.megnet.style == MegnetStyle::Lstm, "model.megnet.style")
        }
        _ => match section {
            "schedule.cosine" => unless(schedule.kind == ScheduleKind::Cosine, "schedule.kind"),
            "schedule.onecycle" => unless(has_cycle, "schedule.kind"),
            "schedule.steps" => unless(schedule.kind == ScheduleKind::Steps, "schedule.kind"),
            "schedule.linear" => unless(schedule.kind == ScheduleKind::Linear, "schedule.kind"),
            "schedule.plateau" => unless(schedule.kind == ScheduleKind::Plateau, "schedule.kind"),
            _ => choice::hindrance(config, key),
        },
    }
}

/// Returns the schedule's kind if it replaces the momentum.
fn moved(moves_momentum: bool) -> Option<&'static str> {
    moves_momentum.then_some("schedule.kind")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(setting: &str) -> [Override; 1] {
        [Override::parse("--set", setting).expect("key=value")]
    }

    #[test]
    fn settings_without_an_effect_are_refused() {
        let require = |purpose: Purpose, setting: &str| {
            let config = Config::resolve(None, &[setting]).expect("a known setting");
            purpose.require_effect(&config, &given(setting)).map_err(|error| error.to_string())
        };
        let refused = |purpose, setting| require(purpose, setting).expect_err("no effect");
        assert_eq!(
            refused(Purpose::Finetuning, "pretrain.mmpt.labels = cell"),
            "--set: pretrain.mmpt.labels = cell: has no effect on fine-tuning"
        );
        for (purpose, setting) in [
            (Purpose::Finetuning, "data.validation=hash"),
            (Purpose::Finetuning, "run.select=train"),
            (Purpose::Pretraining, "finetune.head_width=8"),
            (Purpose::Pretraining, "noise.strain=0.01"),
            (Purpose::Embedding, "model.mmpt.hidden=8"),
            (Purpose::Embedding, "data.shuffle_buffer=8"),
            (Purpose::FinetuningBySeeds, "seed=8"),
            (Purpose::FinetuningBySeeds, "run.select=train"),
        ] {
            assert!(refused(purpose, setting).contains(": has no effect on "), "{setting}");
        }
        for setting in ["model.mmpt.hidden=8", "run.epochs=3", "data.batch_crystals=2", "seed=5"] {
            for purpose in [Purpose::Pretraining, Purpose::Finetuning] {
                require(purpose, setting).expect(setting);
            }
        }
        require(Purpose::Embedding, "data.workers=2").expect("it has one");
        assert_eq!(
            refused(Purpose::Pretraining, "optimiser.momentum=0.5"),
            "--set: optimiser.momentum = 0.5: has no effect with optimiser.kind = \"adam\""
        );
        assert_eq!(
            refused(Purpose::Finetuning, "model.schnet.interactions=2"),
            "--set: model.schnet.interactions = 2: has no effect with model.kind = \"mmpt\""
        );
    }

    #[test]
    fn a_method_has_a_recipe_for_its_encoder_alone() {
        let method = "pretrain.method=infograph";
        for (kind, has_effect) in [("cgcnn", true), ("schnet", false)] {
            let config = Config::resolve(None, &[method, &format!("model.kind={kind}")]).expect("settings");
            assert_eq!(Purpose::Finetuning.require_effect(&config, &given(method)).is_ok(), has_effect);
            assert!(Purpose::Pretraining.require_effect(&config, &given(method)).is_ok());
            let shown = config.settings_for(Purpose::Finetuning);
            assert_eq!(shown.iter().any(|(key, _)| key == "pretrain.method"), has_effect, "{kind}");
            assert!(!shown.iter().any(|(key, _)| key.starts_with("model.mmpt.")), "{kind}");
        }
    }

    #[test]
    fn settings_have_an_effect_beside_those_that_ask_for_them() {
        for (key, settings, other) in [
            ("optimiser.momentum", &["optimiser.kind=sgd"][..], "optimiser.kind"),
            ("optimiser.beta1", &[], ""),
            ("schedule.minimum_factor", &["schedule.kind=linear"], "schedule.kind"),
            ("schedule.onecycle.pct_start", &["schedule.kind=onecycle"], "schedule.kind"),
            ("schedule.steps.factor", &["schedule.kind=steps", "schedule.steps.epochs=[3]"], "schedule.kind"),
            ("schedule.linear.constant_epochs", &["schedule.kind=linear"], "schedule.kind"),
            ("schedule.plateau.patience", &["schedule.kind=plateau"], "schedule.kind"),
            ("schedule.minimum_factor", &["schedule.kind=plateau"], "schedule.kind"),
            ("schedule.cosine.cycles", &["schedule.kind=cosine"], "schedule.kind"),
            ("average.decay", &["average.kind=ema"], "average.kind"),
            ("average.first_epoch", &["average.kind=swa"], "average.kind"),
            ("noise.gradient_decay", &["noise.gradient=0.1"], "noise.gradient"),
            ("finetune.huber_delta", &["finetune.loss=huber"], "finetune.loss"),
            ("finetune.quantile", &["finetune.loss=quantile"], "finetune.loss"),
            ("finetune.layer_decay", &[], ""),
            ("finetune.noise_weight", &[], ""),
            ("pretrain.denoise.strain", &["pretrain.method=denoise"], "pretrain.method"),
            ("pretrain.denoise.hidden_types", &["pretrain.method=denoise"], "pretrain.method"),
            ("pretrain.denoise.weight", &["pretrain.method=mmpt+denoise"], "pretrain.method"),
            ("pretrain.mmpt.decoder_width", &["pretrain.method=mmpt+denoise"], ""),
            ("data.validation_fraction", &["data.validation=hash"], "data.validation"),
            ("model.schnet.interactions", &["model.kind=schnet"], "model.kind"),
            ("model.megnet.gaussians_end", &["model.kind=megnet", "model.megnet.style=lstm"], "model.kind"),
            ("pretrain.crystal_twins.perturb", &["pretrain.method=crystal-twins"], "pretrain.method"),
            ("run.epochs", &[], ""),
            ("model.kind", &[], ""),
            ("pretrain.method", &[], ""),
        ] {
            let config = Config::resolve(None, settings).expect("known settings");
            assert_eq!(hindrance(&config, key), None, "{key} with {settings:?}");
            let other = Some(other).filter(|other| !other.is_empty());
            assert_eq!(hindrance(&Config::default(), key), other, "{key}");
        }
        for (key, settings, other) in [
            ("optimiser.beta2", &["optimiser.kind=sgd"][..], "optimiser.kind"),
            ("optimiser.beta1", &["schedule.kind=onecycle"], "schedule.kind"),
            ("optimiser.momentum", &["schedule.kind=onecycle", "optimiser.kind=sgd"], "schedule.kind"),
            (
                "schedule.onecycle.max_momentum",
                &["schedule.kind=onecycle", "schedule.onecycle.cycle_momentum=false"],
                "schedule.onecycle.cycle_momentum",
            ),
            ("average.decay", &["average.kind=swa"], "average.kind"),
            ("pretrain.denoise.weight", &["pretrain.method=denoise"], "pretrain.method"),
            ("finetune.noise_weight", &["model.kind=cgcnn"], "model.kind"),
            ("finetune.noise_weight", &["finetune.freeze_encoder=true"], "finetune.freeze_encoder"),
            (
                "pretrain.denoise.type_weight",
                &["pretrain.method=mmpt+denoise"],
                "pretrain.denoise.hidden_types",
            ),
            ("pretrain.denoise.type_weight", &["pretrain.method=denoise"], "pretrain.denoise.hidden_types"),
            ("pretrain.mmpt.decoder_width", &["pretrain.method=denoise"], "pretrain.method"),
            (
                "pretrain.denoise.strain_weight",
                &["pretrain.method=denoise", "pretrain.denoise.strain=0"],
                "pretrain.denoise.strain",
            ),
            ("finetune.layer_decay", &["finetune.freeze_encoder=true"], "finetune.freeze_encoder"),
            ("finetune.head_width", &["model.kind=cgcnn"], "model.kind"),
            ("model.mmpt.attention_values", &["model.mmpt.attention=false"], "model.mmpt.attention"),
            ("model.megnet.gaussians_end", &["model.kind=megnet"], "model.megnet.style"),
        ] {
            let config = Config::resolve(None, settings).expect("known settings");
            assert_eq!(hindrance(&config, key), Some(other), "{key} with {settings:?}");
        }
    }
}
