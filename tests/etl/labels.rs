//! Labels and crystals that belong together, however people write their names; and what is said of those
//! that do not.

use std::fs;
use std::io::Write;
use std::path::Path;

use schemas::manifest::Manifest;
use serde_json::{Value, json};

use crate::support::*;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

/// A value of every crystal of a store.
fn values(store: &Path, column: &str) -> Vec<(String, Option<f64>)> {
    let rows = rows(store);
    let ids = texts(&rows, "material_id").into_iter().flatten();
    let mut values: Vec<_> = ids.zip(doubles(&rows, column)).collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values
}

fn pairs<const N: usize>(pairs: [(&str, f64); N]) -> Vec<(String, Option<f64>)> {
    pairs.map(|(id, value)| (id.to_owned(), Some(value))).to_vec()
}

#[test]
fn a_table_in_a_subfolder_is_found_in_folders_and_archives_alike() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    let files = [
        ("set/a.cif", cif.as_str()),
        ("set/b.cif", cif.as_str()),
        ("set/id_prop.csv", "a,0.5\nb.cif,-0.25\n"),
    ];
    let inside = raw.path().join("folder");
    write(&inside, &files);
    let (tar_file, zip_file) = (raw.path().join("a.tar"), raw.path().join("a.zip"));
    let mut tar = tar::Builder::new(fs::File::create(&tar_file).expect("a file"));
    tar.append_dir_all(".", &inside).expect("a tar");
    tar.finish().expect("a tar");
    let mut zip = zip::ZipWriter::new(fs::File::create(&zip_file).expect("a file"));
    for (name, text) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a member");
        zip.write_all(text.as_bytes()).expect("a member");
    }
    zip.finish().expect("a zip");
    // What an archive is, its bytes tell.
    let misnamed = raw.path().join("b.tar");
    fs::copy(&zip_file, &misnamed).expect("a copy");
    for input in [inside, tar_file, zip_file, misnamed] {
        let out = folder();
        let output = build("cif", &input, out.path(), &[], 0);
        assert!(said(&output).contains("2 of 2 rows joined: "), "{}", said(&output));
        assert!(said(&output).contains("set/id_prop.csv: target\n"), "{}", said(&output));
        assert_eq!(values(out.path(), "target"), pairs([("a", 0.5), ("b", -0.25)]));
    }
}

