//! The JSON layout of a list: an object of parts, each an object or a list of identifiers.
//!
//! It is read as a stream of keys and not as a map, so that a repeated identifier is found.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{SplitFile, part_of};
use crate::data::SplitPart;

/// Adds the crystals of a text to a list.
pub(super) fn read(text: &str, list: &mut SplitFile) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(Parts { list })?;
    reader.end()
}

/// Returns the message of an error without the line and column at its end.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}

/// Visitor of the object of parts.
struct Parts<'a> {
    list: &'a mut SplitFile,
}

impl<'de> Visitor<'de> for Parts<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of the parts train, val and test")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        while let Some(name) = parts.next_key::<String>()? {
            let part = part_of(&name).map_err(A::Error::custom)?;
            parts.next_value_seed(Part { list: self.list, part })?;
        }
        Ok(())
    }
}

/// Visitor of the identifiers of a part.
struct Part<'a> {
    list: &'a mut SplitFile,
    part: SplitPart,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of identifiers with values, or a list of identifiers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(identifier) = entries.next_key::<String>()? {
            self.list.add(&identifier, self.part).map_err(A::Error::custom)?;
            entries.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut identifiers: A) -> Result<(), A::Error> {
        while let Some(identifier) = identifiers.next_element::<String>()? {
            self.list.add(&identifier, self.part).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
