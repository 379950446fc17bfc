//! Reading, overriding, printing and refusing configurations.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use schemas::hash::hex;
use sha2::{Digest, Sha256};

use super::data::Validation;
use super::finetune::Standardise;
use super::optimiser::OptimiserKind;
use super::place::Place;
use super::run::Select;
use super::schedule::ScheduleKind;
use super::section::Key;
use super::{Config, ConfigError, Override, keys, moved};

/// A configuration as a run of version 0.1.0 wrote it.
const EARLIER: &str = include_str!("tests/earlier.toml");

/// A file of this content in a folder that lives as long as the first value.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run.toml");
    std::fs::write(&path, text).expect("it is writable");
    (folder, path)
}

/// The message about a file of this content, without the folder.
fn refusal(text: &str) -> String {
    let (folder, path) = file(text);
    let message = Config::load(&path).expect_err("it must be refused").to_string();
    message.replace(&format!("{}/", folder.path().display()), "")
}

/// The message about these overrides.
fn refused_override(assignments: &[&str]) -> String {
    Config::resolve(None, assignments).expect_err("it must be refused").to_string()
}

#[test]
fn the_printed_default_reads_back_as_the_default() {
    let (_folder, path) = file(&Config::default().to_toml());
    assert_eq!(Config::load(&path).expect("it is valid"), Config::default());
    let plain: Config = toml::from_str(&Config::default().to_toml()).expect("it is plain TOML as well");
    assert_eq!(plain, Config::default());
}

#[test]
fn every_key_is_printed_once_below_its_meaning() {
    let text = Config::default().to_toml();
    let table = super::table::to_table(&Config::default());
    let settings = super::table::settings(&table);
    let known: Vec<&Key> = keys::KEYS.iter().filter(|key| !key.is_section).collect();
    assert_eq!(settings.len(), known.len());
    for (name, _) in settings {
        let key = known.iter().find(|key| key.name == name).expect(&name);
        assert!(key.meaning.ends_with('.'), "{name}: {}", key.meaning);
    }
    for section in keys::KEYS.iter().filter(|key| key.is_section) {
        assert!(section.meaning.ends_with('.'), "{}", section.name);
    }
    assert!(text.starts_with("# Seed of initial weights"), "{text}");
    assert!(text.contains("\n# Update rule.\n[optimiser]\n# \"adam\", \"adamw\""), "{text}");
    assert!(text.contains("\nlearning_rate = 1e-5\n"), "{text}");
    assert!(text.contains("\n[schedule.onecycle]\n"), "{text}");
    assert!(text.contains("\nclip_norm = \"none\"\n"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 101), "a line is too long:\n{text}");
}

#[test]
fn keys_without_effect_exist() {
    for key in keys::WITHOUT_EFFECT {
        assert!(keys::KEYS.iter().any(|known| known.name == *key), "{key}");
    }
}

#[test]
fn a_file_changes_what_it_names() {
    let (_folder, path) = file(
        "seed = 7\npretrain.mmpt.loss.coordinate = { weight = 2 }\n[optimiser]\nkind = 'adamw'\nclip_norm = 10\n\
         [schedule.onecycle]\npct_start = 0.5\n[run]\ncheckpoint_minutes = 'none'\n",
    );
    let mut expected = Config { seed: 7, ..Config::default() };
    expected.pretrain.mmpt.loss.coordinate.weight = 2.0;
    expected.optimiser.kind = OptimiserKind::AdamW;
    expected.optimiser.clip_norm = Some(10.0);
    expected.schedule.onecycle.pct_start = 0.5;
    expected.run.checkpoint_minutes = None;
    assert_eq!(Config::load(&path).expect("it is valid"), expected);
}

#[test]
fn arguments_override_the_file() {
    let (_folder, path) = file("optimiser.learning_rate = 1e-3\nseed = 5");
    let overrides = [
        "optimiser.learning_rate=1",
        "schedule.kind=cosine",
        "data.shards=[\"a\", \"b\"]",
        "data.validation = hash",
    ];
    let config = Config::resolve(Some(&path), &overrides).expect("it is valid");
    assert_eq!(config.seed, 5);
    assert_eq!(config.optimiser.learning_rate, 1.0);
    assert_eq!(config.schedule.kind, ScheduleKind::Cosine);
    assert_eq!(config.data.shards, ["a", "b"]);
    assert_eq!(config.data.validation, Validation::Hash);
}

