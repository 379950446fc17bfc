//! Damaged files: every reader notices and names the file, or says what it says of the whole one.

use std::fs;
use std::path::{Path, PathBuf};

use schemas::layout::StorePaths;

use crate::damaged::Damaged;
use crate::files::{Folder, cubic_cif, file_of, folder, many_cifs, sample, text, tree};
use crate::program::{Ran, etl, run, start, succeed, trainer};
use crate::table::Row;
use crate::trainer::{BEST, CHECKPOINT, member_of, small_run, store, tuned_on_gaps};
use crate::{Case, Form};

/// Seed of the damages.
const SEED: u64 = 22;
/// Sample crystals of the store whose files are damaged.
const CRYSTALS: usize = 40;

/// The rows of this file.
pub(crate) fn cases(form: Form) -> Vec<Case> {
    let times: usize = form.pick(24, 400);
    let mut cases = Vec::new();
    for (what, file, readers) in [
        ("shard", "s-00000.parquet", &Reader::ALL[..]),
        ("manifest", ".store/manifest.json", &Reader::ALL),
        ("rejects table", ".store/rejects.parquet", &[Reader::Validate]),
    ] {
        for reader in readers.iter().copied() {
            let times = form.pick(times.div_ceil(readers.len()).max(8), times);
            cases.push(Case::new(format!("damaged {what}: {}", reader.name()), move |row| {
                stores(row, file, reader, times);
            }));
        }
    }
    cases.push(Case::new("damaged checkpoint: pretrain --resume", move |row| checkpoints(row, times)));
    cases.push(Case::new("damaged best.safetensors: embed", move |row| weights(row, "embed", times)));
    cases.push(Case::new("damaged best.safetensors: predict", move |row| weights(row, "predict", times)));
    for order in ["source", "shuffle:3"] {
        cases.push(Case::new(format!("damaged unfinished build ({order}): --resume"), move |row| {
            unfinished(row, order, times);
        }));
    }
    cases
}

/// Who reads a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Validate,
    Stats,
    Inspect,
    Export,
    Pretrain,
    Embed,
    Predict,
}

impl Reader {
    /// All of them.
    const ALL: [Self; 7] = [
        Self::Validate,
        Self::Stats,
        Self::Inspect,
        Self::Export,
        Self::Pretrain,
        Self::Embed,
        Self::Predict,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Validate => "etl validate",
            Self::Stats => "etl stats",
            Self::Inspect => "etl inspect",
            Self::Export => "etl export",
            Self::Pretrain => "trainer pretrain",
            Self::Embed => "trainer embed",
            Self::Predict => "trainer predict",
        }
    }

    /// Reads a store into a folder; what it says, and the files that count.
    fn read(self, scene: &Scene, out: &Path) -> (Ran, Vec<PathBuf>) {
        let store = text(&scene.store);
        let weights = text(&scene.weights);
        match self {
            Self::Validate => (run(&etl(), ["validate", store]), vec![]),
            Self::Stats => (run(&etl(), ["stats", store]), vec![]),
            Self::Inspect => (run(&etl(), ["inspect", store, &scene.crystal]), vec![]),
            Self::Export => {
                let file = out.with_extension("extxyz");
                let arguments = ["export", store, "--format", "extxyz", "--out", text(&file)];
                (run(&etl(), arguments), vec![file.clone()])
            }
            Self::Pretrain => {
                let arguments = small_run(&scene.store, out, &["--epochs", "1"]);
                (run(&trainer(), arguments), vec![out.join(BEST)])
            }
            Self::Embed => {
                let table = out.with_extension("parquet");
                let arguments = ["embed", "--weights", weights, "--shards", store, "--out", text(&table)];
                (run(&trainer(), arguments), vec![table.clone()])
            }
            Self::Predict => {
                let table = out.with_extension("csv");
                let arguments = ["predict", store, "--weights", weights, "--quiet", "--out", text(&table)];
                (run(&trainer(), arguments), vec![table.clone()])
            }
        }
    }

    /// What a reader says of a store, and the bytes of what it wrote.
    fn result(self, scene: &Scene) -> (Ran, Vec<Vec<u8>>) {
        let parent = folder();
        let (ran, files) = self.read(scene, &parent.path().join("out"));
        let files = files.iter().map(|file| fs::read(file).unwrap_or_default()).collect();
        (ran, files)
    }
}

