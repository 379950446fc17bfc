//! Features of structures as Arrow tables.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use etl::pipeline::featurise::featurise_source;
use etl::reject::{Note, Origin, Reject};
use etl::shard::file_metadata;
use etl::source::SourceOptions;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use schemas::settings::FeatureSettings;
use schemas::store::{reject_schema, shard_schema};

use crate::entries::{Entries, open};
use crate::fault::Fault;
use crate::options;
use crate::table::Table;
use crate::work::{self, Progress};

/// Computes features. Returns the crystals, the rejects, and the notes about crystals, each as a table.
#[pyfunction]
#[pyo3(signature = (entries, name, threads, options, progress))]
pub(crate) fn featurise(
    py: Python<'_>,
    entries: &Entries,
    name: Option<String>,
    threads: Option<usize>,
    options: &Bound<'_, PyDict>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<(Table, Table, Table)> {
    let read = || -> Result<_, Fault> { Ok((options::features(options)?, options::threads(threads)?)) };
    let ((settings, bounds), threads) = read().map_err(|fault| fault.raise(py))?;
    let items = entries.take();
    let mut found = Found::default();
    let (found, schema) = work::run(py, progress, move |caller| {
        let sources = SourceOptions {
            name,
            property_columns: Some(Vec::new()),
            embedded_labels: false,
            ..SourceOptions::default()
        };
        let (source, _) = open(items, &sources)?;
        let schema = documented(&shard_schema(&[], &source.properties), &settings);
        let mut done = 0;
        let blocks = featurise_source(source, &settings, bounds, threads)?;
        let total_bytes = blocks.total_bytes();
        for block in blocks {
            let block = block?;
            let crystals: usize = block.crystals.iter().map(|batch| batch.len()).sum();
            done += (crystals + block.rejects.len()) as u64;
            caller.tell(Progress {
                done,
                total: expected(done, block.bytes_read, total_bytes),
                text: String::new(),
            });
            for batch in &block.crystals {
                let columns = batch.record_batch().columns().to_vec();
                let batch = RecordBatch::try_new(Arc::clone(&schema), columns);
                found.crystals.push(batch.map_err(|error| Fault::other(&error))?);
            }
            found.rejects.extend(block.rejects);
            found.notes.extend(block.notes);
            if caller.interrupt.requested() {
                return Err(Fault::Interrupted);
            }
        }
        Ok((found, schema))
    })?;
    let table = |rows| Row::table(rows).map_err(|error| Fault::other(&error).raise(py));
    let rejects = table(found.rejects.iter().map(Row::from).collect())?;
    let notes = table(found.notes.iter().map(Row::from).collect())?;
    Ok((Table::new(schema, found.crystals), rejects, notes))
}

/// What has been found so far.
#[derive(Default)]
struct Found {
    crystals: Vec<RecordBatch>,
    rejects: Vec<Reject>,
    notes: Vec<Note>,
}

/// Returns the number of entries that is to be expected, from the share of the bytes that they took.
fn expected(done: u64, bytes_read: u64, total_bytes: u64) -> Option<u64> {
    let rest = (total_bytes as f64 / bytes_read as f64).max(1.0);
    (bytes_read > 0).then(|| (done as f64 * rest).round() as u64)
}

/// Returns a schema with the settings of the features, as the shards of a store have it.
fn documented(schema: &Schema, settings: &FeatureSettings) -> SchemaRef {
    let metadata: HashMap<String, String> = file_metadata(settings).into_iter().collect();
    Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata))
}

/// A row of the rejects or the notes, with the columns of a store's rejects.
struct Row<'a> {
    material_id: Option<&'a str>,
    origin: &'a Origin,
    reason: &'a str,
    message: &'a str,
}

impl<'a> From<&'a Reject> for Row<'a> {
    fn from(reject: &'a Reject) -> Self {
        let Reject { material_id, origin, reason, message, .. } = reject;
        Self { material_id: material_id.as_deref(), origin, reason, message }
    }
}

impl<'a> From<&'a Note> for Row<'a> {
    fn from(note: &'a Note) -> Self {
        let Note { material_id, origin, code, message } = note;
        Self { material_id: material_id.as_deref(), origin, reason: code, message }
    }
}

impl Row<'_> {
    fn table(rows: Vec<Self>) -> Result<Table, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| row.material_id).collect::<StringArray>()),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.origin.file))),
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.origin.record))),
            Arc::new(rows.iter().map(|row| row.origin.line).collect::<UInt32Array>()),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.reason))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.message))),
        ];
        let schema = reject_schema();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        Ok(Table::new(schema, vec![batch]))
    }
}
