//! Classes, several properties at once, and transformed ones: from a store to predictions.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::*;

/// Arguments that fine-tune a small model for a few epochs on properties of the test store, followed by `more`.
fn on<'a>(properties: &'a str, store: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let target = ["finetune", "--property", properties, "--shards", text(store), "--out", text(out)];
    let rest = ["--from-scratch", "--folds", "3", "--quiet"];
    let epochs: &[&str] = if more.contains(&"--epochs") { &[] } else { &["--epochs", "2"] };
    [&target[..], &rest, epochs, small_encoder(), more].concat()
}

#[test]
fn classes_are_learnt_tested_and_predicted() {
    let (folder, store) = (folder(), store());
    let out = folder.path().join("metals");
    let said = succeed(&on("band_gap_ev", &store, &out, &["--above", "0.1"]));
    assert!(said.contains("fold-0, seed 123: validation cross entropy "), "{said}");
    assert!(said.contains("balanced accuracy ") && said.contains("commonest 0."), "{said}");
    assert!(said.ends_with(&succeed(&["evaluate", text(&out)])), "{said}");

    let evaluation = out.join("evaluation");
    let record = json(&evaluation.join("evaluation.json"));
    assert_eq!(record["classes"], serde_json::json!(["at most 0.1", "above 0.1"]));
    let confusion = record["confusion"].as_array().expect("rows").iter();
    let tested: u64 =
        confusion.flat_map(|row| row.as_array().expect("counts")).filter_map(Value::as_u64).sum();
    assert_eq!(tested, 25, "every crystal with a band gap once");
    for fold in record["folds"].as_array().expect("folds") {
        // Folds have classes alike: ten of the 25 have no gap.
        assert!((8..=9).contains(&fold["test"].as_u64().expect("a count")), "{fold}");
        assert!(fold["scores"]["roc_auc"].is_number(), "{fold}");
    }
    let rows = csv(&evaluation.join("predictions.csv"));
    let header = "material_id,formula,property,fold,target,prediction,confidence,deviation,\
                  probability_at_most_0.1,probability_above_0.1";
    assert_eq!(rows[0].iter().collect::<Vec<_>>().join(","), header);
    assert_eq!(rows.len(), 26);
    assert!(fs::read_to_string(evaluation.join("report.html")).expect("a page").contains("ROC-AUC"));

    let table = folder.path().join("p.csv");
    succeed(&["predict", text(&store), "--weights", text(&out), "--out", text(&table)]);
    let rows = csv(&table);
    assert_eq!(rows.len(), 27, "all crystals, those without a band gap, too");
    for row in &rows[1..] {
        let numbers: Vec<f64> = [4, 6, 7].map(|column| row[column].parse().expect("a number")).into();
        assert!((numbers[1] + numbers[2] - 1.0).abs() < 1e-9, "{row:?}");
        assert_eq!(numbers[0], numbers[1].max(numbers[2]), "{row:?}");
        let class = if numbers[2] > numbers[1] { "above 0.1" } else { "at most 0.1" };
        assert_eq!((&row[2], &row[3]), ("band_gap_ev", class));
    }
    let card = fs::read_to_string(out.join("fold-0/seed-123/card.md")).expect("a card");
    assert!(card.contains("Predicts the class `band_gap_ev`"), "{card}");
}

#[test]
fn columns_of_texts_and_booleans_are_classes_by_themselves() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let (cifs, labels, store) = (path("cifs"), path("kinds.csv"), path("store"));
    fs::create_dir(&cifs).expect("a writable folder");
    let sample = root().join("data/sample");
    let gaps = fs::read_to_string(sample.join("labels.csv")).expect("the sample's labels");
    let mut table = "material_id,kind,is_metal\n".to_owned();
    for row in gaps.lines().skip(1).step_by(9) {
        let fields: Vec<&str> = row.split(',').collect();
        let Ok(gap) = fields[2].parse::<f64>() else { continue };
        let kind = if gap == 0.0 { "metal" } else { "insulator" };
        table += &format!("{},{kind},{}\n", fields[0], gap == 0.0);
        let cif = format!("{}.cif", fields[0]);
        fs::copy(sample.join(&cif), cifs.join(&cif)).expect("a CIF");
    }
    fs::write(&labels, table).expect("a writable folder");
    let build = ["build", "cif", "--quiet", "--input", text(&cifs), "--labels", text(&labels)];
    etl([&build[..], &["--out", text(&store)]].concat());
    for (property, classes) in [("kind", ["insulator", "metal"]), ("is_metal", ["0", "1"])] {
        let out = path(property);
        let said = succeed(&on(property, &store, &out, &["--epochs", "1"]));
        assert!(said.contains("cross entropy"), "{said}");
        let record = json(&out.join("evaluation/evaluation.json"));
        assert_eq!(record["classes"], serde_json::json!(classes));
    }
}

