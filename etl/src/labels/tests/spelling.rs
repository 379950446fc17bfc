//! Quotes, separators and commas of tables, and words for missing values.

use schemas::property::PropertyKind;

use super::{class, columns, embedded, kinds, load_texts, row, values};
use crate::labels::{LabelInputs, load};

fn fault(file: &str, csv: &str) -> String {
    load_texts(&[(file, csv)]).expect_err("a fault").to_string()
}

#[test]
fn a_stray_quote_is_an_error_with_its_line() {
    let csv = "id,gap,note\nA,1,ok\nB,2,\"5 inch wafer\nC,3,x\n1,4,y\n";
    assert_eq!(fault("l.csv", csv), "l.csv: line 3: a quoted field does not end");
    assert_eq!(
        fault("l.csv", &csv.replace(",y", ",\"y\"")),
        "l.csv: line 3: a quoted field has text behind its closing quote in line 5"
    );
    assert_eq!(
        fault("l.csv", "id;x\r\n\"A\";1\r\n\"B\" b;2\r\n"),
        "l.csv: line 3: a quoted field has text behind its closing quote in line 3"
    );
    assert_eq!(fault("id_prop.csv", "A,1\n\"B,2\n"), "id_prop.csv: line 2: a quoted field does not end");
    let folds = "task,mbid,test_fold\nmatbench_x,\"mb-1,0\n";
    assert_eq!(fault("folds.csv", folds), "folds.csv: line 2: a quoted field does not end");
    let fine = "\u{feff}\"id\",gap,note\nA,1,5\" wafer\n\"B\" ,2,\"a \"\"5\"\" inch\nwafer\"\nC,3,\"\"";
    let table = load_texts(&[("l.csv", fine)]).expect("readable");
    let found = ["A", "B", "C"].map(|id| values(&table, id));
    assert_eq!(found, [1.0, 2.0, 3.0].map(|gap| Some(vec![Some(gap)])));
}

#[test]
fn numbers_with_commas_are_no_classes() {
    let decimal = |value: &str| {
        format!(
            "l.csv: line 2, column \"Eg (eV)\": \"{value}\" is not a number: write {}",
            if value.contains('.') { "thousands without commas" } else { "decimals with a point" }
        )
    };
    assert_eq!(fault("l.csv", "id;Eg (eV)\nA;0,5\nB;0,5\nC;1,5\n1;1,5\n"), decimal("0,5"));
    assert_eq!(fault("l.csv", "id;Eg (eV)\nA;0,5\nB;\nC;na\nD;1\n"), decimal("0,5"));
    let thousands = "id,Eg (eV)\nA,\"1,234.5\"\nB,\"1,234.5\"\nC,\"2,345.5\"\nD,\"2,345.5\"\n";
    assert_eq!(fault("l.csv", thousands), decimal("1,234.5"));
    for (first, second) in [("1,1,0", "1,0,0"), ("0,5", "wide")] {
        let csv = format!("id;x\nA;{first}\nB;{first}\nC;{second}\nD;{second}\n");
        let table = load_texts(&[("l.csv", &csv)]).expect("readable");
        assert_eq!(kinds(&table), [("x", PropertyKind::Class)]);
        assert_eq!((class(&table, "B"), class(&table, "C")), (Some(first), Some(second)));
    }
}