#[test]
fn an_option_and_a_setting_do_not_contradict_each_other() {
    let resolve = |overrides: &[(&'static str, &str, &str)]| {
        let given = |&(name, key, value): &(&'static str, &str, &str)| Override {
            name,
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let overrides: Vec<Override> = overrides.iter().map(given).collect();
        Config::resolve_named(|_| Vec::new(), None, &overrides).map_err(|error| error.to_string())
    };
    let rate = "optimiser.learning_rate";
    let line = resolve(&[("--set", rate, "1e-3"), ("--learning-rate", rate, "1e-2")]).expect_err("both");
    assert_eq!(line, "--learning-rate: optimiser.learning_rate = 1e-2: --set says 1e-3");
    let config = resolve(&[("--set", rate, "0.001"), ("--learning-rate", rate, "1e-3")]).expect("the same");
    assert_eq!(config.optimiser.learning_rate, 1e-3);
    let config = resolve(&[("--set", rate, "1e-3"), ("--set", rate, "1e-2")]).expect("the last one");
    assert_eq!(config.optimiser.learning_rate, 1e-2);
}

#[test]
fn faults_in_a_file_are_located() {
    assert_eq!(
        refusal("seed = 1\n\n[optimiser]\n  learning_rat = 1e-3\n"),
        "run.toml:4:3: unknown key 'optimiser.learning_rat'; did you mean 'optimiser.learning_rate'?"
    );
    assert_eq!(
        refusal("[optimizer]\nkind = 'adam'\n"),
        "run.toml:1:2: unknown key 'optimizer'; did you mean 'optimiser'?"
    );
    assert_eq!(refusal("qqqq = 1"), "run.toml:1:1: unknown key 'qqqq'");
    assert_eq!(
        refusal("[data]\nbatch_crystals = \"many\""),
        "run.toml:2:1: data.batch_crystals = \"many\": invalid type: string \"many\", \
         expected a whole number that is not negative"
    );
    assert_eq!(
        refusal("optimiser.kind = 'lion'"),
        "run.toml:1:11: optimiser.kind = 'lion': unknown variant `lion`, expected one of `adam`, `adamw`, `sgd`"
    );
    for (text, place, value) in [("model.kind = 3", "1:7", "3"), ("model = { kind = true }", "1:11", "true")]
    {
        let expected =
            format!("run.toml:{place}: model.kind = {value}: unknown variant `{value}`, expected one of ");
        assert!(refusal(text).starts_with(&expected), "{}", refusal(text));
    }
    let message = refusal("[model.kind]\nmmpt = 1");
    assert!(message.starts_with("run.toml:1:8: model.kind = "), "{message}");
    assert!(message.ends_with(": is a setting, not a section"), "{message}");
    assert_eq!(refusal("data = 5"), "run.toml:1:1: data = 5: is a section, not a setting");
    assert_eq!(
        refusal("\n[data]\nbatch_crystals = 0"),
        "run.toml:3:1: data.batch_crystals = 0: must be at least 1"
    );
    assert!(refusal("seed = 1\nseed = 2").starts_with("run.toml:2:1: not valid TOML: duplicate key"));
    assert!(refusal("[data\n").starts_with("run.toml:1:6: not valid TOML: "), "{}", refusal("[data\n"));
}

#[test]
fn faults_in_settings_are_named() {
    assert_eq!(
        refused_override(&["optimiser.lerning_rate=1"]),
        "settings: unknown key 'optimiser.lerning_rate'; did you mean 'optimiser.learning_rate'?"
    );
    assert_eq!(
        refused_override(&["learning_rate=1"]),
        "settings: unknown key 'learning_rate'; did you mean 'optimiser.learning_rate'?"
    );
    assert_eq!(
        refused_override(&["optimiser.learning_rate=-1"]),
        "settings: optimiser.learning_rate = -1: must be finite and greater than 0"
    );
    assert_eq!(
        refused_override(&["run.epochs=-3"]),
        "settings: run.epochs = -3: invalid value: integer `-3`, expected a whole number that is not negative"
    );
    assert_eq!(
        refused_override(&["model.mmpt.attention=maybe"]),
        "settings: model.mmpt.attention = maybe: invalid type: string \"maybe\", expected true or false"
    );
    assert_eq!(refused_override(&["run"]).split(':').next(), Some("settings run"));
    assert_eq!(refused_override(&["run=5"]), "settings: run = 5: is a section, not a setting");
    assert_eq!(
        refused_override(&["run.select=validation"]),
        "settings: run.select = validation: must be \"train\" or \"last\" where data.validation = \"none\""
    );
    assert!(
        refused_override(&["schedule.kind=onecycle", "schedule.warmup_steps=3"]).contains("warmup_steps = 3")
    );
}

#[test]
fn the_settings_of_recipes_are_checked() {
    for (assignments, message) in [
        (["schedule.kind=steps", "seed=1"], "schedule.steps.epochs = []: must be a list of epochs with"),
        (
            ["schedule.kind=steps", "schedule.steps.epochs=[-1]"],
            "schedule.steps.epochs = [-1]: invalid value",
        ),
        (
            ["schedule.kind=linear", "schedule.minimum_factor=2"],
            "schedule.minimum_factor = 2: must be between",
        ),
        (["optimiser.kind=sgd", "optimiser.momentum=1"], "optimiser.momentum = 1: must be at least 0"),
        (
            ["seed=1", "optimiser.decay_exempt=[\"\"]"],
            "optimiser.decay_exempt = [\"\"]: must be a list of texts",
        ),
        (
            ["seed=1", "schedule.steps.epochs=[0]"],
            "schedule.steps.epochs = [0]: must be a list of numbers from 1",
        ),
        (["seed=1", "schedule.steps.epochs=[4, 2]"], "schedule.steps.epochs = [4, 2]: must be"),
        (["seed=1", "schedule.steps.epochs=[4, 4]"], "schedule.steps.epochs = [4, 4]: must be"),
        (["seed=1", "pretrain.crystal_twins.perturb=1e9"], "perturb = 1000000000: must be 0 to 1 Å"),
        (["seed=1", "model.cgcnn.hidden_layers=1025"], "hidden_layers = 1025: must be 1 to 1024"),
        (["seed=1", "model.megnet.readout_steps=0"], "readout_steps = 0: must be 1 to 1024"),
        (
            ["finetune.train_on_validation=true", "run.early_stop=5"],
            "finetune.train_on_validation = true: must be false unless",
        ),
        (
            ["finetune.train_on_validation=true", "schedule.kind=plateau"],
            "finetune.train_on_validation = true: must be false unless",
        ),
        (
            ["finetune.snapshots=true", "schedule.kind=cosine"],
            "finetune.snapshots = true: must be false unless",
        ),
        (
            ["schedule.kind=cosine", "schedule.cosine.cycles=3"],
            "schedule.cosine.cycles = 3: must be a number that divides run.epochs",
        ),
        (
            ["finetune.train_on_validation=true", "finetune.select=validation"],
            "finetune.train_on_validation = true: must be false unless",
        ),
        (
            ["model.kind=cgcnn", "model.cgcnn.atom_width=65536"],
            "model.cgcnn.atom_width = 65536: must be smaller",
        ),
        (
            ["model.kind=matformer", "model.matformer.heads=65536"],
            "model.matformer.width = 128: must be smaller",
        ),
        (["seed=1", "schedule.steps.factor=0"], "schedule.steps.factor = 0: must be finite and greater"),
        (["seed=1", "finetune.loss=cube"], "finetune.loss = cube: unknown variant"),
        (["seed=1", "finetune.select=train"], "finetune.select = train: unknown variant"),
    ] {
        let found = refused_override(&assignments);
        assert!(found.contains(message), "{found}");
    }
    let many = format!("model.schnet.head_widths=[{}]", "8, ".repeat(1025));
    let found = refused_override(&["model.kind=schnet", &many]);
    assert!(
        found.contains("model.schnet.head_widths = 1025 widths: must be a list of at most 1024"),
        "{found}"
    );
    let config = Config::resolve(
        None,
        &[
            "schedule.kind=steps",
            "schedule.steps.epochs=[200, 400]",
            "run.select=last",
            "finetune.standardise=none",
        ],
    );
    let config = config.expect("it is valid");
    assert_eq!(config.schedule.steps.epochs, [200, 400]);
    assert_eq!(config.run.select, Select::Last);
    assert_eq!(config.finetune.standardise, Standardise::None);
}

#[test]
fn a_value_cannot_smuggle_in_other_keys() {
    let message = refused_override(&["seed=1\nvalue2 = 3"]);
    assert!(message.starts_with("settings: seed = "), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load(Path::new("nowhere/run.toml")).expect_err("it is not there");
    assert!(matches!(&error, ConfigError::Read { path, .. } if path.ends_with("run.toml")), "{error}");
}

#[test]
fn the_program_checks_what_it_changes() {
    let mut config = Config::default();
    assert!(config.validate().is_ok());
    config.optimiser.beta1 = 1.0;
    let error = config.validate().expect_err("out of range");
    assert!(matches!(error, ConfigError::Range { place: Place::Program, .. }));
}

#[test]
fn numbers_that_are_none_are_refused() {
    for key in [
        "optimiser.learning_rate",
        "optimiser.clip_norm",
        "pretrain.mmpt.loss.atom.weight",
        "optimiser.epsilon",
    ] {
        for value in ["nan", "inf", "-inf"] {
            let message = refused_override(&[&format!("{key}={value}")]);
            assert!(message.contains(key) && message.contains("must be finite"), "{message}");
        }
    }
}

#[test]
fn the_hash_follows_what_determines_the_weights() {
    let config = Config::default();
    let mut other = config.clone();
    other.data.workers = 3;
    other.run.checkpoint_minutes = None;
    assert_eq!(other.hash(), config.hash());
    assert!(config.differences(&other).is_empty());
    other.optimiser.clip_norm = Some(1.0);
    assert_ne!(other.hash(), config.hash());
    let differences = config.differences(&other);
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].key, "optimiser.clip_norm");
    assert_eq!((&*differences[0].left, &*differences[0].right), ("\"none\"", "1.0"));
}

#[test]
fn settings_of_later_versions_enter_the_hash_where_they_change_something() {
    let config = Config::default();
    let mut digest = Sha256::new();
    for (key, value) in config.with_effect() {
        if key == "model.kind" || key == "pretrain.method" || !moved::NEW.contains(&key.as_str()) {
            digest.update(format!("{key} = {value}\n"));
        }
    }
    assert_eq!(config.hash(), hex(&digest.finalize()));
    let mut other = config.clone();
    other.data.drop_incomplete = true;
    assert_ne!(other.hash(), config.hash());
}

#[test]
fn names_of_earlier_versions_are_refused_with_todays() {
    assert_eq!(refusal("\n[model]\nhidden = 8"), "run.toml:3:1: 'model.hidden' is now 'model.mmpt.hidden'");
    assert_eq!(refusal("[loss.atom]\nweight = 1"), "run.toml:1:2: 'loss' is now 'pretrain.mmpt.loss'");
    for (before, now) in [
        ("model.hidden", "model.mmpt.hidden"),
        ("model.masking", "pretrain.mmpt.masking"),
        ("model.decoder_width", "pretrain.mmpt.decoder_width"),
        ("pal.labels", "pretrain.mmpt.labels"),
        ("loss.atom.weight", "pretrain.mmpt.loss.atom.weight"),
    ] {
        let message = refused_override(&[&format!("{before}=1")]);
        assert_eq!(message, format!("settings: '{before}' is now '{now}'"));
    }
    assert_eq!(
        refused_override(&["model.hiden=1"]),
        "settings: unknown key 'model.hiden'; did you mean 'model.mmpt.hidden'?"
    );
}

#[test]
fn what_a_run_of_an_earlier_version_wrote_is_read() {
    let (_folder, path) = file(EARLIER);
    assert!(Config::load(&path).is_err());
    let mut expected = Config { seed: 9, ..Config::default() };
    expected.model.mmpt.hidden = 16;
    assert_eq!(Config::load_recorded(&path).expect("it is known"), expected);
    assert!(Config::is_recorded(&path));
    let settings = |text: &str| {
        let settings: toml::Table = text.parse().expect("TOML");
        super::check_earlier(&settings, |_| Place::Override("settings")).map_err(|error| error.to_string())
    };
    assert_eq!(settings("\"loss.atom.weight\" = \"2.0\"\nmodel.mmpt.hidden = 8"), Ok(()));
    for (text, message) in [
        ("\"optimiser.clip_nrm\" = \"1.0\"", "settings: unknown key 'optimiser.clip_nrm'"),
        ("\"optimiser.clip_norm\" = \"-1.0\"", "settings: optimiser.clip_norm = -1: must be"),
        ("model.hidden = \"many\"", "settings: model.mmpt.hidden = many: invalid type"),
    ] {
        let refused = settings(text).expect_err("a fault");
        assert!(refused.starts_with(message), "{refused}");
    }
    let (_folder, path) = file(&EARLIER.replace("[pal]\nlabels", "[pal]\nlabel"));
    assert!(Config::load_recorded(&path).is_err());
    let (_folder, path) = file("seed = 1\n");
    assert!(Config::load_recorded(&path).is_ok() && !Config::is_recorded(&path), "most is missing");
}

proptest! {
    #[test]
    fn any_valid_configuration_survives_printing(
        seed in 0_u64..=i64::MAX as u64,
        rate in proptest::num::f64::POSITIVE | proptest::num::f64::NORMAL,
        clip in proptest::option::of(1e-300..1e300_f64),
        triplets in proptest::option::of(1_usize..1_000_000_000),
        shards in proptest::collection::vec(any::<String>(), 0..3),
    ) {
        let mut config = Config { seed, ..Config::default() };
        config.optimiser.learning_rate = rate.abs();
        config.optimiser.clip_norm = clip;
        config.data.batch_triplets = triplets;
        config.data.shards = shards;
        prop_assert!(config.validate().is_ok());
        let (_folder, path) = file(&config.to_toml());
        prop_assert_eq!(Config::load(&path).expect("it is valid"), config);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "[\\[\\]=.a-z0-9\"' \n]{0,60}", argument in any::<String>()) {
        let (_folder, path) = file(&text);
        let _ = Config::load(&path);
        let _ = Config::resolve(None, &[argument.clone(), format!("seed={argument}")]);
    }
}
