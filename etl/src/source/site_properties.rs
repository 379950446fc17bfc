//! Properties of the sites of a structure: further columns of the atoms in extended XYZ, the `properties` of the sites of
//! pymatgen, `"sites": [{"properties": {"magmom": 2.1, ..}, ..}, ..]`, and lists with a value for each site.

use std::borrow::Cow;

use schemas::property::passthrough_column;

use super::flat_json::array_of;
use super::json::{Cursor, JsonError};
use super::property_value::{PropertyValue, list_of_text};
use super::quote::{odd_message, shown};

/// Keys of the quantities of ASE that are lists with a number of every atom: those of a structure, and results of
/// calculators (`ase.db.row`, `ase.calculators.calculator.all_properties`).
pub(super) const ASE_KEYS: [&str; 7] =
    ["initial_charges", "initial_magmoms", "masses", "tags", "charges", "energies", "magmoms"];
/// Largest number of keys of all sites of a structure. Further ones are not read.
const MAX_KEYS: usize = 64;
/// Prefix of the columns.
const PREFIX: &str = "site_";

/// The values of a key.
#[derive(Debug)]
struct Values {
    key: String,
    /// The number of every site up to the last one that has the key; `None` for a missing value.
    numbers: Vec<Option<f64>>,
    /// Message about the first value that is no number, or about values that are no numbers at all.
    odd: Option<String>,
}

/// Properties of the sites of one structure.
#[derive(Debug, Default)]
pub(super) struct SiteProperties {
    keys: Vec<Values>,
    /// The first key beyond the limit.
    beyond: Option<String>,
}

/// Returns the key of a property of the sites among those of a record: with the prefix `site_`, unless it has it.
pub(super) fn site_key(key: &str) -> Cow<'_, str> {
    if key.starts_with(PREFIX) { Cow::Borrowed(key) } else { Cow::Owned(format!("{PREFIX}{key}")) }
}

/// Returns the column of a key in a store.
pub(super) fn column_of(key: &str) -> String {
    passthrough_column("", &site_key(key))
}

