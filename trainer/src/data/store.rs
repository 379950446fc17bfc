//! Shards of a run: files, folders of stores and patterns, with checks that they fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use arrow::datatypes::{Field, SchemaRef};
use rayon::prelude::*;
use schemas::StoreError;
use schemas::layout::{FORMER_REJECTS_FOLDER, StorePaths, without_sidecars};
use schemas::manifest::{Manifest, ShardEntry};
use schemas::property::PropertyKind;
use schemas::reader::Shard;
use schemas::settings::{FeatureSettings, SettingsError};
use schemas::store::{LabelKind, label_kind};

use crate::data::error::DataError;
use crate::data::pattern;

/// Name of the split column of a store with a single split.
pub(crate) const SPLIT_COLUMN: &str = "split";
/// Name of the column of the official folds.
pub(crate) const FOLD_COLUMN: &str = "fold";

/// A readable shard.
#[derive(Debug, Clone)]
pub struct ShardSource {
    /// Path of the file.
    pub path: PathBuf,
    /// Number of crystals.
    pub rows: u64,
    /// Number of crystals in each row group.
    pub row_group_rows: Vec<u64>,
    /// Schema of the columns.
    pub schema: SchemaRef,
}

/// The shards of a run, in an order that does not depend on the arguments' order.
#[derive(Debug, Clone)]
pub struct Sources {
    shards: Vec<ShardSource>,
    settings: FeatureSettings,
}

impl Sources {
    /// Finds and opens the shards that the arguments name.
    ///
    /// An argument is a file, the folder of a store (the shards that its manifest lists), a folder of stores, or a
    /// pattern such as `data/*/*.parquet` that matches any of them. The sidecars of stores that are named as well, and
    /// the `rejects` folders of format version 1, are left out. A shard that is named twice is read once.
    ///
    /// The SHA-256 of a shard is checked against the manifest of its store, once per run. Parquet files as `etl` writes
    /// them have no checksums, and a number that changed on disk would otherwise be trained on.
    ///
    /// With `expected`, the settings of a model, all shards must have these settings. Otherwise all must have those
    /// of the first shard.
    ///
    /// # Errors
    /// [`DataError`] for an argument that names nothing, for a sidecar alone, for an unfinished store, for the first shard that is
    /// missing, truncated, damaged, not a shard or of other settings than `expected`, and for two stores of different
    /// settings.
    pub fn resolve(arguments: &[String], expected: Option<&FeatureSettings>) -> Result<Self, DataError> {
        let files = files(arguments)?;
        let mut settings = expected.cloned();
        let mut shards: Vec<ShardSource> = Vec::with_capacity(files.len());
        for path in files {
            let shard = Shard::open(&path, expected)?;
            if let (Some(settings), Some(first)) = (&settings, shards.first()) {
                let differs = |error| other_settings(&first.path, &path, error);
                settings.require(shard.settings()).map_err(differs)?;
            }
            settings.get_or_insert_with(|| shard.settings().clone());
            shards.push(ShardSource {
                rows: shard.rows(),
                row_group_rows: shard.row_group_rows(),
                schema: shard.schema().clone(),
                path,
            });
        }
        verify(&shards)?;
        match settings {
            Some(settings) if !shards.is_empty() => Ok(Self { shards, settings }),
            _ => Err(DataError::NoShards),
        }
    }

    /// Returns the shards in order.
    pub fn shards(&self) -> &[ShardSource] {
        &self.shards
    }

    /// Returns the settings of all shards.
    pub fn settings(&self) -> &FeatureSettings {
        &self.settings
    }

    /// Returns the number of crystals in all shards.
    pub fn rows(&self) -> u64 {
        self.shards.iter().map(|shard| shard.rows).sum()
    }

    /// Returns the number of row groups in all shards.
    pub fn row_groups(&self) -> usize {
        self.shards.iter().map(|shard| shard.row_group_rows.len()).sum()
    }

    /// Returns the names of the property columns that any shard has, in order.
    pub fn property_columns(&self) -> Vec<String> {
        self.columns(|field| matches!(label_kind(field), Some(LabelKind::Property(_))))
    }

