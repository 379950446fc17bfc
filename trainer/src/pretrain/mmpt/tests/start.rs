//! Parameters of a fresh model: names, shapes and starting values (specification, sections 4.3 and 9).

use std::f64::consts::PI;

use burn::prelude::*;
use burn::tensor::DType;

use super::crystal::{copper, rutile, skewed};
use super::{encode, h_l, rows, statistics};
use crate::config::MmptModelConfig;
use crate::model::names::{self, NamedTensor};
use crate::pretrain::mmpt::MmptModel;

/// Trained numbers of the default model (specification, section 9).
const PARAMETERS: usize = 2_102_962;

/// The table of section 9 of the specification, without the head of fine-tuning; `{0..3}` and `{0,1}` stand
/// for each of these numbers.
const TABLE: &str = "
mask_token [64]
structure.atom_emb.weight [119, 128]
structure.attn.a_tgt [128]
structure.attn.a_src [128]
structure.attn.W.weight [128, 128]
structure.attn.fc.weight [128, 128]
structure.attn.fc.bias [128]
structure.rbf.freq [6]
structure.emb_rbf.weight [128, 6]
structure.emb_rbf.bias [128]
structure.emb_lin.weight [128, 384]
structure.emb_lin.bias [128]
structure.inter.{0..3}.lin_rbf1.weight [8, 6]
structure.inter.{0..3}.lin_rbf2.weight [128, 8]
structure.inter.{0..3}.lin_sbf1.weight [8, 42]
structure.inter.{0..3}.lin_sbf2.weight [64, 8]
structure.inter.{0..3}.lin_kj.weight [128, 128]
structure.inter.{0..3}.lin_kj.bias [128]
structure.inter.{0..3}.lin_ji.weight [128, 128]
structure.inter.{0..3}.lin_ji.bias [128]
structure.inter.{0..3}.lin_down.weight [64, 128]
structure.inter.{0..3}.lin_up.weight [128, 64]
structure.inter.{0..3}.layers_before_skip.0.lin1.weight [128, 128]
structure.inter.{0..3}.layers_before_skip.0.lin1.bias [128]
structure.inter.{0..3}.layers_before_skip.0.lin2.weight [128, 128]
structure.inter.{0..3}.layers_before_skip.0.lin2.bias [128]
structure.inter.{0..3}.lin.weight [128, 128]
structure.inter.{0..3}.lin.bias [128]
structure.inter.{0..3}.layers_after_skip.{0,1}.lin1.weight [128, 128]
structure.inter.{0..3}.layers_after_skip.{0,1}.lin1.bias [128]
structure.inter.{0..3}.layers_after_skip.{0,1}.lin2.weight [128, 128]
structure.inter.{0..3}.layers_after_skip.{0,1}.lin2.bias [128]
structure.out.{0..4}.lin_rbf.weight [128, 6]
structure.out.{0..4}.lin_up.weight [256, 128]
structure.out.{0..4}.lins.{0..2}.weight [256, 256]
structure.out.{0..4}.lins.{0..2}.bias [256]
structure.out.{0..4}.lin.weight [64, 256]
lattice.mean [6]
lattice.std [6]
lattice.len_emb.weight [8, 3]
lattice.len_emb.bias [8]
lattice.ang_emb.weight [8, 3]
lattice.ang_emb.bias [8]
lattice.block.norm1.weight [8]
lattice.block.norm1.bias [8]
lattice.block.attn.qkv.weight [24, 8]
lattice.block.attn.proj.weight [8, 8]
lattice.block.attn.proj.bias [8]
lattice.block.norm2.weight [8]
lattice.block.norm2.bias [8]
lattice.block.mlp.fc1.weight [32, 8]
lattice.block.mlp.fc1.bias [32]
lattice.block.mlp.fc2.weight [8, 32]
lattice.block.mlp.fc2.bias [8]
lattice_dec.0.weight [64, 16]
lattice_dec.{2,4,6}.weight [64, 64]
lattice_dec.{0,2,4,6}.bias [64]
lattice_dec.8.weight [6, 64]
lattice_dec.8.bias [6]
{coord,atom}_gin.e_self [64]
{coord,atom}_gin.edge.weight [64, 6]
{coord,atom}_gin.edge.bias [64]
{coord,atom}_gin.mlp.0.weight [128, 64]
{coord,atom}_gin.mlp.0.bias [128]
{coord,atom}_gin.mlp.2.weight [64, 128]
{coord,atom}_gin.mlp.2.bias [64]
coord_out.weight [1, 64]
coord_out.bias [1]
atom_mlp.{0,2,4,6}.weight [64, 64]
atom_mlp.{0,2,4,6}.bias [64]
atom_mlp.8.weight [119, 64]
atom_mlp.8.bias [119]
pal_{dir,unit,dist}.0.weight [64, 128]
pal_{dir,unit,dist}.0.bias [64]
pal_dir.2.weight [27, 64]
pal_dir.2.bias [27]
pal_unit.2.weight [2, 64]
pal_unit.2.bias [2]
pal_dist.2.weight [1, 64]
pal_dist.2.bias [1]
";

