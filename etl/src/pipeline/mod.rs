//! `etl build`: conversion of a published file into a feature store.
//!
//! * `request`: what is asked for
//! * `engine`: five stages on a fixed number of threads
//! * `block`: what blocks of records are processed with, and what becomes of them
//! * `process`: conversion of a block of records; `rows`: rows of parsed crystals; `bounds`: limits for single crystals
//! * `counts`: counts of the entries
//! * `arrange`: arrangement of rows into row groups and files
//! * `sorted`: rows in another order than that of the input
//! * `journal`, `inputs`, `store`: resuming a run, and one run at a time
//! * `leftovers`: files of earlier runs and foreign files
//! * `reject_limit`: the end of a build in which almost no entry is a crystal
//! * `finish`: the rejects table and the manifest
//! * `progress`: how far a build is
//! * `feed`: writing of rows that do not come from a source
//! * [`featurise`]: the same rows as an iterator, without a store

mod arrange;
pub(crate) mod block;
mod bounds;
mod counts;
mod engine;
mod error;
pub mod featurise;
pub(crate) mod feed;
pub(crate) mod finish;
pub(crate) mod inputs;
pub(crate) mod journal;
mod leftovers;
mod process;
mod progress;
mod reject_limit;
pub(crate) mod request;
pub(crate) mod rows;
mod sorted;
pub(crate) mod source_properties;
pub(crate) mod stages;
pub(crate) mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use schemas::manifest::Manifest;
use schemas::output;
use schemas::store::{FORMAT_VERSION, SOFTWARE_VERSION, shard_schema};

pub use bounds::{Bounds, DEFAULT_MAX_SITES};
pub use error::BuildError;
pub use progress::{BuildProgress, Position};
pub use request::{BuildRequest, DEFAULT_ROW_GROUP_ROWS, DEFAULT_SHARD_ROWS};
pub use sorted::Order;

use crate::filter::Filter;
use crate::labels::{self, JoinedTable, LabelTable};
use crate::shard::{ShardFormat, file_metadata};
use crate::source::{self, OpenSource, PropertyColumn, UnreadFiles};
use arrange::{Arranger, FileSizes, SeenIds};
use block::Recipe;
use inputs::{InputHasher, InputIdentity};
use journal::{Journal, RejectLog, RunIdentity};
use sorted::{Merger, SortKeys};
use source_properties::SourceProperties;
use stages::{CrystalStages, Cursor, Input, Output, Pass};
use store::{Begin, Inputs, Interrupted, StoreFolder};

/// Largest number of label rows without a crystal that a summary names.
const SHOWN_UNMATCHED: usize = 3;

/// The result of a build.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildSummary {
    /// Manifest of the store.
    pub manifest: Manifest,
    /// Whether the store had been finished before, so that nothing was done.
    pub untouched: bool,
    /// Summary of each joined label table; empty if nothing was done.
    pub tables: Vec<JoinedTable>,
    /// Number of identifiers in label tables without a crystal in the store.
    pub unmatched_labels: usize,
    /// The first of these identifiers.
    pub first_unmatched: Vec<String>,
    /// Files among the inputs that were not read.
    pub unread: UnreadFiles,
    /// Remarks about the inputs and label tables, for example about columns that were left out.
    pub notes: Vec<String>,
}

/// Builds a store.
///
/// # Errors
/// Returns a [`BuildError`] if the run as a whole cannot continue. Invalid entries become rejects instead. After any
/// error the store holds complete files only, and a run with `resume` continues from them.
pub fn build(
    request: &BuildRequest,
    progress: &dyn BuildProgress,
    cancel: &AtomicBool,
) -> Result<BuildSummary, BuildError> {
    request.check()?;
    build_from(source::open(request.kind, &request.inputs, &request.source)?, request, progress, cancel)
}

