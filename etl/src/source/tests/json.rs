//! OQMD, JARVIS and MatBench.

use schemas::property::PropertyKind;

use super::{drain, gzip, open_default, read, written, zip};
use crate::source::{SourceError, SourceKind};

const OQMD: &str = r#"[
{"atoms": {"lattice_mat": [[0, 2.8, 2.8], [2.8, 0, 2.8], [2.8, 2.8, 0]], "coords": [[0, 0, 0], [0.5, 0.5, 0.5]],
 "elements": ["Na ", "Cl "], "cartesian": false, "props": ["", ""]},
 "_oqmd_entry_id": 7, "_oqmd_delta_e": -2.1, "_oqmd_band_gap": 5.0, "_oqmd_stability": null, "_oqmd_volume": 44},
{"_oqmd_entry_id": 8, "atoms": {"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "coords": [[0, 0, 0]],
 "elements": ["(Cs,Os) "]}, "_oqmd_delta_e": 1},
{"atoms": {}, "_oqmd_entry_id": 9},
{"atoms": {"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "coords": [[0, 0, 0]], "elements": ["Po"]},
 "_oqmd_entry_id": 10, "_oqmd_delta_e": "high"},
7]"#;

#[test]
fn oqmd_entries_are_read_however_packed() {
    let text = OQMD.as_bytes();
    let zstd = zstd::encode_all(text, 3).expect("in memory");
    for (name, bytes) in [
        ("all_oqmd.json", text.to_vec()),
        ("all_oqmd.json.gz", gzip(text)),
        ("all_oqmd.json.zst", zstd),
        ("all_oqmd.json.zip", zip(&[("__MACOSX/._all_oqmd.json", b"x"), ("all_oqmd.json", text)])),
    ] {
        let (_folder, path) = written(name, &bytes);
        let source = open_default(SourceKind::Oqmd, &[&path]).expect("a source");
        let columns: Vec<_> = source.properties.iter().map(|column| column.column.as_str()).collect();
        let expected =
            ["formation_energy_ev_per_atom", "band_gap_ev", "energy_above_hull_ev_per_atom", "oqmd_volume"];
        assert_eq!((source.name.as_str(), columns), ("oqmd", expected.to_vec()));
        let harvest = drain(source).expect("readable");
        assert_eq!(harvest.ids(), ["oqmd-7", "oqmd-10"]);
        assert_eq!(harvest.crystals[1].properties, [None; 4]);
        assert_eq!(harvest.crystals[0].properties, [Some(-2.1), Some(5.0), None, Some(44.0)]);
        assert_eq!(harvest.crystals[0].structure.atomic_numbers, [11, 17]);
        assert_eq!(
            harvest.reasons(),
            [("ambiguous_element", Some("oqmd-8")), ("missing_field", Some("oqmd-9")), ("bad_json", None),],
        );
        let origin = &harvest.rejects[0].origin;
        assert_eq!((origin.record, origin.line), (2, Some(5)));
        assert!(origin.file.starts_with(&*path.to_string_lossy()), "{}", origin.file);
        let [note] = &harvest.notes[..] else { panic!("{:?}", harvest.notes) };
        assert_eq!(
            (note.code, note.material_id.as_deref(), note.origin.record),
            ("odd_value", Some("oqmd-10"), 4)
        );
        assert_eq!(note.message, "_oqmd_delta_e is \"high\", no number: taken as missing");
    }
}

#[test]
fn several_files_are_read_one_after_another() {
    let (_folder, path) = written("a.json", OQMD.as_bytes());
    let harvest = read(SourceKind::Oqmd, &[&path, &path]).expect("readable");
    assert_eq!(harvest.ids(), ["oqmd-7", "oqmd-10", "oqmd-7", "oqmd-10"]);
    assert_eq!(harvest.crystals[2].origin.record, 1);
}