/// A store to be damaged and weights to read it with.
struct Scene {
    folder: Folder,
    store: PathBuf,
    weights: PathBuf,
    crystal: String,
    _tuned: Folder,
}

impl Scene {
    /// Two shards of several row groups, rejects among them, without and with a kept crystal to look at.
    fn new() -> Self {
        let folder = folder();
        let raw = folder.path().join("raw");
        fs::create_dir(&raw).expect("a writable folder");
        let mut names: Vec<PathBuf> = fs::read_dir(sample())
            .expect("the sample")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "cif"))
            .collect();
        names.sort();
        for path in names.iter().take(CRYSTALS) {
            fs::copy(path, raw.join(path.file_name().expect("a name"))).expect("a copy");
        }
        for number in 0..CRYSTALS {
            let cif = cubic_cif("x", 4.0, &[("Qq", [0.0; 3])]);
            fs::write(raw.join(format!("bad-{number}.cif")), cif).expect("a file");
        }
        let crystal = names[1].file_stem().expect("a name").to_string_lossy().into_owned();
        let store = folder.path().join("store");
        let sizes = ["--name", "s", "--shard-rows", "24", "--row-group-rows", "8", "--allow-rejects"];
        let places = ["build", "cif", "--input", text(&raw), "--out", text(&store)];
        succeed(&etl(), [&places[..], &sizes].concat());
        let tuned = tuned_on_gaps("1");
        let weights = member_of(&tuned, 1);
        Self { folder, store, weights, crystal, _tuned: tuned }
    }
}

/// Compares what came of a damaged file with what came of the whole one: told with the file's name, or the
/// same.
fn judge(row: &mut Row, ran: &Ran, same: bool, file: &str, damage: &str) {
    row.ran(ran);
    match ran.code() {
        Some(0) if same => row.outcome("the same"),
        Some(0) => {
            row.outcome("another result");
            row.fault(format!("{file}, {damage}: another result, without a word"));
        }
        // Findings are what `etl validate` prints.
        Some(1) if ran.stdout.contains(file) => row.outcome("told"),
        _ => {
            row.outcome("told");
            if let Err(fault) = ran.refusal(file) {
                row.fault(format!("{file}, {damage}: {fault}"));
            }
        }
    }
}

fn stores(row: &mut Row, file: &str, reader: Reader, times: usize) {
    let scene = Scene::new();
    let (whole, expected) = reader.result(&scene);
    row.ran(&whole);
    assert!(whole.code() == Some(0), "{}: {}", reader.name(), whole.stderr);
    let mut damaged = Damaged::new(&file_of(&scene.store, file), SEED);
    for _ in 0..times {
        let damage = damaged.damage();
        let (ran, files) = reader.result(&scene);
        // Times of a run stand in what it says; its files are compared.
        let same = if expected.is_empty() { ran.stdout == whole.stdout } else { files == expected };
        judge(row, &ran, same, &damaged.name(), &damage);
    }
    damaged.mend();
    let (mended, _) = reader.result(&scene);
    assert!(mended.code() == Some(0), "mended: {} in {}", mended.stderr, scene.folder.path().display());
}

/// Goes on from damaged checkpoints for one more epoch.
fn checkpoints(row: &mut Row, times: usize) {
    let (store, parent) = (store(), folder());
    let (run_folder, begun) = (parent.path().join("run"), parent.path().join("begun"));
    succeed(&trainer(), small_run(&store, &begun, &["--epochs", "1"]));
    let go_on = || {
        let _ = fs::remove_dir_all(&run_folder);
        copy(&begun, &run_folder);
        run(&trainer(), small_run(&store, &run_folder, &["--epochs", "2", "--resume"]))
    };
    let whole = go_on();
    assert!(whole.code() == Some(0), "{}", whole.stderr);
    let expected = fs::read(run_folder.join(CHECKPOINT)).expect("a checkpoint");
    let mut damaged = Damaged::new(&begun.join(CHECKPOINT), SEED);
    for _ in 0..times {
        let damage = damaged.damage();
        let ran = go_on();
        let same = fs::read(run_folder.join(CHECKPOINT)).is_ok_and(|found| found == expected);
        judge(row, &ran, same, &damaged.name(), &damage);
    }
}

