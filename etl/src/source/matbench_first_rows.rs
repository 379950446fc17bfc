//! Kinds of the columns and of the sites' properties, inferred from the first rows.

use crystal::structure::Structure;

use super::json::{Cursor, JsonError};
use super::property_value::{PropertyValue, Reading, list_of_text};
use super::pymatgen::read_with_properties;
use super::site_properties::SiteProperties;

/// Column of the structures. Tasks without it are about compositions.
pub(super) const STRUCTURE_COLUMN: &str = "structure";

/// Kinds of the columns and of the sites' properties, inferred from the first rows.
pub(super) struct FirstRows {
    /// How the values of each column are read, as far as it is known.
    pub(super) readings: Vec<Option<Reading>>,
    /// Keys of the sites' properties that are numbers; `None` before the first structure.
    pub(super) site_keys: Option<Vec<String>>,
}

impl FirstRows {
    /// Creates what is known of these columns before the first row.
    pub(super) fn new(columns: &[String]) -> Self {
        let reading = |column: &String| (column == STRUCTURE_COLUMN).then_some(Reading::StrictNumbers);
        Self { readings: columns.iter().map(reading).collect(), site_keys: None }
    }

    /// Whether further rows tell nothing more.
    pub(super) fn is_enough(&self) -> bool {
        self.site_keys.is_some() && self.readings.iter().all(Option::is_some)
    }

    /// Adds what a row tells. A structure that cannot be read says nothing of the sites.
    ///
    /// # Errors
    /// Returns a [`JsonError`] for a row that is no array of values.
    pub(super) fn see(&mut self, row: &[u8], columns: &[String]) -> Result<(), JsonError> {
        let mut cursor = Cursor::new(row);
        cursor.expect(b'[', "a row")?;
        let mut first = true;
        for (reading, column) in self.readings.iter_mut().zip(columns) {
            if !cursor.next_element(&mut first)? {
                break;
            }
            let raw = cursor.raw()?;
            if column == STRUCTURE_COLUMN && self.site_keys.is_none() {
                let (mut structure, mut found) = (Structure::default(), SiteProperties::default());
                if read_with_properties(&mut Cursor::new(raw), &mut structure, Some(&mut found)).is_ok() {
                    self.site_keys = Some(found.of_numbers().map(str::to_owned).collect());
                }
            }
            if reading.is_none() {
                *reading = match PropertyValue::of_scalar(Cursor::new(raw).scalar()?) {
                    PropertyValue::Missing | PropertyValue::Placeholder => None,
                    PropertyValue::Boolean(_) => Some(Reading::Booleans),
                    _ if list_of_text(raw).is_some() => Some(Reading::SiteNumbers),
                    PropertyValue::Number(_) | PropertyValue::List | PropertyValue::Other => {
                        Some(Reading::StrictNumbers)
                    }
                };
            }
        }
        Ok(())
    }
}
