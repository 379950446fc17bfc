//! `etl inspect`: a single crystal of a store, with its neighbours by shell. `etl columns`: what the columns are.

pub mod columns;
mod shells;
mod similar;
mod text;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use crystal::composition::conventional_formula;
use crystal::element::symbol;
use crystal::math::row_times;
use schemas::StoreError;
use schemas::count::counted;
use schemas::manifest::Manifest;
use schemas::property::PropertyKind;
use schemas::reader::Shard;
use schemas::store::{LabelKind, label_kind};
use schemas::view::{CrystalBatch, CrystalView};
use serde::Serialize;

pub use shells::{Neighbour, Shell};
use similar::Similar;

/// An error of inspecting a crystal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store has no crystal with this identifier.
    #[error(
        "{}: '{material_id}' is not among its {}{}",
        store.display(),
        counted(*crystals, "crystal"),
        suggestion(similar)
    )]
    NotFound {
        /// The store's folder.
        store: PathBuf,
        /// The identifier.
        material_id: String,
        /// Number of crystals in the store.
        crystals: u64,
        /// Similar identifiers in the store, the most similar first.
        similar: Vec<String>,
    },
}

/// Returns the end of the message of [`InspectError::NotFound`].
fn suggestion(similar: &[String]) -> String {
    if similar.is_empty() { String::new() } else { format!("; similar: {}", similar.join(", ")) }
}

/// The unit cell of a crystal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// Niggli cell in Å. The rows are the lattice vectors l1, l2, l3.
    pub lattice_vectors: [[f64; 3]; 3],
    /// Lengths a, b, c in Å.
    pub lengths: [f64; 3],
    /// Angles alpha, beta, gamma in degrees.
    pub angles: [f64; 3],
    /// Volume in Å³.
    pub volume: f64,
    /// Change of basis T from the published to the Niggli cell, as rows: `L = T · L0`.
    pub niggli_transform: [[i32; 3]; 3],
}

/// A property of a crystal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Property {
    /// The value; `None` if it is missing.
    pub value: Option<f64>,
    /// Unit; empty if unknown.
    pub unit: String,
}

/// A site and its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Site {
    /// Index of the site, counted from 0.
    pub site: usize,
    /// Element symbol.
    pub element: &'static str,
    /// Fractional coordinates in the Niggli cell.
    pub fractional: [f64; 3],
    /// Cartesian coordinates in Å.
    pub cartesian: [f64; 3],
    /// Shells of neighbours, the nearest first.
    pub shells: Vec<Shell>,
}

/// The complete content of a store about one crystal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// Identifier in the store.
    pub material_id: String,
    /// Name of the source.
    pub source: String,
    /// Formula in conventional order: NaCl.
    pub formula: String,
    /// Reduced formula with the elements in alphabetical order, as stored: ClNa.
    pub chemical_formula_reduced: String,
    /// Name of the shard that holds the crystal.
    pub shard: String,
    /// Row in the shard, counted from 0.
    pub row: u64,
    /// The unit cell.
    pub cell: Cell,
    /// Properties that are numbers or booleans, by column name.
    pub properties: BTreeMap<String, Property>,
    /// Classes by column name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, Option<String>>,
    /// Numbers of the sites by column name, in the order of the sites.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub site_properties: BTreeMap<String, Option<Vec<f64>>>,
    /// Split (`train`, `val` or `test`) by column name.
    pub splits: BTreeMap<String, String>,
    /// Index of the test fold.
    pub fold: Option<i8>,
    /// Number of edges.
    pub edges: usize,
    /// The sites.
    pub sites: Vec<Site>,
}

impl Inspection {
    /// Writes the crystal as text for a terminal.
    ///
    /// # Errors
    /// Returns the errors of writing.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        text::write(self, out)
    }

    /// Writes the crystal as an indented JSON object with a final newline.
    ///
    /// # Errors
    /// Returns the errors of writing.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}

/// Finds a crystal. Most row groups are excluded by their statistics, the identifiers of the others are searched, and
/// only the crystal itself is read completely.
///
/// # Errors
/// Returns [`InspectError::Store`] if the store cannot be read, or [`InspectError::NotFound`], with similar
/// identifiers, if it has no such crystal.
pub fn find(store: &Path, material_id: &str) -> Result<Inspection, InspectError> {
    let manifest = Manifest::read(store)?;
    for entry in &manifest.shards {
        let path = store.join(&entry.file);
        let shard = Shard::open(&path, Some(&manifest.settings))?;
        let groups = shard.row_groups_with(material_id);
        let Some(row) = position(shard, groups, material_id)? else { continue };
        entry.verify(store)?;
        let tie_tolerance = manifest.settings.tie_tolerance_angstrom;
        if let Some(batch) = Shard::open(&path, None)?.crystals_at(&[row])?.next().transpose()? {
            return Ok(inspection(&batch, &batch.row(0)?, &entry.file, row, tie_tolerance));
        }
    }
    Err(not_found(store, &manifest, material_id)?)
}

/// Returns the error of an identifier that a store does not have.
///
/// # Errors
/// Returns a [`StoreError`] if a shard, which may be the one that holds the crystal, is damaged or cannot be read.
pub(crate) fn not_found(
    store: &Path,
    manifest: &Manifest,
    material_id: &str,
) -> Result<InspectError, StoreError> {
    Ok(InspectError::NotFound {
        store: store.to_owned(),
        material_id: material_id.to_owned(),
        crystals: manifest.shards.iter().map(|shard| shard.rows).sum(),
        similar: similar_identifiers(store, manifest, material_id)?,
    })
}