/// Builds a store from a source that is already open. It may have a format that this library does not know, see
/// [`OpenSource::new`]. The `inputs` and `source` of the request are ignored; its `kind` determines how label tables
/// name the crystals. To resume a run, the reader must return the same records again.
///
/// ```no_run
#[doc = include_str!("../../examples/own_source.rs")]
/// ```
///
/// # Errors
/// Returns the errors of [`build`].
pub fn build_from(
    mut opened: OpenSource,
    request: &BuildRequest,
    progress: &dyn BuildProgress,
    cancel: &AtomicBool,
) -> Result<BuildSummary, BuildError> {
    request.check()?;
    let paths: Vec<PathBuf> = opened.inputs.iter().chain(&request.labels).cloned().collect();
    require_apart(&request.store, &paths)?;
    let labels = labels::load(&request.label_inputs(&mut opened))?;
    let properties = all_properties(&opened, &labels)?;
    let schema = shard_schema(&labels.splits, &properties);
    let filters: Vec<Filter> =
        request.filters.iter().map(|text| Filter::new(text, &schema)).collect::<Result<_, _>>()?;
    let keys = SortKeys::new(&request.order, &schema)?;
    let run = RunIdentity {
        format_version: FORMAT_VERSION,
        software_version: SOFTWARE_VERSION.to_owned(),
        source: opened.name.clone(),
        part: request.part,
        settings: request.settings.clone(),
        options: request.options(&opened, &labels),
    };
    let states = opened.inputs.iter().zip(&opened.states);
    let mut identities: Vec<_> = states.map(|(path, state)| InputIdentity::new(path, state)).collect();
    for path in &request.labels {
        identities.push(InputIdentity::of_file(path)?);
    }

    let folder = StoreFolder::open(&request.store)?;
    let inputs = Inputs::Read { identities: &identities, paths: &paths };
    let interrupted = if request.resume { Interrupted::Resume } else { Interrupted::Refuse };
    let journal = match folder.begin(&run, inputs, interrupted, request.force)? {
        Begin::Finished(manifest) => {
            return Ok(BuildSummary {
                manifest: *manifest,
                untouched: true,
                tables: vec![],
                unmatched_labels: 0,
                first_unmatched: vec![],
                unread: opened.unread,
                notes: vec![],
            });
        }
        Begin::Fresh => Journal::new(run, identities),
        Begin::Resumed(journal) => *journal,
    };

    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(request.threads)
        .build()
        .map_err(|error| BuildError::Threads { threads: request.threads, message: error.to_string() })?;
    let format = ShardFormat::new(Arc::clone(&schema), &file_metadata(&request.settings))?;
    let labels = Arc::new(labels);
    let total_bytes = opened.total_bytes();
    let hasher = InputHasher::new(&opened.inputs, &opened.states, &request.labels)?;
    opened.progress.hash();
    let OpenSource {
        name,
        reader,
        parser,
        progress: read,
        unread,
        mut notes,
        properties: source_columns,
        classes,
        ..
    } = opened;
    let recipe = Arc::new(Recipe {
        parser,
        settings: request.settings.clone(),
        schema: Arc::clone(&schema),
        source: name.clone(),
        source_properties: SourceProperties::new(&source_columns, &classes),
        labels: Arc::clone(&labels),
        bounds: request.bounds,
        filters: filters.into(),
        part: request.part,
        space_groups: request.space_groups,
    });
    let pass = if keys.is_some() { Pass::Runs } else { Pass::Shards };
    let mut stages = CrystalStages {
        recipe,
        format: &format,
        keys: keys.as_ref(),
        cancel,
        progress,
        total_bytes,
        store: request.store.clone(),
        kept_before: SeenIds::default(),
        pass,
    };
    let staging = folder.staging();
    let rejects = RejectLog::open(&staging, &journal)?;
    let mut output = Output {
        staging: &staging,
        store: folder.path(),
        format: &format,
        prefix: &name,
        files: if pass == Pass::Runs { journal.runs.len() } else { journal.shards.len() },
        open: None,
        complete: Vec::new(),
        journal,
        rejects,
        pass,
    };

    let seen = folder.seen_ids(&output.journal, &labels)?;
    if !labels.is_empty() {
        stages.kept_before = seen.clone();
    }
    let hashes = if output.journal.input_ended {
        hasher.finish(&read)?
    } else {
        let sizes = FileSizes {
            file_rows: request.shard_rows,
            row_group_rows: request.row_group_rows,
            sorted: pass == Pass::Runs,
        };
        let arranger = Arranger::new(sizes, output.journal.blocks, output.journal.counts.clone(), seen);
        let cursor =
            Cursor { input: Input::Records { reader, hasher }, next: 0, resume_at: output.journal.blocks };
        let run = engine::run(&pool, &stages, cursor, arranger, output);
        if let Err(BuildError::Labels(_) | BuildError::NoCrystals { .. }) = run {
            // Resuming would lead to the same error.
            folder.discard_unfinished()?;
        }
        let (cursor, _, written) = run?;
        output = written;
        match cursor.input {
            Input::Records { reader, hasher } => {
                // A reader reports the hash of a file only when it is dropped.
                drop(reader);
                hasher.finish(&read)?
            }
            Input::Runs(_) => Vec::new(),
        }
    };
    let in_part = |id: &str| request.part.is_none_or(|part| part.holds(id));
    let tables = labels.joined(in_part);
    if let Err(error) = labels.check_met() {
        folder.discard(&output.journal)?;
        return Err(error.into());
    }
    check_joined(&folder, &output.journal, &tables)?;
    if let Some(keys) = &keys {
        progress.merging();
        stages.pass = Pass::Merge;
        output.pass = Pass::Merge;
        output.files = output.journal.shards.len();
        let merger = Merger::new(keys, &schema, &staging, &output.journal.runs)?;
        let sizes = FileSizes {
            file_rows: request.shard_rows,
            row_group_rows: request.row_group_rows,
            sorted: false,
        };
        let merged = output.journal.merged_blocks;
        let arranger = Arranger::new(sizes, merged, Default::default(), SeenIds::default());
        let cursor = Cursor { input: Input::Runs(merger), next: 0, resume_at: merged };
        (_, _, output) = engine::run(&pool, &stages, cursor, arranger, output)?;
    }
    let manifest = finish::finish(&folder, output.journal, hashes)?;
    notes.extend(labels.notes.iter().cloned());
    let unmatched = || labels.unmatched_identifiers().filter(|id| in_part(id));
    Ok(BuildSummary {
        manifest,
        untouched: false,
        tables,
        unmatched_labels: unmatched().count(),
        first_unmatched: unmatched().take(SHOWN_UNMATCHED).map(str::to_owned).collect(),
        unread,
        notes,
    })
}

