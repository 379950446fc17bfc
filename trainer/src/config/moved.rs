//! Where the settings of earlier versions are now.

/// Keys, or beginnings of keys, and what they became; the first that fits counts.
const MOVED: &[(&str, &str)] = &[
    ("model.masking", "pretrain.mmpt.masking"),
    ("model.decoder_width", "pretrain.mmpt.decoder_width"),
    ("model", "model.mmpt"),
    ("pal", "pretrain.mmpt"),
    ("loss", "pretrain.mmpt.loss"),
];

/// Settings that no earlier version had.
pub(super) const NEW: &[&str] = &["model.kind", "pretrain.method"];

/// Today's name of what may be a setting, or section, of an earlier version.
pub(super) fn moved(key: &str) -> Option<String> {
    MOVED.iter().find_map(|(before, now)| {
        let rest = key.strip_prefix(before)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{now}{rest}"))
    })
}
