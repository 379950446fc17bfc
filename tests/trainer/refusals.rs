//! What a run's folder and the settings do not allow is refused in one line, and nothing is touched.

use std::fs;

use crate::support::*;

#[test]
fn a_run_is_resumed_with_its_own_settings_alone() {
    let run = trained(&["--epochs", "2"]);
    let before = (records(run.path()), bytes(run.path(), CHECKPOINT), bytes(run.path(), "config.toml"));
    let others: [(&[&str], &str); 6] = [
        (&["--seed", "5"], "seed = 123, not 5"),
        (&["--batch", "4"], "data.batch_crystals = 8, not 4"),
        (&["--set", "pretrain.mmpt.decoder_width=8"], "pretrain.mmpt.decoder_width = 16, not 8"),
        (&["--labels", "cell"], "pretrain.mmpt.labels = \"centred\", not \"cell\""),
        (&["--set", "optimiser.accumulate=2"], "optimiser.accumulate = 1, not 2"),
        (
            &["--set", "pretrain.mmpt.loss.contrast.weight=0.1"],
            "pretrain.mmpt.loss.contrast.weight = 0.5, not 0.1",
        ),
    ];
    for (other, difference) in others {
        let line =
            refused(&small_run(&store(), run.path(), &[other, &["--epochs", "2", "--resume"]].concat()));
        assert!(line.contains(&format!("was started with {difference}")), "{line}");
    }
    // A schedule depends on the number of epochs.
    let cosine = trained(&["--epochs", "1", "--set", "schedule.kind=cosine"]);
    let longer = ["--epochs", "2", "--set", "schedule.kind=cosine", "--resume"];
    let line = refused(&small_run(&store(), cosine.path(), &longer));
    let why = "run.epochs = 1, not 2: its learning rates depend on it, by schedule.kind";
    assert!(line.contains(why), "{line}");
    // The weights of the epochs that are done would be kept.
    let line = refused(&small_run(&store(), run.path(), &["--epochs", "1", "--resume"]));
    assert!(line.contains("run.epochs = 2, not 1: a run cannot become shorter"), "{line}");
    let after = (records(run.path()), bytes(run.path(), CHECKPOINT), bytes(run.path(), "config.toml"));
    assert_eq!(before, after);
}

#[test]
fn what_is_not_there_is_named() {
    for arguments in [
        &["config", "--config", "nowhere"][..],
        &["compare", "nowhere", "--out", "out"],
        &["embed", "--weights", "nowhere", "--shards", text(&store()), "--out", "out.parquet"],
        &["finetune", "--task", "./nowhere", "--from-scratch", "--shards", text(&store())],
        &["predict", "nowhere", "--weights", "nowhere", "--out", "out.csv"],
        &["verify", "nowhere"],
    ] {
        let line = refused(arguments);
        assert!(line.contains("nowhere"), "{line}");
    }
    let line = refused(&["evaluate", "nowhere"]);
    assert!(line.contains("nowhere holds no fine-tuning"), "{line}");
}

#[test]
fn a_run_does_not_go_on_without_its_best_weights() {
    let run = trained(&["--epochs", "1"]);
    fs::remove_file(run.path().join(BEST)).expect("it is there");
    let before = bytes(run.path(), CHECKPOINT);
    let line = refused(&small_run(&store(), run.path(), &["--epochs", "2", "--resume"]));
    assert!(line.contains("best.safetensors is missing, which epoch 1 has written"), "{line}");
    assert_eq!(bytes(run.path(), CHECKPOINT), before);
}

#[test]
fn without_a_run_there_is_nothing_to_resume() {
    let parent = folder();
    let missing = parent.path().join("typo");
    let line = refused(&small_run(&store(), &missing, &["--resume"]));
    assert!(line.contains("typo holds no run to resume"), "{line}");
    assert!(!missing.exists());
    fs::write(parent.path().join("thesis.tex"), "...").expect("writable");
    let line = refused(&small_run(&store(), parent.path(), &["--resume"]));
    assert!(line.contains("holds no run to resume"), "{line}");
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let run = trained(&["--epochs", "1"]);
    fs::write(run.path().join("notes.txt"), "mine").expect("writable");
    let before = bytes(run.path(), CHECKPOINT);
    let line = refused(&small_run(&store(), run.path(), &["--epochs", "1", "--seed", "5"]));
    assert!(
        line.contains("is not empty: --resume continues the run in it, --overwrite replaces it"),
        "{line}"
    );
    assert_eq!(bytes(run.path(), CHECKPOINT), before);

    succeed(&small_run(&store(), run.path(), &["--epochs", "1", "--seed", "5", "--overwrite"]));
    let anew = trained(&["--epochs", "1", "--seed", "5"]);
    assert_same_run(run.path(), anew.path(), "--overwrite");
    assert_eq!(bytes(run.path(), "notes.txt"), b"mine");

    let file = run.path().join("notes.txt");
    let line = refused(&small_run(&store(), &file, &[]));
    assert!(line.contains("notes.txt is a file, not a folder for a run"), "{line}");
}

