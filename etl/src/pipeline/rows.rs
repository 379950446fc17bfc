//! Conversion of parsed crystals into rows: joining of labels, features, filters.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use crystal::element::symbol;
use crystal::feature::{FeatureOptions, Features, Featuriser};
use crystal::number::significant;
use crystal::structure::Structure;
use schemas::count::counted;
use schemas::limits;
use schemas::part::Part;
use schemas::property::PropertyKind;
use schemas::store::{LabelKind, label_kind};

use super::block::{ProcessedBlock, Recipe};
use super::error::BuildError;
use crate::columns::{Columns, RowLabels};
use crate::feature;
use crate::labels::{Fate, LabelError, LabelRow, LabelTable};
use crate::reject::{ISOLATED_ATOM, MAX_TEXT_BYTES, Note, Origin, Reject, TOO_MANY_SITES};
use crate::source::{ODD_VALUE, ParsedCrystal, RawBlock, RawRecord, Sink, too_long};
use crate::symmetry::space_group;

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

    /// Returns the row of labels for a crystal of the record: the one with the alias in the place of the record's name at
    /// the beginning of `material_id`.
    ///
    /// # Errors
    /// The [`LabelError`] of [`LabelTable::row`].
    fn row<'a>(&self, labels: &'a LabelTable, material_id: &str) -> Result<Option<LabelRow<'a>>, LabelError> {
        let block = material_id.get(self.name_bytes..).unwrap_or_default();
        labels.row(&format!("{}{block}", self.name))
    }
}

/// Returns the labels of a crystal by its identifier, or else by the other name of its file.
///
/// # Errors
/// The [`LabelError`] of [`LabelTable::row`].
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
    options: FeatureOptions,
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
    /// Number of rejects of the block before the current record.
    rejects_before: usize,
}

impl RowBuilder {
    /// Creates a builder without rows.
    pub(crate) fn new(recipe: Arc<Recipe>) -> Self {
        let options = feature::options(&recipe.settings);
        Self {
            featuriser: Featuriser::new(&options),
            columns: Columns::new(Arc::clone(&recipe.schema), &recipe.source, &options),
            list_columns: list_columns(&recipe.schema),
            options,
            recipe,
            origins: Vec::new(),
            label_rows: Vec::new(),
            values: Vec::new(),
            block: ProcessedBlock::default(),
            error: None,
            taken_by_name: false,
            alias: None,
            rejects_before: 0,
        }
    }

    /// Begins the rows of a record. Returns `false` for a record of another part, which need not be parsed.
    pub(super) fn begin_record(&mut self, raw: &RawBlock, record: &RawRecord) -> bool {
        // A record with a name belongs to a part as a whole.
        let part = self.recipe.part.filter(|_| !record.name.is_empty());
        if let Some(part) = part {
            let name = raw.bytes.get(record.name.clone()).unwrap_or_default();
            if !part.holds(&String::from_utf8_lossy(name)) {
                return false;
            }
        }
        self.taken_by_name = part.is_some();
        self.alias = Alias::of(raw, record);
        self.rejects_before = self.block.rejects.len();
        true
    }

    /// Ends the rows of a record.
    pub(super) fn end_record(&mut self) {
        self.mark_aliases_left_out();
        self.alias = None;
        self.taken_by_name = false;
    }

    /// Whether a finished batch waits, so that the block should be taken.
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

    /// Marks the label rows of the current record's rejects as left out, for rows that match by the alias.
    fn mark_aliases_left_out(&self) {
        let Some(alias) = &self.alias else { return };
        let labels = &self.recipe.labels;
        let rejects = self.block.rejects.get(self.rejects_before..).unwrap_or_default();
        for id in rejects.iter().filter_map(|reject| reject.material_id.as_deref()) {
            if let Ok(Some(row)) = label_row(labels, Some(alias), id) {
                labels.mark_row(row.number(), Fate::LeftOut);
            }
        }
    }

    /// Whether an entry belongs to another part than the one that is built. `record` is its position in the input, by
    /// which an entry without an identifier is assigned.
    fn is_elsewhere(&self, material_id: Option<&str>, record: u64) -> bool {
        let holds = |part: Part| material_id.map_or_else(|| part.holds_record(record), |id| part.holds(id));
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
        if self.is_elsewhere(Some(material_id), origin.record) {
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
        let contacts = bounds.min_contact.check(&structure.atomic_numbers, features, &self.options);
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
        if !self.is_elsewhere(reject.material_id.as_deref(), reject.origin.record) {
            self.block.rejects.push(reject);
        }
    }

    fn note(&mut self, note: Note) {
        if !self.is_elsewhere(note.material_id.as_deref(), note.origin.record) {
            self.block.notes.push(note);
        }
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
