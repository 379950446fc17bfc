//! What the inputs are: feature stores, or structures of one kind.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use etl::source::{SourceKind, detect};
use schemas::StoreError;
use schemas::manifest::MANIFEST_FILE;
use schemas::reader::Shard;
use schemas::settings::FeatureSettings;

use crate::data::{DataError, Sources};
use crate::predict::error::PredictError;

/// Inputs that were looked at.
#[derive(Debug)]
pub enum Input {
    /// Shards whose features the models understand.
    Stores(Sources),
    /// Structures still to be featurised.
    Structures {
        /// How they are read.
        kind: SourceKind,
        /// Files, folders and archives in order.
        paths: Vec<PathBuf>,
    },
}

impl Input {
    /// Looks at the inputs. A shard, a store, a folder of stores and a pattern are stores, unless
    /// `kind` says otherwise; anything else is structures, whose kind is found out where it is not
    /// given.
    ///
    /// # Errors
    /// [`PredictError`] if there is no input, the inputs are not all of one kind, one cannot be read,
    /// or a store was made with other settings than `features`.
    pub fn find(
        paths: &[PathBuf],
        kind: Option<SourceKind>,
        features: &FeatureSettings,
    ) -> Result<Self, PredictError> {
        let Some(first) = paths.first() else { return Err(PredictError::NoInputs) };
        if let Some(kind) = kind {
            return Ok(Self::Structures { kind, paths: paths.to_vec() });
        }
        let stores: Vec<bool> = paths.iter().map(|path| is_store(path)).collect();
        let named = |stored: bool| paths.iter().zip(&stores).find(|(_, store)| **store == stored);
        match (named(true), named(false)) {
            (Some((store, _)), Some((other, _))) => {
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

/// The kind of an input that is no store.
fn kind_of(path: &Path) -> Result<SourceKind, PredictError> {
    if !path.exists() {
        return Err(DataError::Missing { path: path.to_owned() }.into());
    }
    detect(path).map_err(PredictError::Kind)
}

/// Whether an input is to be read as shards.
fn is_store(path: &Path) -> bool {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        return path.join(MANIFEST_FILE).is_file()
            || entries.map(|entry| entry.path()).any(|entry| {
                // Shards without a manifest are an unfinished store, which its reader reports.
                is_shard(&entry) || entry.join(MANIFEST_FILE).is_file()
            });
    }
    if path.is_file() { is_shard(path) } else { path.to_string_lossy().contains(['*', '?', '[']) }
}

/// Whether a file is a Parquet file of this format, in whatever version and state; a table of CIFs
/// is not.
fn is_shard(path: &Path) -> bool {
    let foreign = |error| matches!(error, StoreError::FormatVersion { found, .. } if found == "none");
    path.extension() == Some(OsStr::new("parquet")) && !Shard::open(path, None).is_err_and(foreign)
}
