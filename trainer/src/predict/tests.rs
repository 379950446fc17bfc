use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use etl::pipeline::{self, Bounds, BuildProgress, BuildRequest, DEFAULT_ROW_GROUP_ROWS, Order, build};
use etl::source::{EntryFormat, SourceOptions};
use proptest::prelude::*;
use schemas::settings::{FeatureSettings, Neighbours, Ties};
use tempfile::TempDir;

use super::*;
use crate::data::{Graph, GraphBatch, Inputs};
use crate::finetune::predictor::BatchPredictions;
use crate::task::{TargetColumn, Transform};

/// A model that computes a number from each crystal's own edges and atoms, in double precision and fixed order.
fn fake(offset: f64, path: &str) -> Member {
    let quantity = Quantity {
        task: "task".to_owned(),
        targets: vec![TargetColumn {
            property: "gap_ev".to_owned(),
            unit: "eV".to_owned(),
            transform: Transform::None,
        }],
        classes: Vec::new(),
        per_site: false,
    };
    let predict = move |graph: GraphBatch<f32>| {
        let bases = graph.bases.as_ref().expect("the model asks for them");
        let atoms = graph.atom_offsets.windows(2);
        let prediction = |atoms: &[usize]| {
            let edges = graph.incoming[atoms[0]] as usize..graph.incoming[atoms[1]] as usize;
            let pairs = bases.pair_offsets[atoms[0]]..bases.pair_offsets[atoms[1]];
            let numbers: i32 = graph.atomic_numbers[atoms[0]..atoms[1]].iter().sum();
            let lengths: f64 = graph.distance[edges].iter().map(|&length| f64::from(length)).sum();
            vec![offset + lengths + f64::from(numbers) + 1e-3 * pairs.len() as f64]
        };
        let targets: Vec<Vec<f64>> = atoms.map(prediction).collect();
        let embeddings = targets.iter().map(|numbers| numbers[0] as f32).collect();
        BatchPredictions { targets, embeddings }
    };
    Member {
        path: path.into(),
        features: FeatureSettings::default(),
        graph: Graph::Multigraph,
        inputs: Inputs { bases: true, ..Inputs::default() },
        quantity,
        calibration: None,
        domain: None,
        predict: Box::new(predict),
    }
}

fn sample() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../data/sample"))
}

/// The first CIFs of the sample, in order.
fn cifs(count: usize) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(sample()).expect("the sample");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "cif"));
    paths.sort();
    paths.truncate(count);
    paths
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn request(inputs: &[PathBuf], out: PathBuf) -> Request {
    Request {
        inputs: Given::Paths(inputs.to_vec()),
        kind: None,
        bounds: Bounds::default(),
        out,
        overwrite: false,
        limit: BatchLimit { crystals: 8, triplets: Some(DEFAULT_BATCH_TRIPLETS) },
        threads: 2,
        workers: 2,
        queue: 2,
        bases_on_device: false,
        interrupt: Interrupt::default(),
    }
}

/// Identifier, prediction and deviation of every row.
type Rows = Vec<(String, f64, Option<f64>)>;

fn rows_of(csv: &Path) -> Rows {
    let mut reader = csv::Reader::from_path(csv).expect("a table");
    let number = |text: &str| text.parse::<f64>().ok();
    reader
        .records()
        .map(|record| {
            let record = record.expect("well formed");
            assert!(!record[1].is_empty());
            assert_eq!((&record[2], &record[3]), ("gap_ev", "eV"));
            (record[0].to_owned(), number(&record[4]).expect("a number"), number(&record[5]))
        })
        .collect()
}

fn run(change: impl FnOnce(&mut Request), inputs: &[PathBuf]) -> Rows {
    let out = folder();
    let mut request = request(inputs, out.path().join("p.csv"));
    change(&mut request);
    predict(&request, &[fake(0.5, "w")], &mut |_| ()).expect("predicted");
    rows_of(&request.out)
}

