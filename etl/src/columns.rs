//! Column builders for the rows of a shard. Their content becomes Arrow record batches without copying.

mod builders;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int8Array, Int32Array, UInt32Array};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use crystal::composition::Composition;
use crystal::element::symbol;
use crystal::feature::{FeatureOptions, Features};
use schemas::property::PropertyKind;
use schemas::store::{LabelKind, label_kind};

use self::builders::{Lists, OptionalLists, OptionalTexts, TextLists, Texts, fixed, offset, renew};
use crate::structure_hash::StructureHasher;

/// The values of a row that are not features.
#[derive(Clone, Copy)]
pub struct RowLabels<'a> {
    /// Values of the further columns of doubles, in their order: numbers and truth values.
    pub numbers: &'a [Option<f64>],
    /// Returns the value of a further column of text, by its index: splits and classes.
    pub text: &'a dyn Fn(usize) -> Option<&'a str>,
    /// Values of the further columns of lists, in their order: numbers of the sites, one for each site.
    pub lists: &'a [Option<&'a [f64]>],
    /// Index of the test fold.
    pub fold: Option<i8>,
    /// Identifier that the source promises never to change (OPTIMADE's `immutable_id`). `None` if the source gives none.
    pub immutable_id: Option<&'a str>,
    /// Number of the space group, 1..=230, if it was looked for and found.
    pub space_group_number: Option<u16>,
}

impl Default for RowLabels<'_> {
    fn default() -> Self {
        Self {
            numbers: &[],
            text: &|_| None,
            lists: &[],
            fold: None,
            immutable_id: None,
            space_group_number: None,
        }
    }
}

/// Number of edges at which a batch is complete, regardless of its number of rows. They take about 30 MB.
const FULL_EDGES: usize = 1 << 20;

/// Column builders for a batch of crystals. Create one for each thread.
#[derive(Debug)]
pub struct Columns {
    schema: SchemaRef,
    source: String,
    composition: Composition,
    rows: usize,
    material_id: Texts,
    formula: Texts,
    elements: TextLists,
    nelements: Vec<u32>,
    nsites: Vec<u32>,
    lattice: Vec<f64>,
    parameters: [Vec<f64>; 6],
    volume: Vec<f64>,
    transform: Vec<i32>,
    atomic_numbers: Lists<u8>,
    fractional: Lists<f64>,
    edge_source: Lists<u32>,
    edge_target: Lists<u32>,
    image: [Lists<i16>; 3],
    distance: Lists<f32>,
    direction: Lists<u8>,
    same_cell: Lists<bool>,
    direction_centred: Lists<u8>,
    same_cell_centred: Lists<bool>,
    split: OptionalTexts,
    fold: Vec<Option<i8>>,
    immutable_id: OptionalTexts,
    anonymous: Texts,
    ratios: Lists<f64>,
    species: TextLists,
    space_group: Vec<Option<u32>>,
    hasher: StructureHasher,
    hash: OptionalTexts,
    /// Index of the only split among the further columns of text, if there is exactly one.
    only_split: Option<usize>,
    further: Vec<Further>,
}

/// A column that is not in every store.
#[derive(Debug)]
enum Further {
    Text(OptionalTexts),
    Numbers(Vec<Option<f64>>),
    Lists(OptionalLists),
}

