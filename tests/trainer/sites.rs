//! Numbers of the sites: a model learns, tests and predicts one of every site.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::AsArray;
use arrow::datatypes::{UInt8Type, UInt64Type};

use crate::support::*;

/// Crystals of the store, each with a charge on every site but the last, which has none.
const CIFS: [&str; 18] = [
    "NaCl-rocksalt",
    "NaF-rocksalt",
    "NaBr-rocksalt",
    "KCl-rocksalt",
    "KF-rocksalt",
    "KBr-rocksalt",
    "LiCl-rocksalt",
    "LiF-rocksalt",
    "MgO-rocksalt",
    "CaO-rocksalt",
    "SrO-rocksalt",
    "BaO-rocksalt",
    "CaF2-fluorite",
    "BaF2-fluorite",
    "SrF2-fluorite",
    "Li2O-antifluorite",
    "Na2O-antifluorite",
    "CsCl-CsCl",
];

/// A charge that depends on the element alone.
fn charge(atomic_number: u8) -> f64 {
    match atomic_number {
        8 => -2.0,
        9 | 17 | 35 => -1.0,
        3 | 11 | 19 | 55 => 1.0,
        _ => 2.0,
    }
}

fn build(cifs: &Path, store: &Path, more: &[&str]) {
    let arguments = ["build", "cif", "--quiet", "--input", text(cifs), "--out", text(store)];
    etl([&arguments[..], more].concat());
}

/// Identifiers and atomic numbers of the crystals of a store, in order.
fn crystals(store: &Path) -> Vec<(String, Vec<u8>)> {
    let of = |batch: &arrow::record_batch::RecordBatch| {
        let ids = batch["material_id"].as_string::<i32>().iter().flatten().map(str::to_owned);
        let numbers = batch["atomic_numbers"].as_list::<i32>().iter().flatten();
        let numbers = numbers.map(|list| list.as_primitive::<UInt8Type>().values().to_vec());
        ids.zip(numbers).collect::<Vec<_>>()
    };
    rows(store).iter().flat_map(of).collect()
}

/// Builds a store of [`CIFS`] with their charges, and a property of the crystals.
fn store_of_sites() -> (Folder, PathBuf) {
    let folder = folder();
    let [cifs, plain, store, labels] =
        ["cifs", "plain", "store", "charges.csv"].map(|name| folder.path().join(name));
    fs::create_dir(&cifs).expect("a writable folder");
    for cif in CIFS.map(|name| format!("{name}.cif")) {
        fs::copy(sample().join(&cif), cifs.join(&cif)).expect("a CIF");
    }
    build(&cifs, &plain, &[]);
    let mut table = "material_id,site_charge,size\n".to_owned();
    for (id, numbers) in crystals(&plain) {
        let charges: Vec<f64> = numbers.iter().map(|number| charge(*number)).collect();
        let list = if id == CIFS[CIFS.len() - 1] { String::new() } else { format!("{charges:?}") };
        table += &format!("{id},\"{list}\",{}\n", numbers.len());
    }
    fs::write(&labels, table).expect("a writable folder");
    build(&cifs, &store, &["--labels", text(&labels)]);
    (folder, store)
}

/// Arguments that fine-tune a small model on the charges.
fn on_charges<'a>(store: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let target = ["finetune", "--property", "site_charge", "--shards", text(store), "--out", text(out)];
    let rest = ["--from-scratch", "--folds", "3", "--quiet", "--threads", "1", "--batch", "4"];
    let encoder: &[&str] = if more.contains(&"model.kind=cgcnn") { &[] } else { small_encoder() };
    [&target[..], &rest, encoder, more].concat()
}

