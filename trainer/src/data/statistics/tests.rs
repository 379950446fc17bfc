use super::*;
use crate::data::golden::assert_close;
use crate::data::store::Sources;
use crate::data::subset::{SplitPart, Subset};
use crate::data::test_store::{Row, chain, write_store};
use std::sync::Arc;
use tempfile::TempDir;

fn store(rows: &[Row], subset: Subset) -> (TempDir, Selection) {
    let folder = TempDir::new().expect("a temporary folder");
    write_store(&folder.path().join("test"), "test", rows, 3, 2);
    let sources = Sources::resolve(&[folder.path().display().to_string()], None).expect("a readable store");
    let selection = Selection::new(&Arc::new(sources), subset).expect("some crystals");
    (folder, selection)
}

#[test]
fn lattice_statistics_of_a_population() {
    let mut rows: Vec<Row> = (1..=7).map(|sites| chain(&format!("c{sites}"), sites)).collect();
    let of_all = LatticeStatistics::of(&store(&rows, Subset::All).1).expect("a readable store");
    // Cells are 3 n ångström long; the population's deviation of 1..=7 is 2.
    assert_close("mean", &of_all.mean, &[12.0, 12.0, 12.0, 90.0, 90.0, 90.0], 1e-12);
    assert_close("deviation", &of_all.std, &[6.0, 6.0, 6.0, 1e-3, 1e-3, 1e-3], 1e-12);
    for row in &mut rows[2..4] {
        row.split = Some("train");
    }
    let train = Subset::Split { column: "split".to_owned(), part: SplitPart::Train };
    let of_train = LatticeStatistics::of(&store(&rows, train).1).expect("a readable store");
    assert_close("mean", &of_train.mean[..3], &[10.5; 3], 1e-12);
    assert_close("deviation", &of_train.std[..3], &[1.5; 3], 1e-12);
}

#[test]
fn values_that_are_no_numbers_are_refused() {
    let mut row = chain("c", 1);
    row.crystal.parameters[1] = f64::NAN;
    let error = LatticeStatistics::of(&store(&[row], Subset::All).1).expect_err("not a number");
    assert!(error.to_string().contains("column 'b' has a value that is no finite number"), "{error}");
}

#[test]
fn constant_predictors() {
    // Two chains of two atoms (H, He): four edges each, two of which leave the cell.
    let rows = [chain("c0", 2), chain("c1", 2), chain("c2", 1)];
    let scores = ConstantPredictor::of(&store(&rows, Subset::All).1).expect("a readable store");
    // H three times, He twice.
    let two_classes = |share: f64| -share * share.ln() - (1.0 - share) * (1.0 - share).ln();
    assert!((scores.atom_type - two_classes(0.4)).abs() < 1e-15);
    // Ten edges: four stay, three leave in either direction.
    assert!((scores.same_cell_cell - two_classes(0.4)).abs() < 1e-15);
    let directions = -0.4 * 0.4_f64.ln() - 0.6 * 0.3_f64.ln();
    assert!((scores.direction_cell - directions).abs() < 1e-15);
    assert!((scores.direction(PeriodicLabels::Centred) - directions).abs() < 1e-15);
    assert!((scores.same_cell(PeriodicLabels::Cell) - two_classes(0.4)).abs() < 1e-15);
    assert!(scores.edge_distance < 1e-12);
    // Atoms of a chain of two are 1.5 Å from their centre, the lone atom 0.
    assert!((scores.centre_distance - 1.5 / 5.0).abs() < 1e-12);
}

#[test]
fn entropy_of_empty_classes_is_zero() {
    assert_eq!(entropy(&[0, 0]), 0.0);
    assert_eq!(entropy(&[0, 7]), 0.0);
    assert!((entropy(&[5, 5]) - 2.0_f64.ln()).abs() < 1e-15);
}
