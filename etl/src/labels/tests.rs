mod classes;
mod headers;
mod published;
mod spelling;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use schemas::property::PropertyKind;

use super::{Fate, IdRule, LabelError, LabelInputs, LabelRow, LabelTable, load};
use crate::source::{EmbeddedLabels, SourceKind};

fn written(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    (folder, path)
}

fn embedded(file: &str, csv: &str) -> EmbeddedLabels {
    let folder = file.rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
    EmbeddedLabels { file: file.to_owned(), folder: folder.to_owned(), csv: csv.as_bytes().to_vec() }
}

fn row<'a>(table: &'a LabelTable, id: &str) -> Option<LabelRow<'a>> {
    table.row(id).expect("one row at most")
}

fn load_texts(tables: &[(&str, &str)]) -> Result<LabelTable, LabelError> {
    let embedded = tables.iter().map(|(file, csv)| embedded(file, csv)).collect();
    load(&LabelInputs { embedded, ..LabelInputs::default() })
}

fn columns(table: &LabelTable) -> Vec<&str> {
    table.properties.iter().map(|property| property.column.as_str()).collect()
}

fn values(table: &LabelTable, id: &str) -> Option<Vec<Option<f64>>> {
    let row = row(table, id)?;
    Some((0..table.properties.len()).map(|at| row.property(at)).collect())
}

fn kinds(table: &LabelTable) -> Vec<(&str, PropertyKind)> {
    let all = table.properties.iter().chain(&table.classes);
    all.map(|property| (property.column.as_str(), property.kind)).collect()
}

fn class<'a>(table: &'a LabelTable, id: &str) -> Option<&'a str> {
    row(table, id)?.class(0)
}

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared is not here");
    None
}

const LABELS: &str = "\u{feff}material_id,formation_energy_per_atom,megnet_split,note,odd thing\r\n\
    a,-1.5,train,\"x, y\",1\r\nb,na,test,z,\r\n\"c\",2,,,3\r\n";

#[test]
fn a_table_with_header_gives_properties_and_splits() {
    let table = load_texts(&[("labels.csv", LABELS)]).expect("readable");
    assert_eq!(columns(&table), ["formation_energy_ev_per_atom", "odd_thing"]);
    assert_eq!(table.splits, ["split_megnet"]);
    assert_eq!(values(&table, "a"), Some(vec![Some(-1.5), Some(1.0)]));
    assert_eq!(values(&table, "b"), Some(vec![None, None]));
    assert_eq!(row(&table, "a").and_then(|row| row.split(0)), Some("train"));
    assert_eq!(row(&table, "b").and_then(|row| row.split(0)), Some("test"));
    assert_eq!(row(&table, "c").and_then(|row| row.split(0)), None);
    assert!(row(&table, "d").is_none());
    assert_eq!(
        table.notes,
        ["labels.csv: column \"note\" holds text and is left out: 2 different texts in 2 values"]
    );
}

#[test]
fn tables_of_different_identifiers_are_joined() {
    let table = load_texts(&[
        ("labels.csv", LABELS),
        ("x!id_prop.csv", "c,7\nz,8\na,9\n"),
        ("other.csv", "name,band_gap\nz,1\n"),
    ]);
    let table = table.expect("readable");
    assert_eq!(columns(&table), ["formation_energy_ev_per_atom", "odd_thing", "target", "band_gap_ev"]);
    assert_eq!(values(&table, "a"), Some(vec![Some(-1.5), Some(1.0), Some(9.0), None]));
    assert_eq!(values(&table, "b"), Some(vec![None; 4]));
    assert_eq!(values(&table, "c"), Some(vec![Some(2.0), Some(3.0), Some(7.0), None]));
    assert_eq!(values(&table, "z"), Some(vec![None, None, Some(8.0), Some(1.0)]));
    assert_eq!(row(&table, "z").and_then(|row| row.split(0)), None);
}

