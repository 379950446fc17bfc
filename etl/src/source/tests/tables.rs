//! Tables with a column of CIFs.

use schemas::property::PropertyKind;

use super::{drain, gzip, read, written};
use crate::source::{SourceError, SourceKind, SourceOptions, open};

const CIF: &str = "data_po\n_cell_length_a 3.35\n_cell_length_b 3.35\n_cell_length_c 3.35\n_cell_angle_alpha 90\n\
_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n\
_atom_site_fract_z\n\"Po1\" 0 0 0\n";

fn table() -> String {
    let cif = format!("\"{}\"", CIF.replace('"', "\"\""));
    format!(
        "note,id,cif,band_gap,volume,weird\nx,po-1,{cif},1.5,10,1\n\n,po-2,{cif},na,,y\nx,po-3,\"no\n cif\",1,2,3\n\
         x,,{cif},1,2,3\nx,po-5,{cif},1,2\nx,po-6,{cif},many,2,3\n"
    )
}

#[test]
fn numeric_columns_are_properties() {
    for bytes in [table().into_bytes(), gzip(table().replace('\n', "\r\n").as_bytes())] {
        let (_folder, path) = written("table.csv", &bytes);
        let source = open(SourceKind::Table, std::slice::from_ref(&path), &SourceOptions::default());
        let source = source.expect("a source");
        let columns: Vec<_> = source.properties.iter().map(|column| column.column.as_str()).collect();
        assert_eq!(columns, ["band_gap_ev", "property_volume", "weird"]);
        let shown = path.to_string_lossy().into_owned();
        assert_eq!(
            source.notes,
            [format!("{shown}: left out, without numbers: note (the same text everywhere)")]
        );
        let harvest = drain(source).expect("readable");
        assert_eq!(harvest.ids(), ["po-1", "po-2", "po-6"]);
        assert_eq!(harvest.crystals[0].properties, [Some(1.5), Some(10.0), Some(1.0)]);
        assert_eq!(harvest.crystals[1].properties, [None, None, None]);
        assert_eq!(harvest.crystals[2].properties, [None, Some(2.0), Some(3.0)]);
        let notes = harvest.notes.iter().map(|note| (note.material_id.as_deref(), note.message.as_str()));
        let expected = [
            (Some("po-2"), "weird is \"y\", no number: taken as missing"),
            (Some("po-6"), "band_gap is \"many\", no number: taken as missing"),
        ];
        assert_eq!(notes.collect::<Vec<_>>(), expected);
        assert_eq!(harvest.crystals[0].structure.atomic_numbers, [84]);
        let reasons = harvest.reasons();
        assert_eq!(reasons[0].1, Some("po-3"));
        assert_eq!(reasons[1..], [("bad_identifier", None), ("field_count_mismatch", Some("po-5"))],);
        // The rows before take the header's line, two CIFs of 13 lines each, and an empty line.
        assert_eq!(harvest.rejects[1].origin.record, 4);
        assert_eq!(harvest.rejects[1].origin.line, Some(1 + 2 * 14 + 1 + 2 + 1));
    }
}

#[test]
fn columns_can_be_named() {
    let (_folder, path) = written("table.csv", table().replace("note,id,cif", "id,key,text").as_bytes());
    let options = SourceOptions {
        name: Some("mine".to_owned()),
        id_column: Some("key".to_owned()),
        cif_column: Some("text".to_owned()),
        property_columns: Some(vec!["weird".to_owned()]),
        ..SourceOptions::default()
    };
    let source = open(SourceKind::Table, std::slice::from_ref(&path), &options).expect("a source");
    assert_eq!((source.name.as_str(), source.properties[0].column.as_str()), ("mine", "weird"));
    let harvest = drain(source).expect("readable");
    assert_eq!(harvest.ids(), ["po-1", "po-6"]);
    assert_eq!(harvest.reasons()[0], ("bad_property_value", Some("po-2")));
    for options in [
        SourceOptions { cif_column: Some("none".to_owned()), ..options.clone() },
        SourceOptions { id_column: Some("none".to_owned()), ..options.clone() },
        SourceOptions { property_columns: Some(vec!["none".to_owned()]), ..options },
    ] {
        let error = open(SourceKind::Table, std::slice::from_ref(&path), &options).map(|_| ());
        let error = error.expect_err("no such column");
        assert!(matches!(error, SourceError::MissingColumn { .. }), "{error}");
    }
}

