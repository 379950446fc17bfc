//! Weights by name: fetched, kept, compared with their hash, and taken by every command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

use schemas::hash::sha256;
use trainer::catalogue::{Entry, Origin};

use crate::server::serve;
use crate::support::*;

/// Weights of a small fine-tuned model.
static WEIGHTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let tuned = tuned_on_gaps("1");
    fs::read(member_of(&tuned, 1)).expect("weights")
});

/// An entry of weights named `lab`, a mirror that has them, and a cache.
struct Lab {
    folder: Folder,
}

impl Lab {
    fn new() -> Self {
        let lab = Self { folder: folder() };
        let entry = format!(
            "about = \"small\"\nlicence = \"CC BY 4.0\"\nurl = \"https://127.0.0.1:1/lab\"\nbytes = {}\nsha256 = \"{}\"\n",
            WEIGHTS.len(),
            sha256(&*WEIGHTS)
        );
        fs::write(lab.entry(), entry).expect("writable");
        fs::write(lab.path("lab.md"), "# Lab\n\nOf the lab.\n").expect("writable");
        lab.mirror_holds(&WEIGHTS);
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn entry(&self) -> PathBuf {
        self.path("lab.toml")
    }

    fn mirror_holds(&self, content: &[u8]) {
        fs::create_dir_all(self.path("mirror/weights")).expect("a folder");
        fs::write(self.path("mirror/weights/lab.safetensors"), content).expect("writable");
    }

    /// The copy in the cache.
    fn copy(&self) -> PathBuf {
        self.path(&format!("cache/weights/lab-{}.safetensors", &sha256(&*WEIGHTS)[..12]))
    }

    /// Names in the folder of the cache but its lock.
    fn cached(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("cache/weights")).into_iter().flatten();
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name != ".lock").collect();
        names.sort();
        names
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(TRAINER);
        command.env("CRYSTAL_MMPT_CACHE", self.path("cache")).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Fetches the weights from a mirror.
    fn get(&self, mirror: &str) -> Output {
        self.run(&["weights", "get", text(&self.entry()), "--mirror", mirror])
    }

    fn get_from_folder(&self) -> Output {
        self.get(text(&self.path("mirror")))
    }