impl Columns {
    /// Creates empty columns for a store with this schema ([`schemas::store::shard_schema`]), of crystals whose features
    /// are computed with these options.
    pub fn new(schema: SchemaRef, source: &str, options: &FeatureOptions) -> Self {
        let kinds: Vec<LabelKind> = schema.fields().iter().filter_map(|field| label_kind(field)).collect();
        let is_text =
            |kind: &LabelKind| matches!(kind, LabelKind::Split | LabelKind::Property(PropertyKind::Class));
        let texts = kinds.iter().filter(|kind| is_text(kind)).enumerate();
        let mut splits = texts.filter(|(_, kind)| **kind == LabelKind::Split).map(|(at, _)| at);
        let only_split = splits.next().filter(|_| splits.next().is_none());
        let further = kinds.iter().map(|kind| match kind {
            LabelKind::Property(PropertyKind::SiteNumbers) => Further::Lists(OptionalLists::default()),
            kind if is_text(kind) => Further::Text(OptionalTexts::default()),
            _ => Further::Numbers(Vec::new()),
        });
        Self {
            further: further.collect(),
            only_split,
            schema,
            source: source.to_owned(),
            composition: Composition::default(),
            rows: 0,
            material_id: Texts::default(),
            formula: Texts::default(),
            elements: TextLists::default(),
            nelements: Vec::new(),
            nsites: Vec::new(),
            lattice: Vec::new(),
            parameters: Default::default(),
            volume: Vec::new(),
            transform: Vec::new(),
            atomic_numbers: Lists::default(),
            fractional: Lists::default(),
            edge_source: Lists::default(),
            edge_target: Lists::default(),
            image: Default::default(),
            distance: Lists::default(),
            direction: Lists::default(),
            same_cell: Lists::default(),
            direction_centred: Lists::default(),
            same_cell_centred: Lists::default(),
            split: OptionalTexts::default(),
            fold: Vec::new(),
            immutable_id: OptionalTexts::default(),
            anonymous: Texts::default(),
            ratios: Lists::default(),
            species: TextLists::default(),
            space_group: Vec::new(),
            hasher: StructureHasher::new(options),
            hash: OptionalTexts::default(),
        }
    }

    /// Number of crystals.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no crystals.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the batch is complete and should be taken before another crystal is added.
    pub fn is_full(&self) -> bool {
        self.edge_target.values.len() >= FULL_EDGES
    }

    /// Appends a crystal.
    pub fn push(
        &mut self,
        material_id: &str,
        atomic_numbers: &[u8],
        features: &Features,
        labels: RowLabels<'_>,
    ) {
        self.rows += 1;
        self.material_id.push(material_id);
        self.composition.count(atomic_numbers);
        let begin = self.formula.bytes.len();
        self.composition.write_reduced_formula(&mut self.formula.bytes);
        self.formula.close();
        let formula = self.formula.bytes.get(begin..).unwrap_or_default();
        self.hash.push(self.hasher.hash(formula, atomic_numbers, features).as_deref());
        self.composition.write_anonymous_formula(&mut self.anonymous.bytes);
        self.anonymous.close();
        self.elements.extend(self.composition.symbols());
        self.ratios.extend(self.composition.ratios());
        self.species.extend(atomic_numbers.iter().map(|&z| symbol(z)));
        self.nelements.push(offset(self.composition.len()).unsigned_abs());
        self.nsites.push(offset(atomic_numbers.len()).unsigned_abs());
        self.lattice.extend_from_slice(features.lattice.as_flattened());
        for (column, value) in self.parameters.iter_mut().zip(features.parameters) {
            column.push(value);
        }
        self.volume.push(features.volume);
        self.transform.extend_from_slice(features.transform.as_flattened());
        self.atomic_numbers.push(atomic_numbers);
        self.fractional.push(features.fractional.as_flattened());
        let edges = &features.edges;
        self.edge_source.push(&edges.source);
        self.edge_target.push(&edges.target);
        for (column, image) in self.image.iter_mut().zip(&edges.image) {
            column.push(image);
        }
        self.distance.extend(edges.distance.iter().map(|distance| *distance as f32));
        self.direction.push(&edges.direction);
        self.same_cell.push(&edges.same_cell);
        self.direction_centred.push(&edges.direction_centred);
        self.same_cell_centred.push(&edges.same_cell_centred);
        // With several splits, the column `split` stays empty.
        self.split.push(self.only_split.and_then(labels.text));
        self.fold.push(labels.fold);
        self.immutable_id.push(labels.immutable_id);
        self.space_group.push(labels.space_group_number.map(u32::from));
        let (mut text, mut numbers, mut lists) = (0, labels.numbers.iter(), labels.lists.iter());
        for column in &mut self.further {
            match column {
                Further::Text(texts) => {
                    texts.push((labels.text)(text));
                    text += 1;
                }
                Further::Numbers(values) => values.push(numbers.next().copied().flatten()),
                Further::Lists(values) => values.push(lists.next().copied().flatten()),
            }
        }
    }

