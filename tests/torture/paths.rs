//! Names that lead elsewhere, outputs that are inputs, files of others: nothing of them is written or lost.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemas::layout::StorePaths;
use schemas::seal;

use crate::files::{Folder, caesium_chloride, file_of, folder, root, text, tree};
use crate::program::{Ran, etl, run, succeed, trainer};
use crate::table::{MEBIBYTE, Row};
use crate::trainer::{member_of, small_run, tuned_on_gaps};
use crate::{Case, Form};

/// What a refusal may take, in seconds.
const SOON: Duration = Duration::from_secs(10);
/// What a refusal may take, in bytes.
const LITTLE: u64 = 300 * MEBIBYTE;

/// The rows of this file.
pub(crate) fn cases(_: Form) -> Vec<Case> {
    vec![
        Case::new("manifest of a part: source ../x, /x; merge, validate", |row| {
            lying_manifest(row, "\"source\": \"cif\"", &["\"source\": \"../x\"", "\"source\": \"/tmp/x\""]);
        }),
        Case::new("manifest of a part: /dev/zero, ../good; merge, validate", |row| {
            let file = "\"file\": \"cif-00000.parquet\"";
            let shards =
                ["/dev/zero", "../one/cif-00000.parquet", ".."].map(|to| format!("\"file\": {to:?}"));
            lying_manifest(row, file, &shards.each_ref().map(String::as_str));
        }),
        Case::new("manifest of a part: counts that wrap, rows of no file", |row| {
            lying_manifest(row, "\"read\": 1,", &["\"read\": 0,", "\"read\": 18446744073709551615,"]);
            lying_manifest(row, "\"rows\": 1,", &["\"rows\": 18446744073709551615,"]);
        }),
        Case::new("--name ../../evil, absolute, hidden", names),
        Case::new("shards that are pipes and devices: merge, validate", special_shards),
        Case::new("output = input: predict, embed, pretrain, stats, merge", outputs),
        Case::new("files of others by our names: etl build", foreign_store),
        Case::new("files of others by our names: pretrain, predict", foreign_run),
        Case::new("x.zip.part is a link: fetch", linked_part),
        Case::new("umask 077", masked),
        Case::new("folders my store, $(touch x): make clean", clean),
        Case::new("bin/etl of others: make install, uninstall", installed),
    ]
}

/// Notes a run that must have refused in one line about `about`, soon and in little memory.
fn refused(row: &mut Row, ran: &Ran, about: &str) {
    row.refused(ran, about, "refused");
    if ran.took > SOON || ran.peak > LITTLE {
        row.fault(format!("{} s and {} MiB", ran.took.as_secs(), ran.peak / MEBIBYTE));
    }
}

/// Notes whether a folder is as it was.
fn untouched(row: &mut Row, folder: &Path, before: &std::collections::BTreeMap<String, Vec<u8>>) {
    let now = tree(folder);
    if now != *before {
        row.fault(format!("{:?} became {:?}", before.keys(), now.keys()));
    }
}

