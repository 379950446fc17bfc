//! Isolated atoms, alone or among others, on every device of the CPU.

use burn::prelude::*;
use burn::tensor::DType;

use super::crystal::{Crystal, lonely, rutile};
use super::{devices, lively_on, masked_on, rows, small_config, statistics};
use crate::config::LossConfig;
use crate::config::pretrain::Masking;
use crate::data::golden::OwnedInput;
use crate::model::mask::{DrawKey, Masks};
use crate::model::{HeadSize, PropertyModel};
use crate::model::{Pass, Trace, names};
use crate::optimiser::Gradients;
use crate::pretrain::mmpt::loss::Losses;

/// Relative agreement of devices, and of batches of other shapes, in double precision.
const TOLERANCE: f64 = 1e-10;
/// Size of the head.
const HEAD: HeadSize = HeadSize { width: 8, outputs: 1, per_site: false };

/// Two nitrogen atoms 1.1 Å apart in a large box.
fn molecule() -> Crystal {
    let edge = 30.0;
    let cube = [[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]];
    Crystal::new("molecule", cube, &[7, 7], &[[0.1; 3], [0.1, 0.1, 0.1 + 1.1 / edge]])
}

/// The same molecule with a distant helium atom, which is listed between the two nitrogen atoms.
fn molecule_and_atom() -> Crystal {
    let Crystal { lattice, numbers, fractional, .. } = molecule();
    let numbers = [numbers[0], 2, numbers[1]];
    Crystal::new("molecule and atom", lattice, &numbers, &[fractional[0], [0.6; 3], fractional[1]])
}

/// Batches with isolated atoms: two without any edge, two with some.
fn batches() -> [Vec<OwnedInput>; 4] {
    let crystals = |crystals: &[Crystal]| crystals.iter().map(Crystal::with_edges).collect();
    [
        crystals(&[lonely()]),
        crystals(&[lonely(), lonely()]),
        crystals(&[molecule_and_atom()]),
        crystals(&[lonely(), rutile(), molecule_and_atom(), lonely()]),
    ]
}

/// The first atom of every crystal, and the number of atoms.
fn offsets(crystals: &[OwnedInput]) -> Vec<usize> {
    let mut offsets = vec![0];
    for crystal in crystals {
        offsets.push(offsets[offsets.len() - 1] + crystal.atomic_numbers.len());
    }
    offsets
}

/// Numbers by name.
type Named = Vec<(String, Vec<f64>)>;

fn numbers<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

fn named(gradients: &Gradients) -> Named {
    gradients.tensors().into_iter().map(|(name, tensor)| (name, numbers(&tensor))).collect()
}

/// Losses and gradients of pre-training.
fn pretraining(crystals: &[OwnedInput], device: &Device) -> Named {
    let model = lively_on(&small_config(), DType::F64, device);
    let key = DrawKey { seed: 123, epoch: 0, first_crystal: 0 };
    let masks = Masks::draw(Masking::Mutex, key, &offsets(crystals));
    let batch = masked_on::<f64>(crystals, &masks, device);
    let mut trace = Trace::off();
    let losses = Losses::new(&LossConfig::default(), &model.forward(&batch, &mut trace), &batch, &mut trace);
    let mut all: Named =
        losses.values().into_iter().map(|(name, value)| (name.to_owned(), vec![value])).collect();
    all.extend(named(&Gradients::collect(&model, losses.total.backward())));
    all
}

/// Predictions and gradients of a property's model.
fn tuning(crystals: &[OwnedInput], device: &Device) -> Named {
    let fresh =
        PropertyModel::init(&small_config().into(), HEAD, &statistics(), 3, &device.clone().autodiff());
    let encoder = lively_on(&small_config(), DType::F64, device).encoder;
    let model = names::with_dtype(PropertyModel { encoder, ..fresh }, DType::F64);
    let batch = masked_on::<f64>(crystals, None, device);
    let predictions = model.predict(&batch, &mut Pass::evaluation());
    let mut all = vec![("prediction".to_owned(), numbers(&predictions))];
    let gradients = Gradients::collect(&model, predictions.powi_scalar(2).sum().backward());
    all.extend(named(&gradients));
    all
}

fn assert_same(found: &Named, expected: &Named, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let greatest = |values: &[f64]| values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let overall = expected.iter().map(|(_, values)| greatest(values)).fold(0.0, f64::max);
    for ((name, found), (same, expected)) in found.iter().zip(expected) {
        assert_eq!((name, found.len()), (same, expected.len()), "{what}");
        // A tensor that vanishes holds rounding errors alone: compare it on the scale of the others.
        let scale = greatest(expected).max(1e-3 * overall);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= TOLERANCE * scale, "{what}, {name}: {found}, {expected}");
        }
    }
}

#[test]
fn losses_and_gradients_are_finite_and_the_same_on_every_device() {
    for crystals in batches() {
        let what: Vec<&str> = crystals.iter().map(|crystal| crystal.material_id.as_str()).collect();
        let what = what.join(", ");
        for learn in [pretraining, tuning] {
            let mut expected = None;
            for device in devices() {
                let found = learn(&crystals, &device);
                for (name, values) in &found {
                    assert!(values.iter().all(|value| value.is_finite()), "{what}, {name}: {values:?}");
                }
                match &expected {
                    None => expected = Some(found),
                    Some(expected) => assert_same(&found, expected, &what),
                }
            }
        }
    }
}

#[test]
fn an_isolated_atom_changes_nothing_for_the_others() {
    let (alone, beside) = (vec![molecule().with_edges()], vec![molecule_and_atom().with_edges()]);
    for device in devices() {
        let model = lively_on(&small_config(), DType::F64, &device);
        let encode = |crystals: &[OwnedInput]| {
            let batch = masked_on::<f64>(crystals, None, &device);
            rows(&model.encoder.encode(&batch, &mut Pass::evaluation()).atoms)
        };
        let (alone, beside) = (encode(&alone), encode(&beside));
        for (expected, found) in alone.iter().zip([&beside[0], &beside[2]]) {
            let worst = expected.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst <= TOLERANCE, "{worst:e}");
        }
        assert!(beside[1].iter().all(|value| value.is_finite()), "{:?}", beside[1]);
    }
}

#[test]
fn predictions_do_not_depend_on_isolated_neighbours_in_the_batch() {
    let crystals = [lonely(), rutile(), molecule_and_atom()].map(|crystal| crystal.with_edges());
    for device in devices() {
        let prediction = |crystals: &[OwnedInput]| tuning(crystals, &device).swap_remove(0).1;
        let together = prediction(&crystals);
        for (crystal, together) in crystals.iter().zip(together) {
            let alone = prediction(std::slice::from_ref(crystal))[0];
            assert!((alone - together).abs() <= TOLERANCE, "{}: {alone}, {together}", crystal.material_id);
        }
    }
}
