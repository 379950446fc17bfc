//! Conversion of a block of raw records into rows: parsing, joining of labels, features, filters.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use crystal::contact::ContactLimit;
use crystal::element::symbol;
use crystal::feature::{Features, Featuriser};
use crystal::number::significant;
use crystal::structure::Structure;
use schemas::count::counted;
use schemas::limits;
use schemas::manifest::Counts;
use schemas::part::Part;
use schemas::property::PropertyKind;
use schemas::store::{LabelKind, label_kind};

use super::error::BuildError;
use super::source_properties::SourceProperties;
use crate::columns::{Columns, RowLabels};
use crate::feature;
use crate::filter::Filter;
use crate::labels::{Fate, LabelError, LabelRow, LabelTable};
use crate::reject::{FILTERED, ISOLATED_ATOM, MAX_TEXT_BYTES, Note, Origin, Reject, TOO_MANY_SITES};
use crate::source::{
    ODD_VALUE, ParsedCrystal, ParserFactory, RawBlock, RawRecord, RecordParser, Sink, too_long,
};
use crate::symmetry::space_group;

/// Default largest number of sites of a crystal. The features of such a crystal take about 4 MB.
pub const DEFAULT_MAX_SITES: usize = 10_000;

/// Limits for a crystal that are checked before or right after computing its features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Largest number of sites.
    pub max_sites: usize,
    /// Smallest allowed distance of two sites, depending on their elements.
    pub min_contact: ContactLimit,
    /// Whether a crystal is rejected if an atom has no neighbour within the cutoff.
    pub reject_isolated: bool,
    /// Smallest volume of the unit cell in Å³.
    pub min_volume: f64,
    /// Smallest distance between two atoms, in Å.
    pub min_distance: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_sites: DEFAULT_MAX_SITES,
            min_contact: ContactLimit::default(),
            reject_isolated: false,
            min_volume: 0.0,
            min_distance: 0.0,
        }
    }
}

impl Bounds {
    /// Returns the limits that apply to all ways of making rows, as listed in the manifest.
    pub(crate) fn options(&self) -> [(String, String); 3] {
        [
            ("max_sites", self.max_sites.to_string()),
            ("min_contact", self.min_contact.to_string()),
            ("reject_isolated", self.reject_isolated.to_string()),
        ]
        .map(|(option, value)| (option.to_owned(), value))
    }
}

/// The shared parameters of processing blocks.
pub(crate) struct Recipe {
    /// Creates the parser of a thread.
    pub parser: ParserFactory,
    /// Settings of the features.
    pub settings: schemas::settings::FeatureSettings,
    /// Schema of the rows.
    pub schema: SchemaRef,
    /// Value of the `source` column.
    pub source: String,
    /// Properties of the source itself.
    pub source_properties: SourceProperties,
    /// The labels of all crystals.
    pub labels: Arc<LabelTable>,
    /// Limits for single crystals.
    pub bounds: Bounds,
    /// Filters on the finished rows.
    pub filters: Arc<[Filter]>,
    /// The part whose entries are kept. Entries of other parts are ignored.
    pub part: Option<Part>,
    /// Whether to look for space groups.
    pub space_groups: bool,
}

/// The rows and rejects of one block.
#[derive(Debug, Default)]
pub(crate) struct ProcessedBlock {
    /// Index of the block in the input, counted from 0.
    pub number: u64,
    /// The rows in order.
    pub batches: Vec<RecordBatch>,
    /// Origin of every row.
    pub origins: Vec<Origin>,
    /// The rejected entries in order.
    pub rejects: Vec<Reject>,
    /// Remarks about entries in order.
    pub notes: Vec<Note>,
}

impl ProcessedBlock {
    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// Buffers of a thread for processing blocks.
pub(super) struct BlockProcessor {
    parser: Box<dyn RecordParser>,
    rows: RowBuilder,
}

impl BlockProcessor {
    /// Creates the buffers of a thread.
    pub(super) fn new(recipe: &Arc<Recipe>) -> Self {
        Self { parser: (recipe.parser)(), rows: RowBuilder::new(Arc::clone(recipe)) }
    }