/// A folder with an input of one crystal, `in`.
fn crystals() -> Folder {
    let parent = folder();
    fs::create_dir(parent.path().join("in")).expect("a folder");
    fs::write(parent.path().join("in/CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    parent
}

/// A store of `in` beside it.
fn built(parent: &Path, name: &str, more: &[&str]) -> PathBuf {
    let store = parent.join(name);
    let input = parent.join("in");
    succeed(&etl(), [&["build", "cif", "--input", text(&input), "--out", text(&store)][..], more].concat());
    store
}

/// A part that is the whole of its store.
fn only_part(parent: &Path) -> PathBuf {
    built(parent, "one", &["--part", "1/1"])
}

fn lying_manifest(row: &mut Row, from: &str, to: &[&str]) {
    let parent = crystals();
    let part = only_part(parent.path());
    let manifest = StorePaths::new(&part).manifest();
    let whole = seal::open(&fs::read_to_string(&manifest).expect("a manifest")).expect("sealed");
    let out = parent.path().join("deep/merged");
    for to in to {
        let lying = whole.replacen(from, to, 1);
        assert_ne!(lying, whole, "{from}");
        fs::write(&manifest, seal::seal(lying)).expect("a manifest");
        let before = tree(parent.path());
        refused(row, &run(&etl(), ["merge", text(&part), "--out", text(&out), "--force"]), "manifest.json");
        let validated = run(&etl(), ["validate", text(&part)]);
        row.ran(&validated);
        if validated.code() != Some(1) {
            row.fault(format!("etl validate finds nothing in {to}: {}", validated.stderr));
        }
        untouched(row, parent.path(), &before);
    }
}

fn names(row: &mut Row) {
    let parent = crystals();
    let (input, out) = (parent.path().join("in"), parent.path().join("a/b/store"));
    let before = tree(parent.path());
    let evil = parent.path().join("evil");
    for name in ["../../evil", text(&evil), ".hidden", "..", ""] {
        let name = format!("--name={name}");
        let build = ["build", "cif", "--input", text(&input), "--out", text(&out), &name];
        for arguments in [&build[..], &["worker", &name]] {
            let ran = run(&etl(), arguments);
            row.ran(&ran);
            row.outcome("refused");
            if ran.code() != Some(2) || !ran.stderr.contains("--name") {
                row.fault(format!("{name}: {:?} {}", ran.code(), ran.stderr));
            }
        }
    }
    untouched(row, parent.path(), &before);
}

fn special_shards(row: &mut Row) {
    let parent = crystals();
    let part = only_part(parent.path());
    let shard = part.join("cif-00000.parquet");
    let out = parent.path().join("merged");
    fs::remove_file(&shard).expect("it is there");
    let device = || symlink("/dev/zero", &shard).expect("a link");
    let pipe = || {
        let made = std::process::Command::new("mkfifo").arg(&shard).status();
        assert!(made.is_ok_and(|made| made.success()), "mkfifo");
    };
    for make in [&device as &dyn Fn(), &pipe] {
        make();
        refused(row, &run(&etl(), ["merge", text(&part), "--out", text(&out)]), "cif-00000.parquet");
        let validated = run(&etl(), ["validate", text(&part)]);
        row.ran(&validated);
        if validated.code() != Some(1) || !validated.stdout.contains("not a regular file") {
            row.fault(format!("etl validate: {}{}", validated.stdout, validated.stderr));
        }
        fs::remove_file(&shard).expect("it is there");
    }
}

fn outputs(row: &mut Row) {
    let (parent, tuned) = (crystals(), tuned_on_gaps("1"));
    let (store, weights) = (built(parent.path(), "st", &[]), member_of(&tuned, 1));
    let part = only_part(parent.path());
    let shard = store.join("cif-00000.parquet");
    let cif = parent.path().join("in/CsCl.cif");
    let json = parent.path().join("in.json");
    fs::write(&json, serde_json::json!({ "a": "CsCl\n1\n4.1 0 0\n0 4.1 0\n0 0 4.1\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n" }).to_string())
        .expect("a file");
    let before = tree(parent.path());
    let within = store.join("p.csv");
    let predict = |input: &Path, out: &Path, kind: &[&str]| {
        let fixed = ["predict", text(input), "--weights", text(&weights), "--out", text(out), "--overwrite"];
        run(&trainer(), [&fixed[..], kind].concat())
    };
    refused(row, &predict(&json, &json, &["--kind", "poscar"]), "in.json");
    refused(row, &predict(&store, &shard, &[]), "cif-00000.parquet");
    refused(row, &predict(&shard, &within, &[]), "p.csv");
    let embed = ["embed", "--weights", text(&weights), "--shards", text(&store), "--out", text(&shard)];
    refused(row, &run(&trainer(), embed), "cif-00000.parquet");
    refused(row, &run(&trainer(), small_run(&store, &store, &["--overwrite"])), "lies in the store");
    refused(row, &run(&etl(), ["stats", text(&store), "--html", text(&shard)]), "cif-00000.parquet");
    refused(row, &run(&etl(), ["merge", text(&part), "--out", text(&part), "--force"]), "is also an input");
    let table = ["build", "table", "--input", text(&shard), "--out", text(&store), "--force"];
    let ran = run(&etl(), table);
    row.ran(&ran);
    row.outcome("refused");
    if ran.code() != Some(2) {
        row.fault(format!("a shard became a store of itself: {}", ran.stderr));
    }
    assert!(cif.exists());
    untouched(row, parent.path(), &before);
}

fn foreign_store(row: &mut Row) {
    let parent = crystals();
    let (input, out) = (parent.path().join("in"), parent.path().join("d"));
    let ours = [
        "cif-00000.parquet",
        "cif-2024.parquet",
        "rejects/rejects.parquet",
        ".store/rejects.parquet",
        ".build/cache.db",
    ];
    for name in ours {
        let path = file_of(&out, name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "years of work").expect("a file");
        let before = tree(&out);
        for more in [&[][..], &["--resume"]] {
            let fixed = ["build", "cif", "--input", text(&input), "--out", text(&out)];
            refused(row, &run(&etl(), [&fixed[..], more].concat()), name);
            untouched(row, &out, &before);
        }
    }
    fs::write(out.join("manifest.json"), "{\"name\": \"a page\"}").expect("a file");
    let before = tree(&out);
    let forced = ["build", "cif", "--input", text(&input), "--out", text(&out), "--force"];
    refused(row, &run(&etl(), forced), "manifest.json");
    untouched(row, &out, &before);
}

fn foreign_run(row: &mut Row) {
    let (parent, tuned) = (crystals(), tuned_on_gaps("1"));
    let (store, weights) = (built(parent.path(), "st", &[]), member_of(&tuned, 1));
    let out = parent.path().join("run");
    fs::create_dir(&out).expect("a folder");
    for name in ["config.toml", ".partial-thesis"] {
        fs::write(out.join(name), "years = 3\n").expect("a file");
    }
    let (table, rejects) = (parent.path().join("p.csv"), parent.path().join("p.rejects.csv"));
    fs::write(&rejects, "id,gap\n").expect("a file");
    let before = tree(parent.path());
    refused(row, &run(&trainer(), small_run(&store, &out, &["--overwrite"])), "config.toml");
    let predict =
        ["predict", text(&store), "--weights", text(&weights), "--out", text(&table), "--overwrite"];
    refused(row, &run(&trainer(), predict), "p.rejects.csv");
    untouched(row, parent.path(), &before);
}

fn linked_part(row: &mut Row) {
    let parent = folder();
    let victim = parent.path().join("victim");
    fs::write(&victim, "years of work").expect("a file");
    let oqmd = parent.path().join("raw/oqmd");
    fs::create_dir_all(&oqmd).expect("a folder");
    let part = oqmd.join("all_oqmd.json.zip.part");
    let raw = parent.path().join("raw");
    // Nobody listens there, and nobody is asked.
    let fetch = ["fetch", "oqmd", "--base-url", "http://127.0.0.1:1", "--to", text(&raw)];
    for hard in [false, true] {
        if hard {
            fs::hard_link(&victim, &part).expect("a link");
        } else {
            symlink(&victim, &part).expect("a link");
        }
        refused(row, &run(&etl(), fetch), "all_oqmd.json.zip.part");
        if fs::read_to_string(&victim).expect("it is there") != "years of work" {
            row.fault("the file behind the link was written to");
        }
        fs::remove_file(&part).expect("it is there");
    }
}

fn masked(row: &mut Row) {
    let parent = crystals();
    let (input, store) = (parent.path().join("in"), parent.path().join("st"));
    let (etl, build) = (etl(), ["build", "cif", "--input", text(&input), "--out", text(&store)]);
    let shell = ["-c", "umask 077; exec \"$0\" \"$@\"", text(&etl)];
    let ran = succeed(Path::new("sh"), [&shell[..], &build].concat());
    row.ran(&ran);
    for name in tree(&store).into_keys() {
        let mode = fs::metadata(file_of(&store, &name)).expect("a file").permissions().mode() & 0o777;
        row.outcome("0600");
        if mode != 0o600 {
            row.fault(format!("{name}: {mode:o}"));
        }
    }
}

fn clean(row: &mut Row) {
    let parent = crystals();
    for name in ["data/my store", "data/$(touch x)"] {
        built(parent.path(), name, &[]);
    }
    for name in ["data/my/thesis.tex", "store/thesis.tex"] {
        let path = parent.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "years of work").expect("a file");
    }
    let data = parent.path().join("data");
    let script = root().join("data/clean.sh");
    let ran = succeed(Path::new("bash"), [text(&script), text(&data)]);
    row.ran(&ran);
    row.outcome("stores alone removed");
    let left: Vec<String> = tree(parent.path()).into_keys().collect();
    if left != ["data/my/thesis.tex", "in/CsCl.cif", "store/thesis.tex"] {
        row.fault(format!("{left:?}"));
    }
}

fn installed(row: &mut Row) {
    let parent = folder();
    let (built, prefix) = (parent.path().join("built"), parent.path().join("prefix"));
    fs::create_dir_all(prefix.join("bin")).expect("a folder");
    fs::create_dir(&built).expect("a folder");
    symlink(etl(), built.join("etl")).expect("a link");
    symlink(trainer(), built.join("trainer")).expect("a link");
    let program = prefix.join("bin/etl");
    fs::write(&program, "of others").expect("a file");
    let environment = format!("PREFIX={}", text(&prefix));
    let script = root().join("docs/manual/install.sh");
    let install = |argument: &str| run(Path::new("env"), [environment.as_str(), text(&script), argument]);
    refused(row, &install(text(&built)), "bin/etl");
    fs::remove_file(&program).expect("it is there");
    let ran = install(text(&built));
    row.ran(&ran);
    if ran.code() != Some(0) {
        row.fault(ran.stderr);
    }
    fs::remove_file(&program).expect("it was installed");
    fs::write(&program, "of others").expect("a file");
    let removed = install("--remove");
    row.ran(&removed);
    row.outcome("left alone");
    if tree(&prefix).into_keys().collect::<Vec<_>>() != ["bin/etl"] {
        row.fault(format!("{:?}", tree(&prefix).keys()));
    }
}
