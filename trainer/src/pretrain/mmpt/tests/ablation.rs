//! The paper's ablations: their configuration files, and what the variants of the model do.

use std::path::{Path, PathBuf};

use burn::prelude::*;
use burn::tensor::DType;
use toml::{Table, Value};

use super::crystal::{rutile, skewed, wurtzite};
use super::{deviation, encode, lively, masked, rows, small_config};
use crate::config::model::AttentionValues;
use crate::config::pretrain::Masking;
use crate::config::{Config, LossConfig, MmptModelConfig};
use crate::model::Trace;
use crate::model::mask::{DrawKey, Masks};
use crate::optimiser::Gradients;
use crate::pretrain::mmpt::MmptModel;
use crate::pretrain::mmpt::loss::Losses;

/// The keys in which each ablation differs from the defaults, in the order of the keys.
const ABLATIONS: [(&str, &[&str]); 7] = [
    ("mmpt-cl", &["pretrain.mmpt.loss.contrast.weight"]),
    ("mmpt-mga", &["model.mmpt.attention"]),
    ("mmpt-mutex", &["pretrain.mmpt.masking"]),
    ("mmpt-no", &[]),
    (
        "mmpt-pal",
        &[
            "pretrain.mmpt.loss.direction.weight",
            "pretrain.mmpt.loss.distance.weight",
            "pretrain.mmpt.loss.same_cell.weight",
        ],
    ),
    ("mmpt-pimg", &["model.mmpt.graph"]),
    (
        "mmpt-re",
        &[
            "pretrain.mmpt.loss.atom.weight",
            "pretrain.mmpt.loss.coordinate.weight",
            "pretrain.mmpt.loss.lattice.weight",
        ],
    ),
];

fn folder() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/configs")).to_owned()
}

fn ablation(name: &str) -> Config {
    Config::load(&folder().join(format!("{name}.toml"))).expect("a valid configuration")
}

/// The dotted keys of a table.
fn keys(table: &Table, prefix: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(section) => all.extend(keys(section, &format!("{prefix}{name}."))),
            _ => all.push(format!("{prefix}{name}")),
        }
    }
    all
}

#[test]
fn every_file_is_an_ablation() {
    let entries = std::fs::read_dir(folder()).expect("a folder of configurations");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("ASCII"));
    let mut names: Vec<_> = names.filter(|name| name.starts_with("mmpt-")).collect();
    names.sort();
    assert_eq!(names, ABLATIONS.map(|(name, _)| format!("{name}.toml")));
}

#[test]
fn ablations_differ_from_the_defaults_in_what_they_name() {
    for (name, expected) in ABLATIONS {
        let text = std::fs::read_to_string(folder().join(format!("{name}.toml"))).expect("a readable file");
        let mut named = keys(&text.parse().expect("TOML"), "");
        named.sort();
        let differences = ablation(name).differences(&Config::default());
        let mut found: Vec<_> = differences.into_iter().map(|difference| difference.key).collect();
        found.sort();
        assert_eq!(found, expected, "{name}");
        assert_eq!(named, expected, "{name}");
        assert!(text.starts_with("# MMPT-"), "{name}");
    }
}

#[test]
fn terms_of_the_ablations() {
    let terms = |name: &str| Losses::names(&ablation(name).pretrain.mmpt.loss);
    assert_eq!(terms("mmpt-re"), ["loss", "L_BT", "L_Die", "L_Unit", "L_Dis"]);
    assert_eq!(terms("mmpt-cl"), ["loss", "L_A", "L_X", "L_L", "L_Die", "L_Unit", "L_Dis"]);
    assert_eq!(terms("mmpt-pal"), ["loss", "L_A", "L_X", "L_L", "L_BT"]);
    for name in ["mmpt-no", "mmpt-mutex", "mmpt-pimg", "mmpt-mga"] {
        assert_eq!(terms(name).len(), 8);
    }
}

/// Names of the parameters that the default loss gives a gradient.
fn with_gradient(config: &MmptModelConfig) -> Vec<String> {
    let model = lively(config, DType::F32);
    let crystals = [rutile().with_edges(), skewed().with_edges()];
    let masks = Masks::draw(Masking::Mutex, DrawKey { seed: 1, epoch: 0, first_crystal: 0 }, &[0, 6, 9]);
    let batch = masked::<f32>(&crystals, &masks);
    let mut trace = Trace::off();
    let prediction = model.forward(&batch, &mut trace);
    let losses = Losses::new(&LossConfig::default(), &prediction, &batch, &mut trace);
    assert!(losses.values().iter().all(|(_, value)| value.is_finite()));
    let gradients = Gradients::collect(&model, losses.total.backward());
    gradients.tensors().into_keys().collect()
}

