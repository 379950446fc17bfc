//! Crystals with isolated atoms in training, embedding and prediction; crystals with impossible contacts in
//! prediction.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use arrow::array::AsArray;
use arrow::datatypes::Float32Type;
use etl::pipeline::{BuildProgress, BuildRequest, Position, build};
use etl::source::SourceKind;
use schemas::manifest::Manifest;

use super::support::files::cubic_cif;
use crate::support::*;

/// Crystals of the sample with their part of the split.
const OTHERS: [(&str, &str); 5] = [
    ("NaCl-rocksalt", "train"),
    ("Cu-fcc", "train"),
    ("Si-diamond", "train"),
    ("MgO-rocksalt", "val"),
    ("CsCl-CsCl", "test"),
];

/// Progress that is not shown.
struct Silent;

impl BuildProgress for Silent {
    fn position(&self, _: Position) {}
    fn entries(&self, _: u64, _: u64) {}
}

/// A folder of CIFs: two crystals of isolated atoms only, two with one isolated atom, and some of the sample.
fn structures() -> Folder {
    let folder = folder();
    let cif = |id: &str, sites: &[(&str, [f64; 3])]| {
        fs::write(folder.path().join(format!("{id}.cif")), cubic_cif(id, 30.0, sites)).expect("a file");
    };
    cif("one", &[("Xe", [0.2; 3])]);
    cif("two", &[("Ar", [0.2; 3]), ("Ne", [0.7; 3])]);
    cif("molecule", &[("N", [0.1; 3]), ("He", [0.6; 3]), ("N", [0.1, 0.1, 0.137])]);
    cif("chain", &[("H", [0.1; 3]), ("O", [0.132, 0.1, 0.1]), ("Kr", [0.6; 3])]);
    let mut labels = "material_id,band_gap_ev,split\n".to_owned();
    for (id, part) in [("one", "train"), ("two", "train"), ("molecule", "val"), ("chain", "test")] {
        labels += &format!("{id},{},{part}\n", id.len());
    }
    for (id, part) in OTHERS {
        let name = format!("{id}.cif");
        fs::copy(sample().join(&name), folder.path().join(&name)).expect("a crystal of the sample");
        labels += &format!("{id},{},{part}\n", id.len());
    }
    fs::write(folder.path().join("labels.csv"), labels).expect("a file");
    folder
}

/// Builds the store of the [`structures`].
fn store_of(structures: &Path) -> Folder {
    let (out, manifest) = built(structures);
    assert_eq!(manifest.counts.kept, 9);
    assert_eq!(manifest.counts.noted["isolated_atom"].count, 4);
    out
}

/// Builds a store of a folder of CIFs.
fn built(structures: &Path) -> (Folder, Manifest) {
    let out = folder();
    let mut request = BuildRequest::new(SourceKind::Cif, vec![structures.to_owned()], out.path().to_owned());
    request.source.embedded_labels = true;
    let summary = build(&request, &Silent, &AtomicBool::new(false)).expect("built");
    (out, summary.manifest)
}

