//! Crystals at the edge of what there is: one atom, no neighbours; and crystals that share a batch.

use burn::prelude::*;
use burn::tensor::DType;

use super::crystal::{Crystal, copper, lonely, rutile, skewed, wurtzite};
use super::{deviation, encode, h_l, lively, masked, rows, small_config};
use crate::config::{LossConfig, MmptModelConfig};
use crate::data::golden::OwnedInput;
use crate::model::mask::{DrawKey, Masks};
use crate::model::views::of_view;
use crate::model::{Batch, Trace, names};
use crate::optimiser::Gradients;
use crate::pretrain::mmpt::MmptModel;
use crate::pretrain::mmpt::loss::Losses;

/// What rounding may change in double precision where products have other shapes.
const TOLERANCE: f64 = 1e-12;

fn with_edges(crystals: &[Crystal]) -> Vec<OwnedInput> {
    crystals.iter().map(Crystal::with_edges).collect()
}

/// The masks of crystals of these sizes from a position of a run's first epoch on.
fn masks(crystals: &[OwnedInput], first_crystal: u64) -> Masks {
    let mut offsets = vec![0];
    for crystal in crystals {
        offsets.push(offsets[offsets.len() - 1] + crystal.atomic_numbers.len());
    }
    let key = DrawKey { seed: 123, epoch: 0, first_crystal };
    Masks::draw(crate::config::pretrain::Masking::Mutex, key, &offsets)
}

