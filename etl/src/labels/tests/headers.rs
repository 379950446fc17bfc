//! Headers of tables: the index of pandas, headers that are none, splits of numbers, and names in any script.

use super::{columns, load_cifs, load_texts, row, values, written};
use crate::labels::{LabelInputs, load};

fn fault(csv: &str) -> String {
    load_texts(&[("l.csv", csv)]).expect_err("a fault").to_string()
}

#[test]
fn the_index_of_pandas_is_no_identifier() {
    for header in [",filename,gap", "Unnamed: 0,File name,gap", "index,mp_id,gap", "level_0,name,gap"] {
        let csv = format!("{header}\n0,1.cif,1\n1,2.cif,2\n2,3.cif,3\n");
        let table = load_cifs(&[("labels.csv", &csv)]).expect("readable");
        for (id, gap) in [("1", 1.0), ("2", 2.0), ("3", 3.0)] {
            let found = values(&table, id).and_then(|values| values.last().copied());
            assert_eq!(found, Some(Some(gap)), "{header}: {id}");
        }
        assert!(values(&table, "0").is_none(), "{header}");
    }
    let table = load_texts(&[("l.csv", ",id,gap\n0,a,1\n1,b,2\n")]).expect("readable");
    assert_eq!(columns(&table), ["gap"]);
    assert_eq!(table.notes, ["l.csv: its first column has no name and is left out"]);
    for header in [",gap", "Unnamed: 0,gap", "Index,gap", "level_0,level_1", ",0"] {
        assert_eq!(
            fault(&format!("sep=,\n{header}\n0,1\n1,2\n")),
            format!(
                "l.csv: line 2: the first column of {header:?} may be the index of a pandas table: name the column of \
                 identifiers material_id"
            )
        );
    }
    for header in [",gap", "index,gap"] {
        let table = load_texts(&[("l.csv", &format!("{header}\na,1\nb,2\n"))]).expect("readable");
        assert_eq!(values(&table, "b"), Some(vec![Some(2.0)]), "{header} over identifiers");
    }
    let table = load_texts(&[("l.csv", "entry,name,gap\na,x,1\nb,y,2\n")]).expect("readable");
    assert_eq!(
        values(&table, "b"),
        Some(vec![Some(2.0)]),
        "a first column with a name is that of identifiers"
    );
}

#[test]
fn a_missing_header_is_an_error() {
    assert_eq!(
        fault("a,1\nb,2\nc,3\n"),
        "l.csv: line 1: its first line holds numbers: is the header missing? If \"1\" is the name of a column, name \
         that of the identifiers material_id"
    );
    assert!(fault("a,train,-1.5e3\nb,test,2\n").contains("If \"-1.5e3\" is the name"));
    for id in ["id", "name"] {
        let table = load_texts(&[("l.csv", &format!("{id},300,400\na,1,2\n"))]).expect("readable");
        assert_eq!(columns(&table), ["property_300", "property_400"]);
        assert_eq!(values(&table, "a"), Some(vec![Some(1.0), Some(2.0)]));
    }
}

#[test]
fn splittings_are_properties_and_numbered_parts_are_not() {
    let csv = "id,exchange_split,split_so,run_split,split\na,0.12,1.5,1,0.5\nb,,2,2,0.5\nc,0.25,-,2,0.1\n";
    let table = load_texts(&[("l.csv", csv)]).expect("readable");
    assert_eq!(columns(&table), ["exchange_split", "property_split_so"]);
    assert_eq!(values(&table, "a"), Some(vec![Some(0.12), Some(1.5)]));
    assert_eq!(values(&table, "b"), Some(vec![None, Some(2.0)]));
    assert_eq!(values(&table, "c"), Some(vec![Some(0.25), None]));
    assert_eq!(table.splits, ["split_run", "split_l"]);
    let parts = |at: usize| ["a", "b", "c"].map(|id| row(&table, id).and_then(|row| row.split(at)));
    assert_eq!(parts(0), [Some("1"), Some("2"), Some("2")]);
    assert_eq!(parts(1), [Some("0.5"), Some("0.5"), Some("0.1")]);
    assert_eq!(
        table.notes,
        ["l.csv: column \"split_so\": 1 taken as missing, no numbers: \"-\" of c in line 4"]
    );
}

#[test]
fn an_object_without_parts_is_no_split() {
    let load_json = |text: &str| {
        let (_folder, path) = written("gaps.json", text);
        load(&LabelInputs { files: vec![path], ..LabelInputs::default() })
    };
    for (text, found) in [
        (r#"{"gap": {"a": 1, "b": 2}}"#, "its keys are \"gap\", like those of a pandas JSON of columns; "),
        (r#"{"gap": {"a": 1}, "e": {"a": 2}, "f": {"a": 3}}"#, "its keys are \"gap\", \"e\", like "),
        (r#"{"Train": ["a"]}"#, "its keys are \"Train\", like "),
        (r#"{"1":["a"],"2":[],"3":[],"4":[],"5":[],"6":[]}"#, "\"5\", ..., like "),
        ("{}", "it is empty; "),
    ] {
        let error = load_json(text).expect_err("no split").to_string();
        for part in [found, "gaps.json: has no part train, val, ", r#" as {"train": {...}, "test": {...}}"#] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    for part in ["train", "val", "valid", "validation", "test"] {
        let table = load_json(&format!(r#"{{"other": {{"a": 1}}, "{part}": {{"b": 2}}}}"#)).expect("a split");
        assert_eq!(row(&table, "b").and_then(|row| row.split(0)), Some(part));
    }
}

#[test]
fn names_in_any_script_are_columns_of_their_own() {
    let csv = "id,带隙 (eV),形成能 (eV),gap (µeV),Δ band gap (eV),band gap (eV)\na,1,2,3,4,5\n";
    let table = load_texts(&[("l.csv", csv)]).expect("readable");
    let expected = ["带隙_ev", "形成能_ev", "gap_uev", "delta_band_gap_ev", "band_gap_ev"];
    assert_eq!(columns(&table), expected);
    assert_eq!(values(&table, "a"), Some([1.0, 2.0, 3.0, 4.0, 5.0].map(Some).to_vec()));
}