/// Reads damaged weights.
fn weights(row: &mut Row, command: &str, times: usize) {
    let (store, tuned, parent) = (store(), tuned_on_gaps("1"), folder());
    let weights = member_of(&tuned, 1);
    // A Parquet table of predictions names the weights by the hash of their file.
    let out = parent.path().join(if command == "embed" { "table.parquet" } else { "table.csv" });
    let read = || {
        let _ = fs::remove_file(&out);
        let fixed = ["--weights", text(&weights), "--out", text(&out)];
        let input = if command == "embed" { vec!["embed", "--shards"] } else { vec!["predict", "--quiet"] };
        let ran = run(&trainer(), [&input[..], &[text(&store)], &fixed].concat());
        (ran, fs::read(&out).unwrap_or_default())
    };
    let (whole, expected) = read();
    assert!(whole.code() == Some(0), "{}", whole.stderr);
    let mut damaged = Damaged::new(&weights, SEED);
    for _ in 0..times {
        let damage = damaged.damage();
        let (ran, found) = read();
        judge(row, &ran, found == expected, &damaged.name(), &damage);
    }
}

/// Goes on with a build whose journal, notes or finished files are damaged.
fn unfinished(row: &mut Row, order: &str, times: usize) {
    let parent = folder();
    let (raw, whole, begun, out) = (
        parent.path().join("raw"),
        parent.path().join("whole"),
        parent.path().join("begun"),
        parent.path().join("out"),
    );
    fs::create_dir(&raw).expect("a writable folder");
    many_cifs(&raw, 2);
    let arguments = |out: &Path| {
        let fixed = ["build", "cif", "--quiet", "--allow-rejects", "--resume", "--order", order];
        let sizes = ["--shard-rows", "60", "--row-group-rows", "20"];
        let places = ["--input", text(&raw), "--out", text(out)];
        [&fixed[..], &sizes, &places].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    succeed(&etl(), arguments(&whole));
    let mut running = start(&etl(), arguments(&begun));
    // With some shards finished, and in another order with every sorted run.
    let shards = || fs::read_dir(&begun).into_iter().flatten().flatten().count() > 4;
    assert!(running.wait_for(|| begun.join(".build/journal.json").exists() && shards()), "it ended before");
    running.signal("KILL");
    running.end();
    let mut files: Vec<String> =
        tree(&begun).into_iter().filter(|(_, bytes)| !bytes.is_empty()).map(|(name, _)| name).collect();
    // A file that was being written is thrown away whatever is in it.
    files.retain(|name| !name.ends_with(".tmp"));
    assert!(files.iter().any(|name| name.ends_with("journal.json")), "{files:?}");
    for (index, name) in files.iter().enumerate() {
        let times = times.div_ceil(files.len());
        let mut damaged = Damaged::new(&file_of(&begun, name), SEED + index as u64);
        for _ in 0..times {
            let damage = damaged.damage();
            for folder in [out.as_path(), StorePaths::new(&out).records()] {
                let _ = fs::remove_dir_all(folder);
            }
            copy(&begun, &out);
            let ran = run(&etl(), arguments(&out));
            let same = ran.code() == Some(0) && tree(&whole) == tree(&out);
            judge(row, &ran, same, &damaged.name(), &damage);
        }
    }
}

/// Copies a folder with everything in it, and the sidecar of a store.
fn copy(from: &Path, to: &Path) {
    for (name, bytes) in tree(from) {
        let path = file_of(to, &name);
        fs::create_dir_all(path.parent().expect("within the folder")).expect("a writable folder");
        fs::write(path, bytes).expect("a writable folder");
    }
}
