//! Predictions for structures and stores that a model was not fine-tuned on.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::{Command, Stdio};

use crate::support::*;

/// Largest difference between predictions in other batches, in eV.
const TOLERANCE: f64 = 1e-5;

/// Prediction and deviation by identifier, from a CSV.
fn table(path: &Path) -> BTreeMap<String, (f64, Option<f64>)> {
    let text = fs::read_to_string(path).expect("a table");
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "material_id,formula,property,unit,prediction,deviation,lower_90,upper_90,domain_distance,\
             unseen_elements,out_of_domain"
        )
    );
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        assert!(!fields[1].is_empty());
        assert_eq!(fields[2..4], ["band_gap_ev", "eV"]);
        (fields[0].to_owned(), (fields[4].parse().expect("a number"), fields[5].parse().ok()))
    };
    lines.map(row).collect()
}

/// Predicts into a CSV.
fn predictions(input: &Path, weights: &Path, more: &[&str]) -> BTreeMap<String, (f64, Option<f64>)> {
    let folder = folder();
    let out = folder.path().join("predictions.csv");
    let arguments = ["predict", text(input), "--weights", text(weights), "--out", text(&out), "--quiet"];
    succeed(&[&arguments, more].concat());
    table(&out)
}

#[test]
fn a_store_and_its_structures_are_predicted_alike_in_any_batch() {
    let tuned = tuned_on_gaps("1,2");
    let weights = member_of(&tuned, 1);
    let whole = predictions(&store(), &weights, &[]);
    assert_eq!(whole.len() as u64, CRYSTALS);
    let close = |other: &BTreeMap<String, (f64, Option<f64>)>, what: &str| {
        for (id, (prediction, deviation)) in &whole {
            let (found, _) = other.get(id).unwrap_or_else(|| panic!("{what}: {id} is missing"));
            assert!((found - prediction).abs() < TOLERANCE, "{what}: {id} {found} {prediction}");
            assert_eq!(*deviation, None, "one model has no spread");
        }
    };
    close(&predictions(&sample(), &weights, &["--threads", "2"]), "from CIFs");
    close(&predictions(&store(), &weights, &["--batch", "1"]), "one by one");
    close(&predictions(&store(), &weights, &["--threads", "3", "--workers", "2"]), "on three threads");
    let one = sample().join("Si-diamond.cif");
    let alone = predictions(&one, &weights, &[]);
    assert!((alone["Si-diamond"].0 - whole["Si-diamond"].0).abs() < TOLERANCE);
}

#[test]
fn an_ensemble_gives_mean_and_deviation() {
    let tuned = tuned_on_gaps("1,2");
    let [first, second] = [1, 2].map(|seed| predictions(&store(), &member_of(&tuned, seed), &[]));
    let both = predictions(&store(), &tuned.path().join("gaps"), &[]);
    assert_eq!(both.len() as u64, CRYSTALS);
    for (id, (mean, deviation)) in &both {
        let (a, b) = (first[id].0, second[id].0);
        assert!((mean - 0.5 * (a + b)).abs() < 1e-9, "{id}");
        assert!((deviation.expect("two models") - 0.5 * (a - b).abs()).abs() < 1e-9, "{id}");
    }
}

#[test]
fn no_structure_has_no_sites() {
    let tuned = tuned_on_gaps("1");
    let (weights, store, out) = (member_of(&tuned, 1), store(), tuned.path().join("p.csv"));
    let predict = ["predict", text(&store), "--weights", text(&weights), "--out", text(&out)];
    let line = refused(&[&predict[..], &["--max-sites", "0"]].concat());
    assert!(line.contains("sites") && line.contains("must be at least 1") && !out.exists(), "{line}");
}