    /// Processes one block.
    ///
    /// # Errors
    /// Returns a [`BuildError`] for errors of filters and columns. Errors of entries become rejects.
    pub(super) fn process(&mut self, number: u64, raw: &RawBlock) -> Result<ProcessedBlock, BuildError> {
        self.rows.block.number = number;
        let mut early = raw.rejects.iter().peekable();
        let mut early_notes = raw.notes.iter().peekable();
        for (position, record) in raw.records.iter().enumerate() {
            while let Some((_, reject)) = early.next_if(|(before, _)| *before <= position) {
                self.rows.reject(reject.clone());
            }
            while let Some((_, note)) = early_notes.next_if(|(before, _)| *before <= position) {
                self.rows.note(note.clone());
            }
            // A record with a name belongs to a part as a whole. A record of another part need not be parsed.
            let part = self.rows.recipe.part.filter(|_| !record.name.is_empty());
            if let Some(part) = part {
                let name = raw.bytes.get(record.name.clone()).unwrap_or_default();
                if !part.holds(&String::from_utf8_lossy(name)) {
                    continue;
                }
            }
            self.rows.taken_by_name = part.is_some();
            self.rows.alias = Alias::of(raw, record);
            let rejects = self.rows.block.rejects.len();
            self.parser.parse(&raw.bytes, record, &mut self.rows);
            self.rows.mark_aliases_left_out(rejects);
            self.rows.taken_by_name = false;
        }
        self.rows.alias = None;
        early.for_each(|(_, reject)| self.rows.reject(reject.clone()));
        early_notes.for_each(|(_, note)| self.rows.note(note.clone()));
        self.rows.take_block()
    }
}

/// The other name by which label tables may refer to a record.
struct Alias {
    /// The name that replaces the record's name.
    name: String,
    /// Length in bytes of the record's name, which a crystal's identifier may extend.
    name_bytes: usize,
}

impl Alias {
    fn of(raw: &RawBlock, record: &RawRecord) -> Option<Self> {
        let alias = raw.bytes.get(record.alias.clone()).filter(|alias| !alias.is_empty())?;
        Some(Self { name: String::from_utf8_lossy(alias).into_owned(), name_bytes: record.name.len() })
    }

    /// Returns the labels of a crystal under this name.
    ///
    /// # Errors
    /// Returns the errors of [`LabelTable::row`].
    fn row<'a>(&self, labels: &'a LabelTable, material_id: &str) -> Result<Option<LabelRow<'a>>, LabelError> {
        let block = material_id.get(self.name_bytes..).unwrap_or_default();
        labels.row(&format!("{}{block}", self.name))
    }
}

/// Returns the labels of a crystal by its identifier, or else by the other name of its file.
///
/// # Errors
/// Returns the errors of [`LabelTable::row`].
fn label_row<'a>(
    labels: &'a LabelTable,
    alias: Option<&Alias>,
    material_id: &str,
) -> Result<Option<LabelRow<'a>>, LabelError> {
    match (labels.row(material_id)?, alias) {
        (None, Some(alias)) => alias.row(labels, material_id),
        (row, _) => Ok(row),
    }
}

/// Converts parsed crystals into rows.
pub(crate) struct RowBuilder {
    recipe: Arc<Recipe>,
    featuriser: Featuriser,
    columns: Columns,
    /// Origin of every row in `columns`.
    origins: Vec<Origin>,
    /// Number of the label row of every row in `columns`, if it has labels.
    label_rows: Vec<Option<u32>>,
    values: Vec<Option<f64>>,
    /// Names of the columns of lists, in their order.
    list_columns: Vec<String>,
    block: ProcessedBlock,
    error: Option<BuildError>,
    /// Whether the name of the current record assigned it to the part.
    taken_by_name: bool,
    /// The other name by which label tables may refer to the current record.
    alias: Option<Alias>,
}