#[test]
fn without_attention_nothing_is_mixed_in() {
    let config = MmptModelConfig { attention: ablation("mmpt-mga").model.mmpt.attention, ..small_config() };
    let model = lively(&config, DType::F64);
    let crystal = [rutile().with_edges()];
    let mut trace = Trace::on();
    model.encoder().structure.forward(&masked::<f64>(&crystal, None), &mut trace);
    let traced = trace.into_tensors();
    assert!(!traced.contains_key("attn_eps"));
    let width = config.hidden;
    let values = |name: &str| traced.get(name).expect("recorded").iter::<f64>().collect::<Vec<_>>();
    let fc = &model.encoder().structure.attn.fc;
    let (weight, bias) = (rows(&fc.weight.val()), fc.bias().expect("a bias").into_data());
    let bias: Vec<f64> = bias.iter::<f64>().collect();
    let product = |atom: &[f64]| -> Vec<f64> {
        let row = |row: &Vec<f64>| row.iter().zip(atom).map(|(w, a)| w * a).sum::<f64>();
        weight.iter().zip(&bias).map(|(weights, bias)| row(weights) + bias).collect()
    };
    let expected: Vec<_> = values("atom_emb").chunks(width).map(product).collect();
    let found: Vec<_> = values("attn_out").chunks(width).map(<[f64]>::to_vec).collect();
    assert!(deviation(&found, &expected) < 1e-14);
    let others = ["structure.attn.W.weight", "structure.attn.a_tgt", "structure.attn.a_src"];
    let (with, without) = (with_gradient(&small_config()), with_gradient(&config));
    for name in others {
        assert!(
            with.iter().any(|found| found == name) && !without.iter().any(|found| found == name),
            "{name}"
        );
    }
    assert_eq!(with.len(), without.len() + others.len());
}

#[test]
fn attention_may_sum_projections() {
    let encoding = |values: AttentionValues| {
        let config = MmptModelConfig { attention_values: values, ..small_config() };
        rows(&encode::<f64>(&lively(&config, DType::F64), &[wurtzite().with_edges()]).atoms)
    };
    let (raw, projected) = (encoding(AttentionValues::Raw), encoding(AttentionValues::Projected));
    assert!(deviation(&projected, &raw) > 1e-3);
}

#[test]
fn independent_masks_hide_half_each_and_overlap() {
    let offsets = [0, 10, 11, 18];
    let draw =
        |masking, first_crystal| Masks::draw(masking, DrawKey { seed: 7, epoch: 3, first_crystal }, &offsets);
    let count =
        |mask: &[bool], from: usize, to: usize| mask[from..to].iter().filter(|hidden| **hidden).count();
    let mut overlaps = 0;
    for batch in 0..20 {
        let masks = draw(ablation("mmpt-mutex").pretrain.mmpt.masking, batch);
        for mask in [&masks.first, &masks.second] {
            assert_eq!([count(mask, 0, 10), count(mask, 10, 11), count(mask, 11, 18)], [5, 0, 3]);
        }
        overlaps +=
            masks.first.iter().zip(&masks.second).filter(|(first, second)| **first && **second).count();
        assert_eq!(masks, draw(Masking::Independent, batch));
        let mutex = draw(Masking::Mutex, batch);
        assert_eq!(mutex.first, masks.first);
        assert!(mutex.first.iter().zip(&mutex.second).all(|(first, second)| first != second));
    }
    // Of 5 in 10 and of 3 in 7 both hide 2.5 + 9/7 on average.
    assert!((50..100).contains(&overlaps), "{overlaps} in 20 draws");
}

#[test]
fn ablations_have_the_parameters_of_the_default() {
    let sizes = |config: &MmptModelConfig| {
        let model = MmptModel::init(config, 64, &super::statistics(), 0, &Device::flex().autodiff());
        let parameters = crate::model::names::parameters(&model);
        parameters.into_iter().map(|tensor| (tensor.name, tensor.shape)).collect::<Vec<_>>()
    };
    let expected = sizes(&MmptModelConfig::default());
    for (name, _) in ABLATIONS {
        assert_eq!(sizes(&ablation(name).model.mmpt), expected, "{name}");
    }
}
