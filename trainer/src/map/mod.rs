//! A map of the crystals of shards: their embeddings along the two principal components, as a page.
//!
//! The map is linear and exact: the same embeddings give the same page. Methods that follow neighbourhoods instead (t-SNE,
//! UMAP) depend on seeds and threads in every implementation that could be used here, and what looks like a cluster in
//! them need not be one.

mod classes;
mod colouring;
mod page;
mod scale;

use std::path::PathBuf;

use schemas::property;

use crate::atomic;
use crate::data::Sources;
use crate::nearest::principal::principal_axes;
use crate::space::{Origin, Space, SpaceError, require_new};

use colouring::Colouring;
use page::Drawing;

/// The arguments of [`map`].
#[derive(Debug, Clone)]
pub struct Request {
    /// Where the embeddings come from.
    pub origin: Origin,
    /// Property whose numbers or texts colour the crystals, by its column.
    pub colour: Option<String>,
    /// Page to write.
    pub out: PathBuf,
    /// Whether to replace an existing map.
    pub overwrite: bool,
}

/// The result of [`map`].
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Number of crystals.
    pub crystals: usize,
    /// Number of crystals with a value of the property; `None` without one.
    pub coloured: Option<usize>,
    /// Share of the variance of the embeddings along each of the two axes.
    pub shares: [f64; 2],
    /// Whether the weights have no description, so that the defaults were taken.
    pub undescribed: bool,
}

/// Draws the map. Only another map is replaced.
///
/// # Errors
/// [`SpaceError`] as of [`Space::open`], for a property that no shard has or that is a list, and a page that already exists, is an input or
/// cannot be written. The page is complete or unchanged.
pub fn map(request: &Request) -> Result<Summary, SpaceError> {
    let Request { origin, colour, out, overwrite } = request;
    let space = Space::open(origin, |sources: &Sources| {
        require_new(out, *overwrite, sources, origin.files().cloned())?;
        if out.exists() && !page::is_own(out) {
            return Err(SpaceError::Foreign { path: out.clone() });
        }
        let columns: Vec<String> = colour.iter().cloned().collect();
        sources.require_properties(&columns)?;
        Ok(columns)
    })?;
    let components = principal_axes(&space.points, 2);
    let places = (0..space.points.len())
        .map(|row| {
            let along = components.project(space.points.row(row));
            (along.first().copied().unwrap_or(0.0), along.get(1).copied().unwrap_or(0.0))
        })
        .collect();
    let colouring = space.catalogue.columns.first().map(|values| Colouring::of(values));
    let shares = std::array::from_fn(|axis| components.shares.get(axis).copied().unwrap_or(0.0));
    let summary = Summary {
        crystals: space.points.len(),
        coloured: colouring.as_ref().map(Colouring::coloured),
        shares,
        undescribed: space.undescribed,
    };
    let page = page::page(&Drawing {
        material_ids: &space.catalogue.material_ids,
        formulas: &space.catalogue.formulas,
        places,
        shares,
        property: colour
            .as_deref()
            .map(|column| (column, property::by_column(column).map_or("1", |definition| definition.unit))),
        colouring,
        varying: space.standardisation.varying(),
        width: space.points.width(),
        vector: origin.vector.name(),
        origin: origin.metadata(),
    });
    atomic::write(out, |file| std::io::Write::write_all(file, page.into_string().as_bytes()))
        .map_err(SpaceError::write(out))?;
    Ok(summary)
}