#[test]
fn tables_that_contradict_each_other_are_refused() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    let tables = [("a.cif", cif.as_str()), ("id_prop.csv", "a,0.5\n"), ("old/id_prop.csv", "a,0.7\n")];
    write(raw.path(), &tables);
    let out = folder();
    let line = complaint(&build("cif", raw.path(), out.path(), &[], 2));
    for part in ["\"a\"", "0.5", "0.7", "old/id_prop.csv", "target"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    // Two tables for files of one name in two folders: which one is meant by the crystal `b`?
    write(
        raw.path(),
        &[("id_prop.csv", "c,1\n"), ("old/id_prop.csv", "b,2\n"), ("new/id_prop.csv", "b,3\n")],
    );
    write(raw.path(), &[("b.cif", cif.as_str()), ("c.cif", cif.as_str())]);
    let line = complaint(&build("cif", raw.path(), out.path(), &[], 2));
    for part in ["\"b\"", "target 3 in ", "new/id_prop.csv", "target 2 in ", "old/id_prop.csv"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn names_of_files_headers_and_separators_join() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    write(raw.path(), &[("a.cif", &cif), ("b.CIF", &cif), ("c.cif", &cif), ("d.cif", &cif)]);
    let expected = pairs([("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)]);
    for (table, text, column) in [
        ("id_prop.csv", "a.cif,1\nb.CIF,2\nc.cif.gz,3\n./d.cif,4\n", "target"),
        ("id_prop.csv", "id,formation energy\na,1\nb,2\nc,3\nd,4\n", "formation_energy"),
        ("id_prop.csv", "a\t1\nb\t2\nc\t3\nd\t4\n", "target"),
        ("id_prop.csv", "a;1.0\nb;2.0\nc;3.0\nd;4.0\n", "target"),
        ("labels.csv", "\u{feff}x,ID\n1,a\n2,b\n3,c\n4,d\n", "x"),
        (
            "labels.csv",
            "formula,band gap [eV],cif_id\nY,1,a.cif\nY,2,b.cif\nY,3,c.cif\nY,4,d.cif\n",
            "band_gap_ev",
        ),
    ] {
        write(raw.path(), &[(table, text)]);
        let out = folder();
        build("cif", raw.path(), out.path(), &[], 0);
        assert_eq!(values(out.path(), column), expected, "{text}");
        fs::remove_file(raw.path().join(table)).expect("it is there");
    }
    write(raw.path(), &[("id_prop.csv", "a;0,5\nb;1,5\n")]);
    let out = folder();
    let line = complaint(&build("cif", raw.path(), out.path(), &[], 2));
    assert!(line.contains("\"0,5\"") && line.contains("decimals with a point"), "{line}");
}

#[test]
fn a_table_of_which_no_row_joins_is_an_error_and_leaves_nothing() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    write(
        raw.path(),
        &[("mp-1.cif", &cif), ("mp-2.cif", &cif), ("labels.csv", "material_id,gap\nMP-1,1\nMP-2,2\n")],
    );
    for more in [&[][..], &["--order", "shuffle:1"]] {
        let out = folder();
        let line = complaint(&build("cif", raw.path(), out.path(), more, 2));
        for part in ["labels.csv", "\"MP-1\", \"MP-2\"", "\"mp-1\", \"mp-2\"", "without a crystal", "case"] {
            if more.is_empty() || part != "\"mp-1\", \"mp-2\"" {
                assert!(line.contains(part), "{part}: {line}");
            }
        }
        assert!(tree(out.path()).is_empty(), "{:?}", tree(out.path()).keys());
        assert!(Manifest::read(out.path()).is_err());
        // The table mended, the same folder serves.
        let mended = folder();
        write(mended.path(), &[("mp-1.cif", &cif), ("labels.csv", "material_id,gap\nmp-1,1\n")]);
        build("cif", mended.path(), out.path(), more, 0);
    }
    write(raw.path(), &[("two.cif", &format!("{cif}{}", cif.replace("data_CsCl", "data_other")))]);
    write(raw.path(), &[("labels.csv", "material_id,gap\ntwo,1\n")]);
    for name in ["mp-1.cif", "mp-2.cif"] {
        fs::remove_file(raw.path().join(name)).expect("it is there");
    }
    let line = complaint(&build("cif", raw.path(), folder().path(), &[], 2));
    assert!(line.contains("\"two#CsCl\"") && line.contains("name#block"), "{line}");
    write(raw.path(), &[("mp-1.cif", &cif)]);
    // A table of crystals that were left out is the right one all the same.
    write(raw.path(), &[("bad.cif", "data_bad\n"), ("labels.csv", "material_id,gap\nbad,1\n")]);
    let out = folder();
    let output = build("cif", raw.path(), out.path(), &[], 1);
    assert!(said(&output).contains("0 of 1 row joined"), "{}", said(&output));
    assert!(said(&output).contains("1 label row without a crystal in the store: bad\n"), "{}", said(&output));
}

#[test]
fn what_was_joined_is_told_by_table() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    let table =
        "ID,Eg (eV),K_VRH (GPa),band_gap (meV),note,n,s_split\na,1,2,3,x,n.d.,train\nz,1,2,3,y,7,test\n";
    write(raw.path(), &[("a.cif", cif.as_str()), ("labels.csv", table)]);
    let out = folder();
    let output = build("cif", raw.path(), out.path(), &[], 0);
    let said = said(&output);
    let line = "1 of 2 rows joined: ";
    let columns = "labels.csv: Eg (eV) as eg_ev, eV; K_VRH (GPa) as bulk_modulus_vrh_gpa, GPa; band_gap (meV) as \
                   band_gap_mev, meV; n; s_split as split_s\n";
    for part in [
        line,
        columns,
        "1 label row without a crystal in the store: z\n",
        "column \"note\" holds text and is left out",
        "column \"n\": 1 taken as missing, no numbers: \"n.d.\" of a in line 2",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let output = build("cif", raw.path(), out.path(), &["--force", "--json"], 0);
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let table = &summary["labels"][0];
    assert_eq!((&table["rows"], &table["joined"]), (&json!(2), &json!(1)));
    assert_eq!(
        table["columns"][1],
        json!({"key": "K_VRH (GPa)", "column": "bulk_modulus_vrh_gpa", "unit": "GPa"})
    );
}

#[test]
fn odd_values_of_a_source_are_null_and_counted() {
    let raw = folder();
    let file = raw.path().join("t.csv");
    let cif = caesium_chloride(4.12).replace('"', "\"\"");
    let row = |id: &str, rest: &str| format!("{id},\"{cif}\",{rest}\n");
    let text = format!(
        "material_id,cif,hardness,count,note\n{}{}{}{}{}",
        row("a", "1.5,10,x"),
        row("b", "n.d.,20,y"),
        row("c", "-,\"1,234\",z"),
        row("d", "4.5,>5,7"),
        row("e", "5,50,z"),
    );
    fs::write(&file, text).expect("a file");
    let out = folder();
    let output = build("table", &file, out.path(), &[], 0);
    let hardness: Vec<_> = values(out.path(), "hardness").into_iter().map(|(_, value)| value).collect();
    assert_eq!(hardness, [Some(1.5), None, None, Some(4.5), Some(5.0)]);
    let noted = &manifest(out.path()).counts.noted["odd_value"];
    assert_eq!(noted.count, 4);
    assert!(noted.first[0].starts_with("b (t.csv, record 2, line "), "{:?}", noted.first);
    assert!(
        noted.first[0].ends_with("hardness is \"n.d.\", no number: taken as missing"),
        "{:?}",
        noted.first
    );
    assert!(said(&output).contains("note (1 numbers, 4 other values, the first \"x\")"), "{}", said(&output));
}

#[test]
fn a_filtered_task_of_matbench_keeps_its_identifiers_and_folds() {
    let raw = folder();
    let structure = |second: &str| {
        let site =
            |symbol: &str, at: f64| json!({"species": [{"element": symbol, "occu": 1}], "abc": [at, at, at]});
        json!({"lattice": {"matrix": [[4.12, 0, 0], [0, 4.12, 0], [0, 0, 4.12]]},
               "sites": [site("Cs", 0.0), site(second, 0.5)]})
    };
    let task = |index: Value| json!({"data": [[structure("Cl"), 3.0], [structure("Br"), 1.0]], "columns": ["structure", "gap"], "index": index});
    let folds = raw.path().join("folds.csv");
    fs::write(&folds, "task,mbid,test_fold\nmatbench_x,mb-x-1,0\nmatbench_x,mb-x-2,1\nmatbench_x,mb-x-3,2\n")
        .expect("a file");
    for index in [json!([2, 0]), json!(["mb-x-3", "mb-x-1"])] {
        let file = raw.path().join("matbench_x.json");
        fs::write(&file, task(index).to_string()).expect("a file");
        let out = folder();
        build("matbench", &file, out.path(), &["--labels", text(&folds)], 0);
        assert_eq!(values(out.path(), "matbench_x_gap"), pairs([("mb-x-1", 1.0), ("mb-x-3", 3.0)]));
        let rows = sorted_rows(out.path());
        let folds = rows["fold"].as_any().downcast_ref::<arrow::array::Int8Array>().expect("folds");
        assert_eq!(folds.iter().collect::<Vec<_>>(), [Some(0), Some(2)]);
    }
    let file = raw.path().join("matbench_jdft2d.json");
    fs::write(&file, task(json!([0, 1])).to_string()).expect("a file");
    let out = folder();
    let output = build("matbench", &file, out.path(), &[], 0);
    assert!(said(&output).contains("2 rows numbered from 0, of 636"), "{}", said(&output));
    fs::write(&file, task(json!([0, "mp-1"])).to_string()).expect("a file");
    let line = complaint(&build("matbench", &file, folder().path(), &[], 2));
    assert!(line.contains("value 2 of the index"), "{line}");
}

#[test]
fn a_table_may_name_its_cifs() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    write(raw.path(), &[("cifs/a.cif", &cif), ("b.cif", &cif)]);
    write(raw.path(), &[("t.csv", "id,cif,x\na,cifs/a.cif,1\nb,./b.cif,2\nc,c.cif,3\nd,/etc/d.cif,4\n")]);
    let out = folder();
    build("table", &raw.path().join("t.csv"), out.path(), &[], 1);
    assert_eq!(values(out.path(), "x"), pairs([("a", 1.0), ("b", 2.0)]));
    let rejects = rejects(out.path());
    assert_eq!(rejects["c"].0, "cif_syntax");
    assert!(rejects["c"].1.contains("there is no "), "{}", rejects["c"].1);
    assert_eq!(rejects["d"].0, "unreadable_file");
    // They are inputs as the table is.
    let again = build("table", &raw.path().join("t.csv"), out.path(), &[], 1);
    assert!(said(&again).contains("finished before"), "{}", said(&again));
    write(raw.path(), &[("b.cif", &caesium_chloride(4.2))]);
    let line = complaint(&build("table", &raw.path().join("t.csv"), out.path(), &[], 2));
    assert!(line.contains("earlier state of the CIFs"), "{line}");
}

#[test]
fn a_table_with_two_columns_of_one_name_is_refused() {
    let raw = folder();
    let table = raw.path().join("t.csv");
    for header in ["id,cif,x,x", "id,cif,id,x"] {
        write(raw.path(), &[("a.cif", &caesium_chloride(4.12))]);
        fs::write(&table, format!("{header}\na,a.cif,1,2\n")).expect("a file");
        let line = complaint(&build("table", &table, folder().path(), &[], 2));
        assert!(line.contains("two columns named"), "{line}");
    }
}

#[test]
fn options_of_labels_are_part_of_a_store() {
    let raw = folder();
    write(raw.path(), &[("a.cif", &caesium_chloride(4.12)), ("id_prop.csv", "a,1\n")]);
    let out = folder();
    build("cif", raw.path(), out.path(), &["--id-prop-column", "gap"], 0);
    let line = complaint(&build("cif", raw.path(), out.path(), &["--id-prop-column", "energy"], 2));
    assert!(line.contains("id_prop_keys = gap"), "{line}");
    let line = complaint(&build("cif", raw.path(), out.path(), &[], 2));
    assert!(line.contains("id_prop_keys = gap"), "{line}");
}

#[test]
fn a_build_that_labels_stop_leaves_nothing() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    write(raw.path(), &[("a.cif", &cif), ("b.cif", &cif), ("c/x.cif", &cif)]);
    write(raw.path(), &[("A/id_prop.csv", "b,1\n"), ("B/id_prop.csv", "b,2\n")]);
    let out = folder();
    let line = complaint(&build("cif", raw.path(), out.path(), &[], 2));
    assert!(line.contains("\"b\""), "{line}");
    fs::remove_file(raw.path().join("B/id_prop.csv")).expect("it is there");
    build("cif", raw.path(), out.path(), &[], 0);
}

#[test]
fn tables_of_wide_characters_are_named() {
    let raw = folder();
    write(raw.path(), &[("a.cif", &caesium_chloride(4.12))]);
    let wide: Vec<u8> = "\u{feff}a,1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(raw.path().join("id_prop.csv"), wide).expect("a file");
    let line = complaint(&build("cif", raw.path(), folder().path(), &[], 2));
    assert!(line.contains("id_prop.csv") && line.contains("UTF-16"), "{line}");
}

#[test]
fn flags_of_a_poscar_name_no_element() {
    let raw = folder();
    let old = |comment: &str, [first, second]: [&str; 2]| {
        format!(
            "{comment}\n1\n4.12 0 0\n0 4.12 0\n0 0 4.12\n1 1\nSelective dynamics\nDirect\n0 0 0 {first}\n0.5 0.5 0.5 {second}\n"
        )
    };
    write(
        raw.path(),
        &[
            ("POSCAR_comment", &old("Cs Cl", ["T T T", "F F F"])),
            ("POSCAR_free", &old("bottom fixed", ["T T T", "F F F"])),
            ("POSCAR_ends", &old("bottom fixed", ["T T T Cs+", "F F F Cl-"])),
        ],
    );
    let out = folder();
    let output = build("poscar", raw.path(), out.path(), &[], 1);
    let rows = sorted_rows(out.path());
    let formulas = texts(std::slice::from_ref(&rows), "chemical_formula_reduced");
    assert_eq!(formulas, [Some("ClCs".to_owned()), Some("ClCs".to_owned())]);
    assert_eq!(rejects(out.path())["free"].0, "poscar_no_symbols");
    assert!(said(&output).contains("1 noted: symbols_from_comment"), "{}", said(&output));
}

#[test]
fn units_of_headers_are_stored_with_their_columns() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    let table = "ID,E_coh (eV/atom),mev gap (meV),n\na,1,2,3\n";
    write(raw.path(), &[("a.cif", cif.as_str()), ("labels.csv", table)]);
    let out = folder();
    let said_of_build = said(&build("cif", raw.path(), out.path(), &[], 0));
    let told = "E_coh (eV/atom) as e_coh_ev_atom, eV/atom; mev gap (meV) as mev_gap_mev, meV; n\n";
    assert!(said_of_build.contains(told), "{said_of_build}");
    let schema = sorted_rows(out.path()).schema();
    let unit = |column: &str| {
        let field = schema.field_with_name(column).expect("a column of the store");
        field.metadata().get("unit").cloned()
    };
    let units = ["e_coh_ev_atom", "mev_gap_mev", "n"].map(unit);
    assert_eq!(units, [Some("eV/atom".to_owned()), Some("meV".to_owned()), None]);
    let comments = said(&etl(["columns", text(out.path()), "--sql"]));
    let comment = "\"e_coh_ev_atom\" IS 'Numeric property passed through from the source, in eV/atom';";
    assert!(comments.contains(comment), "{comments}");
}