/// Returns an error if no row of a label table matches the store, because its identifiers are different. In a part,
/// that may happen by chance.
fn check_joined(folder: &StoreFolder, journal: &Journal, tables: &[JoinedTable]) -> Result<(), BuildError> {
    if journal.counts.kept == 0 || journal.run.part.is_some() {
        return Ok(());
    }
    let Some(table) = tables.iter().find(|table| table.rows > 0 && table.met == 0) else { return Ok(()) };
    let ours = folder.first_ids(journal, table.first.len())?;
    folder.discard(journal)?;
    let (file, theirs) = (table.file.clone(), table.first.clone());
    Err(BuildError::NoneJoined { file, rows: table.rows, theirs, ours })
}

/// Checks that the build does not replace its own inputs.
fn require_apart(store: &Path, inputs: &[PathBuf]) -> Result<(), BuildError> {
    output::require_apart(store, inputs)?;
    output::require_outside_store(store, inputs)?;
    if store.exists() {
        // Other files in a folder cannot have the names of a store's files.
        for folder in inputs.iter().filter(|input| input.is_dir()) {
            for link in source::links(folder)? {
                output::require_outside_store(store, [link?])?;
            }
        }
    }
    Ok(())
}

/// Returns the property columns: those of the source, followed by those of the label tables.
fn all_properties(opened: &OpenSource, labels: &LabelTable) -> Result<Vec<PropertyColumn>, BuildError> {
    let labelled = || labels.properties.iter().chain(&labels.classes).chain(&labels.site_properties);
    for label in labelled() {
        if let Some(property) = opened.properties.iter().find(|property| property.column == label.column) {
            return Err(BuildError::DuplicateColumn {
                column: label.column.clone(),
                source_key: property.key.clone(),
                label_key: label.key.clone(),
            });
        }
    }
    Ok(opened.properties.iter().chain(labelled()).cloned().collect())
}