impl RowBuilder {
    /// Creates a builder without rows.
    pub(crate) fn new(recipe: Arc<Recipe>) -> Self {
        let options = feature::options(&recipe.settings);
        Self {
            featuriser: Featuriser::new(&options),
            columns: Columns::new(Arc::clone(&recipe.schema), &recipe.source, &options),
            list_columns: list_columns(&recipe.schema),
            recipe,
            origins: Vec::new(),
            label_rows: Vec::new(),
            values: Vec::new(),
            block: ProcessedBlock::default(),
            error: None,
            taken_by_name: false,
            alias: None,
        }
    }

    /// Whether the columns hold enough features for a batch.
    pub(crate) fn is_full(&self) -> bool {
        !self.block.batches.is_empty()
    }

    /// Returns all rows and rejects so far.
    ///
    /// # Errors
    /// Returns a [`BuildError`] for errors of filters and columns. Errors of entries become rejects.
    pub(crate) fn take_block(&mut self) -> Result<ProcessedBlock, BuildError> {
        self.flush()?;
        let block = std::mem::take(&mut self.block);
        for id in block.rejects.iter().filter_map(|reject| reject.material_id.as_deref()) {
            self.recipe.labels.mark(id, Fate::LeftOut);
        }
        Ok(block)
    }

    /// Marks the label rows of the current record's rejects as left out, for rows that match by the alias. These are
    /// the rejects of the block from index `first` on.
    fn mark_aliases_left_out(&mut self, first: usize) {
        let Some(alias) = &self.alias else { return };
        let labels = &self.recipe.labels;
        let rejects = self.block.rejects.get(first..).unwrap_or_default();
        for id in rejects.iter().filter_map(|reject| reject.material_id.as_deref()) {
            if let Ok(Some(row)) = label_row(labels, Some(alias), id) {
                labels.mark_row(row.number(), Fate::LeftOut);
            }
        }
    }

    /// Whether an entry belongs to another part than the one that is built.
    fn is_elsewhere(&self, holds: impl FnOnce(Part) -> bool) -> bool {
        self.recipe.part.is_some_and(|part| !self.taken_by_name && !holds(part))
    }

    /// Moves the rows that pass all filters into the block.
    fn flush(&mut self) -> Result<(), BuildError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.columns.is_empty() {
            return Ok(());
        }
        let mut batch = self.columns.take()?;
        let mut origins = std::mem::take(&mut self.origins);
        let mut label_rows = std::mem::take(&mut self.label_rows);
        for filter in self.recipe.filters.iter() {
            let keep = filter.matches(&batch);
            if keep.iter().all(|keep| *keep) {
                continue;
            }
            let ids = material_ids(&batch);
            let name: Arc<str> = filter.quoted().into();
            let mut kept = Vec::with_capacity(origins.len());
            for (row, (origin, keep)) in origins.into_iter().zip(&keep).enumerate() {
                if *keep {
                    kept.push(origin);
                } else {
                    let material_id = ids.map(|ids| ids.value(row).to_owned());
                    let (name, message) = (Arc::clone(&name), name.to_string());
                    self.block.rejects.push(Reject::filtered(material_id, origin, name, message));
                }
            }
            origins = kept;
            let mut kept = keep.iter();
            label_rows.retain(|row| {
                let is_kept = kept.next().is_none_or(|keep| *keep);
                if let Some(row) = row.filter(|_| !is_kept) {
                    self.recipe.labels.mark_row(row, Fate::LeftOut);
                }
                is_kept
            });
            batch = filter_record_batch(&batch, &BooleanArray::from(keep))?;
        }
        for row in label_rows.into_iter().flatten() {
            self.recipe.labels.mark_row(row, Fate::Kept);
        }
        if batch.num_rows() > 0 {
            self.block.batches.push(batch);
            self.block.origins.append(&mut origins);
        }
        Ok(())
    }
}

/// Returns the names of the columns of lists in a schema.
fn list_columns(schema: &Schema) -> Vec<String> {
    let of_sites = Some(LabelKind::Property(PropertyKind::SiteNumbers));
    let fields = schema.fields().iter().filter(|field| label_kind(field) == of_sites);
    fields.map(|field| field.name().clone()).collect()
}

/// Returns the identifiers of a batch of rows.
pub(crate) fn material_ids(batch: &RecordBatch) -> Option<&StringArray> {
    batch.column_by_name("material_id")?.as_string_opt()
}