#[test]
fn tables_with_two_units_of_a_column_are_refused() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    write(raw.path(), &[("a.cif", cif.as_str()), ("b.cif", cif.as_str())]);
    let tables = folder();
    write(tables.path(), &[("l.csv", "id,gap (meV)\na,1\n"), ("m.csv", "id,gap (MeV)\nb,1\n")]);
    let [first, second] = ["l.csv", "m.csv"].map(|name| tables.path().join(name));
    let out = folder();
    let labels = ["--labels", text(&first), "--labels", text(&second)];
    let line = complaint(&build("cif", raw.path(), out.path(), &labels, 2));
    assert!(line.contains("the column gap_mev holds numbers in meV in "), "{line}");
    assert!(line.contains("l.csv, and numbers in MeV in "), "{line}");
}

#[test]
fn the_index_of_a_pandas_table_joins_nothing() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    write(raw.path(), &[("1.cif", &cif), ("2.cif", &cif), ("3.cif", &cif)]);
    for header in [",filename,gap", "Unnamed: 0,filename,gap", ",mp_id,gap", "index,name,gap"] {
        let table = format!("{header}\n0,1.cif,1\n1,2.cif,2\n2,3.cif,3\n");
        write(raw.path(), &[("labels.csv", &table)]);
        let out = folder();
        let output = build("cif", raw.path(), out.path(), &[], 0);
        assert!(said(&output).contains("3 of 3 rows joined: "), "{}", said(&output));
        assert_eq!(values(out.path(), "gap"), pairs([("1", 1.0), ("2", 2.0), ("3", 3.0)]), "{header}");
    }
    write(raw.path(), &[("labels.csv", "Unnamed: 0,gap\n0,1\n1,2\n2,3\n")]);
    let out = folder();
    let line = complaint(&build("cif", raw.path(), out.path(), &[], 2));
    for part in ["labels.csv: line 1: ", "\"Unnamed: 0,gap\"", "material_id"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(tree(out.path()).is_empty(), "{:?}", tree(out.path()).keys());
}