#[test]
fn the_task_of_metals_reads_the_store_of_its_file() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let (task, labels, store, out) =
        (path("matbench_mp_is_metal.json"), path("folds.csv"), path("store"), path("run"));
    let id = |row: usize| format!("mb-mp-is-metal-{:06}", row + 1);
    let is_metal = |row: usize| row.is_multiple_of(2);
    let structure = |row: usize| {
        let edge = 3.0 + 0.01 * row as f64;
        serde_json::json!({
            "lattice": { "matrix": [[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]] },
            "sites": [{
                "species": [{ "element": if is_metal(row) { "Cu" } else { "Si" }, "occu": 1 }],
                "abc": [0.0, 0.0, 0.0],
            }],
        })
    };
    let rows = 0..40;
    let published = serde_json::json!({
        "index": rows.clone().map(id).collect::<Vec<_>>(),
        "columns": ["structure", "is_metal"],
        "data": rows.clone().map(|row| (structure(row), is_metal(row))).collect::<Vec<_>>(),
    });
    fs::write(&task, published.to_string()).expect("a writable folder");
    let folds: String = rows.map(|row| format!("{},{}\n", id(row), row / 2 % 5)).collect();
    fs::write(&labels, format!("mb_id,test_fold\n{folds}")).expect("a writable folder");
    let build = ["build", "matbench", "--quiet", "--input", text(&task), "--labels", text(&labels)];
    etl([&build[..], &["--out", text(&store)]].concat());
    let tune = ["finetune", "--task", "matbench_mp_is_metal", "--allow-partial", "--shards", text(&store)];
    let rest = ["--out", text(&out), "--from-scratch", "--epochs", "1", "--quiet"];
    succeed(&[&tune[..], &rest, small_encoder()].concat());
    let said = succeed(&["evaluate", text(&out)]);
    assert!(said.contains("ROC-AUC"), "{said}");
    let record = json(&out.join("evaluation/evaluation.json"));
    assert_eq!(
        (&record["folds"][4]["test"], &record["classes"]),
        (&8.into(), &serde_json::json!(["0", "1"]))
    );
}

#[test]
fn measured_numbers_are_no_classes() {
    let (folder, store) = (folder(), store());
    let out = folder.path().join("gaps");
    let said = refused(&on("band_gap_ev", &store, &out, &["--classify"]));
    assert!(said.contains("does not consist of classes") && said.contains("is no whole number"), "{said}");
    assert!(said.contains("--above"), "{said}");
    let said = refused(&on("band_gap_ev", &store, &out, &["--above", "100"]));
    assert!(said.contains("a single class"), "{said}");
    assert!(!out.exists());
}

#[test]
fn one_model_learns_several_properties() {
    let (folder, store) = (folder(), store());
    let out = folder.path().join("both");
    let said = succeed(&on("band_gap_ev,bulk_modulus_gpa", &store, &out, &["--transform", "none,log10"]));
    assert!(said.contains("standard deviations in epoch"), "{said}");
    for property in ["band_gap_ev", "bulk_modulus_gpa"] {
        let record = json(&out.join("evaluation").join(property).join("evaluation.json"));
        assert_eq!(record["property"], property);
        assert!(said.contains(&format!("\n{property}\n")), "{said}");
    }
    let record = json(&out.join("evaluation/bulk_modulus_gpa/evaluation.json"));
    assert_eq!(record["unit"], "log10(GPa)");

    let table = folder.path().join("p.csv");
    succeed(&["predict", text(&store), "--weights", text(&out), "--out", text(&table)]);
    let rows = csv(&table);
    let header = "material_id,formula,property,unit,prediction,deviation,lower_90,upper_90,transformed,\
                  domain_distance,unseen_elements,out_of_domain";
    assert_eq!(rows[0].iter().collect::<Vec<_>>().join(","), header);
    assert_eq!(rows.len(), 1 + 2 * 26);
    for pair in rows[1..].chunks(2) {
        assert_eq!(pair[0][0], pair[1][0], "two rows a crystal");
        assert_eq!((&pair[0][2], &pair[0][3], &pair[0][8]), ("band_gap_ev", "eV", ""));
        assert_eq!((&pair[1][2], &pair[1][3]), ("bulk_modulus_gpa", "GPa"));
        let [property, logarithm] = [4, 8].map(|column| pair[1][column].parse::<f64>().expect("a number"));
        assert!((property.log10() - logarithm).abs() < 1e-12, "{pair:?}");
    }
    // All predictions of the test parts in one table.
    let tested = csv(&out.join("evaluation/predictions.csv"));
    let of = |property: &str| tested.iter().filter(|row| &row[2] == property).count();
    assert_eq!(of("band_gap_ev"), 25);
    assert!(of("bulk_modulus_gpa") > 0);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (folder, store) = (folder(), store());
    let out = folder.path().join("none");
    for (properties, more, message) in [
        ("band_gap_ev,band_gap_ev", &[][..], "names of other property columns"),
        ("band_gap_ev", &["--transform", "log10,sqrt"], "2 transforms for 1 property"),
        ("band_gap_ev,bulk_modulus_gpa", &["--transform", "log10"], "1 transform for 2 properties"),
        (
            "band_gap_ev,bulk_modulus_gpa",
            &["--above", "1"],
            "the column band_gap_ev is learnt as classes: a model learns them alone, without other properties",
        ),
        ("band_gap_ev,band_gap", &[], "band_gap"),
    ] {
        let said = refused(&on(properties, &store, &out, more));
        assert!(said.contains(message), "{said}");
        assert!(!out.exists());
    }
}

