//! The pre-trainings of CGCNN from end to end: killed, resumed, fine-tuned, embedded, timed and refused.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::*;

/// The methods, each with a term of its loss, what its card says of it, and whether its weights embed crystals.
const METHODS: [(&str, &str, &str, bool); 2] =
    [("crystal-twins", "L_off", "Crystal Twins", true), ("infograph", "E_neg", "InfoGraph", false)];
/// Small sizes.
const SIZES: [&str; 4] = ["--set", "model.cgcnn.atom_width=8", "--set", "model.cgcnn.crystal_width=8"];
/// Epochs of a run to be killed in, and the record after which it is. The store has four or five batches of four.
const LONG: (&str, usize) = ("12", 20);

/// Arguments of a pre-training on the store.
fn pretraining<'a>(method: &'a str, store: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["pretrain", "--shards", text(store), "--out", text(out), "--quiet"];
    arguments.extend(["--method", method, "--batch", "4", "--learning-rate", "1e-3"]);
    arguments.extend(SIZES);
    arguments.extend(more);
    arguments
}

#[test]
fn a_killed_pre_training_resumes_to_the_same_bytes_on_other_threads() {
    let (epochs, records) = LONG;
    let moved = ["--set", "pretrain.crystal_twins.perturb=0.05"];
    let store = store();
    for (method, term, title, _) in METHODS {
        for load in [&[][..], &moved[..]].into_iter().take(if method == "crystal-twins" { 2 } else { 1 }) {
            let kept = folder();
            let [whole, killed] = ["whole", "killed"].map(|name| kept.path().join(name));
            let options = ["--epochs", epochs, "--set", "run.checkpoint_steps=3", "--threads"];
            let options = |threads| [&options[..], &[threads], load].concat();
            succeed(&pretraining(method, &store, &whole, &options("1")));
            kill_and_resume(&pretraining(method, &store, &killed, &options("2")), &killed, records);
            assert_same_run(&whole, &killed, &format!("{method} {load:?}"));

            let epochs = records_of(&whole, "epoch");
            let loss = |epoch: &Value| number(&epoch["train"]["loss"]);
            let last = epochs.last().expect("epochs");
            assert!(
                loss(last) < loss(&epochs[0]) && number(&last["train"][term]).is_finite(),
                "{method}: {last}"
            );
            let card = fs::read_to_string(whole.join("card.md")).expect("a card");
            assert!(card.starts_with("# CGCNN encoders, pre-trained\n") && card.contains(title), "{card}");
            assert!(tensors(&whole.join(BEST)).keys().any(|name| name.ends_with(".running_mean")));
        }
    }
}