impl SiteProperties {
    /// Removes all values.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.beyond = None;
    }

    /// Reads the properties of a site, counted from 1.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if no object follows.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>, site: usize) -> Result<(), JsonError> {
        cursor.expect(b'{', "the properties of a site")?;
        let mut first = true;
        while let Some(key) = cursor.next_key(&mut first)? {
            let raw = cursor.raw()?;
            self.add(&key.text(), site, PropertyValue::of_scalar(Cursor::new(raw).scalar()?), raw);
        }
        Ok(())
    }

    /// Adds the value of a site, counted from 1, which is written as `raw`.
    pub(super) fn add(&mut self, key: &str, site: usize, value: PropertyValue, raw: &[u8]) {
        let Some(values) = self.of_key(key) else { return };
        values.numbers.resize(site - 1, None);
        match value {
            PropertyValue::Number(number) => values.numbers.push(Some(number)),
            PropertyValue::Missing => values.numbers.push(None),
            _ => {
                values.odd.get_or_insert_with(|| {
                    format!(
                        "{key} of site {site} is {}, no number: taken as missing for all sites",
                        shown(raw)
                    )
                });
            }
        }
    }

    /// Adds the values of all sites, as JSON: a list of numbers, a text with one, or an array of NumPy. `null` and
    /// an empty list are missing.
    pub(super) fn add_list(&mut self, key: &str, raw: &[u8]) {
        if matches!(raw, b"null" | b"[]" | b"\"[]\"") {
            return;
        }
        match array_of(raw, "a list").ok().and_then(|array| list_of_text(&array)) {
            Some(list) => {
                if let Some(values) = self.of_key(key) {
                    values.numbers = list.into_iter().map(Some).collect();
                }
            }
            None => self.refuse(key, raw),
        }
    }

    /// Adds values that are no numbers of the sites.
    pub(super) fn refuse(&mut self, key: &str, raw: &[u8]) {
        if let Some(values) = self.of_key(key) {
            values.odd.get_or_insert_with(|| odd_message(key, raw, "list of numbers"));
        }
    }

    /// Returns the values of a key, which is added if it is new.
    fn of_key(&mut self, key: &str) -> Option<&mut Values> {
        let at = self.keys.iter().position(|values| values.key == key);
        let at = at.or_else(|| {
            if self.keys.len() == MAX_KEYS {
                self.beyond.get_or_insert_with(|| key.to_owned());
                return None;
            }
            self.keys.push(Values { key: key.to_owned(), numbers: Vec::new(), odd: None });
            Some(self.keys.len() - 1)
        })?;
        self.keys.get_mut(at)
    }

    /// Returns all keys, in the order of their first occurrence.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|values| values.key.as_str())
    }

    /// Returns what each key is in this structure: a list, another value, of which a message follows, or missing.
    pub(super) fn contents(&self) -> impl Iterator<Item = (&str, PropertyValue, &str)> {
        self.keys.iter().map(|values| {
            let has_number = values.numbers.iter().any(Option::is_some);
            let value = match &values.odd {
                Some(_) => PropertyValue::Other,
                None if has_number => PropertyValue::List,
                None => PropertyValue::Missing,
            };
            (values.key.as_str(), value, values.odd.as_deref().unwrap_or_default())
        })
    }

    /// Returns a message about keys that were not read, if there are any.
    pub(super) fn beyond(&self) -> Option<String> {
        let key = self.beyond.as_ref()?;
        Some(format!(
            "over {MAX_KEYS} properties of the sites: {} and others are left out",
            shown(key.as_bytes())
        ))
    }

    /// Returns the keys that have a number for any site, in the order of their first occurrence.
    pub(super) fn of_numbers(&self) -> impl Iterator<Item = &str> {
        let has_number = |values: &&Values| values.numbers.iter().any(Option::is_some);
        self.keys.iter().filter(has_number).map(|values| values.key.as_str())
    }

    /// Returns the numbers of a key, one for each site; `None` if no site has a value. A list of more numbers than sites is
    /// returned as it is.
    ///
    /// # Errors
    /// Returns a message about the values if they count as missing: one of them is no number, or a site has none.
    pub(super) fn numbers(&self, key: &str, sites: usize) -> Result<Option<Vec<f64>>, String> {
        let Some(values) = self.keys.iter().find(|values| values.key == key) else { return Ok(None) };
        if let Some(message) = &values.odd {
            return Err(message.clone());
        }
        let numbers: Vec<f64> = values.numbers.iter().flatten().copied().collect();
        match numbers.len() {
            0 => Ok(None),
            found if found >= sites && found == values.numbers.len() => Ok(Some(numbers)),
            found => {
                Err(format!("{key} has a number for {found} of {sites} sites: taken as missing for all"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sites: &[&str]) -> SiteProperties {
        let mut properties = SiteProperties::default();
        for (at, site) in sites.iter().enumerate() {
            properties.read(&mut Cursor::new(site.as_bytes()), at + 1).expect("an object");
        }
        properties
    }

    #[test]
    fn empty_lists_are_missing() {
        let mut found = SiteProperties::default();
        for raw in ["null", "[]", "\"[]\""] {
            found.add_list("magmoms", raw.as_bytes());
            assert_eq!(found.numbers("magmoms", 2), Ok(None), "{raw}");
        }
        found.add_list("magmoms", b"[1, 2]");
        assert_eq!(found.numbers("magmoms", 2), Ok(Some(vec![1.0, 2.0])));
    }

    #[test]
    fn numbers_of_all_sites_are_a_list() {
        let found = read(&[r#"{"magmom": 2.1, "a b": "1"}"#, r#"{"a b": 2, "magmom": -2}"#]);
        assert_eq!(found.of_numbers().collect::<Vec<_>>(), ["magmom", "a b"]);
        assert_eq!(found.numbers("magmom", 2), Ok(Some(vec![2.1, -2.0])));
        assert_eq!(found.numbers("a b", 2), Ok(Some(vec![1.0, 2.0])));
        assert_eq!(found.numbers("charge", 2), Ok(None));
        assert_eq!([column_of("a b"), column_of("site_charge")], ["site_a_b", "site_charge"]);
    }

    #[test]
    fn lists_are_those_of_finite_numbers() {
        let list = |raw: &str| {
            let mut properties = SiteProperties::default();
            properties.add_list("q", raw.as_bytes());
            properties.numbers("q", 2)
        };
        for raw in ["[1, -0.5]", r#""[1, -0.5]""#, r#"{"__ndarray__": [[2], "float64", [1.0, -0.5]]}"#] {
            assert_eq!(list(raw), Ok(Some(vec![1.0, -0.5])), "{raw}");
        }
        assert_eq!(list("null"), Ok(None));
        assert_eq!(list("[1, 2, 3]"), Ok(Some(vec![1.0, 2.0, 3.0])), "told once the crystal is made");
        assert_eq!(list("[1]"), Err("q has a number for 1 of 2 sites: taken as missing for all".to_owned()));
        for raw in ["[1, NaN]", "[1, null]", "[[1], [2]]", "[true, false]", "\"x\"", "1.5", "{}"] {
            let message = list(raw).expect_err(raw);
            assert!(message.ends_with(", no list of numbers: taken as missing"), "{message}");
        }
    }

    #[test]
    fn keys_beyond_the_limit_are_told() {
        let mut properties = SiteProperties::default();
        for at in 0..=MAX_KEYS {
            assert_eq!(properties.beyond(), None);
            properties.add(&format!("k{at}"), 1, PropertyValue::Number(1.0), b"1");
        }
        let message = properties.beyond().expect("one too many");
        assert_eq!(message, "over 64 properties of the sites: k64 and others are left out");
    }

    #[test]
    fn a_site_without_a_number_makes_all_missing() {
        let found = read(&[r#"{"q": 1, "f": [0, 0, 1], "n": null}"#, r#"{"f": 1}"#, r#"{"q": 2}"#]);
        assert_eq!(found.of_numbers().collect::<Vec<_>>(), ["q", "f"]);
        let message = |key| found.numbers(key, 3).expect_err("not all are numbers");
        assert_eq!(message("q"), "q has a number for 2 of 3 sites: taken as missing for all");
        assert_eq!(message("f"), "f of site 1 is [0, 0, 1], no number: taken as missing for all sites");
        assert_eq!(found.numbers("n", 3), Ok(None));
    }
}