/// Stems of files.
fn stems(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.file_stem().expect("a stem").to_string_lossy().into_owned()).collect()
}

/// Stems of the files that rows are of, each once: a file of several structures has a row for each,
/// named `stem#block`.
fn files_of(rows: &Rows) -> Vec<String> {
    let mut files: Vec<String> =
        rows.iter().map(|(id, ..)| id.split('#').next().unwrap_or(id).to_owned()).collect();
    files.dedup();
    files
}

/// Progress that nobody watches.
struct Silent;

impl BuildProgress for Silent {
    fn position(&self, _: pipeline::Position) {}
    fn entries(&self, _: u64, _: u64) {}
}

/// A store of CIFs in shards of a few rows.
fn store(inputs: &[PathBuf], settings: FeatureSettings) -> TempDir {
    let out = folder();
    let request = BuildRequest {
        kind: SourceKind::Cif,
        inputs: inputs.to_vec(),
        source: SourceOptions { embedded_labels: false, ..SourceOptions::default() },
        labels: Vec::new(),
        id_prop_keys: Vec::new(),
        store: out.path().to_owned(),
        settings,
        bounds: Bounds::default(),
        filters: Vec::new(),
        space_groups: false,
        order: Order::Source,
        part: None,
        shard_rows: 16,
        row_group_rows: DEFAULT_ROW_GROUP_ROWS,
        threads: 2,
        resume: false,
        force: false,
    };
    build(&request, &Silent, &AtomicBool::new(false)).expect("built");
    out
}

#[test]
fn structures_and_their_store_have_the_same_predictions() {
    let store = store(&[sample()], FeatureSettings::default());
    let from_store = run(|_| (), &[store.path().to_owned()]);
    assert!(from_store.len() >= 150);
    assert_eq!(run(|_| (), &[sample()]), from_store);
    let pattern = vec![store.path().join("*.parquet")];
    assert_eq!(run(|_| (), &pattern), from_store);
}

#[test]
fn structures_are_featurised_with_the_neighbours_of_the_model() {
    let inputs = cifs(40);
    let usual = run(|_| (), &inputs);
    let graph = |neighbours, cutoff_angstrom| FeatureSettings {
        neighbours,
        cutoff_angstrom,
        ..FeatureSettings::default()
    };
    // Within 3 Å many atoms have no neighbour.
    let all = Neighbours::All;
    for features in [graph(Neighbours::Nearest(32), 8.0), graph(all, 5.0), graph(all, 3.0)] {
        let store = store(&inputs, features.clone());
        let [of_structures, of_store] = [inputs.clone(), vec![store.path().to_owned()]].map(|inputs| {
            let out = folder();
            let request = request(&inputs, out.path().join("p.csv"));
            let model = Member { features: features.clone(), ..fake(0.5, "w") };
            predict(&request, &[model], &mut |_| ()).expect("predicted");
            rows_of(&request.out)
        });
        assert_eq!(of_structures, of_store, "{features:?}");
        assert_eq!(of_structures.len(), usual.len());
        assert_ne!(of_structures, usual, "{features:?}");
    }
}

#[test]
fn predictions_do_not_depend_on_batches_or_threads() {
    let inputs = cifs(60);
    let expected = run(|_| (), &inputs);
    assert_eq!(files_of(&expected), stems(&inputs));
    for crystals in [1, 7, 1000] {
        for (threads, triplets) in [(1, None), (5, Some(1)), (3, Some(5000))] {
            let limit = BatchLimit { crystals, triplets };
            let workers = threads;
            let change =
                |request: &mut Request| *request = Request { limit, threads, workers, ..request.clone() };
            assert_eq!(run(change, &inputs), expected, "{limit:?}, {threads} threads");
        }
    }
}