impl Sink for RowBuilder {
    fn max_sites(&self) -> usize {
        self.recipe.bounds.max_sites
    }

    fn crystal(&mut self, origin: &Origin, crystal: ParsedCrystal<'_>) {
        let ParsedCrystal { material_id, structure, properties, immutable_id } = crystal;
        if self.is_elsewhere(|part| part.holds(material_id)) {
            return;
        }
        let recipe = &self.recipe;
        let bounds = &recipe.bounds;
        let rejects = &mut self.block.rejects;
        let mut leave_out = |reason, message| {
            rejects.push(Reject::new(Some(material_id.to_owned()), origin.clone(), reason, message));
        };
        if material_id.len() > MAX_TEXT_BYTES {
            let error = too_long("the identifier", material_id.len());
            return leave_out(error.reason_code(), error.to_string());
        }
        let sites = structure.atomic_numbers.len();
        if sites > bounds.max_sites {
            return leave_out(TOO_MANY_SITES, format!("{sites} sites, --max-sites {}", bounds.max_sites));
        }
        if let Err(error) = bounds.min_contact.check_room(structure) {
            return leave_out(error.reason_code(), error.to_string());
        }
        let features = match self.featuriser.featurise(structure) {
            Ok(features) => features,
            Err(error) => return leave_out(error.reason_code(), error.to_string()),
        };
        if let Err(error) = limits::check(sites, &features.edges.source, &features.edges.target) {
            return leave_out(feature::limit_code(&error), error.to_string());
        }
        let options = feature::options(&recipe.settings);
        let contacts = bounds.min_contact.check(&structure.atomic_numbers, features, &options);
        if let Err(error) = contacts {
            return leave_out(error.reason_code(), error.to_string());
        }
        let isolated = isolated_atom(structure, features, recipe.settings.cutoff_angstrom);
        if let Some(message) = isolated.as_ref().filter(|_| bounds.reject_isolated) {
            return leave_out(ISOLATED_ATOM, message.clone());
        }
        let mut drop_by = |filter: String, value: String| {
            let message = format!("{value}, {filter}");
            rejects.push(Reject::filtered(Some(material_id.to_owned()), origin.clone(), filter, message));
        };
        if features.volume < bounds.min_volume {
            let volume = format!("volume {} Å³", significant(features.volume));
            return drop_by(format!("--min-volume {}", bounds.min_volume), volume);
        }
        if bounds.min_distance > 0.0 {
            let nearest = features.edges.distance.iter().copied().fold(f64::INFINITY, f64::min);
            if nearest < bounds.min_distance {
                let nearest = format!("nearest atoms {} Å apart", significant(nearest));
                return drop_by(format!("--min-distance {}", bounds.min_distance), nearest);
            }
        }
        if let Some(message) = isolated {
            let id = Some(material_id.to_owned());
            self.block.notes.push(Note::new(id, origin.clone(), ISOLATED_ATOM, message));
        }
        let row = match label_row(&recipe.labels, self.alias.as_ref(), material_id) {
            Ok(row) => row,
            Err(error) => {
                self.error.get_or_insert(error.into());
                return;
            }
        };
        let source = &recipe.source_properties;
        self.values.clear();
        self.values.extend(source.numbers(properties));
        let labelled = recipe.labels.properties.len();
        self.values.extend((0..labelled).map(|column| row.and_then(|row| row.property(column))));
        let (splits, classes) = (recipe.labels.splits.len(), source.class_count());
        let text = |column: usize| match column.checked_sub(splits) {
            None => row.and_then(|row| row.split(column)),
            Some(at) if at < classes => source.class(properties, at),
            Some(at) => row.and_then(|row| row.class(at - classes)),
        };
        let labelled = (0..recipe.labels.site_properties.len()).map(|at| row.and_then(|row| row.list(at)));
        let mut lists: Vec<Option<&[f64]>> = source.lists(properties).chain(labelled).collect();
        for (list, column) in lists.iter_mut().zip(&self.list_columns) {
            if let Some(found) = list.take_if(|list| list.len() != sites) {
                let (found, sites) = (counted(found.len(), "number"), counted(sites, "site"));
                let message = format!("{column} has {found} for {sites}: taken as missing");
                let id = Some(material_id.to_owned());
                self.block.notes.push(Note::new(id, origin.clone(), ODD_VALUE, message));
            }
        }
        let fold = row.and_then(|row| row.fold());
        let space_group_number =
            if recipe.space_groups { space_group_number(&structure.atomic_numbers, features) } else { None };
        let labels = RowLabels {
            numbers: &self.values,
            text: &text,
            lists: &lists,
            fold,
            immutable_id,
            space_group_number,
        };
        self.columns.push(material_id, &structure.atomic_numbers, features, labels);
        self.origins.push(origin.clone());
        self.label_rows.push(row.map(|row| row.number()));
        if self.columns.is_full() {
            self.error = self.flush().err();
        }
    }

