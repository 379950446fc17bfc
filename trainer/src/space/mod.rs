//! The crystals of shards as points in the space of an encoder's embeddings.
//!
//! * [`Space`]: catalogue, points and what standardises new ones
//! * [`catalogue`]: identifiers, formulas and columns of the shards
//! * `stored`: tables of embeddings that were written before
//!
//! A point is one vector of a crystal ([`Vector`]), standardised over the crystals of the shards ([`Standardisation`]):
//! the numbers of an encoder have no unit in common, and without that a few large ones would decide alone. A distance is
//! the root mean square of the differences in standard deviations; two crystals drawn at random are about 1.4 apart.

pub mod catalogue;
mod error;
mod stored;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::output;

use crate::config::DataConfig;
use crate::data::stored::StoredCrystal;
use crate::data::{DataError, Selection, Sources, Stream, Subset};
use crate::device::DeviceName;
use crate::embed::{Embedder, Vector};
use crate::error::TrainError;
use crate::nearest::{NotFinite, Points, Standardisation};

use catalogue::Catalogue;
pub use error::SpaceError;
use stored::StoredEmbeddings;

/// Where embeddings come from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Weights file or checkpoint. Needed without a table, and for new structures.
    pub weights: Option<PathBuf>,
    /// Table of embeddings of the same shards, as Parquet.
    pub embeddings: Option<PathBuf>,
    /// Shards and limits of the batches.
    pub data: DataConfig,
    /// The vector of a crystal.
    pub vector: Vector,
    /// The device of the model.
    pub device: DeviceName,
}

impl Origin {
    /// Returns the files that are read, but for the shards.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.weights.iter().chain(&self.embeddings)
    }

    /// Returns the metadata of a Parquet table: where the embeddings come from, and which they are.
    pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
        let named = |path: &PathBuf| path.display().to_string();
        let weights = self.weights.as_ref().map(|path| ("weights", named(path)));
        let table = self.embeddings.as_ref().map(|path| ("embeddings", named(path)));
        weights.into_iter().chain(table).chain([("vector", self.vector.name().to_owned())]).collect()
    }
}

/// Refuses an output that is an input or, unless `overwrite`, exists.
///
/// # Errors
/// [`SpaceError::OutputIsInput`] or [`SpaceError::Exists`].
pub(crate) fn require_new(
    out: &Path,
    overwrite: bool,
    sources: &Sources,
    files: impl IntoIterator<Item = PathBuf>,
) -> Result<(), SpaceError> {
    let shards = sources.shards().iter().map(|shard| shard.path.clone());
    output::require_apart(out, shards.chain(files))?;
    if out.exists() && !overwrite {
        return Err(SpaceError::Exists { path: out.to_owned() });
    }
    Ok(())
}

/// The crystals of shards as points.
pub struct Space {
    /// The crystals, in order of their identifiers.
    pub catalogue: Catalogue,
    /// Standardised points, in the order of the catalogue.
    pub points: Points,
    /// Means and standard deviations by which `points` were standardised.
    pub standardisation: Standardisation,
    /// Whether weights were read that have no description, so that the defaults were taken.
    pub undescribed: bool,
    sources: Arc<Sources>,
    vector: Vector,
    embedder: Option<Embedder>,
}