#[test]
fn a_run_is_not_overwritten_by_one_that_cannot_begin() {
    let run = trained(&["--epochs", "1"]);
    let before = bytes(run.path(), CHECKPOINT);
    let (weights, shards) = (run.path().join("none.safetensors"), run.path().join("none.parquet"));
    let weights = ["--overwrite", "--weights", text(&weights)];
    refused(&small_run(&store(), run.path(), &weights));
    refused(&small_run(&shards, run.path(), &["--overwrite"]));
    refused(&small_run(&store(), run.path(), &["--overwrite", "--device", "gpu"]));
    assert_eq!(bytes(run.path(), CHECKPOINT), before);
}

#[test]
fn two_runs_cannot_share_a_folder() {
    let out = folder();
    let endless = ["--epochs", "1000000"];
    let mut first = spawn(out.path(), &endless);
    assert!(wait_for(&mut first, || lines_of(out.path()) > 0), "it ended");
    for more in [&["--resume"][..], &["--overwrite"], &[]] {
        let line = refused(&small_run(&store(), out.path(), &[&endless[..], more].concat()));
        assert!(line.contains(&format!("another run is writing to {}", out.path().display())), "{line}");
    }
    assert!(first.try_wait().expect("its state").is_none(), "the first run goes on");
    kill(&mut first);
    succeed(&small_run(&store(), out.path(), &["--epochs", "1", "--overwrite"]));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let overrides = [
        ("model.mmpt.hiden=8", "--set: unknown key 'model.mmpt.hiden'; did you mean 'model.mmpt.hidden'?"),
        ("optimiser.lr=1", "--set: unknown key 'optimiser.lr'; did you mean 'optimiser.learning_rate'?"),
        ("wd=0.1", "--set: unknown key 'wd'; did you mean 'optimiser.weight_decay'?"),
        ("train.batch_size=8", "did you mean 'data.batch_crystals'?"),
        ("model.mmpt.hidden", "--set model.mmpt.hidden: must be key=value"),
        ("model.mmpt.hidden=many", "--set: model.mmpt.hidden = "),
        ("model.mmpt.hidden=0", "--set: model.mmpt.hidden = 0: must be"),
        ("optimiser.epsilon=-1", "--set: optimiser.epsilon = -1: must be"),
        ("schedule.kind=exponential", "--set: schedule.kind = "),
        ("run.select=validation", "run.select = validation: must be"),
        ("data.validation_fraction=1.5", "--set: data.validation_fraction = 1.5: must be"),
    ];
    let out = folder();
    for (setting, expected) in overrides {
        let line = refused(&["config", "--set", setting]);
        assert!(line.contains(expected), "{setting}: {line}");
        let line = refused(&small_run(&store(), &out.path().join("run"), &["--set", setting]));
        assert!(line.contains(expected), "{setting}: {line}");
    }
    assert!(!out.path().join("run").exists());
}

#[test]
fn a_model_that_fits_into_no_memory_is_refused() {
    let (store, out, task) = (store(), folder(), folder());
    let (run, file) = (out.path().join("run"), task.path().join("task.toml"));
    fs::write(&file, GAPS).expect("writable");
    let shared = ["--shards", text(&store), "--out", text(&run)];
    let tuning = ["finetune", "--task", text(&file), "--from-scratch", "--set", "model.kind=cgcnn"];
    let wide = ["--set", "model.cgcnn.crystal_width=65536", "--set", "model.cgcnn.hidden_layers=1024"];
    let line = refused(&[&tuning[..], &shared, &wide].concat());
    assert!(line.contains("a model of 4") && line.contains(" MiB are free: lower the widths"), "{line}");
    let wide = ["--set", "model.cgcnn.atom_width=65536"];
    for command in [&tuning[..], &["pretrain", "--method", "infograph"]] {
        let line = refused(&[command, &shared, &wide].concat());
        assert!(line.contains("--set: model.cgcnn.atom_width = 65536: must be smaller"), "{line}");
    }
    assert!(!run.exists());
}

