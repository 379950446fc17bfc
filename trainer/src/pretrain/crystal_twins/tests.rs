//! The views of Crystal Twins: what they hide, and on what their draws depend.

use crystal::feature::FeatureOptions;

use super::displace::displace;
use super::*;
use crate::config::Config;
use crate::data::golden::{Golden, OwnedInput, assert_close, golden_cases, golden_folder};
use crate::data::random::{Purpose, keyed};
use crate::data::{BatchBuilder, BatchSettings, Graph, GraphBatch, Inputs};
use crate::model::mask::DrawKey;
use crate::pretrain::Pretraining;
use crate::ranks::alone;

/// Key of the draws, but for the first crystal.
const KEY: DrawKey = DrawKey { seed: 7, epoch: 3, first_crystal: 0 };

fn batch<'a>(crystals: impl IntoIterator<Item = &'a OwnedInput>) -> GraphBatch<f64> {
    let settings = BatchSettings {
        cutoff_angstrom: 8.0,
        inputs: Inputs { positions: true, ..Inputs::default() },
        bases_on_device: false,
        graph: Graph::Multigraph,
    };
    let mut builder = BatchBuilder::<f64>::new(settings, &[]);
    for crystal in crystals {
        builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    builder.finish()
}

/// A chain of atoms with twelve edges each, to the next atoms and back.
fn chain(atoms: u32) -> OwnedInput {
    let positions: Vec<[f64; 3]> =
        (0..atoms).map(|atom| [f64::from(atom) / f64::from(atoms), 0.0, 0.0]).collect();
    let mut crystal = OwnedInput::cubic(f64::from(atoms), &vec![6; atoms as usize], &positions);
    for target in 0..atoms {
        for step in (-6_i32..=6).filter(|step| *step != 0) {
            let place = target as i32 + step;
            let image = place.div_euclid(atoms as i32) as i16;
            crystal.edge(target, place.rem_euclid(atoms as i32) as u32, [image, 0, 0]);
        }
    }
    crystal
}

fn objective(settings: &[&str]) -> CrystalTwinsObjective {
    let config = Config::resolve(None, settings).expect("known settings");
    CrystalTwinsObjective::new(&config, &Default::default(), &burn::prelude::Device::flex(), &alone())
}

#[test]
fn a_view_masks_a_tenth_of_the_atoms_and_edges() {
    let crystals = [chain(25), OwnedInput::caesium_chloride(), OwnedInput::cubic(9.0, &[3], &[[0.0; 3]])];
    let whole = batch(&crystals);
    let view = objective(&[]).view(whole.clone(), Purpose::FirstView, KEY);
    assert_eq!((&view.target, &view.incoming), (&whole.target, &whole.incoming));
    // A twelfth of the edges of the chain, none of the eight of caesium chloride.
    for (crystal, (atoms, edges)) in [(2, 25), (1, 0), (1, 0)].into_iter().enumerate() {
        let range = whole.atom_offsets[crystal]..whole.atom_offsets[crystal + 1];
        let masked = view.atomic_numbers[range.clone()].iter().filter(|&&number| number == 0).count();
        assert_eq!(masked, atoms);
        let of_crystal = view.incoming[range.start] as usize..view.incoming[range.end] as usize;
        let masked: Vec<usize> = of_crystal.filter(|&edge| view.distance[edge] == 9.0).collect();
        assert_eq!(masked.len(), edges);
        assert!(masked.iter().all(|&edge| view.source[edge] as usize == range.start));
    }
    for edge in (0..whole.edges()).filter(|&edge| view.distance[edge] != 9.0) {
        assert_eq!((view.source[edge], view.distance[edge]), (whole.source[edge], whole.distance[edge]));
    }
    let mut regrouped = view.clone();
    regrouped.regroup_by_source();
    assert_eq!(regrouped, view);
}

#[test]
fn draws_depend_on_their_key_and_not_on_the_batch() {
    let crystals = [chain(25), chain(13), chain(31), OwnedInput::caesium_chloride()];
    for settings in [&[][..], &["pretrain.crystal_twins.perturb=0.05"]] {
        let objective = objective(settings);
        let view = |part: std::ops::Range<usize>, purpose, key: DrawKey| {
            let key = DrawKey { first_crystal: key.first_crystal + part.start as u64, ..key };
            objective.view(batch(&crystals[part]), purpose, key)
        };
        let whole = view(0..4, Purpose::FirstView, KEY);
        assert_eq!(view(0..4, Purpose::FirstView, KEY), whole);
        for other in [
            view(0..4, Purpose::SecondView, KEY),
            view(0..4, Purpose::FirstView, DrawKey { seed: 8, ..KEY }),
            view(0..4, Purpose::FirstView, DrawKey { epoch: 4, ..KEY }),
            view(0..4, Purpose::FirstView, DrawKey { first_crystal: 1, ..KEY }),
        ] {
            assert_ne!(other, whole);
        }
        let parts = [view(0..1, Purpose::FirstView, KEY), view(1..4, Purpose::FirstView, KEY)];
        let joined = |part: fn(&GraphBatch<f64>) -> Vec<f64>| parts.each_ref().map(part).concat();
        assert_eq!(joined(|view| view.distance.clone()), whole.distance);
        let numbers = |view: &GraphBatch<f64>| view.atomic_numbers.iter().map(|&z| f64::from(z)).collect();
        assert_eq!(joined(numbers), numbers(&whole));
    }
}

#[test]
fn atoms_that_do_not_move_keep_their_neighbours() {
    for case in golden_cases().into_iter().filter(|case| case.prefix == "shell_") {
        let stored = batch([&case.input]);
        let mut found = stored.clone();
        displace(&mut found, 0.0, &mut [keyed(Purpose::FirstView, 1, 0, 0)], &FeatureOptions::default());
        assert_eq!((&found.target, &found.source), (&stored.target, &stored.source));
        assert_close(&case.input.material_id, &found.distance, &stored.distance, 1e-9);
    }
}

#[test]
fn moved_atoms_have_the_neighbours_of_the_reference() {
    let Some(folder) = golden_folder() else { return };
    let views = folder.join("../baselines/golden/ct_views.safetensors");
    if !views.is_file() {
        println!("skipped: there is no {}", views.display());
        return;
    }
    let (cases, views) = (golden_cases(), Golden::read(&views));
    for view in ["perturb/v1", "perturb/v2"] {
        let mut graph = batch(cases.iter().filter(|case| case.prefix == "shell_").map(|case| &case.input));
        let positions = graph.positions.as_mut().expect("it was asked for");
        positions.fractional = views.doubles(&format!("{view}/frac")).as_chunks().0.to_vec();
        let mut generators: Vec<_> = (0..8).map(|place| keyed(Purpose::FirstView, 1, 0, place)).collect();
        displace(&mut graph, 0.0, &mut generators, &FeatureOptions::default());
        assert_eq!(graph.target, views.short_integers(&format!("{view}/tgt")));
        assert_eq!(graph.source, views.short_integers(&format!("{view}/src")));
        assert_close(view, &graph.distance, &views.doubles(&format!("{view}/dist")), 1e-9);
    }
}

#[test]
fn atoms_move_within_the_limit() {
    const FARTHEST: f64 = 0.05;
    let mut graph = batch([&OwnedInput::caesium_chloride()]);
    let mut farthest = 0.0_f64;
    for place in 0..200 {
        let mut generators = [keyed(Purpose::FirstView, 1, 0, place)];
        displace(&mut graph, FARTHEST, &mut generators, &FeatureOptions::default());
        // Each of the two atoms has moved.
        let shortest = graph.distance.iter().copied().fold(f64::INFINITY, f64::min);
        farthest = farthest.max(1.5 * 3.0_f64.sqrt() - shortest);
    }
    assert!((FARTHEST..2.0 * FARTHEST).contains(&farthest), "{farthest}");
}
