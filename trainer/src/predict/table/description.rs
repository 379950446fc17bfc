//! Description of a table of predictions: whose predictions of what they are.

use std::io;

use parquet::file::properties::WriterProperties;

use crate::predict::model::Quantity;
use crate::table::parquet_properties;
use crate::task::TargetColumn;

/// Description of a table in its metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Weights files as given.
    pub weights: Vec<String>,
    /// The predicted quantity.
    pub quantity: Quantity,
}

/// Returns the metadata of the Parquet table. Those of several properties are separated by commas.
pub(super) fn properties(description: &Description) -> io::Result<WriterProperties> {
    let Description { weights, quantity: Quantity { task, targets, classes, .. } } = description;
    let joined = |of: fn(&TargetColumn) -> &str| targets.iter().map(of).collect::<Vec<_>>().join(",");
    let mut entries = vec![
        ("weights", serde_json::to_string(weights)?),
        ("task", task.clone()),
        ("property", joined(|target| &target.property)),
        ("unit", joined(|target| &target.unit)),
        ("transform", joined(|target| target.transform.name())),
    ];
    if !classes.is_empty() {
        entries.push(("classes", serde_json::to_string(classes)?));
    }
    Ok(parquet_properties(entries))
}