#[test]
fn encoders_of_every_pre_training_are_fine_tuned_and_embedded() {
    let (store, kept) = (store(), folder());
    let task = kept.path().join("task.toml");
    fs::write(&task, GAPS).expect("a writable folder");
    for (method, _, _, embeds_crystals) in METHODS {
        let path = |name: &str| kept.path().join(format!("{method}-{name}"));
        let pretrained = path("pretrained");
        succeed(&pretraining(method, &store, &pretrained, &["--epochs", "2", "--threads", "1"]));
        let weights = pretrained.join(BEST);

        let (table, weights_text) = (path("table.parquet"), text(&weights));
        succeed(&["embed", "--weights", weights_text, "--shards", text(&store), "--out", text(&table)]);
        let schema = batches(&table)[0].schema();
        assert_eq!(schema.field_with_name("h_l").is_ok(), embeds_crystals, "{method}");
        assert_eq!(schema.fields().len(), 3 + usize::from(embeds_crystals), "{method}");

        let start = ["--weights", weights_text, "--batch", "4"];
        let frozen = path("frozen");
        let more = [&start[..], &["--epochs", "2", "--freeze", "encoder"]].concat();
        succeed(&small_tuning(&task, &frozen, &more, &store));
        let member = frozen.join("split/seed-123");
        let (before, after) = (tensors(&weights), tensors(&member.join(BEST)));
        let convolutions: Vec<&String> = after.keys().filter(|name| name.starts_with("convs.")).collect();
        assert!(convolutions.len() > 20, "{method}: {convolutions:?}");
        for name in convolutions {
            assert!(before[name] == after[name], "{method}: {name} has changed");
        }
        let moments = tensors(&member.join(CHECKPOINT));
        let is_trained = |name: &str| moments.contains_key(&format!("optimiser.m.{name}"));
        assert!(is_trained("fc_out.0.weight") || is_trained("fc_out.weight"), "{method}");
        assert!(!is_trained("convs.0.fc_full.weight"), "{method}");
        // A layer that was not pre-trained is fresh, and no use if it stays so.
        assert_eq!(is_trained("conv_to_fc.weight"), !embeds_crystals, "{method}");
        let card = fs::read_to_string(member.join("card.md")).expect("a card");
        assert!(card.starts_with("# CGCNN, fine-tuned: gaps\n"), "{card}");
        let other =
            ["model.mmpt.", "model.schnet.", "pretrain.mmpt.", "finetune.head_width", "data.validation"];
        assert!(!other.iter().any(|key| card.contains(&format!("\n{key}"))), "{card}");
        assert!(card.contains(&format!("\npretrain.method = \"{method}\"\n")), "{card}");
        let said = succeed(&["evaluate", text(&frozen), "--threads", "1"]);
        assert!(said.contains("3 crystals") && said.contains("MAE"), "{method}: {said}");

        let (whole, killed) = (path("whole"), path("killed"));
        let more = [&start[..], &["--epochs", LONG.0, "--set", "run.checkpoint_steps=3"]].concat();
        succeed(&small_tuning(&task, &whole, &more, &store));
        let [whole, member] = [&whole, &killed].map(|run| run.join("split/seed-123"));
        kill_and_resume(&small_tuning(&task, &killed, &more, &store), &member, LONG.1);
        assert_same_run(&whole, &member, method);
        assert!(tensors(&whole.join(BEST))["convs.0.fc_full.weight"] != before["convs.0.fc_full.weight"]);
    }
}

#[test]
fn every_pre_training_is_timed() {
    let store = store();
    for (method, ..) in METHODS {
        let chosen = format!("pretrain.method={method}");
        let mut arguments = vec!["bench", "--json", "--shards", text(&store), "--set", &chosen];
        arguments.extend(["--threads", "1", "--batch", "8", "--steps", "3"]);
        arguments.extend(SIZES);
        let report: Value = serde_json::from_str(&succeed(&arguments)).expect("JSON");
        assert!(number(&report["loss"]).is_finite() && number(&report["crystals_per_s"]) > 0.0, "{report}");
        assert!(number(&report["estimate"]["epoch_seconds"]) > 0.0, "{report}");
    }
}

#[test]
fn a_method_refuses_the_encoders_of_others() {
    let (store, kept) = (store(), folder());
    let out = kept.path().join("run");
    for (method, kind, trained) in
        [("crystal-twins", "mmpt", "cgcnn"), ("infograph", "schnet", "cgcnn"), ("mmpt", "cgcnn", "mmpt")]
    {
        let chosen = format!("model.kind={kind}");
        let arguments = ["pretrain", "--shards", text(&store), "--out", text(&out), "--method", method];
        let line = refused(&[&arguments[..], &["--set", &chosen]].concat());
        let expected =
            format!("the pre-training \"{method}\" trains the encoder \"{trained}\", not \"{kind}\"");
        assert!(line.contains(&expected), "{line}");
        assert!(!out.exists(), "nothing is written");
    }
    for (method, setting) in
        [("crystal-twins", "data.batch_crystals=1"), ("infograph", "model.cgcnn.convolutions=0")]
    {
        let mut arguments = vec!["pretrain", "--shards", text(&store), "--out", text(&out)];
        arguments.extend(["--method", method, "--set", setting]);
        let line = refused(&arguments);
        let (key, value) = setting.split_once('=').expect("a setting");
        assert!(line.contains(&format!("{key} = {value}: must be at least ")), "{line}");
    }
}