/// Searches a crystal in some row groups of a shard and returns its row.
fn position(shard: Shard, groups: Vec<usize>, material_id: &str) -> Result<Option<u64>, StoreError> {
    if groups.is_empty() {
        return Ok(None);
    }
    let mut starts = vec![0];
    for rows in shard.row_group_rows() {
        starts.push(starts.last().copied().unwrap_or_default() + rows);
    }
    let rows =
        groups.iter().filter_map(|group| Some(*starts.get(*group)?..*starts.get(group + 1)?)).flatten();
    let rows: Vec<u64> = rows.collect();
    let mut searched = 0;
    for ids in identifiers(shard, Some(groups))? {
        let ids = ids?;
        if let Some(offset) = ids.iter().position(|id| id == material_id) {
            return Ok(rows.get(searched + offset).copied());
        }
        searched += ids.len();
    }
    Ok(None)
}

/// Returns the identifiers of a shard batch by batch.
pub(crate) fn identifiers(
    shard: Shard,
    groups: Option<Vec<usize>>,
) -> Result<impl Iterator<Item = Result<Vec<String>, StoreError>>, StoreError> {
    let batches = shard.batches(groups, Some(&["material_id"]))?;
    Ok(batches.map(move |batch| {
        let batch = batch?;
        let ids = batch.column_by_name("material_id").and_then(|column| column.as_string_opt::<i32>());
        Ok(ids.into_iter().flatten().map(|id| id.unwrap_or_default().to_owned()).collect())
    }))
}

/// Returns identifiers of the store that are similar to a missing one.
fn similar_identifiers(
    store: &Path,
    manifest: &Manifest,
    material_id: &str,
) -> Result<Vec<String>, StoreError> {
    let mut similar = Similar::new(material_id);
    for entry in &manifest.shards {
        // A damaged shard may be the one that holds the crystal.
        entry.verify(store)?;
        for ids in identifiers(Shard::open(&store.join(&entry.file), None)?, None)? {
            ids?.into_iter().for_each(|id| similar.offer(id));
        }
    }
    Ok(similar.into_identifiers())
}

/// Creates an inspection from a row.
fn inspection(
    batch: &CrystalBatch,
    view: &CrystalView<'_>,
    shard: &str,
    row: u64,
    tie_tolerance: f64,
) -> Inspection {
    let [a, b, c, alpha, beta, gamma] = view.parameters;
    let (coordinates, _) = view.fractional_site_positions.as_chunks::<3>();
    let sites = view.atomic_numbers.iter().zip(coordinates).enumerate().map(|(site, (z, fractional))| Site {
        site,
        element: symbol(*z),
        fractional: *fractional,
        cartesian: row_times(fractional, &view.lattice_vectors),
        shells: shells::around(view, site, tie_tolerance),
    });
    let Labels { properties, classes, site_properties, splits } = labels(batch);
    Inspection {
        material_id: view.material_id.to_owned(),
        source: view.source.to_owned(),
        formula: conventional_formula(view.atomic_numbers),
        chemical_formula_reduced: view.chemical_formula_reduced.to_owned(),
        shard: shard.to_owned(),
        row,
        cell: Cell {
            lattice_vectors: view.lattice_vectors,
            lengths: [a, b, c],
            angles: [alpha, beta, gamma],
            volume: view.volume,
            niggli_transform: view.niggli_transform,
        },
        properties,
        classes,
        site_properties,
        splits,
        fold: view.fold,
        edges: view.edges.target.len(),
        sites: sites.collect(),
    }
}

/// The labels of a crystal by column name.
#[derive(Default)]
struct Labels {
    properties: BTreeMap<String, Property>,
    classes: BTreeMap<String, Option<String>>,
    site_properties: BTreeMap<String, Option<Vec<f64>>>,
    splits: BTreeMap<String, String>,
}

/// Returns the labels of the first row of a batch.
fn labels(batch: &CrystalBatch) -> Labels {
    let mut labels = Labels::default();
    for field in batch.schema().fields() {
        let (Some(kind), Some(column)) = (label_kind(field), batch.column(field.name())) else { continue };
        let name = field.name().clone();
        let text = || Some(column.as_string_opt::<i32>()?.iter().next()??.to_owned());
        match kind {
            LabelKind::Property(PropertyKind::Number | PropertyKind::Boolean) => {
                let unit = field.metadata().get("unit").cloned().unwrap_or_default();
                let value = column.as_primitive::<Float64Type>().iter().next().flatten();
                labels.properties.insert(name, Property { value, unit });
            }
            LabelKind::Property(PropertyKind::Class) => {
                labels.classes.insert(name, text());
            }
            LabelKind::Property(PropertyKind::SiteNumbers) => {
                let list = column.as_list_opt::<i32>().and_then(|lists| lists.iter().next().flatten());
                let list = list.map(|list| list.as_primitive::<Float64Type>().values().to_vec());
                labels.site_properties.insert(name, list);
            }
            LabelKind::Split => labels.splits.extend(text().map(|part| (name, part))),
        }
    }
    labels
}

#[cfg(test)]
mod tests;
