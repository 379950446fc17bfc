//! What the tests of every encoder need: fresh models with the sizes of recipes, and their predictions.

use burn::prelude::*;
use burn::tensor::DType;

use super::{Batch, Encoder, HeadSize, Pass, PropertyModel, names};
use crate::config::{Config, MethodKind, ModelConfig, ModelKind};
use crate::data::test_crystal::{CUTOFF, Crystal, OTHER_CELLS, copper, lonely, rutile, skewed, wurtzite};
use crate::data::{BatchBuilder, BatchSettings, LatticeStatistics};
use crate::device::DeviceName;
use crate::optimiser::Gradients;
use crate::task::Group;

/// Relative agreement in double precision.
const TOLERANCE: f64 = 1e-10;
/// Least change of a prediction, relative to it, by a shift of an atom by a thousandth of the cell.
const LEAST_CHANGE: f64 = 1e-7;

/// Returns the settings of a model in the recipe of a task.
pub(crate) fn of_recipe(kind: ModelKind, group: Group, task: &str) -> ModelConfig {
    let sizes = |_: &Config| {
        let recipe = group.recipe(kind, MethodKind::Mmpt, task).into_iter();
        recipe.filter(|(key, _)| key.starts_with("model.")).collect()
    };
    let chosen = format!("model.kind={}", kind.title().to_lowercase());
    Config::resolve_over(sizes, None, &[chosen]).expect("a recipe of known settings").model
}

/// Returns the number of all trained parameters of a model. Running statistics are not among them.
pub(crate) fn parameter_count(config: &ModelConfig) -> usize {
    let parameters = names::parameters(&fresh(config, &Device::flex())).into_iter();
    let trained = parameters.filter(|tensor| !tensor.name.contains(".running_"));
    trained.map(|tensor| tensor.data.num_elements()).sum()
}

/// Returns the names of all parameters of a model, and those of its running statistics.
pub(crate) fn parameter_names(config: &ModelConfig) -> Vec<String> {
    names::parameters(&fresh(config, &Device::flex())).into_iter().map(|tensor| tensor.name).collect()
}

/// Fails unless predictions are those of the crystal, however it is written down and whatever else is in the batch.
pub(crate) fn assert_invariant(config: &ModelConfig) {
    assert_invariant_under(config, |_| true);
}

/// [`assert_invariant`] for a model whose predictions depend on the cell that is chosen for a crystal.
pub(crate) fn assert_invariant_in_its_cell(config: &ModelConfig) {
    assert_invariant_under(config, |form| !OTHER_CELLS.contains(&form));
}

fn assert_invariant_under(config: &ModelConfig, is_allowed: impl Fn(&str) -> bool) {
    let crystals = [copper(), rutile(), wurtzite(), skewed()];
    let alone = |crystal: &Crystal| predictions(config, std::slice::from_ref(crystal), &Device::flex())[0];
    let expected = crystals.each_ref().map(alone);
    for (crystal, expected) in crystals.iter().zip(expected) {
        for (form, other, _) in crystal.other_forms().into_iter().filter(|(form, ..)| is_allowed(form)) {
            assert_close(&format!("{form} of {}", crystal.name), alone(&other), expected);
        }
    }
    let mut batch = crystals.to_vec();
    batch.splice(2..2, [lonely()]);
    let mut together = predictions(config, &batch, &Device::flex());
    assert_close("an isolated atom", together.remove(2), alone(&lonely()));
    for ((crystal, found), expected) in crystals.iter().zip(together).zip(expected) {
        assert_close(&format!("{} in a batch", crystal.name), found, expected);
    }
    let mut moved = skewed();
    moved.fractional[1][2] += 0.001;
    let change = (alone(&moved) / expected[3] - 1.0).abs();
    assert!(change > LEAST_CHANGE, "a shift changes the prediction by {change:e} alone");
}

