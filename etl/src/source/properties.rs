//! Assignment of columns to the properties of a source.

use std::collections::{HashMap, HashSet};

use schemas::property::{by_column, documented_column, passthrough_column};
use schemas::store::{SPLIT_PREFIX, column_by_name};

use super::json_string::JsonString;
use super::key_scan::{MAX_PROPERTY_KEYS, PropertyKey};
use super::units::documented;
use super::{PropertyColumn, SourceError};

/// Largest number of columns of a table: those of the properties, and as many others.
pub(crate) const MAX_TABLE_COLUMNS: usize = 2 * MAX_PROPERTY_KEYS;
/// Prefix of a property's column if its name is that of a fixed column.
const CLASH_PREFIX: &str = "property_";

/// Assigns a column to every key of a source. The columns hold numbers until their kinds are set.
///
/// A documented key gets its documented column or, if another key of the source has it, the name that it would have
/// without documentation. A key that is documented as it is written comes before others, such as those with a unit. If the name is that of a fixed column, it gets the prefix `property_`.
///
/// # Errors
/// Returns [`SourceError::DuplicateColumn`] if two keys still have the same column.
pub(crate) fn assign_columns(
    file: &str,
    qualifier: &str,
    prefix: &str,
    keys: impl IntoIterator<Item = String>,
) -> Result<Vec<PropertyColumn>, SourceError> {
    let keys: Vec<String> = keys.into_iter().collect();
    let exact = exact_columns(qualifier, keys.iter().map(String::as_str));
    let mut columns: Vec<PropertyColumn> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for key in keys {
        let column = column_of(qualifier, prefix, &key, &exact, |column| places.contains_key(column));
        if let Some(other) = places.get(&column).and_then(|at| columns.get(*at)) {
            let (file, first) = (file.to_owned(), other.key.clone());
            return Err(SourceError::DuplicateColumn { file, first, second: key, column });
        }
        places.insert(column.clone(), columns.len());
        columns.push(PropertyColumn::number(column, key));
    }
    Ok(columns)
}

/// Assigns columns to the keys of a source's entries as [`assign_columns`] does. If two keys have the same column,
/// the one with more values is kept and a line is added to `notes`, so that a single odd entry does not end a build.
pub(super) fn assign_keys(
    file: &str,
    qualifier: &str,
    prefix: &str,
    keys: Vec<PropertyKey>,
    notes: &mut Vec<String>,
) -> (Vec<PropertyColumn>, Vec<PropertyKey>) {
    let mut columns: Vec<PropertyColumn> = Vec::with_capacity(keys.len());
    let mut kept: Vec<PropertyKey> = Vec::with_capacity(keys.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    let texts: Vec<String> =
        keys.iter().map(|found| JsonString { raw: &found.key, escaped: true }.text().into_owned()).collect();
    let exact = exact_columns(qualifier, texts.iter().map(String::as_str));
    for (found, key) in keys.into_iter().zip(texts) {
        let column = column_of(qualifier, prefix, &key, &exact, |column| places.contains_key(column));
        let Some(&at) = places.get(&column) else {
            places.insert(column.clone(), columns.len());
            columns.push(PropertyColumn { column, key, kind: found.reading.kind() });
            kept.push(found);
            continue;
        };
        let mut dropped = key;
        if let (Some(other), Some(property)) = (kept.get_mut(at), columns.get_mut(at)) {
            if found.values > other.values {
                std::mem::swap(&mut property.key, &mut dropped);
                property.kind = found.reading.kind();
                *other = found;
            }
            let kept = &property.key;
            notes.push(format!(
                "{file}: key {dropped:?} is left out: its column {column} is that of {kept:?}"
            ));
        }
    }
    (columns, kept)
}

/// Returns the documented columns of the keys that are documented as they are written.
fn exact_columns<'a>(qualifier: &str, keys: impl Iterator<Item = &'a str>) -> HashSet<&'static str> {
    keys.filter_map(|key| documented_column(qualifier, key)).map(|property| property.column).collect()
}

/// Returns the column of a key. `exact` are the columns of keys that are documented as they are written, and `taken`
/// states which columns other keys have.
fn column_of(
    qualifier: &str,
    prefix: &str,
    key: &str,
    exact: &HashSet<&str>,
    taken: impl Fn(&str) -> bool,
) -> String {
    let known = documented(qualifier, key).map(|property| property.column);
    let known = known.filter(|column| !exact.contains(column) || documented_column(qualifier, key).is_some());
    match known.filter(|column| !taken(column)) {
        Some(column) => column.to_owned(),
        None => plain_column(prefix, key),
    }
}

/// Returns the column of a key without documentation, distinct from the fixed columns.
fn plain_column(prefix: &str, key: &str) -> String {
    let column = passthrough_column(prefix, key);
    let clash = column_by_name(&column).is_some()
        || by_column(&column).is_some()
        || column.starts_with(SPLIT_PREFIX)
        || column == "split"
        || column == "fold";
    if clash { format!("{CLASH_PREFIX}{column}") } else { column }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::property_value::Reading;

    fn columns(keys: &[&str]) -> Vec<String> {
        let keys = keys.iter().map(|&key| key.to_owned());
        let columns = assign_columns("a.json", "jarvis", "jarvis", keys).expect("no clash");
        columns.into_iter().map(|column| column.column).collect()
    }

    #[test]
    fn a_documented_column_goes_to_the_first_key() {
        assert_eq!(columns(&["optb88vdw_bandgap", "bandgap"]), ["band_gap_ev", "jarvis_bandgap"]);
    }

    #[test]
    fn a_key_that_is_documented_as_it_is_comes_first() {
        assert_eq!(columns(&["bandgap_eV", "band_gap"]), ["jarvis_bandgap_ev", "band_gap_ev"]);
        assert_eq!(columns(&["bandgap_eV", "Band gap"]), ["band_gap_ev", "jarvis_band_gap"]);
    }

    #[test]
    fn a_store_s_own_columns_are_kept_clear() {
        let keys = ["volume", "nsites", "split_x", "fold"].map(str::to_owned);
        let columns = assign_columns("a.csv", "table", "", keys).expect("no clash");
        let columns: Vec<_> = columns.iter().map(|column| column.column.as_str()).collect();
        assert_eq!(columns, ["property_volume", "property_nsites", "property_split_x", "property_fold"]);
    }

    #[test]
    fn two_keys_of_one_column_are_an_error() {
        let keys = ["a b", "a-b"].map(str::to_owned);
        let error = assign_columns("a.csv", "", "", keys).expect_err("both are a_b");
        assert!(matches!(error, SourceError::DuplicateColumn { .. }));
    }

    #[test]
    fn of_two_keys_of_one_column_the_one_with_more_values_stays() {
        let key = |key: &str, values| PropertyKey {
            key: key.as_bytes().to_vec(),
            reading: Reading::Numbers,
            values,
        };
        let keys = vec![key("a b", 1), key("d", 3), key("a-b", 5), key("a.b", 2)];
        let mut notes = Vec::new();
        let (columns, kept) = assign_keys("f.json", "jarvis", "", keys, &mut notes);
        let columns: Vec<_> = columns.iter().map(|column| (&*column.column, &*column.key)).collect();
        assert_eq!(columns, [("a_b", "a-b"), ("d", "d")]);
        assert_eq!(kept.iter().map(|key| key.values).collect::<Vec<_>>(), [5, 3]);
        assert_eq!(
            notes,
            [
                "f.json: key \"a b\" is left out: its column a_b is that of \"a-b\"",
                "f.json: key \"a.b\" is left out: its column a_b is that of \"a-b\"",
            ]
        );
    }
}