#[test]
fn batches_that_cannot_be_normalised_are_left_out_and_said() {
    let pretraining = |store: &Folder, out: &Path, more: &[&str]| {
        let mut arguments = vec!["pretrain", "--method", "infograph", "--shards", text(store.path())];
        arguments.extend(["--out", text(out)]);
        if !more.contains(&"--epochs") {
            arguments.extend(["--epochs", "1"]);
        }
        arguments.extend(["--set", "data.validation=none", "--set", "run.select=train"]);
        arguments.extend(["--set", "model.cgcnn.atom_width=8"]);
        arguments.extend(more);
        trainer(&arguments)
    };
    let (structures, kept) = (structures(), folder());
    let output = pretraining(&store_of(structures.path()), &kept.path().join("some"), &["--batch", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains(" batch of a single atom or edge left out"), "{}", said(&output));

    // The schedule ends with the run: the second epoch begins in its middle.
    let run = kept.path().join("cosine");
    let cosine =
        ["--batch", "1", "--epochs", "2", "--set", "schedule.kind=cosine", "--learning-rate", "1e-3"];
    let output = pretraining(&store_of(structures.path()), &run, &cosine);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let steps = records_of(&run, "step");
    assert!(steps.len() < 2 * 9, "nine crystals, some of a single atom: {}", steps.len());
    let second = steps.iter().find(|step| step["epoch"] == 2).expect("a second epoch");
    assert!(number(&second["learning_rate"]) < 1e-3 * (0.5 + 1e-9), "{second}");

    let alone = folder();
    for id in ["a", "b", "c"] {
        let cif = cubic_cif(id, 30.0, &[("Xe", [0.2; 3])]);
        fs::write(alone.path().join(format!("{id}.cif")), cif).expect("a file");
    }
    let alone = built(alone.path()).0;
    let output = pretraining(&alone, &kept.path().join("atoms"), &["--batch", "3", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "atoms vary without edges: {}", said(&output));
    let output = pretraining(&alone, &kept.path().join("none"), &["--batch", "1", "--quiet"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(complaint(&output).contains("nothing was trained in epoch 1: batch normalisation needs"));
}

/// The devices of the CPU that the program was built for.
fn devices() -> &'static [&'static str] {
    if cfg!(feature = "tch") { &["cpu", "libtorch"] } else { &["cpu"] }
}

/// Checks that every loss in a run's records is finite.
fn assert_finite(out: &Path) {
    let records = records(out);
    assert!(!records.is_empty());
    for record in records {
        let losses = record.get("losses").or_else(|| record.get("train")).expect("losses");
        for (term, value) in losses.as_object().expect("terms") {
            assert!(value.as_f64().is_some_and(f64::is_finite), "{term}: {record}");
        }
    }
}

#[test]
fn isolated_atoms_are_trained_on_embedded_and_predicted() {
    let structures = structures();
    let store = store_of(structures.path());
    let task = structures.path().join("task.toml");
    fs::write(&task, GAPS).expect("a file");
    for device in devices() {
        let out = folder();
        // One crystal a batch: some have no edge at all.
        let run = out.path().join("run");
        let more = ["--epochs", "2", "--batch", "1", "--batch-triplets", "1", "--device", device];
        let said = succeed(&small_run(store.path(), &run, &more));
        assert!(!said.contains("NaN"), "{said}");
        assert_finite(&run);
        let mixed = out.path().join("mixed");
        succeed(&small_run(store.path(), &mixed, &["--epochs", "2", "--device", device]));
        assert_finite(&mixed);

        let weights = mixed.join(BEST);
        let embed = |table: &str, more: &[&str]| {
            let table = out.path().join(table);
            let arguments = ["embed", "--weights", text(&weights), "--shards", text(store.path()), "--out"];
            succeed(&[&arguments[..], &[text(&table), "--device", device], more].concat());
            batches(&table)
        };
        let (together, alone) = (embed("together.parquet", &[]), embed("alone.parquet", &["--batch", "1"]));
        for name in ["h_l", "h_s_mean", "h_s_max"] {
            let column = |batches: &[arrow::record_batch::RecordBatch]| -> Vec<f32> {
                let lists = batches.iter().map(|batch| batch[name].as_fixed_size_list());
                lists.flat_map(|list| list.values().as_primitive::<Float32Type>().values().to_vec()).collect()
            };
            let (together, alone) = (column(&together), column(&alone));
            assert_eq!(together.len(), alone.len());
            for (together, alone) in together.iter().zip(&alone) {
                assert!(
                    (together - alone).abs() <= 1e-5 * alone.abs().max(1.0),
                    "{name}: {together} {alone}"
                );
            }
        }

        let tuned = out.path().join("gaps");
        let more = ["--epochs", "2", "--weights", text(&weights), "--device", device];
        succeed(&small_tuning(&task, &tuned, &more, store.path()));
        let member = tuned.join("split/seed-123");
        assert_finite(&member);
        let said = succeed(&["evaluate", text(&tuned), "--threads", "1", "--device", device]);
        assert!(said.contains("2 crystals") && !said.contains("NaN"), "{said}");

        let predictions = out.path().join("p.csv");
        let member = member.join(BEST);
        let predict = |input: &Path| {
            let arguments = ["predict", text(input), "--weights", text(&member), "--out", text(&predictions)];
            let said =
                succeed(&[&arguments[..], &["--kind", "cif", "--overwrite", "--device", device]].concat());
            (said, fs::read_to_string(&predictions).expect("a table"))
        };
        let (said, table) = predict(structures.path());
        assert_eq!(table.lines().count(), 1 + 9, "{table}");
        assert!(!table.contains("NaN"), "{table}");
        assert!(said.contains("4 noted: isolated_atom") && said.contains("site 0 (Xe) has no"), "{said}");
        let arguments = ["predict", text(store.path()), "--weights", text(&member), "--out"];
        succeed(&[&arguments[..], &[text(&predictions), "--overwrite", "--device", device]].concat());
        assert_eq!(fs::read_to_string(&predictions).expect("a table"), table, "from the store");
    }
}

#[test]
fn what_no_crystal_has_is_left_out_of_predictions() {
    let tuned = tuned_on_gaps("1");
    let weights = member_of(&tuned, 1);
    let raw = folder();
    let cif = |id: &str, edge: f64, sites: &[(&str, [f64; 3])]| {
        fs::write(raw.path().join(format!("{id}.cif")), cubic_cif(id, edge, sites)).expect("a file");
    };
    cif("good", 4.12, &[("Cs", [0.0; 3]), ("Cl", [0.5; 3])]);
    cif("close", 10.0, &[("H", [0.1; 3]), ("H", [0.122, 0.1, 0.1])]);
    cif("nm", 0.412, &[("Cs", [0.0; 3]), ("Cl", [0.5; 3])]);
    cif("alone", 30.0, &[("Xe", [0.1; 3])]);
    let out = folder();
    let table = out.path().join("p.csv");
    let predict = |more: &[&str], status: i32| {
        let arguments = [
            "predict",
            text(raw.path()),
            "--weights",
            text(&weights),
            "--out",
            text(&table),
            "--overwrite",
            "--quiet",
        ];
        let output = trainer(arguments.iter().chain(more));
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        let rejects = fs::read_to_string(out.path().join("p.rejects.csv")).unwrap_or_default();
        let mut reasons: Vec<(String, String)> = Vec::new();
        for row in csv::Reader::from_reader(rejects.as_bytes()).records() {
            let row = row.expect("a row");
            reasons.push((row[0].to_owned(), row[4].to_owned()));
        }
        reasons
    };
    let left_out = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(id, reason)| (id.to_string(), reason.to_string())).collect()
    };
    let impossible = [("close", "impossible_contact"), ("nm", "degenerate_lattice")];
    assert_eq!(predict(&[], 1), left_out(&impossible));
    assert_eq!(
        predict(&["--reject-isolated"], 1),
        left_out(&[&[("alone", "isolated_atom")], &impossible[..]].concat())
    );
    assert_eq!(predict(&["--min-contact", "0"], 0), []);
}
