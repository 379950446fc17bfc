//! Suggestions for unknown keys: the key with a similar spelling, or the key that other programs call so.

use strsim::levenshtein;

/// Names of keys in other programs, in lower case with underscores.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("seed", &["random_seed", "random_state", "manual_seed", "rng", "rng_seed"]),
    ("model.mmpt.hidden", &["hidden_dim", "hidden_size", "hidden_channels", "dim", "d_model", "emb_size"]),
    ("model.mmpt.interaction_blocks", &["layers", "n_layers", "num_layers", "blocks", "num_blocks", "depth"]),
    ("model.mmpt.lattice_heads", &["heads", "n_heads", "num_heads", "nhead"]),
    ("data.shards", &["data", "dataset", "data_path", "data_dir", "path", "train_data"]),
    (
        "data.batch_crystals",
        &["bs", "batch", "batch_size", "train_batch_size", "per_device_train_batch_size"],
    ),
    ("data.shuffle_buffer", &["shuffle", "buffer_size"]),
    ("data.drop_incomplete", &["drop_last"]),
    ("data.workers", &["num_workers", "n_workers", "threads", "num_threads", "n_jobs"]),
    ("data.queue", &["prefetch", "prefetch_factor"]),
    (
        "data.validation_fraction",
        &["val_fraction", "valid_fraction", "val_ratio", "val_size", "val_split", "validation_split"],
    ),
    ("optimiser.kind", &["optim", "optimizer", "optimizer_name"]),
    ("optimiser.learning_rate", &["lr", "rate", "learningrate", "max_lr", "base_lr", "init_lr", "step_size"]),
    ("optimiser.beta1", &["b1"]),
    ("optimiser.beta2", &["b2"]),
    ("optimiser.epsilon", &["eps", "adam_epsilon"]),
    ("optimiser.weight_decay", &["wd", "decay", "l2", "l2_reg"]),
    ("optimiser.decay_exempt", &["no_decay", "no_weight_decay"]),
    (
        "optimiser.clip_norm",
        &[
            "clip",
            "grad_clip",
            "gradient_clip",
            "gradient_clip_val",
            "max_norm",
            "max_grad_norm",
            "clip_grad_norm",
        ],
    ),
    (
        "optimiser.accumulate",
        &[
            "accum",
            "grad_accum",
            "accumulation_steps",
            "gradient_accumulation_steps",
            "accumulate_grad_batches",
        ],
    ),
    ("schedule.kind", &["scheduler", "lr_scheduler", "lr_scheduler_type", "lr_schedule"]),
    ("schedule.warmup_steps", &["warmup", "num_warmup_steps", "lr_warmup"]),
    ("schedule.minimum_factor", &["min_lr", "eta_min", "lr_min"]),
    ("schedule.steps.epochs", &["milestones", "lr_milestones"]),
    ("schedule.steps.factor", &["gamma", "lr_gamma"]),
    ("finetune.loss", &["criterion", "loss_fn", "loss_function"]),
    ("finetune.head_learning_rate", &["head_lr", "lr_head"]),
    ("finetune.freeze_encoder", &["freeze", "freeze_backbone", "frozen", "freeze_encoders"]),
    ("finetune.fraction", &["train_fraction", "train_size", "train_ratio", "data_fraction"]),
    ("run.epochs", &["epoch", "n_epochs", "num_epochs", "max_epochs", "num_train_epochs", "nepochs"]),
    ("run.early_stop", &["early_stopping", "patience", "early_stopping_patience"]),
    ("run.checkpoint_steps", &["save_steps", "checkpoint_every", "save_every"]),
];

/// Returns the known dotted key that has the name `key` in other programs or, failing that, the most similar one;
/// `None` if nothing is similar.
///
/// A key without its section (`learning_rate`), or in the wrong one, matches the key whose last part is most similar.
/// Otherwise the whole keys are compared. At most one third of the characters may differ.
pub(crate) fn nearest<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = last_part(key);
    let known: Vec<&'a str> = known.into_iter().collect();
    if let Some(meant) = synonym(name)
        && let Some(found) = known.iter().copied().find(|candidate| *candidate == meant)
    {
        return Some(found);
    }
    known
        .into_iter()
        .filter_map(|candidate| {
            let whole = levenshtein(key, candidate);
            let part = levenshtein(name, last_part(candidate));
            let similar = whole * 3 <= key.chars().count() || part * 3 <= name.chars().count();
            similar.then_some((whole.min(part), whole, candidate))
        })
        .min()
        .map(|(_, _, candidate)| candidate)
}

/// Returns the end of a message about an unknown name: the question whether a similar one was meant, if there is one.
pub(crate) fn suggest(name: Option<&str>) -> String {
    name.map(|name| format!(" (did you mean '{name}'?)")).unwrap_or_default()
}

/// Returns the key that has this name in other programs.
fn synonym(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SYNONYMS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(key, _)| *key)
}

/// Returns the part after the last dot.
fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["seed", "optimiser.learning_rate", "run.epochs", "loss.atom.weight"];

    #[test]
    fn typing_errors_and_missing_sections_are_understood() {
        assert_eq!(nearest("sed", KNOWN), Some("seed"));
        assert_eq!(nearest("optimizer.learning_rate", KNOWN), Some("optimiser.learning_rate"));
        assert_eq!(nearest("learning_rat", KNOWN), Some("optimiser.learning_rate"));
        assert_eq!(nearest("schedule.epochs", KNOWN), Some("run.epochs"));
        assert_eq!(nearest("loss.atoms.weight", KNOWN), Some("loss.atom.weight"));
        assert_eq!(nearest("zzz", KNOWN), None);
    }

    #[test]
    fn names_of_other_programs_are_understood() {
        for (key, meant) in [
            ("lr", "optimiser.learning_rate"),
            ("optimiser.lr", "optimiser.learning_rate"),
            ("optimizer.LR", "optimiser.learning_rate"),
            ("train.num-epochs", "run.epochs"),
            ("random_state", "seed"),
        ] {
            assert_eq!(nearest(key, KNOWN), Some(meant), "{key}");
        }
        assert_eq!(nearest("wd", KNOWN), None, "only keys that there are");
    }

    #[test]
    fn synonyms_are_of_settings_and_stand_once() {
        let table = crate::config::table::to_table(&crate::config::Config::default());
        let settings = crate::config::table::settings(&table);
        let keys: Vec<&str> = settings.iter().map(|(key, _)| key.as_str()).collect();
        let mut seen = std::collections::BTreeSet::new();
        for (key, names) in SYNONYMS {
            assert!(keys.contains(key), "{key}");
            for name in *names {
                assert!(seen.insert(name), "{name} stands twice");
                assert_eq!(nearest(name, keys.iter().copied()), Some(*key), "{name}");
            }
        }
    }
}
