//! A single pass over the shards of a store.

use std::path::Path;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Float32Type, Float64Type, Int8Type, Schema, UInt8Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use schemas::StoreError;
use schemas::manifest::Manifest;
use schemas::property::PropertyKind;
use schemas::reader::Shard;
use schemas::store::{LabelKind, label_kind};

use super::{ATOMIC_NUMBERS, DIRECTIONS, Histogram};

/// Width of a bin for edge lengths in Å.
const EDGE_LENGTH_BIN: f64 = 0.1;

/// Fixed columns that the statistics need.
const FIXED_COLUMNS: &[&str] = &[
    "nelements",
    "nsites",
    "volume",
    "atomic_numbers",
    "edge_distance",
    "edge_direction",
    "edge_direction_centred",
    "fold",
];

/// Scalar values of all crystals.
#[derive(Debug, Default)]
pub(super) struct Scalars {
    pub(super) nelements: Vec<Option<f64>>,
    pub(super) nsites: Vec<Option<f64>>,
    pub(super) volume_per_atom: Vec<Option<f64>>,
    pub(super) edges_per_atom: Vec<Option<f64>>,
    pub(super) fold: Vec<Option<f64>>,
}

/// A property column.
#[derive(Debug)]
pub(super) struct PropertyColumn {
    pub(super) column: String,
    pub(super) unit: String,
    pub(super) description: String,
    /// The values; of numbers of the sites those of all sites, and a missing one for a crystal without them.
    pub(super) values: Vec<Option<f64>>,
}

/// The result of a pass over a store.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) crystals: u64,
    pub(super) sites: u64,
    pub(super) edges: u64,
    pub(super) element_crystals: [u64; ATOMIC_NUMBERS],
    pub(super) edge_lengths: Histogram,
    pub(super) directions: [u64; DIRECTIONS],
    pub(super) directions_centred: [u64; DIRECTIONS],
    pub(super) scalars: Scalars,
    pub(super) properties: Vec<PropertyColumn>,
    pub(super) classes: Vec<NamedTexts>,
    pub(super) splits: Vec<NamedTexts>,
}

/// The name and values of a column of classes, booleans or parts.
pub(super) type NamedTexts = (String, Vec<Option<String>>);

/// Reads every shard of a store.
pub(super) fn scan(store: &Path, manifest: &Manifest) -> Result<Scan, StoreError> {
    let bins = (manifest.settings.cutoff_angstrom / EDGE_LENGTH_BIN).ceil().clamp(1.0, 1e4) as usize;
    let mut scan = Scan {
        crystals: 0,
        sites: 0,
        edges: 0,
        element_crystals: [0; ATOMIC_NUMBERS],
        edge_lengths: Histogram::new(0.0, EDGE_LENGTH_BIN, bins),
        directions: [0; DIRECTIONS],
        directions_centred: [0; DIRECTIONS],
        scalars: Scalars::default(),
        properties: Vec::new(),
        classes: Vec::new(),
        splits: Vec::new(),
    };
    for (number, entry) in manifest.shards.iter().enumerate() {
        let path = store.join(&entry.file);
        let shard = Shard::open(&path, Some(&manifest.settings))?;
        entry.verify(store)?;
        if number == 0 {
            scan.add_label_columns(shard.schema());
        }
        let labels = scan.properties.iter().map(|property| property.column.clone());
        let labels: Vec<String> =
            labels.chain(scan.classes.iter().chain(&scan.splits).map(|(column, _)| column.clone())).collect();
        let columns: Vec<&str> =
            FIXED_COLUMNS.iter().copied().chain(labels.iter().map(String::as_str)).collect();
        for batch in shard.batches(None, Some(&columns))? {
            scan.add(&batch?).ok_or_else(|| StoreError::Parquet {
                path: path.clone(),
                message: "columns of unexpected types".to_owned(),
            })?;
        }
    }
    Ok(scan)
}

impl Scan {
    /// Finds the property, class and split columns of the store.
    fn add_label_columns(&mut self, schema: &Schema) {
        for field in schema.fields() {
            let documentation = |key| field.metadata().get(key).cloned().unwrap_or_default();
            match label_kind(field) {
                Some(LabelKind::Property(PropertyKind::Number | PropertyKind::SiteNumbers)) => {
                    self.properties.push(PropertyColumn {
                        column: field.name().clone(),
                        unit: documentation("unit"),
                        description: documentation("description"),
                        values: Vec::new(),
                    });
                }
                Some(LabelKind::Property(PropertyKind::Boolean | PropertyKind::Class)) => {
                    self.classes.push((field.name().clone(), Vec::new()));
                }
                Some(LabelKind::Split) => self.splits.push((field.name().clone(), Vec::new())),
                None => {}
            }
        }
    }

