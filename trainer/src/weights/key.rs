//! Keys of the description of weights in the metadata of their file; [`super::description`] says what they hold.

/// Key of the encoder's kind.
pub const KIND_KEY: &str = "mmpt.kind";
/// Key of the encoder's settings, a JSON object.
pub const CONFIG_KEY: &str = "mmpt.config";
/// Key of the pre-training's method.
pub const METHOD_KEY: &str = "mmpt.method";
/// Key of the pre-training's settings, a JSON object.
pub const PRETRAIN_KEY: &str = "mmpt.pretrain";
/// Key of the labels in files of earlier versions, a JSON object.
pub(super) const EARLIER_LABELS_KEY: &str = "mmpt.pal";
/// Key of the lattice parameters' means, a JSON array.
pub const LATTICE_MEAN_KEY: &str = "mmpt.lattice_mean";
/// Key of the lattice parameters' standard deviations, a JSON array.
pub const LATTICE_STD_KEY: &str = "mmpt.lattice_std";
/// Key of the target of a fine-tuned model, a JSON object.
pub const TARGET_KEY: &str = "mmpt.target";
/// Key of the state of a run in a checkpoint, a JSON object.
pub const STATE_KEY: &str = "mmpt.state";
/// The keys of a description's metadata, without those of the features
/// ([`FeatureSettings::to_metadata`](schemas::settings::FeatureSettings::to_metadata)).
pub(super) const KEYS: [&str; 9] = [
    KIND_KEY,
    CONFIG_KEY,
    METHOD_KEY,
    PRETRAIN_KEY,
    EARLIER_LABELS_KEY,
    LATTICE_MEAN_KEY,
    LATTICE_STD_KEY,
    TARGET_KEY,
    STATE_KEY,
];
