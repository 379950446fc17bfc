//! What the columns of a table are, whatever it is stored in.

use std::collections::HashMap;

use super::{SourceError, SourceOptions};

/// Columns taken for identifiers, the first that there is, whatever its case.
const ID_COLUMNS: [&str; 5] = ["material_id", "id", "jid", "mbid", "cif_id"];
/// Column taken for the CIFs.
pub(super) const CIF_COLUMN: &str = "cif";
/// Qualifier of the properties' keys.
pub(super) const QUALIFIER: &str = "table";

/// What a column is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The identifier.
    Id,
    /// The CIF.
    Cif,
    /// A property of the source, by its position.
    Property(usize),
    /// Text that a store has no place for.
    Ignored,
}

/// The column of the identifiers: one of the usual names, as it stands or else in another case.
pub(crate) fn find_id_column(columns: &[String]) -> Option<usize> {
    let find = |is_it: &dyn Fn(&str, &str) -> bool| {
        ID_COLUMNS.iter().find_map(|name| columns.iter().position(|column| is_it(column, name)))
    };
    find(&|column, name| column == name)
        .or_else(|| find(&|column, name| column.replace([' ', '-'], "_").eq_ignore_ascii_case(name)))
}

/// Refuses two columns of one name where one of them is needed: nobody knows which is meant.
///
/// # Errors
/// [`SourceError::Layout`].
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

/// Which of the columns are the identifier's and the CIF's.
///
/// # Errors
/// [`SourceError::MissingColumn`].
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