    /// Counts a batch. Returns `None` if a column has another type.
    fn add(&mut self, batch: &RecordBatch) -> Option<()> {
        let column = |name: &str| batch.column_by_name(name);
        let nsites = column("nsites")?.as_primitive_opt::<UInt32Type>()?;
        let volume = column("volume")?.as_primitive_opt::<Float64Type>()?;
        let distances = column("edge_distance")?.as_list_opt::<i32>()?;
        let rows = batch.num_rows();
        self.crystals += rows as u64;
        let nelements = column("nelements")?.as_primitive_opt::<UInt32Type>()?;
        self.scalars.nelements.extend(nelements.iter().map(|value| value.map(f64::from)));
        for row in 0..rows {
            let sites = nsites.value(row);
            let edges = distances.value_length(row).unsigned_abs();
            self.sites += u64::from(sites);
            self.edges += u64::from(edges);
            let atoms = (sites > 0).then(|| f64::from(sites));
            self.scalars.nsites.push(Some(f64::from(sites)));
            self.scalars.volume_per_atom.push(atoms.map(|atoms| volume.value(row) / atoms));
            self.scalars.edges_per_atom.push(atoms.map(|atoms| f64::from(edges) / atoms));
        }
        for distance in distances.values().as_primitive_opt::<Float32Type>()?.values() {
            self.edge_lengths.add(f64::from(*distance));
        }
        count_classes(column("edge_direction")?, &mut self.directions)?;
        count_classes(column("edge_direction_centred")?, &mut self.directions_centred)?;
        self.count_elements(column("atomic_numbers")?)?;
        let fold = column("fold")?.as_primitive_opt::<Int8Type>()?;
        self.scalars.fold.extend(fold.iter().map(|value| value.map(f64::from)));
        for property in &mut self.properties {
            let column = batch.column_by_name(&property.column)?;
            let Some(lists) = column.as_list_opt::<i32>() else {
                property.values.extend(column.as_primitive_opt::<Float64Type>()?.iter());
                continue;
            };
            for list in lists.iter() {
                match list {
                    Some(list) => property.values.extend(list.as_primitive_opt::<Float64Type>()?.iter()),
                    None => property.values.push(None),
                }
            }
        }
        for (name, texts) in self.classes.iter_mut().chain(&mut self.splits) {
            let column = batch.column_by_name(name)?;
            if let Some(values) = column.as_string_opt::<i32>() {
                texts.extend(values.iter().map(|value| value.map(str::to_owned)));
            } else {
                let values = column.as_primitive_opt::<Float64Type>()?;
                texts.extend(values.iter().map(|value| value.map(|value| (value != 0.0).to_string())));
            }
        }
        Some(())
    }

    /// Counts the crystals that contain each element.
    fn count_elements(&mut self, column: &ArrayRef) -> Option<()> {
        let lists = column.as_list_opt::<i32>()?;
        let numbers = lists.values().as_primitive_opt::<UInt8Type>()?.values();
        // The last row, counted from 1, in which each element occurred.
        let mut seen = [0; ATOMIC_NUMBERS];
        for (row, bounds) in lists.value_offsets().windows(2).enumerate() {
            let &[start, end] = bounds else { continue };
            for z in numbers.get(start as usize..end as usize)? {
                let z = usize::from(*z);
                if let (Some(seen), Some(count)) = (seen.get_mut(z), self.element_crystals.get_mut(z))
                    && *seen != row + 1
                {
                    *seen = row + 1;
                    *count += 1;
                }
            }
        }
        Some(())
    }
}

/// Counts direction labels. Returns `None` if one is out of range.
fn count_classes(column: &ArrayRef, counts: &mut [u64; DIRECTIONS]) -> Option<()> {
    let lists = column.as_list_opt::<i32>()?;
    for class in lists.values().as_primitive_opt::<UInt8Type>()?.values() {
        *counts.get_mut(usize::from(*class))? += 1;
    }
    Some(())
}
