//! What the columns of a table are, whatever it is stored in.

use super::{SourceError, SourceOptions};

/// Columns taken for identifiers, the first that there is.
pub(super) const ID_COLUMNS: [&str; 5] = ["material_id", "id", "jid", "mbid", "cif_id"];
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

/// Which of the columns are the identifier's and the CIF's.
///
/// # Errors
/// [`SourceError::MissingColumn`].
pub(super) fn find_roles(
    file: &str,
    columns: &[String],
    options: &SourceOptions,
) -> Result<Vec<Role>, SourceError> {
    let find = |given: &Option<String>, defaults: &[&str]| {
        let found = match given {
            Some(name) => columns.iter().position(|column| column == name),
            None => defaults.iter().find_map(|name| columns.iter().position(|column| column == name)),
        };
        found.ok_or_else(|| SourceError::MissingColumn {
            file: file.to_owned(),
            wanted: given.clone().unwrap_or_else(|| defaults.join(" or ")),
            found: columns.to_vec(),
        })
    };
    let id = find(&options.id_column, &ID_COLUMNS)?;
    let cif = find(&options.cif_column, &[CIF_COLUMN])?;
    let role = |at| match at {
        at if at == id => Role::Id,
        at if at == cif => Role::Cif,
        _ => Role::Ignored,
    };
    Ok((0..columns.len()).map(role).collect())
}