    /// Whether a property column holds classes or booleans in some shard, and not numbers.
    pub fn has_classes(&self, column: &str) -> bool {
        let mut fields = self.shards.iter().filter_map(|shard| shard.schema.field_with_name(column).ok());
        let classes = [PropertyKind::Class, PropertyKind::Boolean].map(LabelKind::Property);
        fields.any(|field| label_kind(field).is_some_and(|kind| classes.contains(&kind)))
    }

    /// Whether a property column holds numbers of the sites in some shard.
    pub fn has_site_numbers(&self, column: &str) -> bool {
        let mut fields = self.shards.iter().filter_map(|shard| shard.schema.field_with_name(column).ok());
        fields.any(|field| label_kind(field) == Some(LabelKind::Property(PropertyKind::SiteNumbers)))
    }

    /// Returns the names of the split columns that any shard has, in order.
    pub fn split_columns(&self) -> Vec<String> {
        self.columns(|field| field.name() == SPLIT_COLUMN || label_kind(field) == Some(LabelKind::Split))
    }

    /// Checks that each of the property columns is in some shard.
    ///
    /// # Errors
    /// [`DataError::UnknownColumn`] for the first column that no shard has, with the existing ones.
    pub fn require_properties(&self, columns: &[String]) -> Result<(), DataError> {
        require("property", columns, self.property_columns())
    }

    /// Checks that the split column is in some shard.
    ///
    /// # Errors
    /// [`DataError::UnknownColumn`] if no shard has it, with the existing ones.
    pub fn require_split(&self, column: &str) -> Result<(), DataError> {
        require("split", &[column.to_owned()], self.split_columns())
    }

    fn columns(&self, wanted: impl Fn(&Field) -> bool) -> Vec<String> {
        let fields = self.shards.iter().flat_map(|shard| shard.schema.fields());
        let names: BTreeSet<&String> =
            fields.filter(|field| wanted(field)).map(|field| field.name()).collect();
        names.into_iter().cloned().collect()
    }
}

/// Returns the error for two shards of different settings. It names their stores, or the shards themselves if they
/// belong to none.
fn other_settings(first: &Path, second: &Path, error: SettingsError) -> DataError {
    let store = |shard: &Path| {
        let folder = shard.parent().filter(|folder| is_store(folder));
        folder.unwrap_or(shard).to_owned()
    };
    match error {
        SettingsError::Mismatch { key, found, expected, .. } => DataError::OtherSettings {
            first: store(first),
            second: store(second),
            key,
            first_value: expected,
            second_value: found,
        },
        source => StoreError::Settings { path: second.to_owned(), source }.into(),
    }
}

/// Checks every shard that the manifest of its folder lists, several in parallel.
fn verify(shards: &[ShardSource]) -> Result<(), DataError> {
    let mut manifests = BTreeMap::new();
    for folder in shards.iter().filter_map(|shard| shard.path.parent()) {
        if !manifests.contains_key(folder) && is_store(folder) {
            manifests.insert(folder, Manifest::read(folder)?);
        }
    }
    let entry = |shard: &ShardSource| -> Option<(&Path, &ShardEntry)> {
        let (folder, file) = (shard.path.parent()?, shard.path.file_name()?);
        let (folder, manifest) = manifests.get_key_value(folder)?;
        manifest.shards.iter().find(|entry| OsStr::new(&entry.file) == file).map(|entry| (*folder, entry))
    };
    // In order, so that the same fault is told whichever thread is faster.
    let checked: Vec<Result<(), StoreError>> = shards
        .par_iter()
        .map(|shard| entry(shard).map_or(Ok(()), |(folder, entry)| entry.verify(folder)))
        .collect();
    Ok(checked.into_iter().collect::<Result<(), StoreError>>()?)
}

/// Refuses the first column that is not available.
fn require(kind: &'static str, columns: &[String], available: Vec<String>) -> Result<(), DataError> {
    match columns.iter().find(|column| !available.contains(column)) {
        None => Ok(()),
        Some(column) => Err(DataError::UnknownColumn { kind, column: column.clone(), available }),
    }
}