/// Losses by name.
type Values = Vec<(&'static str, f64)>;
/// The gradient of each parameter by name.
type ByParameter = Vec<(String, Vec<f64>)>;

/// Losses and gradients of a batch.
fn losses(model: &MmptModel, batch: &Batch) -> (Values, ByParameter) {
    let mut trace = Trace::off();
    let prediction = model.forward(batch, &mut trace);
    let losses = Losses::new(&LossConfig::default(), &prediction, batch, &mut trace);
    let gradients = Gradients::collect(model, losses.total.backward());
    let numbers = |tensor: &Tensor<1>| tensor.to_data().iter::<f64>().collect::<Vec<_>>();
    let gradients = gradients.tensors().into_iter().map(|(name, tensor)| (name, numbers(&tensor)));
    (losses.values(), gradients.collect())
}

/// A loss term of a run's first batch in double precision; fails if a loss or gradient is no number or
/// missing.
fn finite_losses(model: &MmptModel, crystals: &[OwnedInput]) -> impl Fn(&str) -> f64 + use<> {
    finite_losses_from(model, crystals, 0)
}

/// As [`finite_losses`], of crystals from a position of the epoch on.
fn finite_losses_from(
    model: &MmptModel,
    crystals: &[OwnedInput],
    first_crystal: u64,
) -> impl Fn(&str) -> f64 + use<> {
    let batch = masked::<f64>(crystals, &masks(crystals, first_crystal));
    let (values, gradients) = losses(model, &batch);
    assert_eq!(values.len(), 8);
    for (name, value) in &values {
        assert!(value.is_finite(), "{name} = {value}");
    }
    let parameters = names::parameters(model);
    let trained =
        parameters.iter().filter(|tensor| !["lattice.mean", "lattice.std"].contains(&&*tensor.name));
    assert_eq!(gradients.len(), trained.count());
    for (name, gradient) in &gradients {
        assert!(gradient.iter().all(|value| value.is_finite()), "gradient of {name}");
    }
    move |name| values.iter().find(|(found, _)| *found == name).map_or(f64::NAN, |(_, value)| *value)
}

#[test]
fn one_atom_is_hidden_by_the_second_view_alone() {
    let model = lively(&small_config(), DType::F64);
    let crystals = with_edges(&[copper()]);
    let masks = masks(&crystals, 0);
    assert_eq!((&*masks.first, &*masks.second), (&[false][..], &[true][..]));
    let loss = finite_losses(&model, &crystals);
    let batch = masked::<f64>(&crystals, &masks);
    let prediction = model.forward(&batch, &mut Trace::off());
    let decoded = &prediction.views;
    // The mean over no atoms is 0; what is left is half of the second view's.
    let scores = &rows(&decoded.types)[1];
    let copper_score = scores[29];
    let cross_entropy = scores.iter().map(|score| score.exp()).sum::<f64>().ln() - copper_score;
    assert!((loss("L_A") - 0.5 * cross_entropy).abs() < 1e-12);
    // One atom is its own centre.
    let distance = of_view(&decoded.centre_distances, 1).into_scalar::<f64>();
    assert!((loss("L_X") - 0.5 * distance.abs()).abs() < 1e-12);
}

#[test]
fn a_crystal_without_edges_has_losses_without_edges() {
    let model = lively(&small_config(), DType::F64);
    let loss = finite_losses(&model, &with_edges(&[lonely()]));
    assert_eq!(["L_Die", "L_Unit", "L_Dis"].map(&loss), [0.0; 3]);
    assert!(loss("L_A") > 0.0 && loss("L_L") > 0.0);
}

#[test]
fn an_atom_without_edges_mixes_nothing_in() {
    let model = lively(&small_config(), DType::F64);
    let crystals = with_edges(&[lonely(), copper()]);
    let mut trace = Trace::on();
    model.encoder().structure.forward(&masked::<f64>(&crystals, None), &mut trace);
    let mixed = trace.into_tensors().remove("attn_out").expect("recorded");
    let bias = model.encoder().structure.attn.fc.bias().expect("a bias").into_data();
    let bias: Vec<f64> = bias.iter::<f64>().collect();
    assert_eq!(mixed.iter::<f64>().take(bias.len()).collect::<Vec<_>>(), bias);
}

#[test]
fn crystals_without_edges_do_not_disturb_others() {
    let model = lively(&small_config(), DType::F64);
    let none = finite_losses(&model, &with_edges(&[lonely(), lonely()]));
    assert_eq!(none("L_Dis"), 0.0);
    let loss = finite_losses(&model, &with_edges(&[lonely(), rutile(), lonely()]));
    // The same place in the epoch, the same draw.
    let alone = finite_losses_from(&model, &with_edges(&[rutile()]), 1);
    for name in ["L_Die", "L_Unit", "L_Dis"] {
        let (found, expected) = (loss(name), alone(name));
        assert!(expected > 0.0 && (found - expected).abs() < 1e-14, "{name}: {found} and not {expected}");
    }
}

#[test]
fn a_crystal_is_encoded_alone_as_among_others() {
    let crystals = with_edges(&[rutile(), copper(), lonely(), skewed(), wurtzite()]);
    for config in [small_config(), MmptModelConfig::default()] {
        let model = lively(&config, DType::F64);
        let together = encode::<f64>(&model, &crystals);
        let (structure, lattice) = (rows(&together.atoms), rows(&h_l(&together)));
        let mut first = 0;
        for (index, crystal) in crystals.iter().enumerate() {
            let alone = encode::<f64>(&model, std::slice::from_ref(crystal));
            let last = first + crystal.atomic_numbers.len();
            let worst = deviation(&rows(&alone.atoms), &structure[first..last]);
            assert!(worst <= TOLERANCE, "h_S of {} deviates by {worst:.1e}", crystal.material_id);
            let worst = deviation(&rows(&h_l(&alone)), &lattice[index..=index]);
            assert!(worst <= TOLERANCE, "h_L of {} deviates by {worst:.1e}", crystal.material_id);
            first = last;
        }
        assert_eq!(first, structure.len());
    }
}

#[test]
fn encoding_is_what_the_forward_pass_encodes() {
    let model = lively(&small_config(), DType::F32);
    let crystals = with_edges(&[rutile(), copper()]);
    let encoding = encode::<f32>(&model, &crystals);
    let mut trace = Trace::on();
    model.forward(&masked::<f32>(&crystals, &masks(&crystals, 0)), &mut trace);
    let traced = trace.into_tensors();
    let same = |name: &str, tensor: &Tensor<2>| {
        let values = traced.get(name).expect("recorded").iter::<f32>().collect::<Vec<_>>();
        assert_eq!(values, tensor.to_data().iter::<f32>().collect::<Vec<_>>(), "{name}");
    };
    same("h_S", &encoding.atoms);
    same("h_L", &h_l(&encoding));
}

#[test]
fn hidden_atoms_show_the_token_and_nothing_else() {
    let model = lively(&small_config(), DType::F64);
    let crystals = with_edges(&[rutile(), skewed()]);
    let masks = masks(&crystals, 0);
    let mut trace = Trace::on();
    model.forward(&masked::<f64>(&crystals, &masks), &mut trace);
    let traced = trace.into_tensors();
    let token: Vec<f64> = model.decoders.mask_token.val().into_data().iter::<f64>().collect();
    let values = |name: &str| traced.get(name).expect("recorded").iter::<f64>().collect::<Vec<_>>();
    let structure = values("h_S");
    for (name, hidden) in [("g1", &masks.first), ("g2", &masks.second)] {
        let g = values(name);
        for (atom, row) in g.chunks(token.len()).enumerate() {
            let shown = &structure[atom * token.len()..][..token.len()];
            assert_eq!(row, if hidden[atom] { &*token } else { shown }, "{name} of atom {atom}");
        }
    }
    assert!(masks.first.iter().zip(&masks.second).all(|(first, second)| first != second));
    assert_eq!(masks.first.iter().filter(|hidden| **hidden).count(), 3 + 1);
}

#[test]
fn the_same_batch_gives_the_same_bytes_on_one_and_two_threads() {
    let crystals = with_edges(&[rutile(), wurtzite(), skewed(), copper()]);
    let batch = masked::<f32>(&crystals, &masks(&crystals, 0));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| losses(&lively(&MmptModelConfig::default(), DType::F32), &batch))
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(1));
}