#[test]
fn numbers_that_are_not_written_plainly_are_no_classes() {
    let table =
        |first: &str, second: &str| format!("id\tx\nA\t{first}\nB\t{first}\nC\t{second}\nD\t{second}\n");
    for (first, second) in [
        ("10%", "20%"),
        ("1.5 eV", "0 eV"),
        ("1.5(2)", "2.5(2)"),
        ("<0.1", ">5"),
        ("\u{2212}1", "\u{2212}2"),
        ("1.0D0", "2.0D0"),
        ("1 234", "1 235"),
        ("1'234", "1'235"),
        ("inf", "-inf"),
        ("#DIV/0!", "#VALUE!"),
        ("10%", "2"),
    ] {
        let expected = format!(
            "l.csv: line 2, column \"x\": {first:?} is not a number: write plain numbers, and the unit in the header"
        );
        assert_eq!(fault("l.csv", &table(first, second)), expected);
        // Beside a word they may be names.
        let table = load_texts(&[("l.csv", &table(first, "word"))]).expect("readable");
        assert_eq!(kinds(&table), [("x", PropertyKind::Class)], "{first}");
    }
    for (first, second) in [("225", "P1"), ("2D", "3D"), ("-3m", "4/mmm"), ("1", "2a")] {
        let table = load_texts(&[("l.csv", &table(first, second))]).expect("readable");
        assert_eq!(kinds(&table), [("x", PropertyKind::Class)], "{first}");
        assert!(table.notes.is_empty(), "{:?}", table.notes);
    }
    for (first, second, note) in [
        ("1.5", "high", "holds classes, in which the number \"1.5\" is a name"),
        ("2-Jan", "x", "holds classes, in which \"2-Jan\" may be a text that a spreadsheet took for a date"),
    ] {
        let table = load_texts(&[("l.csv", &table(first, second))]).expect("readable");
        assert_eq!(table.notes, [format!("l.csv: column \"x\" {note}")]);
    }
}

#[test]
fn words_for_missing_values_are_no_parts_of_a_split() {
    let csv = "id,split,s_split\nA,train,nan\nB,None,a\nC,N/A,b\nD, test ,\n";
    let table = load_texts(&[("l.csv", csv)]).expect("readable");
    let parts = |at: usize| ["A", "B", "C", "D"].map(|id| row(&table, id).and_then(|row| row.split(at)));
    assert_eq!(parts(0), [Some("train"), None, None, Some("test")]);
    assert_eq!(parts(1), [None, Some("a"), Some("b"), None]);
}

#[test]
fn a_line_with_the_separator_is_no_header() {
    for csv in [
        "sep=,\nid,x\na,1\nb,2\n",
        "\u{feff}sep=;\r\nid;x\r\na;1\r\nb;2\r\n",
        "SEP=\t\nid\tx\na\t1\nb\t2\n",
        "sep=|\nid|x\na|1\nb|2\n",
    ] {
        let table = load_texts(&[("l.csv", csv)]).expect("readable");
        assert_eq!((columns(&table), values(&table, "b")), (vec!["x"], Some(vec![Some(2.0)])), "{csv:?}");
    }
    let table = load_texts(&[("id_prop.csv", "sep=;\na;1\n")]).expect("readable");
    assert_eq!((table.len(), values(&table, "a")), (1, Some(vec![Some(1.0)])));
    let twice = fault("l.csv", "sep=;\r\nid;x\r\na;1\r\na;2\r\n");
    assert_eq!(twice, "l.csv: line 4: \"a\" stands there a second time");
    assert_eq!(fault("l.csv", "sep=,\nid,x\na,1,2\n"), "l.csv: line 3: 3 fields, where the first row has 2");
    assert_eq!(
        fault("id_prop.csv", "sep=,\na,wide\n"),
        "id_prop.csv: line 2, column \"target\": \"wide\" is not a number"
    );
    assert_eq!(fault("l.csv", "sep=,\n"), "l.csv: is empty");
}

#[test]
fn halves_of_decimal_numbers_are_no_targets() {
    let error = fault("id_prop.csv", "A,0,5\nB,1,7\n");
    assert!(
        error.starts_with("id_prop.csv: line 1: \"0,5\" may be one number with a decimal comma"),
        "{error}"
    );
    let load_named = |csv: &str, names: &[&str]| {
        load(&LabelInputs {
            embedded: vec![embedded("id_prop.csv", csv)],
            id_prop_keys: names.iter().map(|&name| name.to_owned()).collect(),
            ..LabelInputs::default()
        })
    };
    assert!(load_named("A,0,5\nB,1,7\n", &["first"]).is_err());
    let named = load_named("A,0,5\nB,1,7\n", &["first", "second"]).expect("two columns with names");
    assert_eq!(columns(&named), ["first", "second"]);
    for csv in ["A,0,5\nB,1,7.0\n", "A,0,5\nB,1,-7\n", "A\t0\t5\nB\t1\t7\n", "A,0,5\nB,na,na\n"] {
        let table = load_texts(&[("id_prop.csv", csv)]).expect("readable");
        assert_eq!(values(&table, "A"), Some(vec![Some(0.0), Some(5.0)]), "{csv:?}");
    }
}