#[test]
fn what_cannot_be_read_is_listed_and_the_rest_predicted() {
    let tuned = tuned_on_gaps("1,2");
    let weights = member_of(&tuned, 1);
    let folder = folder();
    let structures = folder.path().join("structures");
    fs::create_dir(&structures).expect("a writable folder");
    fs::copy(sample().join("Cu-fcc.cif"), structures.join("good.cif")).expect("a writable folder");
    fs::write(structures.join("bad.cif"), "data_bad\n_cell_length_a nonsense\n").expect("a writable folder");
    let out = folder.path().join("p.parquet");
    let arguments =
        ["predict", text(&structures), "--weights", text(&weights), "--out", text(&out), "--quiet"];
    let output = trainer(arguments);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(batches(&out).iter().map(|batch| batch.num_rows()).sum::<usize>(), 1);
    let rejects = fs::read_to_string(folder.path().join("p.rejects.csv")).expect("a table of rejects");
    assert!(rejects.contains("bad.cif") && rejects.lines().count() == 2, "{rejects}");
    let output = trainer(arguments.iter().chain(&["--allow-rejects", "--overwrite"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));

    fs::remove_file(structures.join("good.cif")).expect("it is there");
    let output = trainer(arguments.iter().chain(&["--overwrite"]));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

/// Caesium chloride as a POSCAR.
const POSCAR: &str = "CsCl\n1\n4.1 0 0\n0 4.1 0\n0 0 4.1\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";

#[test]
fn a_folder_is_read_whole_whatever_comes_first() {
    let tuned = tuned_on_gaps("1");
    let weights = member_of(&tuned, 1);
    let folder = folder();
    let structures = folder.path().join("structures");
    fs::create_dir(&structures).expect("a writable folder");
    fs::copy(sample().join("Cu-fcc.cif"), structures.join("b.cif")).expect("a writable folder");
    let out = folder.path().join("p.csv");
    let arguments =
        ["predict", text(&structures), "--weights", text(&weights), "--out", text(&out), "--overwrite"];
    // Before and behind the CIF.
    for name in ["POSCAR-a.vasp", "c.poscar"] {
        fs::write(structures.join(name), POSCAR).expect("a writable folder");
        let said = succeed(&arguments);
        assert!(!said.contains("not read"), "{said}");
    }
    assert_eq!(table(&out).into_keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    for name in ["notes.txt", "more.tar.gz", "x.json", "y.JSON"] {
        fs::write(structures.join(name), "").expect("a writable folder");
    }
    let said = succeed(&arguments);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("3 crystals: "), "{said}");
    assert_eq!(lines[1..], ["not read: 2 *.json, 1 *.gz, 1 *.txt"]);
    assert!(fs::read_to_string(&out).expect("a table").contains("b,Cu,band_gap_ev,eV,"));
}

#[test]
fn a_table_is_not_replaced_unasked() {
    let tuned = tuned_on_gaps("1");
    let weights = member_of(&tuned, 1);
    let folder = folder();
    let store = store();
    let path = |name: &str| folder.path().join(name);
    let arguments = |out: &Path| -> Vec<String> {
        let fixed = ["predict", text(&store), "--weights", text(&weights), "--quiet", "--out", text(out)];
        fixed.map(str::to_owned).into()
    };
    for name in ["p.csv", "p.parquet", "p.json", "p.jsonl"] {
        let out = path(name);
        fs::write(&out, "mine").expect("writable");
        let line = complaint(&trainer(arguments(&out)));
        assert!(line.contains(&format!("{name} already exists; --overwrite replaces it")), "{line}");
        assert_eq!(fs::read(&out).expect("it is there"), b"mine");
        let replaced = trainer(arguments(&out).into_iter().chain(["--overwrite".to_owned()]));
        assert_eq!(replaced.status.code(), Some(0), "{}", said(&replaced));
        assert_ne!(fs::read(&out).expect("it is there"), b"mine");
        fs::remove_file(&out).expect("it is there");
    }
    // The entries that another table left out are not lost, either.
    let rejects = path("p.rejects.csv");
    fs::write(&rejects, "mine").expect("writable");
    let line = complaint(&trainer(arguments(&path("p.csv"))));
    assert!(line.contains("p.rejects.csv already exists"), "{line}");
    assert_eq!(fs::read(&rejects).expect("it is there"), b"mine");
    assert!(!path("p.csv").exists());
}

#[test]
fn weights_that_predict_nothing_are_refused() {
    let pretrained = trained(&["--epochs", "1"]);
    let out = pretrained.path().join("p.csv");
    let weights = pretrained.path().join(BEST);
    let store = store();
    let line = refused(&["predict", text(&store), "--weights", text(&weights), "--out", text(&out)]);
    assert!(line.contains("pre-trained alone") && line.contains("finetune"), "{line}");
    assert!(!out.exists());
    let tuned = tuned_on_gaps("1,2");
    let weights = member_of(&tuned, 1);
    let cut = cut_store();
    let line = refused(&["predict", text(&cut), "--weights", text(&weights), "--out", text(&out)]);
    assert!(line.contains("ties"), "{line}");
    let out = pretrained.path().join("p.xlsx");
    let line = refused(&["predict", text(&store), "--weights", text(&weights), "--out", text(&out)]);
    assert!(line.contains("xlsx"), "{line}");
}

/// Structures enough for a second or two of predicting.
const MANY: usize = 3000;

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_finished_rows_and_says_so() {
    let tuned = tuned_on_gaps("1");
    let weights = member_of(&tuned, 1);
    let folder = folder();
    let structures = folder.path().join("structures");
    fs::create_dir(&structures).expect("a writable folder");
    for number in 0..MANY {
        fs::write(structures.join(format!("{number:04}.poscar")), POSCAR).expect("a writable folder");
    }
    let tables = folder.path().join("tables");
    fs::create_dir(&tables).expect("a writable folder");
    let (out, partial) = (tables.join("p.csv"), tables.join("p.partial.csv"));
    let mut arguments = vec!["predict", text(&structures), "--weights", text(&weights), "--out", text(&out)];
    arguments.extend(["--batch", "1", "--threads", "1"]);
    let mut run = Command::new(TRAINER)
        .args(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The table is begun when the predictions begin.
    let begun = || fs::read_dir(&tables).expect("a folder").next().is_some();
    assert!(wait_for(&mut run, begun), "it ended too early");
    interrupt(&run);
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(!out.exists());
    let rows = table(&partial).len();
    assert!((1..MANY).contains(&rows), "{rows} rows");
    let crystals = if rows == 1 { "1 crystal".to_owned() } else { format!("{rows} crystals") };
    let expected = format!(
        "interrupted; {crystals} so far: {}\n--overwrite begins anew and replaces what is there\n",
        partial.display()
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(fs::read_dir(&tables).expect("a folder").count(), 1, "nothing half-written");

    let line = complaint(&trainer(&arguments));
    assert!(line.contains("p.partial.csv already exists; --overwrite replaces it"), "{line}");
    succeed(&[&arguments[..], &["--overwrite"]].concat());
    assert!(!partial.exists());
    assert_eq!(table(&out).len(), MANY);
}