#[test]
fn texts_are_classes_of_one_property_alone() {
    let folder = folder();
    let row = |gap: f64| format!("{},{gap}", if gap == 0.0 { "metal" } else { "insulator" });
    let store = store_with(folder.path(), "kind,gap", row);
    let out = folder.path().join("none");
    for (properties, more, message) in [
        (
            "kind",
            &["--above", "0.1"][..],
            "the column kind is text, and only numbers are above a value; --above needs numbers",
        ),
        ("kind", &["--transform", "log10"], "the column kind is learnt as classes: they have no transform"),
        ("kind,gap", &[], "the column kind is learnt as classes: a model learns them alone, without other"),
        (
            "gap,kind",
            &[],
            "the column kind is text, and several properties are learnt together as numbers alone",
        ),
    ] {
        let said = refused(&on(properties, &store, &out, more));
        assert!(said.contains(message), "{said}");
        assert!(!out.exists());
    }
}

#[test]
fn a_split_without_validation_or_parts_is_told() {
    let folder = folder();
    let path = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir(&path).expect("a writable folder");
        path
    };
    let out = folder.path().join("none");
    let by_split = |store: &Path| {
        let target = ["finetune", "--property", "gap", "--split", "split", "--from-scratch", "--quiet"];
        refused(&[&target[..], &["--shards", text(store), "--out", text(&out)], small_encoder()].concat())
    };
    let two_parts = |gap: f64| format!("{gap},{}", if gap == 0.0 { "test" } else { "train" });
    let line = by_split(&store_with(&path("two"), "gap,split", two_parts));
    assert!(line.contains("in the validation part of 'split'"), "{line}");
    let help = "; give some crystals the part val, or divide a property by --folds N";
    assert!(line.trim_end().ends_with(help), "{line}");
    let line = by_split(&store_with(&path("empty"), "gap,split", |gap| format!("{gap},")));
    let empty = "the split column 'split' is empty: no crystal has train, val or test there";
    assert!(line.contains(empty), "{line}");
}

#[test]
fn cycles_divide_the_epochs_that_are_given() {
    let (folder, store) = (folder(), store());
    let out = folder.path().join("cycles");
    let cycles = ["--epochs", "6", "--set", "schedule.kind=cosine", "--set", "schedule.cosine.cycles=3"];
    succeed(&on("band_gap_ev", &store, &out, &[&cycles[..], &["--fold", "0"]].concat()));
    let refused = refused(&on("band_gap_ev", &store, &out, &[&cycles[2..], &["--epochs", "7"]].concat()));
    assert!(
        refused.contains("schedule.cosine.cycles = 3: must be a number that divides run.epochs"),
        "{refused}"
    );
}

#[test]
fn a_share_without_a_value_to_learn_from_is_refused() {
    let (folder, store) = (folder(), store());
    let out = folder.path().join("share");
    let line = refused(&on("band_gap_ev", &store, &out, &["--above", "0.1", "--fraction", "0.01"]));
    assert!(line.contains("of a single class in the train part"), "{line}");
    assert!(!out.exists());
}

