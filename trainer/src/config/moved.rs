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
    "schedule.cosine.cycles",
    "schedule.steps.epochs",
    "schedule.steps.factor",
    "schedule.linear.constant_epochs",
    "schedule.plateau.factor",
    "schedule.plateau.patience",
    "schedule.plateau.threshold",
    "pretrain.denoise.displacement",
    "pretrain.denoise.strain",
    "pretrain.denoise.strain_weight",
    "pretrain.denoise.hidden_types",
    "pretrain.denoise.type_weight",
    "pretrain.denoise.weight",
    "pretrain.denoise.head_width",
    "average.kind",
    "average.decay",
    "average.first_epoch",
    "noise.displacement",
    "noise.strain",
    "noise.weights",
    "noise.gradient",
    "noise.gradient_decay",
    "finetune.layer_decay",
    "finetune.noise_weight",
    "finetune.validation",
    "finetune.huber_delta",
    "finetune.quantile",
    "finetune.train_on_validation",
    "finetune.loss",
    "finetune.standardise",
    "finetune.select",
    "finetune.snapshots",
    "finetune.class_weights",
];

/// Returns the current name of a setting or section of an earlier version.
pub(super) fn moved(key: &str) -> Option<String> {
    MOVED.iter().find_map(|(before, now)| {
        let rest = key.strip_prefix(before)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{now}{rest}"))
    })
}
