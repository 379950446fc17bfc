//! Properties of the sites of a structure of pymatgen: `"sites": [{"properties": {"magmom": 2.1, ..}, ..}, ..]`.

use schemas::property::passthrough_column;

use super::json::{Cursor, JsonError};
use super::json_string::JsonString;
use super::odd_values::shown;
use super::property_value::PropertyValue;

/// Largest number of keys of all sites of a structure. Further ones are not read.
const MAX_KEYS: usize = 64;
/// Prefix of the columns.
const PREFIX: &str = "site";

/// The values of a key.
#[derive(Debug)]
struct Values {
    key: String,
    /// The number of every site up to the last one that has the key; `None` for a missing value.
    numbers: Vec<Option<f64>>,
    /// The first site with a value that is no number, counted from 1, and that value as written.
    odd: Option<(usize, String)>,
}

/// Properties of the sites of one structure.
#[derive(Debug, Default)]
pub(super) struct SiteProperties {
    keys: Vec<Values>,
}

/// Returns the column of a key in a store.
pub(super) fn column_of(key: &str) -> String {
    passthrough_column(PREFIX, key)
}

impl SiteProperties {
    /// Removes all values.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
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
            let value = PropertyValue::of_scalar(Cursor::new(raw).scalar()?);
            if let Some(values) = self.of_key(&key) {
                values.numbers.resize(site - 1, None);
                match value {
                    PropertyValue::Number(number) => values.numbers.push(Some(number)),
                    PropertyValue::Missing => values.numbers.push(None),
                    _ => {
                        values.odd.get_or_insert_with(|| (site, shown(raw)));
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the values of a key, which is added if it is new.
    fn of_key(&mut self, key: &JsonString<'_>) -> Option<&mut Values> {
        let key = key.text();
        let at = self.keys.iter().position(|values| values.key == key);
        let at = at.or_else(|| {
            (self.keys.len() < MAX_KEYS).then(|| {
                self.keys.push(Values { key: key.into_owned(), numbers: Vec::new(), odd: None });
                self.keys.len() - 1
            })
        })?;
        self.keys.get_mut(at)
    }

    /// Returns the keys that have a number for any site, in the order of their first occurrence.
    pub(super) fn of_numbers(&self) -> impl Iterator<Item = &str> {
        let has_number = |values: &&Values| values.numbers.iter().any(Option::is_some);
        self.keys.iter().filter(has_number).map(|values| values.key.as_str())
    }

    /// Returns the numbers of a key, one for each site; `None` if no site has a value.
    ///
    /// # Errors
    /// Returns a message about the values if they count as missing: one of them is no number, or a site has none.
    pub(super) fn numbers(&self, key: &str, sites: usize) -> Result<Option<Vec<f64>>, String> {
        let Some(values) = self.keys.iter().find(|values| values.key == key) else { return Ok(None) };
        if let Some((site, odd)) = &values.odd {
            return Err(format!("{key} of site {site} is {odd}, no number: taken as missing for all sites"));
        }
        let numbers: Vec<f64> = values.numbers.iter().flatten().copied().collect();
        match numbers.len() {
            0 => Ok(None),
            found if found == sites => Ok(Some(numbers)),
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
    fn numbers_of_all_sites_are_a_list() {
        let found = read(&[r#"{"magmom": 2.1, "a b": "1"}"#, r#"{"a b": 2, "magmom": -2}"#]);
        assert_eq!(found.of_numbers().collect::<Vec<_>>(), ["magmom", "a b"]);
        assert_eq!(found.numbers("magmom", 2), Ok(Some(vec![2.1, -2.0])));
        assert_eq!(found.numbers("a b", 2), Ok(Some(vec![1.0, 2.0])));
        assert_eq!(found.numbers("charge", 2), Ok(None));
        assert_eq!(column_of("a b"), "site_a_b");
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