const JARVIS: &str = r#"[{"jid": "JVASP-1", "spg": "Fm-3m", "atoms": {"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]],
 "coords": [[2, 0, 6]], "elements": ["Po"], "cartesian": true}, "ehull": "0.5", "epsx": "na", "xml": [{"deep": [1]}], "mixed": 1},
{"jid": "JVASP-2", "spg": "225", "atoms": {"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]],
 "coords": [[0.5, 0, 1.5]], "elements": ["Po"], "cartesian": false}, "epsx": 2.5, "xml": 1, "mixed": "x", "ehull": ""},
{"jid": "JVASP-3", "atoms": {"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]],
 "coords": [[0.5, 0, 1.5]], "elements": ["Po"], "cartesian": false}, "epsx": NaN, "ehull": [1]},
{"jid": null, "atoms": {}}]"#;

#[test]
fn jarvis_keys_are_properties_when_most_of_their_values_are_numbers() {
    let (_folder, path) = written("jdft_3d.json.zip", &zip(&[("jdft_3d.json", JARVIS.as_bytes())]));
    let source = open_default(SourceKind::Jarvis, &[&path]).expect("a source");
    let columns: Vec<_> = source.properties.iter().map(|column| column.column.clone()).collect();
    assert_eq!(columns, ["energy_above_hull_ev_per_atom", "jarvis_epsx"]);
    assert!(
        source.notes[0].ends_with("spg (1 numbers, 1 other values, the first \"Fm-3m\")"),
        "{:?}",
        source.notes
    );
    assert_eq!(source.notes.len(), 3);
    let harvest = drain(source).expect("readable");
    assert_eq!(harvest.ids(), ["JVASP-1", "JVASP-2"]);
    assert_eq!(harvest.crystals[0].properties, [Some(0.5), None]);
    assert_eq!(harvest.crystals[1].properties, [None, Some(2.5)]);
    assert_eq!(harvest.crystals[0].structure.fractional, harvest.crystals[1].structure.fractional);
    assert_eq!(harvest.reasons(), [("bad_property_value", Some("JVASP-3")), ("bad_identifier", None)]);
}

#[test]
fn an_array_that_breaks_off_is_named_with_line_and_column() {
    let (_folder, path) = written("a.json", b"[\n{\"jid\": \"x\"}\n{}]");
    let error = read(SourceKind::Jarvis, &[&path]).expect_err("a comma is missing");
    let SourceError::Json { line, column, .. } = &error else { panic!("{error}") };
    assert_eq!((*line, *column), (3, 1));
    assert!(error.to_string().starts_with(&*path.to_string_lossy()), "{error}");
    for text in ["", "{}", "[", "[{\"jid\": \"x\"}", "[]]", "not json"] {
        let (_folder, path) = written("a.json", text.as_bytes());
        assert!(matches!(read(SourceKind::Jarvis, &[&path]), Err(SourceError::Json { .. })), "{text}");
    }
}

#[test]
fn deep_and_large_entries_are_left_out_and_the_rest_is_read() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let large = "x".repeat(crate::source::MAX_RECORD_BYTES);
    let good = r#"{"jid": "J", "atoms": {"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "coords": [[0, 0, 0]], "elements": ["Po"]}}"#;
    let text = format!("[{deep}, {{\"jid\": {deep}}}, {{\"jid\": \"L\", \"note\": \"{large}\"}}, {good}]");
    let (_folder, path) = written("a.json.gz", &gzip(text.as_bytes()));
    let harvest = read(SourceKind::Jarvis, &[&path]).expect("readable");
    assert_eq!(harvest.ids(), ["J"]);
    let mut reasons: Vec<_> = harvest.reasons().into_iter().map(|(reason, _)| reason).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["bad_identifier", "bad_json", "record_too_large"]);
}