    /// Fetches the weights in the background.
    fn spawn(&self, mirror: &str) -> Child {
        let mut command = self.command(&["weights", "get", text(&self.entry()), "--mirror", mirror]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }
}

/// Asserts that a command succeeded, and gives what it printed on standard output.
fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_mirror_serves_weights_and_the_cache_keeps_them() {
    for mirror in [None, Some(serve(WEIGHTS.clone(), usize::MAX, false))] {
        let lab = Lab::new();
        let listed = |what: &str| {
            let text = done(&lab.run(&["weights", "list", text(&lab.entry())]));
            assert!(
                text.contains(what) && text.contains("lab: small") && text.contains("Of the lab."),
                "{text}"
            );
        };
        listed("to be fetched");
        let output = match &mirror {
            None => lab.get_from_folder(),
            Some(url) => lab.get(url),
        };
        assert_eq!(done(&output), format!("{}\n", lab.copy().display()));
        assert!(fs::read(lab.copy()).expect("it is there") == *WEIGHTS);
        listed("in the cache");
        // The address of the entry leads nowhere.
        assert_eq!(done(&lab.run(&["weights", "get", text(&lab.entry())])), done(&output));
        assert_eq!(lab.cached().len(), 1, "{:?}", lab.cached());
    }
}

#[test]
fn every_command_takes_them() {
    let lab = Lab::new();
    done(&lab.get_from_folder());
    let file = lab.path("file.safetensors");
    fs::write(&file, &*WEIGHTS).expect("writable");
    let (entry, store, task) = (lab.entry(), store(), lab.path("task.toml"));
    fs::write(&task, GAPS).expect("writable");
    let (store, task) = (text(&store), text(&task));
    let (a, b) = (lab.path("a.csv"), lab.path("b.csv"));
    for command in [
        &["embed", "--shards", store][..],
        &["predict", store, "--quiet"],
        &["neighbours", "NaCl-rocksalt", "--shards", store],
        &["duplicates", "--within", "0.5", "--shards", store],
    ] {
        for (weights, out) in [(&file, &a), (&entry, &b)] {
            let more = ["--weights", text(weights), "--out", text(out), "--overwrite", "--threads", "1"];
            let output = lab.run(&[command, &more[..]].concat());
            // 1 tells of duplicates in different parts.
            assert!(matches!(output.status.code(), Some(0 | 1)), "{}", said(&output));
            // What was taken is said where the argument does not say it.
            let note =
                format!("weights lab: small (licence of the data: CC BY 4.0): {}", lab.copy().display());
            let is_expected = weights == &entry && !command.contains(&"--quiet");
            assert_eq!(said(&output).contains(&note), is_expected, "{}", said(&output));
        }
        assert_eq!(fs::read(&a).expect("a table"), fs::read(&b).expect("a table"), "{command:?}");
    }
    let out = lab.path("map.html");
    done(&lab.run(&["map", "--shards", store, "--weights", text(&entry), "--out", text(&out)]));
    let tuned = lab.path("tuned");
    let more = ["--weights", text(&entry), "--epochs", "1"];
    done(&lab.run(&small_tuning(Path::new(task), &tuned, &more, Path::new(store))));
    let record = fs::read_to_string(tuned.join("finetune.toml")).expect("a record");
    assert!(record.contains(&sha256(&*WEIGHTS)), "{record}");
}

#[test]
fn a_run_and_a_comparison_begin_with_them() {
    let lab = Lab::new();
    let pretrained = trained(&["--epochs", "1"]);
    let content = bytes(pretrained.path(), BEST);
    lab.mirror_holds(&content);
    let entry = format!(
        "about = \"a\"\nlicence = \"b\"\nurl = \"https://127.0.0.1:1/\"\nbytes = {}\nsha256 = \"{}\"\n",
        content.len(),
        sha256(&content)
    );
    fs::write(lab.entry(), entry).expect("writable");
    done(&lab.get_from_folder());
    let (out, store, entry) = (lab.path("run"), store(), lab.entry());
    done(&lab.run(&small_run(&store, &out, &["--epochs", "1", "--weights", text(&entry)])));

    let (task, grid) = (lab.path("task.toml"), lab.path("grid.toml"));
    fs::write(&task, GAPS).expect("writable");
    let text_of_grid = format!(
        "tasks = [\"gaps\"]\nstarts = [\"lab\"]\nfractions = [1.0]\nseeds = [1]\n\n[task.gaps]\nfile = {:?}\nshards = \
         [{:?}]\n\n[start.lab]\nweights = {:?}\n",
        text(&task),
        text(&store),
        text(&entry)
    );
    fs::write(&grid, text_of_grid).expect("writable");
    let compare = |more: &[&str]| {
        let out = lab.path("compared");
        let arguments = ["compare", text(&grid), "--out", text(&out), "--threads", "1", "--quiet"];
        lab.run(&[&arguments, more].concat())
    };
    let planned = done(&compare(&["--dry-run"]));
    assert!(planned.contains(&format!("--weights {} ", entry.display())), "{planned}");
    fs::remove_dir_all(lab.path("cache")).expect("a folder");
    let line = complaint(&compare(&["--dry-run"]));
    assert!(line.contains("weights lab: https://127.0.0.1:1/") && line.contains("--mirror"), "{line}");
}

#[test]
fn a_broken_download_goes_on() {
    let lab = Lab::new();
    let url = serve(WEIGHTS.clone(), WEIGHTS.len() / 2, false);
    done(&lab.get(&url));
    assert!(fs::read(lab.copy()).expect("it is there") == *WEIGHTS);
    assert_eq!(lab.cached().len(), 1, "{:?}", lab.cached());
}

#[test]
fn other_files_are_refused() {
    let mut changed = WEIGHTS.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    let longer = [&WEIGHTS[..], b"more"].concat();
    for (served, expected) in [
        (changed, sha256(&*WEIGHTS)),
        (WEIGHTS[..100].to_vec(), "100 bytes found".to_owned()),
        (longer, format!("{} bytes found", WEIGHTS.len() + 4)),
        (b"<html></html>".to_vec(), "13 bytes found".to_owned()),
    ] {
        let lab = Lab::new();
        lab.mirror_holds(&served);
        for output in [lab.get_from_folder(), lab.get(&serve(served, usize::MAX, false))] {
            let line = complaint(&output);
            assert!(line.contains("weights lab: ") && line.contains(&expected), "{line}");
            assert!(lab.cached().is_empty(), "{:?}", lab.cached());
        }
    }
}

#[test]
fn a_damaged_copy_is_fetched_again_before_it_is_used() {
    let lab = Lab::new();
    done(&lab.get_from_folder());
    let mut damaged = WEIGHTS.clone();
    damaged[WEIGHTS.len() / 2] ^= 1;
    for content in [&damaged[..], &WEIGHTS[..9], b""] {
        fs::write(lab.copy(), content).expect("writable");
        let (out, store, entry) = (lab.path("e.csv"), store(), lab.entry());
        let embed = ["embed", "--shards", text(&store), "--weights", text(&entry), "--out", text(&out)];
        let line = String::from_utf8_lossy(&lab.run(&embed).stderr).into_owned();
        assert!(line.contains("is damaged") && line.contains("https://127.0.0.1:1/lab"), "{line}");
        assert!(!out.exists(), "damaged weights were used");
        let output = lab.get_from_folder();
        done(&output);
        assert!(said(&output).contains("is damaged"), "{}", said(&output));
        assert!(fs::read(lab.copy()).expect("it is there") == *WEIGHTS);
    }
}

#[test]
fn several_processes_at_once_do_no_harm() {
    let lab = Lab::new();
    let url = serve(WEIGHTS.clone(), usize::MAX, false);
    let processes: Vec<Child> = (0..6).map(|_| lab.spawn(&url)).collect();
    for process in processes {
        done(&process.wait_with_output().expect("it ends"));
    }
    assert!(fs::read(lab.copy()).expect("it is there") == *WEIGHTS);
    assert_eq!(lab.cached().len(), 1, "{:?}", lab.cached());
}

#[cfg(unix)]
#[test]
fn an_interrupted_download_is_no_copy() {
    let lab = Lab::new();
    // The server stops in the middle and keeps the connection.
    let url = serve(WEIGHTS.clone(), WEIGHTS.len() / 2, true);
    let mut process = lab.spawn(&url);
    let part = PathBuf::from(format!("{}.part", lab.copy().display()));
    let has_begun = || fs::metadata(&part).is_ok_and(|metadata| metadata.len() > 0);
    assert!(wait_for(&mut process, has_begun), "it ended");
    interrupt(&process);
    assert!(!process.wait().expect("it ends").success());
    assert!(!lab.copy().exists(), "half a file");
    done(&lab.get(&url));
    assert!(fs::read(lab.copy()).expect("it is there") == *WEIGHTS);
    assert_eq!(lab.cached().len(), 1, "{:?}", lab.cached());
}

#[cfg(unix)]
#[test]
fn what_is_in_the_way_stays() {
    let lab = Lab::new();
    fs::create_dir_all(lab.copy()).expect("a folder");
    let line = complaint(&lab.get_from_folder());
    assert!(line.contains("a folder is in the way"), "{line}");
    fs::remove_dir(lab.copy()).expect("it is empty");

    let victim = lab.path("victim");
    fs::write(&victim, "of others").expect("writable");
    std::os::unix::fs::symlink(&victim, lab.copy()).expect("a link");
    let line = complaint(&lab.get_from_folder());
    assert!(line.contains("a symbolic link to another file is in the way"), "{line}");
    assert_eq!(fs::read(&victim).expect("it is there"), b"of others");
    fs::write(&victim, &*WEIGHTS).expect("writable");
    done(&lab.get_from_folder());
    assert!(lab.copy().is_symlink());

    // A file where the folder of the cache belongs, and a folder that nobody can write to.
    for folder in [lab.path("victim"), PathBuf::from("/proc/none")] {
        let mut command =
            lab.command(&["weights", "get", text(&lab.entry()), "--mirror", text(&lab.path("mirror"))]);
        let output = command.env("CRYSTAL_MMPT_CACHE", &folder).output().expect("the program starts");
        let line = complaint(&output);
        assert!(line.contains(text(&folder)) && line.contains("CRYSTAL_MMPT_CACHE"), "{line}");
    }
}

#[test]
fn a_cache_that_is_only_read_serves_what_it_has() {
    let Some(disk) = crate::disk::SmallDisk::new("4m") else { return };
    let lab = Lab::new();
    let get = |more: &[&str]| {
        let mut command = lab.command(&["weights", "get", text(&lab.entry())]);
        command.args(more).env("CRYSTAL_MMPT_CACHE", disk.path()).output().expect("the program starts")
    };
    done(&get(&["--mirror", text(&lab.path("mirror"))]));
    disk.remount("ro");
    done(&get(&[]));
    disk.remount("rw");
    fs::remove_dir_all(disk.path().join("weights")).expect("a folder");
    disk.remount("ro");
    let line = complaint(&get(&["--mirror", text(&lab.path("mirror"))]));
    assert!(line.contains("Read-only") && line.contains("CRYSTAL_MMPT_CACHE"), "{line}");
}

#[test]
fn a_disk_that_is_full_keeps_nothing_half() {
    let Some(disk) = crate::disk::SmallDisk::new("32k") else { return };
    assert!(WEIGHTS.len() > 32_768, "they would fit: {}", WEIGHTS.len());
    let lab = Lab::new();
    let mut command =
        lab.command(&["weights", "get", text(&lab.entry()), "--mirror", text(&lab.path("mirror"))]);
    let output = command.env("CRYSTAL_MMPT_CACHE", disk.path()).output().expect("the program starts");
    let line = complaint(&output);
    assert!(line.contains("No space left"), "{line}");
    let names: Vec<_> = fs::read_dir(disk.path().join("weights")).expect("a folder").flatten().collect();
    assert!(names.iter().all(|entry| entry.file_name() == ".lock"), "{names:?}");
}

/// Those that are part of the program need no network, and shells offer all names.
#[test]
fn built_in_weights_are_at_hand() {
    let lab = Lab::new();
    for name in Entry::names() {
        let entry = Entry::load(name).expect("an entry");
        assert!(done(&lab.run(&["weights", "list"])).contains(name));
        let offered =
            crate::about::manual::offered(TRAINER, "trainer", &["trainer", "finetune", "--weights", name]);
        assert!(offered.iter().any(|offered| offered == name), "{name}: {offered:?}");
        if let Origin::Program(content) = entry.origin {
            let nowhere = text(&lab.path("nowhere")).to_owned();
            let path = done(&lab.run(&["weights", "get", name, "--mirror", &nowhere]));
            assert!(fs::read(path.trim_end()).expect("a copy") == content, "{name}");
        }
    }
    assert!(Entry::names().contains(&"mmpt-mp"));
}

#[test]
fn names_that_are_unknown_or_wrong_are_refused() {
    let lab = Lab::new();
    let (out, store) = (lab.path("e.csv"), store());
    let embed = |weights: &str| {
        let arguments = ["embed", "--shards", text(&store), "--weights", weights, "--out", text(&out)];
        let mut command = lab.command(&arguments);
        complaint(&command.current_dir(lab.folder.path()).output().expect("the program starts"))
    };
    let line = embed("nothing-of-this-name");
    assert!(
        line.contains("no file or folder 'nothing-of-this-name'") && line.contains("weights list"),
        "{line}"
    );
    // What exists is taken, and found to be no weights; a path is a path.
    fs::create_dir(lab.path("lab")).expect("a folder");
    assert!(!embed("lab").contains("catalogue"));
    assert!(embed("none/best.safetensors").contains("none/best.safetensors: No such file"));
    let line = complaint(&lab.run(&["weights", "get", "nothing-of-this-name"]));
    assert!(line.contains("the catalogue has no weights 'nothing-of-this-name'"), "{line}");

    let entry = fs::read_to_string(lab.entry()).expect("an entry");
    for (from, to, expected) in [
        ("https://", "file:///", "lab.toml:3: url: must be an address with https://"),
        ("sha256 = \"", "sha256 = \"A", "lab.toml:5: sha256: must be 64 digits"),
        ("bytes", "size", "unknown field `size`"),
    ] {
        fs::write(lab.entry(), entry.replace(from, to)).expect("writable");
        let line = complaint(&lab.run(&["weights", "list", text(&lab.entry())]));
        assert!(line.contains(expected), "{line}");
    }
    for arguments in [
        &["weights", "get"][..],
        &["weights", "list", "--mirror", "x"],
        &["weights", "list", "--out", "x"],
        &["weights", "pack"],
        &["weights", "get", "lab.toml", "--mirror", "http://"],
    ] {
        complaint(&lab.run(arguments));
    }
    let mut command = lab.command(&["weights", "get", text(&lab.path("mirror/../lab.toml"))]);
    command.env_remove("CRYSTAL_MMPT_CACHE").env_remove("XDG_CACHE_HOME").env_remove("HOME");
    fs::write(lab.entry(), entry).expect("writable");
    let line = complaint(&command.output().expect("the program starts"));
    assert!(line.contains("neither CRYSTAL_MMPT_CACHE nor XDG_CACHE_HOME nor HOME"), "{line}");
}

#[test]
fn half_precision_is_half_the_bytes_and_the_same_predictions_in_three_digits() {
    let lab = Lab::new();
    let (file, store) = (lab.path("file.safetensors"), store());
    fs::write(&file, &*WEIGHTS).expect("writable");
    let predictions = |weights: &Path| -> Vec<f64> {
        let out = lab.path("p.csv");
        let out = text(&out);
        succeed(&[
            "predict",
            text(&store),
            "--weights",
            text(weights),
            "--out",
            out,
            "--overwrite",
            "--quiet",
        ]);
        csv(Path::new(out)).iter().skip(1).map(|row| row[4].parse().expect("a number")).collect()
    };
    let whole = predictions(&file);
    for (precision, tolerance) in [("f16", 2e-3), ("bf16", 2e-2)] {
        let out = lab.path(&format!("{precision}.safetensors"));
        let pack = ["weights", "pack", text(&file), "--out", text(&out), "--precision", precision];
        succeed(&pack);
        let sizes = [&file, &out].map(|path| fs::metadata(path).expect("a file").len());
        assert!(sizes[1] < sizes[0] * 6 / 10, "{sizes:?}");
        for (half, whole) in predictions(&out).iter().zip(&whole) {
            assert!((half - whole).abs() < tolerance * (1.0 + whole.abs()), "{precision}: {half} {whole}");
        }
        assert!(refused(&pack).contains("already exists"));
        assert!(refused(&["weights", "pack", text(&out), "--out", text(&out)]).contains("is also an input"));
    }
}
