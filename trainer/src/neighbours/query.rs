//! Crystals whose neighbours are asked for: of the shards by their identifiers, or new structures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crystal::composition::conventional_formula;
use etl::pipeline::featurise::{FeaturiseRequest, featurise};
use schemas::manifest::NotedEntries;

use super::Request;
use crate::data::stored::StoredCrystal;
use crate::predict::input::Input;
use crate::space::{Space, SpaceError};

/// A crystal whose neighbours are asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Crystal {
    /// Identifier.
    pub(super) material_id: String,
    /// Conventional formula.
    pub(super) formula: String,
    /// Place in the catalogue, for a crystal of the shards.
    pub(super) place: Option<usize>,
    /// Standardised point.
    pub(super) point: Vec<f32>,
}

/// What was asked for, with remarks about structures by code.
pub(super) struct Asked {
    pub(super) crystals: Vec<Crystal>,
    pub(super) noted: BTreeMap<String, NotedEntries>,
}

/// Returns the crystals of all queries in their order. An identifier of the shards comes before a file of that name.
///
/// # Errors
/// [`SpaceError`] for the first query that is neither, a file without structures, and the first structure that is
/// rejected: who asks for one wants to know of it.
pub(super) fn asked(request: &Request, space: &Space) -> Result<Asked, SpaceError> {
    let mut asked = Asked { crystals: Vec::new(), noted: BTreeMap::new() };
    for query in &request.queries {
        if let Some(place) = space.catalogue.find(query) {
            asked.crystals.push(Crystal {
                material_id: query.clone(),
                formula: space.catalogue.formulas[place].to_string(),
                place: Some(place),
                point: space.points.row(place).to_vec(),
            });
            continue;
        }
        let path = PathBuf::from(query);
        if !path.exists() {
            return Err(SpaceError::UnknownQuery { query: query.clone() });
        }
        if !space.embeds() {
            return Err(SpaceError::NoWeights { query: query.clone() });
        }
        let structures = structures(request, space, path, &mut asked.noted)?;
        let names: Vec<(String, String)> = structures
            .iter()
            .map(|crystal| {
                let input = crystal.input();
                (input.material_id.to_owned(), conventional_formula(input.atomic_numbers))
            })
            .collect();
        let points = space.embed(structures, &request.origin.data)?;
        let points = points.chunks_exact(space.points.width());
        asked.crystals.extend(names.into_iter().zip(points).map(|((material_id, formula), point)| Crystal {
            material_id,
            formula,
            place: None,
            point: point.to_vec(),
        }));
    }
    Ok(asked)
}

/// Returns the structures of a file, folder or archive, at least one, with the features of the shards.
fn structures(
    request: &Request,
    space: &Space,
    path: PathBuf,
    noted: &mut BTreeMap<String, NotedEntries>,
) -> Result<Vec<StoredCrystal>, SpaceError> {
    let settings = space.sources().settings();
    let kind = match Input::find(std::slice::from_ref(&path), request.kind, settings)? {
        Input::Structures { kind, .. } => kind,
        // Its crystals belong to the shards, where they are found by their identifiers.
        Input::Stores(_) => return Err(SpaceError::UnknownQuery { query: path.display().to_string() }),
    };
    let blocks = featurise(&FeaturiseRequest {
        kind,
        inputs: vec![path.clone()],
        settings: settings.clone(),
        bounds: request.bounds,
        threads: request.threads,
    })?;
    let mut crystals = Vec::new();
    for block in blocks {
        let block = block?;
        if let Some(reject) = block.rejects.first() {
            return Err(SpaceError::Rejected {
                path: reject.origin.file.to_string(),
                reason: reject.reason,
                message: reject.message.clone(),
            });
        }
        for note in &block.notes {
            noted.entry(note.code.to_owned()).or_default().add(|| note.to_string());
        }
        crystals.extend(StoredCrystal::of_blocks(&block.crystals)?);
    }
    if crystals.is_empty() { Err(SpaceError::NoStructures { path }) } else { Ok(crystals) }
}