#[test]
fn options_of_properties_are_refused_beside_a_task_and_each_other() {
    let (folder, store) = (folder(), store());
    let out = folder.path().join("none");
    let rest = ["--shards", text(&store), "--out", text(&out), "--from-scratch"];
    let (task, property) = (["--task", "textbook_band_gap"], ["--property", "band_gap_ev"]);
    for (target, more, options) in [
        (task, &["--transform", "log1p"][..], ["--task <TASK>", "--transform <NAME>"]),
        (task, &["--classify"], ["--task <TASK>", "--classify"]),
        (task, &["--above", "0.1"], ["--task <TASK>", "--above <VALUE>"]),
        (task, &["--folds", "3"], ["--task <TASK>", "--folds <N>"]),
        (property, &["--above", "0.1", "--classify"], ["--above <VALUE>", "--classify"]),
    ] {
        let output = trainer([&["finetune"][..], &target, &rest, more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        // The line of the argument parser, which adds the usage.
        let line = said.lines().next().unwrap_or_default();
        assert!(line.contains("cannot be used with"), "{said}");
        assert!(options.iter().all(|option| line.contains(option)), "{said}");
        assert!(!out.exists());
    }
    let said = refused(&on("band_gap_ev,bulk_modulus_gpa", &store, &out, &["--transform", "log10"]));
    assert!(said.contains(": --transform gives 1 transform for 2 properties: name one for each"), "{said}");
}

/// Builds a store of crystals of the sample with a table of labels, in a folder. `columns` is the header behind that of the
/// identifiers, and `row` what a crystal has there by its band gap in eV.
fn store_with(folder: &Path, columns: &str, row: impl Fn(f64) -> String) -> std::path::PathBuf {
    let [cifs, labels, store] = ["cifs", "labels.csv", "store"].map(|name| folder.join(name));
    fs::create_dir(&cifs).expect("a writable folder");
    let sample = root().join("data/sample");
    let gaps = fs::read_to_string(sample.join("labels.csv")).expect("the sample's labels");
    let mut table = format!("material_id,{columns}\n");
    for line in gaps.lines().skip(1).step_by(9) {
        let fields: Vec<&str> = line.split(',').collect();
        let Ok(gap) = fields[2].parse::<f64>() else { continue };
        table += &format!("{},{}\n", fields[0], row(gap));
        let cif = format!("{}.cif", fields[0]);
        fs::copy(sample.join(&cif), cifs.join(&cif)).expect("a CIF");
    }
    fs::write(&labels, table).expect("a writable folder");
    let build = ["build", "cif", "--quiet", "--input", text(&cifs), "--labels", text(&labels)];
    etl([&build[..], &["--out", text(&store)]].concat());
    store
}

#[test]
fn units_of_headers_and_digits_of_small_errors_reach_people() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let row = |gap: f64| format!("{:e},{}", 1e-5 * (gap + 0.5), gap + 1.0);
    let store = store_with(folder.path(), "E_coh (eV/atom),hardness", row);
    let out = path("run");
    succeed(&on("e_coh_ev_atom,hardness", &store, &out, &[]));
    let said = succeed(&["evaluate", text(&out)]);
    let (small, usual) = said.split_once("\nhardness\n").expect("both properties");
    let folds = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("fold-")).map(str::to_owned).collect()
    };
    let (small_folds, usual_folds) = (folds(small), folds(usual));
    assert_eq!((small_folds.len(), usual_folds.len()), (3, 3), "{said}");
    assert!(!small.contains("0.00000"), "{said}");
    for line in &small_folds {
        assert!(line.ends_with(" eV/atom") && line.matches("e-").count() >= 3, "{line}");
        assert_eq!(line.len(), small_folds[0].len(), "columns are aligned: {said}");
    }
    for line in &usual_folds {
        let median = line.split_whitespace().last().expect("the median");
        let decimals = median.split_once('.').map(|(_, decimals)| decimals.len());
        assert!(median.parse::<f64>().is_ok() && decimals == Some(5), "{line}");
    }

    // A unit that nobody gave is none, not that of pure numbers.
    let evaluation = out.join("evaluation");
    for (property, unit) in [("e_coh_ev_atom", "eV/atom"), ("hardness", "")] {
        let record = json(&evaluation.join(property).join("evaluation.json"));
        assert_eq!(record["unit"], unit);
        let rows = csv(&evaluation.join("predictions.csv"));
        let mut units = rows.iter().filter(|row| &row[2] == property).map(|row| row[3].to_owned());
        assert!(units.next().is_some_and(|first| first == unit) && units.all(|other| other == unit));
    }
    let card = fs::read_to_string(out.join("fold-0/seed-123/card.md")).expect("a card");
    let about = |start: &str| card.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert!(about("Predicts `e_coh_ev_atom` of a crystal in eV/atom. ").contains("e-5"), "{card}");
    assert!(!about("Predicts `hardness` of a crystal. ").is_empty(), "{card}");

    let by_hash = "rule = \"hash\"\nvalidation_fraction = 0.2\ntest_fraction = 0.2";
    let definition = GAPS
        .replace("band_gap_ev", "e_coh_ev_atom")
        .replace("rule = \"column\"\ncolumn = \"split\"", by_hash)
        .replace("\"eV\"", "\"meV/atom\"");
    let (task, refused_run) = (path("task.toml"), path("refused"));
    fs::write(&task, definition).expect("a writable folder");
    let line = refused(&small_tuning(&task, &refused_run, &["--epochs", "1"], &store));
    assert!(line.contains("unit = 'meV/atom'"), "{line}");
    assert!(line.contains("the column e_coh_ev_atom is in 'eV/atom'"), "{line}");
    assert!(!refused_run.exists());
}
