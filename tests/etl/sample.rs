//! The embedded sample: what a correct reader finds in it stands in `expected.csv`.

use std::collections::HashMap;
use std::process::Command;

use schemas::reader::Shard;
use schemas::settings::FeatureSettings;

use crate::support::*;

/// Published coordinates round thirds, which moves distances by up to half of this, in Å.
const DISTANCE_TOLERANCE: f64 = 1e-3;
/// Relative tolerance of the volume: cell parameters are given to six decimals.
const VOLUME_TOLERANCE: f64 = 1e-5;

/// Volume of a cell from its parameters in Å and degrees.
fn volume([a, b, c, alpha, beta, gamma]: [f64; 6]) -> f64 {
    let [x, y, z] = [alpha, beta, gamma].map(|angle| angle.to_radians().cos());
    a * b * c * (1.0 - x * x - y * y - z * z + 2.0 * x * y * z).sqrt()
}

#[test]
fn every_crystal_is_read_as_expected() {
    let out = folder();
    build("cif", &sample(), out.path(), &["--name", "textbook"], 0);
    let mut expected: HashMap<String, csv::StringRecord> =
        csv::Reader::from_path(sample().join("expected.csv"))
            .expect("the sample's own file")
            .records()
            .map(|row| row.expect("well formed"))
            .map(|row| (row[0].to_owned(), row))
            .collect();
    assert!(expected.len() >= 150);
    assert_eq!(manifest(out.path()).counts.kept, expected.len() as u64);
    for shard in &manifest(out.path()).shards {
        let shard =
            Shard::open(&out.path().join(&shard.file), Some(&FeatureSettings::default())).expect("a shard");
        for batch in shard.crystals(None).expect("readable") {
            let batch = batch.expect("readable");
            for row in 0..batch.len() {
                let crystal = batch.row(row).expect("a good row");
                let id = crystal.material_id;
                let expected = expected.remove(id).unwrap_or_else(|| panic!("{id} is not expected"));
                let number = |column: usize| expected[column].parse::<f64>().expect("a number");
                assert_eq!(crystal.chemical_formula_reduced, &expected[1], "{id}");
                assert_eq!(crystal.atomic_numbers.len() as f64, number(2), "{id}");
                let given = volume(std::array::from_fn(|index| number(4 + index)));
                assert!(
                    (crystal.volume / given - 1.0).abs() < VOLUME_TOLERANCE,
                    "{id}: {} {given}",
                    crystal.volume
                );
                let nearest = crystal.edges.distance.iter().copied().fold(f32::INFINITY, f32::min);
                assert!((f64::from(nearest) - number(10)).abs() < DISTANCE_TOLERANCE, "{id}: {nearest}");
            }
        }
    }
    assert!(expected.is_empty(), "missing: {:?}", expected.keys());
}

#[test]
fn labels_and_splits_of_the_sample_are_joined() {
    let out = folder();
    build("cif", &sample(), out.path(), &["--name", "textbook"], 0);
    let rows = rows(out.path());
    let ids = texts(&rows, "material_id");
    let gaps: HashMap<_, _> = ids.iter().cloned().zip(doubles(&rows, "band_gap_ev")).collect();
    assert_eq!(gaps[&Some("Ag-fcc".to_owned())], Some(0.0));
    assert_eq!(gaps[&Some("AgBr-rocksalt".to_owned())], Some(2.68));
    assert_eq!(gaps[&Some("Ag2O-cuprite".to_owned())], None);
    let splits = texts(&rows, "split");
    for part in ["train", "val", "test"] {
        assert!(splits.contains(&Some(part.to_owned())), "{part}");
    }
}

#[test]
fn help_names_every_command() {
    let help = said(&Command::new(ETL).arg("--help").output().expect("the program starts"));
    for command in ["build", "fetch", "inspect", "stats", "validate"] {
        assert!(help.contains(command), "{help}");
    }
}