#[test]
fn frames_of_extended_xyz_are_found_out() {
    let folder = folder();
    let path = folder.path().join("frames.extxyz");
    let frame = |id: &str| {
        let keys = format!("Lattice=\"3.35 0 0 0 3.35 0 0 0 3.35\" Properties=species:S:1:pos:R:3{id}");
        format!("1\n{keys}\nPo 0 0 0\n")
    };
    std::fs::write(&path, frame(" material_id=po") + &frame("")).expect("a file");
    let ids: Vec<String> = run(|_| (), &[path]).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["po", "frames#2"]);
}

#[test]
fn an_ensemble_gives_mean_and_deviation() {
    let out = folder();
    let request = request(&cifs(5), out.path().join("p.csv"));
    let members = [fake(1.0, "a"), fake(3.0, "b"), fake(5.0, "c")];
    let mut seen = None;
    let summary = predict(&request, &members, &mut |position| seen = Some(position)).expect("predicted");
    assert_eq!((summary.crystals, summary.left_out, summary.left_out_table), (5, 0, None));
    assert!(summary.noted.is_empty());
    assert_eq!(seen, Some(Position { done: 5, expected: Some(5) }));
    assert_eq!((summary.interrupted, summary.table.as_ref()), (false, Some(&request.out)));
    let single = run(|_| (), &cifs(5));
    for ((id, mean, deviation), (same, alone, none)) in rows_of(&request.out).into_iter().zip(single) {
        assert_eq!((&id, none), (&same, None));
        assert!((mean - (alone + 2.5)).abs() < 1e-9, "{id}: {mean}");
        let deviation = deviation.expect("three models");
        assert!((deviation - (8.0_f64 / 3.0).sqrt()).abs() < 1e-9, "{id}: {deviation}");
    }
}

#[test]
fn models_of_two_kinds_are_no_ensemble() {
    type Change = fn(&mut Member);
    let changes: [(&str, Change); 7] = [
        ("task", |fake| fake.quantity.task = "other".to_owned()),
        ("property", |fake| fake.quantity.targets[0].property = "other".to_owned()),
        ("unit", |fake| fake.quantity.targets[0].unit = "other".to_owned()),
        ("transform", |fake| fake.quantity.targets[0].transform = Transform::Log10),
        ("classes", |fake| fake.quantity.classes = vec!["a".to_owned(), "b".to_owned()]),
        ("b.safetensors make no ensemble: graph is ", |fake| fake.graph = Graph::Simple),
        ("ties", |fake| fake.features.ties = Ties::Cut),
    ];
    let out = folder();
    let request = request(&cifs(2), out.path().join("p.csv"));
    for (key, change) in changes {
        let mut other = fake(0.0, "b.safetensors");
        change(&mut other);
        let members = [fake(0.0, "a.safetensors"), other];
        let message = predict(&request, &members, &mut |_| ()).expect_err(key).to_string();
        assert!(message.contains(key), "{key}: {message}");
        assert!(message.contains("a.safetensors") && message.contains("b.safetensors"), "{message}");
    }
    assert!(matches!(predict(&request, &[], &mut |_| ()), Err(PredictError::NoModels)));
    assert!(!request.out.exists());
}

#[test]
fn elements_that_a_model_does_not_know_are_named() {
    let store = store(&cifs(8), FeatureSettings::default());
    for given in [cifs(8), vec![store.path().to_owned()]] {
        let out = folder();
        let request = request(&given, out.path().join("p.csv"));
        // Before silver.
        let inputs = Inputs { last_element: Some(46), ..Inputs::default() };
        let other = Member { inputs, ..fake(0.5, "b") };
        let summary = predict(&request, &[fake(0.5, "a"), other], &mut |_| ()).expect("predicted");
        assert!(summary.crystals >= 1 && summary.crystals + summary.left_out == 8, "{summary:?}");
        assert!(rows_of(&request.out).iter().all(|(id, ..)| !id.starts_with("Ag")));
        let listed = std::fs::read_to_string(summary.left_out_table.expect("a table")).expect("it is there");
        let line = listed.lines().find(|line| line.starts_with("Ag-fcc,")).expect("silver");
        assert!(
            line.ends_with(",element_without_features,the models have no features of Ag (Z = 47)"),
            "{line}"
        );
    }
}

