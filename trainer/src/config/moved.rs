//! Renamed settings of earlier versions.

/// Old keys, or prefixes of keys, and their current names. The first match counts.
const MOVED: &[(&str, &str)] = &[
    ("model.masking", "pretrain.mmpt.masking"),
    ("model.decoder_width", "pretrain.mmpt.decoder_width"),
    ("model", "model.mmpt"),
    ("pal", "pretrain.mmpt"),
    ("loss", "pretrain.mmpt.loss"),
];

/// Settings that earlier versions did not have.
pub(super) const NEW: &[&str] = &[
    "model.kind",
    "pretrain.method",
    "data.drop_incomplete",
    "optimiser.momentum",
    "optimiser.decay_exempt",
    "schedule.steps.epochs",
    "schedule.steps.factor",
    "schedule.linear.constant_epochs",
    "finetune.train_on_validation",
    "finetune.loss",
    "finetune.standardise",
    "finetune.select",
    "finetune.class_weights",
];

/// Returns the current name of a setting or section of an earlier version.
pub(super) fn moved(key: &str) -> Option<String> {
    MOVED.iter().find_map(|(before, now)| {
        let rest = key.strip_prefix(before)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{now}{rest}"))
    })
}
