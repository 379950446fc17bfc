//! Rows and rejects side by side, as batches of the output stream.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array, new_null_array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use schemas::settings::FeatureSettings;

use crate::pipeline::process::ProcessedBlock;
use crate::reject::Reject;
use crate::shard::file_metadata;

/// Column of the reason codes; null for a crystal.
pub const REJECT_KIND: &str = "reject_kind";
/// Column of what is wrong; null for a crystal.
pub const REJECT_MESSAGE: &str = "reject_message";
/// Column of the identifiers, which rejects have too where it could be read.
const ID: &str = "material_id";

/// The columns of a shard, each of them nullable, and those of a reject; the settings of the features
/// as metadata.
pub(super) fn schema(shard: &Schema, settings: &FeatureSettings) -> SchemaRef {
    let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
    let mut fields: Vec<Field> = shard.fields().iter().map(nullable).collect();
    fields.extend([REJECT_KIND, REJECT_MESSAGE].map(|name| Field::new(name, DataType::Utf8, true)));
    let metadata: HashMap<String, String> = file_metadata(settings).into_iter().collect();
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// One row of the output.
enum Row<'a> {
    /// A crystal, by its position among those of the block.
    Crystal(u32),
    Reject(&'a Reject),
}

/// The rows and rejects of a block in the order of the input; within an entry of several structures the
/// crystals first.
///
/// # Errors
/// [`ArrowError`] if the columns do not make up the schema, a fault of the caller.
pub(super) fn batch(
    shard: &SchemaRef,
    schema: &SchemaRef,
    block: &ProcessedBlock,
) -> Result<RecordBatch, ArrowError> {
    let crystals = concat_batches(shard, &block.batches)?;
    let mut rows: Vec<(u64, Row<'_>)> =
        (0..).zip(&block.origins).map(|(row, origin)| (origin.record, Row::Crystal(row))).collect();
    rows.extend(block.rejects.iter().map(|reject| (reject.origin.record, Row::Reject(reject))));
    rows.sort_by_key(|(record, _)| *record);

    let crystal = |row: &(u64, Row<'_>)| match row.1 {
        Row::Crystal(position) => Some(position),
        Row::Reject(_) => None,
    };
    let positions: UInt32Array = rows.iter().map(crystal).collect();
    let reject = |value: fn(&Reject) -> &str| -> ArrayRef {
        let values = rows.iter().map(|(_, row)| match row {
            Row::Crystal(_) => None,
            Row::Reject(reject) => Some(value(reject)),
        });
        Arc::new(values.collect::<StringArray>())
    };
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (field, column) in shard.fields().iter().zip(crystals.columns()) {
        columns.push(match column {
            column if field.name() == ID => identifiers(&rows, column),
            // Nothing can be taken out of an empty column, not even a null.
            column if column.is_empty() => new_null_array(column.data_type(), rows.len()),
            column => take(column, &positions, None)?,
        });
    }
    columns.push(reject(|reject| reject.reason));
    columns.push(reject(|reject| &reject.message));
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// The identifiers of crystals and rejects.
fn identifiers(rows: &[(u64, Row<'_>)], crystals: &ArrayRef) -> ArrayRef {
    let ids = crystals.as_string_opt::<i32>();
    let id = |(_, row): &(u64, Row<'_>)| match row {
        Row::Crystal(position) => ids.map(|ids| ids.value(*position as usize).to_owned()),
        Row::Reject(reject) => reject.material_id.clone(),
    };
    Arc::new(rows.iter().map(id).collect::<StringArray>())
}