/// What a name with alternatives in braces stands for.
fn expanded(name: &str) -> Vec<String> {
    let Some((before, rest)) = name.split_once('{') else { return vec![name.to_owned()] };
    let (inside, after) = rest.split_once('}').expect("braces close");
    let alternatives: Vec<String> = match inside.split_once("..") {
        Some((first, last)) => {
            let number = |text: &str| text.parse::<usize>().expect("a number");
            (number(first)..=number(last)).map(|number| number.to_string()).collect()
        }
        None => inside.split(',').map(str::to_owned).collect(),
    };
    alternatives.iter().flat_map(|alternative| expanded(&format!("{before}{alternative}{after}"))).collect()
}

/// Names with their shapes, sorted.
fn table() -> Vec<(String, Vec<usize>)> {
    let mut rows = Vec::new();
    for line in TABLE.trim().lines() {
        let (name, shape) = line.split_once(" [").expect("a name and a shape");
        let shape: Vec<usize> =
            shape.trim_end_matches(']').split(", ").map(|size| size.parse().expect("a size")).collect();
        rows.extend(expanded(name).into_iter().map(|name| (name, shape.clone())));
    }
    rows.sort();
    rows
}

/// A fresh default model.
fn fresh() -> MmptModel {
    MmptModel::init(&MmptModelConfig::default(), 64, &statistics(), 123, &Device::flex().autodiff())
}

#[test]
fn names_and_shapes_are_those_of_the_table() {
    let parameters = names::parameters(&fresh());
    let mut found: Vec<_> = parameters.into_iter().map(|tensor| (tensor.name, tensor.shape)).collect();
    found.sort();
    assert_eq!(found, table());
    let constants = statistics().mean.len() + statistics().std.len();
    let count: usize = found.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    assert_eq!(count - constants, PARAMETERS);
}

/// The range `±bound` that a parameter starts in.
fn uniform_bound(name: &str, parameters: &[NamedTensor]) -> f64 {
    if name == "structure.atom_emb.weight" {
        return 3f64.sqrt();
    }
    if name.starts_with("structure.attn.a_") || name == "structure.attn.W.weight" {
        return (6.0 / 256.0f64).sqrt();
    }
    if name.ends_with("e_self") {
        return 1.0 / 8.0;
    }
    // Linear default: by the number of inputs, which is the weight's second size.
    let weight = name.replace(".bias", ".weight");
    let weight = parameters.iter().find(|tensor| tensor.name == weight).expect("a weight to every bias");
    1.0 / (weight.shape[1] as f64).sqrt()
}

/// Whether a parameter belongs to an interaction or output block.
fn in_block(name: &str) -> bool {
    name.starts_with("structure.inter.") || name.starts_with("structure.out.")
}