#[test]
fn tables_of_one_order_are_joined_too() {
    let table =
        load_texts(&[("id_prop.csv", "a,1\nb,2\n"), ("labels.csv", "id,x\na,3\nb,4\n")]).expect("readable");
    assert_eq!(values(&table, "a"), Some(vec![Some(1.0), Some(3.0)]));
    assert_eq!(values(&table, "b"), Some(vec![Some(2.0), Some(4.0)]));
    let swapped = load_texts(&[("id_prop.csv", "a,1\nb,2\n"), ("labels.csv", "id,x\nb,4\na,3\n")]);
    assert_eq!(values(&swapped.expect("readable"), "a"), Some(vec![Some(1.0), Some(3.0)]));
}

#[test]
fn id_prop_keys_name_its_columns() {
    let inputs = LabelInputs {
        embedded: vec![embedded("id_prop.csv", "\u{feff}a.cif,1,2,3\nb,na,0,1\n")],
        id_prop_keys: vec!["e_above_hull".to_owned(), "second".to_owned()],
        id_rule: IdRule::of(SourceKind::Cif),
        ..LabelInputs::default()
    };
    let table = load(&inputs).expect("readable");
    assert_eq!(columns(&table), ["energy_above_hull_ev_per_atom", "second", "target_3"]);
    assert_eq!(values(&table, "a"), Some(vec![Some(1.0), Some(2.0), Some(3.0)]));
    assert_eq!(values(&table, "b"), Some(vec![None, Some(0.0), Some(1.0)]));
    assert!(table.notes.is_empty());
    let headed = vec![embedded("labels.csv", "id,gap\na,1\n")];
    for embedded in [headed, Vec::new()] {
        let table = load(&LabelInputs { embedded, ..inputs.clone() }).expect("readable");
        let note = "there is no id_prop.csv whose column \"e_above_hull\" might name: ";
        assert!(matches!(&table.notes[..], [only] if only.starts_with(note)), "{:?}", table.notes);
    }
    let too_many = LabelInputs { id_prop_keys: vec![String::new(); 4], ..inputs };
    assert!(matches!(load(&too_many), Err(LabelError::Layout { .. })));
}

#[test]
fn poscar_names_are_made_identifiers() {
    let inputs = LabelInputs {
        embedded: vec![embedded("id_prop.csv", "POSCAR-JVASP-1.vasp,1\n")],
        id_rule: IdRule::of(SourceKind::Poscar),
        ..LabelInputs::default()
    };
    assert_eq!(values(&load(&inputs).expect("readable"), "JVASP-1"), Some(vec![Some(1.0)]));
}