#[test]
fn a_logarithm_is_undone_and_what_is_not_finite_left_out() {
    let out = folder();
    let request = request(&cifs(3), out.path().join("p.csv"));
    let sizes: HashMap<String, f64> =
        run(|_| (), &cifs(3)).into_iter().map(|(id, prediction, _)| (id, prediction)).collect();
    let mut model = fake(0.5 - sizes["Ag-fcc"], "w");
    model.quantity.targets[0].transform = Transform::Log10;
    let summary = predict(&request, &[model], &mut |_| ()).expect("predicted");
    // The others lie beyond 10^308.
    assert!(summary.crystals >= 1 && summary.crystals + summary.left_out == 3, "{summary:?}");
    let text = std::fs::read_to_string(&request.out).expect("a table");
    let row = text.lines().nth(1).expect("a row");
    let cells: Vec<&str> = row.split(',').collect();
    let header = "material_id,formula,property,unit,prediction,deviation,lower_90,upper_90,transformed,\
                  domain_distance,unseen_elements,out_of_domain\n";
    assert!(text.starts_with(header), "{text}");
    assert_eq!((cells[0], cells[1], cells[5]), ("Ag-fcc", "Ag", ""));
    let (property, prediction) = (cells[4].parse::<f64>().expect("a number"), cells[8].parse::<f64>());
    assert_eq!(property, 10_f64.powf(prediction.expect("a number")));
    assert!(summary.left_out > 0);
    let listed = std::fs::read_to_string(left_out_path(&request.out)).expect("a table of what was left out");
    assert_eq!(listed.matches("prediction_not_finite").count() as u64, summary.left_out);
}

#[test]
fn unreadable_structures_are_listed_and_the_others_predicted() {
    let (raw, out) = (folder(), folder());
    for (index, cif) in cifs(4).iter().enumerate() {
        std::fs::copy(cif, raw.path().join(format!("good-{index}.cif"))).expect("a copy");
    }
    std::fs::write(raw.path().join("bad.cif"), "data_bad\n_cell_length_a x\n").expect("a file");
    let mut request = request(&[raw.path().to_owned()], out.path().join("p.csv"));
    let members = [fake(0.0, "w")];
    let summary = predict(&request, &members, &mut |_| ()).expect("predicted");
    let table = out.path().join("p.rejects.csv");
    assert_eq!((summary.crystals, summary.left_out, summary.left_out_table.as_ref()), (4, 1, Some(&table)));
    let mut listed = csv::Reader::from_path(&table).expect("a table");
    assert_eq!(
        listed.headers().expect("a header"),
        vec!["material_id", "source_file", "record", "line", "reason", "message"]
    );
    let row = listed.records().next().expect("a row").expect("well formed");
    assert_eq!(&row[0], "bad");
    assert!(row[1].ends_with("bad.cif") && !row[4].is_empty() && !row[5].is_empty(), "{row:?}");

    // Neither table is replaced unasked, whatever the other's format.
    for name in ["p.csv", "p.parquet", "p.json", "p.jsonl"] {
        let again = Request { out: out.path().join(name), ..request.clone() };
        let error = predict(&again, &members, &mut |_| ()).expect_err("there is a table").to_string();
        let there = if name == "p.csv" { "p.csv" } else { "p.rejects.csv" };
        assert!(error.ends_with(&format!("{there} already exists")), "{error}");
    }

    // Without the bad one its table goes, too.
    request.overwrite = true;
    std::fs::remove_file(raw.path().join("bad.cif")).expect("removed");
    predict(&request, &members, &mut |_| ()).expect("predicted");
    assert!(!table.exists());

    // Only bad ones: nothing is predicted, the old predictions stay.
    request.bounds.max_sites = 0;
    assert!(matches!(predict(&request, &members, &mut |_| ()), Err(PredictError::Structures(_))));
    std::fs::write(raw.path().join("bad.cif"), "no CIF at all").expect("a file");
    request = Request { overwrite: true, ..self::request(&[raw.path().join("bad.cif")], request.out) };
    let before = std::fs::read(&request.out).expect("the old table");
    let error = predict(&request, &members, &mut |_| ()).expect_err("nothing to predict");
    assert!(matches!(&error, PredictError::NothingPredicted { left_out: 1, listed: Some(_) }), "{error}");
    assert!(error.to_string().contains("p.rejects.csv"), "{error}");
    assert!(table.exists());
    assert_eq!(std::fs::read(&request.out).expect("the old table"), before);
}

