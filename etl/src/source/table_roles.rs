//! Roles of the columns of a table, in CSV or Parquet.

use std::collections::HashMap;
use std::sync::Arc;

use super::key_scan::{KeyScan, ScannedKeys};
use super::odd_values::left_out_notes;
use super::properties::assign_columns;
use super::property_value::Reading;
use super::{PropertyColumn, SourceError, SourceOptions};

/// Names of identifier columns. The first existing one is used, in any case.
const ID_COLUMNS: [&str; 5] = ["material_id", "id", "jid", "mbid", "cif_id"];
/// Default name of the column of CIFs.
pub(super) const CIF_COLUMN: &str = "cif";
/// Qualifier of the properties' keys.
const QUALIFIER: &str = "table";

/// The role of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The identifier.
    Id,
    /// The CIF.
    Cif,
    /// A property, by its index.
    Property(usize),
    /// A column that is not stored.
    Ignored,
}

/// The properties of tables.
pub(super) struct Properties {
    /// Their columns in the store.
    pub(super) columns: Vec<PropertyColumn>,
    /// How the values of each are read.
    pub(super) readings: Vec<Reading>,
    /// Names of the classes of each; empty for other properties.
    pub(super) classes: Vec<Arc<[String]>>,
    /// Remarks about columns that are left out.
    pub(super) notes: Vec<String>,
}

impl Properties {
    /// Determines the properties by the values that were seen. If columns are `wanted`, those are the properties, and a
    /// value that is no number is an error of its entry unless all are booleans or classes.
    ///
    /// # Errors
    /// Returns [`SourceError::DuplicateColumn`] if two have the same column in the store.
    pub(super) fn new(file: &str, scan: KeyScan, wanted: Option<&[String]>) -> Result<Self, SourceError> {
        let ScannedKeys { properties, left_out, .. } = scan.finish(QUALIFIER);
        let found = properties.into_iter();
        let found = found.map(|key| (String::from_utf8_lossy(&key.key).into_owned(), key.reading));
        let (keys, readings, notes): (Vec<String>, Vec<Reading>, _) = match wanted {
            None => {
                let (keys, readings) = found.unzip();
                (keys, readings, left_out_notes(file, &left_out))
            }
            Some(wanted) => {
                let found: HashMap<String, Reading> = found.collect();
                let reading = |key: &String| match found.get(key) {
                    None | Some(Reading::Numbers) => Reading::StrictNumbers,
                    Some(reading) => reading.clone(),
                };
                (wanted.to_vec(), wanted.iter().map(reading).collect(), Vec::new())
            }
        };
        let mut columns = assign_columns(file, QUALIFIER, "", keys)?;
        for (column, reading) in columns.iter_mut().zip(&readings) {
            column.kind = reading.kind();
        }
        let classes = readings.iter().map(Reading::classes).collect();
        Ok(Self { columns, readings, classes, notes })
    }
}

/// Returns the index of the identifier column: one of the usual names, with exact case preferred.
pub(crate) fn find_id_column(columns: &[String]) -> Option<usize> {
    let find = |is_it: &dyn Fn(&str, &str) -> bool| {
        ID_COLUMNS.iter().find_map(|name| columns.iter().position(|column| is_it(column, name)))
    };
    find(&|column, name| column == name)
        .or_else(|| find(&|column, name| column.replace([' ', '-'], "_").eq_ignore_ascii_case(name)))
}

/// Checks that no required column has the same name as another one, because it would be ambiguous.
///
/// # Errors
/// Returns [`SourceError::Layout`] if one has.
pub(super) fn check_unique(file: &str, columns: &[String], roles: &[Role]) -> Result<(), SourceError> {
    let mut first = HashMap::new();
    for (column, role) in columns.iter().zip(roles) {
        let earlier = *first.entry(column.as_str()).or_insert(role);
        if !std::ptr::eq(earlier, role) && (*earlier != Role::Ignored || *role != Role::Ignored) {
            return Err(SourceError::layout(file, format!("has two columns named {column:?}")));
        }
    }
    Ok(())
}

/// Returns the indices of the identifier and CIF columns.
///
/// # Errors
/// Returns [`SourceError::MissingColumn`] if one is missing.
pub(super) fn find_roles(
    file: &str,
    columns: &[String],
    options: &SourceOptions,
) -> Result<Vec<Role>, SourceError> {
    let named = |name: &str| columns.iter().position(|column| column == name);
    let missing = |wanted: String| SourceError::MissingColumn {
        file: file.to_owned(),
        wanted,
        found: columns.to_vec(),
    };
    let id = match &options.id_column {
        Some(name) => named(name).ok_or_else(|| missing(name.clone()))?,
        None => find_id_column(columns).ok_or_else(|| missing(ID_COLUMNS.join(" or ")))?,
    };
    let cif = options.cif_column.as_deref().unwrap_or(CIF_COLUMN);
    let cif = named(cif).ok_or_else(|| missing(cif.to_owned()))?;
    let role = |at| match at {
        at if at == id => Role::Id,
        at if at == cif => Role::Cif,
        _ => Role::Ignored,
    };
    Ok((0..columns.len()).map(role).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_columns_have_names_of_their_own() {
        let check = |columns: &[&str], roles: &[Role]| {
            let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
            check_unique("t.csv", &columns, roles).map_err(|error| error.to_string())
        };
        let roles = [Role::Id, Role::Cif, Role::Property(0), Role::Ignored, Role::Ignored];
        assert_eq!(check(&["id", "cif", "x", "note", "note"], &roles), Ok(()));
        for column in ["id", "cif", "x"] {
            let found = check(&["id", "cif", "x", "note", column], &roles);
            assert_eq!(found, Err(format!("t.csv: has two columns named {column:?}")));
        }
    }
}
