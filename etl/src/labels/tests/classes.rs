//! Columns of booleans and of classes.

use super::*;

#[test]
fn columns_of_booleans_are_one_and_zero() {
    let table = load_texts(&[
        ("l.csv", "id,is metal,x\na,true,1\nb,FALSE,true\nc,,2\nd,n/a,3\ne, True ,4\nf,?,5\n"),
        ("id_prop.csv", "a,false\nb,true\n"),
    ]);
    let table = table.expect("readable");
    let (boolean, number) = (PropertyKind::Boolean, PropertyKind::Number);
    assert_eq!(kinds(&table), [("is_metal", boolean), ("x", number), ("target", boolean)]);
    assert_eq!(values(&table, "a"), Some(vec![Some(1.0), Some(1.0), Some(0.0)]));
    assert_eq!(values(&table, "b"), Some(vec![Some(0.0), None, Some(1.0)]));
    let metals = ["c", "d", "e", "f"].map(|id| row(&table, id).and_then(|row| row.property(0)));
    assert_eq!(metals, [None, None, Some(1.0), None]);
    assert_eq!(
        table.notes,
        [
            "l.csv: column \"is metal\": 1 taken as missing, no booleans: \"?\" of f in line 7",
            "l.csv: column \"x\": 1 taken as missing, no numbers: \"true\" of b in line 3",
        ]
    );
    let table = load_texts(&[("l.csv", "id,x\na,true\nb,1\n")]).expect("readable");
    assert!(table.properties.is_empty() && table.classes.is_empty());
    assert_eq!(table.notes, ["l.csv: column \"x\" holds text and is left out: booleans among numbers"]);
    let error = load_texts(&[("l.csv", "id,band_gap\na,true\nb,false\n")]).expect_err("a documented number");
    assert!(error.to_string().contains("column \"band_gap\": \"true\" is not a number"), "{error}");
}

#[test]
fn columns_of_few_texts_are_classes() {
    let text = "id,order\na,FM\nb, 1 \nc,none\nd,fm\ne,1\nf,FM\ng,fm\nh,unknown\ni,\n";
    let table = load_texts(&[("l.csv", text), ("m.csv", "id,order\nx,AFM\ny,FM\nz,AFM\nzz,FM\n")]);
    let table = table.expect("readable");
    assert_eq!(kinds(&table), [("order", PropertyKind::Class)]);
    let found: Vec<_> = ["a", "b", "c", "d", "e", "h", "i", "x", "nobody"].map(|id| class(&table, id)).into();
    let expected = [Some("FM"), Some("1"), None, Some("fm"), Some("1"), None, None, Some("AFM"), None];
    assert_eq!(found, expected);
    assert_eq!(
        table.notes,
        [
            "l.csv: column \"order\": 2 taken as missing, no classes: \"none\" of c in line 4, \"unknown\" of h in \
             line 9",
            "l.csv: column \"order\": \"FM\" and \"fm\" differ in upper and lower case alone; they are two classes",
        ]
    );
    let joined = table.joined(|_| true);
    assert_eq!((joined[0].columns[0].column.as_str(), joined[0].columns[0].unit.as_deref()), ("order", None));
}

#[test]
fn columns_of_many_texts_are_left_out_with_the_reason() {
    let rows = |count: usize, text: &dyn Fn(usize) -> String| -> String {
        let row = |at: usize| format!("a{at},\"{}\"\n", text(at));
        format!("id,x\n{}", (0..count).map(row).collect::<String>())
    };
    let long = "y".repeat(129);
    for (text, reason) in [
        (rows(200, &|at| format!("t{}", at % 65)), "over 64 different texts"),
        (rows(127, &|at| format!("t{}", at % 64)), "64 different texts in 127 values"),
        (rows(9, &|_| "x".to_owned()), "the same text everywhere"),
        (rows(8, &|at| format!("{}{}", long, at % 2)), "a text of over 128 bytes"),
        (rows(8, &|at| format!("a\n{}", at % 2)), "a text with line breaks or other control characters"),
    ] {
        let table = load_texts(&[("l.csv", &text)]).expect("readable");
        assert!(table.classes.is_empty());
        assert_eq!(table.notes, [format!("l.csv: column \"x\" holds text and is left out: {reason}")]);
    }
    let table = load_texts(&[("l.csv", &rows(128, &|at| format!("t{}", at % 64)))]).expect("readable");
    assert_eq!(kinds(&table), [("x", PropertyKind::Class)]);
    // A dash is a placeholder, so the other sign is alone.
    let table = load_texts(&[("l.csv", "id,sign\na,+\nb,-\nc,+\nd,-\n")]).expect("readable");
    assert_eq!(table.notes.len(), 2);
    assert!(table.notes[1].contains("2 taken as missing, no classes: \"-\" of b"), "{:?}", table.notes);
}

#[test]
fn tables_that_share_a_class_agree_on_its_kind_and_values() {
    let fault = |second: &str| {
        let first = "id,x\na,FM\nb,FM\nc,AFM\nd,AFM\n";
        load_texts(&[("l.csv", first), ("m.csv", second)]).expect_err("a fault").to_string()
    };
    let second = "id,x\na,AFM\nb2,FM\nc2,AFM\nd2,FM\n";
    assert_eq!(fault(second), "\"a\" has two values of x: FM in l.csv, AFM in m.csv");
    assert_eq!(fault("id,x\nz,1\n"), "the column x holds text in l.csv, and numbers in m.csv");
    assert_eq!(fault("id,x\nz,true\n"), "the column x holds text in l.csv, and booleans in m.csv");
    let error = load_texts(&[("l.csv", "id,x\na,0\n"), ("m.csv", "id,x\nb,true\n")]).expect_err("two kinds");
    assert_eq!(error.to_string(), "the column x holds numbers in l.csv, and booleans in m.csv");
}