#[test]
fn tables_of_one_store_may_differ_in_order() {
    let cif = format!("\"{}\"", CIF.replace('"', "\"\""));
    let (_a, a) = written("a.csv", format!("id,cif,x\n1,{cif},1.5\n").as_bytes());
    let (_b, b) = written("b.csv", format!("y,x,cif,material_id\n7,2.5,{cif},2\n").as_bytes());
    let harvest = read(SourceKind::Table, &[&a, &b]).expect("readable");
    assert_eq!(harvest.ids(), ["1", "2"]);
    assert_eq!(harvest.crystals[0].properties, [Some(1.5), None]);
    assert_eq!(harvest.crystals[1].properties, [Some(2.5), Some(7.0)]);
}

#[test]
fn values_of_a_row_are_those_of_a_single_structure() {
    let both = format!("{CIF}{}", CIF.replace("data_po", "data_too"));
    let (cif, both) = (CIF.replace('"', "\"\""), both.replace('"', "\"\""));
    let text = format!("id,cif,x\n1,\"{cif}\",1.5\n2,\"{both}\",2.5\n3,\"{both}\",\n");
    let (_folder, path) = written("a.csv", text.as_bytes());
    let harvest = read(SourceKind::Table, &[&path]).expect("readable");
    assert_eq!(harvest.ids(), ["1", "3#po", "3#too"]);
    let reason = "several_structures";
    assert_eq!(harvest.reasons(), [(reason, Some("2#po")), (reason, Some("2#too"))]);
}

#[test]
fn numbers_that_are_not_written_plainly_are_left_out() {
    let cif = format!("\"{}\"", CIF.replace('"', "\"\""));
    let row = |id: usize, values: &str| format!("{id},{cif},{values}\n");
    let rows: String =
        ["20 %,1", "10 %,P1", "20 %,1", "10 %,P1"].iter().zip(1..).map(|(v, id)| row(id, v)).collect();
    let (_folder, path) = written("a.csv", format!("id,cif,share,group\n{rows}").as_bytes());
    let source = open(SourceKind::Table, &[path], &SourceOptions::default()).expect("a source");
    let columns: Vec<_> = source.properties.iter().map(|column| column.column.as_str()).collect();
    assert_eq!(columns, ["group"]);
    let note = "a.csv: left out, without numbers: share (numbers with units, marks or separators)";
    assert!(source.notes[0].ends_with(note), "{:?}", source.notes);
}

#[test]
fn an_empty_table_has_no_header() {
    let (_folder, path) = written("a.csv", b"\n");
    let error = read(SourceKind::Table, &[&path]).expect_err("empty");
    assert!(error.to_string().ends_with("has no header"), "{error}");
}

#[test]
fn a_documented_property_that_is_mostly_text_is_a_fault_of_its_rows() {
    let cif = format!("\"{}\"", CIF.replace('"', "\"\""));
    let text = format!("id,cif,band_gap,phase\n1,{cif},1.5,2\n2,{cif},metal,x\n3,{cif},-,y\n");
    let (_folder, path) = written("a.csv", text.as_bytes());
    let source = open(SourceKind::Table, std::slice::from_ref(&path), &SourceOptions::default());
    let source = source.expect("a source");
    assert!(
        source.notes[0].contains("phase (1 numbers, 2 other values, the first \"x\")"),
        "{:?}",
        source.notes
    );
    let harvest = drain(source).expect("readable");
    assert_eq!(harvest.ids(), ["1", "3"]);
    assert_eq!(harvest.reasons(), [("bad_property_value", Some("2"))]);
    assert_eq!(harvest.notes.len(), 1);
}

