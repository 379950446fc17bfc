//! `h_S` depends on the crystal alone, not on how it is written down (whole shells, section 2.3 of the
//! specification).

use burn::tensor::{DType, Element};

use super::crystal::{Crystal, OTHER_CELLS, copper, rutile, skewed, wurtzite};
use super::{deviation, encode, h_l, lively, rows, small_fixture};
use crate::config::MmptModelConfig;
use crate::data::BatchFloat;
use crate::data::golden::golden_folder;
use crate::model::names;
use crate::pretrain::mmpt::MmptModel;

/// What `h_S` may deviate by in single precision, relative to its largest magnitude.
const SINGLE: f64 = 1e-5;
/// The same in double precision.
const DOUBLE: f64 = 1e-11;

/// Largest and mean value of every column.
fn pooled(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let columns = 0..rows[0].len();
    let column = |index: usize| rows.iter().map(move |row| row[index]);
    let largest = columns.clone().map(|index| column(index).fold(f64::NEG_INFINITY, f64::max)).collect();
    let mean = columns.map(|index| column(index).sum::<f64>() / rows.len() as f64).collect();
    vec![largest, mean]
}

/// Fails if the encoding of a crystal changes with its form.
fn assert_invariant<R: Element + BatchFloat>(model: &MmptModel, crystals: &[Crystal], tolerance: f64) {
    for crystal in crystals {
        let encoding = encode::<R>(model, &[crystal.with_edges()]);
        let expected = rows(&encoding.atoms);
        let greatest = expected.iter().flatten().fold(0.0, |greatest: f64, value| greatest.max(value.abs()));
        assert!(greatest > 1e-3, "h_S of {} is as good as zero", crystal.name);
        for (form, other, atoms) in crystal.other_forms() {
            let found = encode::<R>(model, &[other.with_edges()]);
            let structure = rows(&found.atoms);
            let permuted: Vec<_> = atoms.iter().map(|&atom| expected[atom].clone()).collect();
            let worst = deviation(&structure, &permuted);
            assert!(worst <= tolerance, "{form} of {}: h_S deviates by {worst:.1e}", crystal.name);
            let worst = deviation(&pooled(&structure), &pooled(&expected));
            assert!(worst <= tolerance, "{form} of {}: pools deviate by {worst:.1e}", crystal.name);
            // The lattice's encoding sees the cell; it is reduced before it comes here (specification, section 2.1).
            if !OTHER_CELLS.contains(&form) {
                let worst = deviation(&rows(&h_l(&found)), &rows(&h_l(&encoding)));
                assert!(worst <= tolerance, "{form} of {}: h_L deviates by {worst:.1e}", crystal.name);
            }
        }
    }
}

/// The crystals that come with the tests.
fn own_crystals() -> Vec<Crystal> {
    let mut crystals = vec![copper(), rutile(), wurtzite(), skewed()];
    crystals.extend(cases(&small_fixture()));
    crystals
}

/// The crystals of a fixture.
fn cases(folder: &std::path::Path) -> Vec<Crystal> {
    let entries = std::fs::read_dir(folder.join("cases")).expect("a folder of cases");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths.iter().map(|path| Crystal::read(path)).collect()
}

#[test]
fn encodings_do_not_depend_on_the_form_in_single_precision() {
    let model = lively(&MmptModelConfig::default(), DType::F32);
    assert_invariant::<f32>(&model, &own_crystals(), SINGLE);
}

#[test]
fn encodings_do_not_depend_on_the_form_in_double_precision() {
    let model = lively(&MmptModelConfig::default(), DType::F64);
    assert_invariant::<f64>(&model, &own_crystals(), DOUBLE);
}

#[test]
fn encodings_of_the_golden_crystals_do_not_depend_on_the_form() {
    let Some(folder) = golden_folder() else { return };
    let fixture = crate::verify::Fixture::open(&folder).expect("a fixture");
    let weights = fixture.tensors("weights.safetensors").expect("weights").into_iter();
    let trained = weights.map(|(name, data)| (name, data.convert_dtype(DType::F32))).collect();
    let model = names::with_parameters(lively(&MmptModelConfig::default(), DType::F32), trained);
    assert_invariant::<f32>(&model, &cases(&folder), SINGLE);
}

#[test]
fn encodings_depend_on_the_crystal() {
    let model = lively(&MmptModelConfig::default(), DType::F64);
    let crystal = skewed();
    let expected = rows(&encode::<f64>(&model, &[crystal.with_edges()]).atoms);
    let stretch = [[1.001, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let mut moved = crystal.clone();
    moved.fractional[1][2] += 0.001;
    let mut other = crystal.clone();
    other.numbers[1] = 17;
    for (change, changed) in [("strain", crystal.mapped(&stretch)), ("shift", moved), ("element", other)] {
        let found = rows(&encode::<f64>(&model, &[changed.with_edges()]).atoms);
        let deviation = deviation(&found, &expected);
        assert!(deviation > 100.0 * SINGLE, "{change}: {deviation:.1e}");
    }
}
