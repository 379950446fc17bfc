//! Predictions of a member for its validation part, beside its weights, where that part has chosen nothing. Intervals are
//! made of them ([`crate::report::interval`]).

use std::io::Write;
use std::path::{Path, PathBuf};

use schemas::bounded;
use schemas::hash::file_sha256;
use serde::{Deserialize, Serialize};

use super::validated::Validated;
use crate::atomic;
use crate::error::TrainError;
use crate::run::folder::VALIDATION_FILE;

/// Maximum number of bytes of the file.
const MAX_BYTES: u64 = 1 << 30;

/// Predictions of a member for its validation part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// The crystals, in the order of the shards.
    pub crystals: Vec<Validated>,
}

impl Calibration {
    /// Returns the path of the file of a weights file.
    fn path(weights: &Path) -> PathBuf {
        weights.with_file_name(VALIDATION_FILE)
    }

    /// Reads the file beside a weights file; `None` if there is none, or if it is of other weights.
    ///
    /// # Errors
    /// [`TrainError::Calibration`] for a file that cannot be read, or is none of this kind.
    pub fn read(weights: &Path) -> Result<Option<Self>, TrainError> {
        let path = Self::path(weights);
        if !path.exists() {
            return Ok(None);
        }
        let broken = |reason: String| TrainError::Calibration { path: path.clone(), reason };
        let text = bounded::read(&path, MAX_BYTES).map_err(|error| broken(error.to_string()))?;
        let calibration: Self = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
        let (sha256, _) = file_sha256(weights).map_err(|error| broken(error.to_string()))?;
        Ok((calibration.weights_sha256 == sha256).then_some(calibration))
    }

    /// Writes the file beside a weights file.
    ///
    /// # Errors
    /// [`TrainError::Write`], [`TrainError::NotFinite`] for the first crystal with a prediction that is not finite, or
    /// [`TrainError::Calibration`] if the weights cannot be read.
    pub fn write(weights: &Path, crystals: Vec<Validated>) -> Result<(), TrainError> {
        let path = Self::path(weights);
        // JSON has no word for them, and a file with null would not be read.
        let is_broken =
            |crystal: &&Validated| crystal.predictions.iter().any(|prediction| !prediction.is_finite());
        if let Some(Validated { material_id, .. }) = crystals.iter().find(is_broken) {
            return Err(TrainError::NotFinite {
                weights: weights.to_owned(),
                quantity: "prediction",
                material_id: material_id.clone(),
            });
        }
        let (weights_sha256, _) = file_sha256(weights).map_err(|error| TrainError::Calibration {
            path: weights.to_owned(),
            reason: error.to_string(),
        })?;
        let calibration = Self { weights_sha256, crystals };
        atomic::write(&path, |out| {
            serde_json::to_writer(&mut *out, &calibration)?;
            out.write_all(b"\n")
        })
        .map_err(|source| TrainError::Write { path: path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_that_of_its_weights() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let weights = folder.path().join("best.safetensors");
        std::fs::write(&weights, "weights").expect("it is writable");
        assert_eq!(Calibration::read(&weights).expect("none is no fault"), None);
        let crystals = [0.1, -1e-300]
            .map(|prediction| Validated {
                material_id: "m".to_owned(),
                targets: vec![Some(1.5), None],
                predictions: vec![prediction],
            })
            .to_vec();
        Calibration::write(&weights, crystals.clone()).expect("it is writable");
        let read = Calibration::read(&weights).expect("it is readable").expect("it is there");
        assert_eq!(read.crystals, crystals);
        std::fs::write(&weights, "others").expect("it is writable");
        assert_eq!(Calibration::read(&weights).expect("another's is no fault"), None);
        let mut broken = crystals;
        broken[1].material_id = "n".to_owned();
        broken[1].predictions = vec![f64::NAN];
        let error = Calibration::write(&weights, broken).expect_err("no number").to_string();
        assert!(error.contains("best.safetensors: the prediction of n is not finite"), "{error}");
        let text =
            r#"{"weights_sha256":"0","crystals":[{"material_id":"m","targets":[1.5],"predictions":[null]}]}"#;
        std::fs::write(folder.path().join(VALIDATION_FILE), text).expect("it is writable");
        let error = Calibration::read(&weights).expect_err("no number").to_string();
        assert!(error.contains("a prediction is null, which is no number"), "{error}");
        std::fs::write(folder.path().join(VALIDATION_FILE), "{\"crystals\": 3}").expect("it is writable");
        let error = Calibration::read(&weights).expect_err("not of this kind").to_string();
        assert!(error.contains(VALIDATION_FILE), "{error}");
    }
}