#[test]
fn an_input_that_breaks_off_leaves_no_table() {
    let (raw, out) = (folder(), folder());
    let broken = raw.path().join("b.tar");
    std::fs::write(&broken, [7_u8; 600]).expect("a file");
    let mut request = request(&[cifs(1), vec![broken]].concat(), out.path().join("p.parquet"));
    request.kind = Some(SourceKind::Cif);
    let error = predict(&request, &[fake(0.0, "w")], &mut |_| ()).expect_err("damaged");
    assert!(matches!(error, PredictError::Structures(_)) && error.to_string().contains("b.tar"), "{error}");
    assert_eq!(std::fs::read_dir(out.path()).expect("a folder").count(), 0);
}

#[test]
fn inputs_that_do_not_go_together_are_refused() {
    let (raw, out) = (folder(), folder());
    let store = store(&cifs(3), FeatureSettings { ties: Ties::Cut, ..FeatureSettings::default() });
    let table = raw.path().join("table.csv");
    std::fs::write(&table, "").expect("a file");
    let refusal = |inputs: &[PathBuf]| {
        let request = request(inputs, out.path().join("p.csv"));
        predict(&request, &[fake(0.0, "w")], &mut |_| ()).expect_err("refused")
    };
    let cif = cifs(1).remove(0);
    let mixed = refusal(&[cif.clone(), store.path().to_owned()]);
    assert!(matches!(mixed, PredictError::StoresAndStructures { .. }), "{mixed}");
    let kinds = refusal(&[cif.clone(), table]).to_string();
    let both = kinds.contains("CIFs and POSCARs") && kinds.contains("table.csv as table");
    assert!(both, "{kinds}");
    // A store in a folder of structures.
    let beside = raw.path().join("beside");
    std::fs::create_dir(&beside).expect("a folder");
    std::fs::copy(&cif, beside.join("a.cif")).expect("a copy");
    std::os::unix::fs::symlink(store.path(), beside.join("store")).expect("a link");
    let mixed = refusal(std::slice::from_ref(&beside)).to_string();
    assert!(mixed.contains("beside/store is a store and "), "{mixed}");
    let settings = refusal(&[store.path().to_owned()]).to_string();
    assert!(settings.contains("cut") && settings.contains("shell"), "{settings}");
    let unknown = refusal(&[raw.path().join("notes.txt")]).to_string();
    assert!(unknown.contains("notes.txt: no such file"), "{unknown}");
    std::fs::write(raw.path().join("notes.txt"), "").expect("a file");
    let unknown = refusal(&[raw.path().join("notes.txt")]);
    assert!(matches!(unknown, PredictError::Kind(_)), "{unknown}");
    assert!(matches!(refusal(&[]), PredictError::NoInputs));
    let request = request(&cifs(1), out.path().join("p.txt"));
    let format = predict(&request, &[fake(0.0, "w")], &mut |_| ()).expect_err("refused");
    assert!(matches!(format, PredictError::Format(_)), "{format}");
    let unwritable = self::request(&cifs(1), out.path().join("missing/p.csv"));
    let error = predict(&unwritable, &[fake(0.0, "w")], &mut |_| ()).expect_err("refused");
    assert!(matches!(error, PredictError::Write { .. }), "{error}");
}