/// A task of one row, with its keys in the order given.
fn task(keys: &[&str]) -> String {
    let site = r#"{"species": [{"element": "Po", "occu": 1}], "abc": [0, 0, 0.5]}"#;
    let lattice = r#"{"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}"#;
    let half = site.replace("1}", "0.5}");
    let structure = |site: &str| format!(r#"{{"lattice": {lattice}, "sites": [{site}]}}"#);
    let (whole, half) = (structure(site), structure(&half));
    let values = [
        ("index", format!("[{}]", (0..6).map(|row| row.to_string()).collect::<Vec<_>>().join(", "))),
        ("columns", r#"["structure", "n"]"#.to_owned()),
        (
            "data",
            format!(
                "[[{whole}, 1.5],\n [{half}, 2], [{whole}, 3], [{whole}, \"na\"], [{whole}], [{whole}, []]]"
            ),
        ),
    ];
    let pairs = keys.iter().filter_map(|key| values.iter().find(|(name, _)| name == key));
    let pairs: Vec<_> = pairs.map(|(key, value)| format!("\"{key}\": {value}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[test]
fn matbench_rows_have_matbench_s_identifiers() {
    for keys in [["index", "columns", "data"], ["data", "columns", "index"]] {
        let (_folder, path) = written("matbench_dielectric.json.gz", &gzip(task(&keys).as_bytes()));
        let source = open_default(SourceKind::Matbench, &[&path]).expect("a source");
        assert_eq!(source.name, "matbench_dielectric");
        assert_eq!(source.properties[0].column, "refractive_index");
        let harvest = drain(source).expect("readable");
        assert_eq!(harvest.ids(), ["mb-dielectric-0001", "mb-dielectric-0003", "mb-dielectric-0004"]);
        let values: Vec<_> = harvest.crystals.iter().map(|found| found.properties[0]).collect();
        assert_eq!(values, [Some(1.5), Some(3.0), None]);
        assert_eq!(
            harvest.reasons(),
            [
                ("partial_occupancy", Some("mb-dielectric-0002")),
                ("field_count_mismatch", Some("mb-dielectric-0005")),
                ("bad_property_value", Some("mb-dielectric-0006")),
            ],
        );
        assert_eq!(harvest.rejects[0].origin.line, Some(2));
    }
}

#[test]
fn matbench_rows_are_those_of_the_index() {
    let whole = task(&["index", "columns", "data"]);
    for (index, ids) in [
        ("[5, 1, 2, 0, 7, 3]", ["6", "3", "1"].map(|row| format!("mb-dielectric-000{row}"))),
        (
            r#"["mb-x-6", "mb-x-1", "mb-x-3", "mb-x-2", "mb-x-9", "mb-x-4"]"#,
            ["6", "3", "2"].map(|row| format!("mb-x-{row}")),
        ),
    ] {
        let text = whole.replace("[0, 1, 2, 3, 4, 5]", index);
        let (_folder, path) = written("matbench_dielectric.json", text.as_bytes());
        assert_eq!(read(SourceKind::Matbench, &[&path]).expect("readable").ids(), ids, "{index}");
    }
    for (index, part) in [
        ("[0, 1, 2, 3, 4]", "an index of 5 rows and data of 6"),
        ("[0, 1, 2, 3, 4, 5, 6]", "an index of 7 rows and data of 6"),
        ("[0, 1, 2, 3, 4, 0]", "0 stands twice"),
        ("[0, 1, 2, 3, 4, \"mp-1\"]", "value 6 of the index"),
    ] {
        let text = whole.replace("[0, 1, 2, 3, 4, 5]", index);
        let (_folder, path) = written("matbench_x.json", text.as_bytes());
        let error = read(SourceKind::Matbench, &[&path]).expect_err(index).to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn matbench_tasks_can_share_a_store() {
    let text = task(&["index", "columns", "data"]);
    let (_folder, a) = written("matbench_dielectric.json", text.as_bytes());
    let (_other, b) = written("matbench_log_kvrh.json", text.replace("\"n\"", "\"log10(K_VRH)\"").as_bytes());
    let source = open_default(SourceKind::Matbench, &[&a, &b]).expect("a source");
    assert_eq!(source.name, "matbench");
    let harvest = drain(source).expect("readable");
    assert_eq!(harvest.crystals[0].properties, [Some(1.5), None]);
    assert_eq!(harvest.crystals[3].properties, [None, Some(1.5)]);
    assert_eq!(harvest.crystals[3].id, "mb-log-kvrh-00001");
}

#[test]
fn files_that_are_no_structure_task_say_so() {
    for (text, part) in [
        (task(&["index", "data"]), "not a MatBench task"),
        (task(&["index", "columns"]), "has no \"data\""),
        (
            task(&["index", "columns", "data"]).replace("\"structure\"", "\"composition\""),
            "a task without crystals",
        ),
        ("[]".to_owned(), "expected a table in split orientation"),
    ] {
        let (_folder, path) = written("matbench_x.json", text.as_bytes());
        let message = read(SourceKind::Matbench, &[&path]).expect_err("no task").to_string();
        assert!(message.contains(part), "{message}");
    }
}

/// A JARVIS entry of polonium with more keys.
fn polonium(id: &str, more: &str) -> String {
    format!(
        r#"{{"jid": "{id}", "atoms": {{"lattice_mat": [[3, 0, 0], [0, 3, 0], [0, 0, 3]], "coords": [[0, 0, 0]],
        "elements": ["Po"]}}{more}}}"#
    )
}

#[test]
fn an_entry_of_thousands_of_keys_is_left_out_and_takes_no_column() {
    let keys: String = (0..4096).map(|key| format!(", \"k{key}\": 1")).collect();
    let good = polonium("G", ", \"gap\": 2.5");
    let (_folder, path) = written("a.json", format!("[{}, {good}]", polonium("B", &keys)).as_bytes());
    let source = open_default(SourceKind::Jarvis, &[&path]).expect("a source");
    let columns: Vec<_> = source.properties.iter().map(|column| column.column.clone()).collect();
    assert_eq!(columns, ["jarvis_gap"]);
    let harvest = drain(source).expect("readable");
    assert_eq!(harvest.ids(), ["G"]);
    assert_eq!(harvest.crystals[0].properties, [Some(2.5)]);
    assert_eq!(harvest.reasons(), [("too_many_keys", Some("B"))]);
}

#[test]
fn keys_beyond_the_limit_are_dropped_with_a_note() {
    let entry = |at: usize| {
        let keys = (0..1000).map(|key| format!(", \"k{at}_{key}\": 1"));
        polonium(&format!("P{at}"), &keys.collect::<String>())
    };
    let entries: Vec<String> = (0..5).map(entry).collect();
    let (_folder, path) = written("a.json", format!("[{}]", entries.join(",")).as_bytes());
    let source = open_default(SourceKind::Jarvis, &[&path]).expect("a source");
    assert_eq!(source.properties.len(), 4096);
    let note = source.notes.last().expect("a note").clone();
    assert!(note.ends_with("over 4096 keys: \"k4_96\" and others are left out"), "{note}");
    assert_eq!(drain(source).expect("readable").crystals.len(), 5);
}

#[test]
fn of_two_keys_that_become_one_column_one_is_dropped_with_a_note() {
    let entries = [", \"a b\": 9", ", \"a-b\": 1", ", \"a-b\": 2"];
    let entries: Vec<String> =
        entries.iter().enumerate().map(|(at, more)| polonium(&format!("P{at}"), more)).collect();
    let (_folder, path) = written("a.json", format!("[{}]", entries.join(",")).as_bytes());
    let source = open_default(SourceKind::Jarvis, &[&path]).expect("a source");
    let note = source.notes.last().expect("a note").clone();
    assert!(note.ends_with("key \"a b\" is left out: its column jarvis_a_b is that of \"a-b\""), "{note}");
    let harvest = drain(source).expect("readable");
    let values: Vec<_> = harvest.crystals.iter().map(|crystal| crystal.properties.clone()).collect();
    assert_eq!(values, [vec![None], vec![Some(1.0)], vec![Some(2.0)]]);
}

#[test]
fn booleans_of_matbench_are_never_mixed_with_numbers() {
    let text = task(&["index", "columns", "data"]);
    for (first, second, kind, expected) in [
        ("null", "true", PropertyKind::Boolean, Ok(1.0)),
        ("false", "true", PropertyKind::Boolean, Ok(1.0)),
        ("false", "1", PropertyKind::Boolean, Err("bad_property_value")),
        ("0", "true", PropertyKind::Number, Err("bad_property_value")),
    ] {
        let text = text.replace("1.5]", &format!("{first}]")).replace(", 2]", ", null]");
        let text = text.replace(", 3]", &format!(", {second}]"));
        let (_folder, path) = written("matbench_x.json", text.as_bytes());
        let source = open_default(SourceKind::Matbench, &[&path]).expect("a source");
        assert_eq!(source.properties[0].kind, kind, "{first}, {second}");
        let harvest = drain(source).expect("readable");
        let third = harvest.crystals.iter().find(|found| found.id.ends_with('3'));
        let value = third.and_then(|found| found.properties[0]);
        let fault = harvest.reasons().into_iter().find(|(_, id)| id.is_some_and(|id| id.ends_with('3')));
        assert_eq!(value.ok_or_else(|| fault.map(|(reason, _)| reason)), expected.map_err(Some));
    }
}

#[test]
fn tasks_with_one_column_hold_values_of_one_kind() {
    let text = task(&["index", "columns", "data"]).replace("\"n\"", "\"band_gap\"");
    let (_folder, a) = written("matbench_a.json", text.as_bytes());
    let (_other, b) = written("matbench_b.json", text.replace("1.5]", "true]").as_bytes());
    let error = open_default(SourceKind::Matbench, &[&a, &b]).map(|_| ()).expect_err("two kinds").to_string();
    let end = "\"band_gap\" holds booleans, numbers or lists in one task and others in another";
    assert!(error.ends_with(end), "{error}");
}

#[test]
fn booleans_and_classes_of_jarvis_are_properties() {
    let entries = [
        r#", "crys": "cubic", "layered": false, "mixed": 1, "tags": ["a"]"#,
        r#", "crys": "he\u0078agonal", "layered": "True", "mixed": true, "tags": ["a"]"#,
        r#", "crys": "cubic ", "layered": null, "mixed": 2, "tags": ["b"]"#,
        r#", "crys": "hexagonal", "layered": "na", "mixed": 3, "tags": ["b"]"#,
        r#", "crys": "NA", "mixed": 4"#,
    ];
    let entries: Vec<String> =
        entries.iter().enumerate().map(|(at, more)| polonium(&format!("P{at}"), more)).collect();
    let (_folder, path) = written("a.json", format!("[{}]", entries.join(",")).as_bytes());
    let source = open_default(SourceKind::Jarvis, &[&path]).expect("a source");
    let columns: Vec<_> = source.properties.iter().map(|found| (found.column.as_str(), found.kind)).collect();
    let expected = [
        ("jarvis_crys", PropertyKind::Class),
        ("jarvis_layered", PropertyKind::Boolean),
        ("jarvis_mixed", PropertyKind::Number),
    ];
    assert_eq!(columns, expected);
    assert_eq!(*source.classes[0], ["cubic", "hexagonal"].map(str::to_owned));
    let note = source.notes.last().expect("a note");
    assert!(note.ends_with("left out, without numbers: tags (values that are no texts)"), "{note}");
    let harvest = drain(source).expect("readable");
    let values: Vec<_> = harvest.crystals.iter().map(|crystal| crystal.properties.clone()).collect();
    let expected = [
        [Some(0.0), Some(0.0), Some(1.0)],
        [Some(1.0), Some(1.0), None],
        [Some(0.0), None, Some(2.0)],
        [Some(1.0), None, Some(3.0)],
        [None, None, Some(4.0)],
    ];
    assert_eq!(values, expected);
    let notes: Vec<_> = harvest.notes.iter().map(|note| note.message.as_str()).collect();
    let expected =
        ["mixed is \"true\", no number: taken as missing", "crys is \"NA\", no class: taken as missing"];
    assert_eq!(notes, expected);
}
