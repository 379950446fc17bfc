//! A request to build a store.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemas::limits::MAX_THREADS;
use schemas::part::Part;
use schemas::settings::FeatureSettings;

use super::bounds::Bounds;
use super::error::BuildError;
use super::journal::NAMED_CIFS;
use super::sorted::Order;
use crate::labels::{IdRule, LabelInputs, LabelTable};
use crate::source::{OpenSource, SourceKind, SourceOptions};

/// Default number of rows of a shard.
pub const DEFAULT_SHARD_ROWS: usize = 16_384;
/// Default number of rows of a row group.
pub const DEFAULT_ROW_GROUP_ROWS: usize = 1_024;

/// A request to build a store.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// Kind of source.
    pub kind: SourceKind,
    /// Input files or folders.
    pub inputs: Vec<PathBuf>,
    /// Options of reading the source.
    pub source: SourceOptions,
    /// Label tables, splits of the leaderboard and folds to join.
    pub labels: Vec<PathBuf>,
    /// Keys of the columns of an `id_prop.csv`; empty for the default.
    pub id_prop_keys: Vec<String>,
    /// Folder of the store.
    pub store: PathBuf,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// Limits for single crystals.
    pub bounds: Bounds,
    /// Filter expressions over the columns of the store, such as `nsites <= 20`. A crystal must pass all of them.
    pub filters: Vec<String>,
    /// Whether to look for space groups.
    pub space_groups: bool,
    /// Order of the rows.
    pub order: Order,
    /// The part of the store to build; `None` for the whole store.
    pub part: Option<Part>,
    /// Largest number of rows of a shard.
    pub shard_rows: usize,
    /// Largest number of rows of a row group.
    pub row_group_rows: usize,
    /// Number of threads.
    pub threads: usize,
    /// Whether to resume an interrupted run.
    pub resume: bool,
    /// Whether to replace a store, finished or not, that is already in the folder.
    pub force: bool,
}

impl BuildRequest {
    /// Creates a request for a complete store in the order of its source, on one thread, with the default settings.
    pub fn new(kind: SourceKind, inputs: Vec<PathBuf>, store: PathBuf) -> Self {
        Self {
            kind,
            inputs,
            source: SourceOptions::default(),
            labels: Vec::new(),
            id_prop_keys: Vec::new(),
            store,
            settings: FeatureSettings::default(),
            bounds: Bounds::default(),
            filters: Vec::new(),
            space_groups: false,
            order: Order::Source,
            part: None,
            shard_rows: DEFAULT_SHARD_ROWS,
            row_group_rows: DEFAULT_ROW_GROUP_ROWS,
            threads: 1,
            resume: false,
            force: false,
        }
    }

    /// Checks the sizes, the number of threads, the smallest volume and distance, and the settings.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        let sizes = [("shard_rows", self.shard_rows), ("row_group_rows", self.row_group_rows)];
        if let Some((option, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            let (value, problem) = ("0".to_owned(), "must be at least 1".to_owned());
            return Err(BuildError::Option { option, value, problem });
        }
        check_threads(self.threads)?;
        self.bounds.check()?;
        Ok(self.settings.check()?)
    }

    /// Returns the given label tables, and those that were found among the inputs, which are taken out of `opened`.
    pub(super) fn label_inputs(&self, opened: &mut OpenSource) -> LabelInputs {
        LabelInputs {
            files: self.labels.clone(),
            embedded: std::mem::take(&mut opened.embedded_labels),
            id_prop_keys: self.id_prop_keys.clone(),
            // The folds of other tasks are not needed.
            tasks: if self.kind == SourceKind::Matbench { vec![opened.name.clone()] } else { vec![] },
            id_rule: IdRule::of(self.kind),
        }
    }

    /// Returns all options, other than source and settings, that determine the rows and their order.
    pub(super) fn options(&self, opened: &OpenSource, labels: &LabelTable) -> BTreeMap<String, String> {
        let mut options = BTreeMap::from([
            ("kind".to_owned(), self.kind.to_string()),
            ("filters".to_owned(), self.filters.join(" && ")),
            ("space_groups".to_owned(), self.space_groups.to_string()),
            ("order".to_owned(), self.order.to_string()),
            ("shard_rows".to_owned(), self.shard_rows.to_string()),
            ("row_group_rows".to_owned(), self.row_group_rows.to_string()),
        ]);
        options.extend(self.bounds.options());
        options.insert("splits".to_owned(), labels.splits.join(" "));
        if self.kind.has_files() {
            options.insert("id".to_owned(), self.source.id.to_string());
        }
        let SourceOptions { id_column, cif_column, property_columns, embedded_labels, .. } = &self.source;
        let given = [
            ("id_column", id_column.clone()),
            ("cif_column", cif_column.clone()),
            ("property_columns", property_columns.as_ref().map(|columns| columns.join(","))),
            ("embedded_labels", (!embedded_labels).then(|| embedded_labels.to_string())),
            ("id_prop_keys", (!self.id_prop_keys.is_empty()).then(|| self.id_prop_keys.join(","))),
            (NAMED_CIFS, opened.named_cifs.clone()),
        ];
        options.extend(given.into_iter().filter_map(|(option, value)| Some((option.to_owned(), value?))));
        options
    }
}

/// Checks that the number of threads is in range.
pub(crate) fn check_threads(threads: usize) -> Result<(), BuildError> {
    if (1..=MAX_THREADS).contains(&threads) {
        return Ok(());
    }
    let problem = format!("must be 1 to {MAX_THREADS}");
    Err(BuildError::Option { option: "threads", value: threads.to_string(), problem })
}