impl Space {
    /// Opens the shards, and embeds their crystals or reads their embeddings. `prepare` sees the shards before anything is
    /// computed, and names the columns of single values that the catalogue gets.
    ///
    /// # Errors
    /// [`SpaceError`] for weights, a table and shards that cannot be read or do not belong together, an embedding that is
    /// not finite, and the error of `prepare`.
    pub fn open(
        origin: &Origin,
        prepare: impl FnOnce(&Sources) -> Result<Vec<String>, SpaceError>,
    ) -> Result<Self, SpaceError> {
        let Origin { weights, embeddings, data, vector, device } = origin;
        let embedder = weights.as_ref().map(|path| Embedder::load(path, *device)).transpose()?;
        if embedder.is_none() && embeddings.is_none() {
            return Err(SpaceError::NoEmbeddings);
        }
        if let (Some(embedder), Some(path)) = (&embedder, weights)
            && embedder.width(*vector) == 0
        {
            return Err(SpaceError::NoVector { path: path.clone(), vector: vector.name() });
        }
        if data.shards.is_empty() {
            return Err(TrainError::NoShards.into());
        }
        let expected = embedder.as_ref().filter(|embedder| embedder.described()).map(Embedder::features);
        let sources = Arc::new(Sources::resolve(&data.shards, expected)?);
        let columns = prepare(&sources)?;
        let stored = match embeddings {
            None => None,
            Some(path) => {
                let stored = StoredEmbeddings::open(path, *vector)?;
                if let (Some(embedder), Some(weights)) = (&embedder, weights) {
                    let expected = embedder.sha256()?;
                    if stored.weights_sha256 != expected {
                        let (path, weights) = (path.clone(), weights.clone());
                        return Err(SpaceError::OtherWeights {
                            path,
                            weights,
                            found: stored.weights_sha256,
                            expected,
                        });
                    }
                }
                Some(stored)
            }
        };
        let catalogue = Catalogue::read(&sources, &columns)?;
        if catalogue.is_empty() {
            return Err(DataError::EmptySubset { subset: Subset::All.to_string(), crystals: 0 }.into());
        }
        let (mut values, width) = match (stored, &embedder) {
            (Some(stored), _) => {
                let width = stored.width;
                (stored.read(&catalogue, &sources)?, width)
            }
            (None, Some(embedder)) => {
                (embedded(embedder, &sources, data, *vector, &catalogue)?, embedder.width(*vector))
            }
            (None, None) => return Err(SpaceError::NoEmbeddings),
        };
        require_finite(&values, width, *vector, |row| catalogue.material_ids[row].to_string())?;
        let standardisation = Standardisation::of(&values, width);
        standardisation.apply(&mut values);
        let not_finite = |NotFinite { row, column, value }| SpaceError::NotFinite {
            material_id: catalogue.material_ids[row].to_string(),
            vector: vector.name(),
            column,
            value,
        };
        let points = Points::new(values, width).map_err(not_finite)?;
        let undescribed = embedder.as_ref().is_some_and(|embedder| !embedder.described());
        Ok(Self { catalogue, points, standardisation, undescribed, sources, vector: *vector, embedder })
    }

    /// Returns the shards.
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// Whether new structures can be embedded.
    pub fn embeds(&self) -> bool {
        self.embedder.is_some()
    }

    /// Embeds new crystals, and returns their standardised points, `[len, width]`; none without weights.
    ///
    /// # Errors
    /// [`SpaceError`] for crystals that make no batch and an embedding that is not finite.
    pub fn embed(&self, crystals: Vec<StoredCrystal>, data: &DataConfig) -> Result<Vec<f32>, SpaceError> {
        let Some(embedder) = &self.embedder else { return Err(SpaceError::NoEmbeddings) };
        let cutoff = self.sources.settings().cutoff_angstrom;
        let names: Vec<String> =
            crystals.iter().map(|crystal| crystal.input().material_id.to_owned()).collect();
        let stream = Stream::<f32>::of_crystals(crystals.into_iter(), cutoff, embedder.settings(data))?;
        let mut values = Vec::new();
        for graph in stream {
            values.extend(embedder.vectors(graph?, cutoff, self.vector));
        }
        require_finite(&values, self.points.width(), self.vector, |row| names[row].clone())?;
        self.standardisation.apply(&mut values);
        // What is beyond single precision in these units is as far as it can be.
        values.iter_mut().for_each(|value| *value = value.clamp(f32::MIN, f32::MAX));
        Ok(values)
    }
}

/// Embeds all crystals of the shards into the order of the catalogue, `[len, width]`.
fn embedded(
    embedder: &Embedder,
    sources: &Arc<Sources>,
    data: &DataConfig,
    vector: Vector,
    catalogue: &Catalogue,
) -> Result<Vec<f32>, SpaceError> {
    let width = embedder.width(vector);
    let cutoff = sources.settings().cutoff_angstrom;
    let stream = Stream::<f32>::open(&Selection::new(sources, Subset::All)?, embedder.settings(data))?;
    let mut values = vec![0.0; catalogue.len() * width];
    let mut places = catalogue.places.iter();
    for graph in stream {
        let vectors = embedder.vectors(graph?, cutoff, vector);
        for (row, &place) in vectors.chunks_exact(width).zip(&mut places) {
            let place = place as usize;
            values[place * width..(place + 1) * width].copy_from_slice(row);
        }
    }
    Ok(values)
}

/// Refuses a vector that is not finite. `name` says which crystal a row is of.
fn require_finite(
    values: &[f32],
    width: usize,
    vector: Vector,
    name: impl Fn(usize) -> String,
) -> Result<(), SpaceError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(place) => Err(SpaceError::NotFinite {
            material_id: name(place / width),
            vector: vector.name(),
            column: place % width,
            value: values[place],
        }),
    }
}
