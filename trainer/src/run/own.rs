//! Recognition of a run's files. Other programs have files such as `config.toml` too. Each file is judged by itself,
//! since a copy of a run's file may lie among files of others.

use std::path::Path;

use schemas::bounded;
use schemas::settings::METADATA_PREFIX;

use super::{card, curves, metrics};
use crate::config::Config;
use crate::config::model::ModelKind;
use crate::weights;

/// Maximum number of bytes of a list of crystals that is read.
const MAX_LIST_BYTES: u64 = 256 << 20;

/// Beginning of the keys in the metadata of a record of training crystals.
const DOMAIN_PREFIX: &str = "domain.";
/// Beginning of a file with the predictions for a validation part. It may have hundreds of megabytes.
const VALIDATION_BEGINNING: &[u8] = b"{\"weights_sha256\":";

/// A check whether a file is one of a run.
pub(super) type Mark = fn(&Path) -> bool;

/// Whether a file is a configuration that a run has written, with all keys.
pub(super) fn is_config(path: &Path) -> bool {
    Config::is_recorded(path)
}

/// Whether a file has records of a run. The beginning of a record is enough, as on a full disk.
pub(super) fn is_metrics(path: &Path) -> bool {
    bounded::begins_with(path, metrics::BEGINNING).unwrap_or(false)
}

/// Whether a file has records of a run, or is only a part of the beginning of a record.
pub(super) fn may_be_metrics(path: &Path) -> bool {
    let beginning = bounded::read(path, metrics::BEGINNING.len() as u64);
    is_metrics(path) || beginning.is_ok_and(|beginning| metrics::BEGINNING.starts_with(&beginning))
}

/// Whether a file is a weights file or checkpoint with a description, however damaged its values are.
pub(super) fn is_weights(path: &Path) -> bool {
    weights::file::has_keys(path, METADATA_PREFIX)
}

/// Whether a file has the embeddings of training crystals, however damaged its values are.
pub(super) fn is_domain(path: &Path) -> bool {
    weights::file::has_keys(path, DOMAIN_PREFIX)
}

/// Whether a file is a model card.
pub(super) fn is_card(path: &Path) -> bool {
    let mut beginnings = ModelKind::ALL.into_iter().flat_map(card::beginnings);
    beginnings.any(|beginning| bounded::begins_with(path, beginning.as_bytes()).unwrap_or(false))
}

/// Whether a file has the loss curves of a run.
pub(super) fn is_curves(path: &Path) -> bool {
    bounded::begins_with(path, curves::BEGINNING.as_bytes()).unwrap_or(false)
}

/// Whether a file lists the crystals on which a run has diverged.
pub(super) fn is_divergence(path: &Path) -> bool {
    let listed = bounded::read(path, MAX_LIST_BYTES);
    let listed = listed.ok().and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    listed.is_some_and(|listed| {
        ["quantity", "epoch", "material_ids"].iter().all(|key| listed.get(key).is_some())
    })
}

/// Whether a file has the predictions for a validation part.
pub(super) fn is_validation(path: &Path) -> bool {
    bounded::begins_with(path, VALIDATION_BEGINNING).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn only_what_a_run_writes_is_known() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        let marks: [(&str, Mark); 7] = [
            ("config", is_config),
            ("metrics", is_metrics),
            ("weights", is_weights),
            ("card", is_card),
            ("curves", is_curves),
            ("divergence", is_divergence),
            ("validation", is_validation),
        ];
        let known = || -> Vec<&str> {
            marks.iter().filter_map(|(name, mark)| mark(&path).then_some(*name)).collect()
        };
        assert!(known().is_empty(), "nothing is there");
        for foreign in
            ["", "seed = 1\n", "[server]\nport = 80\n", "{\"step\": 1}\n", "# A model\n", "<svg width=\"9\">"]
        {
            std::fs::write(&path, foreign).expect("it is writable");
            assert!(known().is_empty(), "{foreign}");
        }
        let ours = [
            ("config", Config::default().to_toml().into_bytes()),
            ("metrics", [metrics::BEGINNING, b"\"st"].concat()),
            ("card", card::beginnings(ModelKind::Mmpt)[1].clone().into_bytes()),
            ("curves", [curves::BEGINNING, "width"].concat().into_bytes()),
            ("divergence", b"{\"quantity\": \"loss\", \"epoch\": 1, \"material_ids\": []}".to_vec()),
            ("validation", b"{\"weights_sha256\":\"0\",\"crystals\":[]}".to_vec()),
        ];
        for (name, bytes) in ours {
            std::fs::write(&path, bytes).expect("it is writable");
            assert_eq!(known(), [name]);
        }
        let short = &metrics::BEGINNING[..4];
        std::fs::write(&path, short).expect("it is writable");
        assert!(known().is_empty() && may_be_metrics(&path), "too short to tell");
        std::fs::write(&path, "year").expect("it is writable");
        assert!(!may_be_metrics(&path));
    }

    #[test]
    fn weights_are_known_by_what_they_say_of_themselves() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("best.safetensors");
        let write = |key: &str| {
            let metadata = BTreeMap::from([(key.to_owned(), "{}".to_owned())]);
            weights::write(&path, &metadata, []).expect("it is writable");
            is_weights(&path)
        };
        assert!(!write("format"), "of another program");
        assert!(!write("domain.elements") && is_domain(&path));
        assert!(write(weights::key::CONFIG_KEY) && !is_domain(&path));
        let mut bytes = std::fs::read(&path).expect("it is there");
        bytes.extend([7; 9]);
        std::fs::write(&path, &bytes).expect("it is writable");
        assert!(is_weights(&path), "damaged behind its header");
    }
}