/// Returns the files that the arguments of [`Sources::resolve`] name, each once, in its order.
///
/// # Errors
/// [`DataError`] for an argument that names nothing, for a sidecar alone and for an unfinished store.
pub(crate) fn files(arguments: &[String]) -> Result<Vec<PathBuf>, DataError> {
    let mut files = BTreeMap::new();
    for argument in without_sidecars(arguments.iter().map(PathBuf::from).collect())? {
        for path in find(&argument)? {
            let canonical = path.canonicalize().map_err(StoreError::io(&path))?;
            files.entry(canonical).or_insert(path);
        }
    }
    Ok(files.into_values().collect())
}

/// Returns the files that one argument names, at least one.
fn find(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    let argument = path.to_string_lossy();
    if path.is_dir() {
        return match shards_of_folder(path)? {
            Some(shards) if !shards.is_empty() => Ok(shards),
            Some(_) => Err(DataError::NothingMatches { pattern: argument.into_owned() }),
            None => Err(absent(path)),
        };
    }
    if path.exists() {
        return Ok(vec![path.to_owned()]);
    }
    if !argument.contains(['*', '?', '[']) {
        return Err(absent(path));
    }
    let shards = matches(&argument)?;
    if shards.is_empty() {
        return Err(DataError::NothingMatches { pattern: argument.into_owned() });
    }
    Ok(shards)
}

/// Returns the shards among the matches of a pattern: Parquet files, and the shards of matching folders.
fn matches(pattern: &str) -> Result<Vec<PathBuf>, DataError> {
    let paths = pattern::matches(pattern).map_err(|fault| fault.of(pattern))?;
    let mut shards = Vec::new();
    for path in without_sidecars(paths)? {
        let in_rejects = path.parent().and_then(Path::file_name) == Some(OsStr::new(FORMER_REJECTS_FOLDER));
        if path.is_dir() {
            match shards_of_folder(&path)? {
                Some(found) => shards.extend(found),
                None if StorePaths::find(&path).is_unfinished() => return Err(absent(&path)),
                None if parquet_files(&path)?.is_empty() || path.ends_with(FORMER_REJECTS_FOLDER) => {}
                None => return Err(absent(&path)),
            }
        } else if is_parquet(&path) && !in_rejects {
            shards.push(path);
        }
    }
    Ok(shards)
}

/// Returns the error for a path that is not a finished store.
fn absent(path: &Path) -> DataError {
    match StorePaths::find(path).absence() {
        StoreError::NotAStore { path, manifest } => DataError::NotAStore { path, manifest },
        other => other.into(),
    }
}

/// Returns the shards that the manifest of a store lists, or those of all stores in a folder of stores; `None` if the
/// folder is neither. The stores must be finished.
fn shards_of_folder(folder: &Path) -> Result<Option<Vec<PathBuf>>, DataError> {
    if is_store(folder) {
        let manifest = Manifest::read(folder)?;
        return Ok(Some(manifest.shards.into_iter().map(|shard| folder.join(shard.file)).collect()));
    }
    let entries = without_sidecars(entries(folder)?)?;
    let stores: Vec<&PathBuf> = entries.iter().filter(|entry| is_store(entry)).collect();
    if let Some(unfinished) = entries.iter().find(|entry| StorePaths::find(entry).is_unfinished()) {
        return Err(absent(unfinished));
    }
    if stores.is_empty() {
        return Ok(None);
    }
    let mut shards = Vec::new();
    for store in stores {
        shards.extend(shards_of_folder(store)?.unwrap_or_default());
    }
    Ok(Some(shards))
}

fn is_store(folder: &Path) -> bool {
    StorePaths::find(folder).is_finished()
}

fn is_parquet(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("parquet"))
}

/// Returns the Parquet files directly in a folder.
fn parquet_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    Ok(entries(folder)?.into_iter().filter(|entry| is_parquet(entry)).collect())
}

/// Returns the entries of a folder, sorted by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let listed = std::fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    let mut paths = listed.map_err(StoreError::io(folder))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