/// Caesium chloride as a POSCAR.
const POSCAR: &str = "CsCl\n1\n4.1 0 0\n0 4.1 0\n0 0 4.1\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";

#[test]
fn a_folder_of_cifs_and_poscars_is_read_whole_and_the_rest_counted() {
    let (raw, out) = (folder(), folder());
    let inputs = cifs(2);
    for cif in &inputs {
        std::fs::copy(cif, raw.path().join(cif.file_name().expect("a name"))).expect("a copy");
    }
    for (name, text) in
        [("POSCAR-n.vasp", POSCAR), ("x/POSCAR", POSCAR), ("x/notes.txt", ""), ("all.json", "[]")]
    {
        let path = raw.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let mut request = request(&[raw.path().to_owned()], out.path().join("p.csv"));
    let members = [fake(0.0, "w")];
    let summary = predict(&request, &members, &mut |_| ()).expect("predicted");
    let rows = rows_of(&request.out);
    let ids: Vec<&str> = rows.iter().map(|(id, ..)| id.as_str()).collect();
    assert_eq!(ids, [&stems(&inputs)[0], &stems(&inputs)[1], "n", "x"]);
    assert_eq!((summary.crystals, summary.left_out), (4, 0));
    assert_eq!(summary.unread.to_string(), "1 *.json, 1 *.txt");
    // Named one by one they are the same, and of one kind alone there are fewer.
    request.overwrite = true;
    let poscars = ["POSCAR-n.vasp", "x/POSCAR"].map(|name| raw.path().join(name));
    request.inputs = Given::Paths([&inputs[..], &poscars].concat());
    let summary = predict(&request, &members, &mut |_| ()).expect("predicted");
    assert_eq!((rows_of(&request.out), summary.unread.is_empty()), (rows, true));
    request.inputs = Given::Paths(vec![raw.path().to_owned()]);
    request.kind = Some(SourceKind::Poscar);
    assert_eq!(predict(&request, &members, &mut |_| ()).expect("predicted").crystals, 2);
}

#[test]
fn structures_in_memory_are_predicted_as_their_files() {
    let inputs = cifs(12);
    let expected = run(|_| (), &inputs);
    let (on_disk, in_memory) = inputs.split_at(5);
    let mut items: Vec<ListItem> = on_disk.iter().cloned().map(ListItem::Path).collect();
    items.extend(in_memory.iter().map(|path| ListItem::Text {
        material_id: path.file_stem().expect("a stem").to_string_lossy().into_owned(),
        format: EntryFormat::Cif,
        text: std::fs::read(path).expect("a CIF"),
    }));
    let items: Arc<[ListItem]> = items.into();
    assert_eq!(run(|request| request.inputs = Given::List(Arc::clone(&items)), &[]), expected);
}

#[test]
fn a_table_with_a_column_of_cifs_is_no_store() {
    let raw = folder();
    let path = raw.path().join("table.csv");
    let mut table = csv::Writer::from_path(&path).expect("a file");
    table.write_record(["material_id", "cif"]).expect("a header");
    for cif in cifs(3) {
        let text = std::fs::read_to_string(&cif).expect("a CIF");
        let name = cif.file_stem().expect("a stem").to_string_lossy().into_owned();
        table.write_record([name, text]).expect("a row");
    }
    table.flush().expect("written");
    assert_eq!(run(|_| (), &[path]), run(|_| (), &cifs(3)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn rows_follow_the_inputs_in_whatever_order(seed in any::<u64>(), crystals in 1..9_usize) {
        let mut inputs = cifs(12);
        crate::data::random::shuffle(
            &mut crate::data::random::keyed(crate::data::random::Purpose::ShuffleBuffer, seed, 0, 0),
            &mut inputs,
        );
        let known: HashMap<String, f64> =
            run(|_| (), &cifs(12)).into_iter().map(|(id, prediction, _)| (id, prediction)).collect();
        let rows = run(|request| request.limit.crystals = crystals, &inputs);
        prop_assert_eq!(files_of(&rows), stems(&inputs));
        for (id, prediction, _) in rows {
            prop_assert_eq!(Some(&prediction), known.get(&id));
        }
    }
}

#[test]
fn an_interruption_keeps_the_finished_rows_under_another_name() {
    let (raw, out) = (folder(), folder());
    for (index, cif) in cifs(20).iter().enumerate() {
        std::fs::copy(cif, raw.path().join(format!("{index:02}.cif"))).expect("a copy");
    }
    std::fs::write(raw.path().join("00-bad.cif"), "no CIF at all").expect("a file");
    // A file may have several structures.
    let whole = run(|_| (), &[raw.path().to_owned()]).len() as u64;
    let members = [fake(0.0, "w")];
    let names = || {
        let entries = std::fs::read_dir(out.path()).expect("a folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    for format in ["csv", "parquet", "json", "jsonl"] {
        let mut request = request(&[raw.path().to_owned()], out.path().join(format!("p.{format}")));
        let mut batches = 0;
        let interrupt = request.interrupt.clone();
        let summary = predict(&request, &members, &mut |_| {
            batches += 1;
            if batches == 2 {
                interrupt.request();
            }
        })
        .expect("interrupted");
        let partial = out.path().join(format!("p.partial.{format}"));
        assert_eq!((summary.interrupted, summary.crystals), (true, 16), "{format}");
        assert_eq!(summary.table.as_ref(), Some(&partial));
        let listed = out.path().join("p.partial.rejects.csv");
        assert_eq!((summary.left_out, summary.left_out_table.as_ref()), (1, Some(&listed)));
        if format == "csv" {
            assert_eq!(rows_of(&partial).len(), 16);
        }
        assert_eq!(names(), [partial.file_name().expect("a name"), "p.partial.rejects.csv".as_ref()]);

        // They are lost neither to the same command nor to one that replaces them by the whole.
        request.interrupt = Interrupt::default();
        let error = predict(&request, &members, &mut |_| ()).expect_err("it is there").to_string();
        assert!(error.ends_with(&format!("p.partial.{format} already exists")), "{error}");
        request.overwrite = true;
        let rows = std::fs::read(&partial).expect("it is there");
        std::fs::write(&partial, "mine").expect("writable");
        let error = predict(&request, &members, &mut |_| ()).expect_err("it is of others").to_string();
        assert!(error.contains("the file is no such table"), "{error}");
        std::fs::write(&partial, rows).expect("writable");
        let summary = predict(&request, &members, &mut |_| ()).expect("predicted");
        assert_eq!((summary.interrupted, summary.crystals), (false, whole));
        assert_eq!(names(), [format!("p.{format}").as_str(), "p.rejects.csv"]);
        for name in names() {
            std::fs::remove_file(out.path().join(name)).expect("it is there");
        }
    }

    // Before the first row there is nothing to keep.
    let request = request(&[raw.path().to_owned()], out.path().join("p.csv"));
    let nothing = |graph: GraphBatch<f32>| BatchPredictions {
        targets: vec![vec![f64::NAN]; graph.crystals()],
        embeddings: vec![0.0; graph.crystals()],
    };
    let members = [Member { predict: Box::new(nothing), ..fake(0.0, "w") }];
    request.interrupt.request();
    let summary = predict(&request, &members, &mut |_| ()).expect("interrupted");
    assert_eq!((summary.interrupted, summary.table, summary.crystals), (true, None, 0));
    assert_eq!(names(), ["p.partial.rejects.csv"]);
}