#[test]
fn cifs_may_be_named_instead() {
    let text = "ID,cif,x\n1,po.cif,1.5\n2,set/po.cif.gz,2.5\n3,../po.cif,3\n4,none.cif,4\n5,set/bad.cif,5\n";
    let (folder, path) = written("t/a.csv", text.as_bytes());
    std::fs::create_dir(folder.path().join("t/set")).expect("a folder");
    for (name, bytes) in [
        ("po.cif", CIF.as_bytes().to_vec()),
        ("t/po.cif", CIF.as_bytes().to_vec()),
        ("t/set/po.cif.gz", gzip(CIF.as_bytes())),
        ("t/set/bad.cif", CIF.replace("_cell_length_a 3.35", "_cell_length_a x").into_bytes()),
    ] {
        std::fs::write(folder.path().join(name), bytes).expect("a file");
    }
    let harvest = read(SourceKind::Table, &[&path]).expect("readable");
    assert_eq!(harvest.ids(), ["1", "2"]);
    assert_eq!(harvest.crystals[1].properties, [Some(2.5)]);
    assert_eq!(
        harvest.reasons(),
        [("unreadable_file", Some("3")), ("cif_syntax", Some("4")), ("cif_bad_number", Some("5"))]
    );
    assert!(harvest.rejects[1].message.contains("none.cif"), "{}", harvest.rejects[1].message);
    let origin = &harvest.rejects[2].origin;
    assert!(origin.file.ends_with("t/set/bad.cif"), "{}", origin.file);
    assert_eq!((origin.record, origin.line), (5, Some(2)));
}

#[test]
fn columns_of_booleans_and_classes_are_properties() {
    let cif = format!("\"{}\"", CIF.replace('"', "\"\""));
    let row = |id: usize, rest: &str| format!("{id},{cif},{rest}\n");
    let rows = [
        "true,FM,1,a",
        "FALSE,\" A\"\"F\"\"M \",true,b",
        ",FM,2,c",
        "?,\"A\"\"F\"\"M\",3,d",
        "true,none,4,e",
    ];
    let rows: String = rows.iter().zip(1..).map(|(rest, id)| row(id, rest)).collect();
    let (_folder, path) = written("a.csv", format!("id,cif,is metal,order,x,name\n{rows}").as_bytes());
    for property_columns in [None, Some(["is metal", "order", "x"].map(str::to_owned).to_vec())] {
        let is_strict = property_columns.is_some();
        let options = SourceOptions { property_columns, ..SourceOptions::default() };
        let source = open(SourceKind::Table, std::slice::from_ref(&path), &options).expect("a source");
        let columns: Vec<_> =
            source.properties.iter().map(|property| (property.column.as_str(), property.kind)).collect();
        let kinds = [PropertyKind::Boolean, PropertyKind::Class, PropertyKind::Number];
        assert_eq!(columns, ["is_metal", "order", "x"].into_iter().zip(kinds).collect::<Vec<_>>());
        assert_eq!(*source.classes[1], ["FM", "A\"F\"M"].map(str::to_owned));
        assert_eq!(source.notes.len(), usize::from(!is_strict), "{:?}", source.notes);
        let harvest = drain(source).expect("readable");
        let mut expected = vec![
            vec![Some(1.0), Some(0.0), Some(1.0)],
            vec![Some(0.0), Some(1.0), None],
            vec![None, Some(0.0), Some(2.0)],
            vec![None, Some(1.0), Some(3.0)],
            vec![Some(1.0), None, Some(4.0)],
        ];
        if is_strict {
            expected.remove(1);
            assert_eq!(harvest.reasons(), [("bad_property_value", Some("2"))]);
        }
        let found: Vec<_> = harvest.crystals.iter().map(|crystal| crystal.properties.clone()).collect();
        assert_eq!(found, expected);
        let notes: Vec<_> = harvest.notes.iter().map(|note| note.message.as_str()).collect();
        let all = [
            "x is \"true\", no number: taken as missing",
            "is metal is \"?\", no boolean: taken as missing",
            "order is \"none\", no class: taken as missing",
        ];
        assert_eq!(notes, all[usize::from(is_strict)..]);
    }
}