#[test]
fn tables_that_are_not_what_they_seem_are_refused() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    write(raw.path(), &[("a.cif", &cif), ("b.cif", &cif), ("c.cif", &cif)]);
    let tables = folder();
    write(tables.path(), &[("rows.csv", "a,1\nb,2\nc,3\n"), ("frame.json", r#"{"gap":{"a":1,"b":2}}"#)]);
    for (name, told) in [
        ("rows.csv", "rows.csv: line 1: its first line holds numbers: is the header missing?"),
        ("frame.json", "like those of a pandas JSON of columns"),
    ] {
        let table = tables.path().join(name);
        let line = complaint(&build("cif", raw.path(), folder().path(), &["--labels", text(&table)], 2));
        assert!(line.contains(told), "{line}");
    }
}

#[test]
fn signs_and_splittings_do_not_change_what_a_column_is() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    let header = "id,带隙 (eV),gap (µeV),Δ band gap (eV),-band_gap (eV),exchange_split,run_split";
    let table = format!("{header}\na,1,2,3,4,0.5,1\n");
    write(raw.path(), &[("a.cif", &cif), ("labels.csv", &table)]);
    let out = folder();
    build("cif", raw.path(), out.path(), &["--filter", "带隙_ev > 0.5"], 0);
    for (column, value) in [
        ("带隙_ev", 1.0),
        ("gap_uev", 2.0),
        ("delta_band_gap_ev", 3.0),
        ("minus_band_gap_ev", 4.0),
        ("exchange_split", 0.5),
    ] {
        assert_eq!(values(out.path(), column), pairs([("a", value)]), "{column}");
    }
    assert_eq!(texts(&rows(out.path()), "split_run"), [Some("1".to_owned())]);
    assert!(rows(out.path())[0].column_by_name("band_gap_ev").is_none());
    let comments = said(&etl(["columns", text(out.path()), "--sql"]));
    assert!(comments.contains("crystals.\"带隙_ev\" IS "), "{comments}");
}

#[test]
fn columns_are_told_by_their_names_in_the_table() {
    let raw = folder();
    let cif = caesium_chloride(4.12);
    write(raw.path(), &[("a.cif", &cif), ("b.cif", &cif), ("c.cif", "data_c\n")]);
    let tables = folder();
    write(tables.path(), &[("gaps.csv", "id,split,fold,nsites\na,train,0,1\nb,test,1,2\nc,test,1,3\n")]);
    let table = tables.path().join("gaps.csv");
    let out = folder();
    let output = build(
        "cif",
        raw.path(),
        out.path(),
        &["--labels", text(&table), "--id-prop-column", "gap", "--filter", "property_nsites < 2"],
        1,
    );
    for told in [
        "gaps.csv: nsites as property_nsites; split as split_gaps; fold\n",
        "2 label rows without a crystal in the store: b, c\n",
        "note: there is no id_prop.csv whose column \"gap\" might name",
    ] {
        assert!(said(&output).contains(told), "{told}\n{}", said(&output));
    }
    assert_eq!(texts(&rows(out.path()), "split_gaps"), [Some("train".to_owned())]);
}

#[test]
fn one_crystal_has_one_value_in_a_leaderboard() {
    let raw = folder();
    write(raw.path(), &[("a.cif", &caesium_chloride(4.12))]);
    let tables = folder();
    write(tables.path(), &[("gap.json", r#"{"train": {"a": 1}, "test": {"a": 99.5}}"#)]);
    let table = tables.path().join("gap.json");
    let line = complaint(&build("cif", raw.path(), folder().path(), &["--labels", text(&table)], 2));
    for part in ["\"a\" has two values of leaderboard_gap: 1 in train of ", "99.5 in test of "] {
        assert!(line.contains(part), "{part}\n{line}");
    }
}

#[test]
fn a_poscar_holds_one_structure_and_names_it_once() {
    let raw = folder();
    let poscar = "CsCl\n1\n4.12 0 0\n0 4.12 0\n0 0 4.12\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";
    write(
        raw.path(),
        &[
            ("POSCAR_two", &format!("{poscar}{poscar}")),
            ("POSCAR_more", &format!("{poscar}0.5 0.5 0\n")),
            ("POSCAR_bare", &poscar.replace("Direct\n", "")),
            ("POSCAR_named", &poscar.replace("0 0 0\n0.5 0.5 0.5", "0 0 0 Cl\n0.5 0.5 0.5 Cs")),
        ],
    );
    let out = folder();
    let output = build("poscar", raw.path(), out.path(), &[], 1);
    let rejects = rejects(out.path());
    for (id, reason) in
        [("two", "several_structures"), ("more", "poscar_count_mismatch"), ("bare", "poscar_too_short")]
    {
        assert_eq!(rejects[id].0, reason, "{id}");
    }
    assert_eq!(texts(&rows(out.path()), "material_id"), [Some("named".to_owned())]);
    assert!(said(&output).contains("1 noted: symbols_differ"), "{}", said(&output));
}