#[test]
fn an_option_that_cannot_be_is_named_as_it_was_typed() {
    let (out, task) = (folder(), folder());
    let run = out.path().join("run");
    let task_file = task.path().join("task.toml");
    fs::write(&task_file, GAPS).expect("writable");
    for (option, value, expected) in [
        ("--epochs", "0", "--epochs: run.epochs = 0: must be at least 1"),
        ("--early-stop", "0", "--early-stop: run.early_stop = 0: must be at least 1"),
        ("--learning-rate", "0", "--learning-rate: optimiser.learning_rate = 0: must be"),
        ("--batch", "0", "--batch: data.batch_crystals = 0: must be at least 1"),
    ] {
        let line = refused(&small_run(&store(), &run, &[option, value]));
        assert!(line.contains(expected), "{line}");
        let line = refused(&small_tuning(&task_file, &run, &[option, value], &store()));
        assert!(line.contains(expected), "{line}");
    }
    assert!(!run.exists());
}

#[test]
fn texts_in_other_encodings_are_told_as_such() {
    let folder = folder();
    let path = folder.path().join("text.toml");
    let utf16 = |text: &str| -> Vec<u8> {
        [0xfeff_u16].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let (run, store) = (folder.path().join("run"), store());
    let config = ["config", "--config", text(&path)];
    let compare = ["compare", text(&path), "--out", text(&run)];
    for (content, problem) in [
        (utf16("seed = 1\n"), "text.toml: the text is UTF-16: save it as UTF-8"),
        (b"seed = 1\n# \xe9\n".to_vec(), "text.toml: line 2 is not UTF-8: save the text as UTF-8"),
    ] {
        fs::write(&path, content).expect("writable");
        let tuning = small_tuning(&path, &run, &["--epochs", "1"], &store);
        for arguments in [&config[..], &compare, &tuning] {
            let line = refused(arguments);
            assert!(line.contains(problem), "{line}");
        }
    }
    fs::write(&path, "\u{feff}seed = 7\n").expect("writable");
    assert!(succeed(&config).contains("seed = 7"));
    assert!(!run.exists());
}

#[test]
fn a_fault_in_a_file_is_told_with_its_line() {
    let folder = folder();
    let path = folder.path().join("config.toml");
    let texts = [
        (
            "seed = 1\n\n[model.mmpt]\nhidden = 16\nhiden = 8\n",
            ":5:1: unknown key 'model.mmpt.hiden'; did you mean 'model.mmpt.hidden'?",
        ),
        ("[optimizer]\nkind = \"adam\"\n", ":1:2: unknown key 'optimizer'"),
        ("[run]\nepochs = \"many\"\n", ":2:1: run.epochs = "),
        ("[run]\nepochs = \n", ":2:"),
        ("[schedule]\nkind = \"exponential\"\n", ":2:1: schedule.kind = "),
    ];
    for (text_of_file, expected) in texts {
        fs::write(&path, text_of_file).expect("writable");
        let line = refused(&["config", "--config", text(&path)]);
        assert!(line.contains(&format!("config.toml{expected}")), "{text_of_file}: {line}");
    }
    let line = refused(&["config", "--config", text(&folder.path().join("none.toml"))]);
    assert!(line.contains("cannot read the configuration") && line.contains("none.toml"), "{line}");
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    let (store, out) = (store(), folder());
    let run = out.path().join("run");
    let line = refused(&small_run(&store, &run, &["--device", "gpu"]));
    assert!(line.contains("'gpu' is no device: cpu, libtorch, cuda or cuda:N"), "{line}");
    // More than a machine has; a program without libtorch says that.
    let line = refused(&small_run(&store, &run, &["--device", "cuda:4096"]));
    assert!(line.contains("device cuda:4096") && line.contains("cpu"), "{line}");
    if !cfg!(feature = "tch") {
        let line = refused(&small_run(&store, &run, &["--device", "libtorch"]));
        assert!(
            line.contains("needs libtorch, which this program was built without; there is: cpu"),
            "{line}"
        );
    }
    assert!(!run.exists());
}