/// Fails unless predictions and gradients of crystals without edges are finite and the same on every device.
pub(crate) fn assert_isolated(config: &ModelConfig) {
    for crystals in [vec![lonely()], vec![lonely(), lonely()], vec![lonely(), rutile(), lonely()]] {
        let mut expected: Option<Vec<f64>> = None;
        for device in devices() {
            let model = fresh(config, &device.clone().autodiff());
            let batch = batch(config, &crystals, &device);
            let predictions = model.predict(&batch, &mut Pass::training());
            let mut found: Vec<f64> = predictions.to_data().iter::<f64>().collect();
            let gradients = Gradients::collect(&model, predictions.powi_scalar(2).sum().backward());
            for (name, tensor) in gradients.tensors() {
                let values: Vec<f64> = tensor.to_data().iter::<f64>().collect();
                assert!(values.iter().all(|value| value.is_finite()), "{name}: {values:?}");
                found.extend(values);
            }
            let scale = found.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            for (found, expected) in found.iter().zip(expected.iter().flatten()) {
                assert!((found - expected).abs() <= TOLERANCE * scale, "{found}, {expected}");
            }
            expected.get_or_insert(found);
        }
    }
}

/// Fails unless a model of numbers of the sites has one of each site, the same whatever else is in the batch, and learns
/// its head by it.
pub(crate) fn assert_sites(config: &ModelConfig) {
    let crystals = [copper(), rutile(), lonely(), wurtzite()];
    let head = HeadSize { width: 8, outputs: 1, per_site: true };
    let statistics = LatticeStatistics::default();
    let model = PropertyModel::init(config, head, &statistics, 3, &Device::flex().autodiff());
    let model = names::with_dtype(model, DType::F64);
    let of = |crystals: &[Crystal], pass: &mut Pass| {
        model.predict(&batch(config, crystals, &Device::flex()), pass)
    };
    let together = of(&crystals, &mut Pass::evaluation());
    let expected: Vec<f64> = crystals
        .iter()
        .flat_map(|crystal| {
            let sites = of(std::slice::from_ref(crystal), &mut Pass::evaluation());
            assert_eq!(sites.dims(), [crystal.numbers.len(), 1], "{}", crystal.name);
            sites.into_data().iter::<f64>().collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(together.dims(), [expected.len(), 1]);
    for (found, expected) in together.into_data().iter::<f64>().zip(expected) {
        assert_close("a site", found, expected);
    }
    let outputs = of(&crystals, &mut Pass::training());
    let gradients = Gradients::collect(&model, outputs.powi_scalar(2).sum().backward());
    let gradients = gradients.tensors();
    let learns = |name: &str| {
        let of_name = gradients.iter().filter(|(found, _)| found.starts_with(name));
        of_name.flat_map(|(_, tensor)| tensor.to_data().iter::<f64>().collect::<Vec<_>>()).any(|g| g != 0.0)
    };
    assert!(learns("site_head.0.") && learns("site_head.2."), "{:?}", config.kind);
    assert!(gradients.iter().all(|(_, tensor)| tensor.to_data().iter::<f64>().all(f64::is_finite)));
}

/// A fresh model in double precision.
fn fresh(config: &ModelConfig, device: &Device) -> PropertyModel {
    let model = PropertyModel::init(
        config,
        HeadSize { width: 1, outputs: 1, per_site: false },
        &LatticeStatistics::default(),
        3,
        device,
    );
    names::with_dtype(model, DType::F64)
}

/// Returns the prediction of a fresh model for every crystal of a batch, in evaluation.
pub(crate) fn predictions(config: &ModelConfig, crystals: &[Crystal], device: &Device) -> Vec<f64> {
    let batch = batch(config, crystals, device);
    let predictions = fresh(config, device).predict(&batch, &mut Pass::evaluation());
    predictions.into_data().iter::<f64>().collect()
}

fn batch(config: &ModelConfig, crystals: &[Crystal], device: &Device) -> Batch {
    let settings = BatchSettings {
        cutoff_angstrom: CUTOFF,
        inputs: Encoder::inputs(config),
        bases_on_device: false,
        graph: config.graph(),
    };
    let mut builder = BatchBuilder::<f64>::new(settings, &[]);
    for crystal in crystals {
        builder.push(&crystal.with_edges().borrow(), &[]).expect("a valid crystal");
    }
    Batch::new(builder.finish(), None, CUTOFF, device)
}

/// The devices of the CPU that the program was built for.
fn devices() -> impl Iterator<Item = Device> {
    let names = [DeviceName::Cpu, DeviceName::Libtorch];
    let count = if cfg!(feature = "tch") { 2 } else { 1 };
    names.into_iter().take(count).map(|name| name.open().expect("it was built for it"))
}

/// Fails unless two predictions agree.
pub(crate) fn assert_close(what: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= TOLERANCE * expected.abs(), "{what}: {found}, expected {expected}");
}
