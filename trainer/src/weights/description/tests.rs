use proptest::prelude::*;
use schemas::settings::{Neighbours, Ties};

use super::super::key::EARLIER_LABELS_KEY;
use super::*;
use crate::config::pretrain::Masking;
use crate::config::{MmptModelConfig, MmptPretrainConfig};
use crate::data::PeriodicLabels;
use crate::task::Transform;

fn labelled(labels: PeriodicLabels) -> PretrainConfig {
    let mmpt = MmptPretrainConfig { labels, masking: Masking::Independent, ..MmptPretrainConfig::default() };
    PretrainConfig { mmpt, ..PretrainConfig::default() }
}

fn sample() -> Description {
    Description {
        model: ModelConfig {
            mmpt: MmptModelConfig { hidden: 32, ..MmptModelConfig::default() },
            ..ModelConfig::default()
        },
        pretrain: labelled(PeriodicLabels::Cell),
        features: FeatureSettings { ties: Ties::Cut, ..FeatureSettings::default() },
        lattice: LatticeStatistics { mean: [4.9, 5.6, 8.0, 89.0, 86.0, 86.0], std: [0.1 + 0.2; 6] },
        target: None,
    }
}

#[test]
fn deviations_are_positive_and_means_are_numbers() {
    let refusal = |key: &str, value: String| {
        let mut metadata = sample().to_metadata();
        metadata.insert(key.to_owned(), value);
        Description::from_metadata(&metadata).expect_err("a value that cannot be").to_string()
    };
    for deviation in ["0", "-1"] {
        let message = refusal(LATTICE_STD_KEY, format!("[1,1,1,1,1,{deviation}]"));
        assert!(message.contains(&format!("{deviation} is not positive")), "{message}");
    }
    let target = |mean: f64, std: f64| Target {
        task: "gaps".to_owned(),
        property: "gap_ev".to_owned(),
        unit: "eV".to_owned(),
        transform: Transform::None,
        mean,
        std,
        head_width: 8,
        classes: Vec::new(),
        further: Vec::new(),
        per_site: false,
    };
    for (mean, std, part) in [
        (0.0, 0.0, "hold mmpt.target.std = 0: is not positive"),
        (0.0, -1.0, "hold mmpt.target.std = -1: is not positive"),
        (0.0, f64::NAN, "hold mmpt.target.std = NaN: is not positive"),
        (f64::INFINITY, 1.0, "hold mmpt.target.mean = inf: is not finite"),
    ] {
        let message = refusal(TARGET_KEY, json(&target(mean, std)));
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_description_survives_as_text() {
    let metadata = sample().to_metadata();
    assert_eq!(metadata[LATTICE_MEAN_KEY], "[4.9,5.6,8.0,89.0,86.0,86.0]");
    assert_eq!(metadata["mmpt.ties"], "cut");
    assert_eq!((&*metadata[KIND_KEY], &*metadata[METHOD_KEY]), ("mmpt", "mmpt"));
    assert!(metadata[CONFIG_KEY].starts_with(r#"{"graph":"multigraph","attention":true"#));
    assert!(metadata[PRETRAIN_KEY].starts_with(r#"{"labels":"cell","masking":"independent""#));
    assert_eq!(Description::from_metadata(&metadata).expect("it is whole"), Some(sample()));
    let features = FeatureSettings { neighbours: Neighbours::All, ..FeatureSettings::default() };
    let all = Description { features, ..sample() };
    assert_eq!(all.to_metadata()["mmpt.neighbours"], "all");
    assert_eq!(Description::from_metadata(&all.to_metadata()).expect("it is whole"), Some(all));
}

#[test]
fn metadata_of_earlier_versions_are_understood() {
    let mut metadata = sample().to_metadata();
    for key in [KIND_KEY, METHOD_KEY, PRETRAIN_KEY] {
        metadata.remove(key);
    }
    let config = metadata[CONFIG_KEY].replace('}', r#","decoder_width":64,"masking":"independent"}"#);
    metadata.insert(CONFIG_KEY.to_owned(), config.clone());
    metadata.insert(EARLIER_LABELS_KEY.to_owned(), r#"{"labels":"cell"}"#.to_owned());
    assert_eq!(Description::from_metadata(&metadata).expect("it is whole"), Some(sample()));
    let refused = |key: &str, value: &str| {
        let mut metadata = metadata.clone();
        metadata.insert(key.to_owned(), value.to_owned());
        Description::from_metadata(&metadata).expect_err("a fault").to_string()
    };
    let message = refused(EARLIER_LABELS_KEY, r#"{"labels":"none"}"#);
    assert!(message.contains("hold mmpt.pal.labels = \"none\": unknown variant"), "{message}");
    let message = refused(EARLIER_LABELS_KEY, r#"{"labels":"cell","masking":"mutex"}"#);
    assert!(message.contains("hold mmpt.pal.masking = \"mutex\": there is no such setting"), "{message}");
    let message = refused(EARLIER_LABELS_KEY, "{}");
    assert_eq!(message, "the weights' metadata lack 'mmpt.pal.labels'");
    let message = refused(CONFIG_KEY, &config.replace("independent", "half"));
    assert!(message.contains("hold mmpt.config.masking = \"half\": unknown variant"), "{message}");
    let message = refused(CONFIG_KEY, &config.replace(r#","masking":"independent""#, ""));
    assert_eq!(message, "the weights' metadata lack 'mmpt.config.masking'");
}

#[test]
fn keys_of_this_and_earlier_versions_are_not_mixed() {
    for key in [KIND_KEY, METHOD_KEY, PRETRAIN_KEY] {
        let mut metadata = sample().to_metadata();
        for other in [KIND_KEY, METHOD_KEY, PRETRAIN_KEY].iter().filter(|other| **other != key) {
            metadata.remove(*other);
        }
        let message = Description::from_metadata(&metadata).expect_err("incomplete").to_string();
        assert!(message.starts_with("the weights' metadata lack 'mmpt."), "{message}");
        metadata.insert(EARLIER_LABELS_KEY.to_owned(), r#"{"labels":"centred"}"#.to_owned());
        let message = Description::from_metadata(&metadata).expect_err("a mixture").to_string();
        assert!(message.contains("hold mmpt.pal = ") && message.contains(key), "{message}");
    }
}

#[test]
fn a_setting_of_a_section_is_there_once_and_named() {
    let refused = |key: &str, value: &str| {
        let mut metadata = sample().to_metadata();
        metadata.insert(key.to_owned(), value.to_owned());
        Description::from_metadata(&metadata).expect_err("a fault").to_string()
    };
    let config = sample().to_metadata()[CONFIG_KEY].clone();
    let changed = |from: &str, to: &str| refused(CONFIG_KEY, &config.replace(from, to));
    for (message, expected) in [
        (refused(PRETRAIN_KEY, "{}"), "lack 'mmpt.pretrain.decoder_width'"),
        (
            changed("\"hidden\":32", "\"hidden\":\"many\""),
            "hold mmpt.config.hidden = \"many\": invalid type: string \"many\", expected a whole number that \
             is not negative",
        ),
        (changed("\"hidden\"", "\"hiden\""), "hold mmpt.config.hiden = 32: there is no such setting"),
        (
            changed("\"hidden\":32", "\"hidden\":32,\"loss\":{}"),
            "hold mmpt.config.loss = {}: there is no such setting",
        ),
        (refused(PRETRAIN_KEY, "{\"loss\":1}"), "hold mmpt.pretrain.loss = 1: is a section, not a setting"),
        (refused(PRETRAIN_KEY, "[]"), "hold mmpt.pretrain = []: is no JSON object"),
        (refused(TARGET_KEY, "{\"mean\":\"x\"}"), "hold mmpt.target.mean = \"x\": 'x' is not a number"),
        (refused(TARGET_KEY, "{}"), "lack 'mmpt.target.head_width'"),
    ] {
        assert_eq!(message, format!("the weights' metadata {expected}"));
    }
    let message = changed("\"hidden\":32", "\"hidden\":32,\"hidden\":64");
    assert!(message.contains("the key 'hidden' stands twice"), "{message}");
    assert!(message.contains("hold mmpt.config = {\"graph\"") && message.contains("…: "), "{message}");
}

/// A fine-tuned model of a kind.
fn fine_tuned(kind: ModelKind, method: MethodKind) -> Description {
    let target = Target {
        task: "gaps".to_owned(),
        property: "gap_ev".to_owned(),
        unit: "eV".to_owned(),
        transform: Transform::None,
        mean: 0.0,
        std: 1.0,
        head_width: 8,
        classes: Vec::new(),
        further: Vec::new(),
        per_site: false,
    };
    let mut described = Description { target: Some(target), ..Description::default() };
    (described.model.kind, described.pretrain.method) = (kind, method);
    described
}

#[test]
fn the_transform_of_an_unknown_unit_has_the_name_of_now() {
    let mut described = fine_tuned(ModelKind::Mmpt, MethodKind::Mmpt);
    let target = described.target.as_mut().expect("it is fine-tuned");
    (target.transform, target.unit) = (Transform::Log10, "log10()".to_owned());
    let read = Description::from_metadata(&described.to_metadata()).expect("of an earlier version");
    let unit = read.and_then(|description| description.target).map(|target| target.unit);
    assert_eq!(unit.as_deref(), Some("log10"));
}

#[test]
fn features_without_the_edges_of_the_model_are_refused() {
    let cgcnn = fine_tuned(ModelKind::Cgcnn, MethodKind::Mmpt).to_metadata();
    assert!(Description::from_metadata(&cgcnn).is_ok());
    let schnet = fine_tuned(ModelKind::Schnet, MethodKind::Mmpt).to_metadata();
    let message = Description::from_metadata(&schnet).expect_err("within 5 Å").to_string();
    let expected = "the weights' metadata describe a model of edges \"r5\", which need cutoff_angstrom = 5, but \
                    cutoff_angstrom = 8";
    assert_eq!(message, expected);
}

#[test]
fn the_metadata_are_of_what_the_model_is() {
    let of_encoder = fine_tuned(ModelKind::Cgcnn, MethodKind::Mmpt);
    let metadata = of_encoder.to_metadata();
    assert!(![METHOD_KEY, PRETRAIN_KEY].into_iter().any(|key| metadata.contains_key(key)));
    assert_eq!(Description::from_metadata(&metadata).expect("it is whole"), Some(of_encoder.clone()));
    let mut other = PretrainConfig { method: MethodKind::CrystalTwins, ..PretrainConfig::default() };
    assert!(of_encoder.require(&of_encoder.model, &other, &of_encoder.features).is_err());
    let schnet = fine_tuned(ModelKind::Schnet, MethodKind::Mmpt);
    assert!(schnet.require(&schnet.model, &other, &schnet.features).is_ok(), "no method trains it");
    let of_method = fine_tuned(ModelKind::Cgcnn, MethodKind::InfoGraph);
    let metadata = of_method.to_metadata();
    assert_eq!(metadata[METHOD_KEY], "infograph");
    other.method = MethodKind::Mmpt;
    assert!(of_method.require(&of_method.model, &other, &of_method.features).is_err());
    let refused = |key: &str, value: Option<&str>| {
        let mut metadata = metadata.clone();
        match value {
            Some(value) => metadata.insert(key.to_owned(), value.to_owned()),
            None => metadata.remove(key),
        };
        Description::from_metadata(&metadata).expect_err("a fault").to_string()
    };
    for (key, value, message) in [
        (PRETRAIN_KEY, Some("{\"output_width\":8}"), "pretrain.output_width = 8: there is no such setting"),
        (PRETRAIN_KEY, None, "the weights' metadata lack 'mmpt.pretrain'"),
        (METHOD_KEY, None, "the weights' metadata lack 'mmpt.method'"),
        ("mmpt.charge", Some("1"), "hold mmpt.charge = 1: this version knows no such key"),
    ] {
        let found = refused(key, value);
        assert!(found.ends_with(message), "{found}");
    }
    let mut pretrained = fine_tuned(ModelKind::Cgcnn, MethodKind::CrystalTwins).to_metadata();
    pretrained.remove(TARGET_KEY);
    pretrained.insert(METHOD_KEY.to_owned(), "mmpt".to_owned());
    let message = Description::from_metadata(&pretrained).expect_err("another encoder").to_string();
    assert!(
        message.contains("hold mmpt.method = mmpt: trains the encoder \"mmpt\", not \"cgcnn\""),
        "{message}"
    );
}

#[test]
fn the_loss_may_be_absent() {
    let mut metadata = sample().to_metadata();
    let settings = r#"{"labels":"cell","masking":"independent","decoder_width":64}"#;
    metadata.insert(PRETRAIN_KEY.to_owned(), settings.to_owned());
    assert_eq!(Description::from_metadata(&metadata).expect("no weight depends on it"), Some(sample()));
}

#[test]
fn an_unknown_kind_or_method_is_named() {
    for key in [KIND_KEY, METHOD_KEY] {
        let mut metadata = sample().to_metadata();
        metadata.insert(key.to_owned(), "abacus".to_owned());
        // Whatever its settings may be.
        metadata.insert(CONFIG_KEY.to_owned(), "{\"beads\":10}".to_owned());
        let message = Description::from_metadata(&metadata).expect_err("unknown").to_string();
        let expected =
            format!("the weights' metadata hold {key} = abacus: unknown variant `abacus`, expected ");
        assert!(message.starts_with(&expected) && message.contains("`mmpt`"), "{message}");
    }
}

#[test]
fn a_file_without_a_description_is_no_error() {
    let foreign = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    assert_eq!(Description::from_metadata(&foreign).expect("it says nothing"), None);
}

#[test]
fn what_is_missing_or_unreadable_is_named() {
    for key in sample().to_metadata().keys() {
        let mut metadata = sample().to_metadata();
        metadata.remove(key);
        let message = Description::from_metadata(&metadata).expect_err("incomplete").to_string();
        assert_eq!(message, format!("the weights' metadata lack '{key}'"));
        metadata.insert(key.clone(), "?".to_owned());
        let message = Description::from_metadata(&metadata).expect_err("unreadable").to_string();
        assert!(message.contains(key), "{message}");
    }
    for value in ["[1,2]", "[1,2,3,4,5,\"6\"]", "[1,2,3,4,5,1e999]", "[1,2,3,4,5,6,7]"] {
        let mut metadata = sample().to_metadata();
        metadata.insert(LATTICE_STD_KEY.to_owned(), value.to_owned());
        let message = Description::from_metadata(&metadata).expect_err("unreadable").to_string();
        assert!(message.contains(&format!("{LATTICE_STD_KEY} = {value}")), "{message}");
    }
}

#[test]
fn the_first_difference_is_named() {
    let described = sample();
    let Description { model, mut pretrain, features, .. } = described.clone();
    assert!(described.require(&model, &pretrain, &features).is_ok());
    pretrain.mmpt.loss.atom.weight = 1.0;
    assert!(described.require(&model, &pretrain, &features).is_ok(), "the loss may be any");
    let mut other = model.clone();
    other.mmpt.attention = false;
    let message = described.require(&other, &pretrain, &features).expect_err("another model").to_string();
    assert_eq!(message, "the weights were made with model.mmpt.attention = true, but false is needed");
    let message = described
        .require(&model, &labelled(PeriodicLabels::Centred), &features)
        .expect_err("other labels")
        .to_string();
    assert_eq!(
        message,
        "the weights were made with pretrain.mmpt.labels = \"cell\", but \"centred\" is needed"
    );
    let message = described
        .require(&model, &pretrain, &FeatureSettings::default())
        .expect_err("other features")
        .to_string();
    assert_eq!(message, "the weights were made with ties = cut, but shell is needed");
}

proptest! {
    #[test]
    fn statistics_survive_bit_for_bit(
        mean in proptest::array::uniform6(proptest::num::f64::NORMAL),
        std in proptest::array::uniform6(proptest::num::f64::POSITIVE),
    ) {
        prop_assume!(std.iter().all(|value| value.is_finite()));
        let described = Description { lattice: LatticeStatistics { mean, std }, ..sample() };
        let read = Description::from_metadata(&described.to_metadata()).expect("it is whole");
        prop_assert_eq!(read, Some(described));
    }
}