#[test]
fn charges_by_element_are_learnt_tested_and_predicted() {
    let (folder, store) = store_of_sites();
    let out = folder.path().join("charges");
    let said = succeed(&on_charges(&store, &out, &["--epochs", "40", "--learning-rate", "1e-2"]));
    assert!(said.contains("fold-0, seed 123: validation MAE "), "{said}");
    assert!(said.contains(" sites     MAE ") && said.contains(", of 6 crystals\n"), "{said}");
    assert!(said.contains("% of the test sites lie within"), "{said}");
    assert!(said.ends_with(&succeed(&["evaluate", text(&out)])), "{said}");

    let evaluation = out.join("evaluation");
    let record = json(&evaluation.join("evaluation.json"));
    let mean = |key: &str| number(&record["mean"][key]);
    // Of a few crystals some elements are not trained on.
    assert!(mean("mae") < 0.6 * mean("dummy_mae"), "an element has one charge: {record}");
    let folds = record["folds"].as_array().expect("folds");
    let sum = |key: &str| folds.iter().map(|fold| fold[key].as_u64().expect("a count")).sum::<u64>();
    let labelled = || crystals(&store).into_iter().filter(|(id, _)| id != "CsCl-CsCl");
    assert_eq!(sum("test"), 17, "every crystal with charges once");
    assert_eq!(sum("test_sites") as usize, labelled().map(|(_, numbers)| numbers.len()).sum::<usize>());

    // Each site of the tested crystals with its element and charge.
    let tested = csv(&evaluation.join("predictions.csv"));
    let header = "material_id,formula,site,element,property,unit,fold,target,prediction,deviation,lower_90,\
                  upper_90,domain_distance";
    assert_eq!(tested[0].iter().collect::<Vec<_>>().join(","), header);
    let mut errors = Vec::new();
    for (id, numbers) in labelled() {
        let sites: Vec<_> = tested.iter().filter(|row| row[0] == id).collect();
        assert_eq!(sites.len(), numbers.len(), "{id}");
        for (site, (row, number)) in sites.iter().zip(&numbers).enumerate() {
            assert_eq!((row[2].parse(), row[7].parse()), (Ok(site), Ok(charge(*number))), "{row:?}");
            errors.push((row[8].parse::<f64>().expect("a number") - charge(*number)).abs());
        }
    }
    let rows_of_folds: Vec<f64> =
        folds.iter().map(|fold| number(&fold["mae"]) * number(&fold["test_sites"])).collect();
    let error = errors.iter().sum::<f64>();
    assert!((error - rows_of_folds.iter().sum::<f64>()).abs() < 1e-9 * error.max(1.0), "{record}");
    let page = fs::read_to_string(evaluation.join("report.html")).expect("a page");
    for part in ["sites of them", "sites of the element", "not independent of each other", ", site 0 "] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!evaluation.join("results.json.gz").exists());

    // A member knows the charges of its own crystals.
    let (first, fitted) = (out.join("fold-0/seed-123").join(BEST), folder.path().join("fit.csv"));
    succeed(&["predict", text(&store), "--weights", text(&first), "--out", text(&fitted)]);
    let tested_first = |id: &str| tested.iter().any(|row| &row[0] == id && &row[6] == "fold-0");
    let mut fit = Vec::new();
    for (id, numbers) in labelled().filter(|(id, _)| !tested_first(id)) {
        let rows = csv(&fitted).into_iter().filter(|row| row[0] == id);
        fit.extend(
            rows.zip(numbers)
                .map(|(row, number)| (row[6].parse::<f64>().expect("a number") - charge(number)).abs()),
        );
    }
    assert!(fit.iter().sum::<f64>() < 0.2 * fit.len() as f64, "{fit:?}");

    // Of the crystals of the store, those without charges, too.
    for ending in ["csv", "parquet"] {
        let table = folder.path().join(format!("p.{ending}"));
        let predicted = succeed(&["predict", text(&store), "--weights", text(&out), "--out", text(&table)]);
        assert!(predicted.starts_with("18 crystals: "), "{predicted}");
    }
    let predicted = csv(&folder.path().join("p.csv"));
    let header = "material_id,formula,property,site,element,unit,prediction,deviation,lower_90,upper_90,\
                  domain_distance,unseen_elements,out_of_domain";
    assert_eq!(predicted[0].iter().collect::<Vec<_>>().join(","), header);
    let all: Vec<(String, Vec<u8>)> = crystals(&store);
    let expected = all
        .iter()
        .flat_map(|(id, numbers)| (0..numbers.len()).map(move |site| (id.clone(), site.to_string())));
    let found = predicted[1..].iter().map(|row| (row[0].to_owned(), row[3].to_owned()));
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    for row in &predicted[1..] {
        let [prediction, lower, upper] =
            [6, 8, 9].map(|column| row[column].parse::<f64>().expect("a number"));
        assert!(lower <= prediction && prediction <= upper, "{row:?}");
    }
    let parquet = batches(&folder.path().join("p.parquet"));
    let numbers =
        parquet.iter().flat_map(|batch| batch["site"].as_primitive::<UInt64Type>().values().to_vec());
    assert!(numbers.map(|site| site.to_string()).eq(predicted[1..].iter().map(|row| row[3].to_owned())));

    // The encoder serves other tasks.
    let weights = out.join("fold-0/seed-123").join(BEST);
    assert!(tensors(&weights).contains_key("site_head.2.weight"));
    let card = fs::read_to_string(weights.with_file_name("card.md")).expect("a card");
    assert!(card.contains("Predicts `site_charge` of every site of a crystal"), "{card}");
    let sizes = folder.path().join("sizes");
    let again =
        ["finetune", "--property", "size", "--shards", text(&store), "--out", text(&sizes), "--quiet"];
    let rest = ["--weights", text(&weights), "--folds", "2", "--epochs", "1"];
    succeed(&[&again[..], &rest].concat());
}