#[test]
fn an_identifier_in_two_parts_is_kept_out_of_training() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("dft_3d_x.json");
    let load = |text: &str| {
        std::fs::write(&file, text).expect("a small file");
        load(&LabelInputs { files: vec![file.clone()], ..LabelInputs::default() })
    };
    let table = load(r#"{"train": {"a": 1, "b": 2, "c": 3}, "val": {"b": 2}, "test": {"a": 1, "d": 4}}"#);
    let table = table.expect("a split with leaks is usable");
    let part = |id: &str| row(&table, id).and_then(|row| row.split(0));
    assert_eq!(
        [part("a"), part("b"), part("c"), part("d")],
        [Some("test"), Some("val"), Some("train"), Some("test")]
    );
    assert_eq!(row(&table, "a").and_then(|row| row.property(0)), Some(1.0));
    assert!(table.notes[0].contains("2 in two parts (b, a): test goes before val"), "{:?}", table.notes);

    let same = load(r#"{"train": {"a": true, "b": false}, "test": {"a": true}}"#).expect("one value of each");
    assert_eq!(row(&same, "a").and_then(|row| row.property(0)), Some(1.0));

    for (first, second, shown) in [("1", "99.5", "99.5"), ("1", "\"x\"", "x"), ("true", "false", "false")] {
        let text = format!(r#"{{"train": {{"a": {first}}}, "test": {{"a": {second}}}}}"#);
        let error = load(&text).expect_err("two values").to_string();
        let start = format!("\"a\" has two values of leaderboard_dft_3d_x: {first} in train of ");
        assert!(error.starts_with(&start), "{error}");
        assert!(error.contains(&format!("dft_3d_x.json, {shown} in test of ")), "{error}");
    }
    for (first, second) in [("1", "1.0"), ("1", "null"), ("\"na\"", "null")] {
        load(&format!(r#"{{"train": {{"a": {first}}}, "test": {{"a": {second}}}}}"#)).expect("one value");
    }

    let error = load(r#"{"train": {"a": 1, "a": 2}}"#).expect_err("twice in one part");
    assert!(error.to_string().contains("\"a\" stands there a second time"), "{error}");
    load(r#"{"one": {"a": 1}, "two": {"a": 2}}"#).expect_err("parts without an order");
}

#[test]
fn leaderboard_splits_bring_values() {
    let text = r#"{"train": {"a": "1.5", "b": 2}, "val": {"c\u0041": "na"}, "test": {}}"#;
    for (name, bytes) in [("dft_3d_x.json", text.as_bytes().to_vec()), ("dft_3d_x.json.zip", zip(text))] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        let table = load(&LabelInputs { files: vec![path], ..LabelInputs::default() }).expect("readable");
        assert_eq!(
            (columns(&table), &table.splits[..]),
            (vec!["leaderboard_dft_3d_x"], &["split_dft_3d_x".to_owned()][..])
        );
        assert_eq!(values(&table, "a"), Some(vec![Some(1.5)]));
        assert_eq!(values(&table, "b"), Some(vec![Some(2.0)]));
        assert_eq!(values(&table, "cA"), Some(vec![None]));
        assert_eq!(row(&table, "cA").and_then(|row| row.split(0)), Some("val"));
    }
    let (_folder, path) = written("lists.json", r#"{"train": ["a", "b"], "test": ["c"]}"#);
    let table = load(&LabelInputs { files: vec![path], ..LabelInputs::default() }).expect("readable");
    assert!(table.properties.is_empty());
    assert_eq!(row(&table, "c").and_then(|row| row.split(0)), Some("test"));
}

fn zip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("dft_3d_x.json", zip::write::SimpleFileOptions::default()).expect("in memory");
    writer.write_all(text.as_bytes()).expect("in memory");
    writer.finish().expect("in memory").into_inner()
}

#[test]
fn folds_are_those_of_the_tasks() {
    let text = "task,mbid,test_fold\nmatbench_x,mb-x-1,0\nmatbench_x,mb-x-2,4\nmatbench_y,mb-y-1,3\n";
    let (_folder, path) = written("folds.csv", text);
    let inputs = |tasks: &[&str]| LabelInputs {
        files: vec![path.clone()],
        tasks: tasks.iter().map(|&task| task.to_owned()).collect(),
        ..LabelInputs::default()
    };
    let table = load(&inputs(&["matbench_x", "matbench_z"])).expect("readable");
    assert!(table.folds.is_some());
    assert_eq!(row(&table, "mb-x-2").and_then(|row| row.fold()), Some(4));
    assert!(row(&table, "mb-y-1").is_none());
    assert_eq!(table.notes, [format!("{}: no folds of matbench_z", path.display())]);
    assert_eq!(row(&load(&inputs(&[])).expect("readable"), "mb-y-1").and_then(|row| row.fold()), Some(3));
    let (_folder, path) = written("folds.csv", &text.replace(",4", ",x"));
    let error = load(&LabelInputs { files: vec![path], ..LabelInputs::default() }).expect_err("no number");
    assert!(matches!(error, LabelError::Fold { line: 3, .. }), "{error}");
}

#[test]
fn a_table_may_bring_folds() {
    let table = load_texts(&[("l.csv", "id,fold,x\na,3,1\nb,,2\n")]).expect("readable");
    let joined = &table.joined(|_| true)[0].columns;
    let names: Vec<_> = joined.iter().map(|column| (&*column.key, &*column.column)).collect();
    assert_eq!(names, [("x", "x"), ("fold", "fold")]);
    assert_eq!(columns(&table), ["x"]);
    let folds = ["a", "b"].map(|id| row(&table, id).and_then(|row| row.fold()));
    assert_eq!((table.folds.is_some(), folds), (true, [Some(3), None]));
    assert!(matches!(load_texts(&[("l.csv", "id,fold,test_fold\na,3,1\n")]), Err(LabelError::Layout { .. })));
}

#[test]
fn faults_name_file_line_column_and_value() {
    let fault = |tables: &[(&str, &str)]| load_texts(tables).expect_err("a fault").to_string();
    assert_eq!(fault(&[("l.csv", "id,x\na,1\na,2\n")]), "l.csv: line 3: \"a\" stands there a second time");
    assert_eq!(
        fault(&[("l.csv", "id,band_gap\na,wide\n")]),
        "l.csv: line 2, column \"band_gap\": \"wide\" is not a number",
    );
    assert_eq!(
        fault(&[("id_prop.csv", "a,wide\n")]),
        "id_prop.csv: line 1, column \"target\": \"wide\" is not a number",
    );
    assert_eq!(
        fault(&[("id_prop.csv", "a;0,5\nb;1,5\n")]),
        "id_prop.csv: line 1, column \"target\": \"0,5\" is not a number: write decimals with a point",
    );
    assert_eq!(fault(&[("l.csv", "id,x\n,1\n")]), "l.csv: line 2: no identifier");
    assert_eq!(fault(&[("l.csv", "")]), "l.csv: is empty");
    for name in ["l.parquet", "id_prop.csv"] {
        let expected =
            format!("{name}: is a Parquet table; labels are read from CSV, and splits from JSON, too");
        assert_eq!(fault(&[(name, "PAR1\u{15}\u{0}")]), expected);
    }
    assert_eq!(fault(&[("id_prop.csv", "a\n")]), "id_prop.csv: has no values beside the identifiers");
    let ragged = fault(&[("l.csv", "id,x\r\n\r\na,1,2\r\n")]);
    assert_eq!(ragged, "l.csv: line 3: 3 fields, where the first row has 2");
    let twice = fault(&[("l.csv", "id,x\r\n\r\na,1\r\na,2\r\n")]);
    assert_eq!(twice, "l.csv: line 4: \"a\" stands there a second time");
}

#[test]
fn an_odd_value_among_numbers_is_missing_and_named() {
    let table =
        load_texts(&[("l.csv", "id,x,y\na,1,1\nb,2,-\nc,many,\nd,3,n.d.\ne,,3\n")]).expect("readable");
    assert_eq!(columns(&table), ["x", "y"]);
    assert_eq!(values(&table, "c"), Some(vec![None, None]));
    assert_eq!(values(&table, "d"), Some(vec![Some(3.0), None]));
    assert_eq!(
        table.notes,
        [
            "l.csv: column \"x\": 1 taken as missing, no numbers: \"many\" of c in line 4",
            "l.csv: column \"y\": 2 taken as missing, no numbers: \"-\" of b in line 3, \"n.d.\" of d in line 5",
        ]
    );
    let many: String = (0..10).map(|at| format!("a{at},{}\n", if at < 4 { ">5" } else { "1" })).collect();
    let table = load_texts(&[("id_prop.csv", many.as_str())]).expect("readable");
    assert!(table.notes[0].contains("4 taken as missing") && table.notes[0].ends_with("line 3, ..."));
}

#[test]
fn tables_share_a_column_but_no_value() {
    let table = load_texts(&[("l.csv", "id,band_gap\na,1\nb,\n"), ("m.csv", "id,bandgap\nb,2\nc,3\n")]);
    let table = table.expect("readable");
    assert_eq!(columns(&table), ["band_gap_ev"]);
    for (id, gap) in [("a", 1.0), ("b", 2.0), ("c", 3.0)] {
        assert_eq!(values(&table, id), Some(vec![Some(gap)]), "{id}");
    }
    let fault = |tables: &[(&str, &str)]| load_texts(tables).expect_err("a fault").to_string();
    assert_eq!(
        fault(&[("l.csv", "id,band_gap\na,1\n"), ("m.csv", "id,bandgap\na,1.5\n")]),
        "\"a\" has two values of band_gap_ev: 1 in l.csv, 1.5 in m.csv"
    );
    assert_eq!(
        fault(&[("l.csv", "id,s_split\na,train\n"), ("m.csv", "id,split_s\na,test\n")]),
        "\"a\" has two values of split_s: train in l.csv, test in m.csv"
    );
    assert_eq!(
        fault(&[("l.csv", "id,fold\na,0\n"), ("m.csv", "id,fold\na,3\n")]),
        "\"a\" has two values of fold: 0 in l.csv, 3 in m.csv"
    );
}

fn load_cifs(tables: &[(&str, &str)]) -> Result<LabelTable, LabelError> {
    let embedded = tables.iter().map(|(file, csv)| embedded(file, csv)).collect();
    let id_rule = IdRule::of(SourceKind::Cif);
    load(&LabelInputs { embedded, id_rule, ..LabelInputs::default() })
}

#[test]
fn names_of_files_are_identifiers() {
    let table = load_cifs(&[("id_prop.csv", "a.cif,1\nb.CIF,2\nc.cif.gz,3\n./d.cif,4\nset/e.cif,5\n")]);
    let table = table.expect("readable");
    for (id, value) in [("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0), ("e", 5.0), ("set/e", 5.0)] {
        assert_eq!(values(&table, id), Some(vec![Some(value)]), "{id}");
    }
    assert!(row(&table, "A").is_none(), "Co and CO are not one");
    let twice = load_cifs(&[("id_prop.csv", "a,1\n./a.cif,2\n")]).expect_err("two rows of one crystal");
    assert!(matches!(twice, LabelError::DuplicateIdentifier { line: 2, .. }), "{twice}");
}

#[test]
fn a_table_in_a_folder_is_that_of_its_files() {
    let tables = [("A/id_prop.csv", "a,1\nc,5\n"), ("B/id_prop.csv", "a,2\nb,3\n")];
    let table = load_cifs(&tables).expect("readable");
    for (id, value) in [("A/a", 1.0), ("B/a", 2.0), ("b", 3.0), ("B/b", 3.0), ("c", 5.0)] {
        assert_eq!(values(&table, id), Some(vec![Some(value)]), "{id}");
    }
    assert!(row(&table, "A/b").is_none());
    assert_eq!(
        table.row("a").expect_err("two rows").to_string(),
        "rows for files in different folders may mean \"a\": target 1 in A/id_prop.csv, target 2 in B/id_prop.csv"
    );
    let tables = [("labels.csv", "id,band_gap\na,7\n"), ("A/id_prop.csv", "a,1\n")];
    let table = load_cifs(&tables).expect("readable");
    assert_eq!(values(&table, "a"), Some(vec![Some(7.0), Some(1.0)]));
    table.check_met().expect("one crystal");
    assert_eq!(values(&table, "A/a"), Some(vec![Some(7.0), Some(1.0)]));
    assert!(matches!(table.check_met(), Err(LabelError::TwoCrystals { .. })), "a is none of A");
    let table = load_cifs(&[("labels.csv", "id,x\na,1\nA/a.cif,2\n")]).expect("two rows");
    assert_eq!(["a", "A/a"].map(|id| values(&table, id)), [1.0, 2.0].map(|value| Some(vec![Some(value)])));
    table.check_met().expect("two crystals, two rows");
    let error =
        load_cifs(&[("id_prop.csv", "a,1\n"), ("A/id_prop.csv", "a,2\n")]).expect_err("a contradiction");
    assert_eq!(error.to_string(), "\"a\" has two values of target: 1 in id_prop.csv, 2 in A/id_prop.csv");
}

#[test]
fn headers_give_units_and_identifiers_in_any_case() {
    let csv =
        "\u{feff}Eg (eV),Material_ID,band_gap [eV],K_VRH (GPa),exfoliation_energy (eV/atom)\n1,a,2,3,4\n";
    let table = load_texts(&[("labels.csv", csv)]).expect("readable");
    assert_eq!(
        columns(&table),
        ["eg_ev", "band_gap_ev", "bulk_modulus_vrh_gpa", "exfoliation_energy_ev_atom"]
    );
    let joined = table.joined(|_| true);
    let units: Vec<_> = joined[0].columns.iter().map(|column| column.unit.as_deref()).collect();
    assert_eq!(units, [Some("eV"), Some("eV"), Some("GPa"), Some("eV/atom")]);
    for id in ["ID", "cif_id", "Material ID"] {
        let table = load_texts(&[("labels.csv", format!("x,{id}\n1,a\n").as_str())]).expect("readable");
        assert_eq!(values(&table, "a"), Some(vec![Some(1.0)]), "{id}");
    }
}

#[test]
fn the_unit_of_a_header_is_that_of_the_stored_column() {
    let csv = "id,E_coh (eV/atom),\"forces [eV per atom]\",n,K_VRH (GPa)\na,1,\"[1, 2]\",3,4\n";
    let table = load_texts(&[("l.csv", csv)]).expect("readable");
    let properties: Vec<_> = table.properties.iter().chain(&table.site_properties).cloned().collect();
    let schema = schemas::store::shard_schema(&[], &properties);
    let joined = table.joined(|_| true);
    let units: Vec<_> = joined[0].columns.iter().map(|column| column.unit.as_deref()).collect();
    assert_eq!(units, [Some("eV/atom"), Some("eV per atom"), None, Some("GPa")]);
    for column in &joined[0].columns {
        let field = schema.field_with_name(&column.column).expect("it is stored");
        assert_eq!(field.metadata().get("unit"), column.unit.as_ref(), "{}", column.key);
    }
}

#[test]
fn tables_that_share_a_column_agree_on_its_unit() {
    let of = |first: &str, second: &str| {
        let [first, second] = [(first, "a"), (second, "b")].map(|(key, id)| format!("id,{key}\n{id},1\n"));
        load_texts(&[("l.csv", &first), ("m.csv", &second)])
    };
    assert_eq!(
        of("gap (meV)", "gap (MeV)").expect_err("two units").to_string(),
        "the column gap_mev holds numbers in meV in l.csv, and numbers in MeV in m.csv"
    );
    for (first, second) in [("gap_ev", "gap (eV)"), ("gap (eV)", "gap_ev"), ("gap (eV)", "gap [EV]")] {
        let table = of(first, second).expect("one unit");
        let units: Vec<_> = table.properties.iter().map(|property| property.unit()).collect();
        assert_eq!(units, [Some("eV")], "{first}, {second}");
    }
    let lists = |unit: &str, id: &str| format!("id,\"f [{unit}]\"\n{id},\"[1, 2]\"\n");
    let error = load_texts(&[("l.csv", &lists("meV", "a")), ("m.csv", &lists("MeV", "b"))]);
    assert_eq!(
        error.expect_err("two units").to_string(),
        "the column f_mev holds lists of numbers in meV in l.csv, and lists of numbers in MeV in m.csv"
    );
}

#[test]
fn tables_may_have_tabs_semicolons_or_an_id_prop_s_header() {
    for csv in ["a\t1\nb\t2\n", "a;1\r\nb;2\r\n"] {
        let table = load_texts(&[("id_prop.csv", csv)]).expect("readable");
        assert_eq!(values(&table, "b"), Some(vec![Some(2.0)]));
    }
    let table = load_texts(&[("id_prop.csv", "id,Formation energy\na,1\nb,2\n")]).expect("readable");
    assert_eq!(columns(&table), ["formation_energy"]);
    assert_eq!((table.len(), values(&table, "a")), (2, Some(vec![Some(1.0)])));
    assert_eq!(table.notes, ["id_prop.csv: its first line is taken for a header: id, Formation energy"]);
}

#[test]
fn unmatched_rows_are_counted() {
    let table =
        load_texts(&[("l.csv", "id,x\na,1\nb,2\nc,3\n"), ("m.csv", "id,y\nc,1\n")]).expect("readable");
    table.mark("b", Fate::Kept);
    table.mark("b", Fate::LeftOut);
    table.mark("c", Fate::LeftOut);
    table.mark("q", Fate::Kept);
    assert_eq!(table.unmatched_identifiers().collect::<Vec<_>>(), ["a", "c"]);
    let counts = |wanted: &str| {
        let joined = table.joined(|id| id != wanted);
        joined.iter().map(|table| (table.rows, table.joined, table.met)).collect::<Vec<_>>()
    };
    assert_eq!(counts(""), [(3, 1, 2), (1, 0, 1)]);
    assert_eq!(counts("c"), [(2, 1, 1), (0, 0, 0)]);
    assert_eq!(table.joined(|_| true)[0].first, ["a", "b"]);
}

#[test]
fn no_tables_are_no_labels() {
    let table = load(&LabelInputs::default()).expect("nothing to read");
    assert!(table.is_empty() && row(&table, "a").is_none() && table.folds.is_none());
}

#[test]
fn labels_have_so_many_columns_at_most() {
    let header = |count: usize| (0..count).map(|at| format!(",c{at}")).collect::<String>();
    let table = |count: usize| format!("id{}\na{}\n", header(count), ",1".repeat(count));
    let fault = |csv: &str| load_texts(&[("labels.csv", csv)]).expect_err("too many").to_string();
    assert_eq!(fault(&table(100_000)), "labels.csv: has 100001 columns, 8192 at most");
    assert_eq!(fault(&table(5_000)), "labels.csv: has one of over 4096 columns of numbers");
    assert_eq!(load_texts(&[("labels.csv", &table(4_096))]).expect("few").properties.len(), 4_096);
    let splits: String = (0..2_000).map(|at| format!(",split_{at}")).collect();
    let csv = format!("id{splits}\na{}\n", ",train".repeat(2_000));
    assert_eq!(fault(&csv), "labels.csv: has one of over 1024 splits");
    let texts = format!("id{}\na{}\n", header(5_000), ",x".repeat(5_000));
    let notes = load_texts(&[("labels.csv", &texts)]).expect("columns of texts").notes;
    assert_eq!(notes.len(), 21);
    assert_eq!(notes[20], "labels.csv: 4980 more remarks about its columns");
}

#[test]
fn a_split_may_have_any_number_of_parts() {
    let mut csv = String::from("id,split\n");
    csv.extend((0..100_000).map(|row| format!("m{row},part-{row}\n")));
    let table = load_texts(&[("labels.csv", &csv)]).expect("readable");
    assert_eq!(row(&table, "m77777").and_then(|row| row.split(0)), Some("part-77777"));
}

#[test]
fn a_row_has_so_many_bytes_at_most() {
    let header = "x,".repeat(3 << 20);
    let field = "x".repeat(5 << 20);
    let last = format!("id,note\na,\"first\nsecond\"\nb,{field}\n");
    let long = |csv: &str| load_texts(&[("labels.csv", csv)]).expect_err("a long row").to_string();
    assert_eq!(long(&header), "labels.csv: line 1: a row of more than 4194304 bytes");
    assert_eq!(long(&last), "labels.csv: line 4: a row of more than 4194304 bytes");
    let fits = format!("id,note,x\na,{},1\nb,{0},2\n", &field[..2 << 20]);
    assert_eq!(load_texts(&[("labels.csv", &fits)]).expect("long rows").len(), 2);
}

#[test]
fn a_packed_table_has_so_many_fields_at_most() {
    let header: String = (0..4000).map(|at| format!(",c{at}")).collect();
    let zeros = ",0".repeat(4000);
    let mut csv = format!("id{header}\n");
    (0..2_500).for_each(|at| csv.push_str(&format!("{at}{zeros}\n")));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("l.csv.zst");
    std::fs::write(&path, zstd::encode_all(csv.as_bytes(), 1).expect("in memory")).expect("a small file");
    let load = |path: PathBuf| load(&LabelInputs { files: vec![path], ..LabelInputs::default() });
    let error = load(path).expect_err("too many fields").to_string();
    assert!(error.contains("line 2097: more than 8388608 fields for so few bytes"), "{error}");
    let held = load_texts(&[("labels.csv", &csv)]).expect_err("too many fields").to_string();
    assert!(held.contains("line 2097: more than 8388608 fields"), "{held}");
    let plain = folder.path().join("l.csv");
    std::fs::write(&plain, csv).expect("a file");
    assert_eq!(load(plain).expect("a large table").len(), 2_500);
}