    fn reject(&mut self, reject: Reject) {
        let Reject { material_id, origin, .. } = &reject;
        if self.is_elsewhere(|part| {
            material_id.as_deref().map_or_else(|| part.holds_record(origin.record), |id| part.holds(id))
        }) {
            return;
        }
        self.block.rejects.push(reject);
    }

    fn note(&mut self, note: Note) {
        let id = note.material_id.as_deref();
        if self.is_elsewhere(|part| {
            id.map_or_else(|| part.holds_record(note.origin.record), |id| part.holds(id))
        }) {
            return;
        }
        self.block.notes.push(note);
    }
}

/// Returns a message about atoms without a neighbour, if the crystal has any.
fn isolated_atom(structure: &Structure, features: &Features, cutoff: f64) -> Option<String> {
    let (&first, others) = features.isolated.split_first()?;
    let number = structure.atomic_numbers.get(first as usize).copied().unwrap_or_default();
    let others = match others.len() {
        0 => String::new(),
        1 => ", nor has another site".to_owned(),
        others => format!(", nor have {others} others"),
    };
    Some(format!("site {first} ({}) has no neighbour within {cutoff} Å{others}", symbol(number)))
}

/// Returns the number of the space group of a crystal, found from its Niggli cell as `etl stats` does.
fn space_group_number(atomic_numbers: &[u8], features: &Features) -> Option<u16> {
    let (lattice, fractional) = (features.lattice, features.fractional.clone());
    let group = space_group(&Structure { lattice, fractional, atomic_numbers: atomic_numbers.to_vec() })?;
    Some(group.number)
}

/// Adds the entries of a block to the counts.
pub(super) fn count(counts: &mut Counts, rows: usize, rejects: &[Reject], notes: &[Note]) {
    for note in notes {
        counts.noted.entry(note.code.to_owned()).or_default().add(|| note.to_string());
    }
    counts.read += (rows + rejects.len()) as u64;
    counts.kept += rows as u64;
    for reject in rejects {
        if reject.reason == FILTERED {
            counts.filtered += 1;
            let filter = reject.filter.as_deref().unwrap_or(&reject.message);
            *counts.filtered_by.entry(filter.to_owned()).or_default() += 1;
        } else {
            counts.rejected += 1;
            *counts.rejected_by_reason.entry(reject.reason.to_owned()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filtered_entries_are_counted_by_filter_whatever_its_text() {
        let origin = Origin { file: "a.cif".into(), record: 1, line: None };
        let filtered =
            |filter: &str, message: &str| Reject::filtered(None, origin.clone(), filter, message.to_owned());
        let filter = "material_id != \"a--b\"";
        let rejects = [
            filtered(filter, filter),
            filtered(filter, filter),
            filtered("--min-volume 100", "volume 61.3 Å³, --min-volume 100"),
            Reject::new(None, origin.clone(), ISOLATED_ATOM, "site 0".to_owned()),
        ];
        let mut counts = Counts::default();
        count(&mut counts, 1, &rejects, &[]);
        assert_eq!((counts.read, counts.filtered, counts.rejected), (5, 3, 1));
        let by = [("--min-volume 100".to_owned(), 1), (filter.to_owned(), 2)];
        assert_eq!(counts.filtered_by, by.into());
    }
}
