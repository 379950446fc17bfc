//! The crystals of shards that are nearest to others in the space of an encoder's embeddings.
//!
//! * `query`: identifiers and structures that are asked for
//! * [`table`]: the neighbours as a table

mod query;
pub mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use etl::pipeline::Bounds;
use etl::source::SourceKind;
use schemas::manifest::NotedEntries;

use crate::atomic;
use crate::nearest::{Neighbour, Query};
use crate::space::{Origin, Space, SpaceError, require_new};
use crate::table::{RecordWriter, TableFormat};

use query::Asked;
pub use table::Row;

/// Number of neighbours unless another is asked for.
pub const DEFAULT_NEIGHBOURS: usize = 10;

/// The arguments of [`neighbours`](fn@neighbours).
#[derive(Debug, Clone)]
pub struct Request {
    /// Where the embeddings come from.
    pub origin: Origin,
    /// Identifiers of crystals of the shards; files, folders and archives of structures.
    pub queries: Vec<String>,
    /// Kind of the structures; determined from the files if `None`.
    pub kind: Option<SourceKind>,
    /// Bounds for structures.
    pub bounds: Bounds,
    /// Number of neighbours of each crystal, at least 1.
    pub k: usize,
    /// Table to write, besides the rows that are returned. The ending chooses the format.
    pub out: Option<PathBuf>,
    /// Whether to replace an existing table.
    pub overwrite: bool,
    /// Number of threads that featurise structures, at least 1.
    pub threads: usize,
}

/// The result of [`neighbours`](fn@neighbours).
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The neighbours: query after query, the nearest first.
    pub rows: Vec<Row>,
    /// Number of crystals of the shards.
    pub crystals: usize,
    /// Whether the weights have no description, so that the defaults were taken.
    pub undescribed: bool,
    /// Remarks about structures, by code.
    pub noted: BTreeMap<String, NotedEntries>,
}

/// Finds the nearest crystals of the shards for every query. A crystal is not its own neighbour; of those equally far,
/// the first by its identifier comes first. See [`crate::space`] for the distance.
///
/// # Errors
/// [`SpaceError`] for a query that is neither a crystal nor a file or cannot be read, those of [`Space::open`], and a
/// table that already exists, is an input or cannot be written. The table is complete or unchanged.
pub fn neighbours(request: &Request) -> Result<Found, SpaceError> {
    if request.k == 0 {
        return Err(SpaceError::Setting { setting: "k", value: 0.0, expected: "at least 1" });
    }
    let format = request.out.as_deref().map(TableFormat::of).transpose()?;
    let space = Space::open(&request.origin, |sources| {
        let Some(out) = &request.out else { return Ok(Vec::new()) };
        let queries = request.queries.iter().map(PathBuf::from).filter(|path| path.exists());
        require_new(out, request.overwrite, sources, request.origin.files().cloned().chain(queries))?;
        Ok(Vec::new())
    })?;
    let Asked { crystals, noted } = query::asked(request, &space)?;
    let queries: Vec<Query<'_>> =
        crystals.iter().map(|asked| Query { point: &asked.point, except: asked.place }).collect();
    let found = space.points.nearest(&queries, request.k);
    let row = |asked: &query::Crystal, rank: usize, near: &Neighbour| Row {
        query: asked.material_id.clone(),
        query_formula: asked.formula.clone(),
        rank: rank as u32 + 1,
        material_id: space.catalogue.material_ids[near.row].to_string(),
        formula: space.catalogue.formulas[near.row].to_string(),
        distance: near.distance,
    };
    let rows: Vec<Row> = crystals
        .iter()
        .zip(&found)
        .flat_map(|(asked, found)| found.iter().enumerate().map(move |(rank, near)| row(asked, rank, near)))
        .collect();
    if let (Some(out), Some(format)) = (&request.out, format) {
        atomic::write(out, |file| {
            let mut table = RecordWriter::new(file, format, request.origin.metadata())?;
            rows.iter().try_for_each(|row| table.write(row.clone()))?;
            table.finish()
        })
        .map_err(SpaceError::write(out))?;
    }
    Ok(Found { rows, crystals: space.catalogue.len(), undescribed: space.undescribed, noted })
}