#[test]
fn a_run_goes_on_as_if_it_had_never_been_killed() {
    let (folder, store) = store_of_sites();
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    let more = ["--epochs", "6", "--fold", "0", "--set", "run.checkpoint_steps=2"];
    succeed(&on_charges(&store, &whole, &more));
    let member = |out: &Path| out.join("fold-0/seed-123");
    let arguments = on_charges(&store, &killed, &more);
    let mut run = Command::new(TRAINER)
        .args(&arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    assert!(wait_for(&mut run, || lines_of(&member(&killed)) >= 4), "it ended too early");
    kill(&mut run);
    succeed(&[&arguments[..], &["--resume"]].concat());
    assert_same_run(&member(&whole), &member(&killed), "killed and resumed");
}

#[test]
fn another_encoder_learns_sites_with_any_loss_and_frozen() {
    let (folder, store) = store_of_sites();
    for settings in [
        &["model.kind=cgcnn", "model.cgcnn.atom_width=8", "model.cgcnn.crystal_width=8"][..],
        &[
            "model.kind=cgcnn",
            "model.cgcnn.atom_width=8",
            "finetune.loss=mse",
            "finetune.freeze_encoder=true",
        ],
    ] {
        let out = folder.path().join(settings.join("-"));
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let more: Vec<&str> = ["--epochs", "2", "--fold", "0"].into_iter().chain(settings).collect();
        let said = succeed(&on_charges(&store, &out, &more));
        assert!(said.contains(" sites     MAE "), "{said}");
    }
}

#[test]
fn what_sites_have_not_is_refused_by_name() {
    let (folder, store) = store_of_sites();
    let out = folder.path().join("none");
    let on = |property: &str, more: &[&str]| {
        let target = ["finetune", "--property", property, "--shards", text(&store), "--out", text(&out)];
        refused(&[&target[..], &["--from-scratch"], more].concat())
    };
    let begin = "the column site_charge holds a number of every site: ";
    for (property, more, message) in [
        ("site_charge,size", &[][..], "a model learns it alone, without others"),
        ("site_charge", &["--classify"], "sites have no classes"),
        ("site_charge", &["--above", "0"], "sites have no classes"),
        ("site_charge", &["--transform", "log10"], "it is learnt without a transform"),
    ] {
        let line = on(property, more);
        assert!(line.contains(&format!("{begin}{message}")), "{line}");
        assert!(!out.exists());
    }
    let task = folder.path().join("task.toml");
    fs::write(&task, GAPS.replace("band_gap_ev", "site_charge")).expect("a writable folder");
    let line = refused(&small_tuning(&task, &out, &[], &store));
    assert!(line.contains("site_charge") && line.contains("per_site = true"), "{line}");
}
