//! Pre-training by denoising from end to end: killed, resumed, fine-tuned, embedded, timed and refused.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::*;

/// Names of the methods with noise, each with a loss term that its records must have, and settings.
const METHODS: [(&str, &str, &[&str]); 2] = [
    ("denoise", "L_type", &["--set", "pretrain.denoise.hidden_types=0.3"]),
    ("mmpt+denoise", "L_noise", &[]),
];

/// Arguments of a pre-training of a small encoder.
fn pretraining<'a>(method: &'a str, store: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["pretrain", "--shards", text(store), "--out", text(out), "--quiet"];
    arguments.extend(["--method", method, "--batch", "4", "--set", "data.validation=none"]);
    arguments.extend(["--set", "run.select=train", "--set", "schedule.kind=constant"]);
    arguments.extend(small_encoder());
    arguments.extend(more);
    arguments
}

#[test]
fn a_killed_pre_training_resumes_to_the_same_bytes_on_other_threads() {
    let store = store();
    for (method, term, settings) in METHODS {
        let kept = folder();
        let [whole, killed] = ["whole", "killed"].map(|name| kept.path().join(name));
        let options = |threads| {
            let common = [
                "--epochs",
                "12",
                "--set",
                "run.checkpoint_steps=3",
                "--set",
                "average.kind=ema",
                "--set",
                "noise.weights=0.01",
                "--threads",
                threads,
            ];
            [&common, settings].concat()
        };
        succeed(&pretraining(method, &store, &whole, &options("1")));
        kill_and_resume(&pretraining(method, &store, &killed, &options("2")), &killed, 20);
        assert_same_run(&whole, &killed, method);

        let epochs = records_of(&whole, "epoch");
        let loss = |epoch: &Value| number(&epoch["train"]["loss"]);
        let last = epochs.last().expect("epochs");
        assert!(
            loss(last) < loss(&epochs[0]) && number(&last["train"][term]).is_finite(),
            "{method}: {last}"
        );
        let card = fs::read_to_string(whole.join("card.md")).expect("a card");
        assert!(card.starts_with("# MMPT encoders, pre-trained\n"), "{card}");
        assert!(
            card.contains("heads for the noise") && card.contains("pretrain.denoise.strain = 0.02"),
            "{card}"
        );
    }
}

#[test]
fn encoders_are_fine_tuned_embedded_and_timed() {
    let (store, kept) = (store(), folder());
    let task = kept.path().join("task.toml");
    fs::write(&task, GAPS).expect("a writable folder");
    for (method, _, settings) in METHODS {
        let path = |name: &str| kept.path().join(format!("{method}-{name}"));
        let pretrained = path("pretrained");
        let more = [&["--epochs", "1", "--threads", "1"], settings].concat();
        succeed(&pretraining(method, &store, &pretrained, &more));
        let weights = pretrained.join(BEST);
        let table = path("table.parquet");
        succeed(&["embed", "--weights", text(&weights), "--shards", text(&store), "--out", text(&table)]);
        assert!(batches(&table)[0].num_rows() > 0);

        let tuned = path("tuned");
        let more = ["--weights", text(&weights), "--batch", "4", "--epochs", "2", "--freeze", "encoder"];
        succeed(&small_tuning(&task, &tuned, &more, &store));
        let after = tensors(&tuned.join("split/seed-123").join(BEST));
        let before = tensors(&weights);
        let encoder = after.keys().filter(|name| name.starts_with("structure."));
        assert!(encoder.clone().count() > 20 && encoder.clone().all(|name| before[name] == after[name]));
        assert!(!after.keys().any(|name| name.starts_with("noise.")));

        let chosen = format!("pretrain.method={method}");
        let mut arguments = vec!["bench", "--json", "--shards", text(&store), "--set", &chosen];
        arguments.extend(["--threads", "1", "--batch", "4", "--steps", "2"]);
        arguments.extend(small_encoder());
        let report: Value = serde_json::from_str(&succeed(&arguments)).expect("JSON");
        assert!(number(&report["loss"]).is_finite(), "{report}");
    }
}

#[test]
fn noise_on_nothing_is_refused() {
    let (store, kept) = (store(), folder());
    let out = kept.path().join("run");
    let nothing = ["pretrain.denoise.displacement=0", "pretrain.denoise.strain=0"];
    let more: Vec<&str> = nothing.into_iter().flat_map(|setting| ["--set", setting]).collect();
    let line = refused(&pretraining("denoise", &store, &out, &more));
    assert!(line.contains("pretrain.denoise.displacement = 0: must be greater than 0"), "{line}");
    let line = refused(&pretraining("denoise", &store, &out, &["--set", "pretrain.mmpt.decoder_width=4"]));
    assert!(line.contains("has no effect with pretrain.method = \"denoise\""), "{line}");
    assert!(!out.exists());
}
