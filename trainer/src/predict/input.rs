//! Inputs of predictions: feature stores or structures.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use etl::source::{InputKind, SourceKind, detect};
use schemas::StoreError;
use schemas::layout::is_begun;
use schemas::reader::Shard;
use schemas::settings::FeatureSettings;

use crate::data::{DataError, Sources};
use crate::predict::error::PredictError;

/// Inputs whose kind is known.
#[derive(Debug)]
pub enum Input {
    /// Shards with the features of the models.
    Stores(Sources),
    /// Structures to featurise.
    Structures {
        /// Kind of the structures.
        kind: InputKind,
        /// Files, folders and archives in order.
        paths: Vec<PathBuf>,
    },
}

impl Input {
    /// Determines the kind of the inputs. Shards, stores, folders of stores and patterns are stores unless `kind` is
    /// given. Anything else is structures, whose kind is determined unless it is given. CIFs and POSCARs may be
    /// mixed.
    ///
    /// # Errors
    /// [`PredictError`] if there is no input, the inputs are of several kinds, one cannot be read, or a store has
    /// other settings than `features`.
    pub fn find(
        paths: &[PathBuf],
        kind: Option<SourceKind>,
        features: &FeatureSettings,
    ) -> Result<Self, PredictError> {
        let Some(first) = paths.first() else { return Err(PredictError::NoInputs) };
        if let Some(kind) = kind {
            return Ok(Self::Structures { kind: kind.into(), paths: paths.to_vec() });
        }
        let stores: Vec<Option<PathBuf>> = paths.iter().map(|path| store_at(path)).collect();
        let other = paths.iter().zip(&stores).find(|(path, store)| match store {
            None => true,
            // A folder of stores that also holds structures.
            Some(store) => store != *path && path.is_dir() && kind_of(path).is_ok(),
        });
        match (stores.iter().flatten().next(), other) {
            (Some(store), Some((other, _))) => {
                Err(PredictError::StoresAndStructures { store: store.clone(), other: other.clone() })
            }
            (Some(_), None) => {
                let names: Vec<String> =
                    paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
                Ok(Self::Stores(Sources::resolve(&names, Some(features))?))
            }
            (None, _) => {
                let kind = kind_of(first)?;
                for path in paths {
                    let other = kind_of(path)?;
                    if other != kind {
                        return Err(PredictError::DifferentKinds {
                            first: first.clone(),
                            first_kind: kind,
                            second: path.clone(),
                            second_kind: other,
                        });
                    }
                }
                Ok(Self::Structures { kind, paths: paths.to_vec() })
            }
        }
    }
}

/// Returns the kind of an input that is not a store.
fn kind_of(path: &Path) -> Result<InputKind, PredictError> {
    if !path.exists() {
        return Err(DataError::from(StoreError::Missing { path: path.to_owned() }).into());
    }
    detect(path).map_err(PredictError::Kind)
}

/// Returns the store or shard of an input, or the first one in a folder; `None` for structures. The reader of stores
/// refuses an unfinished store, and a sidecar without its store.
fn store_at(path: &Path) -> Option<PathBuf> {
    if path.is_dir() && !is_begun(path) {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.sort();
        return entries.into_iter().find(|entry| is_shard(entry) || (entry.is_dir() && is_begun(entry)));
    }
    // A path that does not exist is a pattern of shards, or an error of the reader of structures.
    let found = match (path.is_dir(), path.is_file()) {
        (true, _) => true,
        (_, true) => is_shard(path),
        _ => path.to_string_lossy().contains(['*', '?', '[']),
    };
    found.then(|| path.to_owned())
}

/// Whether a file is a shard of any version and in any state. A Parquet table of CIFs is not.
fn is_shard(path: &Path) -> bool {
    let foreign = |error| matches!(error, StoreError::FormatVersion { found, .. } if found == "none");
    path.extension() == Some(OsStr::new("parquet")) && !Shard::open(path, None).is_err_and(foreign)
}