    /// Takes the crystals as a record batch and leaves the columns empty.
    ///
    /// # Errors
    /// Returns an [`ArrowError`] if the columns do not match the schema, which is an error of the caller.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        columns.push(self.material_id.finish(None)?);
        let mut source = Texts::default();
        (0..rows).for_each(|_| source.push(&self.source));
        columns.push(source.finish(None)?);
        columns.push(self.formula.finish(None)?);
        columns.push(self.elements.finish()?);
        columns.push(Arc::new(UInt32Array::from(renew(&mut self.nelements))));
        columns.push(Arc::new(UInt32Array::from(renew(&mut self.nsites))));
        columns.push(fixed(MATRIX_ENTRIES, Arc::new(Float64Array::from(renew(&mut self.lattice))))?);
        for parameter in &mut self.parameters {
            columns.push(Arc::new(Float64Array::from(renew(parameter))));
        }
        columns.push(Arc::new(Float64Array::from(renew(&mut self.volume))));
        columns.push(fixed(MATRIX_ENTRIES, Arc::new(Int32Array::from(renew(&mut self.transform))))?);
        columns.push(self.atomic_numbers.finish::<arrow::datatypes::UInt8Type>()?);
        columns.push(self.fractional.finish::<arrow::datatypes::Float64Type>()?);
        columns.push(self.edge_source.finish::<arrow::datatypes::UInt32Type>()?);
        columns.push(self.edge_target.finish::<arrow::datatypes::UInt32Type>()?);
        for image in &mut self.image {
            columns.push(image.finish::<arrow::datatypes::Int16Type>()?);
        }
        columns.push(self.distance.finish::<arrow::datatypes::Float32Type>()?);
        columns.push(self.direction.finish::<arrow::datatypes::UInt8Type>()?);
        columns.push(self.same_cell.finish_flags()?);
        columns.push(self.direction_centred.finish::<arrow::datatypes::UInt8Type>()?);
        columns.push(self.same_cell_centred.finish_flags()?);
        columns.push(self.split.finish()?);
        columns.push(Arc::new(Int8Array::from(renew(&mut self.fold))));
        columns.push(self.immutable_id.finish()?);
        columns.push(self.anonymous.finish(None)?);
        columns.push(self.ratios.finish::<arrow::datatypes::Float64Type>()?);
        columns.push(self.species.finish()?);
        columns
            .push(fixed(DIMENSIONS, Arc::new(Int32Array::from(vec![PERIODIC; rows * DIMENSIONS as usize])))?);
        columns.push(Arc::new(UInt32Array::from(vec![DIMENSIONS.unsigned_abs(); rows])));
        columns.push(Arc::new(UInt32Array::from(renew(&mut self.space_group))));
        columns.push(self.hash.finish()?);
        for column in &mut self.further {
            columns.push(match column {
                Further::Text(texts) => texts.finish()?,
                Further::Numbers(values) => Arc::new(Float64Array::from(renew(values))),
                Further::Lists(lists) => lists.finish()?,
            });
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

/// Number of elements of a 3x3 matrix.
const MATRIX_ENTRIES: i32 = 9;
/// Number of directions, in all of which every crystal of a store is periodic.
const DIMENSIONS: i32 = 3;
/// OPTIMADE's mark of a periodic direction.
const PERIODIC: i32 = 1;
