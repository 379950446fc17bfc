//! Comparison with published data, if it is available.

use std::collections::HashMap;

use super::{drain, open_default, read, shared};
use crate::source::SourceKind;

#[test]
fn oqmd_s_entries_are_read() {
    let Some(path) = shared("mirror/oqmd/all_oqmd.json.zip") else { return };
    let source = open_default(SourceKind::Oqmd, &[&path]).expect("a source");
    assert_eq!(source.properties.len(), 3);
    let harvest = drain(source).expect("readable");
    assert_eq!((harvest.crystals.len(), harvest.rejects.len()), (200, 0));
    let first = &harvest.crystals[0];
    assert_eq!(first.id, "oqmd-1039868");
    assert_eq!(first.properties, [Some(-1.59414634085853), Some(0.0), Some(0.3529735503953122)]);
    assert_eq!(first.structure.atomic_numbers, [25, 25, 7, 7, 8, 8, 70, 70]);
    assert_eq!(first.structure.fractional[2], [0.25, 0.25, 0.461]);
}

#[test]
fn jarvis_s_entries_are_read() {
    let Some(path) = shared("mirror/jarvis/jdft_3d-subset.json.zip") else { return };
    let source = open_default(SourceKind::Jarvis, &[&path]).expect("a source");
    let columns: Vec<_> = source.properties.iter().map(|column| column.column.clone()).collect();
    assert_eq!(
        columns,
        [
            "formation_energy_ev_per_atom",
            "band_gap_ev",
            "band_gap_mbj_ev",
            "energy_above_hull_ev_per_atom",
            "bulk_modulus_voigt_gpa",
            "shear_modulus_voigt_gpa",
            "total_energy_ev_per_atom",
            "exfoliation_energy_mev_per_atom",
        ],
    );
    let harvest = drain(source).expect("readable");
    assert_eq!((harvest.crystals.len(), harvest.rejects.len()), (1_141, 0));
    let counts: Vec<_> = (0..8)
        .map(|at| harvest.crystals.iter().filter(|found| found.properties[at].is_some()).count())
        .collect();
    assert_eq!(counts, [1_141, 1_141, 687, 1_130, 957, 957, 1_141, 41]);
    // Every fifth entry is Cartesian: none of its sites may lie far outside the cell.
    let far = |found: &&super::Found| found.structure.fractional.as_flattened().iter().any(|f| f.abs() > 2.0);
    assert_eq!(harvest.crystals.iter().filter(far).count(), 0);
    let vanadium = &harvest.crystals[0].structure;
    assert_eq!(vanadium.atomic_numbers, [23, 34, 34]);
    for (value, expected) in vanadium.fractional[1].iter().zip([2.0 / 3.0, 1.0 / 3.0, 0.747_96]) {
        assert!((value - expected).abs() < 1e-4, "{value} {expected}");
    }
}

#[test]
fn matbench_s_rows_are_those_of_the_folds() {
    let Some(path) = shared("mirror/matbench/matbench_jdft2d.json.gz") else { return };
    let Some(folds) = shared("mirror/matbench/folds.csv") else { return };
    let source = open_default(SourceKind::Matbench, &[&path]).expect("a source");
    assert_eq!(source.properties[0].column, "exfoliation_energy_mev_per_atom");
    let harvest = drain(source).expect("readable");
    assert_eq!((harvest.crystals.len(), harvest.rejects.len()), (636, 0));
    assert_eq!(harvest.crystals[0].properties, [Some(63.593833333333016)]);
    let folds = std::fs::read_to_string(folds).expect("readable");
    let known: HashMap<&str, &str> =
        folds.lines().filter_map(|line| line.strip_prefix("matbench_jdft2d,")?.split_once(',')).collect();
    assert_eq!(known.len(), 636);
    assert!(harvest.ids().iter().all(|id| known.contains_key(id)));
}

#[test]
fn a_large_archive_of_cifs_is_read_whole() {
    let Some(path) = shared("mirror/mp36k.tar.zst") else { return };
    let source = open_default(SourceKind::Cif, &[&path]).expect("a source");
    let tables: Vec<_> = source.embedded_labels.iter().map(|table| &table.file).collect();
    assert_eq!(
        tables,
        [&format!("{}!mp36k/id_prop.csv", path.display()), &format!("{}!mp36k/labels.csv", path.display())]
    );
    let harvest = drain(source).expect("readable");
    assert_eq!((harvest.crystals.len(), harvest.rejects.len()), (36_002, 0));
    assert_eq!(harvest.crystals[0].id, "mp-1000");
}

#[test]
fn oqmd_s_own_cifs_are_read() {
    let Some(path) = shared("mirror/oqmd/cif") else { return };
    let harvest = read(SourceKind::Cif, &[&path]).expect("readable");
    assert_eq!((harvest.crystals.len(), harvest.rejects.len()), (7, 0), "{:?}", harvest.rejects);
}
