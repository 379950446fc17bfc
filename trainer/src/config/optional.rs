//! Optional settings in text. A missing value is the word `none`, so that every key can be printed and every default
//! can be switched off.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{F64Deserializer, I64Deserializer, StrDeserializer, U64Deserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, Visitor};
use serde::{Serialize, Serializer};

/// The word for a missing value.
pub(super) const NONE: &str = "none";

/// Writes the value, or [`NONE`].
pub(super) fn serialize<T: Serialize, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_str(NONE),
    }
}

/// Reads a value, or [`NONE`].
pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(Optional(PhantomData))
}

/// Forwards scalars to the expected type.
struct Optional<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Optional<T> {
    type Value = Option<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a value or \"{NONE}\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text == NONE {
            return Ok(None);
        }
        let value: StrDeserializer<'_, E> = text.into_deserializer();
        T::deserialize(value).map(Some)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let value: I64Deserializer<E> = number.into_deserializer();
        T::deserialize(value).map(Some)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let value: U64Deserializer<E> = number.into_deserializer();
        T::deserialize(value).map(Some)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        let value: F64Deserializer<E> = number.into_deserializer();
        T::deserialize(value).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, PartialEq, serde::Serialize, Deserialize)]
    struct Holder {
        #[serde(with = "super")]
        rate: Option<f64>,
        #[serde(with = "super")]
        count: Option<usize>,
    }

    #[test]
    fn values_and_none_round_trip() {
        for (holder, text) in [
            (Holder { rate: Some(0.5), count: None }, "rate = 0.5\ncount = \"none\"\n"),
            (Holder { rate: None, count: Some(7) }, "rate = \"none\"\ncount = 7\n"),
        ] {
            assert_eq!(toml::to_string(&holder).expect("it serialises"), text);
            assert_eq!(toml::from_str::<Holder>(text).expect("it parses"), holder);
        }
    }

    #[test]
    fn a_wrong_type_is_named() {
        let error = toml::from_str::<Holder>("rate = \"fast\"\ncount = 1").expect_err("no number");
        assert_eq!(error.message(), "invalid type: string \"fast\", expected f64");
        let error = toml::from_str::<Holder>("rate = 1\ncount = -1").expect_err("negative");
        assert!(error.message().contains("-1"), "{error}");
        let error = toml::from_str::<Holder>("rate = [1]\ncount = 1").expect_err("an array");
        assert!(error.message().contains("a value or \"none\""), "{error}");
    }
}