#[test]
fn fresh_parameters_are_in_their_ranges() {
    let parameters = names::parameters(&fresh());
    for NamedTensor { name, shape, data } in &parameters {
        let values: Vec<f64> = data.iter::<f64>().collect();
        let constant = |expected: &[f64]| {
            let close =
                |(value, expected): (&f64, &f64)| (value - expected).abs() < 1e-6 * expected.abs().max(1.0);
            assert!(
                values.len() == expected.len() && values.iter().zip(expected).all(close),
                "{name}: {values:?}"
            );
        };
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let variance = squares / (values.len() as f64 - 1.0).max(1.0);
        let greatest = values.iter().fold(0.0, |greatest: f64, value| greatest.max(value.abs()));
        match name.as_str() {
            "mask_token" => assert!((0.01..0.03).contains(&variance.sqrt()) && greatest < 0.1, "{name}"),
            "structure.rbf.freq" => constant(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(|n| n * PI)),
            "lattice.mean" => constant(&statistics().mean),
            "lattice.std" => constant(&statistics().std),
            "lattice.block.norm1.weight" | "lattice.block.norm2.weight" => constant(&[1.0; 8]),
            "lattice.block.norm1.bias" | "lattice.block.norm2.bias" => constant(&[0.0; 8]),
            _ if in_block(name) && name.ends_with(".bias") => constant(&vec![0.0; values.len()]),
            _ if name.starts_with("structure.out.") && name.ends_with(".lin.weight") => {
                constant(&vec![0.0; values.len()]);
            }
            _ if in_block(name) => {
                let expected = 2.0 / (shape[0] + shape[1]) as f64;
                assert!((variance / expected - 1.0).abs() < 1e-4, "{name}: variance {variance}");
            }
            _ => {
                let bound = uniform_bound(name, &parameters);
                assert!(greatest <= bound, "{name}: {greatest} beyond {bound}");
                // The chance of none in the outer quarter is 0.75 to the power of their number.
                assert!(values.len() < 64 || greatest > 0.75 * bound, "{name}: {greatest} of {bound}");
                let off = (variance * 3.0 / bound.powi(2) - 1.0).abs();
                assert!(values.len() < 1000 || off < 0.1, "{name}: variance {variance}");
            }
        }
    }
}

#[test]
fn layers_do_not_start_alike() {
    let parameters = names::parameters(&fresh());
    for (index, tensor) in parameters.iter().enumerate() {
        let started_alike = |other: &&NamedTensor| other.shape == tensor.shape && other.data == tensor.data;
        let constant = tensor.data.iter::<f64>().all(|value| value == 0.0 || value == 1.0);
        if let Some(twin) = parameters[index + 1..].iter().find(started_alike) {
            assert!(constant, "{} and {} start alike", tensor.name, twin.name);
        }
    }
}

#[test]
fn the_seed_decides() {
    let model = |seed| {
        let model =
            MmptModel::init(&MmptModelConfig::default(), 64, &statistics(), seed, &Device::flex().autodiff());
        names::parameters(&model)
    };
    assert_eq!(model(123), names::parameters(&fresh()));
    assert_ne!(model(123), model(124));
}

#[test]
fn a_fresh_model_says_nothing_of_the_structure() {
    let crystals = [rutile(), copper(), skewed()].map(|crystal| crystal.with_edges());
    let encoding = encode::<f32>(&fresh(), &crystals);
    assert!(rows(&encoding.atoms).iter().flatten().all(|value| *value == 0.0));
    assert!(rows(&h_l(&encoding)).iter().flatten().all(|value| *value != 0.0));
}

#[test]
fn precision_and_values_survive_a_round_trip() {
    let model = names::with_dtype(fresh(), DType::F64);
    let wide = names::parameters(&model);
    assert!(wide.iter().all(|tensor| tensor.data.dtype() == DType::F64));
    let narrow = names::parameters(&names::with_dtype(model, DType::F32));
    assert_eq!(narrow, names::parameters(&fresh()));
}
