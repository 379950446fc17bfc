//! Rows and rejects as batches of the output stream.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array, new_null_array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use schemas::settings::FeatureSettings;

use crate::pipeline::block::ProcessedBlock;
use crate::reject::Reject;
use crate::shard::file_metadata;

/// Name of the column of reason codes, which is null for crystals.
pub const REJECT_KIND: &str = "reject_kind";
/// Name of the column of reject messages, which is null for crystals.
pub const REJECT_MESSAGE: &str = "reject_message";
/// Name of the column of identifiers, which rejects have too if it could be read.
const ID: &str = "material_id";

/// Returns the schema of the output: the columns of a shard, all nullable, followed by those of a reject. Its
/// metadata holds the settings of the features.
pub(super) fn schema(shard: &Schema, settings: &FeatureSettings) -> SchemaRef {
    let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
    let mut fields: Vec<Field> = shard.fields().iter().map(nullable).collect();
    fields.extend([REJECT_KIND, REJECT_MESSAGE].map(|name| Field::new(name, DataType::Utf8, true)));
    let metadata: HashMap<String, String> = file_metadata(settings).into_iter().collect();
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// A row of the output.
enum Row<'a> {
    /// A crystal, by its index in the block.
    Crystal(u32),
    Reject(&'a Reject),
}

/// Returns the rows and rejects of a block in the order of the input. For an entry with several structures, the
/// crystals come first.
///
/// # Errors
/// Returns an [`ArrowError`] if the columns do not match the schema, which is an error of the caller.
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
            // Nothing can be taken from an empty column, not even a null.
            column if column.is_empty() => new_null_array(column.data_type(), rows.len()),
            column => take(column, &positions, None)?,
        });
    }
    columns.push(reject(|reject| reject.reason));
    columns.push(reject(|reject| &reject.message));
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// Returns the identifiers of crystals and rejects.
fn identifiers(rows: &[(u64, Row<'_>)], crystals: &ArrayRef) -> ArrayRef {
    let ids = crystals.as_string_opt::<i32>();
    let id = |(_, row): &(u64, Row<'_>)| match row {
        Row::Crystal(position) => ids.map(|ids| ids.value(*position as usize).to_owned()),
        Row::Reject(reject) => reject.material_id.clone(),
    };
    Arc::new(rows.iter().map(id).collect::<StringArray>())
}
