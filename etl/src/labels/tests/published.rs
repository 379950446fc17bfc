//! Tables as they are published, where they are at hand.

use super::*;

#[test]
fn published_labels_are_read() {
    let Some(archive) = shared("mirror/mp36k.tar.zst") else { return };
    let Some(split) = shared("mirror/jarvis/splits/megnet_e_form.json.zip") else { return };
    let source = crate::source::open(SourceKind::Cif, &[archive], &Default::default()).expect("a source");
    let inputs =
        LabelInputs { embedded: source.embedded_labels, files: vec![split], ..LabelInputs::default() };
    let table = load(&inputs).expect("readable");
    let expected = [
        "target",
        "formation_energy_ev_per_atom",
        "band_gap_ev",
        "energy_above_hull_ev_per_atom",
        "bulk_modulus_vrh_gpa",
        "shear_modulus_vrh_gpa",
        "leaderboard_megnet_e_form",
    ];
    assert_eq!(columns(&table), expected);
    assert_eq!(table.splits, ["split_megnet", "split_megnet_e_form"]);
    let row = row(&table, "mp-1000").expect("a row");
    assert_eq!((row.split(0), row.split(1)), (Some("train"), Some("train")));
    assert_eq!(
        (row.property(0), row.property(2)),
        (Some(-1.792_337_210_000_000_3), Some(1.593_000_000_000_000_2))
    );
}

#[test]
fn published_folds_are_read() {
    let Some(path) = shared("mirror/matbench/folds.csv") else { return };
    let inputs = LabelInputs {
        files: vec![path],
        tasks: vec!["matbench_jdft2d".to_owned()],
        ..LabelInputs::default()
    };
    let table = load(&inputs).expect("readable");
    assert_eq!(table.len(), 636);
    assert_eq!(row(&table, "mb-jdft2d-001").and_then(|row| row.fold()), Some(4));
}

proptest! {
    #[test]
    fn joined_tables_are_what_maps_give(
        tables in proptest::collection::vec(
            (any::<bool>(), proptest::collection::hash_map("[a-f]{1,2}", proptest::option::of(-9i32..9), 0..30)),
            1..5,
        ),
    ) {
        let mut texts = Vec::new();
        let mut expected: HashMap<&str, Vec<Option<f64>>> = HashMap::new();
        for (at, (sorted, table)) in tables.iter().enumerate() {
            let mut rows: Vec<_> = table.iter().collect();
            if *sorted {
                rows.sort();
            }
            // A column without a number would be left out.
            let mut text = format!("id,x{at}\n!,0\n");
            expected.entry("!").or_insert_with(|| vec![None; tables.len()])[at] = Some(0.0);
            for (id, value) in rows {
                text += &format!("{id},{}\n", value.map(|value| value.to_string()).unwrap_or_default());
                expected.entry(id).or_insert_with(|| vec![None; tables.len()])[at] = value.map(f64::from);
            }
            texts.push((format!("{at}.csv"), text));
        }
        let texts: Vec<_> = texts.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
        let table = load_texts(&texts).expect("readable");
        prop_assert_eq!(table.len(), expected.len());
        for (id, row) in expected {
            prop_assert_eq!(values(&table, id), Some(row));
        }
    }
}
