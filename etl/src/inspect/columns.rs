//! The columns of a store: name, type, unit, shape and meaning of each, from the metadata of its shards.

use std::io::{self, Write};
use std::path::Path;

use arrow::datatypes::{DataType, Field};
use schemas::StoreError;
use schemas::manifest::Manifest;
use schemas::reader::Shard;
use schemas::store::{column_by_name, comment};
use serde::Serialize;

/// A column of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnNote {
    /// Name.
    pub name: String,
    /// Type: `text`, `double`, `int8`, and `[double]` for a list.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Unit; empty for a column without one, `1` for pure numbers.
    pub unit: String,
    /// Shape of a list, such as `[nedges]`; empty for a single value.
    pub shape: String,
    /// Meaning.
    pub description: String,
}

impl ColumnNote {
    fn of(field: &Field) -> Self {
        let metadata = |key: &str| field.metadata().get(key).cloned().unwrap_or_default();
        Self {
            name: field.name().clone(),
            data_type: name_of(field.data_type()),
            unit: metadata("unit"),
            shape: metadata("shape"),
            description: metadata("description"),
        }
    }
}

/// Returns the name of a type.
fn name_of(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "text".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::List(item) | DataType::FixedSizeList(item, _) => format!("[{}]", name_of(item.data_type())),
        other => other.to_string().to_lowercase(),
    }
}

/// Returns the columns of a store in the order of its shards. A store without shards has none.
///
/// # Errors
/// [`StoreError`] if the manifest or the first shard cannot be read. All shards of a store have the same columns.
pub fn columns(store: &Path) -> Result<Vec<ColumnNote>, StoreError> {
    let manifest = Manifest::read(store)?;
    let Some(first) = manifest.shards.first() else { return Ok(Vec::new()) };
    first.verify(store)?;
    let shard = Shard::open(&store.join(&first.file), Some(&manifest.settings))?;
    Ok(shard.schema().fields().iter().map(|field| ColumnNote::of(field)).collect())
}

/// Writes a statement for DuckDB for every property and split among the columns, which comments it in the view
/// `crystals`. Those that are in every store have their comments in `schemas/duckdb/views.sql`.
///
/// # Errors
/// If writing fails.
pub fn write_sql(columns: &[ColumnNote], out: &mut impl Write) -> io::Result<()> {
    for column in columns.iter().filter(|column| column_by_name(&column.name).is_none()) {
        let ColumnNote { name, unit, shape, description, .. } = column;
        let comment = comment(description, shape, unit).replace('\'', "''");
        let name = name.replace('"', "\"\"");
        writeln!(out, "COMMENT ON COLUMN crystals.\"{name}\" IS '{comment}';")?;
    }
    Ok(())
}

/// Writes columns as a table.
///
/// # Errors
/// If writing fails.
pub fn write_text(columns: &[ColumnNote], out: &mut impl Write) -> io::Result<()> {
    let width = |part: fn(&ColumnNote) -> &String, heading: &str| {
        let longest = columns.iter().map(|column| part(column).chars().count()).max();
        longest.unwrap_or(0).max(heading.len())
    };
    let [name, data_type, unit] = [
        width(|column| &column.name, "column"),
        width(|column| &column.data_type, "type"),
        width(|column| &column.unit, "unit"),
    ];
    writeln!(out, "{:name$}  {:data_type$}  {:unit$}  meaning", "column", "type", "unit")?;
    for column in columns {
        let ColumnNote { name: of_column, data_type: of_type, unit: of_unit, shape, description } = column;
        let shape = if shape.is_empty() { String::new() } else { format!("; {shape}") };
        writeln!(out, "{of_column:name$}  {of_type:data_type$}  {of_unit:unit$}  {description}{shape}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use schemas::property::PropertyColumn;

    use super::*;

    #[test]
    fn types_have_short_names() {
        let list = |item| DataType::List(Arc::new(Field::new("item", item, false)));
        assert_eq!(name_of(&list(DataType::Float64)), "[double]");
        assert_eq!(name_of(&list(DataType::UInt8)), "[uint8]");
        assert_eq!([DataType::Utf8, DataType::Int16].map(|kind| name_of(&kind)), ["text", "int16"]);
    }

    #[test]
    fn every_column_has_a_line_with_unit_and_meaning() {
        let schema = schemas::store::shard_schema(&[], &[PropertyColumn::number("band_gap_ev", "gap")]);
        let columns: Vec<ColumnNote> = schema.fields().iter().map(|field| ColumnNote::of(field)).collect();
        let mut text = Vec::new();
        write_text(&columns, &mut text).expect("a buffer");
        let text = String::from_utf8(text).expect("text");
        assert_eq!(text.lines().count(), columns.len() + 1);
        let gap = text.lines().last().expect("a line");
        assert!(gap.starts_with("band_gap_ev ") && gap.contains("  eV "), "{gap}");
        assert!(columns.iter().all(|column| !column.description.is_empty()));
        let mut sql = Vec::new();
        write_sql(&columns, &mut sql).expect("a buffer");
        let sql = String::from_utf8(sql).expect("text");
        let about = "Band gap by the source''s main functional";
        assert!(sql.starts_with(&format!("COMMENT ON COLUMN crystals.\"band_gap_ev\" IS '{about}")), "{sql}");
        assert!(sql.ends_with(", in eV';\n") && sql.lines().count() == 1, "{sql}");
    }
}
